// VP9 frames into RTP payloads (RFC 9628 section 4.2): non-flexible mode, one layer, each frame predicted from the one
// before. Keyframes tell their size.
import type { CodedFrame, VideoPacketizer } from "../video-payload.ts";
import { cutEvenly } from "./fragments.ts";
import { PictureIds } from "./picture-ids.ts";

const PICTURE_ID = 0x80; // I
const PREDICTED = 0x40; // P
const FRAME_BEGIN = 0x08; // B
const FRAME_END = 0x04; // E
const STRUCTURE = 0x02; // V
/** Not used by upper layers, as there are none. */
const NO_UPPER_LAYER = 0x01; // Z

/** Y and G of the scalability structure: one size follows, then one group of pictures. */
const SIZE_AND_GROUP = 0x18;
/** N_G, then T = 0, U = 1, R = 1 and P_DIFF = 1: the group is one picture, predicted from the one before. */
const GROUP = [0x01, 0x14, 0x01];

/** Cuts the frames of one stream. */
export class Vp9Packetizer implements VideoPacketizer {
  readonly #pictureIds: PictureIds;

  /** @param firstPictureId cut to 15 bits */
  constructor(firstPictureId: number) {
    this.#pictureIds = new PictureIds(firstPictureId);
  }

  packetize(frame: CodedFrame, maxBytes: number): Uint8Array[] {
    const { data, isKeyframe, width, height } = frame;
    if (data.length === 0) return [];
    const [high, low] = this.#pictureIds.next();
    const flags = PICTURE_ID | NO_UPPER_LAYER | (isKeyframe ? 0 : PREDICTED);
    const first = [flags | FRAME_BEGIN, high, low];
    if (isKeyframe) {
      first[0] = flags | FRAME_BEGIN | STRUCTURE;
      first.push(SIZE_AND_GROUP, width >> 8, width & 0xff, height >> 8, height & 0xff);
      first.push(...GROUP);
    }
    const payloads = cutEvenly(data, first, [flags, high, low], maxBytes);
    const last = payloads[payloads.length - 1];
    if (last !== undefined) last[0] = (last[0] ?? 0) | FRAME_END;
    return payloads;
  }
}
