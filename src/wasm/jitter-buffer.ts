// Jitter buffer of one RTP stream over the WebAssembly kernel: packets go in as they come and leave in sequence order,
// each at its time. Holds encoded packets only, sets no timer and reads no clock.
import { TransportError } from "../errors/errors.ts";
import type { Arena } from "./arena.ts";
import { isTargetDelay, resolveBufferOptions } from "./buffer-options.ts";
import type { JitterBufferOptions } from "./buffer-options.ts";
import { readStatistics } from "./buffer-statistics.ts";
import type { JitterBufferStatistics } from "./buffer-statistics.ts";
import {
  OUT_ARRIVAL,
  OUT_DELAY,
  OUT_HEADER,
  OUT_LENGTH,
  OUT_LOST,
  OUT_PAYLOAD,
  OUT_SEQ,
  OUT_SSRC,
  OUT_STRETCH,
  OUT_TS,
  STATUS_OVERRUN,
  TARGET_MS,
} from "./generated/layout.ts";
import { arithmeticKernels } from "./instantiate.ts";
import { maxPacketBytes } from "./packet-ring.ts";
import type { PacketRing } from "./packet-ring.ts";
import { claimRegion, releaseRegion } from "./regions.ts";
import type { Region } from "./regions.ts";

export type { JitterBufferOptions } from "./buffer-options.ts";
export type { BufferStats, JitterBufferStatistics } from "./buffer-statistics.ts";

const PAYLOAD_TYPE_MASK = 0x7f;
const MARKER_FLAG = 0x80;

/**
 * What became of a packet.
 * - `suspect`: it contradicts the stream so far and waits for a second packet that continues it.
 * - `reset`: it was that second packet; with these two another timeline began.
 * - `late`: its turn has passed, or it is overdue by more than `maxDelayMs`.
 * - `overrun`: it was the oldest when the buffer held too much.
 */
export type InsertStatus = "buffered" | "duplicate" | "late" | "reset" | "malformed" | "suspect" | "overrun";

/** Indexed by the kernel's STATUS_* codes. */
const STATUSES: readonly InsertStatus[] = [
  "buffered",
  "duplicate",
  "late",
  "reset",
  "malformed",
  "suspect",
  "overrun",
];

/** A packet whose turn has come. */
export interface BufferedPacket {
  /** Without header, extension and padding; empty for a probe. A view, valid until the next `insert` or `popNext`. */
  readonly payload: Uint8Array;
  /** 16 bits, as in the packet. */
  readonly sequenceNumber: number;
  /**
   * u32 that rises for the life of the buffer, by 1 from packet to packet and by more over a gap. Its low 16 bits are
   * `sequenceNumber` until the sender's numbering jumps in mid-stream: then this one goes on without a gap.
   */
  readonly extendedSequence: number;
  /** u32, ticks. */
  readonly rtpTimestamp: number;
  readonly payloadType: number;
  readonly marker: boolean;
  readonly ssrc: number;
  /** Local monotonic ms at which it came. */
  readonly arrivalMs: number;
  /** Ms it has waited. */
  readonly bufferDelayMs: number;
  /** Packets lost directly before it; FEC in this payload restores the last of them. Dropped ones are not counted. */
  readonly lostBefore: number;
  /**
   * Ms by which it is due later (> 0) or earlier (< 0) than the packet handed out before it, by the sender's timeline:
   * what time-scaling must add to, or take from, the media between the two. 0 for the first of a timeline.
   */
  readonly stretchMs: number;
}

/**
 * Orders and paces the packets of one RTP stream. A packet is due at its place on the sender's timeline, plus the least
 * transit of the last 2 s, plus the target delay. A gap is skipped, and only then counted lost, when the packet behind
 * it is due. Insert and pop take O(1). With `mode: "adaptive"` the target is what the transits of the last half minute
 * ask for: most of their peaks, more where packets overtake each other (the structure is that of libwebrtc's NetEq). A
 * target that falls drops no packet. A new SSRC needs `reset()`; `close()` gives the memory back.
 */
