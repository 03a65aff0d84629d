// Compares the clocks of both ends (RFC 5905 section 8): asks for the other one's time, answers when it asks, and puts
// the four stamps of each exchange together, of those that the other one began as well. A machine; sends nothing itself.
import { isZeroNtp, ntpToUnixUs } from "../rtp/ntp.ts";
import type { NtpTimestamp } from "../rtp/ntp.ts";
import type { Machine } from "../runtime/machine.ts";
import { RateLimit } from "./rate-limit.ts";
import { encodeReply, encodeRequest } from "./sync-messages.ts";
import type { ReplyReceipt } from "./sync-messages.ts";

/** Requests at the beginning: the fastest of them is a fair measurement at once. */
const BURST = 8;
/** Mean distance of these, ms: far enough apart to meet different queues. */
const BURST_SPACING_MS = 75;
/** Mean distance of the others, ms. */
const INTERVAL_MS = 1_000;
/**
 * The same while round trips differ a lot: the two fastest ways of a few are then still far from the fastest there are,
 * and what they exceed it by is what offsets are wrong by.
 */
const UNEVEN_INTERVAL_MS = 400;
/** Round trips are uneven when the middle one of the last so many took so much longer than the fastest, ms. */
const ROUND_TRIPS = 16;
const UNEVEN_MS = 12;
/** Distances vary by this share either way, so that two peers, or one and its timer, do not march in step. */
const JITTER = 0.2;
/** Requests that wait for a reply at most; the oldest is given up for another. Replies later than this are worthless. */
const MAX_WAITING = 16;
/** Replies that may still be receipted. */
const MAX_REPLIED = 8;
/** A healthy peer asks once or twice a second, and 8 times in one at most. */
const MAX_REPLIES_PER_SECOND = 50;

/** Four stamps of one exchange, all Unix us: t1, t4 by our clock, t2, t3 by the other one. */
export interface Exchange {
  readonly t1: number;
  readonly t2: number;
  readonly t3: number;
  readonly t4: number;
}

/** What {@link ClockExchanges} needs to know. */
export interface ClockExchangesOptions {
  /** Wall clock minus local clock, ms; constant, since neither is ever stepped. */
  wallOffsetMs: number;
  /** A uniform random number in [0, 1). */
  random: () => number;
}

/** What {@link ClockExchanges} is told. */
export type ClockExchangesInput =
  /** There is a channel, perhaps another than before: compare anew. */
  | { readonly type: "open" }
  /** There is none any more. */
  | { readonly type: "closed" }
  | {
      readonly type: "request";
      readonly seq: number;
      readonly t1: NtpTimestamp;
      readonly receipt?: ReplyReceipt;
      readonly arrivalMs: number;
    }
  | {
      readonly type: "reply";
      readonly seq: number;
      readonly t2Us: number;
      readonly t3Us: number;
      readonly arrivalMs: number;
    };

/** What {@link ClockExchanges} wants sent, or found out. */
export type ClockExchangesOutput =
  | { readonly type: "send"; readonly bytes: Uint8Array }
  | { readonly type: "exchange"; readonly exchange: Exchange }
  /** A reply to no request that waits (late, repeated, made up), or a request beyond the 50 a second that are answered. */
  | { readonly type: "dropped"; readonly reason: "unmatched-reply" | "surplus-request" };

/** The exchange of clocks with one peer. Stamps leave as they are handled: poll at once. */
export class ClockExchanges implements Machine<ClockExchangesInput, ClockExchangesOutput> {
  readonly #options: ClockExchangesOptions;
  readonly #outputs: ClockExchangesOutput[] = [];
  /** When each request left, Unix us, by its number; oldest first. */
  readonly #waiting = new Map<number, number>();
  readonly #replies = new RateLimit(MAX_REPLIES_PER_SECOND);
  /** When replies left of which there is no receipt yet, Unix us; oldest first. */
  readonly #replied: number[] = [];
  /** Of the last reply, until the next request tells it. */
  #receipt: ReplyReceipt | undefined;
  /** Of the last exchanges that began here, ms; oldest first. */
  readonly #roundTripsMs: number[] = [];
  #seq = 0;
  #burstLeft = 0;
  #deadlineMs = Infinity;

