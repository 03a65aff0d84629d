// Impairments in the words of a command line: what they mean, and what is said about the wrong ones.
import { describe, expect, it } from "vitest";
import { TransportError } from "../../src/errors/errors.ts";
import { checkImpairment, impairedLink, parseImpairment } from "../../src/testing/impairment.ts";
import type { Impairment } from "../../src/testing/impairment.ts";
import { LinkModel } from "../../src/testing/link-model.ts";

function complaint(action: () => void): TransportError {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(TransportError);
    return error as TransportError;
  }
  throw new Error("nothing was wrong with it");
}

/** Arrival times, less the time of sending, of packets 20 ms apart; empty where one was lost. */
function fates(impairment: Impairment, packets = 2_000): number[][] {
  const model = new LinkModel(impairedLink(impairment), `${impairment.seed ?? 1}/a>b`);
  return Array.from({ length: packets }, (_, index) => {
    const delays: number[] = [];
    model.send(200, index * 20, (arrivalMs) => delays.push(arrivalMs - index * 20));
    return delays;
  });
}

describe("an impairment in text", () => {
  it("is read field by field", () => {
    const text =
      "loss=0.05, delayMs=20,jitterMs=30,reorder=.05,duplicate=1e-2,rateKbps=800,outageEveryS=10,outageMs=500,seed=7";
    expect(parseImpairment(text)).toEqual({
      loss: 0.05,
      delayMs: 20,
      jitterMs: 30,
      reorder: 0.05,
      duplicate: 0.01,
      rateKbps: 800,
      outageEveryS: 10,
      outageMs: 500,
      seed: 7,
    });
  });

  it.each([
    ["", 'impairment: expected name=value, not ""'],
    ["loss", 'impairment: loss: expected name=value, not "loss"'],
    ["loss=0.1,", 'impairment: expected name=value, not ""'],
    ["=3", 'impairment: expected name=value, not "=3"'],
    ["loss=5", "impairment: loss: expected a probability from 0 to 1, not 5"],
    ["loss=", 'impairment: loss: expected a probability from 0 to 1, not ""'],
    ["loss=5%", 'impairment: loss: expected a probability from 0 to 1, not "5%"'],
    ["delayMs=-1", "impairment: delayMs: expected milliseconds from 0 to 10000, not -1"],
    ["rateKbps=0", "impairment: rateKbps: expected kbit/s from 1 to 1000000, not 0"],
    ["seed=1.5", "impairment: seed: expected a whole number from 0, not 1.5"],
    ["loss=0.1,loss=0.2", "impairment: loss: expected once, not twice"],
    ["outageMs=100", "impairment: outageMs: expected together with outageEveryS"],
    ["outageEveryS=5", "impairment: outageEveryS: expected together with outageMs"],
    ["outageEveryS=1,outageMs=1000", "impairment: outageMs: expected less than outageEveryS (1 s)"],
  ])("%j is refused", (text, message) => {
    expect(complaint(() => parseImpairment(text)).message).toBe(message);
  });

  it("is refused with every fault, and the names there are", () => {
    const { code, message, details } = complaint(() => parseImpairment("los=1,delayMs=soon,jitterMs=-2"));
    expect(code).toBe("INVALID_CONFIG");
    expect(message).toMatch(/los: unknown; expected one of loss, delayMs, .*, seed/);
    expect((details?.issues as { path: string }[]).map(({ path }) => path).sort()).toEqual([
      "delayMs",
      "jitterMs",
      "los",
    ]);
  });

  it("has no names from the prototype of objects", () => {
    expect(complaint(() => parseImpairment("constructor=1")).message).toContain("constructor: unknown");
  });
});

describe("an impairment", () => {
  it("is checked when a program makes one, fields left out or undefined", () => {
    expect(() => checkImpairment({ loss: undefined, delayMs: 5 })).not.toThrow();
    const wrong = { loss: "0.5" } as unknown as Impairment;
    expect(complaint(() => checkImpairment(wrong)).message).toContain('not "0.5"');
  });

  it("decides alike with the same seed and otherwise with another", () => {
    const all = { loss: 0.1, delayMs: 20, jitterMs: 30, reorder: 0.05, duplicate: 0.02, rateKbps: 500 };
    const once = fates({ ...all, seed: 7 });
    expect(fates({ ...all, seed: 7 })).toEqual(once);
    expect(fates({ ...all, seed: 8 })).not.toEqual(once);
  });

  it("does nothing when it is empty", () => {
    expect(fates({}).every(([delayMs, second]) => delayMs === 0 && second === undefined)).toBe(true);
  });

  it("does each of its parts about as often, and as much, as said", () => {
    const share = (impairment: Impairment, counts: (delays: number[]) => boolean): number =>
      fates(impairment, 10_000).filter(counts).length / 10_000;
    expect(share({ loss: 0.05 }, ({ length }) => length === 0)).toBeCloseTo(0.05, 1.5);
    expect(share({ duplicate: 0.05 }, ({ length }) => length === 2)).toBeCloseTo(0.05, 1.5);
    expect(share({ reorder: 0.05 }, ([delayMs]) => delayMs === 30)).toBeCloseTo(0.05, 1.5);
    const jittered = fates({ delayMs: 10, jitterMs: 20 }).flat();
    expect(Math.min(...jittered)).toBeGreaterThanOrEqual(10);
    expect(Math.max(...jittered)).toBeLessThan(30);
    expect(Math.max(...jittered)).toBeGreaterThan(29);
  });

  it("has outages that return, the first one after a whole period", () => {
    const lostAtMs = fates({ outageEveryS: 1, outageMs: 100 }, 150).flatMap((delays, index) =>
      delays.length === 0 ? [index * 20] : [],
    );
    expect(lostAtMs).toEqual([1_000, 1_020, 1_040, 1_060, 1_080, 2_000, 2_020, 2_040, 2_060, 2_080]);
  });
});
