// From one stream of coded frames to the links that carry it: each frame is cut once, and nobody gets one whose references
// it lacks. Pure.
import type { VideoCodecName } from "../../platform/video-codecs.ts";
import { createPacketizer } from "../../rtp/video-formats.ts";
import type { CodedFrame, VideoPacketizer } from "../../rtp/video-payload.ts";
import type { VideoSink } from "./video-sink.ts";

/**
 * Longest payload, bytes: packets of 1200 bytes pass everywhere. 12 are the header's, 28 those of the extensions, and 2
 * are for a retransmission, which holds the payload behind its number (RFC 4588 section 4).
 */
export const MAX_PAYLOAD_BYTES = 1200 - 12 - 28 - 2;

/** A coded frame of the stream. */
export interface StreamFrame extends CodedFrame {
  /** Ticks of the 90 kHz clock, counted on without wrap; rising. */
  readonly position: number;
  /** Capture, Unix us. */
  readonly captureUs: number;
}

interface Member {
  /** Position of the first picture that is for it. */
  readonly since: number;
  /** The next frame for it is a keyframe. */
  waits: boolean;
}

/** The links of one stream. */
export class FrameFanOut {
  readonly #members = new Map<VideoSink, Member>();
  readonly #packetizer: VideoPacketizer;

  /** @param firstPictureId 15 random bits */
  constructor(codec: VideoCodecName, firstPictureId: number) {
    this.#packetizer = createPacketizer(codec, firstPictureId);
  }

  /**
   * A picture is to be coded for these links.
   * @returns whether one of them can begin only at a keyframe from it on
   */
  join(sinks: readonly VideoSink[], position: number): boolean {
    let isNew = false;
    for (const sink of sinks) {
      if (this.#members.has(sink)) continue;
      this.#members.set(sink, { since: position, waits: true });
      isNew = true;
    }
    return isNew;
  }

  /**
   * Hand a frame to those of the links it was coded for that can use it. A link it was not coded for has to join anew.
   * @param frame nothing of it is kept
   */
  send(frame: StreamFrame, sinks: readonly VideoSink[]): void {
    const { position, captureUs, isKeyframe, width, height } = frame;
    const payloads = this.#packetizer.packetize(frame, MAX_PAYLOAD_BYTES);
    // Some encoders say so that they have left a picture out.
    if (payloads.length === 0) return;
    const cut = { position, captureUs, isKeyframe, width, height, payloads };
    for (const [sink, member] of this.#members) {
      if (!sinks.includes(sink)) {
        if (member.since <= position) this.#members.delete(sink);
        continue;
      }
      // A keyframe from before it joined was for it as it was then: it may have had something newer since.
      if (member.waits && !(isKeyframe && position >= member.since)) continue;
      member.waits = false;
      sink.transmit(cut);
    }
  }

  /** A frame is missing: everybody waits for a keyframe. */
  interrupt(): void {
    for (const member of this.#members.values()) member.waits = true;
  }

  has(peerId: string): boolean {
    for (const sink of this.#members.keys()) if (sink.peerId === peerId) return true;
    return false;
  }

  release(peerId: string): void {
    for (const sink of this.#members.keys()) if (sink.peerId === peerId) this.#members.delete(sink);
  }
}
