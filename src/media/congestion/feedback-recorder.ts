// The receiver's half of transport-wide congestion control: notes when each numbered packet came and says so in
// feedback packets. Judges nothing: what the times mean is the sender's to find out.
import type { Machine } from "../../runtime/machine.ts";
import { buildTransportFeedback, transportFeedback } from "../../rtp/rtcp/transport-cc.ts";
import type { PacketArrival, TransportFeedback } from "../../rtp/rtcp/transport-cc.ts";

/** Feedback comes this often while a twentieth of what is received allows; it is what the estimate reacts in, ms. */
const MIN_INTERVAL_MS = 50;

/** However little is received, the sender hears this often, ms. */
const MAX_INTERVAL_MS = 250;

/** Share of the received bytes that feedback may have (RFC 3550 section 6.2 grants RTCP as much). */
const FEEDBACK_SHARE = 0.05;

/** What UDP, IP and SRTCP add to a feedback packet. */
const OVERHEAD_BYTES = 28 + 14;

/** Arrivals are kept this long, so that one that was overtaken can be reported after those that overtook it, ms. */
const KEPT_MS = 500;

/** Arrivals kept at most; as many are reported at once and forgotten. What 500 ms bring at 80 Mbit/s. */
const MAX_KEPT = 4_096;

/** A step forward up to this many numbers is loss; a greater one must be confirmed by the number after it. */
const MAX_STEP = 3_000;

/** A packet with a transport-wide number came; `nowMs` is its arrival. */
export interface NumberedArrival {
  readonly type: "packet";
  /** u16 of the header extension. */
  readonly sequenceNumber: number;
  /** As it was on the wire, UDP and IP included: the bound on feedback is taken from it. */
  readonly byteLength: number;
}

/** Who speaks in the feedback. */
export interface FeedbackRecorderOptions {
  readonly senderSsrc: number;
  /** Any of the streams reported on: the numbers span all of them. */
  readonly mediaSsrc: number;
}

/** Arrivals that were not reported, by reason, and what was. */
export interface RecorderCounters {
  readonly reported: number;
  /** The number came before. */
  readonly duplicate: number;
  /** Overtaken by packets of more than 500 ms, or by more than 4,096. */
  readonly late: number;
  /** More than 3,000 numbers away from all others, and not confirmed by a next one. */
  readonly stray: number;
  readonly feedbackPackets: number;
}

interface KeptArrival extends PacketArrival {
  /** The number with its wraps. */
  readonly number: number;
  readonly arrivalMs: number;
}

/**
 * Outputs are feedback packets, each short enough for one datagram: every 50 to 100 ms while packets come, less often
 * (up to 250 ms) where that would be more than 5 % of what is received. Nothing comes while no packets do.
 */
export class FeedbackRecorder implements Machine<NumberedArrival, TransportFeedback> {
  readonly #options: FeedbackRecorderOptions;
  readonly #outputs: TransportFeedback[] = [];
  readonly #counters = { reported: 0, duplicate: 0, late: 0, stray: 0, feedbackPackets: 0 };
  /** In order of arrival; numbers are unique. */
  #kept: KeptArrival[] = [];
  readonly #keptNumbers = new Set<number>();
  /** The highest number, with its wraps; NaN before the first. */
  #highest = NaN;
  /** All numbers below it are reported or given up; a late one draws it back. */
  #nextNumber = 0;
  /** Lowest number that may still be reported: those below were forgotten. */
  #floor = 0;
  /** What would confirm a jump. */
  #afterJump = -1;
  #unreported = 0;
  #feedbackCount = 0;
  #lastFeedbackMs = -Infinity;
  /** Received since the last feedback, and what that feedback took. */
  #receivedBytes = 0;
  #feedbackBytes = 0;

  constructor(options: FeedbackRecorderOptions) {
    this.#options = options;
  }

