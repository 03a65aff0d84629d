// The worker's part in video, with streams and a browser made up.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ReceiveMessage, TransformOptions } from "../../../src/platform/browser/receive-messages.ts";
import { receivePictures, watchPictures } from "../../../src/platform/browser/receive-video.ts";
import type { EncodedFrameLike, EncodedFrameMetadata } from "../../../src/platform/browser/web-types.ts";

const OPTIONS: TransformOptions = { link: 3, side: "receive", pageTimeOrigin: performance.timeOrigin - 500 };

let posted: { message: ReceiveMessage; transfer: ArrayBuffer[] }[];
const post = (message: ReceiveMessage, transfer: ArrayBuffer[]): void =>
  void posted.push({ message, transfer });

beforeEach(() => {
  posted = [];
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

function picture(rtpTimestamp: number, metadata: EncodedFrameMetadata = {}): EncodedFrameLike {
  const told = { synchronizationSource: 1, payloadType: 98, mimeType: "video/VP9", rtpTimestamp };
  return {
    data: Uint8Array.of(1, 2, 3).buffer,
    type: "delta",
    getMetadata: () => ({ ...told, ...metadata }),
  };
}

/** A stream that leaves what awaits something a turn of the event loop between frames. */
function streamOf(frames: readonly EncodedFrameLike[]): ReadableStream<EncodedFrameLike> {
  const waiting = [...frames];
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve));
      const frame = waiting.shift();
      if (frame === undefined) controller.close();
      else controller.enqueue(frame);
    },
  });
}

/** Run the frames through. @returns what the browser's decoder gets of each, bytes */
async function receive(frames: readonly EncodedFrameLike[], substitute = false): Promise<number[][]> {
  const passed: number[][] = [];
  const writable = new WritableStream<EncodedFrameLike>({
    write: (frame) => void passed.push([...new Uint8Array(frame.data)]),
  });
  const transformer = { options: OPTIONS, readable: streamOf(frames), writable };
  await receivePictures(transformer, OPTIONS, { substitute }, post);
  await vi.waitFor(() => expect(passed).toHaveLength(frames.length));
  return passed;
}

const stampsTold = (): number[] =>
  posted.flatMap(({ message }) => (message.type === "picture" ? [message.rtpTimestamp] : []));

describe("pictures that come", () => {
  it("are told each once, and all reach the browser's decoder", async () => {
    const passed = await receive([1, 2, 2, 3, 1].map((stamp) => picture(stamp)));
    expect(stampsTold()).toEqual([1, 2, 3]);
    expect(passed).toEqual(Array(5).fill([1, 2, 3]));
  });

  it("of two streams may bear the same timestamp", async () => {
    await receive([picture(1), picture(1, { synchronizationSource: 2 })]);
    expect(posted).toHaveLength(2);
  });

  it("are forgotten after some hundred others", async () => {
    const stamps = [0, ...Array.from({ length: 300 }, (_, index) => index + 1), 0];
    await receive(stamps.map((stamp) => picture(stamp)));
    expect(stampsTold().filter((stamp) => stamp === 0)).toHaveLength(2);
  });

  it("are handed over whole, their memory with them", async () => {
    await receive([picture(5, { receiveTime: 20, captureTime: 7, width: 64, height: 48 })]);
    const [{ message, transfer }] = posted as [(typeof posted)[0]];
    expect(message).toMatchObject({
      ...{ type: "picture", link: 3, ssrc: 1, payloadType: 98, codec: "VP9", isKeyframe: false },
      ...{ size: { width: 64, height: 48 }, arrivalMs: 520, captureMs: 7 + performance.timeOrigin },
    });
    expect(transfer).toEqual([message.type === "picture" ? message.data : undefined]);
  });

  it("are told as a fault once where the browser does not say what they are", async () => {
    await receive([picture(1, { mimeType: "video/AV1" }), picture(2, { mimeType: "" }), picture(3)]);
    expect(posted.map(({ message }) => message.type)).toEqual(["fault", "picture"]);
  });
});

describe("what the browser's decoder gets", () => {
  /** An encoder whose keyframe is the byte 9. */
  function stubEncoder(): void {
    class Encoder {
      readonly #output: (chunk: { byteLength: number; copyTo(to: ArrayBuffer): void }) => void;
      constructor(init: { output: (chunk: { byteLength: number; copyTo(to: ArrayBuffer): void }) => void }) {
        this.#output = init.output;
      }
      configure(): void {}
      encode(): void {
        this.#output({ byteLength: 1, copyTo: (to) => new Uint8Array(to).set([9]) });
      }
      flush = (): Promise<void> => Promise.resolve();
      close(): void {}
    }
    vi.stubGlobal("VideoEncoder", Encoder);
    vi.stubGlobal(
      "VideoFrame",
      class {
        close(): void {}
      },
    );
  }

  it("is a small keyframe once there is one, the picture itself until then", async () => {
    stubEncoder();
    const passed = await receive(
      [1, 2, 3, 3].map((stamp) => picture(stamp)),
      true,
    );
    expect(passed).toEqual([[1, 2, 3], [9], [9], [9]]);
    const data = posted.map(({ message }) =>
      message.type === "picture" ? [...new Uint8Array(message.data)] : [],
    );
    expect(data).toEqual(Array(3).fill([1, 2, 3]));
  });

  it("is the picture where there is no encoder for one", async () => {
    vi.stubGlobal("VideoEncoder", undefined);
    expect(await receive([picture(1), picture(2)], true)).toEqual(Array(2).fill([1, 2, 3]));
  });
});

describe("pictures that leave", () => {
  /** Let the frames leave `stepMs` apart. @returns how many went through */
  async function watch(frames: readonly EncodedFrameLike[], times: readonly number[]): Promise<number> {
    let passed = 0;
    const left = [...times];
    vi.spyOn(performance, "now").mockImplementation(() => left.shift() ?? NaN);
    const writable = new WritableStream<EncodedFrameLike>({ write: () => void passed++ });
    await watchPictures({ options: OPTIONS, readable: streamOf(frames), writable }, OPTIONS, post);
    return passed;
  }

  it("all pass; told is the least delayed of each interval", async () => {
    // Frames of 33 ms: the first at once; then one that was 2 ms late among such as were 9 ms late.
    const late = [5, 9, 2, 9, 9, 9, 9, 9, 9, 9];
    const frames = late.map((_, index) => picture(index * 33 * 90));
    expect(
      await watch(
        frames,
        late.map((ms, index) => index * 33 + ms),
      ),
    ).toBe(late.length);
    expect(posted.map(({ message }) => message)).toEqual([
      { type: "departure", link: 3, ssrc: 1, rtpTimestamp: 0, leftMs: 505 },
      { type: "departure", link: 3, ssrc: 1, rtpTimestamp: 2 * 33 * 90, leftMs: 568 },
    ]);
  });

  it("pass also where the browser does not number them", async () => {
    const strange: EncodedFrameLike = { data: new ArrayBuffer(1), getMetadata: () => ({}) };
    expect(await watch([strange, strange], [0, 1])).toBe(2);
    expect(posted).toEqual([]);
  });
});
