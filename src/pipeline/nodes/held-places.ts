// Which input a sample of a stream came with, for nodes that hold samples back: what leaves has the labels of where it
// came from. Pure; remembers no more inputs than have samples that are still held.
import { later } from "./audio-streams.ts";
import type { AudioBlock, Place } from "./audio-streams.ts";

interface Held {
  readonly block: AudioBlock;
  /** Index of its first sample. */
  readonly start: number;
}

/** Places of the samples of a stream, counted per channel from 0 since the last clear. */
export class HeldPlaces {
  #held: Held[] = [];
  #end = 0;

  /** Samples that came. */
  get end(): number {
    return this.#end;
  }

  /** Append an input. */
  push(block: AudioBlock): void {
    if (block.frames > 0) this.#held.push({ block, start: this.#end });
    this.#end += block.frames;
  }

  /**
   * Where a sample lies; a fraction is a place between two. What came before it is forgotten, so ask in order.
   * @returns undefined before the first input
   */
  at(index: number): Place | undefined {
    let first = this.#held[0];
    while (first !== undefined && this.#held.length > 1 && first.start + first.block.frames <= index) {
      this.#held.shift();
      first = this.#held[0];
    }
    return first && later(first.block, index - first.start);
  }

  /** Count from 0 again. */
  clear(): void {
    this.#held = [];
    this.#end = 0;
  }
}
