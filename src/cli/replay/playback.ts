// Plays one recorded RTP stream through the jitter buffer in virtual time and says what it cost: delay, late packets,
// concealment, time-scaling. Event-driven: a packet leaves exactly when it is due, or on arrival if that is later.
import { JitterBuffer } from "../../wasm/jitter-buffer.ts";
import type { BufferedPacket } from "../../wasm/jitter-buffer.ts";
import { parseRtp } from "../../rtp/packet.ts";
import { sequenceDistance } from "../../wasm/rtp-clock.ts";
import type { PlaybackReport } from "./playback-report.ts";
import { PlayedMedia } from "./played-media.ts";

/** One packet of a recording. */
export interface TracePacket {
  /** The whole RTP packet, header included. */
  readonly packet: Uint8Array;
  /** Ms on any one clock. */
  readonly arrivalMs: number;
}

/** What a {@link TargetPolicy} learns of an arrival. */
export interface PolicyArrival {
  readonly arrivalMs: number;
  readonly sequenceNumber: number;
  readonly rtpTimestamp: number;
  readonly clockRate: number;
}

/** Logic outside the buffer that sets its target: called at every arrival, returns ms, clamped to 0 to `maxDelayMs`. */
export type TargetPolicy = (arrival: PolicyArrival) => number;

/** How {@link playTrace} plays. */
export interface PlaybackOptions {
  /** Ticks a second of the RTP timestamps. */
  clockRate: number;
  mode: "fixed" | "adaptive";
  /** The buffer's `targetDelayMs`: kept when fixed, the start when adaptive. */
  delayMs: number;
  /** Floor of the target; adaptive only. */
  minDelayMs?: number;
  maxDelayMs?: number;
  /** Sizes the ring: `video` for large packets. Default `audio`. */
  kind?: "audio" | "video";
  /** Sets the target from outside; with mode `fixed` only. */
  policy?: TargetPolicy;
}

/**
 * Play the packets of one SSRC, in order of arrival.
 * @throws TransportError `INVALID_CONFIG` when the options are none a `JitterBuffer` takes
 */
export function playTrace(packets: readonly TracePacket[], options: PlaybackOptions): PlaybackReport {
  const playback = new Playback(options);
  const byArrival = [...packets].sort((a, b) => a.arrivalMs - b.arrivalMs);
  try {
    for (const packet of byArrival) playback.arrive(packet);
    return playback.finish();
  } finally {
    playback.close();
  }
}

class Playback {
  readonly #buffer: JitterBuffer;
  readonly #options: PlaybackOptions;
  readonly #maxDelayMs: number;
  readonly #media: PlayedMedia;
  /** Sequence number and timestamp of everything received: a copy is one whatever became of the first. */
  readonly #seen = new Set<number>();
  #packets = 0;
  #malformed = 0;
  #reordered = 0;
  #duplicates = 0;
  #refusedLate = 0;
  #highestSequence: number | undefined;
  #nowMs = -Infinity;
  #suspectTimestamp = 0;

  constructor(options: PlaybackOptions) {
    const { clockRate, mode, delayMs, minDelayMs, maxDelayMs = 200, kind = "audio" } = options;
    const floor = minDelayMs === undefined ? {} : { minDelayMs };
    this.#buffer = new JitterBuffer({ clockRate, mode, targetDelayMs: delayMs, maxDelayMs, kind, ...floor });
    this.#options = options;
    this.#maxDelayMs = maxDelayMs;
    this.#media = new PlayedMedia(clockRate);
  }

  arrive({ packet, arrivalMs }: TracePacket): void {
    this.#popUntil(arrivalMs);
    this.#nowMs = arrivalMs;
    this.#packets++;
    const rtp = parseRtp(packet);
    if (typeof rtp === "string") {
      this.#malformed++;
      return;
    }
    const { sequenceNumber, timestamp: rtpTimestamp } = rtp;
    const key = rtpTimestamp * 0x10000 + sequenceNumber;
    const copy = this.#seen.has(key);
    this.#seen.add(key);
    if (copy) this.#duplicates++;
    else this.#noteOrder(sequenceNumber);
    this.#steer({ arrivalMs, sequenceNumber, rtpTimestamp, clockRate: this.#options.clockRate });
    const status = this.#buffer.insert(packet, arrivalMs);
    if (status === "late" && !copy) this.#refusedLate++;
    if (status === "reset") this.#media.beginTimeline(this.#suspectTimestamp);
    if (status === "suspect") this.#suspectTimestamp = rtpTimestamp;
    else this.#media.arrive(rtpTimestamp, arrivalMs);
    this.#popUntil(arrivalMs, true);
  }

  finish(): PlaybackReport {
    this.#popUntil(Infinity);
    const { lostFrames } = this.#buffer.getStatistics();
    const { samples, ...media } = this.#media.finish();
    const received = this.#packets - this.#malformed - this.#duplicates;
    const late = received - samples.length;
    return {
      packets: this.#packets,
      malformed: this.#malformed,
      played: samples.length,
      lost: Math.max(0, lostFrames - this.#refusedLate),
      reordered: this.#reordered,
      duplicates: this.#duplicates,
      late,
      latePercent: received === 0 ? 0 : (100 * late) / received,
      ...media,
      samples,
    };
  }

  close(): void {
    this.#buffer.close();
  }

  #noteOrder(sequenceNumber: number): void {
    const highest = this.#highestSequence;
    if (highest !== undefined && sequenceDistance(sequenceNumber, highest) < 0) this.#reordered++;
    else this.#highestSequence = sequenceNumber;
  }

  #steer(arrival: PolicyArrival): void {
    const { policy } = this.#options;
    if (policy === undefined) return;
    this.#buffer.setTargetDelay(Math.min(Math.max(policy(arrival), 0), this.#maxDelayMs));
  }

  // What is due at the very moment of an arrival leaves after it: the packet that arrives may belong before it.
  #popUntil(limitMs: number, included = false): void {
    for (;;) {
      const atMs = Math.max(this.#buffer.nextDueMs, this.#nowMs);
      if (atMs === Infinity || atMs > limitMs || (atMs === limitMs && !included)) return;
      const packet = this.#buffer.popNext(atMs);
      if (packet === undefined) return;
      this.#nowMs = atMs;
      this.#take(packet, atMs);
    }
  }

  #take(packet: BufferedPacket, atMs: number): void {
    this.#media.play(packet, atMs, this.#buffer.getStatistics().targetDelayMs);
  }
}
