// Reads bits from the most significant on, as headers of video codecs are written. Never throws: what lies beyond the
// bytes reads as zeros, and is told afterwards.

/** The longest Exp-Golomb code that means anything has this many zeros in front. */
const MAX_LEADING_ZEROS = 31;

/** A place in some bytes. */
export class BitReader {
  readonly #bytes: Uint8Array;
  /** In bits. */
  #at = 0;
  #broken = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** More was read than there is, or a code that means nothing: nothing that was read counts. */
  get broken(): boolean {
    return this.#broken || this.#at > this.#bytes.length * 8;
  }

  /** One bit. */
  flag(): boolean {
    return this.#bit() === 1;
  }

  /** An unsigned number of `count` bits, 0 to 32. */
  bits(count: number): number {
    let value = 0;
    for (let index = 0; index < count; index++) value = value * 2 + this.#bit();
    return value;
  }

  /** An unsigned Exp-Golomb code, ue(v) in ITU-T H.264 section 9.1. */
  unsigned(): number {
    let zeros = 0;
    while (this.#bit() === 0) {
      zeros++;
      if (zeros <= MAX_LEADING_ZEROS) continue;
      this.#broken = true;
      return 0;
    }
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  /** A signed Exp-Golomb code, se(v) in ITU-T H.264 section 9.1.1. */
  signed(): number {
    const code = this.unsigned();
    return code % 2 === 1 ? (code + 1) / 2 : -code / 2;
  }

  #bit(): number {
    const byte = this.#bytes[this.#at >> 3] ?? 0;
    const bit = (byte >> (7 - (this.#at & 7))) & 1;
    this.#at++;
    return bit;
  }
}
