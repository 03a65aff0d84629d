import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { ReceiveMessage } from "../../../src/platform/browser/receive-messages.ts";
import type { EncodedFrameLike, TransformWorkerScope } from "../../../src/platform/browser/web-types.ts";

const scope = globalThis as unknown as TransformWorkerScope;
const posted: { message: ReceiveMessage | { type: "loaded" }; transfer: ArrayBuffer[] | undefined }[] = [];

beforeAll(async () => {
  vi.stubGlobal("postMessage", (message: ReceiveMessage, transfer?: ArrayBuffer[]) =>
    posted.push({ message, transfer }),
  );
  await import("../../../src/platform/browser/receive-worker.ts");
});
afterAll(() => {
  scope.onrtctransform = null;
  scope.onmessage = null;
  vi.unstubAllGlobals();
});

const frame = (sequenceNumber?: number): EncodedFrameLike => ({
  data: new Uint8Array([1]).buffer,
  getMetadata: () => ({
    synchronizationSource: 1,
    rtpTimestamp: 2,
    ...(sequenceNumber === undefined ? {} : { sequenceNumber }),
  }),
});

/** Run the worker over a stream. */
function run(link: number, readable: ReadableStream<EncodedFrameLike>): void {
  posted.length = 0;
  const options = { link, side: "receive", pageTimeOrigin: performance.timeOrigin };
  scope.onrtctransform?.({ transformer: { options, readable, writable: new WritableStream() } });
}

const streamOf = (...frames: EncodedFrameLike[]): ReadableStream<EncodedFrameLike> =>
  new ReadableStream({
    start(controller) {
      for (const one of frames) controller.enqueue(one);
      controller.close();
    },
  });

it("says that it has loaded", () => {
  expect(posted).toEqual([{ message: { type: "loaded" }, transfer: undefined }]);
});

it("hands every frame to the page, in order, its buffer transferred", async () => {
  const first = frame(65_535);
  run(3, streamOf(first, frame(0)));
  await expect.poll(() => posted.length).toBe(2);
  expect(posted.map(({ message }) => message)).toMatchObject([
    { type: "frame", link: 3, sequenceNumber: 65_535 },
    { type: "frame", link: 3, sequenceNumber: 0 },
  ]);
  expect(posted[0]?.transfer).toEqual([first.data]);
});

it("says once that a browser does not number its frames", async () => {
  run(4, streamOf(frame(), frame(), frame(7)));
  await expect.poll(() => posted.length).toBe(2);
  expect(posted.map(({ message }) => message.type)).toEqual(["fault", "frame"]);
});

it("says so when the stream fails", async () => {
  run(5, new ReadableStream({ pull: (controller) => controller.error(new Error("torn")) }));
  await expect.poll(() => posted.length).toBe(1);
  expect(posted[0]?.message).toEqual({ type: "fault", link: 5, message: "Error: torn" });
});

it("asks for a keyframe on behalf of the link that it is told", async () => {
  const asked: number[] = [];
  for (const link of [7, 8]) {
    const options = { link, side: "receive", pageTimeOrigin: 0, video: { substitute: false } };
    const sendKeyFrameRequest = (): Promise<void> => {
      asked.push(link);
      return Promise.reject(new Error("nothing has come"));
    };
    // Never ends, as that of a live link.
    const readable = new ReadableStream<EncodedFrameLike>();
    const transformer = { options, readable, writable: new WritableStream(), sendKeyFrameRequest };
    scope.onrtctransform?.({ transformer });
  }
  for (const link of [8, 9]) scope.onmessage?.({ data: { type: "request-keyframe", link } });
  await Promise.resolve();
  expect(asked).toEqual([8]);
});

describe("of what leaves", () => {
  /** Run the worker between two streams. @returns what came out of it */
  function watch(readable: ReadableStream<EncodedFrameLike>, refuses = false): EncodedFrameLike[] {
    posted.length = 0;
    const passed: EncodedFrameLike[] = [];
    const writable = new WritableStream<EncodedFrameLike>({
      write: (one) => {
        if (refuses) throw new Error("refused");
        passed.push(one);
      },
    });
    const options = { link: 6, side: "send", pageTimeOrigin: performance.timeOrigin };
    scope.onrtctransform?.({ transformer: { options, readable, writable } });
    return passed;
  }

  it("lets every frame pass as it is, also those it does not understand", async () => {
    const strange: EncodedFrameLike = { data: new ArrayBuffer(3), getMetadata: () => ({}) };
    const frames = [strange, frame(), frame(), strange];
    const passed = watch(streamOf(...frames));
    await expect.poll(() => passed.length).toBe(4);
    expect(passed.every((one, index) => one === frames[index])).toBe(true);
    expect(posted.map(({ message }) => message)).toMatchObject([
      { type: "sent", link: 6, ssrc: 1, rtpTimestamp: 2 },
    ]);
  });

  it("tells a few times a second", async () => {
    const now = vi.spyOn(performance, "now");
    let nowMs = 0;
    now.mockImplementation(() => (nowMs += 20));
    const passed = watch(streamOf(...Array.from({ length: 50 }, () => frame())));
    await expect.poll(() => passed.length).toBe(50);
    now.mockRestore();
    expect(posted).toHaveLength(5);
  });

  it("falls silent when the sender is gone", async () => {
    watch(streamOf(frame(), frame()), true);
    await expect.poll(() => posted.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(posted.map(({ message }) => message.type)).toEqual(["sent"]);
  });
});
