// Pictures that the program has encoded itself: handed to every link of their codec. Pure.
import type { VideoCodecName } from "../../platform/video-codecs.ts";
import type { VideoData } from "../../runtime/data.ts";
import { FrameFanOut } from "./frame-fan-out.ts";
import type { VideoSink } from "./video-sink.ts";

/** See the header. */
export class CodedPassing {
  readonly #fanOut: FrameFanOut;
  #frameNumber: number | undefined;

  /** @param firstPictureId 15 random bits */
  constructor(codec: VideoCodecName, firstPictureId: number) {
    this.#fanOut = new FrameFanOut(codec, firstPictureId);
  }

  /**
   * Hand on a picture to those who can use it; nothing of it is kept.
   * @param video of format `encoded`, checked
   * @param sinks of level `packet` and of its codec
   */
  send(video: VideoData, position: number, captureUs: number, sinks: readonly VideoSink[]): void {
    const { data, width, height, isKeyframe = false, frameNumber } = video;
    const expected = this.#frameNumber === undefined ? undefined : this.#frameNumber + 1;
    if (expected !== undefined && frameNumber !== undefined && frameNumber !== expected) {
      this.#fanOut.interrupt();
    }
    this.#frameNumber = frameNumber ?? expected;
    this.#fanOut.join(sinks, position);
    this.#fanOut.send({ data, position, captureUs, isKeyframe, width, height }, sinks);
  }

  /** Forget a peer. */
  release(peerId: string): void {
    this.#fanOut.release(peerId);
  }
}
