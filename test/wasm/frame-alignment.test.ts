import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/testing/random.ts";
import { FrameAlignment } from "../../src/wasm/frame-alignment.ts";

const FRAME_MS = 20;

let alignment: FrameAlignment;
let handle: number;
beforeEach(() => {
  alignment = new FrameAlignment({ capacity: 8, maxDelayMs: 300 });
  handle = 0;
});
afterEach(() => {
  alignment.close();
});

/** Two or more peers whose frames take 50 ms. */
function peers(count: number): number[] {
  return Array.from({ length: count }, () => {
    const index = alignment.addPeer();
    alignment.setDelay(index, 50);
    return index;
  });
}

function push(peer: number, captureMs: number, durationMs = FRAME_MS): number {
  alignment.push(peer, captureMs, durationMs, ++handle);
  return handle;
}

function rowAt(nowMs: number, windowMs?: number): { captureMs: number; handles: number[] } | undefined {
  const row = alignment.pop(nowMs, windowMs);
  return row && { captureMs: row.captureMs, handles: [...row.handles].slice(0, 3) };
}

describe("a row", () => {
  it("leaves as soon as every active peer has a frame, and carries the earliest capture time", () => {
    const [a = 0, b = 0] = peers(2);
    const first = push(a, 107);
    expect(rowAt(120)).toBeUndefined();
    const second = push(b, 100);
    expect(rowAt(120)).toEqual({ captureMs: 100, handles: [first, second, 0] });
    expect(alignment.rowCount).toBe(1);
  });

  it("takes a head within half a frame and leaves one beyond in its queue", () => {
    const [a = 0, b = 0] = peers(2);
    const [a0, a20] = [push(a, 100), push(a, 120)];
    const b11 = push(b, 111);
    expect(rowAt(200)).toEqual({ captureMs: 100, handles: [a0, 0, 0] });
    expect(rowAt(200)).toEqual({ captureMs: 111, handles: [a20, b11, 0] });
  });

  it("takes nothing outside the window", () => {
    const [a = 0, b = 0] = peers(2);
    push(a, 100);
    push(b, 106);
    expect(rowAt(160, 5)?.handles).toEqual([1, 0, 0]);
    expect(rowAt(160, 5)).toBeUndefined();
    expect(rowAt(161, 5)?.handles).toEqual([0, 2, 0]);
  });

  it("pairs a long frame with the short one nearest to it", () => {
    const [short = 0, long = 0] = peers(2);
    for (const captureMs of [100, 120, 140, 160]) push(short, captureMs);
    push(long, 100, 60);
    push(long, 160, 60);
    const rows = Array.from({ length: 4 }, () => rowAt(400)?.handles);
    expect(rows).toEqual([
      [1, 5, 0],
      [2, 0, 0],
      [3, 0, 0],
      [4, 6, 0],
    ]);
  });

  it("waits for a missing peer until the slowest one's last fitting frame would have come", () => {
    const [a = 0, b = 0] = peers(2);
    alignment.setDelay(b, 80);
    push(a, 100);
    expect(alignment.nextDueMs()).toBe(100 + FRAME_MS / 2 + 80);
    expect(rowAt(189.9)).toBeUndefined();
    expect(rowAt(190)?.handles).toEqual([1, 0, 0]);
  });

  it("waits no longer than maxDelayMs", () => {
    const [a = 0, b = 0] = peers(2);
    alignment.setDelay(b, 5000);
    push(a, 100);
    expect(alignment.nextDueMs()).toBe(400);
  });

  it("waits for a silent peer only as long as that one's frames take", () => {
    const [a = 0, b = 0] = peers(2);
    alignment.setDelay(a, 200);
    alignment.setDelay(b, 30);
    alignment.setSilent(b, true);
    push(a, 100);
    expect(alignment.nextDueMs()).toBe(100 + FRAME_MS / 2 + 30);
    const word = push(b, 105);
    expect(rowAt(106)?.handles).toEqual([1, word, 0]);
  });

  it("does not leave before its capture time, so a clock ahead shuts nobody out", () => {
    const [a = 0] = peers(1);
    push(a, 10_000);
    expect(rowAt(500)).toBeUndefined();
    const b = alignment.addPeer();
    const onTime = push(b, 460);
    expect(rowAt(500)?.handles).toEqual([0, onTime, 0]);
  });

  it("is not there when nothing waits", () => {
    peers(2);
    expect(rowAt(1e9)).toBeUndefined();
    expect(alignment.nextDueMs()).toBe(Infinity);
  });
});

