// Two ends of one link's video in virtual time, with a wire between them that tests may tamper with.
import { CodedPassing } from "../../../src/media/video/coded-passing.ts";
import { VideoMedia } from "../../../src/media/video/video-media.ts";
import type { VideoMediaOptions } from "../../../src/media/video/video-media.ts";
import type { SinkDemand } from "../../../src/media/video/video-sink.ts";
import type { CodedVideoFrame } from "../../../src/media/engine/engine.ts";
import type { VideoAgreement } from "../../../src/platform/video-link.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
import { writePicture } from "../../../src/testing/simulated-video-format.ts";
import { VirtualClock } from "../../../src/testing/virtual-clock.ts";

export const AGREEMENT: VideoAgreement = {
  codec: "VP9",
  payloadType: 98,
  rtxPayloadType: 99,
  captureTimeId: 3,
  transportCcId: 5,
  dependencyId: 0,
  nack: true,
  pli: true,
  fir: true,
  remb: true,
  transportCc: true,
};

const DELAY_MS = 20;

/** One end, and what it has told. */
export interface End {
  readonly media: VideoMedia;
  readonly frames: CodedVideoFrame[];
  readonly demands: SinkDemand[];
  readonly sentMarks: { rtpTimestamp: number; captureUs: number }[];
  readonly reports: number[];
}

/** What becomes of a packet: false loses it. */
export type Gate = (kind: "rtp" | "rtcp", packet: Uint8Array) => boolean;

export class MediaPair {
  readonly clock = new VirtualClock({ startMs: 1_000 });
  readonly a: End;
  readonly b: End;
  /** From `a` to `b`, and back. */
  there: Gate = () => true;
  back: Gate = () => true;
  readonly #passing = new CodedPassing("VP9", 9);
  #position = 0;

  constructor(agreement: Partial<VideoAgreement> = {}) {
    this.a = this.#end(
      "a",
      0x1000,
      agreement,
      (kind, packet) => this.there(kind, packet),
      () => this.b,
    );
    this.b = this.#end(
      "b",
      0x2000,
      agreement,
      (kind, packet) => this.back(kind, packet),
      () => this.a,
    );
  }

  /** Send frames of this size from `a`, 30 a second, the first one a keyframe, and let them arrive. */
  play(count: number, byteLength = 6_000): void {
    for (let i = 0; i < count; i++) {
      const isKeyframe = i === 0;
      const content = {
        width: 64,
        height: 36,
        luma: new Uint8Array(144).fill(i + 1),
        isKeyframe,
        reference: 0,
      };
      const { data } = writePicture("VP9", content, this.#position, byteLength);
      const captureUs = this.clock.wallNow() * 1_000;
      const picture = { type: "video", data, width: 64, height: 36, format: "encoded", isKeyframe } as const;
      this.#passing.send(picture, this.#position, captureUs, [this.a.media]);
      this.#position += 3_000;
      this.clock.advance(1_000 / 30);
    }
    this.clock.advance(500);
  }

  close(): void {
    this.a.media.close();
    this.b.media.close();
    this.clock.advance(1_000);
  }

  #end(name: string, ssrc: number, changes: Partial<VideoAgreement>, gate: Gate, other: () => End): End {
    const { clock } = this;
    const random = new SeededRandom(name);
    const carry = (kind: "rtp" | "rtcp", packet: Uint8Array): boolean => {
      if (!gate(kind, packet)) return true;
      clock.setTimer(clock.now() + DELAY_MS, () => {
        const { media } = other();
        if (kind === "rtp") media.receiveRtp(packet, clock.now());
        else media.receiveRtcp(packet, clock.now());
      });
      return true;
    };
    const agreement = { ...AGREEMENT, ...changes };
    const told = { frames: [], demands: [], sentMarks: [], reports: [] } as Omit<End, "media">;
    const options: VideoMediaOptions = {
      peerId: `not ${name}`,
      clock,
      port: {
        level: "packet",
        agreement,
        sendRtp: (packet) => carry("rtp", packet),
        sendRtcp: (packet) => carry("rtcp", packet),
      },
      agreement,
      ssrc,
      rtxSsrc: ssrc + 1,
      cname: name,
      rtcpIntervalMs: 1_000,
      random: () => random.integer(0, 0xffff_ffff),
      rates: { minKbps: 150, startKbps: 1_500, maxKbps: 3_000 },
      onFrame: (frame) => void told.frames.push(frame),
      onSenderReport: (_, receivedAtMs) => void told.reports.push(receivedAtMs),
      onSent: (mark) => void told.sentMarks.push(mark),
      onDemand: (demand) => void told.demands.push(demand),
      onFault: (error) => {
        throw error;
      },
    };
    return { media: new VideoMedia(options), ...told };
  }
}
