// A channel port in the hands of a test.
import { encodeMessageFragment, FRAME_KINDS } from "../../src/channels/framing.ts";
import type { ChannelEvents, ChannelPort } from "../../src/platform/platform.ts";
import type { JsonValue } from "../../src/runtime/data.ts";

/** A port whose other side is the test, or another port. */
export class FakePort implements ChannelPort {
  readonly label: string;
  open = false;
  bufferedAmount = 0;
  maxMessageSize = 262_144;
  closed = false;
  refuses = false;
  readonly sent: Uint8Array[] = [];
  other: FakePort | undefined;
  #events: ChannelEvents | undefined;

  constructor(label: string) {
    this.label = label;
  }

  listen(events: ChannelEvents): void {
    this.#events = events;
  }

  send(message: Uint8Array): void {
    if (this.refuses) throw new Error("the native side says no");
    this.sent.push(message);
    this.other?.receive(message);
  }

  close(): void {
    this.closed = true;
    this.open = false;
  }

  start(): void {
    this.open = true;
    this.#events?.open();
  }

  lose(): void {
    this.open = false;
    this.#events?.close();
  }

  receive(message: Uint8Array | string): void {
    this.#events?.message(message);
  }

  receiveJson(value: JsonValue): void {
    this.receive(
      encodeMessageFragment(FRAME_KINDS.json, 1, 1, new TextEncoder().encode(JSON.stringify(value))),
    );
  }
}
