import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { ReceiveMessage } from "../../../src/platform/browser/receive-messages.ts";
import type { EncodedFrameLike, TransformWorkerScope } from "../../../src/platform/browser/web-types.ts";

const scope = globalThis as unknown as TransformWorkerScope;
const posted: { message: ReceiveMessage; transfer: ArrayBuffer[] }[] = [];

beforeAll(async () => {
  vi.stubGlobal("postMessage", (message: ReceiveMessage, transfer: ArrayBuffer[]) =>
    posted.push({ message, transfer }),
  );
  await import("../../../src/platform/browser/receive-worker.ts");
});
afterAll(() => {
  scope.onrtctransform = null;
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
  const options = { link, pageTimeOrigin: performance.timeOrigin };
  scope.onrtctransform?.({ transformer: { options, readable } });
}

const streamOf = (...frames: EncodedFrameLike[]): ReadableStream<EncodedFrameLike> =>
  new ReadableStream({
    start(controller) {
      for (const one of frames) controller.enqueue(one);
      controller.close();
    },
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
