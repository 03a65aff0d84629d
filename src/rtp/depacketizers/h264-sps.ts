// The size of the picture in a sequence parameter set (ITU-T H.264 section 7.3.2.1.1), with what is cropped taken off.
// Everything in front of it has to be read, as its fields have no fixed place. Never throws; bounded by the bytes.
import { BitReader } from "../bit-reader.ts";

/** Pixels. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** Profiles that tell of color format, depth and scaling. */
const PROFILES_WITH_COLOR = new Set([44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244]);

const MONOCHROME = 0;
const CHROMA_420 = 1;
const CHROMA_444 = 3;
const MACROBLOCK = 16;
/** Longest list of offsets that a picture order count of type 1 may have. */
const MAX_OFFSETS = 255;
/** No level of the standard allows longer sides. */
const MAX_SIDE = 0xffff;

/**
 * Read the size.
 *
 * @param unit the NAL unit, header included, without start code
 * @returns undefined when it is cut off or contradicts itself
 */
export function readSpsSize(unit: Uint8Array): PictureSize | undefined {
  const reader = new BitReader(withoutEmulationPrevention(unit.subarray(1)));
  const profile = reader.bits(8);
  reader.bits(16); // constraints, level_idc
  reader.unsigned(); // seq_parameter_set_id
  const chroma = PROFILES_WITH_COLOR.has(profile) ? readChroma(reader) : CHROMA_420;
  reader.unsigned(); // log2_max_frame_num_minus4
  skipPictureOrder(reader);
  reader.unsigned(); // max_num_ref_frames
  reader.flag(); // gaps_in_frame_num_value_allowed_flag
  const columns = reader.unsigned() + 1;
  const rows = reader.unsigned() + 1;
  const framesOnly = reader.flag();
  if (!framesOnly) reader.flag(); // mb_adaptive_frame_field_flag
  reader.flag(); // direct_8x8_inference_flag
  // Cropping counts in samples of the coarser plane, and of fields where there are fields.
  const stepX = chroma === MONOCHROME || chroma === CHROMA_444 ? 1 : 2;
  const stepY = (chroma === CHROMA_420 ? 2 : 1) * (framesOnly ? 1 : 2);
  let cropX = 0;
  let cropY = 0;
  if (reader.flag()) {
    cropX = (reader.unsigned() + reader.unsigned()) * stepX;
    cropY = (reader.unsigned() + reader.unsigned()) * stepY;
  }
  const width = columns * MACROBLOCK - cropX;
  const height = rows * MACROBLOCK * (framesOnly ? 1 : 2) - cropY;
  if (reader.broken || width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE) return undefined;
  return { width, height };
}

/** Read color format, depth and scaling. Returns the format, monochrome also where planes are coded apart. */
function readChroma(reader: BitReader): number {
  let chroma = reader.unsigned();
  if (chroma === CHROMA_444 && reader.flag()) chroma = MONOCHROME;
  reader.unsigned(); // bit_depth_luma_minus8
  reader.unsigned(); // bit_depth_chroma_minus8
  reader.flag(); // qpprime_y_zero_transform_bypass_flag
  if (!reader.flag()) return chroma;
  const lists = chroma === CHROMA_444 ? 12 : 8;
  for (let list = 0; list < lists; list++) if (reader.flag()) skipScalingList(reader, list < 6 ? 16 : 64);
  return chroma;
}

/** Section 7.3.2.1.1.1: the list ends where the next scale is 0. */
function skipScalingList(reader: BitReader, length: number): void {
  let scale = 8;
  for (let index = 0; index < length && scale !== 0; index++) scale = (scale + reader.signed() + 256) & 0xff;
}

function skipPictureOrder(reader: BitReader): void {
  const type = reader.unsigned();
  if (type === 0) reader.unsigned(); // log2_max_pic_order_cnt_lsb_minus4
  if (type !== 1) return;
  reader.flag(); // delta_pic_order_always_zero_flag
  reader.signed(); // offset_for_non_ref_pic
  reader.signed(); // offset_for_top_to_bottom_field
  const offsets = Math.min(reader.unsigned(), MAX_OFFSETS);
  for (let index = 0; index < offsets; index++) reader.signed();
}

/** The bytes without each three that follows two zeros (emulation_prevention_three_byte, section 7.4.1). */
function withoutEmulationPrevention(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length);
  let length = 0;
  let zeros = 0;
  for (const byte of bytes) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    out[length++] = byte;
  }
  return out.subarray(0, length);
}
