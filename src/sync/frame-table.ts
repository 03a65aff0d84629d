// Frames that wait, by reference: the buffer in WebAssembly orders their handles. Bounded, and what the buffer has
// dropped is let go of. Pure.

/** More than the buffer holds. A power of two. */
const CAPACITY = 2048;

/** What the table must know of a frame. */
export interface Held {
  readonly rtpTimestamp: number;
  readonly receivedAt: number;
}

/** Frames of one stream under rising handles, in order of arrival. */
export class FrameTable<Frame extends Held> {
  readonly #frames: (Frame | undefined)[] = new Array<Frame | undefined>(CAPACITY).fill(undefined);
  /** The next handle; and the oldest that may still hold a frame. */
  #next = 0;
  #oldest = 0;
  #held = 0;

  /** Frames held. */
  get held(): number {
    return this.#held;
  }

  /** Keep a frame; the oldest one goes when there is no room. @returns its handle, u32 */
  put(frame: Frame): number {
    const handle = this.#next;
    if (((handle - this.#oldest) | 0) >= CAPACITY) this.#dropOldest();
    this.#frames[handle & (CAPACITY - 1)] = frame;
    this.#next = (handle + 1) >>> 0;
    this.#held++;
    return handle;
  }

  /** Take a frame out; undefined when it has been let go of. */
  take(handle: number): Frame | undefined {
    const age = (this.#next - handle) | 0;
    if (age < 1 || age > CAPACITY) return undefined;
    const at = handle & (CAPACITY - 1);
    const frame = this.#frames[at];
    if (frame !== undefined) this.#held--;
    this.#frames[at] = undefined;
    return frame;
  }

  /**
   * Let go of the oldest frames that cannot be in the buffer any more: it holds no more than `spanTicks`.
   * @param newestTs newest RTP timestamp in the buffer
   * @param arrivedBeforeMs what came before this is gone whatever its timestamp says
   * @param except the handle of a frame on probation, whose timestamp fits nothing yet
   */
  sweep(newestTs: number, spanTicks: number, arrivedBeforeMs: number, except: number): void {
    while (this.#oldest !== this.#next) {
      const frame = this.#frames[this.#oldest & (CAPACITY - 1)];
      if (frame !== undefined && frame.receivedAt >= arrivedBeforeMs) {
        if (this.#oldest === except || ((newestTs - frame.rtpTimestamp) | 0) <= spanTicks) return;
      }
      this.#dropOldest();
    }
  }

  /** Let go of every frame but these two. */
  keepOnly(first: number, second: number): void {
    const [one, other] = [this.take(first), this.take(second)];
    while (this.#oldest !== this.#next) this.#dropOldest();
    this.#restore(first, one);
    this.#restore(second, other);
  }

  /** Let go of everything. */
  clear(): void {
    while (this.#oldest !== this.#next) this.#dropOldest();
  }

  #restore(handle: number, frame: Frame | undefined): void {
    if (frame === undefined) return;
    this.#frames[handle & (CAPACITY - 1)] = frame;
    this.#held++;
    if (((handle - this.#oldest) | 0) < 0) this.#oldest = handle;
  }

  #dropOldest(): void {
    const at = this.#oldest & (CAPACITY - 1);
    if (this.#frames[at] !== undefined) this.#held--;
    this.#frames[at] = undefined;
    this.#oldest = (this.#oldest + 1) >>> 0;
  }
}
