// One outgoing stream: owns its encoder and its pace, and hands each frame, encoded once, to every link it goes to.
import type { OpusCodec, OpusEncoder } from "../codecs/opus.ts";
import { toTransportError, TransportError } from "../errors/errors.ts";
import type { AudioData } from "../runtime/data.ts";
import { Driver } from "../runtime/driver.ts";
import { recycleSamples } from "../runtime/sample-buffers.ts";
import type { Clock } from "../runtime/time.ts";
import { checkAudioData } from "./audio-data.ts";
import { AudioLane } from "./audio-lane.ts";
import type { LaneBlock, LaneFlushed, LaneFrame, LaneInput, LaneOutput } from "./audio-lane.ts";
import { FrameEncoder } from "./frame-encoder.ts";
import type { FrameSink } from "./link-feed.ts";
import type { AudioOptions } from "./media.ts";

/** Encoding beyond this, ms, endangers the frames behind it. */
const SLOW_ENCODE_MS = 10;

/** Sends that may wait for the encoder before further ones are refused. */
const MAX_HELD_SENDS = 1024;

type Targets = readonly FrameSink[];

/** What a flush has done. */
export type FlushedAudio = Omit<LaneFlushed, "type">;

/** Options of an {@link AudioSource}. */
export interface AudioSourceOptions {
  clock: Clock;
  audio: AudioOptions;
  codec: OpusCodec;
  /** Told of frames that could not be encoded (`ENCODING_ERROR`); the stream goes on. */
  onFault?: (error: TransportError) => void;
  /** Told of frames whose encoding took over 10 ms. */
  onSlowEncode?: (durationMs: number) => void;
  /** Local ms before which frames wait, unless they are late: until then another source feeds these links. */
  startMs?: number;
}

/** Encodes and paces one stream. One source may serve many links, but a link takes one source at a time. */
export class AudioSource {
  readonly #options: AudioSourceOptions;
  readonly #lane: AudioLane<Targets>;
  readonly #driver: Driver<LaneInput<Targets>, LaneOutput<Targets>>;
  /** Blocks that wait for the encoder, and with them all later ones. */
  readonly #held: LaneBlock<Targets>[] = [];
  readonly #flushes: ((flushed: FlushedAudio) => void)[] = [];
  /** What all who wait for the end of the queue wait for. */
  #drain: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;
  readonly #sends = new Map<number, { resolve: () => void; reject: (error: TransportError) => void }>();
  #nextId = 0;
  #encoder: OpusEncoder | undefined;
  #encoderReady: Promise<void> | undefined;
  #frameEncoder: FrameEncoder | undefined;
  #bitrateKbps: number;
  #closed = false;

  constructor(options: AudioSourceOptions) {
    this.#options = options;
    const { clock, audio, startMs = -Infinity } = options;
    const { channels, frameMs } = audio;
    this.#bitrateKbps = audio.bitrateKbps;
    const wallOffsetMs = clock.wallNow() - clock.now();
    this.#lane = new AudioLane({ channels, frameMs, wallOffsetMs, startMs });
    this.#driver = new Driver(this.#lane, clock, (output) => this.#effect(output));
  }

  /** Audio taken and not yet sent, ms; at most some 200. */
  get queuedMs(): number {
    return this.#lane.queuedMs;
  }

  /** When what is queued will have left, local ms; -Infinity when nothing is. Sends that wait do not count. */
  get clearMs(): number {
    return this.#lane.clearMs;
  }

