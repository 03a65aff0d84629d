import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AlignedRows } from "../../src/sync/aligned-rows.ts";
import type { AlignedRow, RowStatus } from "../../src/sync/aligned-rows.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { WALL_OFFSET_MS, syncedFrame } from "./aligned-frame.ts";
import type { FrameFacts } from "./aligned-frame.ts";

let rows: AlignedRows;
beforeEach(() => {
  rows = new AlignedRows({ wallOffsetMs: WALL_OFFSET_MS });
});
afterEach(() => {
  rows.close();
});

/** A frame that comes `delayMs` after its capture. */
function come(peerId: string, delayMs: number, facts: FrameFacts): RowStatus {
  return rows.push(peerId, syncedFrame(facts), facts.captureMs + delayMs);
}

/** The peers of a row and its local capture time. */
function shape(row: AlignedRow | undefined): [number, ...string[]] | undefined {
  return row && [row.captureUs / 1000 - WALL_OFFSET_MS, ...row.frames.map(([peerId]) => peerId)];
}

describe("a row", () => {
  it("holds what peers captured together, however differently it came", () => {
    rows.addPeer("near");
    rows.addPeer("far");
    const near = syncedFrame({ captureMs: 1000 });
    const far = syncedFrame({ captureMs: 1004, wallClockErrorUs: 8000 });
    rows.push("near", near, 1030);
    expect(rows.pull(1031)).toBeUndefined();
    rows.push("far", far, 1164);
    expect(rows.pull(1164)).toEqual({
      captureUs: (1000 + WALL_OFFSET_MS) * 1000,
      frames: [
        ["near", near],
        ["far", far],
      ],
      missing: [],
      behind: [],
      errorUs: 8000,
    });
  });

  it("has no error bound when one of its frames has none", () => {
    rows.addPeer("a");
    come("a", 30, { captureMs: 1000, wallClockErrorUs: null });
    expect(rows.pull(1100)?.errorUs).toBeNull();
  });

  it("leaves without a peer that stopped, once that one's frame would have come", () => {
    rows.addPeer("a");
    rows.addPeer("stopped");
    come("a", 30, { captureMs: 1000 });
    come("stopped", 90, { captureMs: 1000 });
    expect(shape(rows.pull(1090))).toEqual([1000, "a", "stopped"]);
    come("a", 30, { captureMs: 1020 });
    expect(rows.nextDueMs).toBeCloseTo(1020 + 10 + 90);
    expect(rows.pull(1119)).toBeUndefined();
    const row = rows.pull(1120.001);
    expect(shape(row)).toEqual([1020, "a"]);
    expect(row?.missing).toEqual(["stopped"]);
  });

  it("does not mark peers in silence, and waits for them as long as their frames take", () => {
    rows.addPeer("a");
    rows.addPeer("silent");
    come("a", 80, { captureMs: 1000 });
    come("silent", 30, { captureMs: 1000 });
    rows.pull(1080);
    rows.setSilent("silent", true);
    come("a", 30, { captureMs: 1020 });
    expect(rows.pull(1059)).toBeUndefined();
    const row = rows.pull(1060.001);
    expect(shape(row)).toEqual([1020, "a"]);
    expect(row?.missing).toEqual([]);
  });

  it("does not wait for a peer slower than maxAlignDelayMs, but marks it", () => {
    rows.addPeer("a");
    rows.addPeer("slow");
    expect(come("slow", 450, { captureMs: 600 })).toBe("queued");
    expect(shape(rows.pull(1051))).toEqual([600, "slow"]);
    come("a", 30, { captureMs: 1030 });
    const row = rows.pull(1061);
    expect(shape(row)).toEqual([1030, "a"]);
    expect(row?.behind).toEqual(["slow"]);
    expect(row?.missing).toEqual([]);
    expect(come("slow", 450, { captureMs: 620 })).toBe("late");
    expect(rows.getCounters("slow")).toMatchObject({ late: 1, aligned: 1 });
  });

  it("waits again for a peer that has become fast enough", () => {
    rows.addPeer("a");
    rows.addPeer("b");
    come("b", 450, { captureMs: 600 });
    rows.pull(1051);
    come("b", 60, { captureMs: 1000 });
    come("a", 30, { captureMs: 1040 });
    expect(shape(rows.pull(1071))).toEqual([1000, "b"]);
    expect(rows.pull(1071)).toBeUndefined();
    come("b", 60, { captureMs: 1040 });
    expect(shape(rows.pull(1100))).toEqual([1040, "a", "b"]);
  });

  it("may be delayed by no peer beyond maxAlignDelayMs", () => {
    rows.addPeer("a");
    rows.addPeer("b");
    come("b", 30, { captureMs: 700 });
    come("b", 400, { captureMs: 720 });
    while (rows.pull(1200) !== undefined) continue;
    come("a", 30, { captureMs: 2000 });
    expect(rows.nextDueMs).toBeCloseTo(2300, 3);
  });

  it("does not call a peer missing while its longer frame lasts", () => {
    rows.addPeer("short");
    rows.addPeer("long");
    for (let captureMs = 1000; captureMs < 1080; captureMs += 20) come("short", 30, { captureMs });
    come("long", 70, { captureMs: 1000, frameMs: 60 });
    const taken = Array.from({ length: 4 }, () => rows.pull(1500));
    expect(taken.map(shape)).toEqual([
      [1000, "short", "long"],
      [1020, "short"],
      [1040, "short"],
      [1060, "short"],
    ]);
    expect(taken.map((row) => row?.missing)).toEqual([[], [], [], ["long"]]);
  });
});

