// Rows of frames captured at the same time by up to ten peers, over the WebAssembly kernel. Knows times and handles; the
// frames stay with the caller, to whom every handle comes back exactly once. Reads no clock.
import { TransportError } from "../errors/errors.ts";
import type { Arena } from "./arena.ts";
import {
  ALIGN_ALIGNED,
  ALIGN_CAP_MS,
  ALIGN_DELAY_MS,
  ALIGN_FLOOR_MS,
  ALIGN_FRAME_SHIFT,
  ALIGN_HEAD_MS,
  ALIGN_LAST_MS,
  ALIGN_LATE,
  ALIGN_MASK,
  ALIGN_MAX_PEERS,
  ALIGN_MODE,
  ALIGN_MODE_ACTIVE,
  ALIGN_MODE_FREE,
  ALIGN_MODE_SILENT,
  ALIGN_OVERFLOW,
  ALIGN_PEERS,
  ALIGN_PEER_SHIFT,
  ALIGN_PUSHED,
  ALIGN_RING,
  ALIGN_ROW,
  ALIGN_ROWS,
  ALIGN_ROW_MS,
  ALIGN_STATUS,
  ALIGN_TAKEN,
  ALIGN_WAITING,
} from "./generated/layout.ts";
import { claimRegion, releaseRegion } from "./regions.ts";
import type { Region } from "./regions.ts";

const PEER_BYTES = 1 << ALIGN_PEER_SHIFT;
const HEADER_BYTES = ALIGN_PEERS + ALIGN_MAX_PEERS * PEER_BYTES;
const US_PER_MS = 1000;
const MAX_HANDLE = 2 ** 31 - 1;
const MAX_CAPACITY = 4096;
const MAX_DURATION_MS = 1000;
const MAX_WINDOW_MS = 100;
const MAX_DELAY_MS = 60_000;

/** Indexed by the kernel's status codes. */
const STATUSES = ["queued", "displaced", "late"] as const;

/**
 * What became of a pushed frame: it waits; too many waited and the oldest of them, perhaps this one, had to go; its row
 * had left.
 */
export type AlignmentStatus = (typeof STATUSES)[number];

/** Settings of a {@link FrameAlignment}. */
export interface FrameAlignmentOptions {
  /** Frames of a peer that may wait: a power of two, 2 to 4096. Default 256. */
  capacity?: number;
  /** A row leaves at the latest this long after its capture, 0 to 60,000 ms. Default 300. */
  maxDelayMs?: number;
  /** Where its memory lies (160 bytes for every place of `capacity`); a pool of the realm by default. */
  arena?: Arena;
}

/** Frames of one peer: `pushed = waiting + aligned + late + overflow + taken`. u32 counts since it was added. */
export interface AlignmentCounters {
  readonly pushed: number;
  readonly waiting: number;
  /** Left in a row. */
  readonly aligned: number;
  /** Came after their row had left. */
  readonly late: number;
  /** Were the oldest when too many waited. */
  readonly overflow: number;
  /** Given back as the peer was removed. */
  readonly taken: number;
}

/** One row. */
export interface HandleRow {
  /** Capture time of its earliest frame, local ms. */
  readonly captureMs: number;
  /** A peer's handle at its index, 0 where it has no frame. Overwritten by the next row. */
  readonly handles: Int32Array;
}

/**
 * Sorts frames of up to ten peers into rows by capture time. A row begins with the earliest frame; another peer's first
 * frame joins when it lies within half the beginning frame's duration, so that no other frame would fit better. It leaves
 * when every active peer has a frame, or when the slowest peer's would have come, and never before its capture time.
 * Later frames stay for later rows; capture times of rows never fall.
 */
export class FrameAlignment {
  static readonly maxPeers: number = ALIGN_MAX_PEERS;
  readonly #region: Region;
  readonly #arena: Arena;
  readonly #state: number;
  readonly #capacity: number;
  readonly #row: Int32Array;
  #closed = false;

