// Blocks of sound of several peers, cut at the same instants on one grid of capture times, sample by sample. Takes
// decoded samples as they were captured, not stretched for playout; delays nobody's playout; reads no clock.
import { TransportError } from "../errors/errors.ts";
import type { AudioQuality } from "../runtime/data.ts";
import type { Arena } from "../wasm/arena.ts";
import { AlignedDelay } from "./aligned-delay.ts";
import { AlignedLane } from "./aligned-lane.ts";
import type { SyncedAudioFrame } from "./sync-types.ts";

const US_PER_MS = 1000;
const MAX_PEERS = 10;
const MIN_ALIGN_DELAY_MS = 50;
const MAX_ALIGN_DELAY_MS = 2000;
const MAX_FRAME_MS = 120; // RFC 6716 section 2.1.4
/** Blocks that nobody took wait this long before the oldest goes. */
const HOLD_MS = 200;
/** The resampler's filter reaches into the next frame by 8 samples. */
const FILTER_MS = 1;

/** Settings of {@link AlignedBlocks}. */
export interface AlignedBlocksOptions {
  /** Receiver's wall clock minus its local monotonic clock, ms. */
  wallOffsetMs: number;
  /** Length of a block, 10 to 100 ms, a whole number of samples. Default 20. */
  frameMs?: number;
  /** Of the blocks, and of the samples put in, 8000 to 48000 Hz. Default 48000. */
  sampleRate?: number;
  /** Of the blocks, 1 or 2. Default 1. */
  channels?: number;
  /** A peer whose capture times may be further off counts as unsynced, ms above 0. Default: any known bound will do. */
  maxErrorMs?: number;
  /**
   * Peers whose capture times are not known, or not well enough: `wait` leaves them out until they are, `pass` takes
   * their times as they are. Default `wait`.
   */
  unsynced?: "wait" | "pass";
  /** A block leaves at the latest this long after its end, 50 to 2000 ms. Default 300. */
  maxAlignDelayMs?: number;
  /** Where resamplers live; a pool of the realm by default. */
  arena?: Arena;
}

/** What became of a frame; `late`: all its blocks had left; `ahead`: its capture time has not come yet. */
export type BlockStatus = "written" | "late" | "unsynced" | "ahead";

/** One peer's share of a block. */
export interface AlignedPeerBlock {
  readonly peerId: string;
  /** Interleaved, in [-1, 1]; silence where there is nothing. */
  readonly samples: Float32Array;
  /** One for each sample of a channel: 1 where the peer captured it (also when FEC restored it), 0 elsewhere. */
  readonly mask: Uint8Array;
  /** How the rest is filled, the worst way of it; null when all of it was captured. */
  readonly gapQuality: AudioQuality | null;
  /** Bound of the error of the capture times, and of the place the samples have by them, us; null while unknown. */
  readonly errorUs: number | null;
}

/** Blocks of all peers that begin and end at the same instants. */
export interface AlignedBlock {
  /** Capture time of the first sample, Unix us on the receiver's clock; the next block begins where this one ends. */
  readonly captureUs: number;
  /** In the order in which the peers were added; every peer has one. */
  readonly peers: readonly AlignedPeerBlock[];
  /** Peers that should have sound here and have none at all. */
  readonly missing: readonly string[];
  /** Peers whose sound comes later than blocks wait. */
  readonly behind: readonly string[];
  /** Peers whose capture times are not known well enough. */
  readonly unsynced: readonly string[];
}

interface Member {
  readonly peerId: string;
  readonly lane: AlignedLane;
  readonly delay: AlignedDelay;
  silent: boolean;
  unsynced: boolean;
  epoch: number | undefined;
  /** Of the frame written last. */
  errorUs: number | null;
  /** Of those whose blocks have not left: up to which place. */
  readonly bounds: { readonly end: number; readonly errorUs: number | null }[];
}

/**
 * Cuts the sound of up to ten peers into blocks. A block leaves when every active peer has written all of it, or when
 * the slowest one's samples would have come. Sound that comes before its block has left is in it. When nobody takes
 * blocks, the oldest go.
 */
