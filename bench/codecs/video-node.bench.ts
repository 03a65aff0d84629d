// Microseconds per picture of video codecs in Node: through a worker, as the library uses them, against the same codec
// called in this thread. The ratio is what the worker costs: for encoding two messages and one more copy of the picture
// (two of ours in all), for decoding two messages and no more copies (one of ours in all). A million by the figure is
// how many pictures one core does in a second.
import { chroma, i420Bytes, i420Planes } from "../../src/platform/node/video/i420.ts";
import { LibavDecoder } from "../../src/platform/node/video/libav-decoder.ts";
import { LibavEncoder } from "../../src/platform/node/video/libav-encoder.ts";
import { loadLibrary } from "../../src/platform/node/video/libav.ts";
import { createNodeVideoCodecs } from "../../src/platform/node/video/node-video-codecs.ts";
import type { EncodedPicture, VideoCodecName } from "../../src/platform/video-codecs.ts";
import type { Bench, BenchCase, Contender } from "../bench.ts";

const SIZES = [
  { width: 320, height: 240, bitrateKbps: 300 },
  { width: 640, height: 360, bitrateKbps: 600 },
  { width: 1280, height: 720, bitrateKbps: 1500 },
] as const;
const CODECS = ["VP9", "VP8"] as const;
const PICTURE_TICKS = 3_000;
/** Pictures that follow one another; then they begin anew. */
const PICTURES = 24;
/** Pictures of one run, so that both ways take turns often. */
const PER_RUN = 4;
/** What a worker may cost, of the time without. Of small pictures more: two messages take the same for any size. */
const GOAL = 0.7;

type Size = (typeof SIZES)[number];
type Work = () => void | Promise<void>;

const codecs = createNodeVideoCodecs();
let loading: ReturnType<typeof loadLibrary> | undefined;

async function cases(): Promise<BenchCase[]> {
  return CODECS.flatMap((codec) =>
    SIZES.flatMap((size) => {
      const name = `${codec} ${size.width}x${size.height}`;
      return [
        {
          name: `encode ${name}`,
          ours: contender("in a worker", () => encodeInWorker(codec, size)),
          baseline: contender("in this thread", () => encodeHere(codec, size)),
          goal: GOAL,
        },
        {
          name: `decode ${name}`,
          ours: contender("in a worker", () => decodeInWorker(codec, size)),
          baseline: contender("in this thread", () => decodeHere(codec, size)),
          goal: GOAL,
        },
      ];
    }),
  );
}

/** Makes what it needs when it runs first: cases that were not asked for cost nothing. */
function contender(name: string, make: () => Promise<Work>): Contender {
  let work: Promise<Work> | undefined;
  const run = async (): Promise<number> => {
    const once = await (work ??= make());
    for (let i = 0; i < PER_RUN; i++) await once();
    return PER_RUN;
  };
  return { name, run };
}

function library(): ReturnType<typeof loadLibrary> {
  loading ??= import("@libav.js/variant-webm-vp9").then(({ base }) =>
    loadLibrary(`${base}/libav-webm-vp9.mjs`),
  );
  return loading;
}

async function encodeHere(codec: VideoCodecName, size: Size): Promise<Work> {
  const encoder = new LibavEncoder(await library(), codec, { ...size, framerateFps: 30 });
  const pictures = clip(size);
  let count = 0;
  return () => {
    const memory = pictures[count % PICTURES] as ArrayBuffer;
    encoder.encode({ ...size, memory, framerateFps: 30, position: count * PICTURE_TICKS, keyframe: false });
    count++;
  };
}

async function encodeInWorker(codec: VideoCodecName, size: Size): Promise<Work> {
  let done = (): void => undefined;
  const encoder = await codecs.createEncoder(
    { codec, ...size, framerateFps: 30 },
    { encoded: () => done(), failed: (error) => fail(error) },
  );
  const { width, height } = size;
  const pictures = clip(size).map((memory) => i420Planes(memory, width, height));
  let count = 0;
  return () => {
    const planes = pictures[count % PICTURES] as (typeof pictures)[number];
    encoder.encode({ width, height, planes }, count * PICTURE_TICKS, false);
    count++;
    return new Promise((resolve) => (done = resolve));
  };
}

async function decodeHere(codec: VideoCodecName, size: Size): Promise<Work> {
  const decoder = new LibavDecoder(await library(), codec);
  const coded = await encodedClip(codec, size);
  let count = 0;
  return () => {
    const { data, isKeyframe } = coded[count++ % PICTURES] as EncodedPicture;
    decoder.decode(data, isKeyframe);
  };
}

async function decodeInWorker(codec: VideoCodecName, size: Size): Promise<Work> {
  let done = (): void => undefined;
  const decoder = await codecs.createDecoder(codec, {
    picture: () => done(),
    undecodable: (_position, error) => fail(error),
    failed: (error) => fail(error),
  });
  const coded = await encodedClip(codec, size);
  let count = 0;
  return () => {
    const picture = coded[count++ % PICTURES] as EncodedPicture;
    decoder.decode({ ...picture, data: picture.data.slice() });
    return new Promise((resolve) => (done = resolve));
  };
}

/** The clip, encoded; it begins with a keyframe and can be decoded over and over. */
async function encodedClip(codec: VideoCodecName, size: Size): Promise<EncodedPicture[]> {
  const encoder = new LibavEncoder(await library(), codec, { ...size, framerateFps: 30 });
  const coded = clip(size).flatMap((memory, i) => {
    const position = i * PICTURE_TICKS;
    const result = encoder.encode({ ...size, memory, framerateFps: 30, position, keyframe: i === 0 });
    return result.type === "encoded" ? [{ ...result, position }] : [];
  });
  encoder.close();
  return coded;
}

/** A disc with stripes that moves over a still texture. */
function clip({ width, height }: Size): ArrayBuffer[] {
  return Array.from({ length: PICTURES }, (_, time) => {
    const memory = new ArrayBuffer(i420Bytes(width, height));
    const [luma, ...chromas] = i420Planes(memory, width, height);
    const discX = width * (0.3 + (0.4 * time) / PICTURES);
    const radius = (height / 4) ** 2;
    for (let i = 0; i < luma.length; i++) {
      const [x, y] = [i % width, Math.floor(i / width)];
      const [dx, dy] = [x - discX, y - height / 2];
      luma[i] = dx * dx + dy * dy < radius ? 90 + ((dx + 2 * dy) & 63) : 80 + (((x * 3) ^ (y * 5)) % 60);
    }
    for (const plane of chromas) {
      for (let i = 0; i < plane.length; i++) plane[i] = 112 + (((i % chroma(width)) + time) % 32);
    }
    return memory;
  });
}

function fail(error: Error): never {
  throw error;
}

export default { runtimes: ["node"], cases } satisfies Bench;
