// Writes headers of video codecs bit by bit, as the standards list them.

/** Bits, most significant first. */
export class BitWriter {
  readonly #bits: number[] = [];

  /** `count` bits of a number; a number without a count is one bit. */
  bits(value: number, count = 1): this {
    for (let shift = count - 1; shift >= 0; shift--) this.#bits.push(Math.floor(value / 2 ** shift) % 2);
    return this;
  }

  /** Unsigned Exp-Golomb codes. */
  unsigned(...values: readonly number[]): this {
    for (const value of values) {
      const zeros = Math.floor(Math.log2(value + 1));
      this.bits(0, zeros).bits(value + 1, zeros + 1);
    }
    return this;
  }

  /** Signed Exp-Golomb codes. */
  signed(...values: readonly number[]): this {
    return this.unsigned(...values.map((value) => (value > 0 ? 2 * value - 1 : -2 * value)));
  }

  /** What was written, with zeros to the end of the last byte. */
  get bytes(): Uint8Array {
    const bytes = new Uint8Array(Math.ceil(this.#bits.length / 8));
    this.#bits.forEach((bit, index) => {
      bytes[index >> 3] = (bytes[index >> 3] ?? 0) | (bit << (7 - (index & 7)));
    });
    return bytes;
  }
}
