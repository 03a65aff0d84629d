// Puts the planes of a picture one after the other, as browsers take them, turned on the way if need be. Pure.
import { TransportError } from "../../errors/errors.ts";
import type { I420Picture } from "../video-codecs.ts";

/** Degrees clockwise. */
export type Rotation = 0 | 90 | 180 | 270;

/** A picture in one piece: Y, U, V, rows without gaps. */
export interface PackedPicture {
  data: Uint8Array<ArrayBuffer>;
  width: number;
  height: number;
}

/**
 * Copy a picture into `memory`, which is replaced when it is too small.
 * @throws TransportError `INVALID_DATA` when planes and size do not fit
 */
export function packPicture(
  { width, height, planes }: I420Picture,
  rotation: Rotation,
  memory: Uint8Array<ArrayBuffer>,
): PackedPicture {
  const [columns, rows] = [(width + 1) >> 1, (height + 1) >> 1];
  const sizes = [width * height, columns * rows, columns * rows];
  const fits = width > 0 && height > 0 && sizes.every((size, index) => planes[index]?.length === size);
  if (!fits || !Number.isInteger(width) || !Number.isInteger(height)) {
    throw new TransportError(
      "INVALID_DATA",
      `picture: its planes are not those of ${width}x${height} pixels`,
    );
  }
  const length = width * height + 2 * columns * rows;
  const data = memory.length >= length ? memory.subarray(0, length) : new Uint8Array(length);
  let at = 0;
  planes.forEach((plane, index) => {
    const target = data.subarray(at, at + plane.length);
    if (rotation === 0) target.set(plane);
    else turn(plane, index === 0 ? width : columns, index === 0 ? height : rows, rotation, target);
    at += plane.length;
  });
  const upright = rotation === 0 || rotation === 180;
  return { data, width: upright ? width : height, height: upright ? height : width };
}

/** Turn a plane clockwise, by a quarter, a half or three quarters. */
function turn(from: Uint8Array, columns: number, rows: number, rotation: Rotation, to: Uint8Array): void {
  // Where the pixel of the first row and column goes, and how far its neighbors to the right and below are from it.
  const [start, right, below] =
    rotation === 90
      ? [rows - 1, rows, -1]
      : rotation === 180
        ? [columns * rows - 1, -1, -columns]
        : [(columns - 1) * rows, -rows, 1];
  let read = 0;
  for (let row = 0; row < rows; row++) {
    let write = start + row * below;
    for (let column = 0; column < columns; column++, write += right) to[write] = from[read++] ?? 0;
  }
}
