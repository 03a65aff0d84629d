// Rows of frames that several peers captured at the same time. Holds frames only until their row leaves, delays nobody's
// playout, reads no clock.
import { TransportError } from "../errors/errors.ts";
import { FrameAlignment } from "../wasm/frame-alignment.ts";
import type { AlignmentCounters, AlignmentStatus } from "../wasm/frame-alignment.ts";
import type { Arena } from "../wasm/arena.ts";
import { tickDistance } from "../wasm/rtp-clock.ts";
import { AlignedDelay } from "./aligned-delay.ts";
import type { SyncedAudioFrame } from "./sync-types.ts";

const US_PER_MS = 1000;
const MIN_ALIGN_DELAY_MS = 50;
const MAX_ALIGN_DELAY_MS = 2000;
/** Frames are 10 ms or longer; half a second of them may wait beyond the delay before the oldest go. */
const SHORTEST_FRAME_MS = 10;
const SPARE_MS = 500;
/** Further apart, two RTP timestamps belong to different streams. */
const MAX_STEP_GAP_MS = 10_000;

/** Settings of {@link AlignedRows}. */
export interface AlignedRowsOptions {
  /** Receiver's wall clock minus its local monotonic clock, ms. */
  wallOffsetMs: number;
  /** A row leaves at the latest this long after its capture, 50 to 2000 ms. Default 300. */
  maxAlignDelayMs?: number;
  /** Where its memory lies; a pool of the realm by default. */
  arena?: Arena;
}

/** What became of a frame; `displaced`: it waits, or went itself, because too many of its peer waited. */
export type RowStatus = AlignmentStatus;

/** Frames captured within half a frame of each other. */
export interface AlignedRow<Payload = Float32Array> {
  /** Capture time of its earliest frame, Unix us on the receiver's clock; never before that of the row before. */
  readonly captureUs: number;
  /** One frame for every peer that has one here, in the order in which the peers were added. */
  readonly frames: readonly (readonly [peerId: string, frame: SyncedAudioFrame<Payload>])[];
  /** Peers from which a frame should be here; those in silence, or whose last frame goes on, are not among them. */
  readonly missing: readonly string[];
  /** Peers whose frames come later than rows wait. */
  readonly behind: readonly string[];
  /** The largest error bound of its frames, us; null when one of them has none. */
  readonly errorUs: number | null;
}

interface Waiting<Payload> {
  readonly frame: SyncedAudioFrame<Payload>;
  readonly durationMs: number;
}

interface Member {
  readonly peerId: string;
  readonly index: number;
  readonly delay: AlignedDelay;
  silent: boolean;
  behind: boolean;
  /** Of the frame pushed last. */
  epoch: number | undefined;
  rtpTimestamp: number;
  captureMs: number;
  /** Where the frame ends that was in a row last, local ms. */
  coveredMs: number;
}

/**
 * Collects the frames of up to ten peers into rows by capture time. A row leaves when every active peer has a frame, or
 * when the frame of the slowest would have come; a peer slower than `maxAlignDelayMs` is marked `behind` and not waited
 * for. When nobody takes rows, the oldest frames go.
 */
export class AlignedRows<Payload = Float32Array> {
  readonly #alignment: FrameAlignment;
  readonly #wallOffsetMs: number;
  readonly #maxDelayMs: number;
  readonly #members = new Map<string, Member>();
  /** By handle; 0 is none. */
  readonly #waiting: (Waiting<Payload> | undefined)[] = [undefined];
  readonly #freeHandles: number[] = [];