  get counters(): RecorderCounters {
    return { ...this.#counters };
  }

  get deadlineMs(): number {
    if (this.#unreported === 0) return Infinity;
    const afforded = this.#receivedBytes * FEEDBACK_SHARE >= this.#feedbackBytes;
    const intervalMs = afforded ? MIN_INTERVAL_MS : MAX_INTERVAL_MS;
    return this.#lastFeedbackMs + intervalMs;
  }

  poll(): TransportFeedback | undefined {
    return this.#outputs.shift();
  }

  handle(input: NumberedArrival | { readonly type: "timeout" }, nowMs: number): void {
    if (input.type === "packet") this.#receive(input.sequenceNumber & 0xffff, input.byteLength, nowMs);
    if (nowMs >= this.deadlineMs || this.#kept.length >= MAX_KEPT) this.#report(nowMs);
  }

  #receive(sequenceNumber: number, byteLength: number, nowMs: number): void {
    this.#receivedBytes += byteLength;
    const number = this.#place(sequenceNumber, nowMs);
    if (number === undefined) return;
    if (this.#keptNumbers.has(number)) {
      this.#counters.duplicate++;
      return;
    }
    this.#keptNumbers.add(number);
    const receivedUs = Math.round(nowMs * 1000);
    this.#kept.push({ sequenceNumber, receivedUs, number, arrivalMs: nowMs });
    this.#nextNumber = Math.min(this.#nextNumber, number);
    this.#highest = Math.max(this.#highest, number);
    this.#unreported++;
  }

  /** @returns the number with its wraps; undefined when nothing can be said of the packet, which is counted */
  #place(sequenceNumber: number, nowMs: number): number | undefined {
    if (Number.isNaN(this.#highest)) return this.#begin(sequenceNumber, nowMs);
    const step = ((sequenceNumber - this.#highest) << 16) >> 16;
    const number = this.#highest + step;
    if (step <= MAX_STEP && number >= this.#floor) {
      this.#afterJump = -1;
      return number;
    }
    // One packet far off is garbage or a straggler; two in a row mean that the sender counts from elsewhere now.
    if (sequenceNumber === this.#afterJump) return this.#begin(sequenceNumber, nowMs);
    this.#afterJump = (sequenceNumber + 1) & 0xffff;
    if (step <= MAX_STEP && step > -MAX_STEP) this.#counters.late++;
    else this.#counters.stray++;
    return undefined;
  }

  #begin(sequenceNumber: number, nowMs: number): number {
    if (this.#unreported > 0) this.#report(nowMs);
    this.#kept = [];
    this.#keptNumbers.clear();
    this.#afterJump = -1;
    this.#highest = sequenceNumber;
    this.#nextNumber = sequenceNumber;
    // Somewhat before, as the first packet to come need not be the first sent.
    this.#floor = sequenceNumber - MAX_KEPT;
    // Those right behind the very first fit into its feedback.
    if (this.#lastFeedbackMs === -Infinity) this.#lastFeedbackMs = nowMs;
    return sequenceNumber;
  }

  #report(nowMs: number): void {
    if (this.#unreported === 0) return;
    // Packets between a late one and the last report are told again: what is left out would count as lost.
    const from = this.#nextNumber;
    const packets = transportFeedback(
      this.#kept.filter(({ number }) => number >= from),
      {
        senderSsrc: this.#options.senderSsrc,
        mediaSsrc: this.#options.mediaSsrc,
        feedbackCount: this.#feedbackCount,
        baseSequence: from & 0xffff,
      },
    );
    this.#feedbackBytes = 0;
    for (const packet of packets) {
      this.#outputs.push(packet);
      this.#feedbackBytes += buildTransportFeedback(packet).byteLength + OVERHEAD_BYTES;
    }
    this.#counters.reported += this.#unreported;
    this.#counters.feedbackPackets += packets.length;
    this.#feedbackCount = (this.#feedbackCount + packets.length) & 0xff;
    this.#nextNumber = this.#highest + 1;
    this.#unreported = 0;
    this.#receivedBytes = 0;
    this.#lastFeedbackMs = nowMs;
    this.#forget(nowMs);
  }

  #forget(nowMs: number): void {
    const { length } = this.#kept;
    // All of them when the list was cut for its length, so that a flood is sorted once and not once a packet.
    const young =
      length < MAX_KEPT ? this.#kept.findIndex(({ arrivalMs }) => arrivalMs > nowMs - KEPT_MS) : -1;
    for (const { number } of this.#kept.splice(0, young < 0 ? length : young)) {
      this.#keptNumbers.delete(number);
      this.#floor = Math.max(this.#floor, number + 1);
    }
    this.#floor = Math.max(this.#floor, this.#highest - MAX_KEPT * 4);
  }
}
