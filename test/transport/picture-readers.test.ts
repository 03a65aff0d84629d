import { describe, expect, it, vi } from "vitest";
import type { PeerPicture } from "../../src/media/video/picture-decoding.ts";
import { PictureReaders } from "../../src/transport/picture-readers.ts";
import type { PictureFrame } from "../../src/runtime/data.ts";

/** A picture whose every sample and timestamp is its number. */
function picture(number: number, peerId = "bob"): PeerPicture {
  const plane = (length: number): Uint8Array => new Uint8Array(length).fill(number);
  return {
    kind: "video",
    peerId,
    streamId: "default",
    width: 2,
    height: 2,
    format: "I420",
    planes: [plane(4), plane(1), plane(1)],
    rotation: 0,
    rtpTimestamp: number,
    wallClockTimestampUs: number,
    wallClockErrorUs: null,
    timelineEpoch: 0,
    isKeyframe: false,
    framerateEstimate: 30,
    bufferDelayMs: 1,
    audioSyncOffsetMs: 0,
    syncConfidence: 1,
  };
}

const open = (readers: PictureReaders, options = {}) => readers.open({ kind: "video", ...options });

async function rest(reader: AsyncIterableIterator<PictureFrame>): Promise<string[]> {
  const found: string[] = [];
  for await (const { peerId, rtpTimestamp, missingBefore } of reader) {
    found.push(`${peerId}${rtpTimestamp}-${missingBefore}`);
  }
  return found;
}

describe("readers of pictures", () => {
  it("get pictures in order, those that wait and those that come", async () => {
    const readers = new PictureReaders(() => undefined);
    const reader = open(readers);
    readers.push(picture(1));
    const both = [reader.next(), reader.next()];
    readers.push(picture(2, "carol"));
    readers.push(picture(3));
    readers.end();
    expect((await Promise.all(both)).map(({ value }) => (value as PictureFrame).rtpTimestamp)).toEqual([
      1, 2,
    ]);
    expect(await rest(reader)).toEqual(["bob3-0"]);
  });

  it("lose their own oldest pictures of a peer beyond four, and are told", async () => {
    const readers = new PictureReaders(() => undefined);
    const slow = open(readers);
    const fast = open(readers);
    const seen: number[] = [];
    for (let number = 1; number <= 6; number++) {
      readers.push(picture(number));
      seen.push(((await fast.next()).value as PictureFrame).missingBefore);
    }
    readers.push(picture(7, "carol"));
    readers.end();
    expect(await rest(slow)).toEqual(["bob3-2", "bob4-0", "bob5-0", "bob6-0", "carol7-0"]);
    expect(seen).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it("keep a bounded number of pictures however many peers come and go", async () => {
    const readers = new PictureReaders(() => undefined);
    const reader = open(readers);
    for (let number = 0; number < 100; number++) readers.push(picture(number % 250, `peer${number}`));
    readers.end();
    expect(await rest(reader)).toHaveLength(40);
  });

  it("want one peer's pictures, or all", async () => {
    const readers = new PictureReaders(() => undefined);
    const reader = open(readers, { peerId: "bob" });
    expect([readers.wants("bob"), readers.wants("carol")]).toEqual([true, false]);
    readers.push(picture(1, "carol"));
    readers.push(picture(2));
    open(readers);
    expect(readers.wants("carol")).toBe(true);
    readers.end();
    expect(await rest(reader)).toEqual(["bob2-0"]);
  });

  it("own their planes", async () => {
    const readers = new PictureReaders(() => undefined);
    const [first, second] = [open(readers), open(readers)];
    readers.push(picture(5));
    const one = (await first.next()).value as PictureFrame;
    for (const plane of one.planes) plane.fill(0);
    const two = (await second.next()).value as PictureFrame;
    expect(two.planes.map((plane) => [...plane])).toEqual([[5, 5, 5, 5], [5], [5]]);
  });

  it("end with their signal, by breaking off, or with all others, and the change is told each time", async () => {
    const onChange = vi.fn();
    const readers = new PictureReaders(onChange);
    const abort = new AbortController();
    const bySignal = open(readers, { signal: abort.signal });
    const byBreak = open(readers);
    open(readers);
    expect([onChange.mock.calls.length, readers.active]).toEqual([3, true]);
    abort.abort();
    expect(await bySignal.next()).toEqual({ done: true, value: undefined });
    readers.push(picture(1));
    expect((await byBreak.next()).done).toBe(false);
    await byBreak.return?.();
    expect([onChange.mock.calls.length, readers.active]).toEqual([5, true]);
    readers.end();
    expect([onChange.mock.calls.length, readers.active]).toEqual([6, false]);
    expect(await open(readers, { signal: abort.signal }).next()).toEqual({ done: true, value: undefined });
    expect(readers.active).toBe(false);
  });

  it("leave nothing behind at a signal that outlives them", async () => {
    const { signal } = new AbortController();
    const [added, removed] = [vi.spyOn(signal, "addEventListener"), vi.spyOn(signal, "removeEventListener")];
    const readers = new PictureReaders(() => undefined);
    await open(readers, { signal }).return?.();
    expect(removed.mock.calls[0]?.[1]).toBe(added.mock.calls[0]?.[1]);
  });

  it("are refused for a peer that cannot be", () => {
    const readers = new PictureReaders(() => undefined);
    expect(() => open(readers, { peerId: "no id" })).toThrow(
      expect.objectContaining({ code: "INVALID_DATA" }),
    );
    expect(readers.active).toBe(false);
  });
});
