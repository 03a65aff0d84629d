// The node that gives pictures another pixel format. Pure.
import { pictureOf } from "../../media/video/video-data.ts";
import type { PixelFormat, VideoData } from "../../runtime/data.ts";
import { i420ToNv12, reorderPixels } from "../../wasm/pixel-order.ts";
import type { PackedPixelFormat } from "../../wasm/pixel-order.ts";
import { i420ToRgba, rgbaToGray } from "../../wasm/pixels.ts";
import type { NodeFactory } from "../node.ts";
import { bytesOf, checkRaw } from "./raw-video.ts";

/** Parameters of `FormatConvert`. */
export type FormatConvertParams = { target: Exclude<PixelFormat, "encoded"> };

/** Black and white of luma (ITU-R BT.601-7 section 2.5.3, 8 bits). */
const BLACK = 16;
const LUMA_STEPS = 219;

/**
 * Converts pictures between all raw formats; those that have the format already are handed on as they are. YUV is
 * BT.601, limited range. Between RGB24, RGBA and BGRX, from I420 to NV12 and back, and from GRAY8 to RGB nothing is lost.
 * What is besides the colors, an alpha or nothing, becomes 255.
 */
export const formatConvertNode: NodeFactory<FormatConvertParams> = {
  type: "FormatConvert",
  description:
    "Converts pictures between raw formats. YUV is BT.601, limited range; gray is from 0 to 255; an alpha becomes 255.",
  schema: {
    type: "object",
    properties: {
      target: {
        description: "Format of the pictures that come out.",
        type: "string",
        enum: ["I420", "NV12", "RGB24", "RGBA", "BGRX", "GRAY8"],
        default: "I420",
      },
    },
  },
  accepts: ["video"],
  emits: ["video"],
  create: ({ params: { target } }) => ({
    process(input, emit) {
      const { data } = input;
      if (data.type !== "video") return;
      checkRaw(data);
      if (data.format === target) void emit(input);
      else void emit({ ...input, data: { ...data, data: converted(data, target), format: target } });
    },
  }),
};

function converted(video: VideoData, target: FormatConvertParams["target"]): Uint8Array {
  switch (target) {
    case "I420":
      return bytesOf(pictureOf(video).planes);
    case "NV12":
      return i420ToNv12(pictureOf(video));
    case "GRAY8":
      return grayOf(video);
    case "RGB24":
    case "RGBA":
    case "BGRX":
      return packedOf(video, target);
  }
}

function packedOf(video: VideoData, target: PackedPixelFormat): Uint8Array {
  const { data, format } = video;
  if (isPacked(format) || format === "GRAY8") return reorderPixels(data, format, target);
  const clamped = i420ToRgba(pictureOf(video));
  const rgba = new Uint8Array(clamped.buffer, clamped.byteOffset, clamped.length);
  return target === "RGBA" ? rgba : reorderPixels(rgba, "RGBA", target);
}

function grayOf({ data, width, height, format }: VideoData): Uint8Array {
  if (isPacked(format)) return rgbaToGray(format === "RGBA" ? data : reorderPixels(data, format, "RGBA"));
  // Luma comes first in all formats that are left.
  const gray = data.slice(0, width * height);
  const levels = Uint8ClampedArray.from({ length: 256 }, (_, luma) =>
    Math.round(((luma - BLACK) * 255) / LUMA_STEPS),
  );
  for (let i = 0; i < gray.length; i++) gray[i] = levels[gray[i] as number] as number;
  return gray;
}

function isPacked(format: PixelFormat): format is PackedPixelFormat {
  return format === "RGB24" || format === "RGBA" || format === "BGRX";
}
