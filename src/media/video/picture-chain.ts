// Which pictures were handed on to wait for their turn, and whether all of them have come out again: a buffer that is full
// or too late drops some, and what follows those cannot be decoded. Pure.

/** Pictures that may wait, and more: two seconds at 60 a second. */
const MAX_WAITING = 128;

/** See the header. */
export class PictureChain {
  /** RTP timestamps, in their order: where nothing numbers pictures, one that was sent again comes after its successors. */
  readonly #waiting: number[] = [];
  /** The list was too long: nobody knows what is missing. */
  #overrun = false;

  /** A picture goes to wait. */
  enter(rtpTimestamp: number): void {
    let at = this.#waiting.length;
    while (at > 0 && (((this.#waiting[at - 1] as number) - rtpTimestamp) | 0) > 0) at--;
    this.#waiting.splice(at, 0, rtpTimestamp);
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
