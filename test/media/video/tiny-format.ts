// A payload format of a few bytes that can say, or leave out, all that the formats of real codecs do.
import type {
  CodedFrame,
  VideoPacketizer,
  VideoPayload,
  VideoPayloadRefusal,
} from "../../../src/rtp/video-payload.ts";
import { joined } from "../../rtp/coded-frames.ts";
import { fromTheOneBefore, layerOf } from "./chained-frames.ts";
import type { Prediction } from "./chained-frames.ts";

const START = 1;
const START_UNTOLD = 2;
const KEYFRAME = 4;
const PICTURE_ID = 8;
const REFERENCES = 16;
const SIZE = 32;
const HEADER_BYTES = 9;

/** What is said of one payload; the rest is left out. */
export interface TinyFields {
  isFrameStart?: boolean | undefined;
  isKeyframe?: boolean;
  pictureId?: number;
  references?: readonly number[];
  temporalLayer?: number;
  size?: readonly [width: number, height: number];
  data?: Uint8Array;
}

export function tinyPayload(fields: TinyFields): Uint8Array {
  const { isFrameStart, isKeyframe, pictureId, references, size, data = Uint8Array.of(7) } = fields;
  const flags =
    (isFrameStart === true ? START : 0) |
    (isFrameStart === undefined ? START_UNTOLD : 0) |
    (isKeyframe === true ? KEYFRAME : 0) |
    (pictureId === undefined ? 0 : PICTURE_ID) |
    (references === undefined ? 0 : REFERENCES) |
    (size === undefined ? 0 : SIZE);
  const id = pictureId ?? 0;
  const [width, height] = size ?? [0, 0];
  const header = [flags, (id >> 8) & 0x7f, id & 0xff, fields.temporalLayer ?? 0];
  header.push(width >> 8, width & 0xff, height >> 8, height & 0xff, references?.length ?? 0);
  return joined([Uint8Array.from([...header, ...(references ?? [])]), data]);
}

/** The frame ends with the marker. */
export function depacketizeTiny(payload: Uint8Array, marker: boolean): VideoPayload | VideoPayloadRefusal {
  const byte = (index: number): number => payload[index] ?? 0;
  const flags = byte(0);
  const end = HEADER_BYTES + byte(8);
  if (payload.length < end) return "truncated";
  if (payload.length === end) return "empty";
  const hasId = (flags & PICTURE_ID) !== 0;
  const hasSize = (flags & SIZE) !== 0;
  return {
    pieces: [payload.subarray(end)],
    isFrameStart: (flags & START_UNTOLD) !== 0 ? undefined : (flags & START) !== 0,
    isFrameEnd: marker,
    isKeyframe: (flags & KEYFRAME) !== 0,
    width: hasSize ? (byte(4) << 8) | byte(5) : undefined,
    height: hasSize ? (byte(6) << 8) | byte(7) : undefined,
    pictureId: hasId ? (byte(1) << 8) | byte(2) : undefined,
    pictureIdBits: hasId ? 15 : undefined,
    references: (flags & REFERENCES) !== 0 ? [...payload.subarray(HEADER_BYTES, end)] : undefined,
    temporalLayer: byte(3),
    spatialLayer: 0,
  };
}

/** Cuts frames that tell everything, those of layers included. */
export class TinyPacketizer implements VideoPacketizer {
  readonly #prediction: Prediction | undefined;
  #pictureId: number;
  #place = 0;

  /** @param prediction undefined: references are not told */
  constructor(firstPictureId: number, prediction?: Prediction) {
    this.#pictureId = firstPictureId;
    this.#prediction = prediction;
  }

  packetize({ data, isKeyframe, width, height }: CodedFrame, maxBytes: number): Uint8Array[] {
    this.#place = isKeyframe ? 0 : this.#place + 1;
    const isLayered = this.#prediction !== undefined && this.#prediction !== fromTheOneBefore;
    const told: TinyFields = { pictureId: this.#pictureId++ & 0x7fff };
    if (isLayered) told.temporalLayer = layerOf(this.#place);
    if (this.#prediction !== undefined) told.references = isKeyframe ? [] : this.#prediction(this.#place);
    if (isKeyframe) told.size = [width, height];
    const payloads: Uint8Array[] = [];
    for (let at = 0; at < data.length; at += maxBytes) {
      const isFrameStart = at === 0;
      const piece = data.subarray(at, at + maxBytes);
      payloads.push(
        tinyPayload({ ...told, isFrameStart, isKeyframe: isKeyframe && isFrameStart, data: piece }),
      );
    }
    return payloads;
  }
}
