// Books of a playback: how long after its fastest packet everything was played, where the player had nothing, and how
// much media had to be stretched or shrunk. Knows nothing of the buffer but the packets that left it.
import type { BufferedPacket } from "../../wasm/jitter-buffer.ts";
import type { PlaybackReport, PlaybackSample } from "./playback-report.ts";

/** Distances between frames kept to know how long one lasts; the shortest of them is no pause. */
const FRAME_MEMORY = 16;

/** One run of the sender's timeline: transits are comparable within it. */
interface Timeline {
  leastTransitMs: number;
}

/** All packets of one RTP timestamp, a video frame for example. It is played when its last packet is there. */
interface Unit {
  readonly mediaMs: number;
  atMs: number;
  stretchMs: number;
  lostBefore: number;
}

interface Played {
  readonly atMs: number;
  readonly targetMs: number;
  readonly transitMs: number;
  readonly timeline: Timeline;
}

/** Takes note of packets as they arrive and as they are played. */
export class PlayedMedia {
  readonly #msPerTick: number;
  readonly #played: Played[] = [];
  readonly #frameDistancesMs: number[] = [];
  #timeline: Timeline = { leastTransitMs: Infinity };
  #lastTimestamp: number | undefined;
  #lastMediaMs = 0;
  #before: Unit | undefined;
  #unit: Unit | undefined;
  #concealedMs = 0;
  #stretchedMs = 0;
  #shrunkMs = 0;

  constructor(clockRate: number) {
    this.#msPerTick = 1000 / clockRate;
  }

  /** The sender's timestamps have begun anew: nothing is comparable with what was before. */
  beginTimeline(rtpTimestamp: number): void {
    this.#closeUnit();
    this.#before = undefined;
    this.#timeline = { leastTransitMs: Infinity };
    this.#lastTimestamp = rtpTimestamp;
    this.#lastMediaMs = 0;
  }

  /** A packet of the present timeline has arrived. */
  arrive(rtpTimestamp: number, arrivalMs: number): void {
    const transitMs = arrivalMs - this.#mediaMs(rtpTimestamp);
    this.#timeline.leastTransitMs = Math.min(this.#timeline.leastTransitMs, transitMs);
  }

  /** A packet has left the buffer. */
  play({ rtpTimestamp, stretchMs, lostBefore }: BufferedPacket, atMs: number, targetMs: number): void {
    const mediaMs = this.#mediaMs(rtpTimestamp);
    this.#played.push({ atMs, targetMs, transitMs: atMs - mediaMs, timeline: this.#timeline });
    const unit = this.#unit;
    if (unit?.mediaMs === mediaMs) {
      unit.atMs = atMs;
      unit.stretchMs += stretchMs;
      return;
    }
    this.#closeUnit();
    this.#unit = { mediaMs, atMs, stretchMs, lostBefore };
  }

  /** The sums. */
  finish(): Pick<PlaybackReport, "delayMs" | "concealedMs" | "timeScaledMs" | "samples"> {
    this.#closeUnit();
    const samples: PlaybackSample[] = this.#played.map(({ atMs, targetMs, transitMs, timeline }) => ({
      atMs,
      targetMs,
      delayMs: transitMs - timeline.leastTransitMs,
    }));
    const delays = samples.map(({ delayMs }) => delayMs).sort((a, b) => a - b);
    const mean = delays.reduce((sum, delayMs) => sum + delayMs, 0) / Math.max(1, delays.length);
    const p95 = delays[Math.ceil(0.95 * delays.length) - 1] ?? 0;
    return {
      delayMs: { mean, p95 },
      concealedMs: this.#concealedMs,
      timeScaledMs: { stretched: this.#stretchedMs, shrunk: this.#shrunkMs },
      samples,
    };
  }

  // Timestamps are unwrapped from one to the next: no two neighbours lie half the circle apart.
  #mediaMs(rtpTimestamp: number): number {
    this.#lastTimestamp ??= rtpTimestamp;
    this.#lastMediaMs += ((rtpTimestamp - this.#lastTimestamp) | 0) * this.#msPerTick;
    this.#lastTimestamp = rtpTimestamp;
    return this.#lastMediaMs;
  }

  // A unit that comes later than the one before it and the sender's timeline say: as far as the playout point has moved
  // on purpose it is stretched, the rest is a hole. One that comes earlier makes the media before it shrink.
  #closeUnit(): void {
    const { unit, before } = { unit: this.#unit, before: this.#before };
    this.#before = unit ?? before;
    this.#unit = undefined;
    if (unit === undefined || before === undefined) return;
    const distanceMs = unit.mediaMs - before.mediaMs;
    const behindMs = unit.atMs - before.atMs - distanceMs;
    if (behindMs < 0) {
      this.#shrunkMs -= behindMs;
    } else {
      const stretchedMs = Math.min(Math.max(unit.stretchMs, 0), behindMs);
      this.#stretchedMs += stretchedMs;
      this.#concealedMs += behindMs - stretchedMs;
    }
    if (unit.lostBefore === 0) this.#rememberFrame(distanceMs);
    else this.#concealedMs += this.#missingMs(distanceMs, unit.lostBefore);
  }

  #rememberFrame(distanceMs: number): void {
    if (distanceMs <= 0) return;
    this.#frameDistancesMs.push(distanceMs);
    if (this.#frameDistancesMs.length > FRAME_MEMORY) this.#frameDistancesMs.shift();
  }

  // A pause of the sender within the gap is no hole: no more is missing than the lost packets can have held.
  #missingMs(distanceMs: number, lost: number): number {
    const frameMs = Math.min(...this.#frameDistancesMs, distanceMs);
    return Math.max(0, Math.min(distanceMs - frameMs, lost * frameMs));
  }
}
