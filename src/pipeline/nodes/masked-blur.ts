// Pictures that are blurred but for what a mask keeps sharp. Pure.
import type { I420Picture } from "../../platform/video-codecs.ts";
import type { BlurMethod } from "../../wasm/plane-blur.ts";
import { blurPicture } from "../../wasm/plane-blur.ts";
import { mixPlanes } from "../../wasm/plane-mix.ts";
import { scalePlane } from "../../wasm/plane-scale.ts";
import type { ParamProperty } from "../node.ts";

/** Parameters of nodes that blur. */
export type BlurParams = {
  radius: number;
  method: BlurMethod;
};

/** Schema of {@link BlurParams}. */
export const BLUR_PROPERTIES = {
  radius: {
    description: "How far it reaches, pixels; half of it for color, which has half the pixels.",
    type: "integer",
    minimum: 1,
    maximum: 64,
    default: 8,
  },
  method: {
    description:
      "box: the mean of the square of 2 * radius + 1 pixels; gaussian: softer, a standard deviation of about radius / 2, up to three times the work.",
    type: "string",
    enum: ["box", "gaussian"],
    default: "box",
  },
} as const satisfies Record<string, ParamProperty>;

/** How sharp each pixel stays: 255 as it was, 0 blurred, in between a part of both. Rows without gaps. */
export interface BlurMask {
  readonly data: Uint8Array;
  /** Pixels; another size than the picture's is scaled to it. */
  readonly width: number;
  readonly height: number;
}

/** A mask in the sizes of the planes of a picture. */
export interface PlaneMasks {
  readonly width: number;
  readonly height: number;
  readonly luma: Uint8Array;
  readonly chroma: Uint8Array;
}

/** A mask for pictures of a size. */
export function planeMasks(mask: BlurMask, width: number, height: number): PlaneMasks {
  const chroma = { width: (width + 1) >> 1, height: (height + 1) >> 1 };
  return {
    width,
    height,
    luma: scalePlane(mask.data, mask, { width, height }),
    chroma: scalePlane(mask.data, mask, chroma),
  };
}

/** A picture blurred, all of it where there is no mask. Fresh planes. */
export function blurAround(
  picture: I420Picture,
  { radius, method }: BlurParams,
  masks?: PlaneMasks,
): I420Picture {
  const blurred = blurPicture(picture, radius, method);
  if (masks === undefined) return blurred;
  const [y, u, v] = picture.planes;
  const [blurredY, blurredU, blurredV] = blurred.planes;
  return {
    ...blurred,
    planes: [
      mixPlanes(y, blurredY, masks.luma),
      mixPlanes(u, blurredU, masks.chroma),
      mixPlanes(v, blurredV, masks.chroma),
    ],
  };
}
