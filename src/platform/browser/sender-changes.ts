// Changes to an RTCRtpSender, one after the other: each needs the parameters that the one before has left.
import { toTransportError } from "../../errors/errors.ts";

/** See the header. */
export class SenderChanges {
  readonly #kind: "audio" | "video";
  #sender: RTCRtpSender | undefined;
  #last: Promise<void> = Promise.resolve();
  #closed = false;

  /** @param kind for messages */
  constructor(kind: "audio" | "video") {
    this.#kind = kind;
  }

  /** Whom changes are made to from now on; until then they do nothing. */
  set sender(sender: RTCRtpSender) {
    this.#sender = sender;
  }

  /**
   * Make one change after those before; nothing once closed.
   * @throws TransportError `MEDIA_TRACK_ERROR` (as rejection) when the browser refuses it
   */
  make(change: (sender: RTCRtpSender) => Promise<void>): Promise<void> {
    const result = this.#last.then(async () => {
      if (this.#closed || this.#sender === undefined) return;
      try {
        await change(this.#sender);
      } catch (error) {
        if (this.#hasClosed()) return; // the sender went away with its link
        throw toTransportError(error, "MEDIA_TRACK_ERROR", `the ${this.#kind} sender refused a change`);
      }
    });
    this.#last = result.catch(() => undefined); // told to the caller of this change; the next one goes ahead
    return result;
  }

  /** Change the first encoding, once there is one: encodings come with the negotiation. */
  limit(
    change: (encoding: RTCRtpEncodingParameters, parameters: RTCRtpSendParameters) => void,
  ): Promise<void> {
    return this.make(async (sender) => {
      const parameters = sender.getParameters();
      const encoding = parameters.encodings[0];
      if (encoding === undefined) return;
      change(encoding, parameters);
      await sender.setParameters(parameters);
    });
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#sender = undefined;
  }

  #hasClosed(): boolean {
    return this.#closed;
  }
}
