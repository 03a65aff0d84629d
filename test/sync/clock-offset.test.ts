// A remote clock that is off, runs at its own rate, and is reached over paths of all kinds.
import { describe, expect, it } from "vitest";
import { ClockOffset } from "../../src/sync/clock-offset.ts";
import { LinkModel } from "../../src/testing/link-model.ts";
import type { LinkModelOptions } from "../../src/testing/link-model.ts";
import { linkPresets } from "../../src/testing/link-presets.ts";

const SEED = 5;
const START_US = 1_767_225_600_000_000;
const S = 1_000_000;

interface Remote {
  offsetUs: number;
  skewPpm?: number;
}

interface Measured {
  readonly clock: ClockOffset;
  /** Local us of each exchange, error and stated bound after it, us. */
  readonly errors: { nowUs: number; errorUs: number; boundUs: number }[];
}

/** Exchange once a second, first there and then back, with `remoteOf` the truth. */
function exchange(
  there: LinkModelOptions,
  back: LinkModelOptions,
  remoteOf: (nowUs: number) => Remote,
  seconds: number,
  clock = new ClockOffset(),
): Measured {
  const links = [new LinkModel(there, `${SEED} there`), new LinkModel(back, `${SEED} back`)] as const;
  const offsetAt = (nowUs: number): number => {
    const { offsetUs, skewPpm = 0 } = remoteOf(nowUs);
    return offsetUs + skewPpm * 1e-6 * (nowUs - START_US);
  };
  const errors: Measured["errors"] = [];
  for (let second = 0; second < seconds; second++) {
    const t1 = START_US + second * S;
    links[0].send(100, second * 1_000, (cameMs) => {
      const there = START_US + cameMs * 1_000;
      links[1].send(100, cameMs, (backMs) => {
        const t4 = START_US + backMs * 1_000;
        clock.add({ t1, t2: there + offsetAt(there), t3: there + offsetAt(there), t4 });
        const [estimate, bound] = [clock.offsetUs(t4) ?? Number.NaN, clock.errorBoundUs(t4) ?? Number.NaN];
        errors.push({ nowUs: t4, errorUs: Math.abs(estimate - offsetAt(t4)), boundUs: bound });
      });
    });
  }
  return { clock, errors };
}

const largest = (values: readonly number[]): number => Math.max(...values);