export class JitterBuffer {
  readonly #region: Region;
  readonly #arena: Arena;
  readonly #stream: number;
  readonly #maxPacketBytes: number;
  readonly #maxDelayMs: number;
  readonly #adaptive: boolean;
  #closed = false;

  /**
   * @throws TransportError `INVALID_CONFIG` with every fault in `details.issues`, `LIMIT_EXCEEDED` when the arena is
   *   full, `NOT_SUPPORTED` where memory cannot be shared or WebAssembly is missing
   */
  constructor(options: JitterBufferOptions) {
    const resolved = resolveBufferOptions(options);
    const { clockRate, adaptive, targetDelayMs, minDelayMs, maxDelayMs, ringBytes, shared, arena } = resolved;
    const regionBytes = arithmeticKernels().streamBytes(ringBytes);
    this.#region = claimRegion(regionBytes, arena, shared);
    this.#arena = this.#region.arena;
    this.#stream = this.#region.address;
    this.#maxPacketBytes = maxPacketBytes(ringBytes);
    this.#maxDelayMs = maxDelayMs;
    this.#adaptive = adaptive;
    this.#arena.kernels.initStream(
      this.#stream,
      ringBytes,
      clockRate,
      Number(shared),
      Number(resolved.inOrder),
      Number(adaptive),
      targetDelayMs,
      minDelayMs,
      maxDelayMs,
    );
  }

  /** Whether `close()` has been called. Every other member throws `ALREADY_SHUTDOWN` from then on. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Copy one RTP packet (RFC 3550, header included) into the buffer. Not to be mixed with a `PacketWriter`.
   * @param nowMs local monotonic ms of its arrival; never goes backwards
   * @returns what became of it; a packet that is no RTP is counted as `malformed`
   * @throws TransportError `INVALID_DATA` when an argument has the wrong type
   */
  insert(packet: Uint8Array, nowMs: number): InsertStatus {
    const { kernels, bytes } = this.#open();
    if (!(packet instanceof Uint8Array))
      throw new TransportError("INVALID_DATA", "packet must be a Uint8Array");
    checkTime("nowMs", nowMs);
    const length = packet.length;
    if (length > this.#maxPacketBytes) return STATUSES[kernels.refuse(this.#stream)] as InsertStatus;
    const address = kernels.reserve(this.#stream, length);
    if (address === 0) return STATUSES[STATUS_OVERRUN] as InsertStatus;
    bytes.set(packet, address);
    return STATUSES[kernels.push(this.#stream, length, nowMs)] as InsertStatus;
  }

  /**
   * Take the next packet in sequence order, if it is due.
   * @param nowMs local monotonic ms
   * @throws TransportError `INVALID_DATA` when `nowMs` is not a finite number
   */
  popNext(nowMs: number): BufferedPacket | undefined {
    const { kernels, bytes, words, doubles } = this.#open();
    checkTime("nowMs", nowMs);
    this.#turn();
    const stream = this.#stream;
    if (kernels.pop(stream, nowMs) === 0) return undefined;
    const word = (offset: number): number => words[(stream + offset) >> 2] as number;
    const payloadAddress = word(OUT_PAYLOAD);
    const header = word(OUT_HEADER);
    return {
      payload: bytes.subarray(payloadAddress, payloadAddress + word(OUT_LENGTH)),
      sequenceNumber: header >>> 16,
      extendedSequence: word(OUT_SEQ) >>> 0,
      rtpTimestamp: word(OUT_TS) >>> 0,
      payloadType: header & PAYLOAD_TYPE_MASK,
      marker: (header & MARKER_FLAG) !== 0,
      ssrc: word(OUT_SSRC) >>> 0,
      arrivalMs: doubles[(stream + OUT_ARRIVAL) >> 3] as number,
      bufferDelayMs: doubles[(stream + OUT_DELAY) >> 3] as number,
      lostBefore: word(OUT_LOST),
      stretchMs: doubles[(stream + OUT_STRETCH) >> 3] as number,
    };
  }

  /** Local monotonic ms at which `popNext` will have a packet, as far as is known now; Infinity when none waits. */
  get nextDueMs(): number {
    const { kernels } = this.#open();
    this.#index();
    return kernels.nextDue(this.#stream);
  }

  /** The present target delay, ms. */
  get targetDelayMs(): number {
    return this.#open().doubles[(this.#stream + TARGET_MS) >> 3] as number;
  }

  /**
   * Drop every waiting packet that was due before a moment; they count as late.
   * @param cutoffMs local monotonic ms
   * @returns how many were dropped
   * @throws TransportError `INVALID_DATA` when `cutoffMs` is not a finite number
   */
  discardLateFrames(cutoffMs: number): number {
    const { kernels } = this.#open();
    checkTime("cutoffMs", cutoffMs);
    this.#turn();
    return kernels.discardBefore(this.#stream, cutoffMs);
  }

  /**
   * Change the target delay; packets that wait follow at once. An adaptive target goes on from there.
   * @throws TransportError `INVALID_CONFIG` unless `targetDelayMs` is 0 to `maxDelayMs`
   */
  setTargetDelay(targetDelayMs: number): void {
    const { kernels } = this.#open();
    if (!isTargetDelay(targetDelayMs, this.#maxDelayMs)) {
      const range = `a number from 0 to maxDelayMs (${this.#maxDelayMs})`;
      throw new TransportError("INVALID_CONFIG", `targetDelayMs must be ${range}, got ${targetDelayMs}`);
    }
    kernels.setTargetDelay(this.#stream, targetDelayMs);
  }

  /**
   * Change the floor of an adaptive target, which rises to it at once and falls from a higher one by slew.
   * @throws TransportError `INVALID_CONFIG` unless the delay is adaptive and `minDelayMs` is 0 to `maxDelayMs`
   */
  setMinDelay(minDelayMs: number): void {
    const { kernels } = this.#open();
    if (!this.#adaptive || !isTargetDelay(minDelayMs, this.#maxDelayMs)) {
      const range = `a number from 0 to maxDelayMs (${this.#maxDelayMs}), of an adaptive buffer`;
      throw new TransportError("INVALID_CONFIG", `minDelayMs must be ${range}, got ${minDelayMs}`);
    }
    kernels.setMinDelay(this.#stream, minDelayMs);
  }

  /** One frozen snapshot. */
  getStatistics(): JitterBufferStatistics {
    const arena = this.#open();
    this.#index();
    return readStatistics(arena, this.#stream);
  }

  /** Drop what waits (as overrun) and forget order and timeline: the next packet begins anew. Idempotent. */
  reset(): void {
    const { kernels } = this.#open();
    this.#turn();
    kernels.resetStream(this.#stream);
  }

  /**
   * Where a `PacketWriter` in another thread puts packets in.
   * @throws TransportError `INVALID_CONFIG` unless the buffer is shared
   */
  get ring(): PacketRing {
    const { buffer, shared } = this.#open();
    if (!shared) throw new TransportError("INVALID_CONFIG", "shared must be true for a ring others write to");
    return { buffer: buffer as SharedArrayBuffer, address: this.#stream };
  }

  /** Give the memory back. Idempotent; views handed out before are overwritten by others from now on. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    releaseRegion(this.#region);
  }

  #open(): Arena {
    if (!this.#closed) return this.#arena;
    throw new TransportError("ALREADY_SHUTDOWN", "the jitter buffer is closed", {
      suggestion: "Create a new JitterBuffer.",
    });
  }

  // Packets change hands: the view of the last popped one ends.
  #turn(): void {
    this.#index();
    this.#arena.kernels.done(this.#stream);
  }

  // What a writer has published meanwhile counts from now on.
  #index(): void {
    if (this.#arena.shared) this.#arena.kernels.ingest(this.#stream);
  }
}

function checkTime(name: string, value: number): void {
  if (Number.isFinite(value)) return;
  throw new TransportError("INVALID_DATA", `${name} must be a finite number of milliseconds, got ${value}`);
}
