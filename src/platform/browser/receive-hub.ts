// The page's side of the encoded transforms: one worker for all links, and who is told of which frame.
import { TransportError } from "../../errors/errors.ts";
import type { EncodedAudioFrame, SentAudioMark } from "../platform.ts";
import type { EncodedVideoFrame } from "../video-link.ts";
import { receiveWorkerSource } from "./generated/receive-worker.ts";
import { inlineScriptUrl } from "./inline-script.ts";
import type {
  KeyframeRequest,
  PictureMessage,
  ReceiveMessage,
  TransformOptions,
  VideoTransformOptions,
} from "./receive-messages.ts";
import type { Departure } from "./sent-pictures.ts";

/** What a link is told. No callback may throw. */
export interface TransformListener {
  /** An encoded frame of audio has come. */
  frame?(frame: EncodedAudioFrame): void;
  /** A frame of ours has left; a few times a second. Never where the browser's senders take no transforms. */
  sent?(mark: SentAudioMark): void;
  /** A coded picture has come. */
  videoFrame?(frame: EncodedVideoFrame): void;
  /** A picture of ours has left; a few times a second. */
  videoLeft?(departure: Departure): void;
  /** Nothing can be received; once. */
  fault(error: TransportError): void;
}

/** How long a link waits for the worker, ms: a script from a slow server must not hold the connection up. */
const LOADING_LIMIT_MS = 1_000;

/** Owns the worker: it lives while any link is open. */
export class ReceiveHub {
  readonly #workerUrl: string | undefined;
  readonly #links = new Map<number, LinkTransforms>();
  #worker: TransformWorker | undefined;
  #lastLink = 0;

  /** @param workerUrl script to load instead of the inlined one, for pages whose CSP forbids `blob:` workers */
  constructor(workerUrl?: string) {
    this.#workerUrl = workerUrl;
  }

  /** Whether the worker is running. */
  get active(): boolean {
    return this.#worker !== undefined;
  }

  /** Make ready for the transforms of one link, and start the worker where it does not run yet. */
  open(listener: TransformListener): LinkTransforms {
    const id = ++this.#lastLink;
    let failure: unknown;
    try {
      this.#worker ??= this.#start();
    } catch (error) {
      failure = error; // told when the link wants to receive
    }
    const closed = (): void => {
      if (this.#links.delete(id) && this.#links.size === 0) this.#stop();
    };
    const link = new LinkTransforms(id, this.#worker, failure, listener, closed);
    this.#links.set(id, link);
    return link;
  }

  #start(): TransformWorker {
    const url = this.#workerUrl ?? inlineScriptUrl(receiveWorkerSource);
    return new TransformWorker(url, {
      message: (message) => this.#links.get(message.link)?.deliver(message),
      failed: (why) => {
        for (const link of this.#links.values()) link.fail(why);
        this.#stop(); // the next link tries again
      },
    });
  }

  #stop(): void {
    this.#worker?.native.terminate();
    this.#worker = undefined;
  }
}

/** The transforms of one link. */
export class LinkTransforms {
  /** Settles once the worker has loaded, has failed to, or takes too long. */
  readonly settled: Promise<void>;
  readonly #id: number;
  readonly #worker: TransformWorker | undefined;
  readonly #failure: unknown;
  readonly #listener: TransformListener;
  readonly #onClosed: () => void;
  #attached = false;
  #failed = false;
  #closed = false;

  constructor(
    id: number,
    worker: TransformWorker | undefined,
    failure: unknown,
    listener: TransformListener,
    onClosed: () => void,
  ) {
    this.#id = id;
    this.#worker = worker;
    this.#failure = failure;
    this.#listener = listener;
    this.#onClosed = onClosed;
    this.settled = worker?.settled ?? Promise.resolve();
  }

  /**
   * Take all encoded frames that come from now on, and watch those that leave; call it before media can flow. Where the
   * browser has no encoded transforms, or the worker cannot be loaded, `fault` is told in a later turn.
   * @param video for transceivers of video
   */
  attach(
    { receiver, sender }: Pick<RTCRtpTransceiver, "receiver" | "sender">,
    video?: VideoTransformOptions,
  ): void {
    this.#attached = true;
    const worker = this.#worker;
    try {
      if (worker === undefined || worker.failure !== undefined) throw worker?.failure ?? this.#failure;
      receiver.transform = this.#transform(worker.native, "receive", video);
      // A transform without a worker behind it would keep the sender silent for good, and Chromium takes none back.
      if (worker.loaded) sender.transform = this.#transform(worker.native, "send", video);
    } catch (error) {
      queueMicrotask(() => this.fail(error));
    }
  }

