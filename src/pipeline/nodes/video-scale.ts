// The node that gives pictures another size. Pure.
import { scalePicture } from "../../wasm/plane-scale.ts";
import type { NodeFactory } from "../node.ts";
import { nearestPicture } from "./nearest-scale.ts";
import { rawPictureOf, videoWith } from "./raw-video.ts";

/** Parameters of `VideoScale`. */
export type VideoScaleParams = {
  width: number;
  height: number;
  keepAspect: boolean;
  filter: "bilinear" | "nearest";
};

/** The largest even side that codecs can say. */
const MAX_SIDE = 16_382;

/**
 * Scales pictures up or down to a size, or with `keepAspect` to the largest even one inside of it. Sides are those of
 * the data, before any rotation, which is kept. Pictures of any raw format become I420.
 *
 * It has no thread of its own: scaling takes a millisecond or two, no more than handing the picture over would.
 */
export const videoScaleNode: NodeFactory<VideoScaleParams> = {
  type: "VideoScale",
  description:
    "Scales pictures up or down to the size asked for. Sides are those of the data, before any rotation. Pictures of any raw format become I420.",
  schema: {
    type: "object",
    properties: {
      width: side("Width, pixels, even.", 1280),
      height: side("Height, pixels, even.", 720),
      keepAspect: {
        description:
          "Scale to the largest size of the same aspect, to even sides, that fits into width and height.",
        type: "boolean",
        default: true,
      },
      filter: {
        description:
          "bilinear: a side that grows is interpolated, one that shrinks is averaged; nearest: samples as they are, with hard edges.",
        type: "string",
        enum: ["bilinear", "nearest"],
        default: "bilinear",
      },
    },
  },
  accepts: ["video"],
  emits: ["video"],
  create: ({ params }) => ({
    process(input, emit) {
      const { data } = input;
      if (data.type !== "video") return;
      const picture = rawPictureOf(data);
      const { width, height } = params.keepAspect ? inside(data, params) : params;
      if (data.format === "I420" && data.width === width && data.height === height) {
        void emit(input);
        return;
      }
      const scaled =
        params.filter === "nearest"
          ? nearestPicture(picture, { width, height })
          : scalePicture(picture, width, height);
      void emit({ ...input, data: videoWith(data, scaled) });
    },
  }),
};

interface Size {
  readonly width: number;
  readonly height: number;
}

/** The largest even size of the aspect of a picture inside of another size. */
function inside({ width, height }: Size, within: Size): Size {
  const scale = Math.min(within.width / width, within.height / height);
  const even = (length: number, most: number): number =>
    Math.min(most, Math.max(2, 2 * Math.round((length * scale) / 2)));
  return { width: even(width, within.width), height: even(height, within.height) };
}

function side(description: string, length: number) {
  return {
    description,
    type: "integer",
    minimum: 2,
    maximum: MAX_SIDE,
    multipleOf: 2,
    default: length,
  } as const;
}