export class AlignedBlocks {
  readonly #wallOffsetMs: number;
  readonly #sampleRate: number;
  readonly #channels: 1 | 2;
  readonly #blockSamples: number;
  readonly #blockMs: number;
  readonly #maxErrorUs: number;
  readonly #passUnsynced: boolean;
  readonly #maxDelayMs: number;
  readonly #capacity: number;
  readonly #arena: Arena | undefined;
  readonly #members = new Map<string, Member>();
  /** Number of the block that leaves next; NaN before the first frame. */
  #next = Number.NaN;
  #leftAny = false;
  #skipped = 0;

  /** @throws TransportError `INVALID_CONFIG` */
  constructor(options: AlignedBlocksOptions) {
    const { frameMs = 20, sampleRate = 48_000, channels = 1, maxAlignDelayMs = 300 } = options;
    const { wallOffsetMs, maxErrorMs = Infinity, unsynced = "wait", arena } = options;
    const samples = (frameMs * sampleRate) / 1000;
    check("wallOffsetMs", wallOffsetMs, Number.isFinite(wallOffsetMs), "a finite number");
    check("sampleRate", sampleRate, within(sampleRate, 8000, 48_000), "8000 to 48000");
    const whole = within(frameMs, 10, 100) && Number.isInteger(samples);
    check("frameMs", frameMs, whole, "10 to 100 and a whole number of samples");
    check("channels", channels, channels === 1 || channels === 2, "1 or 2");
    check("maxErrorMs", maxErrorMs, maxErrorMs > 0, "above 0");
    check("unsynced", unsynced, unsynced === "wait" || unsynced === "pass", "wait or pass");
    const range = within(maxAlignDelayMs, MIN_ALIGN_DELAY_MS, MAX_ALIGN_DELAY_MS);
    check("maxAlignDelayMs", maxAlignDelayMs, range, `${MIN_ALIGN_DELAY_MS} to ${MAX_ALIGN_DELAY_MS}`);
    this.#wallOffsetMs = wallOffsetMs;
    this.#sampleRate = sampleRate;
    this.#channels = channels === 1 ? 1 : 2;
    this.#blockSamples = samples;
    this.#blockMs = frameMs;
    this.#maxErrorUs = maxErrorMs * US_PER_MS;
    this.#passUnsynced = unsynced === "pass";
    this.#maxDelayMs = maxAlignDelayMs;
    this.#capacity =
      Math.ceil(((maxAlignDelayMs + HOLD_MS + 2 * MAX_FRAME_MS) * sampleRate) / 1000) + 2 * samples;
    this.#arena = arena;
  }

  /**
   * Blocks wait for this peer from now on. Adding one that is there changes nothing.
   * @throws TransportError `MAX_PEERS_EXCEEDED` beyond ten, `LIMIT_EXCEEDED` when the arena is full
   */
  addPeer(peerId: string): void {
    if (this.#members.has(peerId)) return;
    if (this.#members.size === MAX_PEERS) {
      throw new TransportError("MAX_PEERS_EXCEEDED", `at most ${MAX_PEERS} peers can be aligned`, { peerId });
    }
    const arena = this.#arena === undefined ? {} : { arena: this.#arena };
    const format = { sampleRate: this.#sampleRate, channels: this.#channels, capacity: this.#capacity };
    this.#members.set(peerId, {
      peerId,
      lane: new AlignedLane({ ...format, ...arena }),
      delay: new AlignedDelay(),
      silent: false,
      unsynced: true,
      epoch: undefined,
      errorUs: null,
      bounds: [],
    });
  }

  /** Forget a peer and its samples; one that is not there is no fault. */
  removePeer(peerId: string): void {
    this.#members.get(peerId)?.lane.close();
    this.#members.delete(peerId);
  }

  /**
   * A peer in silence (DTX, mute) is not missed; blocks wait for it only until its samples would have come.
   * @throws TransportError `PEER_NOT_FOUND`
   */
  setSilent(peerId: string, silent: boolean): void {
    this.#member(peerId).silent = silent;
  }

