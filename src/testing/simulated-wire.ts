// Delivery between the endpoints of a simulated network: the one place where delay, loss and cuts happen.
import type { Clock } from "../runtime/time.ts";

/** Something on its way. */
export interface Parcel {
  from: string;
  to: string;
  /** True: waits for a cut to heal, as TCP and reliable SCTP do. False: lost in a cut, as datagrams are. */
  reliable: boolean;
  deliver(): void;
  /** The sender is rid of it: it is about to be delivered, or lost. */
  depart?(): void;
}

interface Path {
  /** Sent and not yet delivered, in order. */
  readonly flying: Parcel[];
  /** Waiting for a cut to heal, in order. */
  readonly held: Parcel[];
}

/** Carries parcels between named endpoints, each direction in order, after a fixed delay. */
export class SimulatedWire {
  readonly delayMs: number;
  readonly #clock: Clock;
  readonly #paths = new Map<string, Path>();
  readonly #cuts = new Set<string>();

  constructor(clock: Clock, delayMs: number) {
    this.#clock = clock;
    this.delayMs = delayMs;
  }

  send(parcel: Parcel): void {
    if (this.reachable(parcel.from, parcel.to)) return this.#launch(parcel);
    if (parcel.reliable) this.#path(parcel).held.push(parcel);
    else parcel.depart?.();
  }

  /** Cut both directions between two endpoints; what is under way still arrives. */
  cut(a: string, b: string): void {
    this.#cuts.add(pairOf(a, b));
  }

  /** Undo {@link cut}; what waited is sent now. */
  heal(a: string, b: string): void {
    if (!this.#cuts.delete(pairOf(a, b))) return;
    for (const key of [pathKey(a, b), pathKey(b, a)]) {
      for (const parcel of this.#paths.get(key)?.held.splice(0) ?? []) this.#launch(parcel);
    }
  }

  reachable(a: string, b: string): boolean {
    return !this.#cuts.has(pairOf(a, b));
  }

  // Every timer takes the first parcel of its path rather than its own: order holds on clocks that round, too.
  #launch(parcel: Parcel): void {
    const { flying } = this.#path(parcel);
    flying.push(parcel);
    this.#clock.setTimer(this.#clock.now() + this.delayMs, () => {
      const first = flying.shift();
      first?.depart?.();
      first?.deliver();
    });
  }

  #path({ from, to }: Parcel): Path {
    const key = pathKey(from, to);
    const path = this.#paths.get(key) ?? { flying: [], held: [] };
    this.#paths.set(key, path);
    return path;
  }
}

function pathKey(from: string, to: string): string {
  return JSON.stringify([from, to]);
}

function pairOf(a: string, b: string): string {
  return a < b ? pathKey(a, b) : pathKey(b, a);
}