describe("a step of the capture times", () => {
  it("backwards moves what waits along and drops what is late then", () => {
    rows.addPeer("a");
    rows.addPeer("b");
    const stepMs = -30;
    for (const captureMs of [1000, 1020]) come("a", 60, { captureMs });
    come("b", 60, { captureMs: 1000 });
    expect(shape(rows.pull(1080))).toEqual([1000, "a", "b"]);
    const after = { captureMs: 1040 + stepMs, rtpTimestamp: 1040 * 48, timelineEpoch: 1 };
    expect(rows.push("a", syncedFrame(after), 1100)).toBe("queued");
    expect(rows.getCounters("a")).toEqual({
      pushed: 3,
      waiting: 1,
      aligned: 1,
      late: 1,
      overflow: 0,
      taken: 0,
    });
    come("b", 60, { captureMs: 1015 });
    expect(shape(rows.pull(1101))).toEqual([1010, "a", "b"]);
  });

  it("forwards moves what waits along", () => {
    rows.addPeer("a");
    rows.addPeer("b");
    come("a", 60, { captureMs: 1000, rtpTimestamp: 2 ** 32 - 480 });
    come("a", 60, { captureMs: 1520, rtpTimestamp: 480, timelineEpoch: 1 });
    for (const captureMs of [1500, 1520]) come("b", 60, { captureMs });
    expect(shape(rows.pull(1600))).toEqual([1500, "a", "b"]);
    expect(shape(rows.pull(1600))).toEqual([1520, "a", "b"]);
  });

  it("to another RTP timeline moves nothing", () => {
    rows.addPeer("a");
    come("a", 60, { captureMs: 1000, rtpTimestamp: 7 });
    come("a", 60, { captureMs: 1040, rtpTimestamp: 2 ** 31, timelineEpoch: 1 });
    expect(shape(rows.pull(2000))).toEqual([1000, "a"]);
    expect(shape(rows.pull(2000))).toEqual([1040, "a"]);
  });
});

