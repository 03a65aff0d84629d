// The node that converts pixel formats, every pair of them, against the definitions.
import { describe, expect, it } from "vitest";
import { formatConvertNode } from "../../../src/pipeline/nodes/format-convert.ts";
import type { VideoData } from "../../../src/runtime/data.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
import {
  PICTURE_SIZES,
  RAW_FORMATS,
  REFUSED,
  definition,
  input,
  noise,
  onlyPicture,
  refusal,
} from "./pictures.ts";
import type { RawFormat } from "./pictures.ts";
import { runNode } from "./run-node.ts";

const SEED = 8_115;
/** Half a step of rounding, and what fixed point leaves. */
const TOLERANCE = 0.55;
const PAIRS = RAW_FORMATS.flatMap((from) => RAW_FORMATS.map((to) => [from, to] as const)).filter(
  ([from, to]) => from !== to,
);
/** There and back without a loss, whatever the picture. */
const EXACT = [
  ["I420", "NV12"],
  ["NV12", "I420"],
  ["RGB24", "RGBA"],
  ["RGB24", "BGRX"],
  ["GRAY8", "RGB24"],
  ["GRAY8", "RGBA"],
  ["GRAY8", "BGRX"],
] as const;

async function convert(picture: VideoData, target: RawFormat): Promise<VideoData> {
  return onlyPicture(await runNode(formatConvertNode, { target }, [input(picture)]));
}

describe("a converted picture", () => {
  it.each(PAIRS)("is to the nearest step what the definitions say, %s to %s", async (from, to) => {
    const random = new SeededRandom(`${SEED} ${from} ${to}`);
    const sizes = [...PICTURE_SIZES, [random.integer(2, 90), random.integer(2, 90)] as const];
    for (const [width, height] of sizes) {
      const picture = noise(random, from, width, height);
      const { data, format } = await convert(picture, to);
      const exact = definition(picture, to);
      const where = `${width}x${height}, seed ${SEED}`;
      expect([format, data.length], where).toEqual([to, exact.length]);
      const wrong = data.findIndex((value, i) => Math.abs(value - (exact[i] as number)) > TOLERANCE);
      if (wrong >= 0) expect.fail(`byte ${wrong}: ${data[wrong]}, not ${exact[wrong]}; ${where}`);
    }
  });

  it.each(EXACT)("comes back as it was, %s through %s", async (from, through) => {
    const picture = noise(new SeededRandom(SEED), from, 33, 21);
    expect(await convert(await convert(picture, through), from), `seed ${SEED}`).toEqual(picture);
  });

  it.each(["I420", "NV12"] as const)("comes back to one step, GRAY8 through %s", async (through) => {
    const data = Uint8Array.from({ length: 256 }, (_, i) => i);
    const gray: VideoData = { type: "video", format: "GRAY8", width: 16, height: 16, data };
    const back = await convert(await convert(gray, through), "GRAY8");
    expect(back.data.every((level, i) => Math.abs(level - i) <= 1)).toBe(true);
  });

  it.each(["RGB24", "RGBA", "BGRX"] as const)(
    "of one color comes back to two steps, %s through I420",
    async (format) => {
      const random = new SeededRandom(SEED);
      for (let i = 0; i < 50; i++) {
        const picture = noise(random, format, 1, 1);
        if (format !== "RGB24") picture.data[3] = 255;
        const back = await convert(await convert(picture, "I420"), format);
        const errors = [...back.data].map((value, at) => Math.abs(value - (picture.data[at] as number)));
        expect(Math.max(...errors), `${picture.data.join()}, seed ${SEED}`).toBeLessThanOrEqual(2);
      }
    },
  );

  it("has the envelope, place and time of the one it was made of", async () => {
    const picture: VideoData = {
      ...noise(new SeededRandom(SEED), "RGBA", 4, 2),
      streamId: "camera",
      timestampUs: 7,
      rotation: 90,
      isKeyframe: true,
    };
    const from = { data: picture, sequence: 3, metadata: { source_peer: "a", more: "b" } };
    const [made] = await runNode(formatConvertNode, {}, [from]);
    const data = expect.any(Uint8Array) as Uint8Array;
    expect(made).toEqual({ ...from, data: { ...picture, format: "I420", data } });
  });
});

describe("the node that converts formats", () => {
  it("hands on what has the format already", async () => {
    for (const format of RAW_FORMATS) {
      const from = input(noise(new SeededRandom(SEED), format, 3, 5));
      const [made] = await runNode(formatConvertNode, { target: format }, [from]);
      expect(made).toBe(from);
    }
  });

  it("leaves what it gets as it was", async () => {
    for (const [from, to] of PAIRS) {
      const picture = noise(new SeededRandom(SEED), from, 5, 3);
      const before = picture.data.slice();
      const { data } = await convert(picture, to);
      data.fill(1);
      expect(picture.data).toEqual(before);
    }
  });

  it.each(REFUSED)("refuses %s", async (_, picture, message) => {
    await expect(convert(picture, "RGBA")).rejects.toEqual(refusal(message));
  });
});
