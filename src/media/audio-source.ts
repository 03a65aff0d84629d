// One outgoing stream: owns its encoder and its pace, and hands each frame, encoded once, to every link it goes to.
import type { OpusCodec, OpusEncoder } from "../codecs/opus.ts";
import { toTransportError, TransportError } from "../errors/errors.ts";
import type { AudioData } from "../runtime/data.ts";
import { Driver } from "../runtime/driver.ts";
import type { Clock } from "../runtime/time.ts";
import { checkAudioData } from "./audio-data.ts";
import { AudioLane } from "./audio-lane.ts";
import type { LaneBlock, LaneFrame, LaneOutput } from "./audio-lane.ts";
import { FrameEncoder } from "./frame-encoder.ts";
import type { AudioOptions, PeerMedia } from "./media.ts";

/** Encoding beyond this, ms, endangers the frames behind it. */
const SLOW_ENCODE_MS = 10;

/** Options of an {@link AudioSource}. */
export interface AudioSourceOptions {
  clock: Clock;
  audio: AudioOptions;
  codec: OpusCodec;
  /** Told of frames that could not be encoded (`ENCODING_ERROR`); the stream goes on. */
  onFault?: (error: TransportError) => void;
  /** Told of frames whose encoding took over 10 ms. */
  onSlowEncode?: (durationMs: number) => void;
}

/** Encodes and paces one stream. One source may serve many links, but a link takes one source at a time. */
export class AudioSource {
  readonly #options: AudioSourceOptions;
  readonly #lane: AudioLane<readonly PeerMedia[]>;
  readonly #driver: Driver<LaneBlock<readonly PeerMedia[]>, LaneOutput<readonly PeerMedia[]>>;
  readonly #sends = new Map<number, { resolve: () => void; reject: (error: TransportError) => void }>();
  #nextId = 0;
  #encoder: OpusEncoder | undefined;
  #encoderReady: Promise<void> | undefined;
  #frameEncoder: FrameEncoder | undefined;
  #bitrateKbps: number;
  #closed = false;

  constructor(options: AudioSourceOptions) {
    this.#options = options;
    const { clock, audio } = options;
    this.#bitrateKbps = audio.bitrateKbps;
    const wallOffsetMs = clock.wallNow() - clock.now();
    this.#lane = new AudioLane({ channels: audio.channels, frameMs: audio.frameMs, wallOffsetMs });
    this.#driver = new Driver(this.#lane, clock, (output) => this.#effect(output));
  }

  /** Audio taken and not yet sent, ms; at most some 200. */
  get queuedMs(): number {
    return this.#lane.queuedMs;
  }

  /**
   * Send a block. Frames leave in real time; up to 200 ms may be ahead, then sends wait.
   *
   * @param data any length; `samples` must not change until the promise settles
   * @param targets the links it goes to
   * @returns resolves when all samples are queued
   * @throws TransportError (as rejection) `INVALID_DATA`, `SEND_BUFFER_FULL` when over a thousand sends wait,
   *   `ENCODING_ERROR` when there can be no encoder, `MEDIA_TRACK_ERROR` when the source is closed
   */
  async send(data: AudioData, targets: readonly PeerMedia[]): Promise<void> {
    checkAudioData(data);
    if (this.#encoder === undefined && targets.some(takesPackets)) await this.#makeEncoder();
    if (this.#closed) throw closedError();
    const { samples, sampleRate, channels, timestampUs } = data;
    const id = this.#nextId++;
    await new Promise<void>((resolve, reject) => {
      this.#sends.set(id, { resolve, reject });
      this.#driver.handle({ type: "send", id, samples, sampleRate, channels, timestampUs, targets });
    });
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
    for (const { reject } of this.#sends.values()) reject(reason);
    this.#sends.clear();
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

  #effect(output: LaneOutput<readonly PeerMedia[]>): void {
    if (output.type === "frame") return this.#transmit(output);
    const send = this.#sends.get(output.id);
    this.#sends.delete(output.id);
    if (output.type === "accepted") return send?.resolve();
    send?.reject(
      new TransportError("SEND_BUFFER_FULL", "Too many sends of audio wait for those before them"),
    );
  }

  #transmit(frame: LaneFrame<readonly PeerMedia[]>): void {
    const payload = frame.targets.some(takesPackets) ? this.#encode(frame) : undefined;
    for (const target of frame.targets) target.transmit(frame, payload);
  }

  /** @returns undefined when nothing need or can be sent */
  #encode(frame: LaneFrame<readonly PeerMedia[]>): Uint8Array | undefined {
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

function takesPackets(target: PeerMedia): boolean {
  return target.level === "packet";
}

function closedError(): TransportError {
  return new TransportError("MEDIA_TRACK_ERROR", "The audio source is closed");
}