  /** Ask whoever sends us video for a keyframe. */
  requestKeyframe(): void {
    const request: KeyframeRequest = { type: "request-keyframe", link: this.#id };
    if (this.#attached && !this.#closed) this.#worker?.native.postMessage(request);
  }

  /** Idempotent; nothing is told any more. To be called when the connection is closed: its sender falls silent. */
  close(): void {
    this.#closed = true;
    this.#onClosed();
  }

  /** From the worker. */
  deliver(message: ReceiveMessage): void {
    if (message.type === "fault") return this.fail(message.message);
    if (message.type === "picture") return this.#deliverPicture(message);
    const { ssrc, rtpTimestamp } = message;
    if (message.type === "departure") {
      return this.#listener.videoLeft?.({ ssrc, rtpTimestamp, leftMs: message.leftMs });
    }
    if (message.type === "sent") {
      return this.#listener.sent?.({ ssrc, rtpTimestamp, captureMs: message.captureMs });
    }
    const { payloadType, sequenceNumber, arrivalMs, captureMs } = message;
    const payload = new Uint8Array(message.payload);
    const frame = { ssrc, payloadType, sequenceNumber, rtpTimestamp, payload, arrivalMs };
    this.#listener.frame?.(captureMs === null ? frame : { ...frame, captureMs });
  }

  #deliverPicture(message: PictureMessage): void {
    const { ssrc, payloadType, codec, rtpTimestamp, isKeyframe, size, place, arrivalMs, captureMs } = message;
    const data = new Uint8Array(message.data);
    const frame: EncodedVideoFrame = { ssrc, payloadType, codec, rtpTimestamp, data, isKeyframe, arrivalMs };
    if (size !== undefined) Object.assign(frame, size);
    if (place !== undefined) Object.assign(frame, place);
    if (captureMs !== null) frame.captureMs = captureMs;
    this.#listener.videoFrame?.(frame);
  }

  /** The worker is of no use. A link that does not receive yet is told when it wants to. */
  fail(why: unknown): void {
    if (!this.#attached || this.#failed || this.#closed) return;
    this.#failed = true;
    this.#listener.fault(notReceiving(why));
  }

  #transform(
    worker: Worker,
    side: TransformOptions["side"],
    video: VideoTransformOptions | undefined,
  ): RTCRtpScriptTransform {
    const options: TransformOptions = { link: this.#id, side, pageTimeOrigin: performance.timeOrigin };
    if (video !== undefined) options.video = video;
    return new RTCRtpScriptTransform(worker, options);
  }
}

/** A worker, and whether it has loaded. */
class TransformWorker {
  readonly native: Worker;
  readonly settled: Promise<void>;
  loaded = false;
  failure: string | undefined;

  constructor(url: string, events: { message(message: ReceiveMessage): void; failed(why: string): void }) {
    this.native = new Worker(url, { name: "remotemedia-receive" });
    this.settled = new Promise((resolve) => {
      const limit = setTimeout(resolve, LOADING_LIMIT_MS);
      const settle = (): void => {
        clearTimeout(limit);
        resolve();
      };
      this.native.onmessage = ({ data }: MessageEvent<ReceiveMessage | { type: "loaded" }>): void => {
        if (data.type !== "loaded") return events.message(data);
        this.loaded = true;
        settle();
      };
      this.native.onerror = (event): void => {
        event.preventDefault();
        this.failure = event.message === undefined || event.message === "" ? "not loaded" : event.message;
        settle();
        events.failed(this.failure);
      };
    });
  }
}

function notReceiving(cause: unknown): TransportError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new TransportError(
    "NOT_SUPPORTED",
    `media cannot be received: the encoded transform failed: ${why}`,
    {
      suggestion:
        "Use a browser with RTCRtpScriptTransform; where the page's Content-Security-Policy forbids blob: workers, " +
        "serve dist/worker.js and pass its address as workerUrl.",
      cause,
    },
  );
}
