// Pictures, sinks and coded frames for tests of outgoing and incoming video.
import type { CutFrame, VideoSink } from "../../../src/media/video/video-sink.ts";
import type { I420Picture, VideoCodecName } from "../../../src/platform/video-codecs.ts";
import { DEPACKETIZERS } from "../../../src/rtp/video-formats.ts";
import type { Rotation, VideoData } from "../../../src/runtime/data.ts";
import type { SyncedVideoFrame } from "../../../src/sync/sync-types.ts";
import { accepted, joined } from "../../rtp/coded-frames.ts";

/** A gray picture as a program hands it in. */
export function gray(level: number, timestampUs?: number, width = 320, height = 180): VideoData {
  const chroma = ((width + 1) >> 1) * ((height + 1) >> 1);
  const data = new Uint8Array(width * height + 2 * chroma).fill(128);
  data.fill(level, 0, width * height);
  return {
    type: "video",
    data,
    width,
    height,
    format: "I420",
    ...(timestampUs !== undefined && { timestampUs }),
  };
}

/** What a link was given. */
export class FakeSink implements VideoSink {
  readonly peerId: string;
  readonly codec: VideoCodecName;
  readonly level: "packet" | "track";
  targetKbps = 100_000;
  readonly frames: CutFrame[] = [];
  readonly written: {
    width: number;
    height: number;
    luma: number;
    timestampUs: number;
    rotation: Rotation;
  }[] = [];
  readonly bitrates: number[] = [];

  constructor(peerId: string, codec: VideoCodecName = "VP9", level: "packet" | "track" = "packet") {
    this.peerId = peerId;
    this.codec = codec;
    this.level = level;
  }

  /** The frames as K and d, the keyframes large. */
  get kinds(): string {
    return this.frames.map(({ isKeyframe }) => (isKeyframe ? "K" : "d")).join("");
  }

  get positions(): number[] {
    return this.frames.map(({ position }) => position);
  }

  transmit(frame: CutFrame): void {
    this.frames.push(frame);
  }

  write({ width, height, planes }: I420Picture, timestampUs: number, rotation: Rotation): void {
    this.written.push({ width, height, luma: planes[0][0] ?? 0, timestampUs, rotation });
  }

  setBitrate(bitrateKbps: number): void {
    this.bitrates.push(bitrateKbps);
  }
}

/** The coded frame that was cut. */
export function dataOf(codec: VideoCodecName, { payloads }: CutFrame): Uint8Array {
  const read = payloads.map((payload, i) =>
    accepted(DEPACKETIZERS[codec](payload, i === payloads.length - 1)),
  );
  return joined(read.flatMap(({ pieces }) => pieces));
}

/** A coded frame as the engine hands it over in its turn. */
export function inTurn(
  data: Uint8Array,
  { isKeyframe, width, height }: Pick<CutFrame, "isKeyframe" | "width" | "height">,
  rtpTimestamp: number,
): SyncedVideoFrame {
  return {
    width,
    height,
    format: "encoded",
    planes: [data],
    isKeyframe,
    wallClockTimestampUs: rtpTimestamp * 10,
    wallClockErrorUs: 700,
    timelineEpoch: 3,
    rtpTimestamp: rtpTimestamp >>> 0,
    framerateEstimate: 30,
    bufferDelayMs: 40,
    audioSyncOffsetMs: -5,
    syncConfidence: 0.8,
  };
}
