// Delivery between the endpoints of a simulated network: the one place where delay, loss and cuts happen.
import type { Clock } from "../runtime/time.ts";
import { LinkModel } from "./link-model.ts";
import type { LinkModelOptions } from "./link-model.ts";

/** Least and most ms until what a reliable transport lost is sent again; doubled at every attempt (RFC 6298). */
const LEAST_RETRANSMIT_MS = 20;
const MOST_RETRANSMIT_MS = 1_000;

/** Something on its way. */
export interface Parcel {
  from: string;
  to: string;
  /** True: waits for a cut to heal, and keeps its order, as TCP and reliable SCTP do. False: a datagram. */
  reliable: boolean;
  byteLength: number;
  /** Goes another way than the rest where one was made by {@link SimulatedWire.setLink}. */
  medium?: "video" | undefined;
  deliver(): void;
  /** The sender is rid of it: it is about to be delivered, or lost. */
  depart?(): void;
}

/** One direction between two endpoints. */
interface Path {
  model: LinkModel;
  /** Reliable ones sent and not yet delivered, in order. */
  readonly queue: { parcel: Parcel; arrived: boolean }[];
  /** Reliable ones waiting for a cut to heal, in order. */
  readonly held: Parcel[];
}

/** Carries parcels between named endpoints, each direction over its own link model. */
export class SimulatedWire {
  readonly #clock: Clock;
  readonly #link: LinkModelOptions;
  readonly #seed: number | string;
  readonly #paths = new Map<string, Path>();
  readonly #cuts = new Set<string>();

  /** @param link the habits of every direction that gets none of its own */
  constructor(clock: Clock, link: LinkModelOptions, seed: number | string) {
    this.#clock = clock;
    this.#link = link;
    this.#seed = seed;
  }

  /**
   * Give one direction other habits, from now on.
   * @param medium only what belongs to it, which has a way of its own from then on
   */
  setLink(from: string, to: string, link: LinkModelOptions, medium?: "video"): void {
    const key = pathKey(from, to, medium);
    const path = this.#paths.get(key) ?? this.#open(key);
    path.model = new LinkModel(link, `${this.#seed}/${key}`);
  }

  /** A round trip without jitter and queues, ms. */
  roundTripMs(a: string, b: string): number {
    return this.#path(a, b).model.options.delayMs + this.#path(b, a).model.options.delayMs;
  }

  send(parcel: Parcel): void {
    const { from, to, reliable, medium } = parcel;
    const path = this.#paths.get(pathKey(from, to, medium)) ?? this.#path(from, to);
    if (!this.reachable(from, to)) {
      if (reliable) path.held.push(parcel);
      else parcel.depart?.();
    } else if (reliable) this.#queue(path, parcel);
    else this.#launch(path, parcel);
  }

  /** Cut both directions between two endpoints; what is under way still arrives. */
  cut(a: string, b: string): void {
    this.#cuts.add(pairOf(a, b));
  }

  /** Undo {@link cut}; what waited is sent now. */
  heal(a: string, b: string): void {
    if (!this.#cuts.delete(pairOf(a, b))) return;
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      for (const medium of [undefined, "video"] as const) {
        const path = this.#paths.get(pathKey(from, to, medium));
        for (const parcel of path?.held.splice(0) ?? []) this.send(parcel);
      }
    }
  }

  reachable(a: string, b: string): boolean {
    return !this.#cuts.has(pairOf(a, b));
  }

  #launch({ model }: Path, parcel: Parcel): void {
    let copies = 0;
    model.send(parcel.byteLength, this.#clock.now(), (arrivalMs) => {
      const first = copies++ === 0;
      this.#clock.setTimer(arrivalMs, () => {
        if (first) parcel.depart?.();
        parcel.deliver();
      });
    });
    if (copies === 0) parcel.depart?.();
  }

  #queue(path: Path, parcel: Parcel): void {
    const entry = { parcel, arrived: false };
    path.queue.push(entry);
    const arrive = (): void => {
      entry.arrived = true;
      while (path.queue[0]?.arrived === true) {
        const first = path.queue.shift()?.parcel;
        first?.depart?.();
        first?.deliver();
      }
    };
    const attempt = (retransmitMs: number): void => {
      const nowMs = this.#clock.now();
      let arrivals = 0;
      path.model.send(parcel.byteLength, nowMs, (arrivalMs) => {
        if (arrivals++ === 0) this.#clock.setTimer(arrivalMs, arrive);
      });
      if (arrivals > 0) return;
      const nextMs = Math.min(2 * retransmitMs, MOST_RETRANSMIT_MS);
      this.#clock.setTimer(nowMs + retransmitMs, () => attempt(nextMs));
    };
    attempt(Math.max(LEAST_RETRANSMIT_MS, this.roundTripMs(parcel.from, parcel.to)));
  }

  #path(from: string, to: string): Path {
    const key = pathKey(from, to);
    return this.#paths.get(key) ?? this.#open(key);
  }

  #open(key: string): Path {
    const path: Path = { model: new LinkModel(this.#link, `${this.#seed}/${key}`), queue: [], held: [] };
    this.#paths.set(key, path);
    return path;
  }
}

function pathKey(from: string, to: string, medium?: "video"): string {
  return JSON.stringify(medium === undefined ? [from, to] : [from, to, medium]);
}

function pairOf(a: string, b: string): string {
  return a < b ? pathKey(a, b) : pathKey(b, a);
}
