// One medium of one peer: its buffer, its clock, its labels. Frames wait as references; the jitter buffer in
// WebAssembly orders and paces their handles. Reads no clock and sets no timer.
import type { Arena } from "../wasm/arena.ts";
import { JitterBuffer } from "../wasm/jitter-buffer.ts";
import type { InsertStatus, JitterBufferOptions, JitterBufferStatistics } from "../wasm/jitter-buffer.ts";
import { allOrNone } from "./all-or-none.ts";
import { CaptureLabels } from "./capture-labels.ts";
import { FrameTable } from "./frame-table.ts";
import type { Held } from "./frame-table.ts";
import { LaneDrift } from "./lane-drift.ts";
import type { LipSyncMedium } from "./lip-sync.ts";
import { StreamClock, unixUsOf } from "./stream-clock.ts";
import type { SyncConfig } from "./sync-config.ts";
import type { FrameReceipt, Media, SyncState } from "./sync-types.ts";

/** Bytes of what the buffer sees of a frame: a fixed RTP header and the frame's handle. */
const TOKEN_BYTES = 16;
const HANDLE_OFFSET = 12;
/** Version 2 without padding, extension or CSRCs (RFC 3550 section 5.1). */
const RTP_VERSION = 0x80;
/** The buffer doubts what departs from the timeline by more; a frame this much older than its bound is not in it. */
const DOUBT_MS = 1000;
/** Reports until a mapping is trusted. */
const TRUSTED_REPORTS = 3;
/** Silent report intervals until it is not any more. */
const SILENT_INTERVALS = 3;

/** RTP timestamps tell times apart within this many ticks. */
const HALF_CIRCLE = 2 ** 31;
/** Rounds of inverting the map: each divides the error by 600 or more. */
const INVERSIONS = 5;

/** What a lane must know of a frame. */
export interface LaneFrame extends Held {
  readonly ssrc?: number;
  readonly captureNtp?: bigint;
  readonly captureUs?: number | undefined;
}

/** Settings of a {@link MediaLane}. */
export interface LaneOptions {
  readonly peerId: string;
  readonly media: Media;
  readonly config: SyncConfig;
  /** Wall minus local monotonic clock of this host, ms. */
  readonly wallOffsetMs: number;
  readonly arena: Arena | undefined;
}

/** Buffer, clock and labels of one medium. */
export class MediaLane<Frame extends LaneFrame> {
  readonly clockRate: number;
  readonly clock: StreamClock;
  readonly labels: CaptureLabels;
  readonly drift: LaneDrift;
  /** Of the frames; undefined while none has told. */
  ssrc: number | undefined;
  /** Local ms of the newest frame and report; -Infinity before the first. */
  lastFrameMs = -Infinity;
  lastReportMs = -Infinity;

  // Facts of the frame that `pop` returned last.
  /** Local ms at which it was due; when it came, for one that left at once. */
  dueMs = 0;
  bufferDelayMs = 0;
  lostBefore = 0;
  /** Unwrapped timestamp. */
  ticks = 0;

  readonly #config: SyncConfig;
  readonly #buffer: JitterBuffer;
  readonly #table = new FrameTable<Frame>();
  readonly #token = new Uint8Array(TOKEN_BYTES);
  readonly #wallOffsetMs: number;
  readonly #atOnce: boolean;
  readonly #spanTicks: number;
  readonly #keptMs: number;
  #floorMs = 0;
  #sizeMs: number;
  /** Of the reports, while no frame has told. */
  #reportedSsrc: number | undefined;
  #newestTs = 0;
  #newestKnown = false;
  #suspect = -1;
  #reports = 0;
  #everReported = false;

  constructor({ peerId, media, config, wallOffsetMs, arena }: LaneOptions) {
    const isVideo = media === "video";
    this.clockRate = isVideo ? config.videoClockRate : config.audioClockRate;
    this.clock = new StreamClock(this.clockRate);
    this.labels = new CaptureLabels(this.clockRate);
    this.#config = config;
    this.#sizeMs = config.jitterBufferSizeMs;
    this.#wallOffsetMs = wallOffsetMs;
    // Video has no sequence numbers: the buffer would wait at every gap between ours.
    this.#atOnce = isVideo && config.release === "inOrder";
    this.#spanTicks = (config.maxJitterBufferMs * this.clockRate) / 1000;
    this.#keptMs = config.maxJitterBufferMs + DOUBT_MS;
    const { clockRate } = this;
    const thresholdPpm = config.driftCorrectionThresholdPpm;
    [this.drift, this.#buffer] = allOrNone(
      () => new LaneDrift({ peerId, clockRate, thresholdPpm, arena }),
      () => new JitterBuffer({ ...bufferOptions(config, isVideo), clockRate, ...(arena && { arena }) }),
    );
  }

