// Actions in order of their time, bounded. Pure: sets no timer and runs nothing by itself.

interface Entry {
  readonly atMs: number;
  readonly action: () => void;
}

/** A queue by time; actions of one instant leave in the order in which they came. */
export class Schedule {
  readonly #capacity: number;
  #entries: Entry[] = [];

  /** @param capacity entries at most */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** When the first action is due; Infinity for never. */
  get nextMs(): number {
    return this.#entries[0]?.atMs ?? Infinity;
  }

  /** @returns false when there is no room for it */
  add(atMs: number, action: () => void): boolean {
    if (this.#entries.length >= this.#capacity) return false;
    // Delays resemble each other: the place is close to the end.
    let index = this.#entries.length;
    while (index > 0 && (this.#entries[index - 1] as Entry).atMs > atMs) index--;
    this.#entries.splice(index, 0, { atMs, action });
    return true;
  }

  /** Run what is due. */
  run(nowMs: number): void {
    let due = 0;
    while ((this.#entries[due]?.atMs ?? Infinity) <= nowMs) due++;
    if (due === 0) return;
    for (const { action } of this.#entries.splice(0, due)) action();
  }

  clear(): void {
    this.#entries = [];
  }
}
