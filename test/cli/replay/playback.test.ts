// What a playback says of traces whose outcome can be worked out by hand.
import { describe, expect, it } from "vitest";
import { playTrace } from "../../../src/cli/replay/playback.ts";
import type { PlaybackOptions, TracePacket } from "../../../src/cli/replay/playback.ts";
import type { PlaybackReport } from "../../../src/cli/replay/playback-report.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
import { rtpPacket } from "../../wasm/rtp-traffic.ts";

const FRAME_MS = 20;
const TICKS = 160;
const FIXED: PlaybackOptions = { clockRate: 8000, mode: "fixed", delayMs: 50 };

/** Frame `n`, sent at n x 20 ms, arrives `transitMs` later. */
function frame(n: number, transitMs = 30, ticks = TICKS): TracePacket {
  const packet = rtpPacket({ sequenceNumber: 65_530 + n, rtpTimestamp: 0xfffff000 + n * ticks });
  return { packet, arrivalMs: n * FRAME_MS + transitMs };
}

/** 100 frames, some of them otherwise. */
function frames(transitOf: (n: number) => number | undefined): TracePacket[] {
  return Array.from({ length: 100 }, (_, n) => n).flatMap((n) => {
    const transitMs = transitOf(n);
    return transitMs === undefined ? [] : [frame(n, transitMs)];
  });
}

const without = ({ samples: _, ...sums }: PlaybackReport): Omit<PlaybackReport, "samples"> => sums;

describe("a trace without disturbance", () => {
  it("has the target as its delay, and costs nothing", () => {
    const report = playTrace(
      frames(() => 30),
      FIXED,
    );
    expect(without(report)).toMatchObject({
      packets: 100,
      malformed: 0,
      played: 100,
      lost: 0,
      reordered: 0,
      duplicates: 0,
      late: 0,
      latePercent: 0,
    });
    expect(report.delayMs.mean).toBeCloseTo(50, 6);
    expect(report.delayMs.p95).toBeCloseTo(50, 6);
    expect(report.concealedMs + report.timeScaledMs.stretched + report.timeScaledMs.shrunk).toBeCloseTo(0, 6);
    expect(report.samples).toHaveLength(100);
    expect(report.samples[7]).toEqual({ atMs: 7 * FRAME_MS + 30 + 50, targetMs: 50, delayMs: 50 });
  });

  it("may be empty", () => {
    expect(playTrace([], FIXED)).toMatchObject({ packets: 0, latePercent: 0, delayMs: { mean: 0, p95: 0 } });
  });
});

describe("what goes wrong", () => {
  it("is concealed where a packet is missing, and none is late", () => {
    const report = playTrace(
      frames((n) => (n === 40 || n === 41 ? undefined : 30)),
      FIXED,
    );
    expect(report).toMatchObject({ played: 98, lost: 2, late: 0 });
    expect(report.concealedMs).toBeCloseTo(2 * FRAME_MS, 6);
  });

  it("is late when it comes after its turn has been skipped, and counts as no network loss", () => {
    const report = playTrace(
      frames((n) => (n === 40 ? 150 : 30)),
      FIXED,
    );
    expect(report).toMatchObject({
      packets: 100,
      played: 99,
      lost: 0,
      late: 1,
      latePercent: 1,
      reordered: 1,
    });
    expect(report.concealedMs).toBeCloseTo(FRAME_MS, 6);
  });

  it("leaves on arrival when it is overdue in order; the hole is concealed, catching up is shrinking", () => {
    const report = playTrace(
      frames((n) => (n >= 40 && n < 44 ? 110 - (n - 40) * FRAME_MS : 30)),
      FIXED,
    );
    expect(report).toMatchObject({ played: 100, late: 0, lost: 0 });
    expect(report.concealedMs).toBeCloseTo(30, 6);
    expect(report.timeScaledMs.shrunk).toBeCloseTo(30, 6);
    expect(report.samples[40]?.delayMs).toBeCloseTo(80, 6);
  });

  it("is a duplicate whether its first copy has been played or not", () => {
    const packets = [...frames(() => 30), frame(10, 35), frame(20, 500)];
    expect(playTrace(packets, FIXED)).toMatchObject({ packets: 102, played: 100, duplicates: 2, late: 0 });
  });

  it("is malformed when it is no RTP", () => {
    const packets = [...frames(() => 30), { packet: new Uint8Array(5), arrivalMs: 100 }];
    expect(playTrace(packets, FIXED)).toMatchObject({ packets: 101, malformed: 1, played: 100, late: 0 });
  });
});

