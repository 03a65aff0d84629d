// What the browser's own encoders make goes through the payload formats and into its decoders.
import { describe, expect, it } from "vitest";
import type { VideoCodecName } from "../../src/platform/video-codecs.ts";
import { DEPACKETIZERS, createPacketizer } from "../../src/rtp/video-formats.ts";
import { accepted, joined } from "./coded-frames.ts";

const CODECS: Record<VideoCodecName, string> = { VP9: "vp09.00.10.08", VP8: "vp8", H264: "avc1.42e01f" };
const PICTURES = 12;
/** Odd in macroblocks, so that H.264 has to crop. */
const SIZE = { width: 182, height: 98 };

interface Coded {
  readonly data: Uint8Array;
  readonly isKeyframe: boolean;
}

/** Pictures of moving stripes, the first and the seventh as keyframes. */
async function encoded(config: VideoEncoderConfig): Promise<Coded[]> {
  const frames: Coded[] = [];
  const failures: unknown[] = [];
  const encoder = new VideoEncoder({
    output: (chunk) => {
      const data = new Uint8Array(chunk.byteLength);
      chunk.copyTo(data);
      frames.push({ data, isKeyframe: chunk.type === "key" });
    },
    error: (error) => failures.push(error),
  });
  encoder.configure(config);
  const canvas = new OffscreenCanvas(config.width, config.height);
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("no canvas");
  for (let n = 0; n < PICTURES; n++) {
    for (let x = 0; x < config.width; x += 7) {
      context.fillStyle = `hsl(${(x * 5 + n * 40) % 360} 80% 50%)`;
      context.fillRect(x, 0, 7, config.height);
    }
    const picture = new VideoFrame(canvas, { timestamp: n * 33_333 });
    encoder.encode(picture, { keyFrame: n === 0 || n === 6 });
    picture.close();
  }
  await encoder.flush();
  encoder.close();
  expect(failures).toEqual([]);
  return frames;
}

/** The sizes of the pictures that come out. */
async function decoded(codec: string, frames: readonly Coded[]): Promise<string[]> {
  const sizes: string[] = [];
  const failures: unknown[] = [];
  const decoder = new VideoDecoder({
    output: (picture) => {
      sizes.push(`${picture.displayWidth}x${picture.displayHeight}`);
      picture.close();
    },
    error: (error) => failures.push(error),
  });
  decoder.configure({ codec, optimizeForLatency: true });
  frames.forEach(({ data, isKeyframe }, n) => {
    decoder.decode(new EncodedVideoChunk({ type: isKeyframe ? "key" : "delta", timestamp: n, data }));
  });
  await decoder.flush();
  decoder.close();
  expect(failures).toEqual([]);
  return sizes;
}

describe.each(["VP9", "VP8", "H264"] as const)("%s of the browser", (name) => {
  it("is decoded after it was cut into payloads and put together", { timeout: 60_000 }, async (context) => {
    const codec = CODECS[name];
    const config: VideoEncoderConfig = { codec, ...SIZE, bitrate: 800_000, latencyMode: "realtime" };
    if (name === "H264") config.avc = { format: "annexb" };
    const { supported } = await VideoEncoder.isConfigSupported(config);
    if (supported !== true) context.skip(`this browser does not encode ${codec}`);
    const frames = await encoded(config);
    expect(frames.map(({ isKeyframe }) => isKeyframe)).toEqual(frames.map((_, n) => n === 0 || n === 6));
    for (const maxBytes of [100, 1200]) {
      const packetizer = createPacketizer(name, 0);
      const received = frames.map((frame) => {
        const payloads = packetizer.packetize({ ...frame, ...SIZE }, maxBytes);
        const read = payloads.map((payload) => accepted(DEPACKETIZERS[name](payload, false)));
        const [first] = read;
        expect([first?.width, first?.height]).toEqual(frame.isKeyframe ? [182, 98] : [undefined, undefined]);
        const isKeyframe = read.some((part) => part.isKeyframe);
        return { data: joined(read.flatMap(({ pieces }) => pieces)), isKeyframe };
      });
      expect(received.map(({ isKeyframe }) => isKeyframe)).toEqual(
        frames.map(({ isKeyframe }) => isKeyframe),
      );
      expect(await decoded(codec, received)).toEqual(frames.map(() => "182x98"));
    }
  });
});
