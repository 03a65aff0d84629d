// A native data channel behind the port. Keeps what comes before anybody listens, within a bound.
import type { DataChannel } from "node-datachannel";
import { TransportError, toTransportError } from "../../errors/errors.ts";
import type { ChannelEvents, ChannelPort } from "../platform.ts";
import { contained, guarded, readOr } from "./guard.ts";

/** Bytes and messages kept for a listener that is late; it should come within the same turn. */
const MAX_EARLY_BYTES = 1024 * 1024;
const MAX_EARLY_MESSAGES = 256;

/** How long the native side may take to report a close; measured ones take a few ms. */
const CLOSE_TIMEOUT_MS = 1_000;

type ChannelEvent = { type: "open" } | { type: "close" } | { type: "message"; message: Uint8Array | string };

/** One data channel. Whoever holds it must keep it until `onClosed`: the native side dies with its last reference. */
export class NodeDataChannel implements ChannelPort {
  readonly label: string;
  /** Undefined once it has closed for certain, or is given up. */
  #native: DataChannel | undefined;
  readonly #report: (error: unknown) => void;
  readonly #onClosed: (lost: boolean) => void;
  #closeTimer: ReturnType<typeof setTimeout> | undefined;
  #events: ChannelEvents | undefined;
  /** What happened before `listen`, oldest first; undefined once the listener has caught up. */
  #early: ChannelEvent[] | undefined = [];
  #earlyBytes = 0;
  #opened = false;
  #closed = false;

  /**
   * @param inband whether the other side has opened it
   * @param report told of faults; never throws out of here
   * @param onOpen called once, before the listener's `open`
   * @param onClosed called once, when the native channel may be let go; `lost` when it never said so itself and is
   * left to the garbage collector
   */
  constructor(
    native: DataChannel,
    label: string,
    inband: boolean,
    report: (error: unknown) => void,
    onOpen: () => void,
    onClosed: (lost: boolean) => void,
  ) {
    this.#native = native;
    this.#onClosed = onClosed;
    this.label = label;
    this.#report = report;
    const opened = guarded(report, () => {
      if (this.#opened || this.#closed) return;
      this.#opened = true;
      onOpen();
      this.#emit({ type: "open" });
    });
    native.onMessage(guarded(report, (message) => this.#receive(message)));
    native.onError(guarded(report, (error) => report(channelError(label, error))));
    native.onClosed(guarded(report, () => this.#release(false)));
    native.onOpen(opened);
    // A channel of the other side has opened before anybody could ask to be told, and may even have closed again.
    if (native.isOpen()) opened();
    else if (inband) this.#expectClosed();
  }

  get open(): boolean {
    return !this.#closed && readOr(false, () => this.#native?.isOpen() ?? false);
  }

  get bufferedAmount(): number {
    return this.#closed ? 0 : readOr(0, () => this.#native?.bufferedAmount() ?? 0);
  }

  get maxMessageSize(): number {
    return this.#closed ? 0 : readOr(0, () => this.#native?.maxMessageSize() ?? 0);
  }

  listen(events: ChannelEvents): void {
    if (this.#events !== undefined) return;
    this.#events = events;
    // Not from within `listen`, so that the caller has finished setting itself up.
    queueMicrotask(() => {
      const early = this.#early ?? [];
      this.#early = undefined;
      for (const event of early) this.#emit(event);
    });
  }

  send(message: Uint8Array): void {
    if (!this.open) throw channelError(this.label, "it is not open");
    try {
      // The result tells whether the message was sent at once or buffered, not whether it failed.
      this.#native?.sendMessageBinary(message);
    } catch (error) {
      throw toTransportError(error, "DATA_CHANNEL_ERROR", `data channel "${this.label}"`);
    }
  }

  close(): void {
    if (this.#closed) return;
    // For one channel alone: a link that closes lets its connection close the channels.
    contained(() => this.#native?.close());
    this.#expectClosed();
    this.end();
  }

  /** Tell the listener that the channel has closed, and leave the native channel to its connection. */
  end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#emit({ type: "close" });
  }

  /**
   * A close that meets the other side's, or that came before we could listen, is never reported. Such a channel is
   * dead, but its native callbacks live, and keep the process alive, until it is collected.
   */
  #expectClosed(): void {
    this.#closeTimer = setTimeout(() => {
      contained(() => this.#native?.close());
      this.#release(true);
    }, CLOSE_TIMEOUT_MS);
  }

  #release(lost: boolean): void {
    clearTimeout(this.#closeTimer);
    this.end();
    if (this.#native === undefined) return;
    const native = this.#native;
    this.#native = undefined;
    // Kept for one turn more: the native side still uses the channel when its callback has returned.
    setImmediate(() => void native);
    this.#onClosed(lost);
  }

  #receive(message: string | Buffer | ArrayBuffer): void {
    if (typeof message === "string") return this.#emit({ type: "message", message });
    // The native side copies each message into memory of its own: no pool, nobody else's bytes.
    const bytes =
      message instanceof ArrayBuffer
        ? new Uint8Array(message)
        : new Uint8Array(message.buffer, message.byteOffset, message.byteLength);
    this.#emit({ type: "message", message: bytes });
  }

  #emit(event: ChannelEvent): void {
    if (this.#early !== undefined) return this.#keep(event);
    const events = this.#events;
    if (events === undefined) return;
    guarded(this.#report, () => {
      if (event.type === "open") events.open();
      else if (event.type === "close") events.close();
      else events.message(event.message);
    })();
  }

  #keep(event: ChannelEvent): void {
    if (event.type === "message") {
      this.#earlyBytes += event.message.length;
      if (this.#earlyBytes > MAX_EARLY_BYTES || (this.#early?.length ?? 0) >= MAX_EARLY_MESSAGES) {
        // A reliable channel with a hole is worse than none.
        this.#report(channelError(this.label, "nobody listened in time"));
        this.close();
        return;
      }
    }
    this.#early?.push(event);
  }
}

function channelError(label: string, reason: string): TransportError {
  return new TransportError("DATA_CHANNEL_ERROR", `data channel "${label}": ${reason}`);
}
