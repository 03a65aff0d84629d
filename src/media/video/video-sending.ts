// One link's outgoing video: frames become packets that leave at the pace the path bears, lost ones leave again, and what
// the other side tells becomes the rate to encode at. Encodes nothing.
import type { VideoAgreement, PacketVideoPort } from "../../platform/video-link.ts";
import type { FeedbackPacket } from "../../rtp/rtcp/packets.ts";
import type { TransportFeedback } from "../../rtp/rtcp/transport-cc.ts";
import { Driver } from "../../runtime/driver.ts";
import type { Clock } from "../../runtime/time.ts";
import { BandwidthEstimator } from "../congestion/bandwidth-estimator.ts";
import type { BandwidthInput, BandwidthOutput, FeedbackKind } from "../congestion/bandwidth-estimator.ts";
import { Pacer } from "../congestion/pacer.ts";
import type { PacerInput, PacerOutput } from "../congestion/pacer.ts";
import type { NegotiatedVideo } from "./outgoing-packet.ts";
import { RetransmissionBudget } from "./retransmission-budget.ts";
import { Retransmissions } from "./retransmissions.ts";
import { VideoSender } from "./video-sender.ts";
import type { OutgoingVideoPacket, VideoSenderCounters } from "./video-sender.ts";
import type { CutFrame, SinkDemand } from "./video-sink.ts";

/** What UDP, IP, SRTP and the header with its extensions add to a payload, roughly: 28 + 14 + 12 + 24 bytes. */
const OVERHEAD_BYTES = 78;

/** Longest padding of a packet (RFC 3550 section 5.1). */
const MAX_PADDING_BYTES = 255;

/** The rates a link's estimate moves between, kbit/s. */
export interface VideoRates {
  readonly minKbps: number;
  readonly startKbps: number;
  readonly maxKbps: number;
}

/** Options of a {@link VideoSending}. */
export interface VideoSendingOptions {
  peerId: string;
  clock: Clock;
  port: PacketVideoPort;
  agreement: VideoAgreement;
  ssrc: number;
  rtxSsrc: number;
  /** A uniform random u32. */
  random: () => number;
  rates: VideoRates;
  /** A packet has left. */
  onSent: (rtpTimestamp: number, captureUs: number, payloadLength: number) => void;
  /** What the other side, or the path, wants of whoever encodes. */
  onDemand: (demand: SinkDemand) => void;
}

/** Counters of a {@link VideoSending}. */
export interface VideoSendingCounters extends VideoSenderCounters {
  /** What the path is taken to carry, kbit/s. */
  targetKbps: number;
  retransmittedPackets: number;
  retransmittedBytes: number;
  /** Packets asked for again. */
  requestedPackets: number;
  /** Packets that only probed the path. */
  probePackets: number;
  /** Packets that would have waited too long to leave. */
  droppedPackets: number;
}

/** What waits in the pacer: a payload, or word that something is to be sent again. */
type Paced = { readonly packet: OutgoingVideoPacket } | "again";

/** See the header. Close it to stop its timers. */
export class VideoSending {
  readonly #options: VideoSendingOptions;
  readonly #negotiated: NegotiatedVideo;
  readonly #sender: VideoSender;
  readonly #retransmissions: Retransmissions;
  readonly #budget = new RetransmissionBudget();
  readonly #pacer: Pacer<Paced>;
  readonly #pacing: Driver<PacerInput<Paced>, PacerOutput<Paced>>;
  readonly #estimator: BandwidthEstimator;
  readonly #estimating: Driver<BandwidthInput, BandwidthOutput>;
  #transportSequence = 0;
  #probePackets = 0;

