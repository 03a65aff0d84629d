// The coded frames that a browser hands over, in order and without gaps: it hands on each as it becomes whole, so that one
// that had to be sent again comes after its successors, or never. Those wait here for what they need; a keyframe ends the
// waiting. Frames that are not numbered pass as they come.
import type { EncodedVideoFrame } from "../../platform/video-link.ts";
import type { Machine } from "../../runtime/machine.ts";

/** A frame that is missing for so long is asked to be replaced by a keyframe, ms: some round trips of a long path. */
const PATIENCE_MS = 250;

/** Between two such requests, ms. */
const REPEAT_MS = 1_000;

/** Frames that wait: two seconds at 30 a second. What is not decoded then needs a keyframe anyhow. */
const MAX_HELD = 64;

/** Frames remembered that were handed on: references reach no further back. */
const MAX_HANDED = 64;

/** What a {@link FrameGate} takes. */
export type FrameGateInput = { readonly type: "frame"; readonly frame: EncodedVideoFrame };

/** What it does. */
export type FrameGateOutput =
  { readonly type: "frame"; readonly frame: EncodedVideoFrame } | { readonly type: "keyframe-wanted" };

/** Counters of a {@link FrameGate}. */
export interface FrameGateCounters {
  /** Frames that had to wait for one before them, which then came. */
  reordered: number;
  /** Frames that were left out: what they need never came, or they came after a later one. */
  dropped: number;
}

/** See the header. */
export class FrameGate implements Machine<FrameGateInput, FrameGateOutput> {
  readonly counters: FrameGateCounters = { reordered: 0, dropped: 0 };
  readonly #outputs: FrameGateOutput[] = [];
  /** By rising timestamp. */
  #held: EncodedVideoFrame[] = [];
  /** Ids since the last keyframe, oldest first. */
  readonly #handed = new Set<number>();
  #ssrc: number | undefined;
  #lastTimestamp: number | undefined;
  #deadlineMs = Infinity;

  get deadlineMs(): number {
    return this.#deadlineMs;
  }

  handle(input: FrameGateInput | { readonly type: "timeout" }, nowMs: number): void {
    if (input.type === "frame") this.#take(input.frame, nowMs);
    else if (nowMs >= this.#deadlineMs) {
      this.#deadlineMs = nowMs + REPEAT_MS;
      this.#outputs.push({ type: "keyframe-wanted" });
    }
  }

  poll(): FrameGateOutput | undefined {
    return this.#outputs.shift();
  }

  #take(frame: EncodedVideoFrame, nowMs: number): void {
    if (frame.frameId === undefined) return void this.#outputs.push({ type: "frame", frame });
    if (frame.ssrc !== this.#ssrc) this.#restart(frame.ssrc);
    if (this.#lastTimestamp !== undefined && distance(frame.rtpTimestamp, this.#lastTimestamp) <= 0) {
      this.counters.dropped++;
      return;
    }
    if (frame.isKeyframe) this.#dropBefore(frame);
    if (!this.#mayPass(frame)) return this.#hold(frame, nowMs);
    this.#hand(frame);
    this.#release();
  }

  #restart(ssrc: number): void {
    this.#ssrc = ssrc;
    this.#lastTimestamp = undefined;
    this.#handed.clear();
    this.counters.dropped += this.#held.length;
    this.#held = [];
    this.#deadlineMs = Infinity;
  }

  #mayPass({ isKeyframe, dependencies = [] }: EncodedVideoFrame): boolean {
    return isKeyframe || (dependencies.length > 0 && dependencies.every((id) => this.#handed.has(id)));
  }

  #hand(frame: EncodedVideoFrame): void {
    const { frameId, isKeyframe, rtpTimestamp } = frame;
    if (isKeyframe) this.#handed.clear();
    if (frameId !== undefined) this.#handed.add(frameId);
    const [oldest] = this.#handed;
    if (oldest !== undefined && this.#handed.size > MAX_HANDED) this.#handed.delete(oldest);
    this.#lastTimestamp = rtpTimestamp;
    this.#outputs.push({ type: "frame", frame });
  }

  #hold(frame: EncodedVideoFrame, nowMs: number): void {
    const held = this.#held;
    let at = held.length;
    while (at > 0 && distance((held[at - 1] as EncodedVideoFrame).rtpTimestamp, frame.rtpTimestamp) > 0) at--;
    held.splice(at, 0, frame);
    if (held.length > MAX_HELD) {
      held.shift();
      this.counters.dropped++;
    }
    if (this.#deadlineMs === Infinity) this.#deadlineMs = nowMs + PATIENCE_MS;
  }

  /** Hand on what has waited for the frame that came. */
  #release(): void {
    for (let next = this.#held[0]; next !== undefined && this.#mayPass(next); next = this.#held[0]) {
      this.#held.shift();
      this.counters.reordered++;
      this.#hand(next);
    }
    if (this.#held.length === 0) this.#deadlineMs = Infinity;
  }

  /** Nothing before a keyframe is of use once it has come. */
  #dropBefore({ rtpTimestamp }: EncodedVideoFrame): void {
    const { length } = this.#held;
    this.#held = this.#held.filter((held) => distance(held.rtpTimestamp, rtpTimestamp) > 0);
    this.counters.dropped += length - this.#held.length;
  }
}

function distance(to: number, from: number): number {
  return (to - from) | 0;
}
