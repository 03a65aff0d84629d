// A data channel of the browser behind the port. What arrives before somebody listens is kept, up to a bound.
import { TransportError } from "../../errors/errors.ts";
import type { ChannelEvents, ChannelPort } from "../platform.ts";

/** Bytes kept for a channel nobody listens to yet; ports are listened to at once, so this only bounds a flood. */
const MAX_EARLY_BYTES = 1024 * 1024;
/** Messages kept likewise, so that empty ones are bounded too. */
const MAX_EARLY_MESSAGES = 256;
/** A message of this size is always allowed (RFC 8841 section 6.1: the default without max-message-size). */
const DEFAULT_MAX_MESSAGE_BYTES = 65536;

type Message = Uint8Array | string;

/** A {@link ChannelPort} over an RTCDataChannel. */
export class BrowserChannel implements ChannelPort {
  readonly label: string;
  readonly #native: RTCDataChannel;
  readonly #sctp: () => RTCSctpTransport | null;
  readonly #fault: (error: unknown) => void;
  readonly #early: Message[] = [];
  readonly #detach = new AbortController();
  #earlyBytes = 0;
  #events: ChannelEvents | undefined;
  #opened = false;
  #closed = false;
  #closeTold = false;

  /** @param sctp gives the association, which knows the largest message once connected */
  constructor(native: RTCDataChannel, sctp: () => RTCSctpTransport | null, fault: (error: unknown) => void) {
    this.label = native.label;
    this.#native = native;
    this.#sctp = sctp;
    this.#fault = fault;
    native.binaryType = "arraybuffer";
    const { signal } = this.#detach;
    native.addEventListener("open", () => this.#handleOpen(), { signal });
    native.addEventListener("close", () => this.handleClose(), { signal });
    native.addEventListener(
      "message",
      ({ data }: MessageEvent<ArrayBuffer | string>) =>
        this.#handleMessage(typeof data === "string" ? data : new Uint8Array(data)),
      { signal },
    );
    if (native.readyState === "open") this.#opened = true;
  }

  get open(): boolean {
    return !this.#closed && this.#native.readyState === "open";
  }

  get bufferedAmount(): number {
    return this.#closed ? 0 : this.#native.bufferedAmount;
  }

  get maxMessageSize(): number {
    return this.#sctp()?.maxMessageSize ?? DEFAULT_MAX_MESSAGE_BYTES;
  }

  listen(events: ChannelEvents): void {
    // In a later turn, so that whoever listens has finished before the first call comes.
    queueMicrotask(() => {
      this.#events = events;
      if (this.#opened) this.#guard(() => events.open());
      for (const message of this.#early.splice(0)) this.#guard(() => events.message(message));
      this.#earlyBytes = 0;
      this.#tellClose();
    });
  }

  send(message: Uint8Array): void {
    if (!this.open) throw new TransportError("DATA_CHANNEL_ERROR", `channel ${this.label} is not open`);
    try {
      this.#native.send(message as Uint8Array<ArrayBuffer>);
    } catch (error) {
      throw new TransportError(
        "DATA_CHANNEL_ERROR",
        `channel ${this.label} did not take ${message.byteLength} bytes`,
        { cause: error },
      );
    }
  }

  close(): void {
    this.#native.close();
    this.handleClose();
  }

  /** The channel has ended, by either side or with its connection; told to the listener once. */
  handleClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#detach.abort();
    this.#tellClose();
  }

  #tellClose(): void {
    const events = this.#events;
    if (!this.#closed || this.#closeTold || events === undefined) return;
    this.#closeTold = true;
    this.#guard(() => events.close());
  }

  #handleOpen(): void {
    if (this.#opened) return;
    this.#opened = true;
    this.#guard(() => this.#events?.open());
  }

  #handleMessage(message: Message): void {
    const events = this.#events;
    if (events !== undefined) return this.#guard(() => events.message(message));
    this.#early.push(message);
    this.#earlyBytes += message.length;
    if (this.#earlyBytes <= MAX_EARLY_BYTES && this.#early.length <= MAX_EARLY_MESSAGES) return;
    // Dropping from a reliable channel would break its promise; ending it does not.
    this.#early.length = 0;
    this.#fault(
      new TransportError("DATA_CHANNEL_ERROR", `channel ${this.label} was flooded before anybody listened`),
    );
    this.close();
  }

  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#fault(error);
    }
  }
}
