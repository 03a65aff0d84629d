// The bounds of the last minutes' exchanges, oldest first. Plain numbers in one array: as objects they would be the
// largest thing a room keeps. Bounded; reads no clock.
import type { Bounds } from "./offset-bounds.ts";

/** Numbers of one exchange: the two times, and the offset at each. */
const STRIDE = 4;
const FIRST_CAPACITY = 64;

/** See the header. */
export class BoundsWindow {
  readonly #capacity: number;
  #values = new Float64Array(FIRST_CAPACITY * STRIDE);
  #length = 0;

  /** @param capacity exchanges kept at most; the oldest go */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get length(): number {
    return this.#length;
  }

  /** Of exchange `index`: when the request left, us. */
  mostAtUs(index: number): number {
    return this.#values[index * STRIDE] as number;
  }

  /** The offset then, at most, us. */
  mostUs(index: number): number {
    return this.#values[index * STRIDE + 1] as number;
  }

  /** When the reply came, us. */
  leastAtUs(index: number): number {
    return this.#values[index * STRIDE + 2] as number;
  }

  /** The offset then, at least, us. */
  leastUs(index: number): number {
    return this.#values[index * STRIDE + 3] as number;
  }

  /** What the request of one exchange and the reply of another prove. */
  bounds(most: number, least = most): Bounds {
    return {
      most: { atUs: this.mostAtUs(most), offsetUs: this.mostUs(most) },
      least: { atUs: this.leastAtUs(least), offsetUs: this.leastUs(least) },
    };
  }

  /** Append an exchange. */
  push({ most, least }: Bounds): void {
    if (this.#length === this.#capacity) this.drop(1);
    if (this.#length * STRIDE === this.#values.length) {
      const larger = new Float64Array(Math.min(this.#capacity * STRIDE, this.#values.length * 2));
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values.set([most.atUs, most.offsetUs, least.atUs, least.offsetUs], this.#length * STRIDE);
    this.#length++;
  }

  /** Forget the oldest `count`. */
  drop(count: number): void {
    this.#values.copyWithin(0, count * STRIDE, this.#length * STRIDE);
    this.#length -= count;
  }

  /** Forget all. */
  clear(): void {
    this.#length = 0;
  }
}
