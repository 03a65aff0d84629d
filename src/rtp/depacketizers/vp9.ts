// RTP payloads of VP9 (RFC 9628) into pieces of frames. Where there are spatial layers, the frame is the picture: its
// layers come one after the other, and only the marker ends it.
import type { VideoPayload, VideoPayloadRefusal } from "../video-payload.ts";
import { readVp9Descriptor } from "./vp9-descriptor.ts";
import type { Vp9Descriptor } from "./vp9-descriptor.ts";
import { readVp9FrameHeader } from "./vp9-frame-header.ts";

const NO_REFERENCES: readonly number[] = [];

/** A {@link Depacketize} for VP9. The descriptor tells of references and size; the frame's own header is asked next. */
export function depacketizeVp9(payload: Uint8Array, marker: boolean): VideoPayload | VideoPayloadRefusal {
  if (payload.length === 0) return "empty";
  const descriptor = readVp9Descriptor(payload);
  if (typeof descriptor === "string") return descriptor;
  if (descriptor.length === payload.length) return "empty";
  const data = payload.subarray(descriptor.length);
  const { predicted, spatialLayer, layered } = descriptor;

  let { width, height } = descriptor;
  let isKeyframe = descriptor.beginsFrame && !predicted && spatialLayer === 0;
  if (isKeyframe) {
    // Of frames that stand alone not all let a decoder begin: intra-only ones leave the other references as they are.
    const header = readVp9FrameHeader(data);
    isKeyframe = header?.isKeyframe !== false;
    if (width === 0 || height === 0) {
      width = header?.width ?? 0;
      height = header?.height ?? 0;
    }
  }
  const hasSize = width > 0 && height > 0;
  return {
    pieces: [data],
    isFrameStart: startsFrame(descriptor),
    isFrameEnd: marker || (descriptor.endsFrame && !layered),
    isKeyframe,
    width: hasSize ? width : undefined,
    height: hasSize ? height : undefined,
    pictureId: descriptor.pictureId,
    pictureIdBits: descriptor.pictureIdBits,
    references: predicted ? descriptor.references : NO_REFERENCES,
    temporalLayer: descriptor.temporalLayer,
    spatialLayer,
  };
}

/** An upper layer begins a picture only if the lower ones were not sent, which its own descriptor does not tell. */
function startsFrame({ beginsFrame, spatialLayer }: Vp9Descriptor): boolean | undefined {
  if (!beginsFrame) return false;
  return spatialLayer === 0 ? true : undefined;
}
