// A node type with a segmenter of its own.
import { describe, expect, it } from "vitest";
import type { I420Picture } from "../../../src/platform/video-codecs.ts";
import { backgroundBlurNode } from "../../../src/pipeline/nodes/background-blur.ts";
import type { Segmentation } from "../../../src/pipeline/nodes/background-blur.ts";
import { videoBlurNode } from "../../../src/pipeline/nodes/video-blur.ts";
import { NodeRegistry } from "../../../src/pipeline/registry.ts";
import type { TransportData, VideoData } from "../../../src/runtime/data.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
import { REFUSED, input, noise, onlyPicture, refusal } from "./pictures.ts";
import { runNode } from "./run-node.ts";

const SEED = 4_415;
const picture = noise(new SeededRandom(SEED), "I420", 33, 21);

type Segment = (picture: I420Picture) => Segmentation | Promise<Segmentation>;

const nodeType = (segment: Segment) => backgroundBlurNode({ type: "BackgroundBlur", segment });

async function run(segment: Segment, data: VideoData = picture): Promise<VideoData> {
  return onlyPicture(await runNode(nodeType(segment), {}, [input(data)]));
}

describe("a picture with a segmenter", () => {
  it("stays sharp where it says so", async () => {
    const blurred = onlyPicture(await runNode(videoBlurNode, {}, [input(picture)]));
    expect(await run(({ planes }) => planes[0].map(() => 255))).toEqual(picture);
    expect(await run(({ planes }) => planes[0].map(() => 0))).toEqual(blurred);
  });

  it("is what a stream of the same masks makes of it", async () => {
    const data = new SeededRandom(SEED).bytes(33 * 21);
    const mask: VideoData = { type: "video", format: "GRAY8", width: 33, height: 21, data, streamId: "m" };
    const [expected] = await runNode(videoBlurNode, { mask: "m", radius: 3, method: "gaussian" }, [
      input(mask),
      input(picture),
    ]);
    const [made] = await runNode(
      nodeType(() => data),
      { radius: 3, method: "gaussian" },
      [input(picture)],
    );
    expect(made).toEqual(expected);
  });

  it("waits for a segmenter that takes its time", async () => {
    expect(await run(({ planes }) => Promise.resolve(planes[0].map(() => 255)))).toEqual(picture);
  });

  it("may have a mask of another size", async () => {
    expect(await run(() => ({ data: Uint8Array.of(255, 255), width: 2, height: 1 }))).toEqual(picture);
  });

  it("is shown to it as I420, whatever it was", async () => {
    const seen: I420Picture[] = [];
    const rgba = noise(new SeededRandom(SEED), "RGBA", 5, 3);
    const made = await run((shown) => {
      seen.push(shown);
      return new Uint8Array(15);
    }, rgba);
    expect(seen.map(({ width, height, planes }) => [width, height, planes[0].length])).toEqual([[5, 3, 15]]);
    expect([made.format, made.data.length]).toEqual(["I420", 27]);
  });

  it("keeps envelope, place and time", async () => {
    const data: VideoData = { ...picture, streamId: "camera", timestampUs: 7, rotation: 270 };
    const from: TransportData = { data, sequence: 3, metadata: { source_peer: "a" } };
    const [made] = await runNode(
      nodeType(() => new Uint8Array(33 * 21).fill(255)),
      {},
      [from],
    );
    expect(made).toEqual(from);
  });

  it("does not come out when nobody waits for it any more", async () => {
    const abort = new AbortController();
    const node = await nodeType(() => {
      abort.abort();
      return new Uint8Array(33 * 21);
    }).create({ params: { radius: 8, method: "box" } } as Parameters<
      ReturnType<typeof nodeType>["create"]
    >[0]);
    const outputs: TransportData[] = [];
    const emit = (output: TransportData): Promise<void> => Promise.resolve(void outputs.push(output));
    await node.process(input(picture), emit, abort.signal);
    expect(outputs).toEqual([]);
  });

  it.each([
    ["another length", new Uint8Array(5)],
    ["no bytes", [255]],
    ["nothing", undefined],
    ["a size that is not that of its bytes", { data: new Uint8Array(5), width: 2, height: 2 }],
    ["parts of pixels", { data: new Uint8Array(1), width: 0.5, height: 2 }],
    ["nothing in it", { data: new Uint8Array(0), width: 0, height: 0 }],
  ])("is an error where the mask has %s", async (_, wrong) => {
    const refused = refusal(/^segment: expected 693 bytes/);
    await expect(run(() => wrong as Uint8Array)).rejects.toEqual(refused);
  });

  it("is an error where the segmenter fails", async () => {
    await expect(run(() => Promise.reject(new Error("no model")))).rejects.toThrow("no model");
  });

  it.each(REFUSED)("is no segmenter's business with %s", async (_, wrong, message) => {
    const segment = () => expect.fail("it was asked");
    await expect(run(segment, wrong)).rejects.toEqual(refusal(message));
  });
});

it("a type with a segmenter can be registered", () => {
  const registry = new NodeRegistry();
  registry.register(nodeType(() => new Uint8Array(1)));
  expect(registry.get("BackgroundBlurNode")?.type).toBe("BackgroundBlur");
});
