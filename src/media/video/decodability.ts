// Which frames of a stream may be decoded: those whose references have all been handed out. Numbers only.
import type { VideoPayload } from "../../rtp/video-payload.ts";

/** What the payload that begins a frame says of its place among the others. */
export type FrameReferences = Pick<VideoPayload, "pictureId" | "pictureIdBits" | "references">;

/** Pictures remembered: references reach 127 back (RFC 9628 section 4.2, P_DIFF). A power of two. */
const REACH = 128;

/** A step between pictures of which nothing is known: no reference reaches across. */
const UNKNOWN_STEP = 2 * REACH;

/** A frame refers to the one before unless it says otherwise. */
const THE_ONE_BEFORE: readonly number[] = [1];

/** Numbers the frames of one stream in their order, and remembers which were handed out. */
export class Decodability {
  readonly #decoded = new Float64Array(REACH).fill(-1);
  /** Of the last frame. */
  #number = 0;
  #pictureId: number | undefined;
  #pictureIdBits: number | undefined;
  #started = false;

  /** Whether a keyframe has been handed out since the beginning, or since the decoder failed. */
  get started(): boolean {
    return this.#started;
  }

  /**
   * Whether the next frame may be decoded.
   * @param lostPackets sequence numbers without a packet, or with one of a broken frame, since the last frame
   */
  allows(frame: FrameReferences, isKeyframe: boolean, lostPackets: number): boolean {
    if (isKeyframe) return true;
    if (!this.#started) return false;
    const number = this.#numberOf(frame, lostPackets);
    const references = frame.pictureId === undefined ? THE_ONE_BEFORE : (frame.references ?? THE_ONE_BEFORE);
    for (const back of references) {
      if (back < 1 || this.#decoded[(number - back) & (REACH - 1)] !== number - back) return false;
    }
    return true;
  }

  /** The next frame is whole; it has been handed out, or dropped. Parameters as in {@link allows}. */
  pass(frame: FrameReferences, isKeyframe: boolean, lostPackets: number, handedOut: boolean): void {
    this.#number = this.#numberOf(frame, lostPackets);
    this.#pictureId = frame.pictureId;
    this.#pictureIdBits = frame.pictureIdBits;
    if (!handedOut) return;
    if (isKeyframe) {
      this.#decoded.fill(-1);
      this.#started = true;
    }
    this.#decoded[this.#number & (REACH - 1)] = this.#number;
  }

  /** Nothing that was handed out can be referred to any more. */
  fail(): void {
    this.#decoded.fill(-1);
    this.#started = false;
  }

  /**
   * Picture ids show frames missing that nobody missed packets of, and that lost packets held no frame. They are trusted
   * as long as fewer packets are lost than would take them once around their circle.
   */
  #numberOf({ pictureId, pictureIdBits = 15 }: FrameReferences, lostPackets: number): number {
    const before = this.#pictureId;
    if (pictureId === undefined && before === undefined) return this.#number + (lostPackets === 0 ? 1 : 2);
    const mask = 2 ** pictureIdBits - 1;
    const isKnown = pictureId !== undefined && before !== undefined && pictureIdBits === this.#pictureIdBits;
    if (!isKnown || lostPackets >= mask) return this.#number + UNKNOWN_STEP;
    return this.#number + ((pictureId - before - 1) & mask) + 1;
  }
}