  /** @throws TransportError `INVALID_CONFIG`, `LIMIT_EXCEEDED` when the arena is full, `NOT_SUPPORTED` without WebAssembly */
  constructor({ capacity = 256, maxDelayMs = 300, arena }: FrameAlignmentOptions = {}) {
    if (!(Number.isInteger(Math.log2(capacity)) && capacity >= 2 && capacity <= MAX_CAPACITY)) {
      throw new TransportError(
        "INVALID_CONFIG",
        `capacity must be a power of two, 2 to ${MAX_CAPACITY}, got ${capacity}`,
      );
    }
    checkRange("INVALID_CONFIG", "maxDelayMs", maxDelayMs, 0, MAX_DELAY_MS);
    this.#capacity = capacity;
    this.#region = claimRegion(HEADER_BYTES + ALIGN_MAX_PEERS * (capacity << ALIGN_FRAME_SHIFT), arena);
    this.#arena = this.#region.arena;
    this.#state = this.#region.address;
    const { bytes, doubles, buffer } = this.#arena;
    bytes.fill(0, this.#state, this.#state + HEADER_BYTES);
    doubles[(this.#state + ALIGN_CAP_MS) >> 3] = maxDelayMs;
    doubles[(this.#state + ALIGN_LAST_MS) >> 3] = -Infinity;
    this.#row = new Int32Array(buffer, this.#state + ALIGN_ROW, ALIGN_MAX_PEERS);
  }

  /**
   * Take a place for a peer; rows wait for it from now on. What was captured before the last row is late for it too.
   * @returns its index, 0 to 9
   * @throws TransportError `MAX_PEERS_EXCEEDED` when ten are there
   */
  addPeer(): number {
    const { bytes, words, doubles } = this.#open();
    for (let index = 0; index < ALIGN_MAX_PEERS; index++) {
      const peer = this.#peer(index);
      if (words[(peer + ALIGN_MODE) >> 2] !== ALIGN_MODE_FREE) continue;
      bytes.fill(0, peer, peer + PEER_BYTES);
      const ring = HEADER_BYTES + index * (this.#capacity << ALIGN_FRAME_SHIFT);
      words[(peer + ALIGN_MODE) >> 2] = ALIGN_MODE_ACTIVE;
      words[(peer + ALIGN_RING) >> 2] = this.#state + ring;
      words[(peer + ALIGN_MASK) >> 2] = this.#capacity - 1;
      doubles[(peer + ALIGN_FLOOR_MS) >> 3] = doubles[(this.#state + ALIGN_LAST_MS) >> 3] as number;
      doubles[(peer + ALIGN_HEAD_MS) >> 3] = Infinity;
      return index;
    }
    throw new TransportError("MAX_PEERS_EXCEEDED", `at most ${ALIGN_MAX_PEERS} peers can be aligned`);
  }

  /**
   * Forget a peer.
   * @returns the handles that were waiting, the earliest first
   */
  removePeer(index: number): number[] {
    const { words } = this.#open();
    const peer = this.#known(index);
    const handles = this.#take(index, 1);
    words[(peer + ALIGN_MODE) >> 2] = ALIGN_MODE_FREE;
    return handles;
  }

  /**
   * Say that a peer sends nothing on purpose, or does again. A row without a silent peer waits only until that peer's
   * frame would have come: it may be about to speak.
   */
  setSilent(index: number, silent: boolean): void {
    const { words } = this.#open();
    words[(this.#known(index) + ALIGN_MODE) >> 2] = silent ? ALIGN_MODE_SILENT : ALIGN_MODE_ACTIVE;
  }

  /** Say how long after its capture a frame of this peer usually comes, 0 to 60,000 ms. At first 0. */
  setDelay(index: number, delayMs: number): void {
    const { doubles } = this.#open();
    checkRange("INVALID_DATA", "delayMs", delayMs, 0, MAX_DELAY_MS);
    doubles[(this.#known(index) + ALIGN_DELAY_MS) >> 3] = delayMs;
  }

  /**
   * Put a frame in, in any order.
   * @param captureMs local ms of its first sample
   * @param durationMs above 0, at most 1000
   * @param handle 1 to 2^31 - 1
   * @returns the handle that left without a row: this one, an older one, or 0 for none; see {@link lastStatus}
   * @throws TransportError `INVALID_DATA` for an argument out of range
   */
  push(index: number, captureMs: number, durationMs: number, handle: number): number {
    const { kernels } = this.#open();
    this.#known(index);
    checkRange("INVALID_DATA", "captureMs", captureMs, -Number.MAX_VALUE, Number.MAX_VALUE);
    checkRange("INVALID_DATA", "durationMs", durationMs, 1 / US_PER_MS, MAX_DURATION_MS);
    checkRange("INVALID_DATA", "handle", handle, 1, MAX_HANDLE);
    return kernels.alignPush(this.#state, index, captureMs, Math.round(durationMs * US_PER_MS), handle);
  }

  /** What became of the frame pushed last. */
  get lastStatus(): AlignmentStatus {
    const { words } = this.#open();
    return STATUSES[words[(this.#state + ALIGN_STATUS) >> 2] as number] as AlignmentStatus;
  }

  /**
   * Take the next row, if it may leave.
   * @param nowMs local ms
   * @param windowMs no frame of a row lies further behind its first one, 0 to 100
   * @throws TransportError `INVALID_DATA` for an argument out of range
   */
  pop(nowMs: number, windowMs = MAX_WINDOW_MS): HandleRow | undefined {
    const { kernels, doubles } = this.#open();
    checkRange("INVALID_DATA", "nowMs", nowMs, -Number.MAX_VALUE, Number.MAX_VALUE);
    checkRange("INVALID_DATA", "windowMs", windowMs, 0, MAX_WINDOW_MS);
    if (kernels.alignPop(this.#state, nowMs, windowMs) === 0) return undefined;
    return { captureMs: doubles[(this.#state + ALIGN_ROW_MS) >> 3] as number, handles: this.#row };
  }

  /** Local ms at which the next row may leave, as far as is known now; Infinity when nothing waits. */
  nextDueMs(windowMs = MAX_WINDOW_MS): number {
    const { kernels } = this.#open();
    checkRange("INVALID_DATA", "windowMs", windowMs, 0, MAX_WINDOW_MS);
    return kernels.alignNextDue(this.#state, windowMs);
  }

  /**
   * The capture times of a peer have stepped: move its waiting frames along.
   * @returns the handles of those whose rows have left already; they count as late
   */
  shift(index: number, deltaMs: number): number[] {
    const { kernels } = this.#open();
    this.#known(index);
    checkRange("INVALID_DATA", "deltaMs", deltaMs, -Number.MAX_VALUE, Number.MAX_VALUE);
    kernels.alignShift(this.#state, index, deltaMs);
    return this.#take(index, 0);
  }

  /** One frozen snapshot of a peer's counters. */
  getCounters(index: number): AlignmentCounters {
    const { words } = this.#open();
    const peer = this.#known(index);
    const count = (offset: number): number => (words[(peer + offset) >> 2] as number) >>> 0;
    return Object.freeze({
      pushed: count(ALIGN_PUSHED),
      waiting: count(ALIGN_WAITING),
      aligned: count(ALIGN_ALIGNED),
      late: count(ALIGN_LATE),
      overflow: count(ALIGN_OVERFLOW),
      taken: count(ALIGN_TAKEN),
    });
  }

  /** Rows that have left, u32. */
  get rowCount(): number {
    return (this.#open().words[(this.#state + ALIGN_ROWS) >> 2] as number) >>> 0;
  }

  /** Give the memory back. Idempotent; every other member throws `ALREADY_SHUTDOWN` from then on. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    releaseRegion(this.#region);
  }

  #take(index: number, any: number): number[] {
    const { kernels } = this.#arena;
    const handles: number[] = [];
    for (;;) {
      const handle = kernels.alignTake(this.#state, index, any);
      if (handle === 0) return handles;
      handles.push(handle);
    }
  }

  #peer(index: number): number {
    return this.#state + ALIGN_PEERS + index * PEER_BYTES;
  }

  #known(index: number): number {
    const inside = Number.isInteger(index) && index >= 0 && index < ALIGN_MAX_PEERS;
    const peer = this.#peer(index);
    if (inside && this.#arena.words[(peer + ALIGN_MODE) >> 2] !== ALIGN_MODE_FREE) return peer;
    throw new TransportError("INVALID_DATA", `index must be one that addPeer() gave, got ${index}`);
  }

  #open(): Arena {
    if (!this.#closed) return this.#arena;
    throw new TransportError("ALREADY_SHUTDOWN", "the frame alignment is closed", {
      suggestion: "Create a new FrameAlignment.",
    });
  }
}

function checkRange(
  code: "INVALID_CONFIG" | "INVALID_DATA",
  name: string,
  value: number,
  least: number,
  most: number,
): void {
  if (value >= least && value <= most) return;
  throw new TransportError(code, `${name} must be a number from ${least} to ${most}, got ${value}`);
}
