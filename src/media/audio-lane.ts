// One outgoing stream of audio: blocks of any length, rate and channels become frames of 48 kHz samples, each with
// its place on the RTP clock, leaving at an even pace. Encodes nothing, sends nothing, reads no clock.
import type { Machine } from "../runtime/machine.ts";
import { takeSamples } from "../runtime/sample-buffers.ts";
import { fadeOut } from "./fade.ts";
import { Resampler } from "./resampler.ts";

/** Samples a second of every frame, and ticks a second of the RTP clock (RFC 7587 section 4.1). */
const CLOCK_RATE = 48_000;

const TICKS_PER_MS = CLOCK_RATE / 1000;
const TICKS_PER_US = CLOCK_RATE / 1_000_000;

/** How much audio may wait to leave, ms; further sends wait for room. */
const MAX_QUEUED_MS = 200;

/** Sends that may wait for room before further ones are refused. */
const MAX_WAITING_SENDS = 1024;

/** A stamped block this far from its expected time, ms, is a gap and no inaccurate stamp. */
const STAMP_TOLERANCE_MS = 30;

/** An unstamped block this late, ms, follows a pause and no busy event loop. */
const ARRIVAL_TOLERANCE_MS = 100;

/** A frame this late, ms, still counts on its old schedule, so that those behind it can catch up. */
const CATCH_UP_MS = 100;

/** How much faster than real time the schedule runs: more than program clocks are off, less than anyone hears. */
const PACE_LEAD = 500e-6;

/**
 * How much faster the schedule runs while frames of a program in real time are queued, as they are after its event
 * loop stood still: 200 ms are gone in 5 s, and receivers follow at up to 5 %.
 */
const BACKLOG_LEAD = 0.04;

/** A frame that lacks samples this long after they were expected, ms, is filled up with silence. */
const TAIL_WAIT_MS = 30;

/** Share of a block's time error by which the capture clock follows it. */
const SKEW_GAIN = 1 / 16;

/** Most that the capture clock follows, as a share of time: more than clocks differ, less than a program is slow. */
const MAX_SKEW_RATE = 2_000e-6;

/** A 48 kHz frame with its place in time. */
export interface LaneFrame<Targets> {
  /** Ticks of the stream's RTP clock, counted on without wrap; contiguous but for pauses. */
  position: number;
  /** Unix microseconds at which the first sample was captured. */
  captureUs: number;
  /** Whether the program said so, and not the time of its send. */
  stamped: boolean;
  /** Interleaved, one frame long. */
  samples: Float32Array;
  /** As given with the youngest samples in it. */
  targets: Targets;
}

/** A block handed in. */
export interface LaneBlock<Targets> {
  type: "send";
  /** Comes back in `accepted` or `refused`. */
  id: number;
  /** Interleaved; must not change until the block is accepted. */
  samples: Float32Array;
  sampleRate: number;
  channels: 1 | 2;
  /** Unix microseconds of the first sample; undefined: it plays as soon as it can. */
  timestampUs: number | undefined;
  targets: Targets;
}

/** A block, or the order to drop what has not left but for its first `fadeMs`, which are faded out. */
export type LaneInput<Targets> = LaneBlock<Targets> | { type: "flush"; fadeMs: number };

/** What a flush has done. */
export interface LaneFlushed {
  type: "flushed";
  /** Capture time, Unix microseconds, at which what has left or is fading ends; null when nothing was ever sent. */
  sentUntilUs: number | null;
  /** Audio that was handed in and will not leave, ms; the fading part does. */
  droppedMs: number;
}

/** What an {@link AudioLane} says: a frame is due, a block is taken, too many wait, or nothing is left to send. */
export type LaneOutput<Targets> =
  | { type: "frame"; frame: LaneFrame<Targets> }
  | { type: "accepted"; id: number }
  | { type: "refused"; id: number }
  | { type: "empty" }
  | LaneFlushed;

/** Options of an {@link AudioLane}. */
export interface LaneOptions {
  channels: 1 | 2;
  frameMs: number;
  /** Wall clock minus local clock, ms. */
  wallOffsetMs: number;
  /** Local ms before which no frame leaves that could wait, e.g. because another lane still sends to the same place. */
  startMs?: number;
}

