// Makes a track of pictures, in whatever way the browser has: a generator (Chromium), or a canvas (elsewhere). The browser
// encodes; nothing is queued here.
import type { TrackGenerator, VideoTrackGeneratorClass } from "./web-types.ts";

/** Pictures that may wait in a generator; a newer one is worth more than one that is late. */
const MAX_WAITING = 2;

/** Where pictures go. */
export interface PictureSink {
  readonly track: MediaStreamTrack;
  /** Takes the frame over, and closes it. @returns false when it was dropped */
  write(frame: VideoFrame): boolean;
  /** Idempotent. */
  close(): void;
}

/** A sink of the kind this browser has; undefined when it has none. @param failed told when a frame was not taken */
export function openPictureSink(
  generatorClass: VideoTrackGeneratorClass | undefined,
  failed: (error: unknown) => void,
): PictureSink | undefined {
  if (generatorClass !== undefined) return new GeneratorSink(new generatorClass({ kind: "video" }), failed);
  return CanvasSink.make();
}

class GeneratorSink implements PictureSink {
  readonly track: MediaStreamTrack;
  readonly #writer: WritableStreamDefaultWriter<VideoFrame>;
  readonly #failed: (error: unknown) => void;
  #closed = false;

  constructor(generator: TrackGenerator<VideoFrame>, failed: (error: unknown) => void) {
    this.track = generator;
    this.#writer = generator.writable.getWriter();
    this.#failed = failed;
  }

  write(frame: VideoFrame): boolean {
    if ((this.#writer.desiredSize ?? 0) <= -MAX_WAITING) {
      frame.close();
      return false;
    }
    this.#writer.write(frame).catch((error: unknown) => {
      frame.close();
      if (!this.#closed) this.#failed(error);
    });
    return true;
  }

  close(): void {
    this.#closed = true;
    this.#writer.abort().catch(() => undefined); // nobody reads any more, so there is nobody to tell
    this.track.stop();
  }
}

/** A stream whose frames are asked for one by one; Firefox has the method on the stream, others on the track. */
interface Requestable {
  requestFrame?(): void;
}

class CanvasSink implements PictureSink {
  readonly track: MediaStreamTrack;
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #stream: MediaStream;

  static make(): CanvasSink | undefined {
    if (typeof document === "undefined" || typeof VideoFrame === "undefined") return undefined;
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d", { alpha: false });
    if (context === null) return undefined;
    const stream = canvas.captureStream(0);
    const [track] = stream.getVideoTracks();
    return track && new CanvasSink(canvas, context, stream, track);
  }

  constructor(
    canvas: HTMLCanvasElement,
    context: CanvasRenderingContext2D,
    stream: MediaStream,
    track: MediaStreamTrack,
  ) {
    this.#canvas = canvas;
    this.#context = context;
    this.#stream = stream;
    this.track = track;
  }

  write(frame: VideoFrame): boolean {
    const { displayWidth, displayHeight } = frame;
    if (this.#canvas.width !== displayWidth) this.#canvas.width = displayWidth;
    if (this.#canvas.height !== displayHeight) this.#canvas.height = displayHeight;
    this.#context.drawImage(frame, 0, 0);
    frame.close();
    const stream = this.#stream as MediaStream & Requestable;
    const track = this.track as MediaStreamTrack & Requestable;
    if (track.requestFrame !== undefined) track.requestFrame();
    else stream.requestFrame?.();
    return true;
  }

  close(): void {
    this.track.stop();
  }
}
