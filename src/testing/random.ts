// Seeded random numbers (sfc32 by Chris Doty-Humphrey). Pure: equal seeds give equal sequences everywhere.

/** Rounds after seeding until equal-looking seeds have nothing in common. */
const WARM_UP_ROUNDS = 20;

/** A reproducible source of randomness for tests; not for secrets. */
export class SeededRandom {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed a number or any text; put it into the failure message */
  constructor(seed: number | string) {
    const text = String(seed);
    this.#a = hash(text, 0x9e3779b9);
    this.#b = hash(text, 0x243f6a88);
    this.#c = hash(text, 0xb7e15162);
    for (let round = 0; round < WARM_UP_ROUNDS; round++) this.#word();
  }

  /** In [0, 1), 32 bits fine. */
  next(): number {
    return this.#word() / 0x1_0000_0000;
  }

  /** A whole number from `least` to `most`, both included. */
  integer(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** Whether something of this probability happens, 0 never, 1 always. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** From the normal distribution around 0 with standard deviation 1 (Box and Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }

  /** `length` bytes, each of any value. */
  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.#word() & 0xff);
  }

  #word(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
}

/** FNV-1a over UTF-16 units, begun at `basis`. */
function hash(text: string, basis: number): number {
  let value = basis;
  for (let index = 0; index < text.length; index++)
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value | 0;
}
