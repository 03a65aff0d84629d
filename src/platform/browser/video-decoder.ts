// A decoder over WebCodecs: whole pictures in, I420 out, in order. An error closes the browser's decoder; a new one
// takes its place and goes on at the next keyframe.
import { describeError, toTransportError, TransportError } from "../../errors/errors.ts";
import type {
  EncodedPicture,
  I420Picture,
  VideoCodecName,
  VideoDecoder,
  VideoDecoderCounters,
  VideoDecoderEvents,
} from "../video-codecs.ts";
import { decoderString } from "./codec-strings.ts";
import { readFrame, ticksToUs, usToTicks } from "./video-picture.ts";
import type { PixelConversion } from "./video-picture.ts";

type NativeDecoder = globalThis.VideoDecoder;

/** Pictures that may be in the browser's decoder: 4 s at 30 a second. One that holds more has come to a stop. */
const MAX_WAITING = 120;
/** Decoders that may break in a row without a picture from any. */
const MAX_FUTILE = 10;

/**
 * Decoders that have something to say yet. Chromium takes one for garbage whose pictures are under way when nothing but
 * its own callbacks refers to it, and whoever waits for them would wait for ever.
 */
const busy = new Set<VideoDecoder>();

/** A picture that the browser's decoder has and of which nothing has come out. */
interface Task {
  readonly chunk: EncodedVideoChunk;
  readonly position: number;
  readonly config: VideoDecoderConfig;
  sinceMs: number;
}

/** How the browser is told what to decode. H.264 without a description is Annex B. */
export function decoderConfig(codec: VideoCodecName, width: number, height: number): VideoDecoderConfig {
  return { codec: decoderString(codec, width, height), optimizeForLatency: true };
}

/** See the head of this file. */
export class BrowserVideoDecoder implements VideoDecoder {
  readonly counters: VideoDecoderCounters;
  readonly #counts = { decoded: 0, decodeMs: 0 };
  readonly #codec: VideoCodecName;
  readonly #events: VideoDecoderEvents;
  readonly #loadConversion: () => Promise<PixelConversion>;
  readonly #onEnd: () => void;
  #native: NativeDecoder | undefined;
  /** What the browser's decoder is made for. */
  #configured = "";
  #tasks: Task[] = [];
  #pending = 0;
  #waitsForKeyframe = true;
  /** Reports, one after the other: pixels take their time to be read, and errors must not overtake them. */
  #reports: Promise<void> = Promise.resolve();
  #lastOutputMs = 0;
  #futile = 0;
  #ended = false;

  /** @param onEnd called once, when it has been closed or has failed */
  constructor(
    codec: VideoCodecName,
    events: VideoDecoderEvents,
    loadConversion: () => Promise<PixelConversion>,
    onEnd: () => void,
  ) {
    this.counters = this.#counts;
    this.#codec = codec;
    this.#events = events;
    this.#loadConversion = loadConversion;
    this.#onEnd = onEnd;
  }

  get pending(): number {
    return this.#pending;
  }

