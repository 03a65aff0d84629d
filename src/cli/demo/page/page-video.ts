// The page's part in video: shows a test pattern or the camera to the others, looks at their pictures, reads the codes in
// them, and hands all of it on to be seen and to be measured.
import type { PictureFrame, WebRtcTransport } from "../../../browser.ts";
import { describeError } from "../../../errors/errors.ts";
import type { PageRun, SeenByPage } from "../measure-protocol.ts";
import { i420ToRgba } from "../video/i420-to-rgba.ts";
import { readPictureCode } from "../video/picture-code.ts";
import { PictureSender } from "../video/picture-sender.ts";
import { packed } from "../video/picture.ts";
import { Projector } from "../video/projector.ts";
import { psnr } from "../video/psnr.ts";
import { TestPattern } from "../video/test-pattern.ts";
import { PEER_NAMES, senderOf } from "../video/video-plan.ts";
import type { PictureSize } from "../video/video-plan.ts";
import { openCamera } from "./camera.ts";
import type { Camera } from "./camera.ts";

/** What the demo says of its video. */
export type PageVideoRun = NonNullable<PageRun["video"]>;

/** A picture to be seen. */
export interface Image extends PictureSize {
  /** R, G, B, A; the next image of the same peer overwrites it. */
  rgba: Uint8ClampedArray<ArrayBuffer>;
}

/** What video tells the page. */
export interface PageVideoEvents {
  /** A picture came, or was sent. @param peerId undefined: one's own @param framerateFps 0 while unknown */
  image(peerId: string | undefined, image: Image, framerateFps: number): void;
  /** Pictures of a peer do not come any more. */
  ended(peerId: string): void;
  /** A picture was sent. Times are those of `performance.now()`. */
  shown(number: number, sentMs: number, captureMs: number): void;
  /** A picture of `from` came. `receivedMs` is of `performance.now()`. */
  seen(from: string, picture: SeenByPage): void;
  /** A fault that ends nothing, in words for the user. */
  notice(text: string): void;
}

/** What a {@link PageVideo} is made of. */
export interface PageVideoOptions {
  transport: WebRtcTransport;
  run: PageVideoRun;
  events: PageVideoEvents;
}

/** A picture as it is sent. */
type Sent = { rgba: Uint8ClampedArray<ArrayBuffer>; data: Uint8Array; format: "I420" | "RGBA" };

/** One picture of each peer in this time, ms, is compared with what was sent. */
const COMPARE_INTERVAL_MS = 2_000;

/** See the header. */
export class PageVideo {
  readonly #options: PageVideoOptions;
  readonly #sender: PictureSender;
  readonly #projector: Projector<Sent>;
  readonly #sent: TestPattern;
  readonly #own: Image;
  readonly #code: number;
  /** Of the others, by peer: what their pictures are compared with, and are turned into. */
  readonly #patterns = new Map<string, TestPattern>();
  readonly #images = new Map<string, Image>();
  readonly #comparedMs = new Map<string, number>();
  #camera: Camera | undefined;
  #fault: string | undefined;
  #stopped = false;

