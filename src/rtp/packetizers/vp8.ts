// VP8 frames into RTP payloads (RFC 7741 section 4.2). The partitions of a frame are not told apart: all is said to be
// partition 0, as by every sender whose packets end anywhere.
import type { CodedFrame, VideoPacketizer } from "../video-payload.ts";
import { cutEvenly } from "./fragments.ts";
import { PictureIds } from "./picture-ids.ts";

const EXTENDED = 0x80; // X
const PARTITION_START = 0x10; // S
const PICTURE_ID = 0x80; // I, in the second byte

/** Cuts the frames of one stream. */
export class Vp8Packetizer implements VideoPacketizer {
  readonly #pictureIds: PictureIds;

  /** @param firstPictureId cut to 15 bits */
  constructor(firstPictureId: number) {
    this.#pictureIds = new PictureIds(firstPictureId);
  }

  packetize({ data }: CodedFrame, maxBytes: number): Uint8Array[] {
    if (data.length === 0) return [];
    const [high, low] = this.#pictureIds.next();
    const first = [EXTENDED | PARTITION_START, PICTURE_ID, high, low];
    return cutEvenly(data, first, [EXTENDED, PICTURE_ID, high, low], maxBytes);
  }
}
