// The adaptive playout delay: what raises the target, what lowers it, and what must leave it alone.
import { describe, expect, it } from "vitest";
import { LAYOUT } from "../../src/wasm/generated/kernels.ts";
import { JitterBuffer } from "../../src/wasm/jitter-buffer.ts";
import type { BufferedPacket, InsertStatus, JitterBufferOptions } from "../../src/wasm/jitter-buffer.ts";
import { rtpPacket, seededRandom } from "./rtp-traffic.ts";

const CLOCK_RATE = 48_000;
const SLEW = 0.05;

interface Popped extends BufferedPacket {
  readonly atMs: number;
}

/** A sender whose packets arrive in any order, and a player that pops each when it is due. */
class Path {
  readonly buffer: JitterBuffer;
  readonly popped: Popped[] = [];
  readonly #targets: { atMs: number; targetMs: number }[] = [];
  #sequence = 65_000;
  #nowMs = -Infinity;
  readonly #waiting: { packet: Uint8Array; arrivalMs: number }[] = [];
  statuses: InsertStatus[] = [];

  constructor(options: Partial<JitterBufferOptions> = {}) {
    this.buffer = new JitterBuffer({ clockRate: CLOCK_RATE, mode: "adaptive", ...options });
  }

  /** One packet sent at `sentMs` arrives `transitMs` later. */
  send(sentMs: number, transitMs: number, mediaMs = sentMs): void {
    const rtpTimestamp = Math.round((mediaMs * CLOCK_RATE) / 1000) + 0xfffffff0;
    const packet = rtpPacket({ sequenceNumber: this.#sequence++, rtpTimestamp });
    this.#waiting.push({ packet, arrivalMs: sentMs + transitMs });
  }

  /** A packet each `frameMs`, from `fromMs` up to `toMs`. */
  stream(fromMs: number, toMs: number, transitMs: (sentMs: number) => number, frameMs = 20): void {
    for (let sentMs = fromMs; sentMs < toMs; sentMs += frameMs) this.send(sentMs, transitMs(sentMs));
    this.run();
  }

  /** Let everything arrive that has been sent. */
  run(): void {
    this.#waiting.sort((a, b) => a.arrivalMs - b.arrivalMs);
    for (const { packet, arrivalMs } of this.#waiting.splice(0)) {
      this.#popUntil(arrivalMs - 1e-6);
      this.#nowMs = arrivalMs;
      this.statuses.push(this.buffer.insert(packet, arrivalMs));
      this.#targets.push({ atMs: arrivalMs, targetMs: this.targetMs });
      this.#popUntil(arrivalMs);
    }
  }

  get targetMs(): number {
    return this.buffer.getStatistics().targetDelayMs;
  }

  /** Highest target seen at arrivals from `fromMs` on. */
  highestSince(fromMs: number): number {
    return Math.max(...this.#targets.filter(({ atMs }) => atMs >= fromMs).map(({ targetMs }) => targetMs));
  }

  #popUntil(limitMs: number): void {
    for (;;) {
      const atMs = Math.max(this.buffer.nextDueMs, this.#nowMs);
      if (!(atMs <= limitMs)) return;
      const packet = this.buffer.popNext(atMs);
      if (packet === undefined) throw new Error(`nothing to pop at ${atMs} ms, when a packet is due`);
      this.#nowMs = atMs;
      this.popped.push({ ...packet, atMs });
    }
  }
}

const calm = (): number => 30;
/** Transits of 30 to 30 + `spreadMs`. */
const noisy = (spreadMs: number, seed: number): (() => number) => {
  const random = seededRandom(seed);
  return () => 30 + random() * spreadMs;
};

describe("an undisturbed stream", () => {
  it.each([10, 20, 30, 60])("rests at the floor within two seconds with frames of %i ms", (frameMs) => {
    const path = new Path({ targetDelayMs: 80 });
    path.stream(0, 2000, calm, frameMs);
    expect(path.targetMs).toBe(20);
    path.stream(2000, 30_000, calm, frameMs);
    expect(path.highestSince(2000)).toBe(20);
    expect(path.buffer.getStatistics()).toMatchObject({ stretchedMs: 0, latePacketCount: 0, lostFrames: 0 });
    expect(path.buffer.getStatistics().shrunkMs).toBeCloseTo(60, 6);
  });

  it("keeps to the floor it is given", () => {
    const path = new Path({ minDelayMs: 0, targetDelayMs: 40 });
    path.stream(0, 5000, calm);
    expect(path.targetMs).toBe(5);
    const higher = new Path({ minDelayMs: 60, targetDelayMs: 60 });
    higher.stream(0, 5000, calm);
    expect(higher.targetMs).toBe(60);
  });

  it("falls by no more than 1 ms in 20", () => {
    const path = new Path({ targetDelayMs: 150 });
    path.stream(0, 6000, calm);
    expect(path.targetMs).toBe(20);
    for (const { stretchMs } of path.popped) expect(stretchMs).toBeGreaterThan(-20 * SLEW - 1e-6);
  });
});

describe("jitter", () => {
  it.each([1, 2, 3])("is covered by the target, and little more (seed %i)", (seed) => {
    const path = new Path();
    let lastMs = 0;
    const jitter = noisy(80, seed);
    // In order: a packet never arrives before the one sent before it.
    const inOrder = (sentMs: number): number => (lastMs = Math.max(lastMs, sentMs + jitter())) - sentMs;
    path.stream(0, 20_000, inOrder);
    expect(path.targetMs).toBeGreaterThan(65);
    expect(path.targetMs).toBeLessThan(95);
    expect(path.buffer.getStatistics()).toMatchObject({ latePacketCount: 0, bufferOverrunCount: 0 });
  });

  it("raises the target within a few packets of a longer route, and lowers it when that is the route", () => {
    const path = new Path();
    path.stream(0, 10_000, calm);
    path.stream(10_000, 10_200, () => 130);
    expect(path.targetMs).toBeGreaterThanOrEqual(100);
    path.stream(10_200, 20_000, () => 130);
    expect(path.targetMs).toBe(20);
    expect(path.buffer.getStatistics()).toMatchObject({ latePacketCount: 0, lostFrames: 0, resetCount: 0 });
  });

  it("lets the playout point fall by slew when the route becomes shorter, and drops nothing", () => {
    const path = new Path();
    path.stream(0, 10_000, () => 110);
    path.stream(10_000, 20_000, calm);
    expect(path.targetMs).toBe(20);
    const { latePacketCount, bufferOverrunCount, lostFrames } = path.buffer.getStatistics();
    expect({ latePacketCount, bufferOverrunCount, lostFrames }).toEqual({
      latePacketCount: 0,
      bufferOverrunCount: 0,
      lostFrames: 0,
    });
    const falls = path.popped.filter(({ atMs }) => atMs > 10_000).map(({ stretchMs }) => stretchMs);
    expect(falls.reduce((sum, ms) => sum + ms, 0)).toBeCloseTo(-80, 6);
    // Two packets may arrive between two pops.
    expect(Math.min(...falls)).toBeGreaterThan(-2 * 20 * SLEW - 1e-6);
  });

  it("follows a queue that fills slowly and empties at once, again and again", () => {
    const path = new Path();
    path.stream(0, 60_000, (sentMs) => 30 + (sentMs % 6000) / 60);
    const mean = path.popped.reduce((sum, { bufferDelayMs }) => sum + bufferDelayMs, 0) / path.popped.length;
    // Two seconds of growth are what the base lags behind, and the fall takes as long.
    expect(mean).toBeLessThan(70);
    expect(path.buffer.getStatistics()).toMatchObject({ latePacketCount: 0, bufferOverrunCount: 0 });
  });

  it("does not believe one packet", () => {
    const path = new Path();
    path.stream(0, 10_000, (sentMs) => (sentMs === 6000 ? 230 : 30));
    expect(path.highestSince(3000)).toBe(20);
  });

  it("does not pay for seconds after one stall", () => {
    const path = new Path();
    path.stream(0, 50_000, (sentMs) => 30 + (sentMs >= 40_000 && sentMs < 40_300 ? 40_300 - sentMs : 0));
    expect(path.highestSince(39_000)).toBeGreaterThan(60);
    expect(path.highestSince(39_000)).toBeLessThan(100);
    expect(path.highestSince(42_000)).toBe(20);
    expect(path.buffer.getStatistics().latePacketCount).toBe(0);
  });
});

describe("reordering", () => {
  it("is waited for where it is a habit", () => {
    const path = new Path();
    path.stream(0, 20_000, (sentMs) => (sentMs % 300 === 0 ? 100 : 30));
    const { latePacketCount } = path.buffer.getStatistics();
    expect(path.targetMs).toBeGreaterThanOrEqual(70);
    expect(path.targetMs).toBeLessThan(90);
    path.stream(20_000, 40_000, (sentMs) => (sentMs % 300 === 0 ? 100 : 30));
    expect(path.buffer.getStatistics().latePacketCount).toBe(latePacketCount);
  });

  it("is not waited for where that would cost more than the packets are worth", () => {
    const path = new Path();
    path.stream(0, 30_000, (sentMs) => (sentMs % 2000 === 1000 ? 180 : 30));
    expect(path.targetMs).toBeLessThanOrEqual(25);
  });
});

describe("pauses", () => {
  it("of the sender change nothing", () => {
    const path = new Path();
    path.stream(0, 20_000, (sentMs) => (sentMs % 600 < 100 ? 130 - (sentMs % 600) : 30));
    const before = path.targetMs;
    expect(before).toBeGreaterThan(60);
    path.stream(80_000, 80_400, calm);
    expect(path.targetMs).toBeGreaterThan(before - 10);
    expect(path.targetMs).toBeLessThanOrEqual(before + 10);
  });

  it("are not what jitter is forgotten by: comfort noise weighs little", () => {
    const path = new Path();
    path.stream(0, 20_000, (sentMs) => (sentMs % 600 < 100 ? 130 - (sentMs % 600) : 30));
    const before = path.targetMs;
    path.stream(20_000, 40_000, calm, 400);
    expect(path.targetMs).toBeGreaterThan(before - 15);
  });

  it("do not let one late packet behind them raise the target", () => {
    const path = new Path();
    path.stream(0, 10_000, calm);
    path.send(20_000, 110);
    path.run();
    path.stream(20_400, 22_000, calm);
    expect(path.highestSince(10_000)).toBeLessThanOrEqual(40);
  });
});

describe("limits", () => {
  it("hold: the target stays within its bounds whatever comes", () => {
    const random = seededRandom(5);
    const path = new Path({ minDelayMs: 10, targetDelayMs: 30, maxDelayMs: 120 });
    for (let part = 0; part < 40; part++) {
      const [least, spread] = [random() * 300, random() * 200];
      path.stream(part * 1000, part * 1000 + 1000, () => least + random() * spread);
      expect(path.targetMs).toBeGreaterThanOrEqual(10);
      expect(path.targetMs).toBeLessThanOrEqual(120);
    }
  });

  it("plays a burst behind a stall of twice the maximum, although the target was low", () => {
    const path = new Path({ maxDelayMs: 150 });
    path.stream(0, 10_000, calm);
    path.stream(10_000, 10_280, (sentMs) => 10_280 + 30 - sentMs);
    expect(path.statuses.filter((status) => status !== "buffered")).toEqual([]);
  });

  it("begins anew with the sender's timeline and keeps its delay", () => {
    const path = new Path();
    path.stream(0, 5000, (sentMs) => 30 + (sentMs % 500 < 100 ? 100 - (sentMs % 500) : 0));
    const before = path.targetMs;
    for (let n = 0; n < 4; n++) path.send(5000 + n * 20, 30, 1e7 + n * 20);
    path.run();
    expect(path.statuses).toContain("reset");
    expect(path.targetMs).toBeGreaterThan(before - 5);
  });

  it("gives an adaptive stream no more room than a whole number of cache lines", () => {
    expect(LAYOUT.CONTROL_BYTES % 64).toBe(0);
  });
});

describe("stretchMs", () => {
  it("says how the playout point has moved from packet to packet", () => {
    const random = seededRandom(8);
    const path = new Path();
    path.stream(0, 30_000, (sentMs) => 30 + (Math.floor(sentMs / 5000) % 2) * 60 + random() * 30);
    const { stretchedMs, shrunkMs } = path.buffer.getStatistics();
    const moves = path.popped.map(({ stretchMs }) => stretchMs);
    const sumOf = (values: number[]): number => values.reduce((sum, ms) => sum + ms, 0);
    expect(stretchedMs).toBeCloseTo(sumOf(moves.filter((ms) => ms > 0)), 6);
    expect(shrunkMs).toBeCloseTo(-sumOf(moves.filter((ms) => ms < 0)), 6);
    expect(stretchedMs).toBeGreaterThan(60);
    expect(moves[0]).toBe(0);
  });

  it("is the step of a target set from outside", () => {
    const buffer = new JitterBuffer({ clockRate: CLOCK_RATE, targetDelayMs: 50 });
    const insert = (n: number): void => {
      buffer.insert(rtpPacket({ sequenceNumber: n, rtpTimestamp: n * 960 }), n * 20);
    };
    insert(0);
    expect(buffer.popNext(50)?.stretchMs).toBe(0);
    buffer.setTargetDelay(90);
    insert(1);
    expect(buffer.popNext(110)?.stretchMs).toBeCloseTo(40, 9);
    buffer.setTargetDelay(60);
    insert(2);
    expect(buffer.popNext(110)?.stretchMs).toBeCloseTo(-30, 9);
    expect(buffer.getStatistics().stretchedMs).toBeCloseTo(40, 9);
    expect(buffer.getStatistics().shrunkMs).toBeCloseTo(30, 9);
  });
});

describe("a floor set from outside", () => {
  it("is kept at once, and left by slew when it sinks", () => {
    const path = new Path({ targetDelayMs: 20, minDelayMs: 20 });
    path.stream(0, 2_000, () => 10);
    expect(path.targetMs).toBeCloseTo(20, 6);
    path.buffer.setMinDelay(80);
    expect(path.targetMs).toBe(80);
    path.stream(2_000, 4_000, () => 10);
    expect(path.targetMs).toBe(80);
    path.buffer.setMinDelay(20);
    path.stream(4_000, 4_400, () => 10);
    expect(path.targetMs).toBeGreaterThan(55);
    expect(path.targetMs).toBeLessThan(65);
    path.stream(4_400, 8_000, () => 10);
    expect(path.targetMs).toBeCloseTo(20, 6);
  });

  it("is refused where nothing adapts, and out of range", () => {
    const fixed = new JitterBuffer({ clockRate: CLOCK_RATE });
    expect(() => fixed.setMinDelay(30)).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
    const adaptive = new JitterBuffer({ clockRate: CLOCK_RATE, mode: "adaptive" });
    expect(() => adaptive.setMinDelay(201)).toThrow(/minDelayMs must be .* \(200\)/);
  });
});

describe("options", () => {
  const create = (options: Partial<JitterBufferOptions>): (() => JitterBuffer) => {
    return () => new JitterBuffer({ clockRate: CLOCK_RATE, ...options });
  };

  it.each([
    ["mode", { mode: "clever" as "fixed" }],
    ["minDelayMs", { minDelayMs: 20 }],
    ["minDelayMs", { mode: "adaptive", minDelayMs: 60 } as const],
    ["minDelayMs", { mode: "adaptive", minDelayMs: -1 } as const],
    ["minDelayMs", { mode: "adaptive", minDelayMs: "20" as unknown as number } as const],
  ])("refuse a bad %s and name it", (path, options) => {
    expect(create(options)).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
    expect(create(options)).toThrow(path);
  });

  it("name every fault at once", () => {
    expect(create({ mode: "clever" as "fixed", minDelayMs: -1, targetDelayMs: 900 })).toThrow(
      /targetDelayMs.*mode.*minDelayMs/,
    );
  });

  it("have a floor of 20 ms, or of the target if that is lower", () => {
    const path = new Path({ targetDelayMs: 10 });
    path.stream(0, 3000, calm);
    expect(path.targetMs).toBe(10);
  });
});