  /**
   * Send a block. Frames leave in real time; up to 200 ms may be ahead, then sends wait.
   *
   * @param data any length; `samples` must not change until the promise settles
   * @param targets the links it goes to
   * @returns resolves when all samples are queued, or dropped by {@link flush}
   * @throws TransportError (as rejection) `INVALID_DATA`, `SEND_BUFFER_FULL` when over a thousand sends wait,
   *   `ENCODING_ERROR` when there can be no encoder, `MEDIA_TRACK_ERROR` when the source is closed
   */
  async send(data: AudioData, targets: Targets): Promise<void> {
    checkAudioData(data);
    if (this.#closed) throw closedError();
    const { samples, sampleRate, channels, timestampUs } = data;
    const id = this.#nextId++;
    return new Promise<void>((resolve, reject) => {
      this.#sends.set(id, { resolve, reject });
      const block = { type: "send", id, samples, sampleRate, channels, timestampUs, targets } as const;
      const lacksEncoder = this.#encoder === undefined && targets.some(takesPackets);
      if (lacksEncoder || this.#held.length > 0) this.#hold(block);
      else this.#driver.handle(block);
    });
  }

  /**
   * Drop what is queued and what waits; sends that wait resolve. The first `fadeMs` of what is queued still leave,
   * fading out. The next send begins anew at its own time.
   *
   * @param fadeMs 0 to 100
   * @returns at once, before anything else is sent
   */
  flush(fadeMs: number): Promise<FlushedAudio> {
    let heldMs = 0;
    for (const { id, samples, channels, sampleRate } of this.#held.splice(0)) {
      heldMs += (samples.length / channels / sampleRate) * 1000;
      this.#settle(id);
    }
    this.#checkDrained();
    if (this.#closed) return Promise.resolve({ sentUntilUs: null, droppedMs: 0 });
    return new Promise((resolve) => {
      this.#flushes.push(({ sentUntilUs, droppedMs }) =>
        resolve({ sentUntilUs, droppedMs: droppedMs + heldMs }),
      );
      this.#driver.handle({ type: "flush", fadeMs });
    });
  }

  /** Resolves when nothing is left to send, at once if so, or when the source is closed. */
  drain(): Promise<void> {
    if (this.#closed || this.#drained) return Promise.resolve();
    if (this.#drain === undefined) {
      let resolve = (): void => undefined;
      const promise = new Promise<void>((settle) => (resolve = settle));
      this.#drain = { promise, resolve };
    }
    return this.#drain.promise;
  }

  /** Change the encoder's target, 6 to 510 kbit/s, from the next frame on. */
  setBitrate(bitrateKbps: number): void {
    this.#bitrateKbps = bitrateKbps;
    this.#encoder?.setBitrate(bitrateKbps);
  }

  /** Drop what is queued, reject what waits with `reason`, free the encoder. Idempotent. */
  close(reason: TransportError = closedError()): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#driver.close();
    this.#encoder?.free();
    this.#encoder = undefined;
    this.#frameEncoder = undefined;
    this.#held.length = 0;
    for (const { reject } of this.#sends.values()) reject(reason);
    this.#sends.clear();
    for (const resolve of this.#flushes.splice(0)) resolve({ sentUntilUs: null, droppedMs: 0 });
    this.#checkDrained();
  }

  get #drained(): boolean {
    return this.#held.length === 0 && this.#lane.empty;
  }

  #checkDrained(): void {
    if (!this.#closed && !this.#drained) return;
    this.#drain?.resolve();
    this.#drain = undefined;
  }

  /** Keep a block until there is an encoder, and so its order with those behind it. */
  #hold(block: LaneBlock<Targets>): void {
    if (this.#held.length >= MAX_HELD_SENDS) return this.#settle(block.id, tooManyError());
    this.#held.push(block);
    if (this.#held.length > 1) return;
    this.#makeEncoder().then(
      () => {
        for (const held of this.#held.splice(0)) this.#driver.handle(held);
      },
      (error: unknown) => {
        for (const { id } of this.#held.splice(0)) this.#settle(id, error as TransportError);
        this.#checkDrained();
      },
    );
  }

  #settle(id: number, error?: TransportError): void {
    const send = this.#sends.get(id);
    this.#sends.delete(id);
    if (error === undefined) send?.resolve();
    else send?.reject(error);
  }

  #makeEncoder(): Promise<void> {
    this.#encoderReady ??= this.#createEncoder().catch((error: unknown) => {
      this.#encoderReady = undefined;
      throw toTransportError(error, "ENCODING_ERROR", "The audio encoder cannot be made");
    });
    return this.#encoderReady;
  }

  async #createEncoder(): Promise<void> {
    const { audio, codec } = this.#options;
    const encoder = await codec.createEncoder({
      ...audio,
      // Frames come at 48 kHz whatever goes on the wire; the configured rate bounds the bandwidth.
      sampleRate: 48_000,
      bandwidthRate: audio.sampleRate,
      bitrateKbps: this.#bitrateKbps,
    });
    if (this.#closed) {
      encoder.free();
      return;
    }
    this.#encoder = encoder;
    this.#frameEncoder = new FrameEncoder(encoder, audio.fec);
  }

  #effect(output: LaneOutput<Targets>): void {
    switch (output.type) {
      case "frame":
        return this.#transmit(output.frame);
      case "accepted":
        return this.#settle(output.id);
      case "refused":
        return this.#settle(output.id, tooManyError());
      case "flushed":
        return this.#flushes.shift()?.(output);
      case "empty":
        return this.#checkDrained();
    }
  }

  #transmit(frame: LaneFrame<Targets>): void {
    const payload = frame.targets.some(takesPackets) ? this.#encode(frame) : undefined;
    for (const target of frame.targets) target.transmit(frame, payload);
    // A track may play the samples later; packets hold none.
    if (frame.targets.every(takesPackets)) recycleSamples(frame.samples);
  }

  /** @returns undefined when nothing need or can be sent */
  #encode(frame: LaneFrame<Targets>): Uint8Array | undefined {
    const { clock, onFault, onSlowEncode } = this.#options;
    if (this.#frameEncoder === undefined) {
      // The links became able to take packets after the send: encoding begins with a later frame.
      this.#makeEncoder().catch((error: unknown) => onFault?.(error as TransportError));
      return undefined;
    }
    const startMs = clock.now();
    try {
      const loss = frame.targets.reduce((most, target) => Math.max(most, target.remotePacketLossRate), 0);
      return this.#frameEncoder.encode(frame.samples, loss);
    } catch (error) {
      onFault?.(toTransportError(error, "ENCODING_ERROR", "A frame of audio cannot be encoded"));
      return undefined;
    } finally {
      const durationMs = clock.now() - startMs;
      if (durationMs > SLOW_ENCODE_MS) onSlowEncode?.(durationMs);
    }
  }
}

function takesPackets(target: FrameSink): boolean {
  return target.level === "packet";
}

function closedError(): TransportError {
  return new TransportError("MEDIA_TRACK_ERROR", "The audio source is closed");
}

function tooManyError(): TransportError {
  return new TransportError("SEND_BUFFER_FULL", "Too many sends of audio wait for those before them");
}
