// The video of one peer: a lane whose frames are ordered and told apart by their RTP timestamps. Coded frames need each
// other, so none that is new is dropped: where the buffer would, they leave at once. Reads no clock.
import type { InsertStatus, JitterBufferStatistics } from "../wasm/jitter-buffer.ts";
import { HurriedFrames } from "./hurried-frames.ts";
import { MediaLane } from "./media-lane.ts";
import type { LaneOptions } from "./media-lane.ts";
import type { ReceivedVideoFrame } from "./sync-types.ts";
import { VideoOrder } from "./video-order.ts";

/** Frames over which `averageDelayMs` goes, as in the buffer. */
const DELAYS = 10;

/** A timestamp that leaps by more, ms, is no reason to hurry: the buffer doubts it. */
const DOUBT_MS = 1000;

/** A lane and the numbers that its frames do not have. */
export class VideoLane {
  readonly lane: MediaLane<ReceivedVideoFrame>;
  readonly #order = new VideoOrder();
  readonly #hurried = new HurriedFrames();
  readonly #atOnce: boolean;
  readonly #maxDelayMs: number;
  /** Of the frames popped last. The buffer does not know them when frames leave before they are due. */
  readonly #delays = new Float64Array(DELAYS);
  #popped = 0;
  /** Frames the buffer has counted as late that left nevertheless; and those that were lost here. */
  #spared = 0;
  #overruns = 0;

  /** @throws TransportError as `MediaLane` */
  constructor(options: Omit<LaneOptions, "media">) {
    this.#atOnce = options.config.release === "inOrder";
    this.#maxDelayMs = options.config.maxJitterBufferMs;
    this.lane = new MediaLane({ ...options, media: "video" });
  }

  /** Frames held by reference. */
  get held(): number {
    return this.lane.held + this.#hurried.length;
  }

  /** As `MediaLane.nextDueMs`. */
  get nextDueMs(): number {
    return Math.min(this.#hurried.dueMs, this.lane.nextDueMs);
  }

  /** Take a frame in. @returns see `MediaLane.insert` */
  insert(frame: ReceivedVideoFrame): InsertStatus {
    const { rtpTimestamp, format } = frame;
    const isCoded = format === "encoded";
    if (this.#hurried.overtook(rtpTimestamp)) return "late";
    if (isCoded) this.#makeRoom(rtpTimestamp);
    const isNew = !this.#order.hasPassed(rtpTimestamp);
    const number = this.#order.numberOf(rtpTimestamp);
    const status = this.lane.insert(frame, number);
    if (status === "buffered") this.#order.keep(rtpTimestamp, number);
    else if (status === "reset") {
      this.#order.restart(rtpTimestamp, number);
      this.#dropHurried();
    } else if (status === "suspect") {
      this.#order.doubt(rtpTimestamp, number);
      // If the next frame agrees with it, the buffer drops what waits.
      if (isCoded) while (this.#hurry());
    } else if (status === "late" && isCoded && isNew) {
      this.#spared++;
      while (this.#precedes(rtpTimestamp) && this.#hurry());
      this.#add(frame);
      return "buffered";
    }
    return status;
  }

  /** The frame whose turn it is; its facts stand in the fields of the lane. */
  pop(nowMs: number): ReceivedVideoFrame | undefined {
    const hurried = this.#hurried.take();
    const frame = hurried ?? this.lane.pop(nowMs);
    if (frame === undefined) return undefined;
    if (hurried !== undefined) this.lane.present(hurried, nowMs);
    else {
      this.#order.take(frame.rtpTimestamp);
      this.#hurried.settle();
    }
    this.#delays[this.#popped++ % DELAYS] = this.lane.bufferDelayMs;
    return frame;
  }

  /** Counters of the buffer, whose gaps mean nothing: nobody says which frames there should be. */
  statistics(): JitterBufferStatistics {
    const buffer = this.lane.statistics();
    const statistics = {
      ...buffer,
      lostFrames: 0,
      estimatedLossRate: 0,
      currentFrames: buffer.currentFrames + this.#hurried.length,
      latePacketCount: buffer.latePacketCount - this.#spared,
      bufferOverrunCount: buffer.bufferOverrunCount + this.#overruns,
    };
    const remembered = Math.min(this.#popped, DELAYS);
    if (!this.#atOnce || remembered === 0) return Object.freeze(statistics);
    const delays = this.#delays.subarray(0, remembered);
    const averageDelayMs = delays.reduce((sum, delayMs) => sum + delayMs, 0) / remembered;
    return Object.freeze({ ...statistics, averageDelayMs, currentDelayMs: this.lane.bufferDelayMs });
  }

  /** Give the memory back. Idempotent. */
  close(): void {
    this.lane.close();
    this.#hurried.clear();
  }

  /** See `MediaLane.reset`. */
  reset(): void {
    this.lane.reset();
    this.#order.reset();
    this.#dropHurried();
  }

  /** The buffer holds no more than its longest delay: with this frame in it, what is older leaves at once. */
  #makeRoom(timestamp: number): void {
    for (;;) {
      const { oldest } = this.#order;
      if (oldest === undefined) return;
      const spanMs = (((timestamp - oldest) | 0) * 1000) / this.lane.clockRate;
      if (spanMs <= this.#maxDelayMs || spanMs > this.#maxDelayMs + DOUBT_MS || !this.#hurry()) return;
    }
  }

  /** What is known of their capture has been forgotten. */
  #dropHurried(): void {
    this.#overruns += this.#hurried.length;
    this.#hurried.clear();
  }

  #precedes(timestamp: number): boolean {
    const { oldest } = this.#order;
    return oldest !== undefined && ((timestamp - oldest) | 0) > 0;
  }

  /** The first frame that waits leaves at once. @returns whether there was one */
  #hurry(): boolean {
    const frame = this.lane.pull();
    if (frame === undefined) return false;
    this.#order.take(frame.rtpTimestamp);
    this.#add(frame);
    return true;
  }

  #add(frame: ReceivedVideoFrame): void {
    if (!this.#hurried.add(frame)) this.#overruns++;
  }
}
