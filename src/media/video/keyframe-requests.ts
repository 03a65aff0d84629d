// When a receiver asks the sender of a stream for a keyframe (PLI, RFC 4585 section 6.3.1): at once when nothing can be
// decoded, then rarely until one comes. Sends nothing itself.

/** Between two requests lie at least this, ms, and the time in which the first could be answered. */
const LEAST_INTERVAL_MS = 200;

/** What a sender needs beside the round trip to make a keyframe and send it, ms. */
const ANSWER_MS = 100;

/** Between a request and one that only a reader wants, ms. */
const READER_INTERVAL_MS = 500;

/** Each repetition waits longer by this factor, up to this, ms. */
const BACKOFF = 1.5;
const LONGEST_INTERVAL_MS = 3000;

/** The requests of one stream. All times are local monotonic ms. */
export class KeyframeRequests {
  #rttMs = 0;
  #undecodable = false;
  #asked = false;
  #tries = 0;
  #lastMs = -Infinity;
  #dueMs = Infinity;

  /** When {@link take} has something; Infinity for never. */
  get deadlineMs(): number {
    return this.#dueMs;
  }

  setRtt(rttMs: number): void {
    this.#rttMs = rttMs;
  }

  /** Frames come that cannot be decoded. */
  need(nowMs: number): void {
    if (this.#undecodable) return;
    this.#undecodable = true;
    if (this.#tries === 0) this.#dueMs = Math.min(this.#dueMs, this.#soonest(nowMs, LEAST_INTERVAL_MS));
  }

  /** Somebody who reads the stream wants to begin anew. */
  ask(nowMs: number): void {
    if (!this.#asked && !this.#undecodable) this.#dueMs = this.#soonest(nowMs, READER_INTERVAL_MS);
    this.#asked = true;
  }

  /** A keyframe has begun to come: it gets time to become whole. */
  begun(nowMs: number): void {
    if (this.#tries > 0) this.#dueMs = Math.max(this.#dueMs, nowMs + this.#intervalMs());
  }

  /** A frame could be decoded: one of its own accord lets the stream go on, a keyframe is what a reader wants too. */
  decodable(isKeyframe: boolean): void {
    this.#undecodable = false;
    if (isKeyframe) this.#asked = false;
    if (this.#asked) return;
    this.#tries = 0;
    this.#dueMs = Infinity;
  }

  /** Whether to ask now; then it counts as done. */
  take(nowMs: number): boolean {
    if (nowMs < this.#dueMs) return false;
    this.#lastMs = nowMs;
    this.#dueMs = nowMs + Math.min(this.#intervalMs() * BACKOFF ** this.#tries, LONGEST_INTERVAL_MS);
    this.#tries++;
    return true;
  }

  #soonest(nowMs: number, intervalMs: number): number {
    return Math.max(nowMs, this.#lastMs + intervalMs);
  }

  #intervalMs(): number {
    return Math.max(LEAST_INTERVAL_MS, this.#rttMs + ANSWER_MS);
  }
}
