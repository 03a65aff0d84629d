// Scripts that travel inside the bundle: as Blob URLs they need no file beside it and no help from a bundler.

const urls = new Map<string, string>();

/** A URL under which `source` can be loaded as a worker or worklet; the same one for the same source. */
export function inlineScriptUrl(source: string): string {
  // Kept for the life of the page: a worklet or worker may be loaded from it again at any time.
  const url = urls.get(source) ?? URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  urls.set(source, url);
  return url;
}
