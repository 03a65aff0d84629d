// Writes one recording of a session: a chunk of bytes for every input. A fault ends the recording and nothing else.
import { toTransportError } from "../errors/errors.ts";
import type { TransportError } from "../errors/errors.ts";
import { encodeEnd, encodeHeader, encodeInput } from "./recording-format.ts";
import type { RecordingHeader } from "./recording-format.ts";
import type { SessionInput } from "./session-inputs.ts";

/** See the header. */
export class SessionRecorder {
  readonly #sink: (chunk: Uint8Array) => void;
  readonly #startMs: number;
  readonly #onFailed: (error: TransportError) => void;
  #ended = false;

  /** @param onFailed told once when the recording ends early */
  constructor(sink: (chunk: Uint8Array) => void, startMs: number, onFailed: (error: TransportError) => void) {
    this.#sink = sink;
    this.#startMs = startMs;
    this.#onFailed = onFailed;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** @throws TransportError `SERIALIZATION_ERROR` for a manifest that JSON cannot represent */
  begin(header: RecordingHeader): void {
    const chunk = encodeHeader(header);
    this.#write(() => chunk);
  }

  write({ value, peerId, arrivedMs }: SessionInput): void {
    this.#write(() => encodeInput({ input: value, peerId, atMs: Math.max(0, arrivedMs - this.#startMs) }));
  }

  /** Complete the recording. Idempotent. */
  end(): void {
    this.#write(encodeEnd);
    this.#ended = true;
  }

  #write(encode: () => Uint8Array): void {
    if (this.#ended) return;
    try {
      this.#sink(encode());
    } catch (error) {
      this.#ended = true;
      this.#onFailed(toTransportError(error, "INTERNAL_ERROR", "a recording has ended early"));
    }
  }
}
