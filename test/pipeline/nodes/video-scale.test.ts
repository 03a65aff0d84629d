// The node that scales pictures: which size comes out, and what is in it.
import { describe, expect, it } from "vitest";
import { videoScaleNode } from "../../../src/pipeline/nodes/video-scale.ts";
import type { VideoScaleParams } from "../../../src/pipeline/nodes/video-scale.ts";
import { formatConvertNode } from "../../../src/pipeline/nodes/format-convert.ts";
import type { VideoData } from "../../../src/runtime/data.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
import { scalePlane } from "../../../src/wasm/plane-scale.ts";
import { RAW_FORMATS, REFUSED, input, noise, onlyPicture, planesOf, refusal } from "./pictures.ts";
import { runNode } from "./run-node.ts";

const SEED = 5_561;

async function scale(picture: VideoData, params: Partial<VideoScaleParams>): Promise<VideoData> {
  return onlyPicture(await runNode(videoScaleNode, params, [input(picture)]));
}

function gray(width: number, height: number): VideoData {
  return { type: "video", format: "GRAY8", width, height, data: new Uint8Array(width * height) };
}

function nearest(
  plane: Uint8Array,
  from: { width: number; height: number },
  to: { width: number; height: number },
) {
  return Uint8Array.from({ length: to.width * to.height }, (_, i) => {
    const [x, y] = [i % to.width, Math.floor(i / to.width)];
    const column = Math.floor(((x + 0.5) * from.width) / to.width + 1e-9);
    const row = Math.floor(((y + 0.5) * from.height) / to.height + 1e-9);
    return plane[row * from.width + column] as number;
  });
}

describe("the size of a scaled picture", () => {
  it.each([
    [640, 360, 1280, 720, 1280, 720],
    [640, 480, 1280, 720, 960, 720],
    [1920, 1080, 640, 640, 640, 360],
    [90, 160, 64, 64, 36, 64],
    [641, 361, 640, 360, 640, 360],
    [33, 21, 20, 20, 20, 12],
    [1, 1, 30, 20, 20, 20],
    [1000, 2, 100, 100, 100, 2],
    [2, 1000, 16, 16, 2, 16],
  ])(
    "%d x %d fits into %d x %d as %d x %d",
    async (width, height, maxWidth, maxHeight, newWidth, newHeight) => {
      const made = await scale(gray(width, height), { width: maxWidth, height: maxHeight });
      expect([made.width, made.height]).toEqual([newWidth, newHeight]);
      expect(made.data.length).toBe(1.5 * newWidth * newHeight);
    },
  );

  it("is exactly the one asked for where the aspect does not matter", async () => {
    const made = await scale(gray(33, 21), { width: 40, height: 90, keepAspect: false });
    expect([made.width, made.height]).toEqual([40, 90]);
  });

  it("has even sides that are as near to the aspect as they can be", async () => {
    const random = new SeededRandom(SEED);
    for (let i = 0; i < 60; i++) {
      const [width, height] = [random.integer(10, 120), random.integer(10, 120)];
      const within = { width: 2 * random.integer(10, 60), height: 2 * random.integer(10, 60) };
      const made = await scale(gray(width, height), within);
      const exact = Math.min(within.width / width, within.height / height);
      const where = `${width}x${height} into ${within.width}x${within.height}, seed ${SEED}`;
      expect([made.width % 2, made.height % 2], where).toEqual([0, 0]);
      expect(made.width <= within.width && made.height <= within.height, where).toBe(true);
      expect(Math.abs(made.width - width * exact), where).toBeLessThanOrEqual(2);
      expect(Math.abs(made.height - height * exact), where).toBeLessThanOrEqual(2);
      expect(made.width === within.width || made.height === within.height, where).toBe(true);
    }
  });

  it("is 1280 x 720 at most where nothing is said", async () => {
    const made = await scale(gray(64, 36), {});
    expect([made.width, made.height]).toEqual([1280, 720]);
  });
});

describe("a scaled picture", () => {
  it.each([
    [33, 21, 20, 12],
    [20, 12, 34, 22],
    [64, 10, 16, 40],
    [1, 1, 6, 4],
  ])("has its planes scaled, %d x %d to %d x %d", async (width, height, newWidth, newHeight) => {
    const picture = noise(new SeededRandom(SEED), "I420", width, height);
    for (const filter of ["bilinear", "nearest"] as const) {
      const made = await scale(picture, { width: newWidth, height: newHeight, keepAspect: false, filter });
      const planes = planesOf(made).map(({ plane }) => plane);
      const expected = planesOf(picture).map(({ plane, ...from }, i) => {
        const to = i === 0 ? made : { width: newWidth / 2, height: newHeight / 2 };
        return filter === "nearest" ? nearest(plane, from, to) : scalePlane(plane, from, to);
      });
      expect(planes, `${filter}, seed ${SEED}`).toEqual(expected);
    }
  });

  it("has no new levels with the nearest ones", async () => {
    const data = Uint8Array.from({ length: 24 }, (_, i) => (i % 2 === 0 ? 20 : 200));
    const picture: VideoData = { type: "video", format: "I420", width: 4, height: 4, data };
    const made = await scale(picture, { width: 30, height: 14, keepAspect: false, filter: "nearest" });
    expect([...new Set(made.data)].sort((a, b) => a - b)).toEqual([20, 200]);
  });

  it("is the input itself when it has that size already", async () => {
    const from = input(noise(new SeededRandom(SEED), "I420", 32, 18));
    const [made] = await runNode(videoScaleNode, { width: 32, height: 32 }, [from]);
    expect(made).toBe(from);
  });

  it.each(RAW_FORMATS)("is I420, made of %s, even where the size stays", async (format) => {
    const picture = noise(new SeededRandom(SEED), format, 16, 8);
    const asI420 = onlyPicture(await runNode(formatConvertNode, {}, [input(picture)]));
    expect(await scale(picture, { width: 16, height: 8 })).toEqual(asI420);
    expect(await scale(picture, { width: 8, height: 4 })).toEqual(
      await scale(asI420, { width: 8, height: 4 }),
    );
  });

  it("has the envelope, place, time and rotation of the one it was made of", async () => {
    const picture: VideoData = {
      ...noise(new SeededRandom(SEED), "NV12", 6, 4),
      streamId: "camera",
      timestampUs: 7,
      rotation: 90,
    };
    const before = picture.data.slice();
    const from = { data: picture, sequence: 3, metadata: { source_peer: "a", more: "b" } };
    for (const filter of ["bilinear", "nearest"] as const) {
      const [made] = await runNode(videoScaleNode, { width: 12, height: 12, filter }, [from]);
      const data = expect.any(Uint8Array) as Uint8Array;
      expect(made).toEqual({ ...from, data: { ...picture, format: "I420", width: 12, height: 8, data } });
    }
    expect(picture.data).toEqual(before);
  });

  it.each(REFUSED)("is never made of %s", async (_, picture, message) => {
    await expect(scale(picture, {})).rejects.toEqual(refusal(message));
  });
});
