import { describe, expect, it } from "vitest";
import { CaptureLabels } from "../../src/sync/capture-labels.ts";
import { LipSync } from "../../src/sync/lip-sync.ts";
import { PhaseTrim } from "../../src/sync/playout.ts";

const TICKS = 960;

describe("the phase trim", () => {
  it("holds a sender 100 ppm off within 10 ms by a ratio within 200 ppm, without time-scaling", () => {
    for (const ppm of [100, -100, 190]) {
      const trim = new PhaseTrim(48_000);
      let stretched = 0;
      let largestPpm = 0;
      for (let index = 0; index < 100_000; index++) {
        if (trim.next(index * TICKS, (index * 20) / (1 + ppm * 1e-6)) !== 0) stretched++;
        largestPpm = Math.max(largestPpm, Math.abs(trim.ppm));
        trim.play(1 + trim.ppm * 1e-6);
      }
      expect(stretched).toBe(0);
      expect(largestPpm).toBeLessThanOrEqual(200);
      expect(trim.ppm).toBeCloseTo(ppm, 0);
      expect(Math.abs(trim.errorMs)).toBeLessThan(10);
    }
  });

  it("leaves 10 ms and more to time-scaling, and then trims nothing of it", () => {
    const trim = new PhaseTrim(48_000);
    trim.next(0, 0);
    trim.play(1);
    expect(trim.next(TICKS, 20 + 9)).toBe(0);
    expect(trim.ppm).toBeCloseTo(-180, 6);
    trim.play(1);
    expect(trim.next(2 * TICKS, 40 + 40)).toBeCloseTo(40, 6);
    expect(trim.ppm).toBe(0);
    trim.play(1);
    expect(trim.next(3 * TICKS, 60 + 40 - 15)).toBeCloseTo(-15, 6);
  });

  it("counts what was lost as played, and forgets on reset", () => {
    const trim = new PhaseTrim(48_000);
    trim.next(0, 0);
    trim.play(1);
    expect(trim.next(50 * TICKS, 1000)).toBe(0);
    expect(trim.errorMs).toBeCloseTo(0, 6);
    trim.reset();
    expect(trim.next(0, 1e6)).toBe(0);
  });
});

describe("capture labels", () => {
  it("slew small corrections at 2 ms a second and never fall", () => {
    const labels = new CaptureLabels(48_000);
    labels.next(0, 0);
    let last = 0;
    for (let index = 1; index <= 120; index++) {
      const label = labels.next(index * TICKS, index * 20_000 - 4000);
      expect(label - last).toBeCloseTo(index <= 100 ? 19_960 : 20_000, 6);
      last = label;
    }
    expect(labels.epoch).toBe(0);
    expect(labels.lagUs).toBe(0);
  });

  it("step beyond 5 ms and open an epoch", () => {
    const labels = new CaptureLabels(48_000);
    labels.next(0, 0);
    labels.next(TICKS, 20_000 + 4_900);
    expect([labels.epoch, labels.lagUs > 0]).toEqual([0, true]);
    expect(labels.next(2 * TICKS, 40_000 - 6_000)).toBe(34_000);
    expect([labels.epoch, labels.lagUs]).toEqual([1, 0]);
    labels.reset();
    expect(labels.next(0, 5)).toBe(5);
    expect(labels.epoch).toBe(2);
  });

  it("take what a clock drifts in a long pause for no step", () => {
    const labels = new CaptureLabels(48_000);
    labels.next(0, 0);
    labels.next(60 * 48_000, 60e6 + 12_000); // 200 ppm in a minute
    expect(labels.epoch).toBe(0);
    labels.next(61 * 48_000, 61e6 + 92_000);
    expect(labels.epoch).toBe(1);
  });
});

describe("the lip-sync policy", () => {
  const medium = (targetDelayMs: number) => ({ targetDelayMs, maxDelayMs: 200 });

  it("raises a floor under the earlier medium by 2.5 % of time and lowers it before raising the other", () => {
    const policy = new LipSync();
    let [audio, video] = [60, 50];
    const delays = { audio: 0, video: 100 };
    const run = (fromMs: number, toMs: number): number[] => {
      const floors: number[] = [];
      for (let nowMs = fromMs; nowMs < toMs; nowMs += 20) {
        policy.observe("audio", delays.audio + audio, nowMs);
        policy.observe("video", delays.video + video, nowMs);
        if (policy.isDue(nowMs)) policy.step(medium(audio), medium(video), nowMs);
        audio = Math.max(60, policy.floorMs("audio"));
        video = Math.max(50, policy.floorMs("video"));
        floors.push(policy.floorMs("audio"));
      }
      return floors;
    };
    const floors = run(0, 6000);
    expect(
      Math.max(...floors.slice(10).map((floor, i) => floor - (floors[i + 9] as number))),
    ).toBeLessThanOrEqual(2.6);
    expect(Math.abs(audio - 150)).toBeLessThan(3);
    expect(policy.floorMs("video")).toBe(0);
    // The video's path becomes short: audio comes down again, video is not held meanwhile.
    delays.video = 0;
    run(6000, 8000);
    expect(policy.floorMs("video")).toBe(0);
    run(8000, 14_000);
    expect(audio).toBe(60);
    expect(Math.abs(video - 60)).toBeLessThan(3);
  });

  it("never asks for more than the maximum, holds still in doubt, lets go of a medium that is alone", () => {
    const policy = new LipSync();
    const play = (fromMs: number, toMs: number, video: boolean): void => {
      for (let nowMs = fromMs; nowMs < toMs; nowMs += 50) {
        const target = Math.max(50, policy.floorMs("audio"));
        policy.observe("audio", target, nowMs);
        if (video) policy.observe("video", 2000, nowMs);
        if (policy.isDue(nowMs)) policy.step(medium(target), medium(50), nowMs);
      }
    };
    play(0, 20_000, true);
    expect(policy.floorMs("audio")).toBe(200);
    policy.hold(30_000);
    play(20_000, 29_900, false);
    expect(policy.floorMs("audio")).toBe(200);
    play(30_000, 40_000, false);
    expect(policy.floorMs("audio")).toBe(0);
  });
});
