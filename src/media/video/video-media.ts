// The video of one peer link, both ways, whichever way the platform takes it: packets, which we make and read, or pictures
// and coded frames, where the browser does. Encodes and decodes nothing.
import type { ConfigOptions } from "../../config/config.ts";
import type {
  EncodedVideoFrame,
  PacketVideoPort,
  VideoAgreement,
  VideoPort,
} from "../../platform/video-link.ts";
import type { I420Picture } from "../../platform/video-codecs.ts";
import { ntpToBigInt } from "../../rtp/ntp.ts";
import { parseRtp } from "../../rtp/packet.ts";
import { buildRtcp } from "../../rtp/rtcp/packets.ts";
import { Reports } from "../../rtp/rtcp/reports.ts";
import type { RemoteReception, ReportsInput, ReportsOutput } from "../../rtp/rtcp/reports.ts";
import type { Rotation } from "../../runtime/data.ts";
import { Driver } from "../../runtime/driver.ts";
import type { Clock, LocalMs } from "../../runtime/time.ts";
import type { RtcpSenderReport } from "../../sync/sync-types.ts";
import type { CodedVideoFrame } from "../engine/engine.ts";
import { FrameGate } from "./frame-gate.ts";
import type { FrameGateInput, FrameGateOutput } from "./frame-gate.ts";
import { PictureChain } from "./picture-chain.ts";
import { VideoReceiving } from "./video-receiving.ts";
import type { VideoReceiverCounters } from "./video-receiver-counters.ts";
import { VideoSending } from "./video-sending.ts";
import type { VideoRates, VideoSendingCounters } from "./video-sending.ts";
import type { CutFrame, SinkDemand, VideoSink } from "./video-sink.ts";

/** Ticks a second of the RTP clock of all video formats (RFC 3551 section 5). */
const CLOCK_RATE = 90_000;

/** Between two requests for a keyframe by way of the browser, ms; who still needs one asks again. */
const KEYFRAME_REQUEST_MS = 500;

/** Options of a {@link VideoMedia}. */
export interface VideoMediaOptions {
  peerId: string;
  clock: Clock;
  port: VideoPort;
  agreement: VideoAgreement;
  ssrc: number;
  rtxSsrc: number;
  cname: string;
  rtcpIntervalMs: number;
  /** A uniform random u32. */
  random: () => number;
  rates: VideoRates;
  /** A frame that can be decoded, in order, each once; of a browser's that numbers none, as it came. */
  onFrame: (frame: CodedVideoFrame) => void;
  onSenderReport: (report: RtcpSenderReport, receivedAtMs: LocalMs) => void;
  /** A frame has begun to leave. */
  onSent: (mark: { ssrc: number; rtpTimestamp: number; captureUs: number }) => void;
  onDemand: (demand: SinkDemand) => void;
  /** The browser refused something; the link goes on. */
  onFault: (error: unknown) => void;
}

/** What a link's video counts; null where the browser keeps the figures. */
export interface VideoMediaStats {
  readonly codec: string;
  readonly inbound: VideoReceiverCounters | null;
  readonly outbound: VideoSendingCounters | null;
  /** Of our stream. */
  readonly ssrc: number;
  /** Of the incoming stream: expected minus received, as RTCP counts it, and its jitter, ms. */
  readonly packetsLost: number | undefined;
  readonly jitterMs: number | undefined;
  /** What the other side says of our stream. */
  readonly remote: RemoteReception | undefined;
  /** Requests of the other side. */
  readonly nackCount: number | undefined;
  readonly pliCount: number | undefined;
  readonly firCount: number | undefined;
}

/** See the header. Close it to stop its timers; it says goodbye. */
export class VideoMedia implements VideoSink {
  readonly #options: VideoMediaOptions;
  /** Undefined where the browser does the packets. */
  readonly #packets: PacketMedia | undefined;
  /** For frames as the browser hands them over. */
  readonly #gate: Driver<FrameGateInput, FrameGateOutput>;
  readonly #chain = new PictureChain();
  #bitrateKbps: number;
  #askedMs = -Infinity;
  /** Of the last frame begun, so that one mark tells of each. */
  #markedTimestamp: number | undefined;

