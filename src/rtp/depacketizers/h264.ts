// RTP payloads of H.264 in packetization modes 0 and 1 (RFC 6184 section 5) into pieces of an Annex B byte stream: single
// NAL units, STAP-A and FU-A. Those of the interleaved mode are refused. Never throws.
import { NAL, NAL_TYPE } from "../nal-units.ts";
import type { VideoPayload, VideoPayloadRefusal } from "../video-payload.ts";
import { readSpsSize } from "./h264-sps.ts";
import type { PictureSize } from "./h264-sps.ts";

const FRAGMENT_START = 0x80; // S, in the second byte of FU-A
const FU_HEADER_BYTES = 2;
const STAP_LENGTH_BYTES = 2;

/** In front of every NAL unit. The same array in every frame, and nobody's to write to. */
const START_CODE = Uint8Array.of(0, 0, 0, 1);

/**
 * A {@link Depacketize} for H.264. A keyframe has an IDR slice or a sequence parameter set; the latter tells the size. Where
 * a frame begins is known only of a payload in the middle of a NAL unit, and of one that begins with a delimiter.
 */
export function depacketizeH264(payload: Uint8Array, marker: boolean): VideoPayload | VideoPayloadRefusal {
  if (payload.length === 0) return "empty";
  const type = (payload[0] ?? 0) & NAL_TYPE;
  if (type === NAL.stapA) return aggregated(payload, marker);
  if (type === NAL.fuA) return fragment(payload, marker);
  return isUnit(type) ? frameOf([payload], marker) : "reserved";
}

/** Whether a NAL unit may have this type; the others are payloads of some form, or nothing. */
function isUnit(type: number): boolean {
  return type > 0 && type <= NAL.lastUnit;
}

/** NAL units, each behind its length (section 5.7.1). */
function aggregated(payload: Uint8Array, marker: boolean): VideoPayload | VideoPayloadRefusal {
  const units: Uint8Array[] = [];
  let at = 1;
  while (at < payload.length) {
    const begin = at + STAP_LENGTH_BYTES;
    const end = begin + (((payload[at] ?? 0) << 8) | (payload[at + 1] ?? 0));
    // A length of 0 leaves no room for the unit's own header.
    if (end > payload.length || end === begin) return "truncated";
    if (!isUnit((payload[begin] ?? 0) & NAL_TYPE)) return "reserved";
    units.push(payload.subarray(begin, end));
    at = end;
  }
  return units.length === 0 ? "empty" : frameOf(units, marker);
}

/** Whole NAL units. */
function frameOf(units: readonly Uint8Array[], marker: boolean): VideoPayload {
  const pieces: Uint8Array[] = [];
  let isKeyframe = false;
  let size: PictureSize | undefined;
  for (const unit of units) {
    const type = (unit[0] ?? 0) & NAL_TYPE;
    if (type === NAL.idr || type === NAL.sps) isKeyframe = true;
    if (type === NAL.sps) size = readSpsSize(unit) ?? size;
    pieces.push(START_CODE, unit);
  }
  const first = (units[0]?.[0] ?? 0) & NAL_TYPE;
  return videoPayload(pieces, first === NAL.accessUnitDelimiter ? true : undefined, marker, isKeyframe, size);
}

/** A part of a NAL unit (section 5.8). The unit's header is in those of the fragments. */
function fragment(payload: Uint8Array, marker: boolean): VideoPayload | VideoPayloadRefusal {
  if (payload.length < FU_HEADER_BYTES) return "truncated";
  if (payload.length === FU_HEADER_BYTES) return "empty";
  const indicator = payload[0] ?? 0;
  const header = payload[1] ?? 0;
  const type = header & NAL_TYPE;
  if (!isUnit(type)) return "reserved";
  const data = payload.subarray(FU_HEADER_BYTES);
  if ((header & FRAGMENT_START) === 0) return videoPayload([data], false, marker, false, undefined);
  const start = Uint8Array.of(0, 0, 0, 1, (indicator & ~NAL_TYPE) | type);
  const isKeyframe = type === NAL.idr || type === NAL.sps;
  return videoPayload([start, data], undefined, marker, isKeyframe, undefined);
}

function videoPayload(
  pieces: readonly Uint8Array[],
  isFrameStart: boolean | undefined,
  isFrameEnd: boolean,
  isKeyframe: boolean,
  size: PictureSize | undefined,
): VideoPayload {
  return {
    pieces,
    isFrameStart,
    isFrameEnd,
    isKeyframe,
    width: size?.width,
    height: size?.height,
    pictureId: undefined,
    pictureIdBits: undefined,
    references: undefined,
    temporalLayer: 0,
    spatialLayer: 0,
  };
}
