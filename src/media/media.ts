// The door of this folder: the media of one peer link. Owns machines, a decoder and timers; what the link hears leaves
// as decoded frames, what it says comes from audio sources.
import type { OpusCodec, OpusDecoder } from "../codecs/opus.ts";
import type { AudioConfig, ConfigOptions } from "../config/config.ts";
import { toTransportError, TransportError } from "../errors/errors.ts";
import type { AudioPort, EncodedAudioFrame } from "../platform/platform.ts";
import { Reports } from "../rtp/rtcp/reports.ts";
import type { ReportsInput, ReportsOutput } from "../rtp/rtcp/reports.ts";
import type { AudioFrame } from "../runtime/data.ts";
import { Driver } from "../runtime/driver.ts";
import type { Clock, LocalMs } from "../runtime/time.ts";
import type { LaneFrame } from "./audio-lane.ts";
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
   * Send a frame; for audio sources. Frames that are not behind the last one sent are left out and counted.
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

function randomShare(randomBytes: (length: number) => Uint8Array): number {
  return new DataView(Uint8Array.from(randomBytes(4)).buffer).getUint32(0) / 2 ** 32;
}