  /**
   * Put in a frame in its turn, decoded and not stretched.
   * @param nowMs local monotonic ms; never goes backwards
   * @throws TransportError `PEER_NOT_FOUND`; `INVALID_DATA` for another sample rate, a frame without samples or longer
   *   than 120 ms, or times that are no numbers
   */
  push(peerId: string, frame: SyncedAudioFrame, nowMs: number): BlockStatus {
    const member = this.#member(peerId);
    const captureMs = frame.wallClockTimestampUs / US_PER_MS - this.#wallOffsetMs;
    this.#checkFrame(frame, captureMs, nowMs);
    const { wallClockErrorUs, timelineEpoch } = frame;
    member.unsynced = wallClockErrorUs === null || wallClockErrorUs > this.#maxErrorUs;
    if (member.unsynced) member.errorUs = wallClockErrorUs;
    if (member.unsynced && !this.#passUnsynced) return "unsynced";
    if (captureMs > nowMs) return "ahead";
    if (member.epoch !== timelineEpoch) member.delay.reset();
    member.epoch = timelineEpoch;
    member.delay.observe(nowMs - captureMs, nowMs);
    const place = (captureMs * this.#sampleRate) / 1000;
    this.#makeRoom(place, nowMs);
    const from = this.#next * this.#blockSamples;
    const samples = toChannels(frame.samples, frame.channels, this.#channels);
    member.lane.write(frame, samples, place, from);
    member.errorUs = wallClockErrorUs === null ? null : wallClockErrorUs + member.lane.displacedUs;
    forgetBounds(member, from);
    member.bounds.push({ end: member.lane.end, errorUs: member.errorUs });
    return place + samples.length / this.#channels > from ? "written" : "late";
  }

  /** Take the next block, if it may leave at `nowMs`. */
  pull(nowMs: number): AlignedBlock | undefined {
    this.#skipTo(this.#oldestAt(nowMs));
    if (!(nowMs >= this.nextDueMs)) return undefined;
    const from = this.#next * this.#blockSamples;
    const members = [...this.#members.values()];
    const peers = members.map((member) => ({
      peerId: member.peerId,
      ...member.lane.take(from, this.#blockSamples),
      errorUs: boundOf(member, from, this.#blockSamples),
    }));
    const isEmpty = peers.map(({ mask, gapQuality }) => gapQuality === "silence" && !mask.includes(1));
    const named = (those: (member: Member, index: number) => boolean): string[] =>
      members.filter(those).map(({ peerId }) => peerId);
    this.#next++;
    this.#leftAny = true;
    return {
      captureUs: ((from * 1000) / this.#sampleRate + this.#wallOffsetMs) * US_PER_MS,
      peers,
      missing: named((member, index) => isEmpty[index] === true && this.#isAwaited(member) && !member.silent),
      behind: named((member) => this.#isBehind(member)),
      unsynced: named(({ unsynced }) => unsynced),
    };
  }

  /**
   * Local monotonic ms at which the next block may leave, as far as is known now; Infinity before the first frame.
   * Once it has begun the grid goes on, sound or none, peers or none.
   */
  get nextDueMs(): number {
    if (Number.isNaN(this.#next)) return Infinity;
    const end = (this.#next + 1) * this.#blockSamples;
    let slowestMs = 0;
    let silentMs = 0;
    let isWaiting = false;
    for (const member of this.#members.values()) {
      if (!this.#isAwaited(member)) continue;
      const absent = member.lane.end < end;
      const { largestMs } = member.delay;
      if (!member.silent) slowestMs = Math.max(slowestMs, largestMs);
      else if (absent) silentMs = Math.max(silentMs, largestMs);
      if (!member.silent && absent) isWaiting = true;
    }
    const waitMs = Math.max(silentMs, isWaiting ? slowestMs : 0);
    return (this.#next + 1) * this.#blockMs + Math.min(waitMs > 0 ? waitMs + FILTER_MS : 0, this.#maxDelayMs);
  }

  /** Blocks that went because nobody took them. */
  get skippedBlocks(): number {
    return this.#skipped;
  }

  /** Samples of a peer that came after their block had left; undefined for one that is not there. */
  lateSamples(peerId: string): number | undefined {
    return this.#members.get(peerId)?.lane.lateSamples;
  }

  /** Forget all peers and give their memory back. Idempotent. */
  close(): void {
    for (const { lane } of this.#members.values()) lane.close();
    this.#members.clear();
  }

  // The grid begins with the first frame; until a block has left, an earlier frame of another peer begins it anew.
  #makeRoom(place: number, nowMs: number): void {
    const oldest = this.#oldestAt(nowMs);
    const block = Math.max(Math.floor(place / this.#blockSamples), oldest);
    if (Number.isNaN(this.#next) || (!this.#leftAny && block < this.#next)) this.#next = block;
    this.#skipTo(oldest);
  }

  // The first block that may still wait.
  #oldestAt(nowMs: number): number {
    return Math.floor((nowMs - this.#maxDelayMs - HOLD_MS) / this.#blockMs);
  }

  #skipTo(block: number): void {
    const count = block - this.#next;
    if (!(count > 0)) return;
    for (const { lane } of this.#members.values()) {
      lane.skip(this.#next * this.#blockSamples, count * this.#blockSamples);
    }
    this.#skipped += count;
    this.#next = block;
  }

  #isBehind({ delay }: Member): boolean {
    return delay.leastMs > this.#maxDelayMs && delay.leastMs < Infinity;
  }

  // Nobody waits for samples that cannot come in time, or will not be taken.
  #isAwaited(member: Member): boolean {
    return !this.#isBehind(member) && (!member.unsynced || this.#passUnsynced);
  }

  #checkFrame({ samples, sampleRate, channels }: SyncedAudioFrame, captureMs: number, nowMs: number): void {
    const count = samples.length / channels;
    const fault = (text: string) => new TransportError("INVALID_DATA", text);
    if (sampleRate !== this.#sampleRate) {
      throw fault(`sampleRate must be that of the blocks, ${this.#sampleRate}, got ${sampleRate}`);
    }
    if (!Number.isInteger(count) || count < 1 || count * 1000 > MAX_FRAME_MS * sampleRate) {
      throw fault(`samples must be 1 to ${MAX_FRAME_MS} ms of ${channels} channels, got ${samples.length}`);
    }
    if (!Number.isFinite(captureMs) || !Number.isFinite(nowMs)) {
      throw fault("wallClockTimestampUs and nowMs must be finite numbers");
    }
  }

  #member(peerId: string): Member {
    const member = this.#members.get(peerId);
    if (member !== undefined) return member;
    throw new TransportError("PEER_NOT_FOUND", `no peer ${peerId} is being aligned`, { peerId });
  }
}

/** Forget the bounds of what lies before a place. */
function forgetBounds({ bounds }: Member, from: number): void {
  while ((bounds[0]?.end ?? Infinity) <= from) bounds.shift();
}

/** The largest bound of the frames in a block; of the last frame before it where there is none. */
function boundOf(member: Member, from: number, count: number): number | null {
  forgetBounds(member, from);
  const [first] = member.bounds;
  if (first === undefined) return member.errorUs;
  let mostUs = first.errorUs;
  let reached = first.end;
  for (const { end, errorUs } of member.bounds) {
    if (reached >= from + count) break;
    reached = end;
    mostUs = mostUs === null || errorUs === null ? null : Math.max(mostUs, errorUs);
  }
  return mostUs;
}

/** Interleaved samples with another number of channels: doubled, or their mean. */
function toChannels(samples: Float32Array, from: number, to: 1 | 2): Float32Array {
  if (from === to) return samples;
  const count = samples.length / from;
  const out = new Float32Array(count * to);
  for (let i = 0; i < count; i++) {
    let sum = 0;
    for (let c = 0; c < from; c++) sum += samples[i * from + c] as number;
    out.fill(sum / from, i * to, (i + 1) * to);
  }
  return out;
}

function within(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}

function check(name: string, value: unknown, valid: boolean, expected: string): void {
  if (valid) return;
  throw new TransportError("INVALID_CONFIG", `${name} must be ${expected}, got ${String(value)}`);
}
