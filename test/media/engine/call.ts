// Feeds a media engine with peers in real time and keeps what comes out.
import type { TransportError } from "../../../src/errors/errors.ts";
import type {
  AlignedReader,
  AlignedReaderOptions,
  PeerStream,
  AudioStreamStats,
  LiveAudioFrame,
  MediaEngine,
  NegotiatedAudio,
} from "../../../src/media/engine/engine.ts";
import type { Clock } from "../../../src/runtime/time.ts";
import type { AlignedBlock } from "../../../src/sync/aligned-blocks.ts";
import type { SyncedVideoFrame, SyncState } from "../../../src/sync/sync-types.ts";
import { PAYLOAD_TYPE } from "../streams.ts";
import type { SentPacket } from "../streams.ts";

export const SSRC = 0xb0b;
export const NEGOTIATED: NegotiatedAudio = { payloadType: PAYLOAD_TYPE, captureTimeId: 0 };

/** One peer of a {@link Call}. */
export interface CallPeer {
  readonly stream: PeerStream;
  readonly frames: LiveAudioFrame[];
  readonly states: SyncState[];
  /** As they were shown. */
  readonly pictures: SyncedVideoFrame[];
  readonly faults: TransportError[];
  /** Stamps of the packets handed over, in order. */
  readonly arrivals: number[];
}

/** An engine with peers. Packets carry planned stamps, as if the network had stamped them; they are handed over later. */
export class Call {
  readonly engine: MediaEngine;
  readonly clock: Clock;
  readonly blocks: AlignedBlock[] = [];
  readonly #peers = new Map<string, CallPeer>();
  #plan: { peerId: string; atMs: number; bytes: Uint8Array }[] = [];

  constructor(engine: MediaEngine, clock: Clock) {
    this.engine = engine;
    this.clock = clock;
  }

  join(peerId: string): PeerStream {
    const frames: LiveAudioFrame[] = [];
    const states: SyncState[] = [];
    const pictures: SyncedVideoFrame[] = [];
    const faults: TransportError[] = [];
    const stream = this.engine.openStream(peerId, {
      frame: (frame) => frames.push({ ...frame, samples: frame.samples.slice() }),
      syncState: (state) => states.push(state),
      picture: (picture) => pictures.push(picture),
      fault: (error) => faults.push(error),
    });
    this.#peers.set(peerId, { stream, frames, states, pictures, faults, arrivals: [] });
    return stream;
  }

  read(options: AlignedReaderOptions): AlignedReader {
    return this.engine.openReader(options, (block) => this.blocks.push(block));
  }

  /** Send packets in the next {@link Call.play}, each after its own delay; undefined loses one. */
  plan(
    peerId: string,
    packets: readonly SentPacket[],
    delayMs: (index: number) => number | undefined = () => 0,
  ): void {
    for (const [index, { bytes, sentMs }] of packets.entries()) {
      const delay = delayMs(index);
      if (delay !== undefined) this.#plan.push({ peerId, atMs: sentMs + delay, bytes });
    }
  }

  /** Hand over what was planned, in real time. */
  async play(): Promise<void> {
    const startMs = this.clock.now();
    const planned = this.#plan.sort((a, b) => a.atMs - b.atMs);
    this.#plan = [];
    for (const { peerId, atMs, bytes } of planned) {
      const arrivalMs = startMs + atMs;
      if (arrivalMs > this.clock.now()) await later(this.clock, arrivalMs - this.clock.now());
      const { stream, arrivals } = this.of(peerId);
      arrivals.push(arrivalMs);
      stream.receiveRtp(bytes.slice(), arrivalMs, NEGOTIATED);
    }
  }

  of(peerId: string): CallPeer {
    const peer = this.#peers.get(peerId);
    if (peer === undefined) throw new Error(`${peerId} has not joined`);
    return peer;
  }

  frames(peerId: string): readonly LiveAudioFrame[] {
    return this.of(peerId).frames;
  }

  stats(peerId: string): AudioStreamStats {
    return this.of(peerId).stream.stats();
  }

  close(): void {
    this.engine.close();
  }
}

/** Resolves after so many ms of the clock. */
export function later(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.setTimer(clock.now() + ms, resolve));
}

/** Wait for something that must come. @throws Error after 10 s, naming it */
export async function until(clock: Clock, what: string, holds: () => boolean): Promise<void> {
  const endMs = clock.now() + 10_000;
  while (!holds()) {
    if (clock.now() > endMs) throw new Error(`not within 10 s: ${what}`);
    await later(clock, 20);
  }
}
