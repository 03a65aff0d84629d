// Microseconds per picture: pixel formats and scaling with SIMD against plain loops in JavaScript. What is copied in and
// out of WebAssembly counts.
import type { I420Picture } from "../../src/platform/video-codecs.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { i420ToRgba, toI420 } from "../../src/wasm/pixels.ts";
import { scalePicture } from "../../src/wasm/plane-scale.ts";
import {
  plainI420ToRgba,
  plainNv12ToI420,
  plainPackedToI420,
  plainScale,
} from "../../test/wasm/plain-pixels.ts";
import type { Bench, BenchCase } from "../bench.ts";

const WIDTH = 1280;
const HEIGHT = 720;
const BASELINE = "plain loops";

const packed = new SeededRandom(1).bytes(4 * WIDTH * HEIGHT);
const pairs = packed.subarray(0, (3 * WIDTH * HEIGHT) / 2);

function cases(): BenchCase[] {
  const picture = toI420(packed, "BGRX", WIDTH, HEIGHT);
  const small = scalePicture(picture, 640, 360);
  const rgba = new Uint8ClampedArray(4 * WIDTH * HEIGHT);
  return [
    pixels(
      "BGRX to I420",
      () => toI420(packed, "BGRX", WIDTH, HEIGHT).planes[1],
      () => plainPackedToI420(packed, WIDTH, HEIGHT, 2, 0).planes[1],
      3,
    ),
    pixels(
      "NV12 to I420",
      () => toI420(pairs, "NV12", WIDTH, HEIGHT).planes[1],
      () => plainNv12ToI420(pairs, WIDTH, HEIGHT).planes[1],
      1,
    ),
    pixels(
      "I420 to RGBA",
      () => i420ToRgba(picture, rgba),
      () => plainI420ToRgba(picture, rgba),
      3,
    ),
    scaling("half the size", picture, 640, 360, 4),
    scaling("two thirds of the size", picture, 854, 480, 4),
    scaling("twice the size", small, WIDTH, HEIGHT, 4),
  ];
}

function pixels(
  name: string,
  ours: () => ArrayLike<number>,
  plain: () => ArrayLike<number>,
  goal: number,
): BenchCase {
  return {
    name: `${name}, ${WIDTH}x${HEIGHT}`,
    ours: { name: "SIMD", run: () => once(ours) },
    baseline: { name: BASELINE, run: () => once(plain) },
    goal,
  };
}

function scaling(name: string, picture: I420Picture, width: number, height: number, goal: number): BenchCase {
  const sides = [picture, ...[0, 1].map(() => ({ width: picture.width / 2, height: picture.height / 2 }))];
  const plain = (): ArrayLike<number> => {
    const planes = picture.planes.map((plane, i) => {
      const to = i === 0 ? { width, height } : { width: width / 2, height: height / 2 };
      return plainScale(plane, sides[i] as I420Picture, to);
    });
    return planes[1] as Float32Array;
  };
  return {
    name: `${name}, ${picture.width}x${picture.height} to ${width}x${height}`,
    ours: { name: "SIMD", run: () => once(() => scalePicture(picture, width, height).planes[1]) },
    baseline: { name: BASELINE, run: () => once(plain) },
    goal,
  };
}

/** Look at the result, so that nothing is thought away. */
function once(work: () => ArrayLike<number>): number {
  if (work()[7] === undefined) throw new Error("there is no picture");
  return 1;
}

export default { runtimes: ["node", "chromium"], cases } satisfies Bench;
