// RTP payloads of VP8 (RFC 7741) into pieces of frames. Of the descriptor's extensions those are kept by which frames are
// put together; TL0PICIDX, layer sync and key indices are passed over. Never throws.
import type { VideoPayload, VideoPayloadRefusal } from "../video-payload.ts";

const EXTENDED = 0x80; // X
const PARTITION_START = 0x10; // S
const PARTITION = 0x07; // PID
const PICTURE_ID = 0x80; // I
const LAYER_ZERO_INDEX = 0x40; // L
const LAYER = 0x20; // T
const KEY_INDEX = 0x10; // K
const LONG_PICTURE_ID = 0x80; // M

/** Frame tag, start code, width and height (RFC 6386 section 9.1). */
const KEYFRAME_HEADER_BYTES = 10;
const PREDICTED = 0x01; // P, in the first byte of the frame
/** 14 bits of width or height; two bits of scaling are not for the decoder. */
const SIZE = 0x3fff;

/** A {@link Depacketize} for VP8. */
export function depacketizeVp8(payload: Uint8Array, marker: boolean): VideoPayload | VideoPayloadRefusal {
  if (payload.length === 0) return "empty";
  const flags = payload[0] ?? 0;
  let at = 1;
  let pictureId: number | undefined;
  let pictureIdBits: 7 | 15 | undefined;
  let temporalLayer = 0;
  if ((flags & EXTENDED) !== 0) {
    const extensions = payload[at++] ?? 0;
    if ((extensions & PICTURE_ID) !== 0) {
      const first = payload[at++] ?? 0;
      const isLong = (first & LONG_PICTURE_ID) !== 0;
      pictureId = first & ~LONG_PICTURE_ID;
      if (isLong) pictureId = (pictureId << 8) | (payload[at++] ?? 0);
      pictureIdBits = isLong ? 15 : 7;
    }
    if ((extensions & LAYER_ZERO_INDEX) !== 0) at++;
    if ((extensions & (LAYER | KEY_INDEX)) !== 0) {
      const layer = payload[at++] ?? 0;
      if ((extensions & LAYER) !== 0) temporalLayer = layer >> 6;
    }
  }
  if (at > payload.length) return "truncated";
  if (at === payload.length) return "empty";

  const data = payload.subarray(at);
  const isFrameStart = (flags & (PARTITION_START | PARTITION)) === PARTITION_START;
  const isKeyframe = isFrameStart && ((data[0] ?? 0) & PREDICTED) === 0;
  const hasSize = isKeyframe && hasKeyframeHeader(data);
  return {
    pieces: [data],
    isFrameStart,
    isFrameEnd: marker,
    isKeyframe,
    width: hasSize ? sizeAt(data, 6) : undefined,
    height: hasSize ? sizeAt(data, 8) : undefined,
    pictureId,
    pictureIdBits,
    references: undefined,
    temporalLayer,
    spatialLayer: 0,
  };
}

/** Whether size and start code are there, and the size is one. */
function hasKeyframeHeader(data: Uint8Array): boolean {
  if (data.length < KEYFRAME_HEADER_BYTES) return false;
  const hasStartCode = data[3] === 0x9d && data[4] === 0x01 && data[5] === 0x2a;
  return hasStartCode && sizeAt(data, 6) > 0 && sizeAt(data, 8) > 0;
}

function sizeAt(data: Uint8Array, at: number): number {
  return ((data[at] ?? 0) | ((data[at + 1] ?? 0) << 8)) & SIZE;
}