  /** @throws TransportError `INVALID_CONFIG`, `LIMIT_EXCEEDED` when the arena is full */
  constructor({ wallOffsetMs, maxAlignDelayMs = 300, arena }: AlignedRowsOptions) {
    if (!(maxAlignDelayMs >= MIN_ALIGN_DELAY_MS && maxAlignDelayMs <= MAX_ALIGN_DELAY_MS)) {
      const range = `${MIN_ALIGN_DELAY_MS} to ${MAX_ALIGN_DELAY_MS}`;
      throw new TransportError("INVALID_CONFIG", `maxAlignDelayMs must be ${range}, got ${maxAlignDelayMs}`);
    }
    if (!Number.isFinite(wallOffsetMs)) {
      throw new TransportError("INVALID_CONFIG", `wallOffsetMs must be a finite number, got ${wallOffsetMs}`);
    }
    this.#wallOffsetMs = wallOffsetMs;
    this.#maxDelayMs = maxAlignDelayMs;
    const places = (maxAlignDelayMs + SPARE_MS) / SHORTEST_FRAME_MS;
    const capacity = 2 ** Math.ceil(Math.log2(places));
    this.#alignment = new FrameAlignment({
      capacity,
      maxDelayMs: maxAlignDelayMs,
      ...(arena === undefined ? {} : { arena }),
    });
  }

  /**
   * Rows wait for this peer from now on. Adding one that is there changes nothing.
   * @throws TransportError `MAX_PEERS_EXCEEDED` beyond ten
   */
  addPeer(peerId: string): void {
    if (this.#members.has(peerId)) return;
    this.#members.set(peerId, {
      peerId,
      index: this.#alignment.addPeer(),
      delay: new AlignedDelay(),
      silent: false,
      behind: false,
      epoch: undefined,
      rtpTimestamp: 0,
      captureMs: 0,
      coveredMs: -Infinity,
    });
  }

  /** Forget a peer and its waiting frames; one that is not there is no fault. */
  removePeer(peerId: string): void {
    const member = this.#members.get(peerId);
    if (member === undefined) return;
    this.#members.delete(peerId);
    for (const handle of this.#alignment.removePeer(member.index)) this.#release(handle);
  }

  /**
   * A peer in silence (DTX, mute) counts as present: its absence is not marked, and rows wait for it only until its
   * frame would have come.
   * @throws TransportError `PEER_NOT_FOUND`
   */
  setSilent(peerId: string, silent: boolean): void {
    const member = this.#member(peerId);
    member.silent = silent;
    this.#steer(member);
  }

  /**
   * Put in a frame as it leaves the jitter buffer.
   * @param nowMs local monotonic ms; tells how slow this peer is
   * @param durationMs above 0, at most 1000; may be left out when the payload is samples
   * @throws TransportError `PEER_NOT_FOUND`; `INVALID_DATA` for a capture time or duration that is no number
   */
  push(
    peerId: string,
    frame: SyncedAudioFrame<Payload>,
    nowMs: number,
    durationMs: number = durationOf(frame),
  ): RowStatus {
    const member = this.#member(peerId);
    const captureMs = frame.wallClockTimestampUs / US_PER_MS - this.#wallOffsetMs;
    if (!Number.isFinite(captureMs) || !Number.isFinite(nowMs)) {
      throw new TransportError("INVALID_DATA", "wallClockTimestampUs and nowMs must be finite numbers");
    }
    this.#follow(member, frame, captureMs);
    member.delay.observe(nowMs - captureMs, nowMs);
    this.#steer(member);
    const handle = this.#freeHandles.at(-1) ?? this.#waiting.length;
    const freed = this.#alignment.push(member.index, captureMs, durationMs, handle);
    this.#freeHandles.pop();
    this.#waiting[handle] = { frame, durationMs };
    if (freed !== 0) this.#release(freed);
    return this.#alignment.lastStatus;
  }

  /**
   * Take the next row, if it may leave at `nowMs`.
   * @param windowMs no frame of a row lies further behind its first one, 0 to 100
   */
  pull(nowMs: number, windowMs = 100): AlignedRow<Payload> | undefined {
    const row = this.#alignment.pop(nowMs, windowMs);
    if (row === undefined) return undefined;
    const frames: [string, SyncedAudioFrame<Payload>][] = [];
    const absent: Member[] = [];
    let errorUs: number | null = 0;
    let middleMs = Infinity;
    for (const member of this.#members.values()) {
      const handle = row.handles[member.index] as number;
      const waiting = this.#waiting[handle];
      if (waiting === undefined) {
        absent.push(member);
        continue;
      }
      this.#release(handle);
      const { frame, durationMs } = waiting;
      frames.push([member.peerId, frame]);
      member.coveredMs = frame.wallClockTimestampUs / US_PER_MS - this.#wallOffsetMs + durationMs;
      middleMs = Math.min(middleMs, row.captureMs + durationMs / 2);
      const { wallClockErrorUs } = frame;
      errorUs = errorUs === null || wallClockErrorUs === null ? null : Math.max(errorUs, wallClockErrorUs);
    }
    const late = absent.filter(({ behind }) => behind);
    // Half into the shortest frame of the row: up to there a longer one from before may last.
    const gone = absent.filter((member) => !member.behind && !member.silent && member.coveredMs < middleMs);
    return {
      captureUs: (row.captureMs + this.#wallOffsetMs) * US_PER_MS,
      frames,
      missing: gone.map(({ peerId }) => peerId),
      behind: late.map(({ peerId }) => peerId),
      errorUs,
    };
  }

  /** Local monotonic ms at which the next row may leave, as far as is known now; Infinity when nothing waits. */
  get nextDueMs(): number {
    return this.#alignment.nextDueMs();
  }

  /** Counters of a peer; undefined for one that is not there. */
  getCounters(peerId: string): AlignmentCounters | undefined {
    const member = this.#members.get(peerId);
    return member && this.#alignment.getCounters(member.index);
  }

  /** Drop what waits and give the memory back. Idempotent; every other member throws from then on. */
  close(): void {
    this.#members.clear();
    this.#waiting.length = 1;
    this.#freeHandles.length = 0;
    this.#alignment.close();
  }

  // After a step of the labels, frames that wait carry old ones: they move along, or they would stand among frames of
  // another time, one and the same peer's even.
  #follow(member: Member, frame: SyncedAudioFrame<Payload>, captureMs: number): void {
    const { epoch, rtpTimestamp } = member;
    if (epoch !== undefined && epoch !== frame.timelineEpoch) {
      const sinceMs = (tickDistance(frame.rtpTimestamp, rtpTimestamp) * 1000) / frame.sampleRate;
      if (Math.abs(sinceMs) <= MAX_STEP_GAP_MS) {
        const stepMs = captureMs - (member.captureMs + sinceMs);
        for (const handle of this.#alignment.shift(member.index, stepMs)) this.#release(handle);
        member.coveredMs += stepMs;
      }
      member.delay.reset();
    }
    member.epoch = frame.timelineEpoch;
    member.rtpTimestamp = frame.rtpTimestamp;
    member.captureMs = captureMs;
  }

  // Rows wait for a peer as long as its frames take. None of a peer behind would come in time: nobody waits for it.
  #steer(member: Member): void {
    const { leastMs, largestMs } = member.delay;
    member.behind = leastMs > this.#maxDelayMs && leastMs < Infinity;
    this.#alignment.setSilent(member.index, member.silent || member.behind);
    this.#alignment.setDelay(member.index, member.behind ? 0 : Math.min(largestMs, this.#maxDelayMs));
  }

  #release(handle: number): void {
    this.#waiting[handle] = undefined;
    this.#freeHandles.push(handle);
  }

  #member(peerId: string): Member {
    const member = this.#members.get(peerId);
    if (member !== undefined) return member;
    throw new TransportError("PEER_NOT_FOUND", `no peer ${peerId} is being aligned`, { peerId });
  }
}

function durationOf({ samples, sampleRate, channels }: SyncedAudioFrame<unknown>): number {
  if (samples instanceof Float32Array) return (samples.length / channels / sampleRate) * 1000;
  throw new TransportError("INVALID_DATA", "durationMs must be given for a payload that is not samples");
}