  constructor(options: PageVideoOptions) {
    this.#options = options;
    const { transport, run, events } = options;
    const { width, height, framerateFps } = run;
    this.#code = senderOf(transport.peerId);
    this.#sent = this.#patternOf(transport.peerId);
    this.#own = { width, height, rgba: new Uint8ClampedArray(4 * width * height) };
    const fail = (fault: string): void => this.#noticeOnce(`Cannot send pictures: ${fault}.`);
    this.#sender = new PictureSender({ transport, connected: () => undefined, fail });
    transport.on("videoDisconnected", ({ peerId }) => {
      this.#images.delete(peerId);
      events.ended(peerId);
    });
    this.#projector = new Projector({
      framerateFps,
      nowMs: () => performance.now(),
      make: (number) => this.#make(number),
      take: (sent, captureMs, number) => this.#show(sent, captureMs, number),
      fail: (error) => fail(describeError(error)),
    });
  }

  /** Whether the camera is shown. */
  get filming(): boolean {
    return this.#camera !== undefined;
  }

  /** Show pictures, and look at those of others until the transport is shut down. */
  async start(): Promise<void> {
    this.#projector.start();
    try {
      for await (const frame of this.#options.transport.frames({ kind: "video" })) this.#see(frame);
    } catch (error) {
      this.#noticeOnce(`Cannot show what is received: ${describeError(error)}.`);
    }
  }

  /** Show the camera, or the test pattern again. @throws Error in words for the user */
  async film(wanted: boolean): Promise<void> {
    const { width, height } = this.#options.run;
    const camera = wanted && this.#camera === undefined ? await openCamera({ width, height }) : undefined;
    this.#camera?.close();
    this.#camera = camera;
    // The page may have left meanwhile.
    if (this.#stopped) this.stop();
  }

  /** Show no more; idempotent. */
  stop(): void {
    this.#stopped = true;
    this.#projector.stop();
    this.#camera?.close();
    this.#camera = undefined;
  }

  #make(number: number): Sent {
    const camera = this.#camera;
    if (camera !== undefined) {
      const rgba = camera.grab({ frameNumber: number, sender: this.#code });
      return { rgba, data: new Uint8Array(rgba.buffer), format: "RGBA" };
    }
    const picture = this.#sent.draw(number);
    i420ToRgba(picture, this.#own.rgba);
    return { rgba: this.#own.rgba, data: packed(picture), format: "I420" };
  }

  #show({ rgba, data, format }: Sent, captureMs: number, number: number): void {
    const { run, events } = this.#options;
    const { width, height, framerateFps } = run;
    events.image(undefined, { width, height, rgba }, framerateFps);
    if (!this.#sender.ready) return;
    events.shown(number, performance.now(), captureMs);
    const timestampUs = Math.round((performance.timeOrigin + captureMs) * 1000);
    this.#sender.send({ type: "video", data, width, height, format, timestampUs });
  }

  #see(frame: PictureFrame): void {
    const { peerId, width, height, planes, isKeyframe, framerateEstimate, audioSyncOffsetMs } = frame;
    const { events } = this.#options;
    const receivedMs = performance.now();
    const code = readPictureCode(planes[0], width, height) ?? null;
    const number = code?.sender === senderOf(peerId) ? code.frameNumber : undefined;
    const psnrDb = number === undefined ? null : this.#compare(frame, number, receivedMs);
    events.seen(peerId, { code, receivedMs, isKeyframe, psnrDb, avOffsetMs: audioSyncOffsetMs });
    const image = this.#imageOf(peerId, frame);
    i420ToRgba(frame, image.rgba);
    events.image(peerId, image, framerateEstimate);
  }

  /** With the test pattern of a peer of the demo; null when it is not its time, and of whoever may show a camera or a file. */
  #compare(frame: PictureFrame, number: number, nowMs: number): number | null {
    const { peerId } = frame;
    const isKnown = this.#options.run.patterns && (PEER_NAMES as readonly string[]).includes(peerId);
    if (!isKnown || nowMs - (this.#comparedMs.get(peerId) ?? -Infinity) < COMPARE_INTERVAL_MS) return null;
    this.#comparedMs.set(peerId, nowMs);
    return psnr(frame, this.#patternOf(peerId).draw(number))?.yuv ?? null;
  }

  #patternOf(peerId: string): TestPattern {
    const known = this.#patterns.get(peerId);
    if (known !== undefined) return known;
    const { width, height, framerateFps } = this.#options.run;
    const size = { width, height, framerateFps };
    const made = new TestPattern({ sender: senderOf(peerId), name: peerId, ...size });
    this.#patterns.set(peerId, made);
    return made;
  }

  #imageOf(peerId: string, { width, height }: PictureSize): Image {
    const known = this.#images.get(peerId);
    if (known?.width === width && known.height === height) return known;
    const made = { width, height, rgba: new Uint8ClampedArray(4 * width * height) };
    this.#images.set(peerId, made);
    return made;
  }

  #noticeOnce(text: string): void {
    if (text === this.#fault || this.#stopped) return;
    this.#fault = text;
    this.#options.events.notice(text);
  }
}
