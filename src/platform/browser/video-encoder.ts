// An encoder over WebCodecs: one picture under work, one waiting, the newest wins. An error closes the browser's
// encoder; a new one takes its place and begins with a keyframe.
import { describeError, TransportError } from "../../errors/errors.ts";
import type {
  I420Picture,
  VideoEncoder,
  VideoEncoderCounters,
  VideoEncoderEvents,
  VideoEncoderSettings,
} from "../video-codecs.ts";
import { codecString } from "./codec-strings.ts";
import { isI420, makeFrame, usToTicks } from "./video-picture.ts";

type NativeEncoder = globalThis.VideoEncoder;

/**
 * Encoders for real time leave pictures out and do not say so. One that has brought nothing until the next is due lets
 * that one join it; two that have brought nothing for so long hold up nothing any more. A first keyframe takes 7 to 117 ms.
 */
const LEFT_OUT_MS = 100;
/** Pictures in a row of which nothing has come out: after some 3 s an encoder has come to a stop. */
const MAX_TASKS = 20;
/** Encoders that may break in a row without a picture from any. */
const MAX_FUTILE = 3;

/** A picture on its way. The frame is a copy of it, to be closed. */
interface Job {
  readonly frame: VideoFrame;
  readonly position: number;
  keyframe: boolean;
}

/** A picture that the browser's encoder has and of which nothing has come out. */
interface Task {
  readonly position: number;
  readonly keyframe: boolean;
  readonly width: number;
  readonly height: number;
  readonly sinceMs: number;
}

/** How the browser is told what to encode. H.264 takes even sides only: an odd last row or column is left out. */
export function encoderConfig(settings: VideoEncoderSettings): VideoEncoderConfig {
  const { codec, bitrateKbps, framerateFps } = settings;
  const { width, height } = encodedSize(settings);
  return {
    codec: codecString(codec, width, height, framerateFps),
    width,
    height,
    bitrate: bitrateKbps * 1000,
    bitrateMode: "constant",
    framerate: framerateFps,
    latencyMode: "realtime",
    // What RTP carries, with parameter sets in front of keyframes (RFC 6184).
    ...(codec === "H264" && { avc: { format: "annexb" as const } }),
  };
}

function encodedSize({ codec, width, height }: VideoEncoderSettings): { width: number; height: number } {
  return codec === "H264" ? { width: width & ~1, height: height & ~1 } : { width, height };
}

/** See the head of this file. */
export class BrowserVideoEncoder implements VideoEncoder {
  readonly counters: VideoEncoderCounters;
  readonly #counts = { encoded: 0, keyframes: 0, dropped: 0, encodeMs: 0 };
  readonly #events: VideoEncoderEvents;
  readonly #onEnd: () => void;
  #settings: VideoEncoderSettings;
  #native: NativeEncoder | undefined;
  /** What a browser's encoder was told last. */
  #config: VideoEncoderConfig | undefined;
  #isConfigStale = false;
  readonly #tasks: Task[] = [];
  /** Of how many tasks nothing need have come when the next picture is handed over: 0, later 1, in the end any number. */
  #allowance = 0;
  #patience: ReturnType<typeof setTimeout> | undefined;
  #waiting: Job | undefined;
  /** The next picture has to be one: the first, one of a new size, or in place of one that was left out. */
  #keyframeOwed = true;
  #lastOutputMs = 0;
  #futile = 0;
  #ended = false;

  /** @param onEnd called once, when it has been closed or has failed */
  constructor(settings: VideoEncoderSettings, events: VideoEncoderEvents, onEnd: () => void) {
    this.counters = this.#counts;
    this.#settings = settings;
    this.#events = events;
    this.#onEnd = onEnd;
  }

