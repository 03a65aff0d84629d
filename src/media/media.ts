// The door of this folder: the media of one peer link, and the sources of what is sent. Owns machines, codec states
// and timers; what a link hears leaves as decoded frames, what it says comes from sources.
import type { OpusCodec, OpusDecoder, OpusEncoder } from "../codecs/opus.ts";
import type { AudioConfig, ConfigOptions } from "../config/config.ts";
import { toTransportError, TransportError } from "../errors/errors.ts";
import type { AudioPort, EncodedAudioFrame } from "../platform/platform.ts";
import { Reports } from "../rtp/rtcp/reports.ts";
import type { ReportsInput, ReportsOutput } from "../rtp/rtcp/reports.ts";
import type { AudioData, AudioFrame } from "../runtime/data.ts";
import { Driver } from "../runtime/driver.ts";
import type { Clock, LocalMs } from "../runtime/time.ts";
import { checkAudioData } from "./audio-data.ts";
import { AudioLane } from "./audio-lane.ts";
import type { LaneBlock, LaneFrame, LaneOutput } from "./audio-lane.ts";
import { FrameEncoder } from "./frame-encoder.ts";
import type { PeerMediaStats } from "./media-stats.ts";
import { Receiver } from "./receiver.ts";
import type { ReceiverInput, ReceiverOptions, ReceiverOutput } from "./receiver.ts";
import { AudioSender } from "./sender.ts";

/** A received frame before a reader's queue has added what that reader misses. */
export type ReceivedAudio = Omit<AudioFrame, "missingBefore">;

/** The encoder's part of the configuration. */
export type AudioOptions = Omit<AudioConfig, "enabled">;

/** Options of a {@link PeerMedia}. */
export interface PeerMediaOptions {
  peerId: string;
  clock: Clock;
  audio: AudioOptions;
  jitter: ReceiverOptions;
  rtcpIntervalMs: number;
  /** Of our outgoing stream. */
  ssrc: number;
  cname: string;
  randomBytes: (length: number) => Uint8Array;
  codec: OpusCodec;
  /** A decoded frame, in order, at its time. The callee owns `samples`. */
  onFrame: (frame: ReceivedAudio) => void;
  /** A fault that does not end the link. */
  onFault: (error: TransportError) => void;
}

/** Rate of decoded frames and of Opus' RTP clock (RFC 7587 section 4.1). */
const CLOCK_RATE = 48_000;

/** Encoding beyond this, ms, endangers the frames behind it. */
const SLOW_ENCODE_MS = 10;

/** A loss rate reported longer ago says nothing about now, ms. */
const REPORT_LIFETIME_MS = 30_000;

/** Media of one link to one peer, both ways. Close it to free its decoder and buffer. */
export class PeerMedia {
  readonly #options: PeerMediaOptions;
  readonly #sender: AudioSender;
  readonly #receiver: Receiver;
  readonly #reports: Reports;
  readonly #receiverDriver: Driver<ReceiverInput, ReceiverOutput>;
  readonly #reportsDriver: Driver<ReportsInput, ReportsOutput>;
  #decoder: OpusDecoder | undefined;
  #port: AudioPort | undefined;
  #finalStats: PeerMediaStats | undefined;