  /** Frames held by reference, those the buffer has dropped since the last insert included. */
  get held(): number {
    return this.#table.held;
  }

  /** Local ms at which `pop` will have a frame, as far as is known; Infinity when none waits. */
  get nextDueMs(): number {
    const dueMs = this.#buffer.nextDueMs;
    return this.#atOnce && dueMs !== Infinity ? Math.min(dueMs, this.lastFrameMs) : dueMs;
  }

  /** Take a frame in, in the place its 16-bit number gives it. `suspect`: it waits for a second one to confirm it. */
  insert(frame: Frame, number: number): InsertStatus {
    const { receivedAt } = frame;
    const handle = this.#table.put(frame);
    const status = this.#buffer.insert(this.#tokenOf(frame, number, handle), receivedAt);
    this.lastFrameMs = receivedAt;
    if (status === "reset") this.#restart(handle);
    if (status !== "suspect" && status !== "duplicate") {
      this.drift.observeArrival(frame.rtpTimestamp, receivedAt);
    }
    if (status === "buffered" || status === "reset") this.#believe(frame);
    else if (status === "suspect") this.#suspect = handle;
    else this.#table.take(handle);
    if (!this.#newestKnown) return status;
    this.#table.sweep(this.#newestTs, this.#spanTicks, receivedAt - this.#keptMs, this.#suspect);
    return status;
  }

  /** The frame whose turn it is, and its facts in the fields above; undefined when none is due. */
  pop(nowMs: number): Frame | undefined {
    for (;;) {
      const dueMs = this.#buffer.nextDueMs;
      if (dueMs === Infinity || (dueMs > nowMs && !this.#atOnce)) return undefined;
      const token = this.#buffer.popNext(this.#atOnce && dueMs > nowMs ? dueMs : nowMs);
      if (token === undefined) return undefined;
      const frame = this.#table.take(wordOf(token.payload));
      if (frame === undefined) continue;
      this.present(frame, nowMs);
      if (!this.#atOnce) this.dueMs = dueMs;
      this.lostBefore = token.lostBefore;
      return frame;
    }
  }

  /** Take the first frame that waits, due or not; its facts are not told. */
  pull(): Frame | undefined {
    const dueMs = this.#buffer.nextDueMs;
    const token = dueMs === Infinity ? undefined : this.#buffer.popNext(dueMs);
    return token && this.#table.take(wordOf(token.payload));
  }

  /** Tell, in the fields above, the facts of a frame that leaves at `nowMs` without having been waited for. */
  present(frame: Frame, nowMs: number): void {
    this.dueMs = frame.receivedAt;
    this.bufferDelayMs = nowMs - frame.receivedAt;
    this.lostBefore = 0;
    this.ticks = this.clock.ticksOf(frame.rtpTimestamp);
  }

  /** Whether what is told of this SSRC is about this stream. While no frame has come the word of the last one counts. */
  claims(ssrc: number): boolean {
    if (this.ssrc !== undefined) return this.ssrc === ssrc;
    if (this.#reportedSsrc !== undefined && this.#reportedSsrc !== ssrc) this.forget();
    this.#reportedSsrc = ssrc;
    return true;
  }

  /** The sender has told a time: a report, a beacon, or a frame's capture time. */
  noteReport(nowMs: number): void {
    this.#reports++;
    this.#everReported = true;
    this.lastReportMs = nowMs;
  }

  /** How well capture times are known at `nowMs`. */
  stateAt(nowMs: number): SyncState {
    if (!this.#everReported) return "unsynced";
    const silent = nowMs - this.lastReportMs > SILENT_INTERVALS * this.#config.rtcpIntervalMs;
    return this.#reports >= TRUSTED_REPORTS && !silent ? "synced" : "syncing";
  }

  /** The sender's wall clock at `ticks`, Unix us; while the sender has told nothing, ours by the first arrival. */
  captureUs(ticks: number): number {
    return this.clock.mapped ? this.clock.wallUs(ticks) : this.clock.anchorUs(ticks);
  }

  /** The RTP timestamp at which {@link captureUs} is `us`; undefined 2^31 ticks or more from the newest frame. */
  timestampAt(us: number): number | undefined {
    const { newestTicks } = this.clock;
    let ticks = newestTicks;
    for (let round = 0; round < INVERSIONS; round++) {
      ticks += ((us - this.captureUs(ticks)) * this.clockRate) / 1e6;
    }
    ticks = Math.round(ticks);
    return Math.abs(ticks - newestTicks) < HALF_CIRCLE ? this.clock.timestampOf(ticks) : undefined;
  }

  /** The target delay, and the most it may be. */
  get delay(): LipSyncMedium {
    const { targetDelayMs } = this.#buffer;
    return { targetDelayMs, maxDelayMs: this.#config.maxJitterBufferMs };
  }

  /** Hold frames for so long at least, ms; 0 takes the floor away. */
  setFloor(floorMs: number): void {
    if (floorMs === this.#floorMs) return;
    this.#floorMs = floorMs;
    const { mode, minJitterBufferMs } = this.#config;
    if (mode === "fixed") this.#buffer.setTargetDelay(Math.max(floorMs, this.#sizeMs));
    else this.#buffer.setMinDelay(Math.max(floorMs, minJitterBufferMs));
  }

  /** The target delay from now on, ms; an adaptive one moves on from there. */
  setSize(sizeMs: number): void {
    this.#sizeMs = sizeMs;
    this.#buffer.setTargetDelay(Math.max(this.#floorMs, sizeMs));
  }

  /** Counters of the buffer. */
  statistics(): JitterBufferStatistics {
    return this.#buffer.getStatistics();
  }

  /** Drop what waits, forget the timeline and everything known of the sender's clock. */
  reset(): void {
    this.#buffer.reset();
    this.#table.clear();
    this.#suspect = -1;
    this.#newestKnown = false;
    this.ssrc = this.#reportedSsrc = undefined;
    this.forget();
  }

  /** Forget the sender's clock: mapping, labels, drift, and how well they were known. */
  forget(): void {
    this.clock.reset();
    this.labels.reset();
    this.drift.reset();
    this.#reports = 0;
  }

  /** Give the memory back. Idempotent. */
  close(): void {
    this.#buffer.close();
    this.drift.close();
    this.#table.clear();
  }

  #tokenOf({ rtpTimestamp, ssrc = 0 }: Frame, number: number, handle: number): Uint8Array {
    const token = this.#token;
    token[0] = RTP_VERSION;
    token[2] = number >> 8;
    token[3] = number;
    putWord(token, 4, rtpTimestamp);
    putWord(token, 8, ssrc);
    putWord(token, HANDLE_OFFSET, handle);
    return token;
  }

  // Two frames agreed against the history: they remain, all else goes.
  #restart(handle: number): void {
    this.#table.keepOnly(this.#suspect, handle);
    this.#suspect = -1;
    this.#newestKnown = false;
    this.forget();
  }

  #believe(frame: Frame): void {
    const { rtpTimestamp, receivedAt, captureNtp } = frame;
    if (!this.#newestKnown || ((rtpTimestamp - this.#newestTs) | 0) > 0) this.#newestTs = rtpTimestamp;
    this.#newestKnown = true;
    this.clock.observeFrame(rtpTimestamp, (receivedAt + this.#wallOffsetMs) * 1000);
    const captureUs = captureNtp === undefined ? frame.captureUs : unixUsOf(captureNtp);
    if (captureUs === undefined) return;
    this.clock.addCapture(rtpTimestamp, captureUs);
    this.noteReport(receivedAt);
  }
}

function bufferOptions(config: SyncConfig, isVideo: boolean): Omit<JitterBufferOptions, "clockRate"> {
  const { mode, release, jitterBufferSizeMs, minJitterBufferMs, maxJitterBufferMs } = config;
  return {
    mode,
    targetDelayMs: jitterBufferSizeMs,
    ...(mode === "adaptive" && { minDelayMs: minJitterBufferMs }),
    maxDelayMs: maxJitterBufferMs,
    release: isVideo ? "paced" : release,
    // Tokens are small whatever the medium: the small ring holds more of them than may wait.
    kind: "audio",
  };
}

// Big-endian, as RTP has it.
function putWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}

function wordOf(bytes: Uint8Array): number {
  const high = ((bytes[0] as number) << 24) | ((bytes[1] as number) << 16);
  return (high | ((bytes[2] as number) << 8) | (bytes[3] as number)) >>> 0;
}

/** A buffer's status in the words of the contract: what is on probation is held, what overran came too late. */
export function receiptOf(status: InsertStatus): FrameReceipt {
  return RECEIPTS[status];
}

const RECEIPTS: Readonly<Record<InsertStatus, FrameReceipt>> = {
  buffered: { status: "buffered" },
  suspect: { status: "buffered" },
  duplicate: { status: "duplicate" },
  late: { status: "late" },
  overrun: { status: "late" },
  malformed: { status: "late" },
  reset: { status: "reset" },
};
