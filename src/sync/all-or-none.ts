// Two things that hold memory, or neither: what has been made is given back when the other cannot be made. Pure.

/** Something that holds memory until it is closed. */
export interface Closable {
  close(): void;
}

/**
 * Make both.
 * @throws whatever one of them throws; then the memory of the first has been given back
 */
export function allOrNone<First extends Closable, Second>(
  makeFirst: () => First,
  makeSecond: () => Second,
): [First, Second] {
  const first = makeFirst();
  try {
    return [first, makeSecond()];
  } catch (error) {
    first.close();
    throw error;
  }
}