/** The machine of one outgoing stream; `Targets` is passed through unread. */
export class AudioLane<Targets> implements Machine<LaneInput<Targets>, LaneOutput<Targets>> {
  readonly #channels: 1 | 2;
  readonly #frameMs: number;
  readonly #frameTicks: number;
  readonly #wallOffsetMs: number;
  readonly #startMs: number;
  readonly #outputs: LaneOutput<Targets>[] = [];
  readonly #queue: LaneFrame<Targets>[] = [];
  readonly #waiting: { block: LaneBlock<Targets>; taken: number }[] = [];
  #resampler: Resampler | undefined;
  /** Whether the resampler is within a stretch of sound. */
  #resampling = false;
  #partial: Float32Array;
  #partialTicks = 0;
  #targets: Targets | undefined;
  #stamped = false;
  /** Position of the next sample to be written; undefined before the first block. */
  #position: number | undefined;
  /** Capture time of a position minus the position, us. */
  #skewUs = 0;
  /** When the frame at the head of the queue may leave, ms. */
  #dueMs: number;
  /** When the partial frame is filled up with silence, ms. */
  #tailMs = Infinity;
  /** Capture time at which what has left ends. */
  #sentUntilUs: number | null = null;
  /** The same as a flush has told it; undefined once something has been taken since. */
  #flushedUntilUs: number | null | undefined;
  /** Whether something was handed in since the lane was last empty. */
  #busy = false;

  constructor(options: LaneOptions) {
    this.#channels = options.channels;
    this.#frameMs = options.frameMs;
    this.#frameTicks = options.frameMs * TICKS_PER_MS;
    this.#wallOffsetMs = options.wallOffsetMs;
    this.#startMs = options.startMs ?? -Infinity;
    this.#dueMs = this.#startMs;
    this.#partial = new Float32Array(this.#frameTicks * this.#channels);
  }

