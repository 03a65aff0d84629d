// The first fields of a VP9 frame's uncompressed header (VP9 bitstream specification, section 6.2): whether it is a
// keyframe, and how large. Never throws.
import { BitReader } from "../bit-reader.ts";

/** What the header tells. */
export interface Vp9FrameHeader {
  readonly isKeyframe: boolean;
  /** Pixels; of other frames than keyframes 0, as theirs may be that of a frame before. */
  readonly width: number;
  readonly height: number;
}

const FRAME_MARKER = 2;
const SYNC_CODE = 0x498342;
const COLOR_SPACE_RGB = 7;
const NOT_A_KEYFRAME: Vp9FrameHeader = { isKeyframe: false, width: 0, height: 0 };

/**
 * Read the header at the beginning of a frame.
 *
 * @param bytes the frame, or its first bytes: 10 are always enough
 * @returns undefined when this is none, or too short to say
 */
export function readVp9FrameHeader(bytes: Uint8Array): Vp9FrameHeader | undefined {
  const reader = new BitReader(bytes);
  if (reader.bits(2) !== FRAME_MARKER) return undefined;
  const profile = reader.bits(1) + 2 * reader.bits(1);
  if (profile === 3 && reader.flag()) return undefined;
  const showsOldFrame = reader.flag();
  const isKeyframe = !showsOldFrame && !reader.flag();
  if (!isKeyframe) return reader.broken ? undefined : NOT_A_KEYFRAME;
  reader.bits(2); // show_frame, error_resilient_mode
  if (reader.bits(24) !== SYNC_CODE) return undefined;
  skipColors(reader, profile);
  const width = reader.bits(16) + 1;
  const height = reader.bits(16) + 1;
  return reader.broken ? undefined : { isKeyframe, width, height };
}

/** color_config, section 6.2.2. */
function skipColors(reader: BitReader, profile: number): void {
  const hasSubsampling = profile === 1 || profile === 3;
  if (profile >= 2) reader.bits(1); // ten_or_twelve_bit
  if (reader.bits(3) !== COLOR_SPACE_RGB) reader.bits(hasSubsampling ? 4 : 1);
  else if (hasSubsampling) reader.bits(1);
}