  constructor(options: VideoSendingOptions) {
    this.#options = options;
    const { agreement, clock, ssrc, rtxSsrc, random, rates } = options;
    const { payloadType, rtxPayloadType, captureTimeId, transportCcId, transportCc, dependencyId } =
      agreement;
    const transportSequenceId = transportCc ? transportCcId : 0;
    this.#negotiated = { payloadType, captureTimeId, transportSequenceId, dependencyId };
    this.#sender = new VideoSender({ ssrc, sequenceNumber: random() >>> 16, timestampBase: random() });
    this.#retransmissions = new Retransmissions({
      ssrc,
      ...(rtxPayloadType !== 0 && {
        rtx: { ssrc: rtxSsrc, payloadType: rtxPayloadType, sequenceNumber: random() >>> 16 },
      }),
    });
    this.#pacer = new Pacer<Paced>(rates.startKbps);
    this.#pacing = new Driver(this.#pacer, clock, (output) => this.#paced(output));
    this.#estimator = new BandwidthEstimator({ feedback: feedbackKind(agreement), ...rates });
    this.#estimating = new Driver(this.#estimator, clock, (output) => this.#estimated(output));
  }

  /** What the path is taken to carry beside the packets that are sent again, kbit/s. */
  get targetKbps(): number {
    const { minKbps } = this.#options.rates;
    return Math.max(minKbps, this.#estimator.targetKbps - this.#budget.kbps(this.#options.clock.now()));
  }

  /** What the path is taken to carry in all, kbit/s. */
  get bandwidthKbps(): number {
    return this.#estimator.targetKbps;
  }

  get counters(): VideoSendingCounters {
    const again = this.#retransmissions.counters;
    const { mediaDropped, retransmissionsDropped } = this.#pacer.counters;
    return {
      ...this.#sender.counters,
      targetKbps: this.#estimator.targetKbps,
      retransmittedPackets: again.packetsSent,
      retransmittedBytes: again.bytesSent,
      requestedPackets: again.requested,
      probePackets: this.#probePackets,
      droppedPackets: mediaDropped + retransmissionsDropped,
    };
  }

  /** The RTP timestamp of a position. */
  timestampOf(position: number): number {
    return this.#sender.timestampOf(position);
  }

  /** Send a frame, evenly over time. Where the pacer drops one, the next one that leaves is a keyframe. */
  transmit({ position, captureUs, isKeyframe, payloads }: CutFrame): void {
    const count = payloads.length;
    for (const [index, payload] of payloads.entries()) {
      const packet = { position, index, count, payload, isKeyframe, captureUs };
      this.#pacing.handle({
        type: "media",
        packet: { item: { packet }, byteLength: payload.length + OVERHEAD_BYTES },
        frame: position,
        isKeyframe,
      });
    }
  }

  /** Take feedback about our stream. */
  hear(packet: FeedbackPacket): void {
    const { onDemand, peerId, ssrc } = this.#options;
    switch (packet.type) {
      case "nack":
        return this.#sendAgain(packet.sequenceNumbers);
      case "pli":
        return onDemand({ type: "pli" });
      case "fir":
        for (const { ssrc: asked, sequenceNumber } of packet.requests) {
          if (asked !== ssrc) continue;
          onDemand({ type: "fir", peerId, senderSsrc: packet.senderSsrc, sequenceNumber });
        }
        return;
      case "remb":
        return this.#estimating.handle({ type: "remb", kbps: packet.bitrateBps / 1000 });
      case "transport-cc":
        return this.#hearArrivals(packet);
    }
  }

  /** Take what a report block says of our stream. */
  report(lossRate: number, packets: number, roundTripMs: number | undefined): void {
    if (roundTripMs !== undefined) {
      this.#retransmissions.setRtt(roundTripMs);
      this.#estimating.handle({ type: "round-trip", roundTripMs });
    }
    this.#estimating.handle({ type: "receiver-report", lossRate, packets });
  }

  /** Other bounds of the rate from now on. */
  bound(minKbps: number, maxKbps: number): void {
    this.#estimating.handle({ type: "bounds", minKbps, maxKbps });
  }

  close(): void {
    this.#pacing.close();
    this.#estimating.close();
  }

  #hearArrivals(feedback: TransportFeedback): void {
    this.#estimating.handle({ type: "feedback", feedback });
  }

  #sendAgain(sequenceNumbers: readonly number[]): void {
    const nowMs = this.#options.clock.now();
    const { targetKbps } = this.#estimator;
    const affordable = (payloadBytes: number): boolean =>
      this.#budget.spend(payloadBytes + OVERHEAD_BYTES, targetKbps, nowMs);
    for (const payloadBytes of this.#retransmissions.request(sequenceNumbers, nowMs, affordable)) {
      const packet = { item: "again", byteLength: payloadBytes + OVERHEAD_BYTES } as const;
      this.#pacing.handle({ type: "retransmission", packet });
    }
  }

  #estimated(output: BandwidthOutput): void {
    this.#pacing.handle(output);
    if (output.type === "target") this.#options.onDemand({ type: "target" });
  }

  #paced(output: PacerOutput<Paced>): void {
    switch (output.type) {
      case "send":
        if (output.item === "again") this.#resend(output.clusterId);
        else this.#send(output.item.packet, output.clusterId);
        return;
      case "padding":
        return this.#probe(output.byteLength, output.clusterId);
      case "keyframe-needed":
        return this.#options.onDemand({ type: "pli" });
    }
  }

  #send(offered: OutgoingVideoPacket, clusterId: number | undefined): void {
    const packet = this.#sender.packetize(offered, this.#negotiated, this.#transportSequence);
    if (packet === undefined) return;
    const taken = this.#options.port.sendRtp(packet);
    const sent = this.#sender.settle(taken);
    if (sent === undefined) return;
    const { clock, onSent } = this.#options;
    this.#retransmissions.remember(sent, clock.now());
    this.#count(packet.length, clusterId);
    onSent(sent.timestamp, offered.captureUs ?? 0, sent.payload.length);
  }

  #resend(clusterId: number | undefined): void {
    const nowMs = this.#options.clock.now();
    const packet = this.#retransmissions.next(this.#negotiated, this.#transportSequence, nowMs);
    if (packet === undefined) return;
    const taken = this.#options.port.sendRtp(packet);
    this.#retransmissions.settle(taken, nowMs);
    if (taken) this.#count(packet.length, clusterId);
  }

  /** Nothing new to send: packets of padding show what the path carries. */
  #probe(byteLength: number, clusterId: number): void {
    let left = byteLength;
    while (left > 0) {
      const packet = this.#retransmissions.padding(
        Math.min(left, MAX_PADDING_BYTES),
        this.#negotiated,
        this.#transportSequence,
      );
      if (packet === undefined || !this.#options.port.sendRtp(packet)) return;
      this.#probePackets++;
      this.#count(packet.length, clusterId);
      left -= packet.length;
    }
  }

  #count(packetLength: number, clusterId: number | undefined): void {
    const sequenceNumber = this.#transportSequence;
    this.#transportSequence = (sequenceNumber + 1) & 0xffff;
    this.#estimating.handle({ type: "packet-sent", sequenceNumber, byteLength: packetLength, clusterId });
  }
}

function feedbackKind({ transportCc, transportCcId, remb }: VideoAgreement): FeedbackKind {
  if (transportCc && transportCcId !== 0) return "transport-cc";
  return remb ? "remb" : "none";
}
