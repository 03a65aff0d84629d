// Scaling that takes whole samples: hard edges stay hard. Pure.
import type { I420Picture } from "../../platform/video-codecs.ts";

/** A picture in another size; each sample is the one of the source that lies nearest to its center. Fresh planes. */
export function nearestPicture({ width, height, planes }: I420Picture, to: Size): I420Picture {
  const from = { width, height };
  const [y, u, v] = planes;
  return {
    width: to.width,
    height: to.height,
    planes: [
      nearestPlane(y, from, to),
      nearestPlane(u, chromaOf(from), chromaOf(to)),
      nearestPlane(v, chromaOf(from), chromaOf(to)),
    ],
  };
}

interface Size {
  readonly width: number;
  readonly height: number;
}

function nearestPlane(plane: Uint8Array, from: Size, to: Size): Uint8Array {
  const columns = nearest(from.width, to.width);
  const rows = nearest(from.height, to.height);
  const target = new Uint8Array(to.width * to.height);
  let at = 0;
  let before = -1;
  for (const row of rows) {
    if (row === before) {
      target.copyWithin(at, at - to.width, at);
      at += to.width;
      continue;
    }
    const start = row * from.width;
    for (let x = 0; x < columns.length; x++) target[at++] = plane[start + (columns[x] as number)] as number;
    before = row;
  }
  return target;
}

/** For each of `to` samples the one of `from` in which its center lies. */
function nearest(from: number, to: number): Uint32Array {
  return Uint32Array.from({ length: to }, (_, i) => Math.floor(((2 * i + 1) * from) / (2 * to)));
}

function chromaOf({ width, height }: Size): Size {
  return { width: (width + 1) >> 1, height: (height + 1) >> 1 };
}
