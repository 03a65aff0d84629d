// The packets that one incoming stream lacks, and when to ask for them again (RFC 4585 section 6.2.1). Holds numbers,
// no packets.

/** Numbers missing at the same time; with more of them a keyframe comes sooner than all that. */
export const MAX_MISSING = 200;

/** So many new gaps a ms on average, and so many at once: more comes of no path that a request could help. */
const GAPS_PER_MS = 1;
const GAPS_AT_ONCE = 2 * MAX_MISSING;

/** A packet is asked for when this many have overtaken it, or after this time, ms, unless the path teaches otherwise. */
const USUAL_REORDER = { packets: 3, ms: 10 };

/** The most that a path can teach. */
const MOST_REORDER = { packets: 64, ms: 40 };

/** What is tolerated lies above what was seen by this. */
const REORDER_MARGIN = 1.25;

/** Each packet that was lost after all takes this share of what was learned away again. */
const FORGET = 1 / 16;

/** Time to answer, in round trips; a round trip counts as 20 ms at least. */
const RETRY_RTTS = 1.5;
const LEAST_RTT_MS = 20;

/** Round trip while nobody has measured one, ms. */
const ASSUMED_RTT_MS = 100;

/** What an answer took moves what they are taken to take by this share of the difference. */
const ANSWER_GAIN = 1 / 4;

/** An answer that comes sooner than this share of a round trip is no answer: the packet was under way. */
const ANSWER_RTTS = 0.75;

const MAX_TRIES = 10;

/** Asked for no longer than this, ms: nobody waits as long. */
const MAX_AGE_MS = 1000;

/** A number that has not come. */
interface Missing {
  readonly number: number;
  readonly noticedMs: number;
  tries: number;
  firstAskMs: number;
  lastAskMs: number;
}

/** The gaps of one stream in ascending order. Numbers count on without wrap. */
export class NackList {
  readonly #missing: Missing[] = [];
  #toldRttMs: number | undefined;
  /** From a request to what was sent again, smoothed; undefined while nothing was. */
  #answerMs: number | undefined;
  /** How many more gaps there may be at this time. */
  #allowance = GAPS_AT_ONCE;
  #allowedMs = 0;
  #reorderPackets = USUAL_REORDER.packets;
  #reorderMs = USUAL_REORDER.ms;

  /** How many are missing. */
  get length(): number {
    return this.#missing.length;
  }

  /** When the lowest missing number was noticed, local ms; undefined when none is missing. */
  get noticedMs(): number | undefined {
    return this.#missing[0]?.noticedMs;
  }

  /** The round trip: as told, else as the answers show it, for who sends nothing is told nothing; undefined while unknown. */
  get rttMs(): number | undefined {
    return this.#toldRttMs ?? this.#answerMs;
  }

  setRtt(rttMs: number): void {
    this.#toldRttMs = rttMs;
  }

  /**
   * Packets from `from` up to, not including, `to` were overtaken; a gap below the others may be told too.
   * @returns false, and forgets everything, when that makes more than {@link MAX_MISSING}, or too many in a short time
   */
  note(from: number, to: number, nowMs: number): boolean {
    const count = to - from;
    this.#allowance = Math.min(GAPS_AT_ONCE, this.#allowance + (nowMs - this.#allowedMs) * GAPS_PER_MS);
    this.#allowedMs = nowMs;
    if (this.#missing.length + count > MAX_MISSING || count > this.#allowance) {
      this.clear();
      return false;
    }
    this.#allowance -= count;
    let at = this.#indexOf(from);
    for (let number = from; number < to; number++, at++) {
      const missing = { number, noticedMs: nowMs, tries: 0, firstAskMs: Infinity, lastAskMs: 0 };
      this.#missing.splice(at, 0, missing);
    }
    return true;
  }

  /**
   * A packet came that may have been missing.
   *
   * @param highest the highest number that has come
   * @param resent whether it is known to have been sent again
   * @returns whether it came because it was asked for
   */
  arrived(number: number, highest: number, resent: boolean, nowMs: number): boolean {
    const at = this.#indexOf(number);
    const missing = this.#missing[at];
    if (missing?.number !== number) return resent;
    this.#missing.splice(at, 1);
    if (resent) this.#timeAnswer(missing, nowMs);
    if (resent || this.#isAnswer(missing, nowMs)) {
      this.#unlearn();
      return true;
    }
    this.#learn(highest - number, nowMs - missing.noticedMs);
    return false;
  }

  /** Numbers below this one are of no use any more. */
  dropBelow(number: number): void {
    const count = this.#indexOf(number);
    if (count === 0) return;
    this.#missing.splice(0, count);
    this.#unlearn();
  }

  clear(): void {
    this.#missing.length = 0;
  }

  /**
   * Numbers to ask for now, ascending; they count as asked for.
   * @param highest the highest number that has come
   */
  take(highest: number, nowMs: number): number[] {
    const due: number[] = [];
    for (const missing of this.#missing) {
      if (nowMs < this.#dueMs(missing, highest)) continue;
      if (missing.tries === 0) missing.firstAskMs = nowMs;
      missing.tries++;
      missing.lastAskMs = nowMs;
      due.push(missing.number);
    }
    return due;
  }

  /** When {@link take} has something, local ms; Infinity for never. */
  deadlineMs(highest: number): number {
    let deadlineMs = Infinity;
    for (const missing of this.#missing) deadlineMs = Math.min(deadlineMs, this.#dueMs(missing, highest));
    return deadlineMs;
  }

  #dueMs({ number, noticedMs, tries, lastAskMs }: Missing, highest: number): number {
    if (tries === 0) {
      return highest - number >= this.#reorderPackets ? noticedMs : noticedMs + this.#reorderMs;
    }
    const retryMs = lastAskMs + RETRY_RTTS * Math.max(this.rttMs ?? ASSUMED_RTT_MS, LEAST_RTT_MS);
    return tries >= MAX_TRIES || retryMs > noticedMs + MAX_AGE_MS ? Infinity : retryMs;
  }

  /** Of what was asked for more often nobody knows which request it answers. */
  #timeAnswer({ tries, lastAskMs }: Missing, nowMs: number): void {
    if (tries !== 1) return;
    const tookMs = nowMs - lastAskMs;
    this.#answerMs =
      this.#answerMs === undefined ? tookMs : this.#answerMs + (tookMs - this.#answerMs) * ANSWER_GAIN;
  }

  #isAnswer({ tries, firstAskMs }: Missing, nowMs: number): boolean {
    return tries > 0 && nowMs - firstAskMs >= ANSWER_RTTS * (this.rttMs ?? 0);
  }

  #learn(packets: number, ms: number): void {
    const seenPackets = Math.min(packets + 1, MOST_REORDER.packets);
    this.#reorderPackets = Math.max(this.#reorderPackets, seenPackets);
    this.#reorderMs = Math.max(this.#reorderMs, Math.min(ms * REORDER_MARGIN, MOST_REORDER.ms));
  }

  #unlearn(): void {
    this.#reorderPackets -= (this.#reorderPackets - USUAL_REORDER.packets) * FORGET;
    this.#reorderMs -= (this.#reorderMs - USUAL_REORDER.ms) * FORGET;
  }

  /** Where `number` stands, or would stand. */
  #indexOf(number: number): number {
    let low = 0;
    let high = this.#missing.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#missing[middle] as Missing).number < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
