// The two clocks of the library, told apart by type: mixing them up is the one unit mistake that no test
// on a single machine shows.

/** Milliseconds of the local monotonic clock; its origin means nothing. */
export type LocalMs = number & { readonly clock?: "local" };

/** Milliseconds since 1970 (Unix), from the platform's time origin plus monotonic time: never stepped. */
export type WallMs = number & { readonly clock?: "wall" };

/** Time as a platform, or a simulation, supplies it. */
export interface Clock {
  /** Its ms for each ms of the platform's own clock; 1 when absent. For copies of it in other threads. */
  readonly rate?: number;
  now(): LocalMs;
  wallNow(): WallMs;
  /**
   * Call back once when `now()` has reached `atMs`, at the earliest in a later turn of the event loop.
   * @returns a function that cancels it; calling it twice or too late is harmless
   */
  setTimer(atMs: LocalMs, callback: () => void): () => void;
}
