// Text that travels compressed inside the package.

/**
 * Unpack what the build has packed.
 *
 * @param packed gzip (RFC 1952) of UTF-8, in base64
 * @throws Error (as rejection) where the runtime has no DecompressionStream, or for other text
 */
export async function inflateText(packed: string): Promise<string> {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}