  constructor(options: VideoMediaOptions) {
    this.#options = options;
    this.#bitrateKbps = options.rates.maxKbps;
    const { port } = options;
    this.#gate = new Driver(new FrameGate(), options.clock, (output) => {
      if (output.type === "frame") this.#handOnWhole(output.frame);
      else this.wantKeyframe();
    });
    if (port.level === "packet") {
      this.#packets = new PacketMedia(options, port, {
        sent: (rtpTimestamp, captureUs) => this.#mark(rtpTimestamp, captureUs),
        received: (frame) => this.#handOn(frame),
      });
    }
  }

  get peerId(): string {
    return this.#options.peerId;
  }

  get level(): "packet" | "track" {
    return this.#options.port.level;
  }

  get codec(): VideoAgreement["codec"] {
    return this.#options.agreement.codec;
  }

  get targetKbps(): number {
    return this.#packets?.sending.targetKbps ?? this.#bitrateKbps;
  }

  /** What the path is taken to carry in all, kbit/s; undefined where the browser keeps the figure. */
  get bandwidthKbps(): number | undefined {
    return this.#packets?.sending.bandwidthKbps;
  }

  /** Of our packets, as the last report says, 0 to 1; undefined before that, and where the browser keeps the figure. */
  get lossRate(): number | undefined {
    return this.#packets?.reports.remote?.lossRate;
  }

  transmit(frame: CutFrame): void {
    this.#packets?.sending.transmit(frame);
  }

  write(picture: I420Picture, timestampUs: number, rotation: Rotation): void {
    const { port } = this.#options;
    if (port.level === "track") port.write(picture, timestampUs, rotation);
  }

  setBitrate(bitrateKbps: number): void {
    const { port, onFault } = this.#options;
    if (port.level !== "track" || bitrateKbps === this.#bitrateKbps) return;
    this.#bitrateKbps = bitrateKbps;
    port.setBitrate(bitrateKbps).catch((error: unknown) => onFault(error));
  }

  /** Other bounds of the rate, kbit/s. */
  bound(minKbps: number, maxKbps: number): void {
    this.#packets?.sending.bound(minKbps, maxKbps);
    this.setBitrate(maxKbps);
  }

  /** Take an RTP packet from the link; it is ours from now on. */
  receiveRtp(packet: Uint8Array, arrivalMs: LocalMs): void {
    this.#packets?.receiveRtp(packet, arrivalMs);
  }

  /** Take an RTCP packet from the link. */
  receiveRtcp(packet: Uint8Array, arrivalMs: LocalMs): void {
    this.#packets?.receiveRtcp(packet, arrivalMs);
  }

  /** Take a coded frame from a link that hides packets. */
  receiveFrame(frame: EncodedVideoFrame): void {
    this.#gate.handle({ type: "frame", frame });
  }

  /** A frame's turn has come. @returns whether the one handed on before it came out too, in front of it */
  follows(rtpTimestamp: number): boolean {
    return this.#chain.leave(rtpTimestamp);
  }

  /** The decoder failed at the frame with this RTP timestamp. */
  undecodable(rtpTimestamp: number): void {
    if (this.#packets !== undefined) this.#packets.receiving.undecodable(rtpTimestamp);
    else this.wantKeyframe();
  }

  /** Ask the other side for a keyframe; it is asked no more often than it can answer. */
  wantKeyframe(): void {
    const { port, clock } = this.#options;
    this.#packets?.receiving.wantKeyframe();
    const nowMs = clock.now();
    if (port.level !== "track" || nowMs - this.#askedMs < KEYFRAME_REQUEST_MS) return;
    this.#askedMs = nowMs;
    port.requestKeyframe();
  }

  /** Change settings of the running link. */
  configure({ rtcpIntervalMs }: Pick<ConfigOptions, "rtcpIntervalMs">): void {
    if (rtcpIntervalMs !== undefined) this.#packets?.configure(rtcpIntervalMs);
  }

  stats(): VideoMediaStats {
    const packets = this.#packets;
    const inbound = packets?.receiving.counters ?? null;
    const reception = inbound?.ssrc === undefined ? undefined : packets?.reports.reception(inbound.ssrc);
    const asked = packets?.reports.counters;
    return {
      codec: this.codec,
      inbound,
      outbound: packets?.sending.counters ?? null,
      ssrc: this.#options.ssrc,
      packetsLost: reception?.lost,
      jitterMs: reception?.jitterMs,
      remote: packets?.reports.remote,
      nackCount: asked?.nackCount,
      pliCount: asked?.pliCount,
      firCount: asked?.firCount,
    };
  }

  /** Idempotent. */
  close(): void {
    this.#gate.close();
    this.#packets?.close();
  }

  #handOnWhole(frame: EncodedVideoFrame): void {
    const { ssrc, rtpTimestamp, data, isKeyframe, width = 0, height = 0, arrivalMs, captureMs } = frame;
    const captureUs = captureMs === undefined ? undefined : captureMs * 1000;
    const coded = { ssrc, rtpTimestamp, data, isKeyframe, width, height, arrivalMs, captureUs };
    this.#handOn({ ...coded, rtpSequence: null });
  }

  #handOn(frame: CodedVideoFrame): void {
    this.#chain.enter(frame.rtpTimestamp);
    this.#options.onFrame(frame);
  }

  #mark(rtpTimestamp: number, captureUs: number): void {
    if (rtpTimestamp === this.#markedTimestamp) return;
    this.#markedTimestamp = rtpTimestamp;
    this.#options.onSent({ ssrc: this.#options.ssrc, rtpTimestamp, captureUs });
  }
}

