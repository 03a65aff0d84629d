// The video of one peer: a lane whose frames are ordered and told apart by their RTP timestamps. Reads no clock.
import type { InsertStatus, JitterBufferStatistics } from "../wasm/jitter-buffer.ts";
import { MediaLane } from "./media-lane.ts";
import type { LaneOptions } from "./media-lane.ts";
import type { ReceivedVideoFrame } from "./sync-types.ts";
import { VideoOrder } from "./video-order.ts";

/** Frames over which `averageDelayMs` goes, as in the buffer. */
const DELAYS = 10;

/** A lane and the numbers that its frames do not have. */
export class VideoLane {
  readonly lane: MediaLane<ReceivedVideoFrame>;
  readonly #order = new VideoOrder();
  readonly #atOnce: boolean;
  /** Of the frames popped last. The buffer does not know them when frames leave before they are due. */
  readonly #delays = new Float64Array(DELAYS);
  #popped = 0;

  /** @throws TransportError as `MediaLane` */
  constructor(options: Omit<LaneOptions, "media">) {
    this.#atOnce = options.config.release === "inOrder";
    this.lane = new MediaLane({ ...options, media: "video" });
  }

  /** Take a frame in. @returns see `MediaLane.insert` */
  insert(frame: ReceivedVideoFrame): InsertStatus {
    const { rtpTimestamp } = frame;
    const number = this.#order.numberOf(rtpTimestamp);
    const status = this.lane.insert(frame, number);
    if (status === "buffered") this.#order.keep(rtpTimestamp, number);
    else if (status === "suspect") this.#order.doubt(rtpTimestamp, number);
    else if (status === "reset") this.#order.restart(rtpTimestamp, number);
    return status;
  }

  /** The frame whose turn it is; its facts stand in the fields of the lane. */
  pop(nowMs: number): ReceivedVideoFrame | undefined {
    const frame = this.lane.pop(nowMs);
    if (frame === undefined) return undefined;
    this.#order.take(frame.rtpTimestamp);
    this.#delays[this.#popped++ % DELAYS] = this.lane.bufferDelayMs;
    return frame;
  }

  /** Counters of the buffer, whose gaps mean nothing: nobody says which frames there should be. */
  statistics(): JitterBufferStatistics {
    const statistics = { ...this.lane.statistics(), lostFrames: 0, estimatedLossRate: 0 };
    const remembered = Math.min(this.#popped, DELAYS);
    if (!this.#atOnce || remembered === 0) return Object.freeze(statistics);
    const delays = this.#delays.subarray(0, remembered);
    const averageDelayMs = delays.reduce((sum, delayMs) => sum + delayMs, 0) / remembered;
    return Object.freeze({ ...statistics, averageDelayMs, currentDelayMs: this.lane.bufferDelayMs });
  }

  /** Give the memory back. Idempotent. */
  close(): void {
    this.lane.close();
  }

  /** See `MediaLane.reset`. */
  reset(): void {
    this.lane.reset();
    this.#order.reset();
  }
}