  constructor(options: ClockExchangesOptions) {
    this.#options = options;
  }

  get deadlineMs(): number {
    return this.#deadlineMs;
  }

  handle(input: ClockExchangesInput | { readonly type: "timeout" }, nowMs: number): void {
    switch (input.type) {
      case "open":
        this.#burstLeft = BURST;
        return this.#ask(nowMs);
      case "closed":
        this.#waiting.clear();
        this.#replied.length = 0;
        this.#receipt = undefined;
        this.#roundTripsMs.length = 0;
        this.#deadlineMs = Infinity;
        return;
      case "timeout":
        if (nowMs >= this.#deadlineMs) this.#ask(nowMs);
        return;
      case "request": {
        if (!this.#replies.allows(nowMs)) return this.#drop("surplus-request");
        const arrivalUs = this.#wallUs(input.arrivalMs);
        const leftUs = this.#wallUs(nowMs);
        const bytes = encodeReply(input.seq, input.t1, arrivalUs, leftUs);
        this.#outputs.push({ type: "send", bytes });
        if (input.receipt !== undefined) this.#close(input.receipt, input.t1, arrivalUs);
        this.#replied.push(leftUs);
        if (this.#replied.length > MAX_REPLIED) this.#replied.shift();
        return;
      }
      case "reply": {
        const t1 = this.#waiting.get(input.seq);
        if (t1 === undefined) return this.#drop("unmatched-reply");
        this.#waiting.delete(input.seq);
        const t4 = this.#wallUs(input.arrivalMs);
        this.#outputs.push({ type: "exchange", exchange: { t1, t2: input.t2Us, t3: input.t3Us, t4 } });
        this.#receipt = { leftUs: input.t3Us, cameUs: t4 };
        this.#roundTripsMs.push((t4 - t1 - (input.t3Us - input.t2Us)) / 1_000);
        if (this.#roundTripsMs.length > ROUND_TRIPS) this.#roundTripsMs.shift();
      }
    }
  }

  poll(): ClockExchangesOutput | undefined {
    return this.#outputs.shift();
  }

  #ask(nowMs: number): void {
    const t1 = this.#wallUs(nowMs);
    this.#outputs.push({ type: "send", bytes: encodeRequest(this.#seq, t1, this.#receipt) });
    this.#receipt = undefined;
    this.#waiting.set(this.#seq, t1);
    this.#seq = (this.#seq + 1) & 0xffff;
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size > MAX_WAITING && oldest !== undefined) this.#waiting.delete(oldest);
    this.#burstLeft--;
    const usualMs = this.#isUneven ? UNEVEN_INTERVAL_MS : INTERVAL_MS;
    const meanMs = this.#burstLeft > 0 ? BURST_SPACING_MS : usualMs;
    this.#deadlineMs = nowMs + meanMs * (1 - JITTER + 2 * JITTER * this.#options.random());
  }

  /** A reply of ours and the request that tells of it are an exchange too, with a rest at the other end. */
  #close({ leftUs, cameUs }: ReplyReceipt, t1: NtpTimestamp, t4: number): void {
    const index = this.#replied.indexOf(leftUs);
    if (index < 0 || isZeroNtp(t1)) return; // not what we have sent, or long ago
    const t3 = ntpToUnixUs(t1);
    this.#replied.splice(0, index + 1);
    this.#outputs.push({ type: "exchange", exchange: { t1: leftUs, t2: cameUs, t3, t4 } });
  }

  get #isUneven(): boolean {
    const { length } = this.#roundTripsMs;
    if (length < BURST) return false;
    const sorted = Float64Array.from(this.#roundTripsMs).sort();
    return (sorted[length >> 1] as number) - (sorted[0] as number) > UNEVEN_MS;
  }

  #drop(reason: "unmatched-reply" | "surplus-request"): void {
    this.#outputs.push({ type: "dropped", reason });
  }

  #wallUs(localMs: number): number {
    return Math.round((localMs + this.#options.wallOffsetMs) * 1_000);
  }
}