  decode({ data, isKeyframe, width, height, position }: EncodedPicture): void {
    if (this.#ended) return;
    this.#pending++;
    busy.add(this);
    // An empty chunk could pass for the end of the stream.
    if (data.length === 0) return this.#giveUp(position, "it is empty");
    if (this.#tasks.length >= MAX_WAITING) return this.#giveUp(position, "the decoder has come to a stop");
    const type = isKeyframe ? "key" : "delta";
    const chunk = new EncodedVideoChunk({ type, timestamp: ticksToUs(position), data });
    this.#feed({ chunk, position, config: decoderConfig(this.#codec, width, height), sinceMs: 0 });
  }

  close(): void {
    this.#end();
  }

  #feed(task: Task): void {
    const isKeyframe = task.chunk.type === "key";
    if (!isKeyframe && this.#waitsForKeyframe) return this.#lose(task.position, "it is no keyframe");
    try {
      const native = this.#openNative();
      // A larger picture may need a higher level. Only keyframes may follow a configuration.
      if (isKeyframe && task.config.codec > this.#configured) {
        native.configure(task.config);
        this.#configured = task.config.codec;
      }
      native.decode(task.chunk);
      task.sinceMs = performance.now();
      this.#tasks.push(task);
      this.#waitsForKeyframe = false;
    } catch (error) {
      // Refused before it was looked at: what the decoder has at work is not touched.
      this.#waitsForKeyframe = true;
      this.#lose(task.position, describeError(error));
    }
  }

  /** @throws Error what the browser throws */
  #openNative(): NativeDecoder {
    if (this.#native !== undefined) return this.#native;
    const native = new globalThis.VideoDecoder({
      output: (frame) => {
        if (native === this.#native) this.#take(frame);
        else frame.close();
      },
      error: (error) => {
        if (native === this.#native) this.#breakDown(error);
      },
    });
    this.#native = native;
    this.#configured = "";
    return native;
  }

  #take(frame: VideoFrame): void {
    const position = usToTicks(frame.timestamp);
    const index = this.#tasks.findIndex((task) => task.position === position);
    if (index < 0) {
      frame.close(); // shown a second time: nobody asked for it
      return;
    }
    // Those before it were made to be referred to, not to be seen.
    const [task] = this.#tasks.splice(0, index + 1).slice(-1) as [Task];
    this.#pending -= index;
    const nowMs = performance.now();
    const workMs = nowMs - Math.max(task.sinceMs, this.#lastOutputMs);
    this.#lastOutputMs = nowMs;
    this.#futile = 0;
    const reading = readFrame(frame, this.#loadConversion).then(
      (picture) => ({ picture }),
      (error: unknown) => ({ error }),
    );
    this.#report(async () => {
      const result = await reading;
      frame.close();
      this.#deliver(result, position, workMs);
    });
  }

  #deliver(result: { picture: I420Picture } | { error: unknown }, position: number, workMs: number): void {
    if (this.#ended) return;
    if ("error" in result) {
      const { error } = result;
      if (error instanceof TransportError && error.code === "NOT_SUPPORTED") return this.#fail(error);
      this.#pending--;
      this.#waitsForKeyframe = true;
      this.#events.undecodable(position, toTransportError(error, "DECODING_ERROR", "Its pixels are gone"));
      return;
    }
    const { width, height, planes } = result.picture;
    this.#pending--;
    this.#counts.decoded++;
    this.#counts.decodeMs += workMs;
    this.#events.picture({ width, height, planes, position });
  }

  /** The picture and all that wait with it are lost. */
  #giveUp(position: number, reason: string): void {
    const lost = this.#tasks;
    this.#tasks = [];
    this.#letGo();
    for (const task of lost) this.#lose(task.position, reason);
    this.#lose(position, reason);
  }

  /**
   * The browser's decoder is closed. The picture whose turn it was is to blame; a keyframe behind it, and what follows
   * that, is decoded by a new one.
   */
  #breakDown(error: DOMException): void {
    const tasks = this.#tasks;
    this.#tasks = [];
    this.#letGo();
    if (++this.#futile >= MAX_FUTILE) {
      const message = `The video decoder failed: ${describeError(error)}`;
      return this.#fail(new TransportError("DECODING_ERROR", message, { cause: error }));
    }
    const found = tasks.findIndex(({ chunk }, index) => index > 0 && chunk.type === "key");
    const next = found < 0 ? tasks.length : found;
    for (const task of tasks.slice(0, next)) this.#lose(task.position, describeError(error));
    for (const task of tasks.slice(next)) this.#feed(task);
  }

  #letGo(): void {
    const native = this.#native;
    this.#native = undefined;
    this.#waitsForKeyframe = true;
    if (native !== undefined && native.state !== "closed") native.close();
  }

  #lose(position: number, reason: string): void {
    this.#report(() => {
      if (this.#ended) return;
      this.#pending--;
      const message = `A picture could not be decoded: ${reason}`;
      this.#events.undecodable(position, new TransportError("DECODING_ERROR", message));
    });
  }

  #report(work: () => void | Promise<void>): void {
    this.#reports = this.#reports.then(work).then(() => {
      if (this.#pending === 0) busy.delete(this);
    });
  }

  #fail(error: TransportError): void {
    if (this.#ended) return;
    this.#end();
    this.#events.failed(error);
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#tasks = [];
    this.#pending = 0;
    busy.delete(this);
    this.#letGo();
    this.#onEnd();
  }
}