describe("bounds", () => {
  it("nobody pulls: the oldest frames go and are counted", () => {
    rows.addPeer("a");
    for (let captureMs = 0; captureMs < 60_000; captureMs += 20) come("a", 30, { captureMs });
    const { pushed, waiting, overflow } = rows.getCounters("a") ?? {};
    expect(pushed).toBe(3000);
    expect(waiting).toBe(128);
    expect(overflow).toBe(3000 - 128);
    expect(shape(rows.pull(60_000))).toEqual([60_000 - 128 * 20, "a"]);
  });

  it("a peer that labels its frames a year ahead disturbs nobody", () => {
    rows.addPeer("ahead");
    rows.addPeer("a");
    for (let captureMs = 1000; captureMs < 9000; captureMs += 20) {
      rows.push("ahead", syncedFrame({ captureMs: captureMs + 3e10 }), captureMs + 25);
      expect(come("a", 30, { captureMs })).toBe("queued");
      expect(shape(rows.pull(captureMs + 30))).toEqual([captureMs, "a"]);
    }
  });

  it("peers come and go, at most ten at a time", () => {
    for (let round = 0; round < 30; round++) {
      rows.addPeer(`p${round}`);
      rows.addPeer(`p${round}`);
      come(`p${round}`, 30, { captureMs: 1000 + round });
      rows.removePeer(`p${round - 9}`);
    }
    rows.addPeer("tenth");
    expect(() => {
      rows.addPeer("eleventh");
    }).toThrow(expect.objectContaining({ code: "MAX_PEERS_EXCEEDED" }));
    expect(shape(rows.pull(5000))?.slice(1)).toHaveLength(9);
    rows.removePeer("unknown");
    expect(rows.getCounters("unknown")).toBeUndefined();
  });
});

describe("misuse", () => {
  it("is refused with the field's name", () => {
    const options = { wallOffsetMs: 0, maxAlignDelayMs: 49 };
    expect(() => new AlignedRows(options)).toThrow(/maxAlignDelayMs must be 50 to 2000, got 49/);
    expect(() => new AlignedRows({ wallOffsetMs: Number.NaN })).toThrow(/wallOffsetMs/);
    expect(() => come("stranger", 1, { captureMs: 1 })).toThrow(/stranger/);
    rows.addPeer("a");
    expect(() => come("a", 1, { captureMs: Number.NaN })).toThrow(/wallClockTimestampUs/);
    const encoded = new AlignedRows<Uint8Array>({ wallOffsetMs: WALL_OFFSET_MS });
    encoded.addPeer("a");
    const frame = { ...syncedFrame({ captureMs: 1000 }), samples: new Uint8Array(40) };
    expect(() => encoded.push("a", frame, 1030)).toThrow(/durationMs/);
    expect(encoded.push("a", frame, 1030, 20)).toBe("queued");
    expect(encoded.pull(1030)?.frames[0]?.[1]).toBe(frame);
    encoded.close();
  });
});

interface Sender {
  readonly frameMs: number;
  readonly delayMs: number;
  nextMs: number;
  knownMs: number;
  epoch: number;
  shiftMs: number;
}

const MAX_DELAY_MS = 250;
/** Half of the longest frame. */
const SPAN_MS = 30;