  get deadlineMs(): number {
    return Math.min(this.#headDueMs, this.#tailMs);
  }

  /** Audio taken and not yet sent, ms. */
  get queuedMs(): number {
    return this.#queue.length * this.#frameMs + this.#partialTicks / TICKS_PER_MS;
  }

  /** Whether everything that was handed in has left. */
  get empty(): boolean {
    return !this.#busy;
  }

  /** When the last of the queue will have left at the latest, local ms; -Infinity when nothing is queued. */
  get clearMs(): number {
    return this.queuedMs === 0 ? -Infinity : this.#dueMs + this.queuedMs;
  }

  handle(input: LaneInput<Targets> | { readonly type: "timeout" }, nowMs: number): void {
    if (input.type === "send") {
      this.#busy = true;
      if (this.#waiting.length >= MAX_WAITING_SENDS) {
        this.#outputs.push({ type: "refused", id: input.id });
        return;
      }
      this.#waiting.push({ block: input, taken: 0 });
    }
    this.#release(nowMs);
    if (input.type === "flush") this.#flush(input.fadeMs);
    this.#take(nowMs);
    if (nowMs >= this.#tailMs) {
      this.#finishFrame();
      this.#release(nowMs);
    }
    if (!this.#busy || this.#queue.length > 0 || this.#waiting.length > 0 || this.#unfinished) return;
    this.#busy = false;
    this.#outputs.push({ type: "empty" });
  }

  poll(): LaneOutput<Targets> | undefined {
    return this.#outputs.shift();
  }

  /** Let every frame go that is due. */
  #release(nowMs: number): void {
    while (nowMs >= this.#headDueMs) {
      const frame = this.#queue.shift() as LaneFrame<Targets>;
      this.#outputs.push({ type: "frame", frame });
      this.#sentUntilUs = frame.captureUs + this.#frameMs * 1000;
      const scheduledMs = nowMs - this.#dueMs > CATCH_UP_MS ? nowMs : this.#dueMs;
      // A program that is ahead of time on purpose has sends waiting; it is not to be sped up.
      const backlog = this.#waiting.length === 0 && this.#queue.length > 0;
      this.#dueMs = scheduledMs + this.#frameMs * (1 - (backlog ? BACKLOG_LEAD : PACE_LEAD));
    }
  }

  /**
   * When the head of the queue leaves: on schedule, but a frame whose last sample was captured is late already and
   * does not wait; so a backlog of stamped blocks is gone at once.
   */
  get #headDueMs(): number {
    const head = this.#queue[0];
    if (head === undefined) return Infinity;
    return Math.min(this.#dueMs, head.captureUs / 1000 - this.#wallOffsetMs + this.#frameMs);
  }

  /** Drop what is queued and what waits, but for the beginning; the next block begins anew at its own time. */
  #flush(fadeMs: number): void {
    const waitingMs = this.#dropWaiting();
    if (this.#flushedUntilUs !== undefined) {
      // Nothing came since the last flush: what is queued has been faded out already.
      this.#outputs.push({ type: "flushed", sentUntilUs: this.#flushedUntilUs, droppedMs: waitingMs });
      return;
    }
    this.#endResampling();
    const { queuedMs } = this;
    if (this.#partialTicks > 0) this.#writeSilence(this.#frameTicks - this.#partialTicks);
    this.#tailMs = Infinity;
    const keptMs = Math.min(queuedMs, fadeMs);
    const [dropped] = this.#queue.splice(Math.ceil(keptMs / this.#frameMs));
    if (dropped !== undefined) this.#position = dropped.position;
    fadeOut(this.#queue, this.#channels, Math.round(keptMs * TICKS_PER_MS));
    const head = this.#queue[0];
    const sentUntilUs = head === undefined ? this.#sentUntilUs : head.captureUs + keptMs * 1000;
    this.#flushedUntilUs = sentUntilUs;
    this.#outputs.push({ type: "flushed", sentUntilUs, droppedMs: queuedMs - keptMs + waitingMs });
  }

  /** Accept all waiting blocks unheard. @returns how much of them had not been taken, ms */
  #dropWaiting(): number {
    let droppedMs = 0;
    for (const { block, taken } of this.#waiting.splice(0)) {
      droppedMs += ((block.samples.length / block.channels - taken) / block.sampleRate) * 1000;
      this.#outputs.push({ type: "accepted", id: block.id });
    }
    return droppedMs;
  }

  /** Take from the waiting blocks what there is room for. */
  #take(nowMs: number): void {
    for (let head = this.#waiting[0]; head !== undefined; head = this.#waiting[0]) {
      const { block } = head;
      const blockLength = block.samples.length / block.channels;
      if (head.taken === 0 && blockLength > 0) this.#begin(block, nowMs);
      while (head.taken < blockLength) {
        const room = Math.floor(((MAX_QUEUED_MS - this.queuedMs) * block.sampleRate) / 1000);
        if (room <= 0) return;
        const end = Math.min(blockLength, head.taken + room);
        const samples = block.samples.subarray(head.taken * block.channels, end * block.channels);
        this.#write((this.#resampler as Resampler).process(samples));
        head.taken = end;
        this.#release(nowMs);
      }
      this.#waiting.shift();
      this.#outputs.push({ type: "accepted", id: block.id });
      if (this.#unfinished) this.#tailMs = this.#expectedMs(block, nowMs) + TAIL_WAIT_MS;
    }
  }

  /** Whether samples wait for others to make a frame. */
  get #unfinished(): boolean {
    return this.#partialTicks > 0 || (this.#resampling && (this.#resampler?.lookaheadSamples ?? 0) > 0);
  }

