// The node that blurs pictures, and what masks keep of them.
import { describe, expect, it } from "vitest";
import { formatConvertNode } from "../../../src/pipeline/nodes/format-convert.ts";
import { videoBlurNode } from "../../../src/pipeline/nodes/video-blur.ts";
import type { VideoBlurParams } from "../../../src/pipeline/nodes/video-blur.ts";
import type { TransportData, VideoData } from "../../../src/runtime/data.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
import { blurPlane } from "../../../src/wasm/plane-blur.ts";
import {
  PICTURE_SIZES,
  RAW_FORMATS,
  REFUSED,
  input,
  noise,
  onlyPicture,
  planesOf,
  refusal,
} from "./pictures.ts";
import { runNode } from "./run-node.ts";

const SEED = 1_930;

const picturesIn = (outputs: readonly TransportData[]): VideoData[] =>
  outputs.map(({ data }) => data as VideoData);

async function blur(picture: VideoData, params: Partial<VideoBlurParams> = {}): Promise<VideoData> {
  return onlyPicture(await runNode(videoBlurNode, params, [input(picture)]));
}

/** A mask of one level, or of a level for each column. */
function mask(
  level: number | readonly number[],
  width: number,
  height: number,
  streamId = "person",
): VideoData {
  const data = Uint8Array.from({ length: width * height }, (_, i) =>
    typeof level === "number" ? level : (level[i % width] as number),
  );
  return { type: "video", format: "GRAY8", width, height, data, streamId };
}

describe("a blurred picture", () => {
  it.each(PICTURE_SIZES)(
    "has blurred planes, those of chroma with half the radius, at %d x %d",
    async (width, height) => {
      const picture = noise(new SeededRandom(SEED), "I420", width, height);
      for (const method of ["box", "gaussian"] as const) {
        const made = await blur(picture, { radius: 5, method });
        const expected = planesOf(picture).map(({ plane, ...size }, i) =>
          blurPlane(plane, size, i === 0 ? 5 : 3, method),
        );
        expect(planesOf(made).map(({ plane }) => plane)).toEqual(expected);
        expect([made.width, made.height, made.format]).toEqual([width, height, "I420"]);
      }
    },
  );

  it("is a box of radius 8 where nothing is said", async () => {
    const picture = noise(new SeededRandom(SEED), "I420", 40, 30);
    expect(await blur(picture)).toEqual(await blur(picture, { radius: 8, method: "box" }));
  });

  it.each(RAW_FORMATS)("is I420, made of %s", async (format) => {
    const picture = noise(new SeededRandom(SEED), format, 33, 21);
    const asI420 = onlyPicture(await runNode(formatConvertNode, {}, [input(picture)]));
    expect(await blur(picture)).toEqual(await blur(asI420));
  });

  it("has the envelope, place and time of the one it was made of, which stays as it was", async () => {
    const picture: VideoData = {
      ...noise(new SeededRandom(SEED), "I420", 6, 4),
      streamId: "camera",
      timestampUs: 7,
      rotation: 90,
    };
    const before = picture.data.slice();
    const from = { data: picture, sequence: 3, metadata: { source_peer: "a", more: "b" } };
    const [made] = await runNode(videoBlurNode, {}, [from]);
    const data = expect.any(Uint8Array) as Uint8Array;
    expect(made).toEqual({ ...from, data: { ...picture, data } });
    expect(picture.data).toEqual(before);
  });

  it.each(REFUSED)("is never made of %s", async (_, picture, message) => {
    await expect(blur(picture)).rejects.toEqual(refusal(message));
    const asMask = runNode(videoBlurNode, { mask: "m" }, [input({ ...picture, streamId: "m" })]);
    await expect(asMask).rejects.toEqual(refusal(message));
  });
});

