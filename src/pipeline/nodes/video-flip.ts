// The node that mirrors pictures. Pure.
import type { I420Picture } from "../../platform/video-codecs.ts";
import type { NodeFactory } from "../node.ts";
import { rawPictureOf, videoWith } from "./raw-video.ts";

/** Parameters of `VideoFlip`. */
export type VideoFlipParams = { direction: "horizontal" | "vertical" | "both" };

/**
 * Mirrors pictures as who watches them sees them: where they are to be turned by 90 or 270 degrees first, what lies in
 * the data changes along its other axis. Pictures of any raw format become I420.
 */
export const videoFlipNode: NodeFactory<VideoFlipParams> = {
  type: "VideoFlip",
  description:
    "Mirrors pictures as they are seen, which takes their rotation into account. Pictures of any raw format become I420.",
  schema: {
    type: "object",
    properties: {
      direction: {
        description: "horizontal: left and right change places; vertical: top and bottom; both: a half turn.",
        type: "string",
        enum: ["horizontal", "vertical", "both"],
        default: "horizontal",
      },
    },
  },
  accepts: ["video"],
  emits: ["video"],
  create: ({ params: { direction } }) => ({
    process(input, emit) {
      const { data } = input;
      if (data.type !== "video") return;
      const picture = rawPictureOf(data);
      const isLying = data.rotation === 90 || data.rotation === 270;
      const alongRows = direction === "both" || (direction === "horizontal") !== isLying;
      const alongColumns = direction === "both" || (direction === "vertical") !== isLying;
      void emit({ ...input, data: videoWith(data, flipped(picture, alongRows, alongColumns)) });
    },
  }),
};

function flipped({ width, height, planes }: I420Picture, rows: boolean, columns: boolean): I420Picture {
  const [y, u, v] = planes;
  const chromaWidth = (width + 1) >> 1;
  return {
    width,
    height,
    planes: [
      flippedPlane(y, width, rows, columns),
      flippedPlane(u, chromaWidth, rows, columns),
      flippedPlane(v, chromaWidth, rows, columns),
    ],
  };
}

// Engines copy and turn bytes as fast as a kernel would, which needs copies besides.
function flippedPlane(plane: Uint8Array, width: number, rows: boolean, columns: boolean): Uint8Array {
  // All bytes in reverse are both at once.
  if (rows && columns) return plane.slice().reverse();
  const target = plane.slice();
  for (let start = 0; start < plane.length; start += width) {
    const row = target.subarray(start, start + width);
    if (rows) row.reverse();
    else row.set(plane.subarray(plane.length - start - width, plane.length - start));
  }
  return target;
}
