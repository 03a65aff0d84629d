// An encoder in Node: the half on the main thread. It copies pictures into shared memory, keeps one at work and one
// waiting, and decides at which rate the encoder runs.
import { TransportError } from "../../../errors/errors.ts";
import type {
  I420Picture,
  VideoEncoder,
  VideoEncoderCounters,
  VideoEncoderEvents,
  VideoEncoderSettings,
} from "../../video-codecs.ts";
import { i420Bytes, i420Planes, isI420 } from "./i420.ts";
import { RateSteps } from "./rate-steps.ts";
import type { ResultFacts, VideoResult } from "./video-messages.ts";
import type { VideoThread } from "./video-thread.ts";

/** A picture on its way to the worker. */
interface Job {
  readonly memory: SharedArrayBuffer;
  readonly width: number;
  readonly height: number;
  readonly position: number;
  readonly keyframe: boolean;
}

const TICKS_PER_MS = 90;

/**
 * Ours are two copies per picture: here into one of two pieces of shared memory, in the worker out of it into libav's
 * frame. Node has shared memory always, so there is no second way.
 */
export class NodeVideoEncoder implements VideoEncoder {
  readonly counters: VideoEncoderCounters;
  readonly #counts = { encoded: 0, keyframes: 0, dropped: 0, encodeMs: 0 };
  readonly #thread: VideoThread;
  #id = 0;
  readonly #events: VideoEncoderEvents;
  readonly #onEnd: () => void;
  readonly #rate: RateSteps;
  #settings: VideoEncoderSettings;
  /** Of the picture that went to the worker last; 0 before the first. */
  #width = 0;
  #height = 0;
  #atWork: Job | undefined;
  #waiting: Job | undefined;
  /** Memory that nobody uses just now. */
  #spare: SharedArrayBuffer | undefined;
  /** The picture that carried a demand was left out by the encoder: the next one inherits it. */
  #keyframeOwed = false;
  #ended = false;

  private constructor(
    thread: VideoThread,
    settings: VideoEncoderSettings,
    events: VideoEncoderEvents,
    onEnd: () => void,
  ) {
    this.counters = this.#counts;
    this.#thread = thread;
    this.#settings = settings;
    this.#events = events;
    this.#onEnd = onEnd;
    this.#rate = new RateSteps(settings.bitrateKbps);
  }

  /**
   * @param thread for this encoder alone; whoever made it ends it
   * @param onEnd called once, when the encoder has been closed or has failed
   * @throws Error (as rejection) when libav refuses the settings or the worker ends
   */
  static async open(
    thread: VideoThread,
    settings: VideoEncoderSettings,
    events: VideoEncoderEvents,
    onEnd: () => void,
  ): Promise<NodeVideoEncoder> {
    const encoder = new NodeVideoEncoder(thread, settings, events, onEnd);
    encoder.#id = await thread.open(
      { type: "open-encoder", ...settings },
      {
        result: (report) => encoder.#hear(report),
        failed: (reason) => encoder.#fail(reason),
      },
    );
    return encoder;
  }

  /** @throws TransportError `INVALID_DATA` for a picture of another size, or planes of another length than it says */
  encode(picture: I420Picture, position: number, keyframe: boolean): void {
    if (this.#ended) return;
    const { width, height } = this.#settings;
    if (picture.width !== width || picture.height !== height || !isI420(picture)) {
      throw new TransportError("INVALID_DATA", `A picture of ${width}x${height} in I420 was expected`);
    }
    const replaced = this.#waiting;
    if (replaced !== undefined) this.#counts.dropped++;
    const memory = this.#memoryFor(i420Bytes(width, height), replaced?.memory);
    const planes = i420Planes(memory, width, height);
    for (let i = 0; i < planes.length; i++) planes[i]?.set(picture.planes[i] as Uint8Array);
    const demanded = keyframe || replaced?.keyframe === true;
    this.#waiting = { memory, width, height, position, keyframe: demanded };
    if (this.#atWork === undefined) this.#dispatch();
  }

  configure(changes: Partial<Omit<VideoEncoderSettings, "codec">>): void {
    this.#settings = { ...this.#settings, ...changes };
  }

  close(): void {
    if (this.#ended) return;
    this.#thread.close(this.#id);
    this.#end();
  }

  #memoryFor(bytes: number, replaced: SharedArrayBuffer | undefined): SharedArrayBuffer {
    const memory = replaced ?? this.#spare;
    if (replaced === undefined) this.#spare = undefined;
    return memory?.byteLength === bytes ? memory : new SharedArrayBuffer(bytes);
  }

  #dispatch(): void {
    const job = this.#waiting;
    if (job === undefined) return;
    const { bitrateKbps: wantedKbps, framerateFps } = this.#settings;
    const { memory, width, height, position } = job;
    const keyframe = job.keyframe || this.#keyframeOwed;
    this.#keyframeOwed = false;
    // A picture that is a keyframe anyhow makes another rate free. The time that counts is that of the pictures.
    const bitrateKbps =
      keyframe || width !== this.#width || height !== this.#height
        ? this.#rate.restart(wantedKbps)
        : this.#rate.follow(wantedKbps, position / TICKS_PER_MS);
    this.#width = width;
    this.#height = height;
    this.#waiting = undefined;
    this.#atWork = { memory, width, height, position, keyframe };
    this.#thread.request({
      type: "encode",
      id: this.#id,
      memory,
      width,
      height,
      bitrateKbps,
      framerateFps,
      position,
      keyframe,
    });
  }

  #hear(report: VideoResult & ResultFacts): void {
    const job = this.#atWork;
    this.#atWork = undefined;
    this.#spare = job?.memory;
    if (report.type === "encoded") {
      const { data, isKeyframe, width, height, position, workMs } = report;
      this.#counts.encoded++;
      if (isKeyframe) this.#counts.keyframes++;
      this.#counts.encodeMs += workMs;
      // Before the news, so that the worker is busy meanwhile.
      this.#dispatch();
      this.#events.encoded({ data, isKeyframe, width, height, position });
      return;
    }
    if (job?.keyframe === true) this.#keyframeOwed = true;
    this.#dispatch();
  }

  #fail(reason: string): void {
    if (this.#ended) return;
    this.#end();
    this.#events.failed(new TransportError("ENCODING_ERROR", `The video encoder failed: ${reason}`));
  }

  #end(): void {
    this.#ended = true;
    this.#waiting = undefined;
    this.#spare = undefined;
    this.#onEnd();
  }
}
