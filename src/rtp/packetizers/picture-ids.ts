// Counts the frames of a stream in 15 bits, as VP8 and VP9 send it.

/** Set in the first of two bytes: the picture id has 15 bits, not 7 (M in RFC 7741 and RFC 9628). */
const LONG = 0x80;

/** The picture ids of one stream. */
export class PictureIds {
  #next: number;

  /** @param first cut to 15 bits */
  constructor(first: number) {
    this.#next = first & 0x7fff;
  }

  /** The two bytes of the next id. */
  next(): [number, number] {
    const id = this.#next;
    this.#next = (id + 1) & 0x7fff;
    return [LONG | (id >> 8), id & 0xff];
  }
}
