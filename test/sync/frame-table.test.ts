import { describe, expect, it } from "vitest";
import { FrameTable } from "../../src/sync/frame-table.ts";

const frame = (index: number) => ({
  rtpTimestamp: (0xffff_ff00 + index * 960) >>> 0,
  receivedAt: index * 20,
  index,
});
const NONE = -1;

describe("a frame table", () => {
  it("gives each frame back once", () => {
    const table = new FrameTable<ReturnType<typeof frame>>();
    const [a, b] = [table.put(frame(0)), table.put(frame(1))];
    expect(table.held).toBe(2);
    expect(table.take(b)?.index).toBe(1);
    expect(table.take(b)).toBeUndefined();
    expect(table.take(a)?.index).toBe(0);
    expect(table.take(99)).toBeUndefined();
    expect(table.held).toBe(0);
  });

  it("holds 2048 frames at most, the newest", () => {
    const table = new FrameTable<ReturnType<typeof frame>>();
    const handles = Array.from({ length: 5000 }, (_, i) => table.put(frame(i)));
    expect(table.held).toBe(2048);
    expect(table.take(handles[2951] as number)).toBeUndefined();
    expect(table.take(handles[2952] as number)?.index).toBe(2952);
  });

  it("lets go of what is older than the span, across the wrap of timestamps", () => {
    const table = new FrameTable<ReturnType<typeof frame>>();
    for (let i = 0; i < 20; i++) table.put(frame(i));
    table.sweep(frame(19).rtpTimestamp, 9600, -Infinity, NONE);
    expect(table.held).toBe(11);
  });

  it("spares a frame on probation until it is old by arrival", () => {
    const table = new FrameTable<ReturnType<typeof frame>>();
    const doubted = table.put({ rtpTimestamp: 0x8000_0000, receivedAt: 0, index: 99 });
    for (let i = 0; i < 5; i++) table.put(frame(i));
    table.sweep(frame(4).rtpTimestamp, 9600, -10, doubted);
    expect(table.held).toBe(6);
    table.sweep(frame(4).rtpTimestamp, 9600, 10, doubted);
    expect(table.take(doubted)).toBeUndefined();
  });

  it("keeps two frames and drops the others, or drops all", () => {
    const table = new FrameTable<ReturnType<typeof frame>>();
    const handles = Array.from({ length: 10 }, (_, i) => table.put(frame(i)));
    table.keepOnly(handles[7] as number, handles[9] as number);
    expect(table.held).toBe(2);
    expect(table.take(handles[8] as number)).toBeUndefined();
    expect(table.take(handles[7] as number)?.index).toBe(7);
    table.clear();
    expect(table.held).toBe(0);
    expect(table.take(handles[9] as number)).toBeUndefined();
    expect(table.take(table.put(frame(3)))?.index).toBe(3);
  });
});