describe("the sender's timeline", () => {
  it("may pause: a gap in the timestamps without one in the numbers is no hole", () => {
    const packets = Array.from({ length: 100 }, (_, n) => {
      const mediaMs = n * FRAME_MS + (n >= 50 ? 3000 : 0);
      const packet = rtpPacket({ sequenceNumber: n, rtpTimestamp: mediaMs * 8 });
      return { packet, arrivalMs: mediaMs + 30 };
    });
    const report = playTrace(packets, FIXED);
    expect(report).toMatchObject({ played: 100, lost: 0 });
    expect(report.concealedMs).toBeCloseTo(0, 6);
  });

  it("may begin anew: delays before and after are measured each from its own fastest packet", () => {
    const packets = Array.from({ length: 200 }, (_, n) => {
      const rtpTimestamp = (n < 100 ? 0 : 0x40000000) + n * TICKS;
      return { packet: rtpPacket({ sequenceNumber: n, rtpTimestamp }), arrivalMs: n * FRAME_MS + 30 };
    });
    const report = playTrace(packets, FIXED);
    expect(report.delayMs.mean).toBeCloseTo(50, 6);
    expect(report.late).toBeLessThanOrEqual(3); // what waited when the new timeline was believed
  });

  it("may tick otherwise than said when the payload type changes, and every packet still has one fate", () => {
    const packets: TracePacket[] = [];
    let rtpTimestamp = 0;
    for (let n = 0; n < 400; n++) {
      rtpTimestamp += n % 100 < 50 ? TICKS : 4 * TICKS;
      const payloadType = n % 100 < 50 ? 18 : 125;
      const packet = rtpPacket({ sequenceNumber: n, rtpTimestamp, payloadType });
      packets.push({ packet, arrivalMs: n * FRAME_MS });
    }
    for (const mode of ["fixed", "adaptive"] as const) {
      const { played, late, delayMs, concealedMs, samples } = playTrace(packets, { ...FIXED, mode });
      expect(played + late).toBe(400);
      expect(played).toBeGreaterThan(150);
      expect(
        [delayMs.mean, concealedMs, ...samples.map((sample) => sample.delayMs)].every(Number.isFinite),
      ).toBe(true);
    }
  });

  it("plays a video frame when its last packet is there", () => {
    const packets = Array.from({ length: 90 }, (_, n) => {
      const picture = Math.floor(n / 3);
      const packet = rtpPacket({ sequenceNumber: n, rtpTimestamp: picture * 3000 });
      return { packet, arrivalMs: (picture * 100) / 3 + (n % 3) * 4 };
    });
    const report = playTrace(packets, { clockRate: 90_000, mode: "fixed", delayMs: 20, kind: "video" });
    expect(report).toMatchObject({ played: 90, late: 0, lost: 0 });
    expect(report.concealedMs + report.timeScaledMs.shrunk).toBeCloseTo(0, 6);
  });
});

describe("the target", () => {
  it("may be set from outside at every arrival, within the buffer's bounds", () => {
    const seen: number[] = [];
    const report = playTrace(
      frames(() => 30),
      {
        ...FIXED,
        maxDelayMs: 120,
        policy({ arrivalMs, sequenceNumber, rtpTimestamp, clockRate }) {
          seen.push(sequenceNumber);
          expect([rtpTimestamp, clockRate]).toEqual([
            (0xfffff000 + (seen.length - 1) * TICKS) % 2 ** 32,
            8000,
          ]);
          return arrivalMs < 1000 ? 80 : 500;
        },
      },
    );
    expect(seen).toHaveLength(100);
    expect(report.samples[0]?.targetMs).toBe(80);
    expect(report.samples.at(-1)?.targetMs).toBe(120);
    expect(report.timeScaledMs.stretched).toBeCloseTo(40, 6);
    expect(report.concealedMs).toBeCloseTo(0, 6);
  });

  it("adapts: what it costs is what the buffer itself has counted", () => {
    const random = new SeededRandom("adapts");
    const packets = frames((n) => 30 + (n > 50 ? 60 : 0) + random.next() * 10);
    const { played, late, samples } = playTrace(packets, { ...FIXED, mode: "adaptive", minDelayMs: 20 });
    expect(played + late).toBe(100);
    expect(samples.some(({ targetMs }) => targetMs >= 60)).toBe(true);
    expect(samples.every(({ targetMs }) => targetMs >= 20 && targetMs <= 200)).toBe(true);
  });

  it("refuses what no buffer takes", () => {
    expect(() => playTrace([], { ...FIXED, minDelayMs: 20 })).toThrow(/minDelayMs/);
  });
});
