// Stand-ins for the codecs of WebCodecs: what they are given is noted, and the test says what comes of it.
import { ticksToUs, usToTicks } from "../../../src/platform/browser/video-picture.ts";

/** Ticks from one picture to the next; tests count in pictures. */
const STEP = 3000;

interface Callbacks<Output> {
  output(output: Output): void;
  error(error: DOMException): void;
}

class FakeCodec<Output> extends EventTarget {
  state = "unconfigured";
  /** Numbers of pictures, ` key` behind those that are keyframes or were to be. */
  readonly given: string[] = [];
  readonly configs: string[] = [];
  protected readonly callbacks: Callbacks<Output>;

  constructor(callbacks: Callbacks<Output>) {
    super();
    this.callbacks = callbacks;
  }

  static isConfigSupported(): Promise<{ supported: boolean }> {
    return Promise.resolve({ supported: true });
  }

  configure({ codec }: { codec: string }): void {
    this.state = "configured";
    this.configs.push(codec);
  }

  close(): void {
    this.state = "closed";
  }

  /** An error closes it. */
  break(name: string): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.callbacks.error(new DOMException("broken", name));
  }

  protected note(timestamp: number, isKeyframe: boolean): void {
    this.given.push(`${usToTicks(timestamp) / STEP}${isKeyframe ? " key" : ""}`);
  }
}

/** In place of `VideoEncoder`. */
export class FakeEncoder extends FakeCodec<EncodedVideoChunk> {
  static made: FakeEncoder[] = [];
  encodeQueueSize = 0;

  constructor(callbacks: Callbacks<EncodedVideoChunk>) {
    super(callbacks);
    FakeEncoder.made.push(this);
  }

  static get last(): FakeEncoder {
    return FakeEncoder.made.at(-1) as FakeEncoder;
  }

  /** Forget those made so far. */
  static reset(): typeof FakeEncoder {
    FakeEncoder.made = [];
    return FakeEncoder;
  }

  encode(frame: VideoFrame, { keyFrame }: { keyFrame: boolean }): void {
    this.note(frame.timestamp, keyFrame);
  }

  /** Picture `index` comes out. */
  give(index: number, isKeyframe: boolean): void {
    const timestamp = ticksToUs(index * STEP);
    const type = isKeyframe ? "key" : "delta";
    this.callbacks.output(new EncodedVideoChunk({ type, timestamp, data: new Uint8Array(8) }));
  }
}

/** In place of `VideoDecoder`. */
export class FakeDecoder extends FakeCodec<VideoFrame> {
  static made: FakeDecoder[] = [];

  constructor(callbacks: Callbacks<VideoFrame>) {
    super(callbacks);
    FakeDecoder.made.push(this);
  }

  static get last(): FakeDecoder {
    return FakeDecoder.made.at(-1) as FakeDecoder;
  }

  /** Forget those made so far. */
  static reset(): typeof FakeDecoder {
    FakeDecoder.made = [];
    return FakeDecoder;
  }

  decode({ timestamp, type }: EncodedVideoChunk): void {
    this.note(timestamp, type === "key");
  }

  /** Picture `index` comes out, 2 x 2 and green. */
  give(index: number): void {
    const init = {
      format: "I420",
      codedWidth: 2,
      codedHeight: 2,
      timestamp: ticksToUs(index * STEP),
    } as const;
    this.callbacks.output(new VideoFrame(new Uint8Array(6), init));
  }
}