  /** Set the stream up for the block's format, and its position to the block's time. */
  #begin(block: LaneBlock<Targets>, nowMs: number): void {
    this.#targets = block.targets;
    this.#stamped = block.timestampUs !== undefined;
    const format = this.#resampler?.options;
    if (format?.inputRate !== block.sampleRate || format.inputChannels !== block.channels) {
      this.#endResampling();
      this.#resampler = new Resampler({
        inputRate: block.sampleRate,
        inputChannels: block.channels,
        outputRate: CLOCK_RATE,
        outputChannels: this.#channels,
      });
    }
    const resampler = this.#resampler as Resampler;
    this.#place(block, resampler, nowMs);
    this.#flushedUntilUs = undefined;
    if (this.#resampling) return;
    this.#resampling = true;
    // The resampler's outputs lag behind its inputs; silence before the first keeps frames in step with blocks.
    this.#writeSilence(resampler.lookaheadOutputSamples);
  }

  /** Compare the block's time with the expected one: go on, jump over a pause, or follow slowly. */
  #place(block: LaneBlock<Targets>, resampler: Resampler, nowMs: number): void {
    const lead = resampler.lookaheadOutputSamples;
    const givenUs = block.timestampUs ?? (this.#sendMs(nowMs) + this.#wallOffsetMs) * 1000;
    if (this.#position === undefined) {
      const position = Math.round(givenUs * TICKS_PER_US);
      this.#position = position - lead;
      this.#skewUs = givenUs - position / TICKS_PER_US;
      return;
    }
    const expectedUs = (this.#position + lead) / TICKS_PER_US + this.#skewUs;
    const errorUs = givenUs - expectedUs;
    // What comes after a flush is another utterance: its stamp is the first of its own series.
    const stampToleranceMs = this.#flushedUntilUs === undefined ? STAMP_TOLERANCE_MS : 0;
    const toleranceMs = block.timestampUs === undefined ? ARRIVAL_TOLERANCE_MS : stampToleranceMs;
    if (errorUs > toleranceMs * 1000) {
      this.#skip(Math.round(errorUs * TICKS_PER_US), resampler);
    } else if (errorUs < -toleranceMs * 1000) {
      // The RTP clock cannot go back; what it means in wall time can.
      this.#skewUs += errorUs;
    } else {
      // A program slower than real time must come to the end of the tolerance, or its stream would fall behind.
      const limitUs = (block.samples.length / block.channels / block.sampleRate) * 1e6 * MAX_SKEW_RATE;
      this.#skewUs += Math.max(-limitUs, Math.min(limitUs, errorUs * SKEW_GAIN));
    }
  }

  /** Move on by `ticks` without samples: silence to the end of the frame, then a jump of the position. */
  #skip(ticks: number, resampler: Resampler): void {
    const lead = resampler.lookaheadOutputSamples;
    const target = (this.#position ?? 0) + lead + ticks;
    const filled = (this.#partialTicks + (this.#resampling ? lead : 0)) % this.#frameTicks;
    const space = filled === 0 ? 0 : this.#frameTicks - filled;
    if (ticks >= space + lead) {
      this.#finishFrame();
      this.#position = target - lead;
    } else if (this.#resampling) {
      const { inputRate, inputChannels } = resampler.options;
      const inputs = Math.round((ticks * inputRate) / CLOCK_RATE);
      this.#write(resampler.process(new Float32Array(inputs * inputChannels)));
    } else {
      this.#writeSilence(ticks);
    }
  }

  /** Write what the resampler still holds; the next block begins a new stretch. */
  #endResampling(): void {
    if (!this.#resampling || this.#resampler === undefined) return;
    this.#resampling = false;
    this.#write(this.#resampler.flush());
  }

  /** Fill the partial frame with silence and queue it, so that a sound's end need not wait for the next sound. */
  #finishFrame(): void {
    this.#endResampling();
    if (this.#partialTicks > 0) this.#writeSilence(this.#frameTicks - this.#partialTicks);
    this.#tailMs = Infinity;
  }

  #writeSilence(ticks: number): void {
    this.#write(new Float32Array(ticks * this.#channels));
  }

  /** Append samples at the position; every full frame goes into the queue. */
  #write(samples: Float32Array): void {
    let position = this.#position ?? 0;
    const total = samples.length / this.#channels;
    for (let taken = 0; taken < total;) {
      const count = Math.min(total - taken, this.#frameTicks - this.#partialTicks);
      const part = samples.subarray(taken * this.#channels, (taken + count) * this.#channels);
      this.#partial.set(part, this.#partialTicks * this.#channels);
      this.#partialTicks += count;
      taken += count;
      position += count;
      if (this.#partialTicks === this.#frameTicks) this.#queuePartial(position - this.#frameTicks);
    }
    this.#position = position;
  }

  #queuePartial(position: number): void {
    const captureUs = position / TICKS_PER_US + this.#skewUs;
    const targets = this.#targets as Targets;
    this.#queue.push({ position, captureUs, samples: this.#partial, targets, stamped: this.#stamped });
    this.#partial = takeSamples(this.#frameTicks * this.#channels);
    this.#partialTicks = 0;
    this.#tailMs = Infinity;
  }

  /** The time for which a sample without stamp counts: now, or later if the program is ahead of time. */
  #sendMs(nowMs: number): number {
    if (this.#queue.length === 0) return Math.max(nowMs, this.#startMs - this.#frameMs);
    // A frame leaves when its last sample is there, so its first one belongs a frame earlier.
    return Math.max(nowMs, this.#dueMs + this.queuedMs - this.#frameMs);
  }

  /** When the samples after `block` should come, from a program that sends in real time or ahead of it. */
  #expectedMs(block: LaneBlock<Targets>, nowMs: number): number {
    const blockMs = (block.samples.length / block.channels / block.sampleRate) * 1000;
    return Math.max(nowMs + Math.min(blockMs, MAX_QUEUED_MS), this.#dueMs + this.queuedMs);
  }
}
