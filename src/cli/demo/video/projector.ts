// Shows the pictures of a source, each at its time: number n at n intervals after the start, so that late timers never
// add up. Knows nothing of peers. Works in Node and in pages.

/** Later than this, in intervals, the time of a picture has passed, and it is left out. */
const MAX_LATE = 1;

/** Makes picture `number`, from 0 on. A rejection leaves the picture out. */
export type PictureMaker<Picture> = (number: number) => Picture | Promise<Picture>;

/** Takes a picture. `captureMs` is the instant it stands for, on the given clock. */
export type PictureTaker<Picture> = (picture: Picture, captureMs: number, number: number) => void;

/** What a {@link Projector} is made of. */
export interface ProjectorOptions<Picture> {
  framerateFps: number;
  /** A monotonic clock in ms: its rate decides how fast pictures follow each other. */
  nowMs: () => number;
  make: PictureMaker<Picture>;
  take: PictureTaker<Picture>;
  /** Called with what `make` failed with. */
  fail: (error: unknown) => void;
}

/** Shows from `start` to `stop`. */
export class Projector<Picture> {
  readonly #options: ProjectorOptions<Picture>;
  readonly #intervalMs: number;
  #startMs = 0;
  #number = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running = false;

  constructor(options: ProjectorOptions<Picture>) {
    this.#options = options;
    this.#intervalMs = 1000 / options.framerateFps;
  }

  /** Begin now, with picture 0. */
  start(): void {
    this.#startMs = this.#options.nowMs();
    this.#number = 0;
    this.#running = true;
    this.#arm();
  }

  /** Idempotent; no picture follows. */
  stop(): void {
    this.#running = false;
    clearTimeout(this.#timer);
  }

  #arm(): void {
    if (!this.#running) return;
    const delayMs = this.#timeOf(this.#number) - this.#options.nowMs();
    this.#timer = setTimeout(() => void this.#show(), Math.max(0, delayMs));
  }

  async #show(): Promise<void> {
    const { nowMs, make, take, fail } = this.#options;
    const lateMs = nowMs() - this.#timeOf(this.#number);
    // Timeouts count in whole milliseconds and may fire up to one of them early.
    if (lateMs < 0) return this.#arm();
    const late = Math.floor(lateMs / this.#intervalMs);
    if (late > MAX_LATE) this.#number += late;
    const number = this.#number++;
    try {
      const picture = make(number);
      const made = picture instanceof Promise ? await picture : picture;
      if (this.#running) take(made, this.#timeOf(number), number);
    } catch (error) {
      fail(error);
    }
    this.#arm();
  }

  #timeOf(number: number): number {
    return this.#startMs + number * this.#intervalMs;
  }
}
