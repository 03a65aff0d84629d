import { describe, expect, it } from "vitest";
import { Calibration } from "../../src/sync/calibration.ts";
import { CaptureTrack } from "../../src/sync/capture-track.ts";
import { StreamClock, unixUsOf } from "../../src/sync/stream-clock.ts";
import { SeededRandom } from "../../src/testing/random.ts";

const START_US = 1_767_225_600_000_000;
const RATE = 48_000;

describe("a stream clock", () => {
  it("unwraps 32-bit timestamps exactly, out of order and over many circles, seed 4", () => {
    const random = new SeededRandom(4);
    const clock = new StreamClock(RATE);
    const base = 0xffff_0000;
    let truth = 0;
    clock.observeFrame(base, START_US);
    const first = clock.ticksOf(base);
    const wrong: number[] = [];
    for (let round = 0; round < 4_000; round++) {
      truth += random.integer(0, 20_000_000);
      const earlier = truth - random.integer(0, 1_000_000);
      clock.observeFrame((base + truth) >>> 0, 0);
      clock.observeFrame((base + earlier) >>> 0, 0);
      const right =
        clock.ticksOf((base + truth) >>> 0) - first === truth &&
        clock.ticksOf((base + earlier) >>> 0) - first === earlier &&
        clock.timestampOf(clock.newestTicks) === (base + truth) >>> 0;
      if (!right) wrong.push(round);
    }
    expect(wrong).toEqual([]);
    expect(truth).toBeGreaterThan(2 ** 35);
  });

  it("is not carried round the circle by forged reports", () => {
    const clock = new StreamClock(RATE);
    clock.observeFrame(1000, START_US);
    const ticks = clock.ticksOf(1000);
    for (let i = 1; i <= 4; i++) clock.addReport((1000 + i * 0x7000_0000) >>> 0, START_US + i * 1e6);
    expect(clock.ticksOf(1000)).toBe(ticks);
  });

  it("takes the first arrival for want of better", () => {
    const clock = new StreamClock(RATE);
    expect(clock.anchored).toBe(false);
    clock.observeFrame(5000, START_US);
    clock.observeFrame(5960, START_US + 90_000);
    expect(clock.mapped).toBe(false);
    expect(clock.anchorUs(clock.ticksOf(5960))).toBe(START_US + 20_000);
  });

  it("calibrates reports to the clock of the beacons, and needs the reports when beacons cease", () => {
    const clock = new StreamClock(RATE);
    clock.observeFrame(0, START_US);
    for (let i = 1; i <= 10; i++) {
      clock.addBeacon(i * 24_000, START_US + i * 500_000);
      clock.addReport(i * 24_000, START_US + i * 500_000 + 37_000);
    }
    expect(clock.hasBeacons).toBe(true);
    expect(clock.wallUs(240_000)).toBeCloseTo(START_US + 5e6, 0);
    // A minute without beacons, in which the sender's media clock slows down by 500 ppm.
    const slowed = (us: number): number => START_US + 5e6 + (us - 5e6) * 1.0005;
    for (let i = 3; i <= 24; i++) clock.addReport(i * 120_000, slowed(i * 2.5e6) + 37_000);
    expect(Math.abs(clock.wallUs(24 * 120_000) - slowed(60e6))).toBeLessThan(3000);
  });

  it("prefers capture times on frames, calibrated by the median of their difference to the beacons", () => {
    const clock = new StreamClock(RATE);
    clock.observeFrame(0, START_US);
    clock.addCapture(0, START_US + 900_000);
    expect(clock.wallUs(960)).toBe(START_US + 920_000); // nothing to calibrate to: as told
    for (let i = 1; i <= 5; i++) {
      const us = START_US + i * 1e6;
      clock.addCapture(i * 48_000, us + 900_000 + (i % 2) * 400); // wanders by 0.4 ms
      clock.addBeacon(i * 48_000, us + (i === 3 ? 1_000 : 0));
    }
    expect(clock.wallUs(5 * 48_000) - (START_US + 5e6)).toBeCloseTo(400, 0);
    expect(clock.wallUs(4 * 48_000) - (START_US + 4e6)).toBeCloseTo(0, 0);
    // Far from any carrier the beacons take over.
    expect(Math.abs(clock.wallUs(15 * 48_000) - (START_US + 15e6))).toBeLessThan(500);
  });

  it("counts steps of every source, and begins anew on reset", () => {
    const clock = new StreamClock(RATE);
    clock.observeFrame(0, START_US);
    for (let i = 0; i < 4; i++) clock.addReport(i * 48_000, START_US + i * 1e6);
    for (let i = 4; i < 6; i++) clock.addReport(i * 48_000, START_US + i * 1e6 + 250_000);
    expect(clock.steps).toBe(1);
    clock.addCapture(0, START_US);
    clock.addCapture(960, START_US + 520_000);
    expect(clock.steps).toBe(2);
    expect(clock.wallUs(960)).toBe(START_US + 520_000);
    clock.reset();
    expect(clock.mapped).toBe(false);
    expect(clock.anchored).toBe(false);
  });
});

describe("a capture track", () => {
  it("interpolates between frames that carry a time, also those that came late", () => {
    const track = new CaptureTrack(RATE);
    track.add(96_000, START_US + 2e6 + 600);
    track.add(0, START_US);
    expect(track.captureUs(48_000)).toBeCloseTo(START_US + 1e6 + 300, 3);
    expect(track.captureUs(144_000)).toBeCloseTo(START_US + 3e6 + 600, 3);
    expect(track.captureUs(-48_000)).toBeCloseTo(START_US - 1e6, 3);
  });

  it("does not interpolate across a step", () => {
    const track = new CaptureTrack(RATE);
    track.add(0, START_US);
    track.add(48_000, START_US + 1e6 + 80_000);
    expect(track.captureUs(24_000)).toBe(START_US + 500_000);
    expect(track.captureUs(48_000)).toBe(START_US + 1_080_000);
  });

  it("remembers 16 carriers and ignores a second time for the same frame", () => {
    const track = new CaptureTrack(RATE);
    for (let i = 0; i < 40; i++) track.add(i * 960, START_US + i * 20_000);
    track.add(39 * 960, 0);
    expect(track.count).toBe(16);
    expect(track.captureUs(39 * 960)).toBe(START_US + 780_000);
  });
});

describe("a calibration", () => {
  it("is the median of the last nine values", () => {
    const calibration = new Calibration();
    expect(calibration.median).toBe(0);
    for (const value of [99, 99, 99, 99, 99, 99, 3, 1, 2, 4, 5, 1000, 6, 7, 8]) calibration.add(value);
    expect(calibration.median).toBe(5);
    expect(calibration.spread).toBe(995);
    expect(calibration.count).toBe(9);
  });
});

it("zero is no time at all, in whatever width it comes", () => {
  expect(unixUsOf(0n)).toBeUndefined();
  expect(unixUsOf(1n << 64n)).toBeUndefined();
  expect(unixUsOf(2_208_988_801n << 32n)).toBe(1_000_000);
});
