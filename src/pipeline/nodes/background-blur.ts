// A node that blurs what a program's own segmenter does not take for the foreground. A door: segmenters may take their
// time.
import { TransportError } from "../../errors/errors.ts";
import type { I420Picture } from "../../platform/video-codecs.ts";
import type { NodeFactory } from "../node.ts";
import { BLUR_PROPERTIES, blurAround, planeMasks } from "./masked-blur.ts";
import type { BlurMask, BlurParams } from "./masked-blur.ts";
import { rawPictureOf, videoWith } from "./raw-video.ts";

/** What a segmenter gives: a byte for each pixel of the picture, or a mask of another size. */
export type Segmentation = Uint8Array | BlurMask;

/** What {@link backgroundBlurNode} takes. */
export interface BackgroundBlurOptions {
  /** As manifests say it, e.g. `BackgroundBlur`. */
  readonly type: string;
  /**
   * Says what stays sharp: 255 as it was, 0 blurred, in between a part of both. It only reads the picture, and not after
   * it has answered. The next picture waits for it; what it throws is the error of this picture alone.
   */
  readonly segment: (picture: I420Picture) => Segmentation | Promise<Segmentation>;
}

/**
 * A node type that blurs pictures but for what `segment` finds in each of them. Parameters are `radius` and `method`, as
 * of `VideoBlur`. Pictures of any raw format become I420. What is no mask of the picture is `INVALID_DATA`.
 *
 * @example
 * registry.register(
 *   backgroundBlurNode({ type: "BackgroundBlur", segment: (picture) => model.personIn(picture) }),
 * );
 */
export function backgroundBlurNode({ type, segment }: BackgroundBlurOptions): NodeFactory<BlurParams> {
  return {
    type,
    description:
      "Blurs pictures but for what a segmenter finds in them. Pictures of any raw format become I420.",
    schema: { type: "object", properties: BLUR_PROPERTIES },
    accepts: ["video"],
    emits: ["video"],
    create: ({ params }) => ({
      async process(input, emit, signal) {
        const { data } = input;
        if (data.type !== "video") return;
        const picture = rawPictureOf(data);
        const mask = maskIn(await segment(picture), picture);
        // Nobody waits for it any more.
        if (signal.aborted) return;
        const masks = planeMasks(mask, picture.width, picture.height);
        await emit({ ...input, data: videoWith(data, blurAround(picture, params, masks)) });
      },
    }),
  };
}

function maskIn(segmentation: unknown, { width, height }: I420Picture): BlurMask {
  const mask = segmentation instanceof Uint8Array ? { data: segmentation, width, height } : segmentation;
  if (isMask(mask)) return mask;
  const whole = `${width * height} bytes, one for each pixel`;
  throw new TransportError("INVALID_DATA", `segment: expected ${whole}, or a mask {data, width, height}`);
}

function isMask(mask: unknown): mask is BlurMask {
  const { data, width, height } = (mask ?? {}) as Record<keyof BlurMask, unknown>;
  const isSized = Number.isInteger(width) && Number.isInteger(height);
  if (!isSized || !(data instanceof Uint8Array)) return false;
  return data.length > 0 && data.length === Number(width) * Number(height);
}
