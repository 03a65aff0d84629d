// The size and the direction in which a picture is sent. Pure.
import type { I420Picture } from "../../platform/video-codecs.ts";
import type { Rotation } from "../../runtime/data.ts";
import { emptyPlanes } from "../../wasm/pixels.ts";

/** Pixels. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/**
 * The size in which a picture fits into another one, which lies on its side where the picture does: its own if that
 * fits, else one of the same aspect with even sides.
 */
export function fitInto({ width, height }: PictureSize, largest: PictureSize): PictureSize {
  const long = Math.max(largest.width, largest.height);
  const short = Math.min(largest.width, largest.height);
  const [maxWidth, maxHeight] = width >= height ? [long, short] : [short, long];
  const scale = Math.min(maxWidth / width, maxHeight / height);
  if (scale >= 1) return { width, height };
  return { width: even(width * scale, maxWidth), height: even(height * scale, maxHeight) };
}

/** A picture turned clockwise; itself when there is nothing to turn. */
export function turned(picture: I420Picture, rotation: Rotation): I420Picture {
  if (rotation === 0) return picture;
  const { width, height, planes } = picture;
  const [newWidth, newHeight] = rotation === 180 ? [width, height] : [height, width];
  const target = emptyPlanes(newWidth, newHeight);
  const chroma = { width: (width + 1) >> 1, height: (height + 1) >> 1 };
  turnPlane(planes[0], { width, height }, target[0], rotation);
  turnPlane(planes[1], chroma, target[1], rotation);
  turnPlane(planes[2], chroma, target[2], rotation);
  return { width: newWidth, height: newHeight, planes: target };
}

function even(side: number, most: number): number {
  return Math.min(most & ~1, Math.max(2, 2 * Math.round(side / 2)));
}

function turnPlane(plane: Uint8Array, size: PictureSize, target: Uint8Array, rotation: 90 | 180 | 270): void {
  const { width, height } = size;
  // Where the first sample goes, and how far apart its neighbours to the right and below lie then.
  const [first, right, below] = {
    90: [height - 1, height, -1],
    180: [width * height - 1, -1, -width],
    270: [(width - 1) * height, -height, 1],
  }[rotation] as [number, number, number];
  let from = 0;
  for (let row = 0; row < height; row++) {
    let to = first + row * below;
    for (let column = 0; column < width; column++) {
      target[to] = plane[from++] as number;
      to += right;
    }
  }
}
