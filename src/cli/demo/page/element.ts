// Finds the elements that the page must have.

/** The element of this id. @throws Error when the page has none: then page and script are not of one build */
export function element<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no element "${id}"`);
  return found as T;
}
