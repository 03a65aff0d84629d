// A clock for another thread that shows what the clock of the first one shows, whatever its start and its rate.
import type { Clock, LocalMs, WallMs } from "./time.ts";

/** How the first thread's clock stands to the wall clock that all threads of a platform share. Plain data. */
export interface ClockRelation {
  /** A moment on the shared clock, Unix ms. */
  readonly sharedMs: number;
  /** What `now()` of the first thread showed at it. */
  readonly localMs: number;
  /** What `wallNow()` of the first thread showed at it. */
  readonly wallMs: number;
  /** Its ms for each shared one. */
  readonly rate: number;
}

/** Timers are set this much later than computed: the way there and back rounds. */
const ROUNDING_MS = 1e-6;

/** See the header. */
export class RelatedClock implements Clock {
  readonly rate: number;
  readonly #clock: Clock;
  readonly #relation: ClockRelation;
  /** What the clock of this thread shows at the relation's moment. */
  readonly #originMs: number;

  /** @param clock of this thread, whose `wallNow()` is the shared clock */
  constructor(clock: Clock, relation: ClockRelation) {
    this.rate = relation.rate;
    this.#clock = clock;
    this.#relation = relation;
    this.#originMs = relation.sharedMs - (clock.wallNow() - clock.now());
  }

  now(): LocalMs {
    return this.#relation.localMs + this.#elapsedMs();
  }

  wallNow(): WallMs {
    return this.#relation.wallMs + this.#elapsedMs();
  }

  setTimer(atMs: LocalMs, callback: () => void): () => void {
    const elapsedMs = (atMs - this.#relation.localMs) / this.rate;
    return this.#clock.setTimer(this.#originMs + elapsedMs + ROUNDING_MS, callback);
  }

  #elapsedMs(): number {
    return (this.#clock.now() - this.#originMs) * this.rate;
  }
}
