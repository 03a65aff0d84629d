// What the peers of a session send on its way into the session's pipeline: reads live frames of those kinds that the
// pipeline takes, of those peers that are attached, and nothing else.
import { toTransportError } from "../errors/errors.ts";
import type { TransportError } from "../errors/errors.ts";
import type { Kind } from "../pipeline/node.ts";
import type { AudioFrame, PictureFrame, TransportData } from "../runtime/data.ts";
import type { AlignedBlock } from "../sync/aligned-blocks.ts";
import type { AlignedReaders } from "./aligned-readers.ts";
import type { FrameReaders } from "./frame-readers.ts";
import { alignedInputs, audioInput, pictureInput } from "./session-inputs.ts";
import type { PeerInput } from "./session-inputs.ts";

/** In which form a session gets the audio of its peers. */
export interface SessionAudioFormat {
  /** Hz; default 48000. */
  sampleRate?: number | undefined;
  /** Length of every frame, as `frames()` takes it, or `alignedFrames()`; default 20. */
  frameMs?: 10 | 20 | 30 | 40 | 60 | undefined;
  channels?: 1 | 2 | undefined;
  /**
   * True: blocks of all peers that begin at the same instants, as `alignedFrames()` gives them: to mix or to compare. They
   * come as late as the slowest peer that is waited for. Default false: frames as they are played.
   */
  aligned?: boolean | undefined;
}

const DEFAULT_RATE = 48_000;

/** The part of a session that is fed. */
export interface FedSession {
  readonly peers: readonly string[];
  /** Whether its pipeline takes inputs of this kind. */
  accepts(kind: Kind): boolean;
  receive(peerId: string, input: TransportData): Promise<void>;
}

/** What a {@link SessionFeed} stands on. */
export interface SessionFeedOptions {
  session: FedSession;
  /** What is to be had of all peers' audio, a few inputs at a time; undefined where there is none. */
  openAudio: ((signal: AbortSignal) => AsyncIterable<readonly PeerInput[]>) | undefined;
  /** Live pictures of one peer; undefined where there are none. */
  openPictures: ((peerId: string, signal: AbortSignal) => AsyncIterable<readonly PeerInput[]>) | undefined;
  /** An input was refused, or reading has failed. */
  onFault: (error: TransportError) => void;
}

/** Live frames of all peers. @throws TransportError `INVALID_DATA` naming the option that is wrong */
export function liveAudio(
  readers: Pick<FrameReaders, "open">,
  { sampleRate, frameMs, channels }: SessionAudioFormat,
): (signal: AbortSignal) => AsyncIterable<readonly PeerInput[]> {
  return (signal) =>
    mapped(readers.open({ sampleRate, frameMs, channels, signal }), (frame: AudioFrame) => [
      audioInput(frame),
    ]);
}

/** Aligned blocks of all peers. @throws TransportError `INVALID_CONFIG` naming the option that is wrong */
export function alignedAudio(
  readers: Pick<AlignedReaders, "open">,
  { sampleRate = DEFAULT_RATE, frameMs, channels }: SessionAudioFormat,
): (signal: AbortSignal) => AsyncIterable<readonly PeerInput[]> {
  const format = {
    sampleRate,
    ...(frameMs !== undefined && { frameMs }),
    ...(channels !== undefined && { channels }),
  };
  return (signal) =>
    mapped(readers.open({ ...format, signal }), (block: AlignedBlock) => alignedInputs(block, sampleRate));
}

/** Pictures as inputs. */
export function livePictures(pictures: AsyncIterable<PictureFrame>): AsyncIterable<readonly PeerInput[]> {
  return mapped(pictures, (picture) => [pictureInput(picture)]);
}

async function* mapped<T>(
  values: AsyncIterable<T>,
  toInputs: (value: T) => readonly PeerInput[],
): AsyncIterable<readonly PeerInput[]> {
  for await (const value of values) yield toInputs(value);
}

/** See the header. */
export class SessionFeed {
  readonly #options: SessionFeedOptions;
  /** What is being read, by `audio` or the peer whose pictures it is. */
  readonly #reading = new Map<string, AbortController>();
  #closed = false;

  constructor(options: SessionFeedOptions) {
    this.#options = options;
  }

  /** Peers have come or gone, or the pipeline has changed: read what is wanted now. */
  refresh(): void {
    const wanted = new Map<string, () => void>();
    const { session, openAudio, openPictures } = this.#options;
    if (!this.#closed && openAudio !== undefined && session.accepts("audio") && session.peers.length > 0) {
      wanted.set("audio", () => this.#read("audio", openAudio));
    }
    if (!this.#closed && openPictures !== undefined && session.accepts("video")) {
      for (const peerId of session.peers) {
        const key = `pictures of ${peerId}`;
        wanted.set(key, () => this.#read(key, (signal) => openPictures(peerId, signal)));
      }
    }
    for (const [key, reading] of this.#reading) {
      if (wanted.has(key)) continue;
      this.#reading.delete(key);
      reading.abort();
    }
    for (const [key, begin] of wanted) if (!this.#reading.has(key)) begin();
  }

  /** Read nothing more. Idempotent. */
  close(): void {
    this.#closed = true;
    this.refresh();
  }

  #read(key: string, open: (signal: AbortSignal) => AsyncIterable<readonly PeerInput[]>): void {
    const { session, onFault } = this.#options;
    const reading = new AbortController();
    this.#reading.set(key, reading);
    const fault = (error: unknown): void =>
      onFault(toTransportError(error, "INTERNAL_ERROR", `feeding a session: ${key}`));
    const run = async (): Promise<void> => {
      for await (const inputs of open(reading.signal)) {
        if (reading.signal.aborted) return;
        // The session takes nothing from peers that are not attached.
        for (const { peerId, input } of inputs) session.receive(peerId, input).catch(fault);
      }
    };
    run().catch(fault);
  }
}