/** What a {@link PacketMedia} tells. */
interface PacketMediaEvents {
  /** A packet of the frame with this timestamp has left. */
  sent(rtpTimestamp: number, captureUs: number): void;
  received(frame: CodedVideoFrame): void;
}

/** The part that makes and reads packets. */
class PacketMedia {
  readonly sending: VideoSending;
  readonly receiving: VideoReceiving;
  readonly reports: Reports;
  readonly #options: VideoMediaOptions;
  readonly #port: PacketVideoPort;
  readonly #reportsDriver: Driver<ReportsInput, ReportsOutput>;
  /** Reports are told apart by when they came; packets sent until the last one. */
  #reportAtMs = -Infinity;
  #reportedPackets = 0;
  #closed = false;

  constructor(options: VideoMediaOptions, port: PacketVideoPort, events: PacketMediaEvents) {
    this.#options = options;
    this.#port = port;
    const { peerId, clock, agreement, ssrc, rtxSsrc, cname, rtcpIntervalMs, random, rates } = options;
    this.reports = new Reports({
      ssrc,
      cname,
      clockRate: CLOCK_RATE,
      rtcpIntervalMs,
      wallOffsetMs: clock.wallNow() - clock.now(),
      random: () => random() / 2 ** 32,
    });
    this.#reportsDriver = new Driver(this.reports, clock, (output) => this.#reported(output));
    this.sending = new VideoSending({
      peerId,
      clock,
      port,
      agreement,
      ssrc,
      rtxSsrc,
      random,
      rates,
      onSent: (rtpTimestamp, captureUs, payloadLength) => {
        this.#reportsDriver.handle({ type: "rtp-sent", rtpTimestamp, captureUs, payloadLength });
        events.sent(rtpTimestamp, captureUs);
      },
      onDemand: (demand) => options.onDemand(demand),
    });
    this.receiving = new VideoReceiving({
      clock,
      agreement,
      ssrc,
      onFrame: (frame) => events.received(frame),
      onFeedback: (packet) => void port.sendRtcp(buildRtcp([packet])),
    });
  }

  receiveRtp(packet: Uint8Array, arrivalMs: LocalMs): void {
    const rtp = parseRtp(packet);
    if (typeof rtp === "string") return;
    const { ssrc, sequenceNumber, timestamp: rtpTimestamp, payloadType } = rtp;
    // Retransmissions have a stream of their own, which is not reported on (RFC 4588 section 6.3).
    if (payloadType !== this.#options.agreement.rtxPayloadType) {
      this.#reportsDriver.handle({ type: "rtp-received", ssrc, sequenceNumber, rtpTimestamp, arrivalMs });
    }
    this.receiving.receive(packet, rtp, arrivalMs);
  }

  receiveRtcp(packet: Uint8Array, arrivalMs: LocalMs): void {
    this.#reportsDriver.handle({ type: "rtcp-received", bytes: packet, arrivalMs });
    this.#noteReport();
  }

  configure(rtcpIntervalMs: number): void {
    this.#reportsDriver.handle({ type: "configure", rtcpIntervalMs });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reportsDriver.handle({ type: "close" });
    this.#reportsDriver.close();
    this.sending.close();
    this.receiving.close();
  }

  #reported(output: ReportsOutput): void {
    switch (output.type) {
      case "send":
        this.#port.sendRtcp(output.bytes);
        return;
      case "sender-report": {
        const { ssrc, ntp, rtpTimestamp, packetCount, octetCount } = output.report;
        const report = { ssrc, ntpTimestamp: ntpToBigInt(ntp), rtpTimestamp, packetCount, octetCount };
        return this.#options.onSenderReport(report, output.arrivalMs);
      }
      case "feedback":
        return this.sending.hear(output.packet);
      case "goodbye":
        return;
    }
  }

  #noteReport(): void {
    const { remote } = this.reports;
    if (remote === undefined || remote.atMs === this.#reportAtMs) return;
    this.#reportAtMs = remote.atMs;
    const { packetsSent } = this.reports.counters;
    const packets = packetsSent - this.#reportedPackets;
    this.#reportedPackets = packetsSent;
    this.sending.report(remote.lossRate, packets, remote.roundTripTimeMs);
    if (remote.roundTripTimeMs !== undefined) this.receiving.setRtt(remote.roundTripTimeMs);
  }
}
