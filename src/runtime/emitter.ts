// A typed emitter for state events. A throwing listener is reported and disturbs nobody.

/** Event name -> the one value its listeners receive. */
export type EventMap = Record<string, unknown>;

/** Reading side of an {@link Emitter}. */
export interface EventSource<Events> {
  /**
   * Call `listener` on every `event` from now on.
   * @returns a function that ends the subscription; calling it twice is harmless
   */
  on<Name extends keyof Events>(event: Name, listener: (value: Events[Name]) => void): () => void;
  /** As `on`, for one event. */
  once<Name extends keyof Events>(event: Name, listener: (value: Events[Name]) => void): () => void;
}

/** Events to any number of listeners, in order of subscription, synchronously. */
export class Emitter<Events> implements EventSource<Events> {
  readonly #listeners = new Map<keyof Events, Set<(value: never) => void>>();
  readonly #onListenerError: (error: unknown, event: keyof Events) => void;

  /** @param onListenerError told of every exception that a listener lets out */
  constructor(onListenerError: (error: unknown, event: keyof Events) => void) {
    this.#onListenerError = onListenerError;
  }

  on<Name extends keyof Events>(event: Name, listener: (value: Events[Name]) => void): () => void {
    // A wrapper of its own for each subscription: the same function may be added twice.
    const entry = (value: Events[Name]): void => listener(value);
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(entry));
    return () => {
      listeners.delete(entry);
    };
  }

  once<Name extends keyof Events>(event: Name, listener: (value: Events[Name]) => void): () => void {
    const off = this.on(event, (value) => {
      off();
      listener(value);
    });
    return off;
  }

  /** Hand `value` to the listeners subscribed at this moment, unless one before them ends their subscription. */
  emit<Name extends keyof Events>(event: Name, value: Events[Name]): void {
    const listeners = this.#listeners.get(event);
    for (const listener of [...(listeners ?? [])]) {
      if (listeners?.has(listener) !== true) continue;
      try {
        (listener as (value: Events[Name]) => void)(value);
      } catch (error) {
        this.#onListenerError(error, event);
      }
    }
  }

  /** Drop every subscription. */
  clear(): void {
    for (const listeners of this.#listeners.values()) listeners.clear();
    this.#listeners.clear();
  }
}
