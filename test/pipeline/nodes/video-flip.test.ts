// The node that mirrors pictures.
import { describe, expect, it } from "vitest";
import { videoFlipNode } from "../../../src/pipeline/nodes/video-flip.ts";
import type { VideoFlipParams } from "../../../src/pipeline/nodes/video-flip.ts";
import { formatConvertNode } from "../../../src/pipeline/nodes/format-convert.ts";
import type { VideoData } from "../../../src/runtime/data.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
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

const SEED = 2_204;
type Direction = VideoFlipParams["direction"];
const DIRECTIONS = ["horizontal", "vertical", "both"] as const;

async function flip(picture: VideoData, direction: Direction): Promise<VideoData> {
  return onlyPicture(await runNode(videoFlipNode, { direction }, [input(picture)]));
}

function plainFlip(picture: VideoData, direction: Direction): Uint8Array {
  const planes = planesOf(picture).map(({ plane, width, height }) =>
    plane.map((_, i) => {
      const [x, y] = [i % width, Math.floor(i / width)];
      const column = direction === "vertical" ? x : width - 1 - x;
      const row = direction === "horizontal" ? y : height - 1 - y;
      return plane[row * width + column] as number;
    }),
  );
  return Uint8Array.from(planes.flatMap((plane) => [...plane]));
}

describe("a mirrored picture", () => {
  it.each(DIRECTIONS)("is what a plain loop makes of it, %s", async (direction) => {
    const random = new SeededRandom(`${SEED} ${direction}`);
    const sizes = [...PICTURE_SIZES, [random.integer(2, 90), random.integer(2, 90)] as const];
    for (const [width, height] of sizes) {
      const picture = noise(random, "I420", width, height);
      const expected: VideoData = { ...picture, data: plainFlip(picture, direction) };
      expect(await flip(picture, direction), `${width}x${height}, seed ${SEED}`).toEqual(expected);
    }
  });

  it("has left and right, or top and bottom, changed", async () => {
    const data = Uint8Array.of(1, 2, 3, 4, 5, 6, 10, 20, 30, 40);
    const picture: VideoData = { type: "video", format: "I420", width: 3, height: 2, data };
    expect([...(await flip(picture, "horizontal")).data]).toEqual([3, 2, 1, 6, 5, 4, 20, 10, 40, 30]);
    expect([...(await flip(picture, "vertical")).data]).toEqual([4, 5, 6, 1, 2, 3, 10, 20, 30, 40]);
    expect([...(await flip(picture, "both")).data]).toEqual([6, 5, 4, 3, 2, 1, 20, 10, 40, 30]);
  });

  it.each(DIRECTIONS)("is the same again when it is mirrored twice, %s", async (direction) => {
    const picture = noise(new SeededRandom(SEED), "I420", 33, 21);
    const before = picture.data.slice();
    expect(await flip(await flip(picture, direction), direction)).toEqual(picture);
    expect(picture.data).toEqual(before);
  });

  it.each([
    ["horizontal", 0, "horizontal"],
    ["horizontal", 90, "vertical"],
    ["horizontal", 180, "horizontal"],
    ["horizontal", 270, "vertical"],
    ["vertical", 90, "horizontal"],
    ["both", 90, "both"],
  ] as const)(
    "is mirrored as it is seen: %s at %d degrees is %s in the data",
    async (direction, rotation, lying) => {
      const turned: VideoData = {
        ...noise(new SeededRandom(SEED), "I420", 6, 4),
        rotation,
      };
      expect(await flip(turned, direction)).toEqual({ ...turned, data: plainFlip(turned, lying) });
    },
  );

  it.each(RAW_FORMATS)("is I420, made of %s", async (format) => {
    const picture = noise(new SeededRandom(SEED), format, 15, 9);
    const asI420 = onlyPicture(await runNode(formatConvertNode, {}, [input(picture)]));
    expect(await flip(picture, "horizontal")).toEqual({ ...asI420, data: plainFlip(asI420, "horizontal") });
  });

  it("has the envelope, place and time of the one it was made of", async () => {
    const picture: VideoData = {
      ...noise(new SeededRandom(SEED), "NV12", 4, 2),
      streamId: "camera",
      timestampUs: 7,
      rotation: 180,
    };
    const from = { data: picture, sequence: 3, metadata: { source_peer: "a", more: "b" } };
    const [made] = await runNode(videoFlipNode, {}, [from]);
    const data = expect.any(Uint8Array) as Uint8Array;
    expect(made).toEqual({ ...from, data: { ...picture, format: "I420", data } });
  });

  it.each(REFUSED)("is never made of %s", async (_, picture, message) => {
    await expect(flip(picture, "both")).rejects.toEqual(refusal(message));
  });
});