  constructor(options: PeerMediaOptions) {
    this.#options = options;
    const { clock, ssrc, cname, rtcpIntervalMs } = options;
    const random = new DataView(Uint8Array.from(options.randomBytes(6)).buffer);
    this.#sender = new AudioSender({
      ssrc,
      sequenceNumber: random.getUint16(0),
      timestampBase: random.getUint32(2),
    });
    this.#reports = new Reports({
      ssrc,
      cname,
      clockRate: CLOCK_RATE,
      rtcpIntervalMs,
      wallOffsetMs: clock.wallNow() - clock.now(),
      random: () => randomShare(options.randomBytes),
    });
    this.#reportsDriver = new Driver(this.#reports, clock, (output) => this.#report(output));
    this.#receiver = new Receiver(options.jitter);
    this.#receiverDriver = new Driver(this.#receiver, clock, (output) => this.#play(output));
    options.codec
      .createDecoder({ sampleRate: CLOCK_RATE, channels: options.audio.channels })
      .then((decoder) => this.#useDecoder(decoder))
      .catch((error: unknown) => this.#fault(error));
  }

  /** At which level the link takes media; undefined before {@link attach}. */
  get level(): AudioPort["level"] | undefined {
    return this.#port?.level;
  }

  /** Loss that the other side reports on our stream, 0 to 1; 0 when it has not lately. */
  get remotePacketLossRate(): number {
    const remote = this.#reports.remote;
    if (remote === undefined || this.#options.clock.now() - remote.atMs > REPORT_LIFETIME_MS) return 0;
    return remote.lossRate;
  }

  /** Send through this port from now on; a later call replaces it, e.g. after a reconnection. */
  attach(port: AudioPort): void {
    this.#port = port;
  }

  /** Take an RTP packet from the link; it is copied. */
  receiveRtp(packet: Uint8Array, arrivalMs: LocalMs): void {
    const payloadType = this.#port?.level === "packet" ? this.#port.payloadType : 0;
    this.#receiverDriver.handle({ type: "rtp", packet, arrivalMs, payloadType });
  }

  /** Take an RTCP packet from the link. */
  receiveRtcp(packet: Uint8Array, arrivalMs: LocalMs): void {
    this.#reportsDriver.handle({ type: "rtcp-received", bytes: packet, arrivalMs });
  }

  /** Take an encoded frame from a link that hides packets; it is copied. */
  receiveFrame(frame: EncodedAudioFrame): void {
    this.#receiverDriver.handle({ type: "frame", frame });
  }

  /**
   * Send a frame; for {@link AudioSource}s. Frames that are not behind the last one sent are left out and counted.
   *
   * @param payload the frame encoded, for links that take packets; undefined when nothing need be sent
   */
  transmit(frame: LaneFrame<unknown>, payload: Uint8Array | undefined): void {
    const port = this.#port;
    if (this.#finalStats !== undefined || port === undefined) return;
    const { channels } = this.#options.audio;
    const { position, captureUs } = frame;
    const outgoing = { position, durationTicks: frame.samples.length / channels };
    if (port.level === "track") {
      if (this.#sender.claim(outgoing)) port.write(frame.samples, channels, captureUs);
      return;
    }
    if (payload === undefined || port.payloadType === 0) return;
    const packet = this.#sender.packetize(outgoing, payload, port.payloadType);
    if (packet === undefined) return;
    const taken = port.sendRtp(packet);
    this.#sender.settle(taken);
    if (!taken) return;
    const rtpTimestamp = this.#sender.timestampOf(position);
    const payloadLength = payload.length;
    this.#reportsDriver.handle({ type: "rtp-sent", rtpTimestamp, captureUs, payloadLength });
  }

  /** Change settings of the running link. */
  configure(changes: Pick<ConfigOptions, "jitterBufferSizeMs" | "rtcpIntervalMs">): void {
    const { jitterBufferSizeMs, rtcpIntervalMs } = changes;
    if (jitterBufferSizeMs !== undefined) {
      this.#receiverDriver.handle({ type: "configure", jitterBufferSizeMs });
    }
    if (rtcpIntervalMs !== undefined) this.#reportsDriver.handle({ type: "configure", rtcpIntervalMs });
  }

  /** The counters as they stand; after {@link close}, as they stood then. */
  stats(): PeerMediaStats {
    if (this.#finalStats !== undefined) return this.#finalStats;
    const { ssrc } = this.#receiver;
    const reception = ssrc === undefined ? undefined : this.#reports.reception(ssrc);
    const remote = this.#reports.remote;
    const { reportsSent, reportsReceived, unknown, malformed } = this.#reports.counters;
    return {
      inbound: {
        ...this.#receiver.counters,
        ssrc,
        packetsLost: reception?.lost ?? 0,
        jitterMs: reception?.jitterMs ?? 0,
      },
      outbound: {
        ...this.#sender.counters,
        ssrc: this.#sender.ssrc,
        roundTripTimeMs: remote?.roundTripTimeMs,
        remotePacketLossRate: remote?.lossRate ?? 0,
        remotePacketsLost: remote?.cumulativeLost ?? 0,
        remoteJitterMs: remote?.jitterMs ?? 0,
      },
      rtcp: { reportsSent, reportsReceived, unknown, malformed },
    };
  }

  /** Say goodbye, stop the timers, free decoder and buffer. Idempotent. */
  close(): void {
    if (this.#finalStats !== undefined) return;
    this.#reportsDriver.handle({ type: "close" });
    this.#finalStats = this.stats();
    this.#reportsDriver.close();
    this.#receiverDriver.close();
    this.#receiver.close();
    this.#decoder?.free();
    this.#decoder = undefined;
  }

  #useDecoder(decoder: OpusDecoder): void {
    if (this.#finalStats !== undefined) {
      decoder.free();
      return;
    }
    this.#decoder = decoder;
    this.#receiverDriver.handle({ type: "decoder", decoder });
  }

  #play(output: ReceiverOutput): void {
    switch (output.type) {
      case "arrival": {
        const { ssrc, sequenceNumber, rtpTimestamp, arrivalMs } = output;
        this.#reportsDriver.handle({ type: "rtp-received", ssrc, sequenceNumber, rtpTimestamp, arrivalMs });
        return;
      }
      case "frame":
        return this.#deliver({
          kind: "audio",
          peerId: this.#options.peerId,
          streamId: "default",
          ...output.frame,
        });
      case "undecodable": {
        const { peerId } = this.#options;
        const message = `The last ${output.failures} packets of audio from ${peerId} are no Opus`;
        return this.#options.onFault(new TransportError("DECODING_ERROR", message, { peerId }));
      }
    }
  }

  #deliver(frame: ReceivedAudio): void {
    try {
      this.#options.onFrame(frame);
    } catch (error) {
      this.#fault(error);
    }
  }

  #report(output: ReportsOutput): void {
    if (output.type === "send" && this.#port?.level === "packet") this.#port.sendRtcp(output.bytes);
  }

  #fault(error: unknown): void {
    const { peerId } = this.#options;
    this.#options.onFault(toTransportError(error, "INTERNAL_ERROR", `Media of ${peerId} failed`, { peerId }));
  }
}

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

function randomShare(randomBytes: (length: number) => Uint8Array): number {
  return new DataView(Uint8Array.from(randomBytes(4)).buffer).getUint32(0) / 2 ** 32;
}