/** Peers with 10, 20 and 60 ms frames, delays, gaps, stops, silence and steps. */
class Room {
  readonly #random: SeededRandom;
  readonly rows = new AlignedRows({ wallOffsetMs: WALL_OFFSET_MS, maxAlignDelayMs: MAX_DELAY_MS });
  readonly senders = new Map<string, Sender>();
  /** Frames pushed and not seen in a row, with the frame's length. */
  readonly pending = new Map<object, number>();
  readonly counts = { pushed: 0, late: 0, rows: 0, inRows: 0, removed: 0, overflow: 0 };
  lastUs = -Infinity;
  #born = 0;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  tick(nowMs: number): void {
    const random = this.#random;
    if (this.senders.size < 10 && random.chance(0.01)) this.#join(nowMs);
    for (const [peerId, sender] of this.senders) {
      while (sender.nextMs + sender.delayMs <= nowMs) this.#send(peerId, sender, nowMs);
      if (random.chance(0.0005)) sender.nextMs += 1000;
      if (random.chance(0.001)) this.rows.setSilent(peerId, random.chance(0.5));
      if (random.chance(0.0003)) this.#leave(peerId);
    }
    for (let row = this.rows.pull(nowMs); row !== undefined; row = this.rows.pull(nowMs))
      this.#check(row, nowMs);
  }

  #join(nowMs: number): void {
    const random = this.#random;
    const peerId = `p${this.#born++}`;
    const frameMs = [10, 20, 60][random.integer(0, 2)] as number;
    this.rows.addPeer(peerId);
    this.senders.set(peerId, {
      frameMs,
      nextMs: nowMs,
      delayMs: frameMs + random.next() * 300,
      epoch: 0,
      shiftMs: 0,
      knownMs: Infinity,
    });
  }

  #leave(peerId: string): void {
    const counters = this.rows.getCounters(peerId);
    this.counts.removed += counters?.waiting ?? 0;
    this.counts.late += counters?.late ?? 0;
    this.counts.overflow += counters?.overflow ?? 0;
    this.rows.removePeer(peerId);
    this.senders.delete(peerId);
  }

  #send(peerId: string, sender: Sender, nowMs: number): void {
    const random = this.#random;
    if (random.chance(0.001)) {
      sender.epoch++;
      sender.shiftMs += random.normal() * 20;
    }
    const captureMs = sender.nextMs + sender.shiftMs;
    const rtpTimestamp = Math.round(sender.nextMs * 48) >>> 0;
    sender.nextMs += sender.frameMs;
    if (random.chance(0.02)) return;
    const frame = syncedFrame({
      captureMs,
      rtpTimestamp,
      frameMs: sender.frameMs,
      timelineEpoch: sender.epoch,
    });
    this.counts.pushed++;
    if (this.rows.push(peerId, frame, nowMs) !== "late") this.pending.set(frame, sender.frameMs);
    else if (captureMs > sender.knownMs && sender.epoch === 0 && sender.delayMs <= MAX_DELAY_MS - SPAN_MS) {
      throw new Error(
        `a frame of ${peerId} is late at ${nowMs} ms, although it takes ${sender.delayMs} ms as before`,
      );
    }
    // Rows had not waited for it before.
    sender.knownMs = Math.min(sender.knownMs, nowMs);
  }

  #check(row: AlignedRow, nowMs: number): void {
    if (row.captureUs < this.lastUs) throw new Error("a row lies before the one before it");
    if (row.captureUs / 1000 > nowMs + WALL_OFFSET_MS) throw new Error("a row of the future");
    this.lastUs = row.captureUs;
    this.counts.rows++;
    const names = new Set([...row.frames.map(([peerId]) => peerId), ...row.missing, ...row.behind]);
    if (names.size !== row.frames.length + row.missing.length + row.behind.length) {
      throw new Error("a peer stands in a row twice");
    }
    for (const [, frame] of row.frames) {
      const frameMs = this.pending.get(frame);
      if (frameMs === undefined) throw new Error("a frame left twice");
      this.pending.delete(frame);
      this.counts.inRows++;
    }
    this.#checkSpan(row);
  }

  #checkSpan({ frames }: AlignedRow): void {
    // Frames that waited through a step carry an old label: the row's time is the moved one.
    const steady = frames.filter(
      ([peerId, frame]) => this.senders.get(peerId)?.epoch === frame.timelineEpoch,
    );
    const times = steady.map(([, frame]) => frame.wallClockTimestampUs / 1000);
    const lengths = steady.map(([, frame]) => frame.samples.length / 48);
    if (Math.max(...times) - Math.min(...times) > Math.max(...lengths) / 2 + 0.001) {
      throw new Error(`a row spans ${Math.max(...times) - Math.min(...times)} ms`);
    }
  }
}

it.each([11, 12, 13, 14, 15, 16])("every frame that came in time leaves in one row (seed %i)", (seed) => {
  const room = new Room(seed);
  for (let nowMs = 0; nowMs < 60_000; nowMs += 5) room.tick(nowMs);
  const { counts } = room;
  for (let nowMs = 60_000; nowMs < 62_000; nowMs += 5) {
    for (const sender of room.senders.values()) sender.nextMs = Infinity;
    room.tick(nowMs);
  }
  let [late, overflow] = [counts.late, counts.overflow];
  for (const peerId of room.senders.keys()) {
    const counters = room.rows.getCounters(peerId);
    expect(counters?.waiting).toBe(0);
    late += counters?.late ?? 0;
    overflow += counters?.overflow ?? 0;
  }
  expect(overflow).toBe(0);
  expect(counts.inRows).toBeGreaterThan(1000);
  expect(counts.inRows + late + counts.removed).toBe(counts.pushed);
  room.rows.close();
});
