import { describe, expect, it } from "vitest";
import { arrivalsOf, unplayed, withoutCopies } from "../../../src/cli/replay/arrivals.ts";
import { playTrace } from "../../../src/cli/replay/playback.ts";
import type { TracePacket } from "../../../src/cli/replay/playback.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
import { rtp } from "./trace-bytes.ts";

const RATE = 8_000;

function packet(sequence: number, delayMs: number, timestamp = 160 * sequence): TracePacket {
  return { packet: rtp(sequence, { timestamp }), arrivalMs: 20 * sequence + delayMs };
}

describe("arrivals", () => {
  it("have their delay above the fastest packet, over a wrap of the timestamps", () => {
    const packets = [5, 0, 30].map((delayMs, i) => packet(i, delayMs, 0xffff_ffff + 160 * i));
    const [timeline] = arrivalsOf(packets, RATE);
    expect(timeline?.map(({ delayMs }) => delayMs)).toEqual([5, 0, 30]);
    expect(timeline?.map(({ ticks }) => ticks)).toEqual([0, 160, 320]);
  });

  it("begin another timeline where the sender begins anew", () => {
    const packets = [packet(0, 0), packet(1, 0), packet(2, 0, 4_000_000), packet(3, 10, 4_000_160)];
    const delays = arrivalsOf(packets, RATE).map((timeline) => timeline.map(({ delayMs }) => delayMs));
    expect(delays).toEqual([
      [0, 0],
      [0, 10],
    ]);
  });

  it("tell copies by sequence number and timestamp", () => {
    const packets = [packet(0, 0), packet(1, 0), packet(1, 5), packet(0, 50)];
    expect(withoutCopies(packets)).toEqual(packets.slice(0, 2));
  });
});

describe("packets that were not played", () => {
  it("are as many as the playback counts late, and each came later than its neighbors were played (seed 3)", () => {
    const random = new SeededRandom(3);
    const packets = Array.from({ length: 2000 }, (_, i) => packet(i, 10 + 25 * Math.abs(random.normal())));
    packets.sort((a, b) => a.arrivalMs - b.arrivalMs);
    const { late, samples } = playTrace(packets, { clockRate: RATE, mode: "fixed", delayMs: 40 });
    expect(late).toBeGreaterThan(20);
    const [timeline = []] = arrivalsOf(packets, RATE);
    const missed = unplayed(timeline, samples, RATE);
    expect(missed).toHaveLength(late);
    expect(Math.min(...missed.map(({ delayMs }) => delayMs))).toBeGreaterThan(40);
  });
});