  /** @throws TransportError `INVALID_DATA` for a picture of another size, or planes of another length than it says */
  encode(picture: I420Picture, position: number, keyframe: boolean): void {
    if (this.#ended) return;
    const { width, height } = this.#settings;
    if (picture.width !== width || picture.height !== height || !isI420(picture)) {
      throw new TransportError("INVALID_DATA", `A picture of ${width}x${height} in I420 was expected`);
    }
    const size = encodedSize(this.#settings);
    const frame = makeFrame(picture, size.width, size.height, position);
    const inherited = this.#dropWaiting();
    this.#waiting = { frame, position, keyframe: keyframe || inherited };
    this.#dispatch();
  }

  configure(changes: Partial<Omit<VideoEncoderSettings, "codec">>): void {
    if (this.#ended) return;
    const { width, height } = this.#settings;
    this.#settings = { ...this.#settings, ...changes };
    this.#isConfigStale = true;
    if (this.#settings.width === width && this.#settings.height === height) return;
    this.#keyframeOwed = true;
    // Of the old size, and its turn has not come.
    this.#dropWaiting();
  }

  close(): void {
    this.#end();
  }

  /** Returns whether a keyframe was asked of it. */
  #dropWaiting(): boolean {
    const job = this.#waiting;
    if (job === undefined) return false;
    this.#waiting = undefined;
    job.frame.close();
    this.#counts.dropped++;
    if (job.keyframe) this.#keyframeOwed = true;
    return job.keyframe;
  }

  #dispatch(): void {
    const job = this.#waiting;
    if (job === undefined || this.#ended || this.#tasks.length > this.#allowance) return;
    if ((this.#native?.encodeQueueSize ?? 0) > 0) return; // "dequeue" comes
    if (this.#tasks.length >= MAX_TASKS) {
      this.#native?.close();
      this.#breakDown(new DOMException("the encoder has come to a stop", "OperationError"));
      return;
    }
    this.#waiting = undefined;
    try {
      this.#encode(job);
    } catch (error) {
      this.#fail(error);
    } finally {
      job.frame.close();
    }
  }

  /** From now on, wait for what is under way; by timers, as nothing can come while the thread is busy. */
  #bePatient(): void {
    clearTimeout(this.#patience);
    this.#allowance = 0;
    if (this.#tasks.length === 0) return;
    const intervalMs = Math.min(LEFT_OUT_MS, 1000 / this.#settings.framerateFps);
    this.#patience = setTimeout(() => {
      this.#allowance = 1;
      this.#patience = setTimeout(() => {
        this.#allowance = Infinity;
        this.#dispatch();
      }, LEFT_OUT_MS - intervalMs);
      this.#dispatch();
    }, intervalMs);
  }

  /** @throws Error what the browser throws */
  #encode({ frame, position, keyframe: demanded }: Job): void {
    const native = this.#openNative();
    if (this.#isConfigStale) this.#configure(native);
    const keyframe = demanded || this.#keyframeOwed;
    this.#keyframeOwed = false;
    const { width, height } = encodedSize(this.#settings);
    this.#tasks.push({ position, keyframe, width, height, sinceMs: performance.now() });
    this.#bePatient();
    native.encode(frame, { keyFrame: keyframe });
  }

  #configure(native: NativeEncoder): void {
    const config = encoderConfig(this.#settings);
    const { width, height, codec } = this.#config ?? config;
    // A lower level for fewer pictures a second would cost a keyframe.
    if (config.width === width && config.height === height && config.codec < codec) config.codec = codec;
    native.configure(config);
    this.#config = config;
    this.#isConfigStale = false;
  }

  #openNative(): NativeEncoder {
    if (this.#native !== undefined) return this.#native;
    const native = new globalThis.VideoEncoder({
      output: (chunk) => {
        if (native === this.#native) this.#take(chunk);
      },
      error: (error) => {
        if (native === this.#native) this.#breakDown(error);
      },
    });
    this.#native = native;
    this.#isConfigStale = true;
    this.#keyframeOwed = true;
    native.addEventListener("dequeue", () => this.#dispatch());
    return native;
  }

  #take(chunk: EncodedVideoChunk): void {
    const position = usToTicks(chunk.timestamp);
    const isKeyframe = chunk.type === "key";
    let task = this.#tasks.shift();
    while (task !== undefined && task.position < position) {
      // Left out.
      if (task.keyframe && !isKeyframe) this.#keyframeOwed = true;
      task = this.#tasks.shift();
    }
    if (task === undefined) return; // a second part of what has been handed on: nothing that was asked for
    const nowMs = performance.now();
    this.#counts.encodeMs += nowMs - Math.max(task.sinceMs, this.#lastOutputMs);
    this.#lastOutputMs = nowMs;
    this.#counts.encoded++;
    if (isKeyframe) this.#counts.keyframes++;
    this.#futile = 0;
    const data = new Uint8Array(chunk.byteLength);
    chunk.copyTo(data);
    // Before the news, so that the encoder is busy meanwhile.
    this.#bePatient();
    this.#dispatch();
    const { width, height } = task;
    this.#events.encoded({ data, isKeyframe, width, height, position });
  }

  /** The browser's encoder is closed. */
  #breakDown(error: DOMException): void {
    this.#native = undefined;
    this.#tasks.length = 0;
    this.#bePatient();
    if (error.name === "NotSupportedError" || ++this.#futile >= MAX_FUTILE) {
      this.#fail(error);
      return;
    }
    this.#dispatch();
  }

  #fail(error: unknown): void {
    if (this.#ended) return;
    this.#end();
    const isUnknown = error instanceof DOMException && error.name === "NotSupportedError";
    const code = isUnknown ? "NOT_SUPPORTED" : "ENCODING_ERROR";
    const message = `The video encoder failed: ${describeError(error)}`;
    this.#events.failed(new TransportError(code, message, { cause: error }));
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#patience);
    this.#waiting?.frame.close();
    this.#waiting = undefined;
    const native = this.#native;
    this.#native = undefined;
    if (native !== undefined && native.state !== "closed") native.close();
    this.#onEnd();
  }
}
