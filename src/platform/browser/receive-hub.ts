// The page's side of receiving: one worker for the receivers of all links, and who gets which frame.
import { TransportError } from "../../errors/errors.ts";
import type { EncodedAudioFrame } from "../platform.ts";
import { receiveWorkerSource } from "./generated/receive-worker.ts";
import { inlineScriptUrl } from "./inline-script.ts";
import type { ReceiveMessage, ReceiveOptions } from "./receive-messages.ts";

/** Where the frames of one receiver go. Neither callback may throw. */
export interface ReceiveListener {
  frame(frame: EncodedAudioFrame): void;
  fault(error: TransportError): void;
}

/** Owns the receiving worker: it lives while any receiver is attached. */
export class ReceiveHub {
  readonly #workerUrl: string | undefined;
  readonly #listeners = new Map<number, ReceiveListener>();
  #worker: Worker | undefined;
  #lastLink = 0;

  /** @param workerUrl script to load instead of the inlined one, for pages whose CSP forbids `blob:` workers */
  constructor(workerUrl?: string) {
    this.#workerUrl = workerUrl;
  }

  /** Whether the worker is running. */
  get active(): boolean {
    return this.#worker !== undefined;
  }

  /**
   * Take all encoded frames of `receiver` from now on; call it before media can flow. Where the browser has no
   * encoded transforms, or the worker cannot be loaded, `listener.fault` is told in a later turn.
   * @returns a function that ends it; calling it twice is harmless
   */
  attach(receiver: RTCRtpReceiver, listener: ReceiveListener): () => void {
    const link = ++this.#lastLink;
    this.#listeners.set(link, listener);
    try {
      this.#worker ??= this.#start();
      const options: ReceiveOptions = { link, pageTimeOrigin: performance.timeOrigin };
      receiver.transform = new RTCRtpScriptTransform(this.#worker, options);
    } catch (error) {
      queueMicrotask(() => this.#listeners.get(link)?.fault(notReceiving(error)));
    }
    return () => {
      if (this.#listeners.delete(link) && this.#listeners.size === 0) this.#stop();
    };
  }

  #start(): Worker {
    const worker = new Worker(this.#workerUrl ?? inlineScriptUrl(receiveWorkerSource), {
      name: "remotemedia-receive",
    });
    worker.onmessage = ({ data }: MessageEvent<ReceiveMessage>): void => this.#deliver(data);
    worker.onerror = (event): void => {
      event.preventDefault();
      const error = notReceiving(
        event.message === undefined || event.message === "" ? "not loaded" : event.message,
      );
      for (const listener of this.#listeners.values()) listener.fault(error);
    };
    return worker;
  }

  #stop(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
  }

  #deliver(message: ReceiveMessage): void {
    const listener = this.#listeners.get(message.link);
    if (listener === undefined) return; // frames under way when their link was closed
    if (message.type === "fault") return listener.fault(notReceiving(message.message));
    const { ssrc, payloadType, sequenceNumber, rtpTimestamp, arrivalMs, captureMs } = message;
    const payload = new Uint8Array(message.payload);
    const frame = { ssrc, payloadType, sequenceNumber, rtpTimestamp, payload, arrivalMs };
    listener.frame(captureMs === null ? frame : { ...frame, captureMs });
  }
}

function notReceiving(cause: unknown): TransportError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new TransportError(
    "NOT_SUPPORTED",
    `audio cannot be received: the encoded transform failed: ${why}`,
    {
      suggestion:
        "Use a browser with RTCRtpScriptTransform; where the page's Content-Security-Policy forbids blob: workers, " +
        "serve dist/worker.js and pass its address as workerUrl.",
      cause,
    },
  );
}
