// Numbers for frames that have none: a frame of video spans packets, and browsers hide their sequence numbers, so order
// and identity come from the RTP timestamp. Absent numbers mean nothing here. Pure.

/**
 * Numbers left free between two frames, so that one that comes after its successor still finds a place. Eight is the
 * most by which a packet may lie ahead of a doubted one and still confirm it.
 */
const STRIDE = 8;
/** Numbered frames remembered: all that wait, at 250 a second for 500 ms. */
const MAX_NUMBERED = 128;

/** Gives each frame a 16-bit number that rises with its timestamp; the same timestamp has the same number. */
export class VideoOrder {
  /** Frames not yet taken, by rising timestamp. */
  readonly #timestamps: number[] = [];
  readonly #numbers: number[] = [];
  /** The frame taken last. */
  #takenTimestamp = 0;
  #takenNumber = 0;
  #taken = false;
  /** Where the numbers have got to. */
  #highest = 0;
  /** A frame whose timestamp contradicts the stream, until the next frame shows which is right. */
  #doubted: { timestamp: number; number: number } | undefined;

  /** Numbered frames that have not been taken, at most 128. */
  get waiting(): number {
    return this.#timestamps.length;
  }

  /** Timestamp of the first frame that waits. */
  get oldest(): number | undefined {
    return this.#timestamps[0];
  }

  /** Whether a frame with this timestamp comes when its turn is over. */
  hasPassed(timestamp: number): boolean {
    return this.#taken && distance(timestamp, this.#takenTimestamp) <= 0;
  }

  /** Number of a frame that came; the number of one already taken when its turn has passed. */
  numberOf(timestamp: number): number {
    const doubted = this.#doubted;
    if (doubted !== undefined && this.#isNearer(timestamp, doubted.timestamp)) {
      return timestamp === doubted.timestamp ? doubted.number : this.#number(doubted.number + STRIDE);
    }
    const all = this.#timestamps;
    let at = all.length;
    while (at > 0 && distance(all[at - 1] as number, timestamp) > 0) at--;
    if (at > 0 && all[at - 1] === timestamp) return this.#number(this.#numbers[at - 1] as number);
    if (at === 0 && this.hasPassed(timestamp)) return this.#number(this.#takenNumber);
    return this.#number(this.#free(at));
  }

  /** The frame with this timestamp was buffered under this number. */
  keep(timestamp: number, number: number): void {
    this.#doubted = undefined;
    const all = this.#timestamps;
    const full = this.#extend(number);
    let at = all.length;
    while (at > 0 && distance(all[at - 1] as number, timestamp) > 0) at--;
    all.splice(at, 0, timestamp);
    this.#numbers.splice(at, 0, full);
    if (((full - this.#highest) | 0) > 0) this.#highest = full;
    if (all.length <= MAX_NUMBERED) return;
    all.shift();
    this.#numbers.shift();
  }

  /** The frame with this timestamp is on probation under this number. */
  doubt(timestamp: number, number: number): void {
    this.#doubted = { timestamp, number: this.#extend(number) };
    if (((this.#doubted.number - this.#highest) | 0) > 0) this.#highest = this.#doubted.number;
  }

  /** The doubted frame and this one began another timeline. */
  restart(timestamp: number, number: number): void {
    const doubted = this.#doubted;
    this.#timestamps.length = this.#numbers.length = 0;
    this.#taken = false;
    if (doubted !== undefined) this.keep(doubted.timestamp, doubted.number & 0xffff);
    this.keep(timestamp, number);
  }

  /** The frame with this timestamp has left; so has all before it. */
  take(timestamp: number): void {
    let count = 0;
    while (count < this.#timestamps.length) {
      if (distance(this.#timestamps[count] as number, timestamp) > 0) break;
      count++;
    }
    if (count === 0) return;
    this.#takenNumber = this.#numbers[count - 1] as number;
    this.#takenTimestamp = timestamp;
    this.#taken = true;
    this.#timestamps.splice(0, count);
    this.#numbers.splice(0, count);
  }

  /** Forget all frames; numbers go on. */
  reset(): void {
    this.#timestamps.length = this.#numbers.length = 0;
    this.#taken = false;
    this.#doubted = undefined;
  }

  // A number between the neighbours; the lower neighbour's own when none is left.
  #free(at: number): number {
    const above = this.#numbers[at];
    if (above === undefined) return this.#highest + STRIDE;
    const below = this.#numbers[at - 1] ?? (this.#taken ? this.#takenNumber : undefined);
    if (below === undefined) return above - STRIDE;
    return below + ((above - below) >> 1);
  }

  #isNearer(timestamp: number, other: number): boolean {
    const newest = this.#timestamps.at(-1) ?? this.#takenTimestamp;
    return Math.abs(distance(timestamp, other)) < Math.abs(distance(timestamp, newest));
  }

  #number(full: number): number {
    return full & 0xffff;
  }

  // The full number with these low 16 bits nearest to the highest one.
  #extend(number: number): number {
    return (this.#highest + (((number - this.#highest) << 16) >> 16)) | 0;
  }
}

function distance(to: number, from: number): number {
  return (to - from) | 0;
}
