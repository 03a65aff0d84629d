// Microseconds per picture of WebCodecs, by codec and size: decoding against encoding. Every picture is waited for, so
// what the browser does in other threads counts in full, and nothing overlaps.
import { openBrowserVideoCodecs } from "../../src/platform/browser/video-codecs.ts";
import type {
  EncodedPicture,
  I420Picture,
  VideoCodecName,
  VideoCodecs,
} from "../../src/platform/video-codecs.ts";
import { noisyPicture } from "../../test/contract/video-pictures.ts";
import type { Bench, BenchCase, Contender } from "../bench.ts";

const STEP = 3000;
const PICTURES = 30;
const NAMES: readonly VideoCodecName[] = ["VP9", "H264", "VP8"];
/** Width, height and kbit/s. */
const SIZES = [
  [320, 240, 300],
  [640, 360, 600],
  [1280, 720, 1500],
] as const;
/** No output for so long: the encoder has left the picture out. */
const PATIENCE_MS = 2000;

async function cases(): Promise<BenchCase[]> {
  const codecs = await openBrowserVideoCodecs({ loadConversion: () => import("../../src/wasm/pixels.ts") });
  const made: BenchCase[] = [];
  for (const [width, height, bitrateKbps] of SIZES) {
    const pictures = Array.from({ length: PICTURES }, (_, i) => noisyPicture(width, height, i));
    for (const codec of NAMES) {
      if (!codecs.encodes.has(codec) || !codecs.decodes.has(codec)) continue;
      const encode = await encoding(codecs, codec, pictures, bitrateKbps);
      // A clip to decode.
      await encode.run();
      const decode = await decoding(codecs, codec, encode.clip);
      made.push({
        name: `${codec} at ${width}x${height}, ${bitrateKbps} kbit/s: decode`,
        ours: decode,
        baseline: encode,
      });
    }
  }
  return made;
}

async function encoding(
  codecs: VideoCodecs,
  codec: VideoCodecName,
  pictures: readonly I420Picture[],
  bitrateKbps: number,
): Promise<Contender & { readonly clip: EncodedPicture[] }> {
  const [{ width, height }] = pictures as [I420Picture];
  let arrived = (_result: EncodedPicture | Error): void => undefined;
  const encoder = await codecs.createEncoder(
    { codec, width, height, bitrateKbps, framerateFps: 30 },
    { encoded: (picture) => arrived(picture), failed: (error) => arrived(error) },
  );
  const clip: EncodedPicture[] = [];
  let position = 0;
  const run = async (): Promise<number> => {
    const isFirst = clip.length === 0;
    for (const [index, picture] of pictures.entries()) {
      const coded = await new Promise<EncodedPicture>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${codec} left a picture out`)), PATIENCE_MS);
        arrived = (each) => {
          clearTimeout(timer);
          if (each instanceof Error) reject(each);
          else resolve(each);
        };
        encoder.encode(picture, (position += STEP), index === 0);
      });
      if (isFirst) clip.push(coded);
    }
    return pictures.length;
  };
  return { name: "encode", run, clip };
}

async function decoding(
  codecs: VideoCodecs,
  codec: VideoCodecName,
  clip: readonly EncodedPicture[],
): Promise<Contender> {
  let arrived = (_error?: Error): void => undefined;
  const decoder = await codecs.createDecoder(codec, {
    picture: () => arrived(),
    undecodable: (_, error) => arrived(error),
    failed: (error) => arrived(error),
  });
  const run = async (): Promise<number> => {
    for (const picture of clip) {
      await new Promise<void>((resolve, reject) => {
        arrived = (error) => (error === undefined ? resolve() : reject(error));
        decoder.decode(picture);
      });
    }
    return clip.length;
  };
  return { name: "decode", run };
}

export default { runtimes: ["chromium"], cases } satisfies Bench;
