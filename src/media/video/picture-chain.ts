// Which pictures were handed on to wait for their turn, and whether all of them have come out again: a buffer that is full
// or too late drops some, and what follows those cannot be decoded. Pure.

/** Pictures that may wait, and more: two seconds at 60 a second. */
const MAX_WAITING = 128;

/** See the header. */
export class PictureChain {
  /** RTP timestamps, in the order in which the pictures were handed on. */
  readonly #waiting: number[] = [];
  /** The list was too long: nobody knows what is missing. */
  #overrun = false;

  /** A picture goes to wait. */
  enter(rtpTimestamp: number): void {
    this.#waiting.push(rtpTimestamp);
    if (this.#waiting.length <= MAX_WAITING) return;
    this.#waiting.shift();
    this.#overrun = true;
  }

  /** A picture's turn has come. @returns whether the one before it came out too */
  leave(rtpTimestamp: number): boolean {
    const place = this.#waiting.indexOf(rtpTimestamp);
    const isNext = place === 0 && !this.#overrun;
    if (place >= 0) {
      this.#waiting.splice(0, place + 1);
      this.#overrun = false;
    }
    return isNext;
  }
}
