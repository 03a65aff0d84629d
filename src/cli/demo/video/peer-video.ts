// The pictures of one peer: what it shows goes to all who take pictures, at its times, and what others show is handed on.
// Decides nothing about measuring.
import type { PictureFrame, WebRtcTransport } from "../../../node.ts";
import { describeError } from "../../../errors/errors.ts";
import type { I420Picture } from "../../../platform/video-codecs.ts";
import type { SkewedClock } from "../../../testing/skewed-clock.ts";
import { packed } from "./picture.ts";
import { PictureSender } from "./picture-sender.ts";
import type { PictureSource } from "./picture-source.ts";
import { Projector } from "./projector.ts";

/** A picture that a peer has handed to its transport. Times are ms of the run. */
export interface ShownPicture {
  peerId: string;
  /** As in its code. */
  number: number;
  sentMs: number;
  captureMs: number;
  picture: I420Picture;
}

/** A picture that a peer was handed. It belongs to the callee. */
export interface SeenPicture {
  to: string;
  frame: PictureFrame;
  /** Ms of the run. */
  receivedMs: number;
}

/** What a peer tells of pictures. */
export interface PeerVideoEvents {
  shown(shown: ShownPicture): void;
  seen(seen: SeenPicture): void;
  /** Pictures of `from` may come. */
  videoConnected(from: string, to: string): void;
}

/** What a {@link PeerVideo} is made of. */
export interface PeerVideoOptions {
  transport: WebRtcTransport;
  source: PictureSource;
  /** The peer's own, of which `originUs` is zero in Unix microseconds. */
  clock: SkewedClock;
  originUs: number;
  /** True time, ms of the run. */
  nowMs: () => number;
  events: PeerVideoEvents;
  /** Called when a picture could not be made or sent. */
  fail: (fault: string) => void;
}

/** See the header. */
export class PeerVideo {
  readonly #options: PeerVideoOptions;
  readonly #projector: Projector<I420Picture>;
  readonly #sender: PictureSender;

  constructor(options: PeerVideoOptions) {
    this.#options = options;
    const { transport, source, clock, events, fail } = options;
    this.#sender = new PictureSender({
      transport,
      connected: (peerId) => events.videoConnected(peerId, transport.peerId),
      fail,
    });
    this.#projector = new Projector({
      framerateFps: source.framerateFps,
      nowMs: () => clock.now(),
      make: (number) => source.picture(number),
      take: (picture, captureMs, number) => this.#show(picture, captureMs, number),
      fail: (error) => fail(describeError(error)),
    });
  }

  /** Show pictures, and look at those of others until the transport is shut down. */
  async start(): Promise<void> {
    const { transport, events, nowMs } = this.#options;
    const frames = transport.frames({ kind: "video" });
    this.#projector.start();
    for await (const frame of frames) events.seen({ to: transport.peerId, frame, receivedMs: nowMs() });
  }

  /** Show no more. */
  stop(): void {
    this.#projector.stop();
  }

  /** @param captureMs on the peer's own clock */
  #show(picture: I420Picture, captureMs: number, number: number): void {
    if (!this.#sender.ready) return;
    const { transport, clock, originUs, nowMs, events } = this.#options;
    const sentMs = nowMs();
    events.shown({ peerId: transport.peerId, number, sentMs, captureMs: clock.trueAt(captureMs), picture });
    const { width, height } = picture;
    const timestampUs = originUs + Math.round(captureMs * 1000);
    this.#sender.send({ type: "video", data: packed(picture), width, height, format: "I420", timestampUs });
  }
}
