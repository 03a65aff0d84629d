// abs-capture-time in session descriptions (RFC 8285 section 5): its name, and the id under which a section maps it, as
// other extensions are mapped too. Pure; shared by all platforms.

/** https://webrtc.googlesource.com/src/+/refs/heads/main/docs/native-code/rtp-hdrext/abs-capture-time */
export const CAPTURE_TIME_URI = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";

/** The id in our own offers; any from 1 to 14 will do. */
export const OFFERED_CAPTURE_TIME_ID = 3;

/** Largest id of the one-byte form (RFC 8285 section 4.2), which every endpoint reads. */
const MAX_ONE_BYTE_ID = 14;

/** Id, direction and name; what follows the name are attributes, which ours have none of. */
const EXTMAP_PATTERN = /^([1-9]\d{0,4})(?:\/(sendrecv|sendonly|recvonly|inactive))? (\S+)(?: .*)?$/;

/**
 * The id of abs-capture-time in a section.
 *
 * @param extmaps values of the section's `a=extmap` attributes, as they came
 * @returns 1 to 14; 0 when the extension is not mapped, not for both directions, beyond the one-byte form, or under an
 *   id that is not its own
 */
export function captureTimeIdOf(extmaps: readonly string[]): number {
  return extensionIdOf(extmaps, CAPTURE_TIME_URI);
}

/** The same for the extension called `uri`. */
export function extensionIdOf(extmaps: readonly string[], uri: string): number {
  const mapped = extmaps.map((value) => EXTMAP_PATTERN.exec(value)).filter((match) => match !== null);
  const own = mapped.find(([, , direction = "sendrecv", name]) => name === uri && direction === "sendrecv");
  const id = Number(own?.[1] ?? 0);
  if (id > MAX_ONE_BYTE_ID) return 0;
  return mapped.filter((match) => Number(match[1]) === id).length === 1 ? id : 0;
}

/**
 * The line that maps it, without line end.
 * @param id 1 to 14
 */
export function captureTimeLine(id: number): string {
  return `a=extmap:${id} ${CAPTURE_TIME_URI}`;
}
