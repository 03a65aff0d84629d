import { describe, expect, it } from "vitest";
import type { AudioFrame } from "../../src/runtime/data.ts";
import { FrameReaders } from "../../src/transport/frame-readers.ts";

const FRAME_TICKS = 960;

function frame(peerId: string, index: number, ticks = FRAME_TICKS): Omit<AudioFrame, "missingBefore"> {
  return {
    kind: "audio",
    peerId,
    streamId: "default",
    samples: new Float32Array(ticks),
    sampleRate: 48_000,
    channels: 1,
    rtpTimestamp: (index * FRAME_TICKS) >>> 0,
    receivedAt: index * 20,
    bufferDelayMs: 50,
    quality: "received",
  };
}

async function take(iterator: AsyncIterableIterator<AudioFrame>, count: number): Promise<string[]> {
  const read: string[] = [];
  for (let i = 0; i < count; i++) {
    const { value } = (await iterator.next()) as IteratorYieldResult<AudioFrame>;
    read.push(`${value.peerId}:${value.rtpTimestamp / FRAME_TICKS}+${value.missingBefore}`);
  }
  return read;
}

describe("frames()", () => {
  it("gives every reader every frame, in the order they came", async () => {
    const readers = new FrameReaders();
    const [one, two] = [readers.open({}), readers.open({ peerId: "b" })];
    for (let i = 0; i < 2; i++) for (const id of ["a", "b"]) readers.push(frame(id, i));
    expect(await take(one, 4)).toEqual(["a:0+0", "b:0+0", "a:1+0", "b:1+0"]);
    expect(await take(two, 2)).toEqual(["b:0+0", "b:1+0"]);
  });

  it("drops the oldest of the peer that overflows, shows the gap, and leaves the others alone", async () => {
    const readers = new FrameReaders();
    const reader = readers.open({});
    readers.push(frame("a", 0));
    readers.push(frame("b", 0));
    expect(await take(reader, 2)).toEqual(["a:0+0", "b:0+0"]);
    readers.push(frame("b", 1));
    for (let i = 1; i <= 30; i++) readers.push(frame("a", i));
    const read = await take(reader, 11);
    expect(read[0]).toBe("b:1+0");
    expect(read[1]).toBe(`a:21+${20 * FRAME_TICKS}`);
    expect(read.at(-1)).toBe("a:30+0");
  });

  it("hands a frame to whoever waits for it", async () => {
    const readers = new FrameReaders();
    const reader = readers.open({});
    const waiting = [reader.next(), reader.next()];
    readers.push(frame("a", 0));
    readers.push(frame("a", 1));
    const results = (await Promise.all(waiting)) as IteratorYieldResult<AudioFrame>[];
    const values = results.map(({ value }) => value.rtpTimestamp);
    expect(values).toEqual([0, FRAME_TICKS]);
  });

  it("keeps 200 ms when nobody reads, whatever the frames' length", async () => {
    const readers = new FrameReaders();
    const reader = readers.open({});
    for (let i = 0; i < 2_000; i++) readers.push(frame("a", i, i % 7 === 0 ? 2_880 : 480));
    readers.end();
    let readMs = 0;
    let frames = 0;
    for await (const { samples } of reader) {
      readMs += samples.length / 48;
      frames++;
    }
    expect(readMs).toBeGreaterThan(130);
    expect(readMs).toBeLessThanOrEqual(200);
    // A place in the order without a frame would end the iteration early.
    expect(frames).toBeGreaterThan(8);
  });

  it("ends with the signal, with return, and with the transport", async () => {
    const readers = new FrameReaders();
    const abort = new AbortController();
    const [a, b, c] = [readers.open({ signal: abort.signal }), readers.open({}), readers.open({})];
    const pending = [a.next(), b.next(), c.next()];
    abort.abort();
    await b.return?.();
    readers.end();
    for (const { done } of await Promise.all(pending)) expect(done).toBe(true);
    expect((await readers.open({ signal: abort.signal }).next()).done).toBe(true);
  });

  it("refuses a peer id that is none", () => {
    expect(() => new FrameReaders().open({ peerId: "a b" })).toThrow(/peerId: expected/);
  });
});
