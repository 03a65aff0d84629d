// Plays received audio of several peers on the page's loudspeaker. Holds the audio context and the worklet; the
// mixing itself is done by playout-mixer.ts on the audio thread.
import { TransportError, toTransportError } from "../../errors/errors.ts";
import { createRing } from "../../runtime/record-ring.ts";
import { inlineScriptUrl } from "./inline-script.ts";
import { PLAYOUT_PROCESSOR } from "./playout-messages.ts";
import type { PlayoutCommand, PlayoutProcessorOptions, PlayoutReport } from "./playout-messages.ts";
import { PLAYOUT_RING_BYTES, PlayoutRingWriter } from "./playout-records.ts";
import type { PlayoutStreamStats } from "./playout-stream.ts";

export type { PlayoutStreamStats } from "./playout-stream.ts";

/** Options of {@link AudioPlayout}. */
export interface AudioPlayoutOptions {
  /** Context to play in; it is neither closed nor resumed. Without it, one of 48 kHz is made by `start()`. */
  context?: AudioContext;
  /** Fill of a peer's buffer from which playing starts, ms, 0 to 200; grows by itself with underruns. Default 20. */
  targetMs?: number;
  /** Address of `dist/worklet.js`: for pages whose Content-Security-Policy forbids the inlined `blob:` script. */
  workletUrl?: string;
}

/** A snapshot of the playout, at most 0.1 s old. */
export interface PlayoutStats {
  /** Whether the audio context runs; browsers hold it back until the user has touched the page. */
  running: boolean;
  /** Delay behind the worklet as the browser states it, ms. */
  outputLatencyMs: number;
  /** Blocks thrown away because the context was not running, or did not keep up. */
  discardedBlocks: number;
  peers: Readonly<Record<string, PlayoutStreamStats>>;
}

const DEFAULT_TARGET_MS = 20;
const MAX_TARGET_MS = 200;
/** Opus' rate, so that nothing is resampled on the way; the browser adapts to its device. */
const SAMPLE_RATE = 48_000;
/** A mesh has ten peers; more names than this mean that nobody calls `remove`. */
const MAX_PEERS = 64;

/**
 * Plays audio of several peers, mixed. Feed it from `frames()`:
 *
 * ```ts
 * const playout = new AudioPlayout();
 * button.onclick = () => playout.start(); // browsers start audio on a user's gesture only
 * for await (const { peerId, samples, channels, sampleRate } of transport.frames()) {
 *   playout.push(peerId, samples, channels, sampleRate);
 * }
 * ```
 */
export class AudioPlayout {
  readonly #options: AudioPlayoutOptions;
  /** Peers by the number that their records carry. */
  readonly #peers = new Map<string, number>();
  #lastNumber = 0;
  #ring: PlayoutRingWriter | undefined;
  #context: AudioContext | undefined;
  #node: AudioWorkletNode | undefined;
  #starting: Promise<void> | undefined;
  #report: PlayoutReport = {};
  #discardedBlocks = 0;
  #closed = false;

  /** @throws TransportError `INVALID_CONFIG` when `targetMs` is out of range */
  constructor(options: AudioPlayoutOptions = {}) {
    const { targetMs = DEFAULT_TARGET_MS } = options;
    if (!(targetMs >= 0 && targetMs <= MAX_TARGET_MS)) {
      throw new TransportError("INVALID_CONFIG", `targetMs: expected 0 to ${MAX_TARGET_MS}, got ${targetMs}`);
    }
    this.#options = options;
  }