describe(`the offset of a remote clock (seed ${SEED})`, () => {
  it("is unknown before the first exchange", () => {
    const clock = new ClockOffset();
    expect([clock.offsetUs(0), clock.errorBoundUs(0), clock.toLocalUs(0), clock.toRemoteUs(0)]).toEqual([
      null,
      null,
      null,
      null,
    ]);
    expect([clock.lastUs, clock.ratePpm, clock.remembered]).toEqual([-Infinity, 0, 0]);
  });

  it("is exact on a path without jitter, whatever the rate", () => {
    const path = { delayMs: 20 };
    const { errors, clock } = exchange(path, path, () => ({ offsetUs: -400_000, skewPpm: 300 }), 60);
    expect(largest(errors.slice(15).map(({ errorUs }) => errorUs))).toBeLessThan(50);
    expect(clock.ratePpm).toBeCloseTo(300, -1);
    const nowUs = START_US + 60 * S;
    expect(clock.toLocalUs(clock.toRemoteUs(nowUs) ?? 0)).toBeCloseTo(nowUs, 0);
  });

  it.each([-500, -200, 0, 200, 500])(
    "follows a clock of %d ppm over wifi and stays within its bound",
    (skewPpm) => {
      const { errors } = exchange(
        linkPresets.wifi,
        linkPresets.wifi,
        () => ({ offsetUs: 123_456, skewPpm }),
        1_200,
      );
      expect(errors.filter(({ errorUs, boundUs }) => errorUs > boundUs)).toEqual([]);
      expect(largest(errors.slice(60).map(({ errorUs }) => errorUs))).toBeLessThan(4_000);
      expect(largest(errors.slice(60).map(({ boundUs }) => boundUs))).toBeLessThan(25_000);
    },
  );

  it("states a bound that holds on paths of unequal legs, where no method can know better", () => {
    const { errors } = exchange(
      { delayMs: 10 },
      { delayMs: 90 },
      () => ({ offsetUs: 0, skewPpm: -150 }),
      600,
    );
    expect(errors.filter(({ errorUs, boundUs }) => errorUs > boundUs)).toEqual([]);
    expect(errors.at(-1)?.errorUs).toBeGreaterThan(39_000);
  });

  it("combines the fastest way there with the fastest way back of another exchange", () => {
    const clock = new ClockOffset();
    const add = (second: number, thereMs: number, backMs: number): boolean => {
      const t1 = START_US + second * S;
      const t2 = t1 + thereMs * 1_000;
      return clock.add({ t1, t2, t3: t2, t4: t2 + backMs * 1_000 });
    };
    add(0, 10, 60);
    add(1, 60, 10);
    expect(Math.abs(clock.offsetUs(START_US + S) ?? Infinity)).toBeLessThan(1_000);
    expect(clock.errorBoundUs(START_US + S)).toBeLessThan(13_000);
  });

  it("grows its bound while there are no exchanges", () => {
    const path = { delayMs: 5 };
    const { clock, errors } = exchange(path, path, () => ({ offsetUs: 0 }), 60);
    const lastUs = errors.at(-1)?.nowUs ?? 0;
    const bounds = [0, 10, 100].map((seconds) => clock.errorBoundUs(lastUs + seconds * S) ?? 0);
    expect(bounds[1]).toBeGreaterThan((bounds[0] ?? 0) + 100);
    expect(bounds[2]).toBeGreaterThan((bounds[1] ?? 0) + 1_000);
  });

  it("takes one odd exchange for a fault and three in a row for a step of the clock", () => {
    const path = { delayMs: 5 };
    const stepUs = 200_000;
    const clock = new ClockOffset();
    exchange(path, path, () => ({ offsetUs: 0 }), 30, clock);
    const at = (second: number, offsetUs: number): void => {
      const t1 = START_US + second * S;
      clock.add({ t1, t2: t1 + 5_000 + offsetUs, t3: t1 + 5_000 + offsetUs, t4: t1 + 10_000 });
    };
    at(31, stepUs);
    at(32, 0);
    expect(clock.offsetUs(START_US + 32 * S)).toBeCloseTo(0, -2);
    for (const second of [33, 34, 35]) at(second, stepUs);
    expect(clock.offsetUs(START_US + 35 * S)).toBeCloseTo(stepUs, -3);
  });

  it("refuses what cannot be, without a trace", () => {
    const clock = new ClockOffset();
    const good = { t1: START_US, t2: START_US + 5_000, t3: START_US + 5_000, t4: START_US + 10_000 };
    expect(clock.add(good)).toBe(true);
    const bad = [
      { ...good, t4: Number.NaN },
      { ...good, t2: Infinity },
      { ...good, t4: good.t1 - 1 },
      { ...good, t3: good.t2 - 1 },
      { ...good, t3: good.t2 + 50_000 },
      { ...good, t4: good.t1 + 60 * S },
      { ...good, t2: 1e18, t3: 1e18 },
    ];
    expect(bad.map((sample) => clock.add(sample))).toEqual(bad.map(() => false));
    expect(clock.offsetUs(good.t4)).toBe(0);
  });

  it("begins anew when our own clock goes back", () => {
    const path = { delayMs: 5 };
    const clock = new ClockOffset();
    exchange(path, path, () => ({ offsetUs: 70_000 }), 30, clock);
    const t1 = START_US - 3_600 * S;
    expect(clock.add({ t1, t2: t1 + 5_000, t3: t1 + 5_000, t4: t1 + 10_000 })).toBe(true);
    expect(clock.offsetUs(t1 + 10_000)).toBe(0);
    clock.reset();
    expect(clock.offsetUs(t1)).toBeNull();
  });

  it("remembers little, whatever comes", () => {
    const clock = new ClockOffset();
    for (let index = 0; index < 3_000; index++) {
      const t1 = START_US + index * 1_000;
      const late = index % 7 === 0 ? 500_000 : 0;
      clock.add({
        t1,
        t2: t1 + 1_000 + index + late,
        t3: t1 + 1_000 + index + late,
        t4: t1 + 2_000 + 2 * index,
      });
    }
    expect(clock.remembered).toBeLessThan(650);
  });

  it("tells the last five offsets, and no more", () => {
    const path = { delayMs: 5 };
    const { clock } = exchange(path, path, () => ({ offsetUs: 1_000 }), 30);
    expect(clock.recentOffsetsUs.length).toBe(5);
    for (const offsetUs of clock.recentOffsetsUs) expect(offsetUs).toBeCloseTo(1_000, -1);
  });
});