describe("a frame", () => {
  it("that comes after its row is given back and counted late", () => {
    const [a = 0, b = 0] = peers(2);
    push(a, 100);
    rowAt(1000);
    expect(alignment.push(b, 110, FRAME_MS, 77)).toBe(77);
    expect(alignment.lastStatus).toBe("late");
    expect(alignment.push(b, 110.5, FRAME_MS, 78)).toBe(0);
    expect(alignment.getCounters(b)).toMatchObject({ pushed: 2, late: 1, waiting: 1 });
  });

  it("displaces the oldest when too many wait, itself when it is the oldest", () => {
    const [a = 0] = peers(2);
    for (let i = 0; i < 8; i++) push(a, 100 + i * FRAME_MS);
    expect(alignment.push(a, 260, FRAME_MS, 99)).toBe(1);
    expect(alignment.lastStatus).toBe("displaced");
    expect(alignment.push(a, 50, FRAME_MS, 98)).toBe(98);
    expect(alignment.lastStatus).toBe("displaced");
    expect(alignment.getCounters(a)).toMatchObject({ pushed: 10, overflow: 2, waiting: 8 });
    expect(rowAt(1000)?.captureMs).toBe(120);
  });

  it("takes its place by capture time, whenever it comes", () => {
    const [a = 0] = peers(1);
    for (const captureMs of [140, 100, 160, 120]) push(a, captureMs);
    const order = Array.from({ length: 4 }, () => rowAt(1000)?.captureMs);
    expect(order).toEqual([100, 120, 140, 160]);
  });

  it("keeps microseconds of its capture time at the age of the Unix epoch", () => {
    const [a = 0, b = 0] = peers(2);
    const nowMs = 1_767_225_600_000.125;
    push(a, nowMs + 0.001);
    push(b, nowMs);
    expect(rowAt(nowMs + 1)?.captureMs).toBe(nowMs);
  });
});

describe("a peer", () => {
  it("gives back what waits as it goes, and its place to the next", () => {
    const [a = 0, b = 0] = peers(2);
    const [first, second] = [push(a, 100), push(a, 120)];
    expect(alignment.removePeer(a)).toEqual([first, second]);
    expect(() => alignment.setSilent(a, true)).toThrow(/addPeer/);
    expect(alignment.addPeer()).toBe(a);
    expect(alignment.getCounters(a)).toEqual({
      pushed: 0,
      waiting: 0,
      aligned: 0,
      late: 0,
      overflow: 0,
      taken: 0,
    });
    push(b, 100);
    expect(alignment.pop(1000)?.handles[b]).toBe(3);
  });

  it("that comes late to the room finds the row that left closed", () => {
    const [a = 0] = peers(1);
    push(a, 100);
    rowAt(1000);
    const b = alignment.addPeer();
    expect(alignment.push(b, 100, FRAME_MS, 50)).toBe(50);
    expect(alignment.push(b, 101, FRAME_MS, 51)).toBe(0);
  });

  it("moves its waiting frames with a step of its clock and gives back those that are late then", () => {
    const [a = 0, b = 0] = peers(2);
    push(a, 100);
    push(b, 100);
    rowAt(1000);
    const [early, kept] = [push(a, 120), push(a, 140)];
    expect(alignment.shift(a, -25)).toEqual([early]);
    push(b, 120);
    expect(rowAt(1000)).toEqual({ captureMs: 115, handles: [kept, handle, 0] });
    expect(alignment.getCounters(a)).toMatchObject({ pushed: 3, aligned: 2, late: 1 });
  });

  it("is one of ten at most", () => {
    peers(FrameAlignment.maxPeers);
    expect(() => alignment.addPeer()).toThrow(expect.objectContaining({ code: "MAX_PEERS_EXCEEDED" }));
  });
});

