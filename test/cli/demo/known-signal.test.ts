import { expect, it } from "vitest";
import { addClicks } from "../../../src/cli/demo/click.ts";
import { energy, matchNear } from "../../../src/cli/demo/correlate.ts";
import { KnownSignal } from "../../../src/cli/demo/known-signal.ts";
import { Loop } from "../../../src/cli/demo/loop.ts";
import { Voice } from "../../../src/cli/demo/voice.ts";
import { toPcm16 } from "../../../src/cli/demo/wav.ts";

const pcm = toPcm16(new Voice(3).next(2 * 48_000));
const loop = (): Loop => new Loop(pcm, 0.25);

/** Notes blocks from `first` on that were captured from `startMs` on, at the pace of a clock that is `ppm` off. */
function say(signal: KnownSignal, startMs: number, ppm: number, first: number, count: number): void {
  for (let number = first; number < first + count; number++) {
    const captureMs = startMs + ((number - first) * 20) / (1 + ppm * 1e-6);
    signal.note({ number, captureMs, calledMs: captureMs + 20 });
  }
}

it("has what was said where it was said, and silence elsewhere", () => {
  const signal = new KnownSignal(loop, 0, false);
  say(signal, 100, 0, 7, 10);
  const wanted = new Float32Array(9_600);
  loop().copy(wanted, 7 * 960);
  expect(signal.end).toBe(4_800 + 9_600);
  expect(signal.read(4_800, 9_600)).toEqual(wanted);
  const wider = signal.read(4_000, 12_000);
  expect(wider.subarray(800, 10_400)).toEqual(wanted);
  expect(energy(wider.subarray(0, 800)) + energy(wider.subarray(10_400))).toBe(0);
  expect(energy(signal.read(-100, 50))).toBe(0);
});

it("leaves out blocks that were left out", () => {
  const signal = new KnownSignal(loop, 0, false);
  say(signal, 0, 0, 0, 5);
  say(signal, 140, 0, 7, 5);
  const wanted = new Float32Array(12 * 960);
  loop().copy(wanted, 0);
  wanted.fill(0, 5 * 960, 7 * 960);
  expect(signal.read(0, 12 * 960)).toEqual(wanted);
});

it.each([-200, 200, 700])("follows a clock that is %i ppm off", (ppm) => {
  const signal = new KnownSignal(loop, ppm, false);
  const startMs = 123.456;
  say(signal, startMs, ppm, 0, 500);
  // After ten seconds a clock 200 ppm fast has said 96 samples more than a true one: that is where its words lie.
  for (const at of [48_000, 240_000, 460_000]) {
    // Where its middle lies, less half its length: it is longer or shorter by a part of a sample or two.
    const own = (at + 2_400 - startMs * 48) * (1 + ppm * 1e-6) - 2_400;
    const wanted = new Float32Array(4_804);
    loop().copy(wanted, Math.round(own) - 2);
    const { offset, correlation } = matchNear(signal.read(at, 4_800), wanted, 0, 4, 1e-9);
    // Ours and theirs lie on different grids.
    expect(Math.abs(offset - 2)).toBeLessThanOrEqual(1);
    expect(correlation).toBeGreaterThan(0.98);
  }
});

it("knows when the call was made that sent a sample", () => {
  const signal = new KnownSignal(loop, 0, false);
  say(signal, 1_000, 0, 0, 50);
  expect(signal.calledAt(48_960)).toBe(1_040);
  expect(signal.calledAt(49_919)).toBe(1_040);
  expect(signal.calledAt(49_920)).toBe(1_060);
  expect(signal.calledAt(96_000)).toBeUndefined();
});

it("clicks where the peer did", () => {
  const signal = new KnownSignal(loop, 0, true);
  say(signal, 900, 0, 0, 10);
  const wanted = new Float32Array(9_600);
  loop().copy(wanted, 0);
  addClicks(wanted, 43_200, 1);
  expect(signal.read(43_200, 9_600)).toEqual(wanted);
});

it("makes what is said only when it is asked for, once", () => {
  let made = 0;
  const counted = (): Loop => {
    made++;
    return loop();
  };
  const signal = new KnownSignal(counted, 0, false);
  say(signal, 0, 0, 0, 100);
  expect(made).toBe(0);
  signal.read(0, 10);
  signal.read(10, 10);
  expect(made).toBe(1);
});
