// Makes and reads the RTCP reports of one link: one outgoing stream, the incoming ones, and the times at which
// reports leave (RFC 3550 section 6). Sends nothing itself and reads no clock.
import type { Machine } from "../../runtime/machine.ts";
import { compactNtp, isZeroNtp, unixUsToNtp } from "../ntp.ts";
import { buildRtcp, parseRtcp } from "./packets.ts";
import type { FeedbackPacket, ReportBlock, RtcpPacket, SenderReport } from "./packets.ts";
import { Reception } from "./reception.ts";

/** Reports before the regular interval starts: the first at once, two within two seconds. */
const EARLY_REPORTS = 3;

/** Mean distance of early reports, ms; times 1.5 and twice it stays below two seconds. */
const EARLY_INTERVAL_MS = 600;

/** Incoming streams remembered; one is normal, a few more pass through when a sender restarts. */
const MAX_SOURCES = 4;

/** Own sender reports against whose times a report block's LSR is checked. */
const REMEMBERED_REPORTS = 8;

/** A round trip beyond this is a wrong or forged block, ms. */
const MAX_ROUND_TRIP_MS = 60_000;

/** What {@link Reports} needs to know. */
export interface ReportsOptions {
  /** Of the outgoing stream. */
  ssrc: number;
  /** RFC 3550 section 6.5.1. */
  cname: string;
  /** Ticks per second of the streams, outgoing and incoming. */
  clockRate: number;
  /** Mean distance of regular reports, ms. */
  rtcpIntervalMs: number;
  /** Wall clock minus local clock, ms; constant, since neither is ever stepped. */
  wallOffsetMs: number;
  /** A uniform random number in [0, 1). */
  random: () => number;
}

/** What {@link Reports} is told. */
export type ReportsInput =
  | { type: "rtp-sent"; rtpTimestamp: number; captureUs: number; payloadLength: number }
  | { type: "rtp-received"; ssrc: number; sequenceNumber: number; rtpTimestamp: number; arrivalMs: number }
  | { type: "rtcp-received"; bytes: Uint8Array; arrivalMs: number }
  | { type: "configure"; rtcpIntervalMs: number }
  | { type: "close" };

/** What {@link Reports} wants done, or found out. */
export type ReportsOutput =
  | { type: "send"; bytes: Uint8Array }
  | { type: "sender-report"; report: SenderReport; arrivalMs: number }
  /** The other side wants something sent again, a keyframe, or tells what it receives. */
  | { type: "feedback"; packet: FeedbackPacket; arrivalMs: number }
  | { type: "goodbye"; ssrcs: number[] };

/** What the other side says of our stream. */
export interface RemoteReception {
  roundTripTimeMs: number | undefined;
  /** Sum of all {@link roundTripTimes} measured. */
  totalRoundTripTimeMs: number;
  /** How many there were. */
  roundTripTimes: number;
  /** 0 to 1, of the last report interval. */
  lossRate: number;
  cumulativeLost: number;
  jitterMs: number;
  /** Local time of the report, ms. */
  atMs: number;
}

/** Counters of {@link Reports}. */
export interface ReportsCounters {
  packetsSent: number;
  bytesSent: number;
  reportsSent: number;
  reportsReceived: number;
  /** Feedback packets received, by kind: requests for single packets, for a whole picture (PLI, FIR), ... */
  nackCount: number;
  pliCount: number;
  firCount: number;
  /** ... receivers' estimates of the possible bitrate, and transport-wide arrival times. */
  rembCount: number;
  transportFeedbackCount: number;
  /** RTCP packets of types not understood here. */
  unknown: number;
  malformed: number;
}

/** Where each kind of feedback is counted. */
const FEEDBACK_COUNTERS = {
  nack: "nackCount",
  pli: "pliCount",
  fir: "firCount",
  remb: "rembCount",
  "transport-cc": "transportFeedbackCount",
} as const satisfies Record<FeedbackPacket["type"], keyof ReportsCounters>;

