import { describe, expect, it } from "vitest";
import type { AudioFrame } from "../../src/runtime/data.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { FrameReaders } from "../../src/transport/frame-readers.ts";
import type { FrameOptions } from "../../src/transport/frame-readers.ts";

const FRAME_TICKS = 960;

function frame(peerId: string, index: number, ticks = FRAME_TICKS): Omit<AudioFrame, "missingBefore"> {
  return frameAt(peerId, index * FRAME_TICKS, ticks);
}

function frameAt(peerId: string, position: number, ticks: number): Omit<AudioFrame, "missingBefore"> {
  return {
    kind: "audio",
    peerId,
    streamId: "default",
    samples: new Float32Array(ticks),
    sampleRate: 48_000,
    channels: 1,
    rtpTimestamp: position >>> 0,
    rtpTicks: ticks,
    wallClockTimestampUs: 1_767_225_600_000_000 + position / 0.048,
    wallClockErrorUs: 100,
    timelineEpoch: 0,
    syncConfidence: 1,
    clockDriftPpm: 0,
    receivedAt: position / 48,
    bufferDelayMs: 50,
    quality: "received",
  };
}

/** Hand out a frame when it was received. */
function push(readers: FrameReaders, each: ReturnType<typeof frameAt>): void {
  readers.push(each, each.receivedAt);
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
    for (let i = 0; i < 2; i++) for (const id of ["a", "b"]) push(readers, frame(id, i));
    expect(await take(one, 4)).toEqual(["a:0+0", "b:0+0", "a:1+0", "b:1+0"]);
    expect(await take(two, 2)).toEqual(["b:0+0", "b:1+0"]);
  });

  it("drops the oldest of the peer that overflows, shows the gap, and leaves the others alone", async () => {
    const readers = new FrameReaders();
    const reader = readers.open({});
    push(readers, frame("a", 0));
    push(readers, frame("b", 0));
    expect(await take(reader, 2)).toEqual(["a:0+0", "b:0+0"]);
    push(readers, frame("b", 1));
    for (let i = 1; i <= 30; i++) push(readers, frame("a", i));
    const read = await take(reader, 11);
    expect(read[0]).toBe("b:1+0");
    expect(read[1]).toBe(`a:21+${20 * FRAME_TICKS}`);
    expect(read.at(-1)).toBe("a:30+0");
  });

  it("hands a frame to whoever waits for it", async () => {
    const readers = new FrameReaders();
    const reader = readers.open({});
    const waiting = [reader.next(), reader.next()];
    push(readers, frame("a", 0));
    push(readers, frame("a", 1));
    const results = (await Promise.all(waiting)) as IteratorYieldResult<AudioFrame>[];
    const values = results.map(({ value }) => value.rtpTimestamp);
    expect(values).toEqual([0, FRAME_TICKS]);
  });

  it.each([10, 20, 30, 40, 60] as const)(
    "keeps 200 ms in frames of %d ms when nobody reads",
    async (frameMs) => {
      const seed = 6;
      const random = new SeededRandom(seed);
      const readers = new FrameReaders();
      const reader = readers.open({ frameMs });
      let position = 0;
      for (let i = 0; i < 2_000; i++) {
        const ticks = random.integer(480, 2_880);
        push(readers, frameAt("a", position, ticks));
        position += ticks;
      }
      readers.end();
      const frames: AudioFrame[] = [];
      for await (const each of reader) frames.push(each);
      // A place in the order without a frame would end the iteration early.
      // What has not yet waited for 200 ms is kept besides, which is less than the longest frame.
      expect(frames.length, `seed ${seed}`).toBeGreaterThanOrEqual(Math.floor(200 / frameMs));
      expect(frames.length, `seed ${seed}`).toBeLessThanOrEqual(Math.ceil(260 / frameMs));
      expect(frames.every(({ samples }) => samples.length === frameMs * 48)).toBe(true);
      const end = (frames.at(-1)?.rtpTimestamp ?? 0) + frameMs * 48;
      expect(position - end).toBeLessThan(frameMs * 48);
    },
  );

  it("gives each reader samples of its own, in its own format", async () => {
    const readers = new FrameReaders();
    const [one, two] = [readers.open({}), readers.open({ sampleRate: 48_000, frameMs: 20, channels: 1 })];
    const narrow = readers.open({ sampleRate: 16_000, frameMs: 30, channels: 2 });
    const frames = Array.from({ length: 20 }, (_, i) => frame("a", i));
    for (const each of frames.slice(0, 10)) push(readers, each);
    const firsts = [await one.next(), await two.next()].map(({ value }) => (value as AudioFrame).samples);
    expect(firsts.map(({ length }) => length)).toEqual([960, 960]);
    expect(new Set([...firsts, frames[0]?.samples]).size).toBe(3);
    for (const index of [0, 1, 2]) {
      const { value } = (await narrow.next()) as IteratorYieldResult<AudioFrame>;
      expect(value).toMatchObject({ sampleRate: 16_000, channels: 2, rtpTimestamp: index * 1_440 });
      expect([value.samples.length, value.missingBefore]).toEqual([960, 0]);
    }
  });

  it("shows a gap of the stream, with what was left over before it, in the frame after it", async () => {
    const readers = new FrameReaders();
    const reader = readers.open({ frameMs: 30, sampleRate: 24_000 });
    for (const index of [0, 1, 10, 11, 12, 13]) push(readers, frame("a", index));
    const values = [await reader.next(), await reader.next()].map(({ value }) => value as AudioFrame);
    expect(values.map(({ rtpTimestamp }) => rtpTimestamp)).toEqual([0, 10 * FRAME_TICKS]);
    expect(values.map(({ missingBefore }) => missingBefore)).toEqual([0, (10 * FRAME_TICKS - 1_440) / 2]);
  });

  it("hands on what each packet holds, whatever its length, when frameMs is packet", async () => {
    const readers = new FrameReaders();
    const reader = readers.open({ frameMs: "packet", sampleRate: 16_001 });
    const ticks = [960, 961, 2_880];
    let at = 0;
    for (const count of ticks) {
      push(readers, frameAt("a", at, count));
      at += count;
    }
    for (const count of ticks) {
      const { value } = (await reader.next()) as IteratorYieldResult<AudioFrame>;
      // The resampler holds back a few samples of the first one.
      expect(Math.abs(value.rtpTicks - count)).toBeLessThan(100);
      expect(Math.abs(value.samples.length - (count * 16_001) / 48_000)).toBeLessThan(32);
    }
  });

  it("hands several frames of one push to several who wait", async () => {
    const readers = new FrameReaders();
    const reader = readers.open({ frameMs: 10 });
    const waiting = [reader.next(), reader.next(), reader.next()];
    push(readers, frame("a", 0));
    readers.end();
    const results = await Promise.all(waiting);
    expect(results.map(({ done }) => done)).toEqual([false, false, true]);
  });

  it("forgets peers from whom nothing came for long, and holds no more than there may be", async () => {
    const readers = new FrameReaders();
    const reader = readers.open({});
    for (let i = 0; i < 500; i++) push(readers, frame(`peer-${i}`, 0));
    readers.end();
    const read: string[] = [];
    for await (const { peerId } of reader) read.push(peerId);
    expect(read).toEqual(Array.from({ length: 32 }, (_, i) => `peer-${468 + i}`));
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

  it.each([
    ["frameMs", { frameMs: 25 }],
    ["frameMs", { frameMs: 0 }],
    ["frameMs", { frameMs: "20" }],
    ["sampleRate", { sampleRate: 7_999 }],
    ["sampleRate", { sampleRate: 48_001 }],
    ["sampleRate", { sampleRate: 16_000.5 }],
    ["sampleRate", { sampleRate: 22_050, frameMs: 10 }],
    ["sampleRate", { sampleRate: NaN }],
    ["channels", { channels: 3 }],
    ["channels", { channels: null }],
  ])("names %s when it is wrong: %j", (option, options) => {
    const open = (): unknown => new FrameReaders().open(options as FrameOptions);
    expect(open).toThrow(
      expect.objectContaining({
        code: "INVALID_DATA",
        message: expect.stringMatching(`^${option}: expected`) as string,
      }),
    );
  });

  it("takes every rate that makes whole samples", () => {
    const readers = new FrameReaders();
    for (const sampleRate of [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000]) {
      expect(() => readers.open({ sampleRate, frameMs: 40 })).not.toThrow();
    }
  });
});
