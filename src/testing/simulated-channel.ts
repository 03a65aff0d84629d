// A data channel of a simulated link. Knows nothing of the other side; its link carries the bytes.
import { TransportError } from "../errors/errors.ts";
import type { ChannelEvents, ChannelOptions, ChannelPort } from "../platform/platform.ts";

/** Events kept until somebody listens; the port is listened to at once, so more is a mistake. */
const MAX_KEPT_EVENTS = 1_024;

/** What a channel needs of its link. */
export interface ChannelHost {
  /** @param departed to be called when the bytes have left the sender's buffer */
  transmit(channel: SimulatedChannel, message: Uint8Array, departed: () => void): void;
  /** The channel was closed here. */
  closing(channel: SimulatedChannel): void;
  /** Run a callback of the library's; what it throws is the link's to report. */
  guard(callback: () => void): void;
}

/** See the header. */
export class SimulatedChannel implements ChannelPort {
  readonly options: ChannelOptions;
  /** Set from the other side's description. */
  maxMessageSize: number;
  readonly #host: ChannelHost;
  readonly #kept: ((events: ChannelEvents) => void)[] = [];
  #events: ChannelEvents | undefined;
  #state: "connecting" | "open" | "closed" = "connecting";
  #bufferedAmount = 0;

  constructor(options: ChannelOptions, maxMessageSize: number, host: ChannelHost) {
    this.options = options;
    this.maxMessageSize = maxMessageSize;
    this.#host = host;
  }

  get label(): string {
    return this.options.label;
  }

  get open(): boolean {
    return this.#state === "open";
  }

  get bufferedAmount(): number {
    return this.#bufferedAmount;
  }

  listen(events: ChannelEvents): void {
    this.#events = events;
    if (this.#kept.length > 0) queueMicrotask(() => this.#catchUp(events));
  }

  send(message: Uint8Array): void {
    if (!this.open) throw new TransportError("DATA_CHANNEL_ERROR", `the channel '${this.label}' is not open`);
    if (this.maxMessageSize > 0 && message.length > this.maxMessageSize) {
      const text = `${message.length} bytes are more than the ${this.maxMessageSize} the other side takes`;
      throw new TransportError("DATA_CHANNEL_ERROR", text);
    }
    const bytes = message.slice();
    this.#bufferedAmount += bytes.length;
    this.#host.transmit(this, bytes, () => (this.#bufferedAmount -= bytes.length));
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#host.closing(this);
    this.finish();
  }

  /** The association is up. */
  start(): void {
    if (this.#state !== "connecting") return;
    this.#state = "open";
    this.#tell((events) => events.open());
  }

  /** A message has come from the other side. */
  receive(message: Uint8Array): void {
    if (this.#state === "open") this.#tell((events) => events.message(message));
  }

  /** Closed by either side, or with the link. The event follows once the caller has returned. */
  finish(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    queueMicrotask(() => this.#tell((events) => events.close()));
  }

  #tell(deliver: (events: ChannelEvents) => void): void {
    const events = this.#events;
    if (events !== undefined && this.#kept.length === 0) this.#host.guard(() => deliver(events));
    else if (this.#kept.length < MAX_KEPT_EVENTS) this.#kept.push(deliver);
  }

  /** Events that come meanwhile queue up behind those that were kept. */
  #catchUp(events: ChannelEvents): void {
    for (let deliver = this.#kept[0]; deliver !== undefined; deliver = this.#kept[0]) {
      const next = deliver;
      this.#host.guard(() => next(events));
      this.#kept.shift();
    }
  }
}
