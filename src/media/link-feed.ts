// One link fed by audio sources that take turns: each counts its frames from a beginning of its own, and the link must
// hear one unbroken line of time. Sends nothing itself.
import type { LaneFrame } from "./audio-lane.ts";

const TICKS_PER_US = 48_000 / 1_000_000;

/** A frame that steps back by more than this, ticks (200 ms), belongs to another series of stamps. */
const MAX_OVERLAP_TICKS = 9_600;

/** Steps of unstamped frames up to this, ticks (100 ms), are the program's unevenness. */
const ARRIVAL_TOLERANCE_TICKS = 4_800;

/** What takes frames; a link's media. */
export interface FrameSink {
  /** At which level the link takes media; undefined while it takes none. */
  readonly level: "packet" | "frame" | "track" | undefined;
  /** Loss that the other side reports, 0 to 1. */
  readonly remotePacketLossRate: number;
  /**
   * Send a frame. One whose position is not behind the last one sent is left out and counted.
   *
   * @param payload the frame encoded, for links that take packets; undefined when nothing need be sent
   */
  transmit(frame: LaneFrame<unknown>, payload: Uint8Array | undefined): void;
}

/** The turns of one link. The input made last has the link from its first frame on; the others are too late then. */
export class LinkFeed {
  readonly sink: FrameSink;
  readonly #frameTicks: number;
  #inputs = 0;
  /** Number of the input that sends. */
  #turn = 0;
  /** Where the last frame ends: in positions of the link, and in the capture time that stands for them. */
  #end: { position: number; captureUs: number } | undefined;

  /** @param frameMs length of every frame */
  constructor(sink: FrameSink, frameMs: number) {
    this.sink = sink;
    this.#frameTicks = frameMs * 48;
  }

  /** The next source's way to the link. */
  input(): FrameSink {
    const { sink } = this;
    const number = ++this.#inputs;
    let place: Place | undefined;
    return {
      get level() {
        return sink.level;
      },
      get remotePacketLossRate() {
        return sink.remotePacketLossRate;
      },
      transmit: (frame, payload) => {
        // What it has left belongs to a time that the link has passed.
        if (number < this.#turn) return;
        this.#turn = number;
        place ??= this.#place(frame);
        const position = frame.position + place.offset;
        // A source on its own time base goes through as it is: most links never change theirs.
        sink.transmit(place.offset === 0 ? frame : { ...frame, position }, payload);
        const end = position + this.#frameTicks;
        if (end <= (this.#end?.position ?? -Infinity)) return;
        const captureUs = frame.captureUs + place.shiftUs + this.#frameTicks / TICKS_PER_US;
        this.#end = { position: end, captureUs };
      },
    };
  }

  /** What brings the frames of a source to their place behind the last of the source before. */
  #place({ position, captureUs, stamped }: LaneFrame<unknown>): Place {
    const end = this.#end;
    if (end === undefined) return { offset: 0, shiftUs: 0 };
    const step = Math.round((captureUs - end.captureUs) * TICKS_PER_US);
    const contiguous = end.position - position;
    if (stamped && step < -MAX_OVERLAP_TICKS) return { offset: contiguous, shiftUs: 0 };
    // Stamps may be inaccurate by a little. By a frame, they say that it was sent already or that one is missing.
    const tolerance = stamped ? this.#frameTicks / 2 : ARRIVAL_TOLERANCE_TICKS;
    if (Math.abs(step) >= tolerance) return { offset: contiguous + step, shiftUs: 0 };
    // The shift adds up from source to source until it is no tolerance any more, lest the link run away from real time.
    return { offset: contiguous, shiftUs: end.captureUs - captureUs };
  }
}

/** How a source's frames become the link's. */
interface Place {
  /** Added to positions, ticks. */
  readonly offset: number;
  /** Added to capture times to get those that the positions stand for, us. */
  readonly shiftUs: number;
}
