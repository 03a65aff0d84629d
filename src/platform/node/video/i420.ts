// The layout of a picture on its way between threads: the three planes of I420 in one piece, rows without gaps.
import type { I420Picture } from "../../video-codecs.ts";

/** Bytes of a picture; chroma of an odd side is rounded up. */
export function i420Bytes(width: number, height: number): number {
  return width * height + 2 * chroma(width) * chroma(height);
}

/** Half a side, rounded up: columns or rows of U and V. */
export function chroma(side: number): number {
  return (side + 1) >> 1;
}

/** Views of the planes of a picture; nothing is copied. */
export function i420Planes<Memory extends ArrayBufferLike>(
  memory: Memory,
  width: number,
  height: number,
): [Uint8Array<Memory>, Uint8Array<Memory>, Uint8Array<Memory>] {
  const luma = width * height;
  const part = chroma(width) * chroma(height);
  return [
    new Uint8Array(memory, 0, luma),
    new Uint8Array(memory, luma, part),
    new Uint8Array(memory, luma + part, part),
  ];
}

/** Whether the planes are as long as its size says. */
export function isI420({ width, height, planes }: I420Picture): boolean {
  const part = chroma(width) * chroma(height);
  return planes[0].length === width * height && planes[1].length === part && planes[2].length === part;
}
