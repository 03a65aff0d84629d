// Microseconds per picture: blur with SIMD against plain running sums in JavaScript, whose cost does not depend on the
// radius either. What is copied in and out of WebAssembly counts.
import type { I420Picture } from "../../src/platform/video-codecs.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { blurPicture } from "../../src/wasm/plane-blur.ts";
import type { BlurMethod } from "../../src/wasm/plane-blur.ts";
import { plainBlur, plainGaussianRadii } from "../../test/wasm/plain-blur.ts";
import type { Bench, BenchCase } from "../bench.ts";

function cases(): BenchCase[] {
  return [
    blurring("box", 640, 360, 8, 4),
    blurring("gaussian", 640, 360, 8, 4),
    blurring("box", 1280, 720, 8, 4),
    blurring("box", 1280, 720, 64, 4),
  ];
}

function blurring(
  method: BlurMethod,
  width: number,
  height: number,
  radius: number,
  goal: number,
): BenchCase {
  const random = new SeededRandom(1);
  const half = { width: width / 2, height: height / 2 };
  const luma = random.bytes(width * height);
  const chroma = random.bytes(half.width * half.height);
  const picture: I420Picture = { width, height, planes: [luma, chroma, chroma] };
  const radiiOf = (r: number): number[] => (method === "box" ? [r] : plainGaussianRadii(r));
  const [radii, halves] = [radiiOf(radius), radiiOf(radius / 2)];
  return {
    name: `${method}, radius ${radius}, ${width}x${height}`,
    ours: { name: "SIMD", run: () => once(blurPicture(picture, radius, method).planes[1]) },
    baseline: {
      name: "plain running sums",
      run: () => {
        plainBlur(luma, picture, radii);
        plainBlur(chroma, half, halves);
        return once(plainBlur(chroma, half, halves));
      },
    },
    goal,
  };
}

/** Look at the result, so that nothing is thought away. */
function once(plane: ArrayLike<number>): number {
  if (plane[7] === undefined) throw new Error("there is no picture");
  return 1;
}

export default { runtimes: ["node", "chromium"], cases } satisfies Bench;
