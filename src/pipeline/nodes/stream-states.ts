// What a node remembers of each stream that comes through it, of not too many. Pure.
import type { TransportData } from "../../runtime/data.ts";

/** More than all tracks of ten peers; beyond, the stream that has been quiet for longest is forgotten. */
const MAX_STREAMS = 128;

/** States by stream: peer (`source_peer`), stream id, and a name besides where one is given. */
export class StreamStates<State> {
  readonly #make: () => State;
  readonly #forget: (state: State) => void;
  readonly #states = new Map<string, State>();

  /**
   * @param make state of a new stream
   * @param forget told of the state of a stream that had to give way
   */
  constructor(make: () => State, forget: (state: State) => void = () => undefined) {
    this.#make = make;
    this.#forget = forget;
  }

  /** State of the stream of an input, made when there is none; a stream that others had to give way to begins anew. */
  of({ data, metadata }: TransportData, name = ""): State {
    const key = JSON.stringify([metadata.source_peer, data.streamId ?? "default", name]);
    const state = this.#states.get(key) ?? this.#make();
    this.#states.delete(key);
    this.#states.set(key, state);
    if (this.#states.size > MAX_STREAMS) this.#dropOldest();
    return state;
  }

  /** All states, that of the stream heard last at the end. */
  all(): Iterable<State> {
    return this.#states.values();
  }

  #dropOldest(): void {
    const [oldest] = this.#states;
    if (oldest === undefined) return;
    this.#states.delete(oldest[0]);
    this.#forget(oldest[1]);
  }
}