describe("a mask", () => {
  const picture = noise(new SeededRandom(SEED), "I420", 33, 21);
  const run = async (inputs: readonly TransportData[], name = "person"): Promise<VideoData[]> =>
    picturesIn(await runNode(videoBlurNode, { mask: name }, inputs));

  it("keeps what is white, lets be blurred what is black, and does not come out", async () => {
    const blurred = await blur(picture);
    const outputs = await run([
      input(mask(255, 33, 21)),
      input(picture),
      input(mask(0, 33, 21)),
      input(picture),
    ]);
    expect(outputs).toEqual([picture, blurred]);
  });

  it("mixes both where it is gray", async () => {
    const blurred = await blur(picture);
    const [mixed] = await run([input(mask(51, 33, 21)), input(picture)]);
    const wrong = mixed?.data.findIndex(
      (value, i) =>
        value !== Math.round((picture.data[i] as number) / 5 + ((blurred.data[i] as number) * 4) / 5),
    );
    expect(wrong).toBe(-1);
  });

  it("tells one side of a picture from the other, in luma and chroma", async () => {
    const whole = noise(new SeededRandom(SEED), "I420", 32, 10);
    const blurred = await blur(whole);
    const levels = Array.from({ length: 32 }, (_, x) => (x < 12 ? 255 : 0));
    const [mixed] = await run([input(mask(levels, 32, 10)), input(whole)]);
    const sharp = planesOf(whole);
    const soft = planesOf(blurred);
    for (const [i, { plane, width }] of planesOf(mixed as VideoData).entries()) {
      const edge = i === 0 ? 12 : 6;
      const expected = plane.map((_, at) => (at % width < edge ? sharp[i] : soft[i])?.plane[at] as number);
      expect(plane).toEqual(expected);
    }
  });

  it("of another size is scaled to the picture, whichever size comes", async () => {
    const small = noise(new SeededRandom(SEED), "I420", 8, 6);
    const levels = [255, 255, 0, 0];
    const outputs = await run([input(mask(levels, 4, 3)), input(small), input(picture), input(small)]);
    const blurred = await blur(small);
    expect(outputs.map(({ width, height }) => [width, height])).toEqual([
      [8, 6],
      [33, 21],
      [8, 6],
    ]);
    expect(outputs[2]).toEqual(outputs[0]);
    for (const row of [0, 8, 40]) {
      expect(outputs[0]?.data.slice(row, row + 3)).toEqual(small.data.slice(row, row + 3));
      expect(outputs[0]?.data.slice(row + 5, row + 8)).toEqual(blurred.data.slice(row + 5, row + 8));
    }
  });

  it("that has not come yet keeps nothing sharp", async () => {
    expect(await run([input(picture), input(mask(255, 33, 21))])).toEqual([await blur(picture)]);
  });

  it("holds until the next one, and then no more", async () => {
    const blurred = await blur(picture);
    const outputs = await run([
      input(mask(255, 33, 21)),
      input(mask(0, 8, 8)),
      input(picture),
      input(picture),
      input(mask(255, 8, 8)),
      input(picture),
    ]);
    expect(outputs).toEqual([blurred, blurred, picture]);
  });

  it("is that of the peer alone, for all its streams", async () => {
    const second: VideoData = { ...picture, streamId: "screen" };
    const blurred = await blur(picture);
    const outputs = await run([
      input(mask(255, 33, 21), "a"),
      input(picture, "a"),
      input(second, "a"),
      input(picture, "b"),
      input(picture),
    ]);
    expect(outputs).toEqual([picture, second, blurred, blurred]);
  });

  it("is no mask where its stream is another one, or none is asked for", async () => {
    const white = mask(255, 33, 21);
    expect(await run([input(white), input(picture)], "other")).toHaveLength(2);
    expect(await runNode(videoBlurNode, {}, [input(white)])).toHaveLength(1);
  });

  it("may come on the stream without a name", async () => {
    const { streamId: _, ...white } = mask(255, 33, 21);
    const named: VideoData = { ...picture, streamId: "camera" };
    expect(await run([input(white), input(named)], "default")).toEqual([named]);
  });

  it("may change in the hands of whoever sent it", async () => {
    const white = mask(255, 33, 21);
    const inputs = [input(white), input(picture)];
    const node = await videoBlurNode.create({
      params: { radius: 8, method: "box", mask: "person" },
    } as Parameters<typeof videoBlurNode.create>[0]);
    const outputs: TransportData[] = [];
    for (const one of inputs) {
      const emit = (output: TransportData): Promise<void> => Promise.resolve(void outputs.push(output));
      await node.process(one, emit, new AbortController().signal);
      white.data.fill(0);
    }
    expect(picturesIn(outputs)).toEqual([picture]);
  });

  it("has to be gray", async () => {
    const refused = refusal(/GRAY8, not I420/);
    await expect(run([input({ ...picture, streamId: "person" })])).rejects.toEqual(refused);
  });
});
