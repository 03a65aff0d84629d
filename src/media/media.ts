// The door of this folder: the media of one peer link. What the link hears goes to a stream of the media engine, what it
// says comes from audio sources; the reports about both are made and read here.
import type { AudioConfig, ConfigOptions } from "../config/config.ts";
import { toTransportError } from "../errors/errors.ts";
import type { TransportError } from "../errors/errors.ts";
import type { AudioPort, EncodedAudioFrame } from "../platform/platform.ts";
import { ntpToBigInt } from "../rtp/ntp.ts";
import { parseRtp } from "../rtp/packet.ts";
import { Reports } from "../rtp/rtcp/reports.ts";
import type { ReportsInput, ReportsOutput } from "../rtp/rtcp/reports.ts";
import { Driver } from "../runtime/driver.ts";
import type { Clock, LocalMs } from "../runtime/time.ts";
import type { SentMark } from "../channels/sync-channel.ts";
import type { ClockExchange } from "../sync/clock-offset.ts";
import type { RtcpSenderReport, SyncBeacon, SyncedVideoFrame, SyncState } from "../sync/sync-types.ts";
import type { LaneFrame } from "./audio-lane.ts";
import type { CodedVideoFrame, LiveAudioFrame, MediaEngine, PeerStream } from "./engine/engine.ts";
import type { PeerMediaStats } from "./media-stats.ts";
import { AudioSender } from "./sender.ts";

/** The encoder's part of the configuration. */
export type AudioOptions = Omit<AudioConfig, "enabled">;

/** Options of a {@link PeerMedia}. */
export interface PeerMediaOptions {
  peerId: string;
  clock: Clock;
  audio: AudioOptions;
  rtcpIntervalMs: number;
  /** Of our outgoing stream. */
  ssrc: number;
  cname: string;
  randomBytes: (length: number) => Uint8Array;
  engine: MediaEngine;
  /** A decoded frame, in order, at its time. */
  onFrame: (frame: LiveAudioFrame) => void;
  /** A coded picture of the peer's, in its turn. */
  onPicture: (picture: SyncedVideoFrame) => void;
  /** A packet has left. */
  onSent: (mark: SentMark) => void;
  /** The peer's capture times have become better or worse known. */
  onSyncState: (state: SyncState) => void;
  /** A fault that does not end the link. */
  onFault: (error: TransportError) => void;
}

/** Rate of decoded frames and of Opus' RTP clock (RFC 7587 section 4.1). */
const CLOCK_RATE = 48_000;

/** While a link has no packets, or none yet. */
const NOT_NEGOTIATED = { payloadType: 0, captureTimeId: 0 };

/** A loss rate reported longer ago says nothing about now, ms. */
const REPORT_LIFETIME_MS = 30_000;

