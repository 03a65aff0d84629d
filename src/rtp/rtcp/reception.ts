// What a receiver knows of one incoming stream and says in its report blocks (RFC 3550 appendix A.1, A.3, A.8).
// Counts packets; holds none.
import { compactNtp } from "../ntp.ts";
import type { NtpTimestamp } from "../ntp.ts";
import type { ReportBlock, SenderReport } from "./packets.ts";

/** A step forward up to this many packets is loss; more is a jump that must be confirmed (RFC 3550 A.1). */
const MAX_DROPOUT = 3000;

/** A step back up to this many packets is reordering; more is a jump that must be confirmed (RFC 3550 A.1). */
const MAX_MISORDER = 100;

const SEQUENCE_CIRCLE = 0x10000;

/** The jitter estimate moves by 1/16 of each difference (RFC 3550 section 6.4.1). */
const JITTER_GAIN = 1 / 16;

/** A difference beyond this, in seconds, is a jump of the media clock and no jitter. */
const MAX_TRANSIT_STEP_S = 1;

/** What the sender of a stream says of it (RFC 3550 section 6.4.1). */
export interface RemoteSending {
  /** The sender's wall clock at its last report. */
  readonly ntp: NtpTimestamp;
  readonly packetCount: number;
  /** Payload bytes. */
  readonly octetCount: number;
  /** Reports of the stream so far. */
  readonly reports: number;
  /** Local time of the last one, ms. */
  readonly arrivalMs: number;
}

/** Reception statistics of one SSRC. */
export class Reception {
  readonly ssrc: number;
  readonly #clockRate: number;
  #baseSequence = 0;
  #highest = -1;
  #cycles = 0;
  /** The sequence number that would confirm a jump. */
  #afterJump = -1;
  #received = 0;
  #expectedAtReport = 0;
  #receivedAtReport = 0;
  #jitter = 0;
  #lastTimestamp = 0;
  #lastArrivalMs = -Infinity;
  #remote: RemoteSending | undefined;

  /** @param clockRate ticks of the media clock per second */
  constructor(ssrc: number, clockRate: number) {
    this.ssrc = ssrc;
    this.#clockRate = clockRate;
  }

  /** Count one packet. `arrivalMs` is local monotonic time. */
  receive(sequenceNumber: number, rtpTimestamp: number, arrivalMs: number): void {
    if (!this.#countSequence(sequenceNumber)) return;
    this.#received++;
    this.#updateJitter(rtpTimestamp, arrivalMs);
  }

  /** Remember the sender's report, so that the next block lets the sender measure the round trip. */
  receiveSenderReport(
    report: Pick<SenderReport, "ntp" | "packetCount" | "octetCount">,
    arrivalMs: number,
  ): void {
    const { ntp, packetCount, octetCount } = report;
    this.#remote = { ntp, packetCount, octetCount, reports: (this.#remote?.reports ?? 0) + 1, arrivalMs };
  }

  /** What the sender said last; undefined before its first report. */
  get remote(): RemoteSending | undefined {
    return this.#remote;
  }

  /** Packets the sender has sent so far, as far as sequence numbers tell. */
  get expected(): number {
    return this.#highest < 0 ? 0 : this.#cycles + this.#highest - this.#baseSequence + 1;
  }

  /** Expected minus received; negative when packets were duplicated on the way. */
  get lost(): number {
    return this.expected - this.#received;
  }

  /** RFC 3550 jitter in ms. */
  get jitterMs(): number {
    return (this.#jitter / this.#clockRate) * 1000;
  }

  /** The block for the next report. Begins the interval that the following block's fraction covers. */
  report(nowMs: number): ReportBlock {
    const expected = this.expected;
    const expectedNow = expected - this.#expectedAtReport;
    const lostNow = expectedNow - (this.#received - this.#receivedAtReport);
    this.#expectedAtReport = expected;
    this.#receivedAtReport = this.#received;
    const remote = this.#remote;
    const sinceReportS = remote === undefined ? 0 : (nowMs - remote.arrivalMs) / 1000;
    return {
      ssrc: this.ssrc,
      fractionLost:
        expectedNow <= 0 || lostNow <= 0 ? 0 : Math.min(255, Math.floor((lostNow * 256) / expectedNow)),
      cumulativeLost: Math.max(-0x800000, Math.min(0x7fffff, this.lost)),
      extendedHighestSequence: (this.#cycles + Math.max(0, this.#highest)) >>> 0,
      jitter: Math.floor(this.#jitter),
      lastSenderReport: remote === undefined ? 0 : compactNtp(remote.ntp),
      delaySinceLastSenderReport: Math.max(0, Math.round(sinceReportS * 0x10000)) >>> 0,
    };
  }

  /** @returns whether the packet counts; the first one after a jump waits for its confirmation */
  #countSequence(sequenceNumber: number): boolean {
    if (this.#highest < 0) {
      this.#begin(sequenceNumber);
      return true;
    }
    const step = (sequenceNumber - this.#highest) & 0xffff;
    if (step < MAX_DROPOUT) {
      if (sequenceNumber < this.#highest) this.#cycles += SEQUENCE_CIRCLE;
      this.#highest = sequenceNumber;
      return true;
    }
    if (step > SEQUENCE_CIRCLE - MAX_MISORDER) return true;
    if (sequenceNumber !== this.#afterJump) {
      this.#afterJump = (sequenceNumber + 1) & 0xffff;
      return false;
    }
    this.#begin(sequenceNumber);
    return true;
  }

  #begin(sequenceNumber: number): void {
    this.#baseSequence = sequenceNumber;
    this.#highest = sequenceNumber;
    this.#cycles = 0;
    this.#afterJump = -1;
    this.#received = 0;
    this.#expectedAtReport = 0;
    this.#receivedAtReport = 0;
  }

  #updateJitter(rtpTimestamp: number, arrivalMs: number): void {
    const ticks = (rtpTimestamp - this.#lastTimestamp) | 0;
    const difference = Math.abs(((arrivalMs - this.#lastArrivalMs) * this.#clockRate) / 1000 - ticks);
    this.#lastTimestamp = rtpTimestamp;
    this.#lastArrivalMs = arrivalMs;
    if (difference > MAX_TRANSIT_STEP_S * this.#clockRate) return;
    this.#jitter += (difference - this.#jitter) * JITTER_GAIN;
  }
}
