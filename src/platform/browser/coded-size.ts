// Reads the size of the picture out of a keyframe, for browsers whose metadata do not tell it. Pure; never throws.
import type { VideoCodecName } from "../video-codecs.ts";

/** Pixels. */
export interface PictureSize {
  width: number;
  height: number;
}

/** @returns undefined when `data` is no keyframe that is understood */
export function codedSize(codec: VideoCodecName, data: Uint8Array): PictureSize | undefined {
  const size = codec === "VP9" ? vp9Size(data) : codec === "VP8" ? vp8Size(data) : h264Size(data);
  return size !== undefined && size.width > 0 && size.height > 0 ? size : undefined;
}

/** RFC 6386 section 9.1: a tag of three bytes, the start code, 14 bits each under two of scaling. */
function vp8Size(data: Uint8Array): PictureSize | undefined {
  const [tag = 1, , , a, b, c, width0 = 0, width1 = 0, height0 = 0, height1 = 0] = data;
  if ((tag & 1) !== 0 || a !== 0x9d || b !== 0x01 || c !== 0x2a) return undefined;
  return { width: ((width1 << 8) | width0) & 0x3fff, height: ((height1 << 8) | height0) & 0x3fff };
}

/** VP9 Bitstream and Decoding Process Specification, sections 6.2 and 7.2, profile 0. */
function vp9Size(data: Uint8Array): PictureSize | undefined {
  const bits = new Bits(data);
  const isProfile0 = bits.read(2) === 2 && bits.read(2) === 0;
  const isShownAgain = bits.read(1) === 1;
  const isDelta = bits.read(1) === 1;
  if (!isProfile0 || isShownAgain || isDelta) return undefined;
  bits.read(2); // shown, error resilient
  if (bits.read(24) !== 0x49_83_42) return undefined;
  const colorSpace = bits.read(3);
  if (colorSpace === 7) return undefined; // RGB has no place in profile 0
  bits.read(1); // full range
  return { width: bits.read(16) + 1, height: bits.read(16) + 1 };
}

/** ITU-T H.264 section 7.3.2.1.1, for profiles without chroma formats (baseline, main, extended). */
function h264Size(data: Uint8Array): PictureSize | undefined {
  const unit = sequenceParameters(data);
  const profile = unit?.[1];
  if (unit === undefined || (profile !== 66 && profile !== 77 && profile !== 88)) return undefined;
  const bits = new Bits(unit.subarray(4));
  bits.readGolomb(); // seq_parameter_set_id
  bits.readGolomb(); // log2_max_frame_num_minus4
  const order = bits.readGolomb();
  if (order === 0) bits.readGolomb();
  else if (order === 1) {
    bits.read(1);
    bits.readGolomb();
    bits.readGolomb();
    for (let left = Math.min(bits.readGolomb(), 255); left > 0; left--) bits.readGolomb();
  }
  bits.readGolomb(); // max_num_ref_frames
  bits.read(1); // gaps_in_frame_num_value_allowed_flag
  const columns = bits.readGolomb() + 1;
  const rows = bits.readGolomb() + 1;
  const fields = 2 - bits.read(1);
  if (fields === 2) bits.read(1);
  bits.read(1); // direct_8x8_inference_flag
  const crop = bits.read(1) === 1 ? [0, 0, 0, 0].map(() => bits.readGolomb()) : [];
  const [left = 0, right = 0, top = 0, bottom = 0] = crop;
  if (bits.exhausted) return undefined;
  return {
    width: columns * 16 - 2 * (left + right),
    height: fields * (rows * 16 - 2 * (top + bottom)),
  };
}

/** The first sequence parameter set of an Annex B stream, without emulation prevention. */
function sequenceParameters(data: Uint8Array): Uint8Array | undefined {
  for (let at = 0; at + 3 < data.length; at++) {
    const isStart = data[at] === 0 && data[at + 1] === 0 && data[at + 2] === 1;
    if (!isStart || ((data[at + 3] ?? 0) & 0x1f) !== 7) continue;
    const bytes: number[] = [];
    for (let read = at + 3; read < data.length; read++) {
      const byte = data[read] ?? 0;
      const zeros = data[read - 1] === 0 && data[read - 2] === 0 && read >= at + 5;
      if (zeros && byte === 1) break;
      if (!(zeros && byte === 3)) bytes.push(byte);
    }
    return Uint8Array.from(bytes);
  }
  return undefined;
}

/** Bits from the top of each byte down; zeros beyond the end. */
class Bits {
  readonly #data: Uint8Array;
  #at = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  get exhausted(): boolean {
    return this.#at > this.#data.length * 8;
  }

  /** @param count up to 32 */
  read(count: number): number {
    let value = 0;
    for (let left = count; left > 0; left--, this.#at++) {
      value = value * 2 + (((this.#data[this.#at >> 3] ?? 0) >> (7 - (this.#at & 7))) & 1);
    }
    return value;
  }

  /** ue(v) (ITU-T H.264 section 9.1). */
  readGolomb(): number {
    let zeros = 0;
    while (zeros < 32 && this.read(1) === 0) zeros++;
    return 2 ** zeros - 1 + this.read(zeros);
  }
}
