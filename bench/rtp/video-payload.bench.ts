// Frames of video into RTP payloads and back. werift reads payloads and makes none, so those that it reads are made by our
// packetizers, whose time is in both.
import { RtpHeader, RtpPacket, dePacketizeRtpPackets } from "werift";
import type { DepacketizerCodec } from "werift";
import type { VideoCodecName } from "../../src/platform/video-codecs.ts";
import { DEPACKETIZERS, createPacketizer } from "../../src/rtp/video-formats.ts";
import type { CodedFrame } from "../../src/rtp/video-payload.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import type { Bench, BenchCase } from "../bench.ts";

/** Two seconds of 360p at 30 frames/s and 1 Mbit/s. */
const FRAMES = 60;
const KEYFRAME_BYTES = 20_000;
const FRAME_BYTES = 3_800;
const MAX_PAYLOAD_BYTES = 1_150;

const CODECS: readonly {
  codec: VideoCodecName;
  name: DepacketizerCodec;
  head: (key: boolean) => number[];
}[] = [
  {
    codec: "VP9",
    name: "VP9",
    head: (key) => (key ? [0x82, 0x49, 0x83, 0x42, 0, 0x27, 0xf0, 0x16, 0x70] : [0x86]),
  },
  {
    codec: "VP8",
    name: "VP8",
    head: (key) => (key ? [0x10, 0x85, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01] : [0x31]),
  },
  {
    codec: "H264",
    name: "MPEG4/ISO/AVC",
    head: (key) => [...(key ? [0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80] : []), 0, 0, 0, 1, key ? 0x65 : 0x61],
  },
];

function framesOf(head: (key: boolean) => number[]): CodedFrame[] {
  const random = new SeededRandom("frames of 360p");
  return Array.from({ length: FRAMES }, (_, n) => {
    const isKeyframe = n === 0;
    // No zeros, as H.264 has none in a row.
    const data = random.bytes(isKeyframe ? KEYFRAME_BYTES : FRAME_BYTES).map((byte) => byte | 1);
    data.set(head(isKeyframe));
    return { data, isKeyframe, width: 640, height: 360 };
  });
}

function roundTrip({ codec, name, head }: (typeof CODECS)[number]): BenchCase {
  const frames = framesOf(head);
  const packetizer = createPacketizer(codec, 0);
  const depacketize = DEPACKETIZERS[codec];
  const check = (bytes: number, frame: CodedFrame): void => {
    if (bytes !== frame.data.length)
      throw new Error(`${codec}: ${bytes} of ${frame.data.length} bytes came back`);
  };
  return {
    name: `${codec}, a frame of 360p to payloads and back`,
    ours: {
      name: "ours",
      run: () => {
        for (const frame of frames) {
          const pieces: Uint8Array[] = [];
          let bytes = 0;
          for (const payload of packetizer.packetize(frame, MAX_PAYLOAD_BYTES)) {
            const read = depacketize(payload, false);
            if (typeof read === "string") throw new Error(`${codec}: ${read}`);
            for (const piece of read.pieces) {
              pieces.push(piece);
              bytes += piece.length;
            }
          }
          const data = new Uint8Array(bytes);
          let at = 0;
          for (const piece of pieces) {
            data.set(piece, at);
            at += piece.length;
          }
          check(data.length, frame);
        }
        return FRAMES;
      },
    },
    baseline: {
      name: "werift",
      run: () => {
        for (const frame of frames) {
          const packets = packetizer
            .packetize(frame, MAX_PAYLOAD_BYTES)
            .map(({ buffer, byteOffset, length }) => Buffer.from(buffer, byteOffset, length))
            .map((payload) => new RtpPacket(new RtpHeader(), payload));
          check(dePacketizeRtpPackets(name, packets).data.length, frame);
        }
        return FRAMES;
      },
    },
    goal: 5,
  };
}

const bench: Bench = {
  runtimes: ["node"],
  cases: () => CODECS.map(roundTrip),
};

export default bench;
