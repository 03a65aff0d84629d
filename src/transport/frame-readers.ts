// The readers of frames(): each has its own format and a bounded queue per peer, and hands frames out in the order in
// which they were complete. A slow reader loses its own oldest frames; nobody else's.
import { TransportError } from "../errors/errors.ts";
import { FrameQueue } from "../media/frame-queue.ts";
import { Rechunker } from "../media/rechunker.ts";
import type { Chunk, ChunkFormat } from "../media/rechunker.ts";
import type { LiveAudioFrame } from "../media/engine/engine.ts";
import type { AudioFrame } from "../runtime/data.ts";
import { isId } from "../runtime/ids.ts";

const FRAME_MS = [10, 20, 30, 40, 60];
const MIN_SAMPLE_RATE = 8_000;
const MAX_SAMPLE_RATE = 48_000;

/** Peers of which a reader remembers where they were; beyond, those from whom nothing came for longest are forgotten. */
const MAX_REMEMBERED_PEERS = 32;

/** Which frames a reader wants, in which format, and until when. */
export interface FrameOptions {
  /** Default `audio`; see `PictureOptions` for the other. */
  kind?: "audio" | undefined;
  /** Only frames of this peer; all by default. */
  peerId?: string | undefined;
  /** Hz, a whole number from 8000 to 48000 that makes a whole number of samples of `frameMs`; default 48000. */
  sampleRate?: number | undefined;
  /**
   * Length of every frame; default 20 ms. Packets are played a little faster or slower, as the sender's clock and the
   * buffer demand, so frames of one length wait for the packet that completes them, for a packet's length at most.
   * `packet`: what each packet holds at once, in frames of about its length.
   */
  frameMs?: 10 | 20 | 30 | 40 | 60 | "packet" | undefined;
  /** As they come by default, see `audio.channels`. */
  channels?: 1 | 2 | undefined;
  /** Ends the iteration when it fires. */
  signal?: AbortSignal | undefined;
}

/** What a reader knows of one peer. */
interface Peer {
  readonly rechunker: Rechunker;
  readonly queue: FrameQueue;
}

/** All readers of one transport. */
export class FrameReaders {
  readonly #readers = new Set<FrameReader>();

  /** @throws TransportError `INVALID_DATA` naming the option that is wrong */
  open(options: FrameOptions): AsyncIterableIterator<AudioFrame> {
    const { peerId, signal } = options;
    if (peerId !== undefined && !isId(peerId)) {
      throw new TransportError("INVALID_DATA", "peerId: expected 1 to 64 letters, digits, '_' or '-'");
    }
    const abort = (): void => reader.end();
    const reader: FrameReader = new FrameReader(peerId, chunkFormat(options), () => {
      this.#readers.delete(reader);
      signal?.removeEventListener("abort", abort);
    });
    this.#readers.add(reader);
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted === true) reader.end();
    return reader;
  }

  /** Hand a frame to every reader that wants it; each copies what it keeps. */
  push(frame: LiveAudioFrame, nowMs: number): void {
    for (const reader of this.#readers) reader.push(frame, nowMs);
  }

  /** End every iteration once what is queued has been read. */
  end(): void {
    for (const reader of [...this.#readers]) reader.end();
  }
}

/** One iteration. */
class FrameReader implements AsyncIterableIterator<AudioFrame> {
  readonly #peerId: string | undefined;
  readonly #format: ChunkFormat;
  readonly #onEnd: () => void;
  /** By peer id; from whom something came last stands last. */
  readonly #peers = new Map<string, Peer>();
  /** Whose frame comes next; one entry for every queued frame. */
  #order: string[] = [];
  readonly #waiting: ((result: IteratorResult<AudioFrame, undefined>) => void)[] = [];
  #ended = false;

  constructor(peerId: string | undefined, format: ChunkFormat, onEnd: () => void) {
    this.#peerId = peerId;
    this.#format = format;
    this.#onEnd = onEnd;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<AudioFrame, undefined>> {
    const frame = this.#shift();
    if (frame !== undefined) return Promise.resolve({ done: false, value: frame });
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<IteratorResult<AudioFrame, undefined>> {
    this.#order.length = 0;
    this.#peers.clear();
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  push(frame: LiveAudioFrame, nowMs: number): void {
    if (this.#ended || (this.#peerId !== undefined && this.#peerId !== frame.peerId)) return;
    const { rechunker, queue } = this.#peer(frame.peerId);
    rechunker.push(frame);
    for (let chunk = rechunker.poll(); chunk !== undefined; chunk = rechunker.poll()) {
      this.#enqueue(chunk, queue, nowMs);
    }
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd();
    for (const waiter of this.#waiting.splice(0)) waiter({ done: true, value: undefined });
  }

  #enqueue(frame: Chunk, queue: FrameQueue, nowMs: number): void {
    const droppedBefore = queue.dropped;
    queue.push(frame, nowMs);
    this.#order.push(frame.peerId);
    for (let i = droppedBefore; i < queue.dropped; i++) {
      this.#order.splice(this.#order.indexOf(frame.peerId), 1);
    }
    const waiter = this.#waiting.shift();
    const next = waiter && this.#shift();
    if (next !== undefined) waiter?.({ done: false, value: next });
  }

  #peer(peerId: string): Peer {
    const peer = this.#peers.get(peerId) ?? {
      rechunker: new Rechunker(this.#format),
      queue: new FrameQueue(),
    };
    this.#peers.delete(peerId);
    this.#peers.set(peerId, peer);
    if (this.#peers.size > MAX_REMEMBERED_PEERS) this.#forgetOne();
    return peer;
  }

  /** Forget somebody but the last one: one of whom nothing is queued, if there is one. */
  #forgetOne(): void {
    const others = [...this.#peers.keys()].slice(0, -1);
    const silent = others.find((peerId) => this.#peers.get(peerId)?.queue.length === 0);
    const forgotten = silent ?? others[0] ?? "";
    this.#peers.delete(forgotten);
    this.#order = this.#order.filter((peerId) => peerId !== forgotten);
  }

  #shift(): AudioFrame | undefined {
    const peerId = this.#order.shift();
    return peerId === undefined ? undefined : this.#peers.get(peerId)?.queue.shift();
  }
}

function chunkFormat({ sampleRate = 48_000, frameMs = 20, channels }: FrameOptions): ChunkFormat {
  const isLength = frameMs !== "packet";
  if (isLength && !FRAME_MS.includes(frameMs)) {
    refuse("frameMs", `one of ${FRAME_MS.join(", ")}, or packet`, frameMs);
  }
  const inRange = sampleRate >= MIN_SAMPLE_RATE && sampleRate <= MAX_SAMPLE_RATE;
  const isWhole = !isLength || (sampleRate * frameMs) % 1000 === 0;
  if (!Number.isInteger(sampleRate) || !inRange || !isWhole) {
    const range = `from ${MIN_SAMPLE_RATE} to ${MAX_SAMPLE_RATE}`;
    const whole = isLength ? ` with whole samples in ${frameMs} ms` : "";
    refuse("sampleRate", `a whole number of Hz ${range}${whole}`, sampleRate);
  }
  if (channels !== undefined && channels !== 1 && channels !== 2) refuse("channels", "1 or 2", channels);
  return { sampleRate, frameMs, channels };
}

function refuse(option: string, expected: string, value: unknown): never {
  throw new TransportError("INVALID_DATA", `${option}: expected ${expected}, not ${String(value)}`);
}