describe("misuse", () => {
  it.each([
    [{ capacity: 100 }],
    [{ capacity: 1 }],
    [{ capacity: 8192 }],
    [{ maxDelayMs: -1 }],
    [{ maxDelayMs: Number.NaN }],
  ])("options %o are refused", (options) => {
    expect(() => new FrameAlignment(options)).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
  });

  it("an argument out of range changes nothing", () => {
    const [a = 0] = peers(1);
    const invalid: unknown = expect.objectContaining({ code: "INVALID_DATA" });
    expect(() => alignment.push(a, Number.NaN, 20, 1)).toThrow(invalid);
    expect(() => alignment.push(a, 100, 0, 1)).toThrow(invalid);
    expect(() => alignment.push(a, 100, 20, 0)).toThrow(invalid);
    expect(() => alignment.push(5, 100, 20, 1)).toThrow(invalid);
    expect(() => alignment.pop(Infinity)).toThrow(invalid);
    expect(() => alignment.pop(1, 101)).toThrow(invalid);
    expect(() => alignment.setDelay(a, -1)).toThrow(invalid);
    expect(() => alignment.shift(a, Number.NaN)).toThrow(invalid);
    expect(alignment.getCounters(a).pushed).toBe(0);
  });

  it("nothing but close() works after close()", () => {
    alignment.close();
    alignment.close();
    expect(() => alignment.pop(1)).toThrow(expect.objectContaining({ code: "ALREADY_SHUTDOWN" }));
  });
});

it.each([1, 2, 3, 4, 5])("every handle comes back exactly once, rows in order (seed %i)", (seed) => {
  const random = new SeededRandom(seed);
  const busy = new FrameAlignment({ capacity: 16, maxDelayMs: 200 });
  const waiting = new Set<number>();
  const present = new Map<number, number>();
  let lastMs = -Infinity;
  let nowMs = 0;
  let next = 0;
  const back = (returned: number): void => {
    if (returned !== 0 && !waiting.delete(returned)) throw new Error(`handle ${returned} came back twice`);
  };
  for (let step = 0; step < 5000; step++) {
    nowMs += random.next() * 6;
    if (present.size < 10 && random.chance(0.02)) present.set(busy.addPeer(), random.integer(1, 3) * 10);
    for (const [peer, frameMs] of present) {
      if (random.chance(0.3)) {
        waiting.add(++next);
        back(busy.push(peer, nowMs - random.next() * 250, frameMs, next));
      }
      if (random.chance(0.02)) busy.setDelay(peer, random.next() * 150);
      if (random.chance(0.02)) busy.setSilent(peer, random.chance(0.5));
      if (random.chance(0.002)) busy.shift(peer, random.normal() * 50).forEach(back);
      if (!random.chance(0.003)) continue;
      busy.removePeer(peer).forEach(back);
      present.delete(peer);
    }
    const row = random.chance(0.7) ? busy.pop(nowMs) : undefined;
    if (row === undefined) continue;
    expect(row.captureMs).toBeGreaterThanOrEqual(lastMs);
    expect(row.captureMs).toBeLessThanOrEqual(nowMs);
    lastMs = row.captureMs;
    row.handles.forEach(back);
  }
  const counters = [...present.keys()].map((peer) => busy.getCounters(peer));
  for (const { pushed, waiting: left, aligned, late, overflow, taken } of counters) {
    expect(pushed).toBe(left + aligned + late + overflow + taken);
  }
  expect(waiting.size).toBe(counters.reduce((sum, counter) => sum + counter.waiting, 0));
  busy.close();
});