/** The report machine. After `close` it sends a goodbye and falls silent. */
export class Reports implements Machine<ReportsInput, ReportsOutput> {
  readonly #options: ReportsOptions;
  readonly #outputs: ReportsOutput[] = [];
  readonly #sources = new Map<number, Reception>();
  readonly #counters: ReportsCounters = {
    packetsSent: 0,
    bytesSent: 0,
    reportsSent: 0,
    reportsReceived: 0,
    nackCount: 0,
    pliCount: 0,
    firCount: 0,
    rembCount: 0,
    transportFeedbackCount: 0,
    unknown: 0,
    malformed: 0,
  };
  readonly #sentReports: number[] = [];
  #intervalMs: number;
  #earlyLeft = EARLY_REPORTS;
  #deadlineMs = Infinity;
  #reportedAtMs = 0;
  #lastSent: { rtpTimestamp: number; captureUs: number } | undefined;
  /** Reports since media last left; after two the stream counts as silent (RFC 3550 section 6.4). */
  #reportsSinceMedia = 0;
  #remote: RemoteReception | undefined;
  #closed = false;

  constructor(options: ReportsOptions) {
    this.#options = options;
    this.#intervalMs = options.rtcpIntervalMs;
  }

  get deadlineMs(): number {
    return this.#deadlineMs;
  }

  /** Copies of the counters. */
  get counters(): ReportsCounters {
    return { ...this.#counters };
  }

  /** What the last report block about our stream said; undefined before the first. */
  get remote(): RemoteReception | undefined {
    return this.#remote;
  }

  /** Statistics of an incoming stream. */
  reception(ssrc: number): Reception | undefined {
    return this.#sources.get(ssrc);
  }

  handle(input: ReportsInput | { readonly type: "timeout" }, nowMs: number): void {
    if (this.#closed) return;
    switch (input.type) {
      case "rtp-sent":
        return this.#sent(input, nowMs);
      case "rtp-received":
        this.#source(input.ssrc).receive(input.sequenceNumber, input.rtpTimestamp, input.arrivalMs);
        if (this.#deadlineMs === Infinity) this.#schedule(nowMs);
        return;
      case "rtcp-received":
        return this.#receive(input.bytes, input.arrivalMs);
      case "configure":
        this.#intervalMs = input.rtcpIntervalMs;
        // Counted from the last report, so that asking again and again does not put the next one off.
        if (this.#deadlineMs !== Infinity) this.#schedule(this.#reportedAtMs);
        return;
      case "timeout":
        if (nowMs >= this.#deadlineMs) this.#report(nowMs);
        return;
      case "close":
        return this.#close(nowMs);
    }
  }

  poll(): ReportsOutput | undefined {
    return this.#outputs.shift();
  }

  #sent(input: { rtpTimestamp: number; captureUs: number; payloadLength: number }, nowMs: number): void {
    const first = this.#lastSent === undefined;
    this.#lastSent = { rtpTimestamp: input.rtpTimestamp, captureUs: input.captureUs };
    this.#counters.packetsSent++;
    this.#counters.bytesSent += input.payloadLength;
    this.#reportsSinceMedia = 0;
    if (!first) return;
    this.#earlyLeft = EARLY_REPORTS;
    this.#report(nowMs);
  }

  #source(ssrc: number): Reception {
    let source = this.#sources.get(ssrc);
    if (source === undefined) {
      source = new Reception(ssrc, this.#options.clockRate);
      const oldest = this.#sources.keys().next().value;
      if (this.#sources.size >= MAX_SOURCES && oldest !== undefined) this.#sources.delete(oldest);
      this.#sources.set(ssrc, source);
    }
    return source;
  }

  #receive(bytes: Uint8Array, arrivalMs: number): void {
    const compound = parseRtcp(bytes);
    this.#counters.unknown += compound.unknown;
    this.#counters.malformed += compound.malformed.length;
    for (const packet of compound.packets) {
      switch (packet.type) {
        case "sender-report":
          this.#readSenderReport(packet, arrivalMs);
          this.#readBlocks(packet.blocks, arrivalMs);
          break;
        case "receiver-report":
          this.#readBlocks(packet.blocks, arrivalMs);
          break;
        case "source-description":
          break;
        case "goodbye":
          for (const ssrc of packet.ssrcs) this.#sources.delete(ssrc);
          this.#outputs.push({ type: "goodbye", ssrcs: packet.ssrcs });
          break;
        default:
          this.#counters[FEEDBACK_COUNTERS[packet.type]]++;
          this.#outputs.push({ type: "feedback", packet, arrivalMs });
      }
    }
  }

  #readSenderReport(report: SenderReport, arrivalMs: number): void {
    if (isZeroNtp(report.ntp)) return;
    this.#sources.get(report.ssrc)?.receiveSenderReport(report, arrivalMs);
    this.#outputs.push({ type: "sender-report", report, arrivalMs });
  }

  #readBlocks(blocks: readonly ReportBlock[], arrivalMs: number): void {
    this.#counters.reportsReceived++;
    const block = blocks.find(({ ssrc }) => ssrc === this.#options.ssrc);
    if (block !== undefined) this.#readBlock(block, arrivalMs);
  }

  #readBlock(block: ReportBlock, arrivalMs: number): void {
    const before = this.#remote;
    const roundTripTimeMs = this.#roundTripMs(block, arrivalMs);
    this.#remote = {
      roundTripTimeMs: roundTripTimeMs ?? before?.roundTripTimeMs,
      totalRoundTripTimeMs: (before?.totalRoundTripTimeMs ?? 0) + (roundTripTimeMs ?? 0),
      roundTripTimes: (before?.roundTripTimes ?? 0) + (roundTripTimeMs === undefined ? 0 : 1),
      lossRate: block.fractionLost / 256,
      cumulativeLost: block.cumulativeLost,
      jitterMs: (block.jitter * 1000) / this.#options.clockRate,
      atMs: arrivalMs,
    };
  }

  #roundTripMs(block: ReportBlock, arrivalMs: number): number | undefined {
    if (!this.#sentReports.includes(block.lastSenderReport)) return undefined;
    const now = compactNtp(this.#ntp(arrivalMs));
    const ms = (((now - block.lastSenderReport - block.delaySinceLastSenderReport) | 0) / 0x10000) * 1000;
    if (ms > MAX_ROUND_TRIP_MS) return undefined;
    // The peer rounds its delay and its clock may run a little fast: on a short path that can come out negative.
    return ms < -MAX_ROUND_TRIP_MS ? undefined : Math.max(0, ms);
  }

  #ntp(nowMs: number): { seconds: number; fraction: number } {
    return unixUsToNtp(this.#wallUs(nowMs));
  }

  #wallUs(nowMs: number): number {
    return Math.round((nowMs + this.#options.wallOffsetMs) * 1000);
  }

  #report(nowMs: number): void {
    this.#outputs.push({ type: "send", bytes: buildRtcp(this.#compound(nowMs)) });
    this.#counters.reportsSent++;
    this.#reportsSinceMedia++;
    this.#reportedAtMs = nowMs;
    this.#earlyLeft = Math.max(0, this.#earlyLeft - 1);
    this.#schedule(nowMs);
  }

  #compound(nowMs: number): RtcpPacket[] {
    const { ssrc, cname } = this.#options;
    const blocks = [...this.#sources.values()].map((source) => source.report(nowMs));
    const description: RtcpPacket = { type: "source-description", chunks: [{ ssrc, cname }] };
    const last = this.#lastSent;
    if (last === undefined || this.#reportsSinceMedia >= 2) {
      return [{ type: "receiver-report", ssrc, blocks }, description];
    }
    const ntp = this.#ntp(nowMs);
    this.#sentReports.push(compactNtp(ntp));
    if (this.#sentReports.length > REMEMBERED_REPORTS) this.#sentReports.shift();
    // The media clock at the report's own instant, not at the last packet's: what receivers pair up.
    const ticks = Math.round(((this.#wallUs(nowMs) - last.captureUs) * this.#options.clockRate) / 1e6);
    const rtpTimestamp = (last.rtpTimestamp + ticks) >>> 0;
    const { packetsSent, bytesSent } = this.#counters;
    return [
      {
        type: "sender-report",
        ssrc,
        ntp,
        rtpTimestamp,
        packetCount: packetsSent >>> 0,
        octetCount: bytesSent >>> 0,
        blocks,
      },
      description,
    ];
  }

  #schedule(fromMs: number): void {
    const early = this.#earlyLeft > 0;
    const spread = 0.5 + this.#options.random();
    this.#deadlineMs =
      fromMs + (early ? Math.min(EARLY_INTERVAL_MS, this.#intervalMs) : this.#intervalMs) * spread;
  }

  #close(nowMs: number): void {
    this.#closed = true;
    this.#deadlineMs = Infinity;
    const goodbye: RtcpPacket = { type: "goodbye", ssrcs: [this.#options.ssrc], reason: undefined };
    this.#outputs.push({ type: "send", bytes: buildRtcp([...this.#compound(nowMs), goodbye]) });
  }
}