  /**
   * Load the worklet and start to play; call it, or call it again, from a user's gesture. Concurrent calls share
   * their work. `stats().running` says whether the browser lets audio out yet.
   * @throws TransportError `NOT_SUPPORTED` without AudioWorklet or when the worklet cannot be loaded,
   * `ALREADY_SHUTDOWN` after close()
   */
  async start(): Promise<void> {
    this.#starting ??= this.#load();
    try {
      await this.#starting;
    } catch (error) {
      this.#starting = undefined;
      throw error;
    }
    if (this.#options.context !== undefined) return;
    // Without a gesture this stays pending until there is one, so nobody waits for it; closing rejects it.
    this.#context?.resume().catch(() => undefined);
  }

  /**
   * Play samples of a peer behind those pushed before. They are copied. Ignored before start() and after close().
   * @param samples interleaved, in [-1, 1] @param sampleRate Hz, 8000 to 192000
   * @throws TransportError `INVALID_DATA`, or `LIMIT_EXCEEDED` with more than 64 peers
   */
  push(peerId: string, samples: Float32Array, channels: number, sampleRate: number): void {
    requireFormat(samples, channels, sampleRate);
    if (this.#node === undefined) return;
    if (this.#context?.state !== "running") {
      // Nothing empties the worklet's inbox while its context stands still.
      this.#discardedBlocks++;
      return;
    }
    const number = this.#admit(peerId);
    if (this.#ring !== undefined) {
      if (!this.#ring.write(number, samples, channels, sampleRate)) this.#discardedBlocks++;
      return;
    }
    const copy = samples.slice();
    this.#send({ type: "push", peerId, samples: copy, channels, sampleRate }, [copy.buffer]);
  }

  /**
   * Change the loudness of a peer without a click; kept until `remove`. Takes effect after start() only.
   * @param gain linear, 0 (silent) to 16
   */
  setGain(peerId: string, gain: number): void {
    if (!(gain >= 0 && gain <= 16)) {
      throw new TransportError("INVALID_DATA", `gain: expected 0 to 16, got ${gain}`);
    }
    if (this.#node === undefined) return;
    this.#admit(peerId);
    this.#send({ type: "gain", peerId, gain });
  }

  /** Drop a peer, its waiting audio and its gain. */
  remove(peerId: string): void {
    this.#peers.delete(peerId);
    this.#send({ type: "remove", peerId });
  }

  /** Counters of all peers. */
  stats(): PlayoutStats {
    const context = this.#context;
    return {
      running: context?.state === "running",
      outputLatencyMs: ((context?.baseLatency ?? 0) + (context?.outputLatency ?? 0)) * 1000,
      discardedBlocks: this.#discardedBlocks,
      peers: this.#report,
    };
  }

  /** Idempotent; stops playing and closes the context unless it was the caller's. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#starting?.catch(() => undefined); // told to the caller of start()
    this.#send({ type: "close" });
    this.#node?.disconnect();
    this.#node = undefined;
    if (this.#options.context === undefined) await this.#context?.close();
  }

  async #load(): Promise<void> {
    if (this.#closed) throw new TransportError("ALREADY_SHUTDOWN", "the playout was closed");
    if (typeof AudioWorkletNode === "undefined") {
      throw new TransportError(
        "NOT_SUPPORTED",
        "this browser has no AudioWorklet, or the page is not secure",
      );
    }
    const context = (this.#context ??=
      this.#options.context ?? new AudioContext({ sampleRate: SAMPLE_RATE }));
    try {
      await context.audioWorklet.addModule(this.#options.workletUrl ?? (await inlinedWorklet()));
    } catch (error) {
      throw toTransportError(error, "NOT_SUPPORTED", "the playout worklet cannot be loaded", {
        suggestion:
          "Where the page's Content-Security-Policy forbids blob: scripts, serve dist/worklet.js and pass its " +
          "address as workletUrl.",
      });
    }
    // Pages that are not isolated may not share memory: their samples go in messages.
    const ring = globalThis.crossOriginIsolated ? createRing(PLAYOUT_RING_BYTES) : undefined;
    const { targetMs = DEFAULT_TARGET_MS } = this.#options;
    const processorOptions: PlayoutProcessorOptions = { targetMs, ring };
    const node = new AudioWorkletNode(context, PLAYOUT_PROCESSOR, {
      numberOfInputs: 0,
      outputChannelCount: [2],
      processorOptions,
    });
    node.port.onmessage = ({ data }: MessageEvent<PlayoutReport>): void => {
      this.#report = data;
    };
    node.connect(context.destination);
    this.#ring = ring === undefined ? undefined : new PlayoutRingWriter(ring);
    this.#node = node;
  }

  #admit(peerId: string): number {
    const known = this.#peers.get(peerId);
    if (known !== undefined) return known;
    if (this.#peers.size >= MAX_PEERS) {
      throw new TransportError("LIMIT_EXCEEDED", `more than ${MAX_PEERS} peers are played`, {
        suggestion: "Call remove() for peers that have left.",
      });
    }
    const number = ++this.#lastNumber;
    this.#peers.set(peerId, number);
    if (this.#ring !== undefined) this.#send({ type: "number", peerId, number });
    return number;
  }

  #send(command: PlayoutCommand, transfer: ArrayBuffer[] = []): void {
    this.#node?.port.postMessage(command, transfer);
  }
}

function requireFormat(samples: Float32Array, channels: number, sampleRate: number): void {
  if (!Number.isInteger(channels) || channels < 1 || samples.length % channels !== 0) {
    throw new TransportError(
      "INVALID_DATA",
      "samples: expected a multiple of `channels`, and at least one channel",
    );
  }
  if (!(sampleRate >= 8000 && sampleRate <= 192_000)) {
    throw new TransportError("INVALID_DATA", `sampleRate: expected 8000 to 192000, got ${sampleRate}`);
  }
}

/** Only pages that play anything load the script. */
async function inlinedWorklet(): Promise<string> {
  const { playoutWorkletSource } = await import("./generated/playout-worklet.ts");
  return inlineScriptUrl(playoutWorkletSource);
}