/** Media of one link to one peer, both ways. Close it to end its stream. */
export class PeerMedia {
  readonly #options: PeerMediaOptions;
  readonly #sender: AudioSender;
  readonly #stream: PeerStream;
  readonly #reports: Reports;
  readonly #reportsDriver: Driver<ReportsInput, ReportsOutput>;
  #port: AudioPort | undefined;
  #syncState: SyncState = "unsynced";
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
    this.#stream = options.engine.openStream(options.peerId, {
      frame: (frame) => this.#contain(() => options.onFrame(frame)),
      picture: (picture) => this.#contain(() => options.onPicture(picture)),
      syncState: (state) => {
        this.#syncState = state;
        this.#contain(() => options.onSyncState(state));
      },
      fault: (error) => options.onFault(error),
    });
  }

  /** How well the peer's capture times are known. */
  get syncState(): SyncState {
    return this.#syncState;
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

  /** Take an RTP packet from the link; it is ours from now on. */
  receiveRtp(packet: Uint8Array, arrivalMs: LocalMs): void {
    const port = this.#port?.level === "packet" ? this.#port : NOT_NEGOTIATED;
    const rtp = parseRtp(packet);
    if (typeof rtp !== "string") {
      const { ssrc, sequenceNumber, timestamp: rtpTimestamp } = rtp;
      this.#reportsDriver.handle({ type: "rtp-received", ssrc, sequenceNumber, rtpTimestamp, arrivalMs });
    }
    this.#stream.receiveRtp(packet, arrivalMs, port);
  }

  /** Take an RTCP packet from the link. */
  receiveRtcp(packet: Uint8Array, arrivalMs: LocalMs): void {
    this.#reportsDriver.handle({ type: "rtcp-received", bytes: packet, arrivalMs });
  }

  /** Take an encoded frame from a link that hides packets. */
  receiveFrame(frame: EncodedAudioFrame): void {
    this.#stream.receiveFrame(frame);
  }

  /** Take a coded picture that came over the peer's other link. */
  receivePicture(picture: CodedVideoFrame): void {
    this.#stream.receivePicture(picture);
  }

  /** Take a report of the sender of those pictures. */
  addVideoReport(report: RtcpSenderReport, receivedAtMs: LocalMs): void {
    this.#stream.addSenderReport("video", report, receivedAtMs);
  }

  /** Take a beacon of the peer's: where its stream stands in time. */
  addBeacon(beacon: SyncBeacon, receivedAtMs: LocalMs): void {
    this.#stream.addBeacon(beacon, receivedAtMs);
  }

  /** Take an exchange of clocks with the peer. */
  addClockExchange(exchange: ClockExchange): void {
    this.#stream.addClockExchange(exchange);
  }

  /** What the peer says of its encoder's delay, samples at 48 kHz. */
  setSenderLookahead(samples: number): void {
    this.#stream.setSenderLookahead(samples);
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
    const capture = { captureUs, extensionId: port.captureTimeId };
    const packet = this.#sender.packetize(outgoing, payload, port.payloadType, capture);
    if (packet === undefined) return;
    const taken = port.sendRtp(packet);
    this.#sender.settle(taken);
    if (!taken) return;
    const rtpTimestamp = this.#sender.timestampOf(position);
    const payloadLength = payload.length;
    this.#reportsDriver.handle({ type: "rtp-sent", rtpTimestamp, captureUs, payloadLength });
    this.#options.onSent({ media: "audio", ssrc: this.#sender.ssrc, rtpTimestamp, captureUs });
  }

  /** Change settings of the running link; those of its stream are the engine's. */
  configure({ rtcpIntervalMs }: Pick<ConfigOptions, "rtcpIntervalMs">): void {
    if (rtcpIntervalMs !== undefined) this.#reportsDriver.handle({ type: "configure", rtcpIntervalMs });
  }

  /** The counters as they stand; after {@link close}, as they stood then. */
  stats(): PeerMediaStats {
    // The engine may run elsewhere: its last word comes later than the end.
    if (this.#finalStats !== undefined) return { ...this.#finalStats, inbound: this.#stream.stats() };
    const remote = this.#reports.remote;
    const inbound = this.#stream.stats();
    const { ssrc } = inbound;
    return {
      inbound,
      outbound: {
        ...this.#sender.counters,
        ssrc: this.#sender.ssrc,
        roundTripTimeMs: remote?.roundTripTimeMs,
        remotePacketLossRate: remote?.lossRate ?? 0,
        remotePacketsLost: remote?.cumulativeLost ?? 0,
        remoteJitterMs: remote?.jitterMs ?? 0,
      },
      rtcp: {
        ...this.#reports.counters,
        reception: remote,
        sending: ssrc === undefined ? undefined : this.#reports.reception(ssrc)?.remote,
      },
    };
  }

  /** Say goodbye, stop the timers, end the stream. Idempotent. */
  close(): void {
    if (this.#finalStats !== undefined) return;
    this.#reportsDriver.handle({ type: "close" });
    this.#stream.close();
    this.#finalStats = this.stats();
    this.#reportsDriver.close();
  }

  #report(output: ReportsOutput): void {
    if (output.type === "send" && this.#port?.level === "packet") this.#port.sendRtcp(output.bytes);
    if (output.type !== "sender-report") return;
    const { ssrc, ntp, rtpTimestamp, packetCount, octetCount } = output.report;
    const report = { ssrc, ntpTimestamp: ntpToBigInt(ntp), rtpTimestamp, packetCount, octetCount };
    this.#stream.addSenderReport("audio", report, output.arrivalMs);
  }

  #contain(work: () => void): void {
    try {
      work();
    } catch (error) {
      const { peerId } = this.#options;
      this.#options.onFault(
        toTransportError(error, "INTERNAL_ERROR", `Media of ${peerId} failed`, { peerId }),
      );
    }
  }
}

function randomShare(randomBytes: (length: number) => Uint8Array): number {
  return new DataView(Uint8Array.from(randomBytes(4)).buffer).getUint32(0) / 2 ** 32;
}
