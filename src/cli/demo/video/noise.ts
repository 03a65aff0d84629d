// Smooth noise that repeats without a seam, for hills, clouds and grain. Pure and seeded.

/** A lattice of random values, smooth between them and endless in both directions. */
export class NoiseField {
  readonly #columns: number;
  readonly #rows: number;
  readonly #values: Float32Array;

  /** @param columns in which it repeats, as `rows`: at least 1 */
  constructor(random: () => number, columns: number, rows: number) {
    this.#columns = columns;
    this.#rows = rows;
    this.#values = Float32Array.from({ length: columns * rows }, () => random() * 2 - 1);
  }

  /** The value at a place of the lattice: -1 to 1; coordinates from 0 on, repeating. */
  at(column: number, row: number): number {
    const x = Math.floor(column);
    const y = Math.floor(row);
    const across = fade(column - x);
    const left = x % this.#columns;
    const right = left + 1 < this.#columns ? left + 1 : 0;
    const line = y % this.#rows;
    const upper = this.#between(line * this.#columns, left, right, across);
    const lower = this.#between((line + 1 < this.#rows ? line + 1 : 0) * this.#columns, left, right, across);
    return upper + (lower - upper) * fade(row - y);
  }

  #between(start: number, left: number, right: number, share: number): number {
    const from = this.#values[start + left] as number;
    return from + ((this.#values[start + right] as number) - from) * share;
  }
}

/** Some fields over each other, each twice as fine and half as strong as the one before: -1 to 1. */
export class FractalNoise {
  readonly #octaves: readonly NoiseField[];

  /** @param columns of the coarsest field @param octaves how many fields */
  constructor(random: () => number, columns: number, rows: number, octaves: number) {
    this.#octaves = Array.from(
      { length: octaves },
      (_, octave) => new NoiseField(random, columns << octave, rows << octave),
    );
  }

  /** The value at a place of the coarsest lattice. */
  at(column: number, row: number): number {
    let sum = 0;
    for (let octave = 0; octave < this.#octaves.length; octave++) {
      const scale = 1 << octave;
      sum += (this.#octaves[octave] as NoiseField).at(column * scale, row * scale) / (2 * scale);
    }
    return sum;
  }
}

function fade(share: number): number {
  return share * share * (3 - 2 * share);
}
