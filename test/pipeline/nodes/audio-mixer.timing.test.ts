// The audio mixer against the times of the world: jitter, gaps, frames of other lengths, peers that come, stop or are
// slow. What must not happen: a click, a stall, sound at another instant, memory that grows.
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../../src/testing/random.ts";
import { bestLag, concat, firstDifference, rms } from "../../media/signals.ts";
import { amplitudeOf, arrivals, largestStep, MixerCall, START_US, talk, tonePart } from "./mixer-calls.ts";
import type { Speaker } from "./mixer-calls.ts";

const SEED = 62_207;
/** Of a tone of 440 Hz with amplitude 0.25, and of fades of 5 ms on it; a click is larger by far. */
const SMOOTH = 0.0144 + 0.0022;

/** A listener who says nothing. */
const listener = (toMs: number): Speaker => ({ peer: "ear", hz: 440, amplitude: 0, toMs });
const speaker = (toMs: number, more: Partial<Speaker> = {}): Speaker => ({
  peer: "b",
  hz: 440,
  toMs,
  ...more,
});

function lag(call: MixerCall, fromMs: number, toMs: number, hz = 440): { lag: number; value: number } {
  return bestLag(tonePart(hz, 0.25, fromMs, toMs - fromMs - 10), call.heard("ear", fromMs, toMs), 0, 40);
}

describe("the audio mixer", () => {
  it.each([
    [10, 20, 60],
    [60, 20, 10],
    [5, 40, 120],
  ])("mixes frames of %i, %i and %i ms", (...lengths) => {
    const call = new MixerCall();
    const tones = [440, 880, 1320];
    talk(
      call,
      lengths.map((frameMs, i) => ({ peer: `p${i}`, hz: tones[i] ?? 0, frameMs, toMs: 1200 })),
    );
    for (let own = 0; own < 3; own++) {
      const out = call.heard(`p${own}`, 500, 1000);
      const heard = tones.map((hz) => amplitudeOf(out, hz));
      for (let i = 0; i < 3; i++) {
        if (i === own) expect(heard[i]).toBeLessThan(1e-4);
        else expect(heard[i]).toBeCloseTo(0.25, 4);
      }
    }
    call.close();
  });

  it("mixes blocks of another length and rate", () => {
    const call = new MixerCall({ frameMs: 30 });
    talk(call, [listener(500), speaker(500)]);
    expect(call.mixes("ear").every(({ samples }) => samples.length === 1440)).toBe(true);
    expect(amplitudeOf(call.heard("ear", 100, 400), 440)).toBeCloseTo(0.25, 4);
    call.close();
  });

  it("keeps equal instants together within a sample, wherever frames begin", () => {
    const call = new MixerCall({ mode: "all", softClip: false });
    const click = (at: number, begin: number): Float32Array => {
      const samples = new Float32Array(960);
      if (at >= begin && at < begin + 960) samples[at - begin] = 0.25;
      return samples;
    };
    // One frame begins 7 ms after the other's; both hear the same click, at sample 20000.
    for (let begin = 0; begin < 48_000; begin += 960) {
      call.send({ peer: "a", atMs: begin / 48, samples: click(20_000, begin) });
      call.send({ peer: "b", atMs: begin / 48 + 7, samples: click(20_000, begin + 336) });
    }
    const out = call.heard(undefined, 0, 900);
    expect(out[20_000]).toBeCloseTo(0.5, 6);
    expect(out.filter((sample) => sample !== 0).length).toBe(1);
    call.close();
  });

  it("lets a late one in without a click, and the others hear it at once", () => {
    const call = new MixerCall();
    talk(call, [
      listener(1000),
      speaker(1000, { fromMs: 500 }),
      { peer: "c", hz: 880, amplitude: 0, toMs: 1000 },
    ]);
    const out = call.heard("ear", 400, 900);
    expect(largestStep(out)).toBeLessThan(SMOOTH);
    expect(amplitudeOf(call.heard("ear", 550, 650), 440)).toBeCloseTo(0.25, 4);
    expect(call.mixes("b").length).toBeGreaterThan(20);
    call.close();
  });

  it("fades one who leaves, and forgets it after 2 s", () => {
    const call = new MixerCall();
    talk(call, [
      listener(3000),
      { peer: "c", hz: 880, amplitude: 0, toMs: 3000 },
      speaker(505, { frameMs: 5 }),
    ]);
    const out = call.heard("ear", 400, 900);
    expect(largestStep(out)).toBeLessThan(SMOOTH);
    expect(rms(call.heard("ear", 520, 900))).toBeLessThan(1e-4);
    const last = call.mixes("b").at(-1)?.timestampUs as number;
    const first = call.mixes("b")[0]?.timestampUs as number;
    expect((last - first) / 1e6).toBeCloseTo(2.5, 1);
    call.close();
  });

  it("does not wait longer than waitMs for one who stops, and goes on in step", () => {
    const call = new MixerCall({ waitMs: 20 });
    talk(call, [listener(500), speaker(500)]);
    const before = call.mixes("ear").length;
    const frame = new Float32Array(960);
    const left = Array.from({ length: 20 }, (_, i) =>
      call.send({ peer: "ear", atMs: 500 + 20 * i, samples: frame }),
    );
    const counts = left.map(
      (outputs) => outputs.filter(({ metadata }) => metadata.target_peer === "ear").length,
    );
    // The first one waits 20 ms, which is one frame.
    expect(counts).toEqual([0, ...Array<number>(19).fill(1)]);
    expect(call.mixes("ear").length).toBe(before + 19);
    call.close();
  });

  it.each([true, false])("closes a gap of 40 ms with silence, without a click (softClip %s)", (softClip) => {
    const call = new MixerCall({ softClip });
    talk(call, [listener(1000), speaker(1000, { lost: (atMs) => atMs === 500 || atMs === 520 })]);
    const out = call.heard("ear", 400, 900);
    expect(out.some(Number.isNaN)).toBe(false);
    expect(largestStep(out)).toBeLessThan(SMOOTH);
    expect(rms(call.heard("ear", 506, 540))).toBeLessThan(1e-6);
    expect(lag(call, 600, 700)).toMatchObject({ lag: 0 });
    call.close();
  });

  it("neither clicks nor moves while labels jitter by 3 ms", () => {
    const random = new SeededRandom(SEED);
    const call = new MixerCall();
    talk(call, [
      listener(3000),
      speaker(3000, { labelMs: (atMs) => (atMs === 0 ? 0 : 6 * random.next() - 3) }),
    ]);
    const out = call.heard("ear", 100, 2900);
    expect(largestStep(out), `seed ${SEED}`).toBeLessThan(SMOOTH);
    expect(lag(call, 2000, 2200).lag, `seed ${SEED}`).toBe(0);
    call.close();
  });

  it.each([
    [6, 1.1],
    [12, 0.03],
    [-12, 0.03],
  ])("follows labels that step by %i ms for good, without a click", (stepMs, toleranceMs) => {
    const call = new MixerCall();
    const labelMs = (atMs: number): number => (atMs < 500 ? 0 : stepMs);
    talk(call, [listener(2000), speaker(2000, { hz: 60, labelMs, delayMs: () => 15 })]);
    expect(largestStep(call.heard("ear", 100, 1900))).toBeLessThan(SMOOTH);
    const place = 48 * (20 + stepMs);
    const { lag } = bestLag(
      tonePart(60, 0.25, 1500, 100),
      call.heard("ear", 1480, 1700),
      place - 200,
      place + 200,
    );
    expect(Math.abs(lag - place) / 48).toBeLessThan(toleranceMs);
    call.close();
  });

  it("hears a peer that is 200 ms behind the others, in its place", () => {
    const call = new MixerCall();
    talk(call, [listener(2000), speaker(2000, { delayMs: () => 200 })]);
    expect(amplitudeOf(call.heard("ear", 600, 1600), 440)).toBeCloseTo(0.25, 4);
    expect(lag(call, 600, 800)).toMatchObject({ lag: 0 });
    call.close();
  });

  it("hears a peer whose times are wrong by seconds, soon", () => {
    for (const labelMs of [-5000, 400_000]) {
      const call = new MixerCall();
      const frames = arrivals([listener(4000), speaker(4000)]);
      for (const frame of frames) {
        const wrong = frame.peer === "b" ? labelMs : 0;
        call.send({ ...frame, atMs: (frame.atMs ?? 0) + wrong });
      }
      const last = call
        .mixes("ear")
        .slice(-50)
        .map(({ samples }) => samples);
      const spread =
        Math.max(...last.map((samples) => rms(samples))) - Math.min(...last.map((samples) => rms(samples)));
      expect(rms(concat(last))).toBeCloseTo(0.25 / Math.SQRT2, 2);
      expect(spread).toBeLessThan(0.03);
      call.close();
    }
  });

  it("puts a peer back in its place when its times come right", () => {
    const call = new MixerCall();
    const labelMs = (atMs: number): number => (atMs < 2000 ? -5000 : 0);
    const frames = arrivals([listener(4000), speaker(4000)]);
    for (const { peer, samples, atMs = 0 } of frames) {
      call.send({ peer, samples, atMs: atMs + (peer === "b" ? labelMs(atMs) : 0) });
    }
    expect(lag(call, 3000, 3400)).toMatchObject({ lag: 0 });
    expect(amplitudeOf(call.heard("ear", 3000, 3500), 440)).toBeCloseTo(0.25, 4);
    call.close();
  });

  it("does not wait longer than 300 ms and waitMs for one who is far behind, and hears it nevertheless", () => {
    const call = new MixerCall();
    for (const frame of arrivals([listener(4000), speaker(4000, { delayMs: () => 600 })])) {
      call.send(frame);
      const last = ((call.mixes("ear").at(-1)?.timestampUs ?? START_US) - START_US) / 1000 + 20;
      if (frame.peer === "ear" && (frame.atMs ?? 0) > 980) {
        expect((frame.atMs ?? 0) + 20 - last).toBeLessThanOrEqual(340);
      }
    }
    expect(rms(call.heard("ear", 2500, 3000))).toBeCloseTo(0.25 / Math.SQRT2, 2);
    call.close();
  });

  it("is not disturbed by frames that come twice", () => {
    const call = new MixerCall();
    for (const frame of arrivals([listener(2000), speaker(2000, { delayMs: () => 100 })])) {
      call.send(frame);
      call.send(frame);
    }
    const out = call.heard("ear", 400, 1800);
    const wanted = tonePart(440, 0.25, 400, 1400);
    expect(firstDifference(wanted, out)).toBe(-1);
    call.close();
  });

  it("goes on behind a pause of all without blocks of silence for it", () => {
    const call = new MixerCall({ mode: "all" });
    // The last block waits for the second peer when the pause begins.
    talk(call, [speaker(200), speaker(140, { peer: "c", amplitude: 0 })]);
    const before = call.outputs.length;
    talk(call, [speaker(3_600_400, { fromMs: 3_600_000 })]);
    expect(call.outputs.length - before).toBeLessThan(25);
    expect(amplitudeOf(call.heard(undefined, 100, 200), 440)).toBeCloseTo(0.25, 4);
    expect(amplitudeOf(call.heard(undefined, 3_600_100, 3_600_200), 440)).toBeCloseTo(0.25, 4);
    call.close();
  });

  it("gives the same mix whatever the order in which frames of peers arrive", () => {
    const random = new SeededRandom(SEED);
    const delays = () => (): number => 30 * random.next();
    const mixed = (delayed: boolean): Float32Array => {
      const call = new MixerCall({ waitMs: 40 });
      const how = () => (delayed ? { delayMs: inOrder(delays()) } : {});
      talk(call, [listener(1500), speaker(1500, how()), speaker(1500, { peer: "c", hz: 880, ...how() })]);
      call.close();
      return call.heard("ear", 100, 1300);
    };
    const steady = mixed(false);
    const late = mixed(true);
    expect(late.some(Number.isNaN), `seed ${SEED}`).toBe(false);
    expect(rms(late.map((sample, i) => sample - (steady[i] as number))), `seed ${SEED}`).toBeLessThan(1e-6);
  });

  it("takes sound without capture times as captured now, and refuses what runs away", () => {
    const call = new MixerCall();
    const frame = (peer: string | undefined, atMs?: number, value = 0) =>
      call.send({ peer, atMs, samples: new Float32Array(960).fill(value) });
    for (let atMs = 0; atMs < 400; atMs += 20) {
      frame("ear", atMs);
      frame(undefined, undefined, 0.25);
    }
    expect(
      call
        .mixes("ear")
        .at(-1)
        ?.samples.every((sample) => sample === 0.25),
    ).toBe(true);
    expect(() => {
      for (let i = 0; i < 60; i++) frame(undefined, undefined, 0.25);
    }).toThrow(expect.objectContaining({ code: "LIMIT_EXCEEDED" }));
    call.close();
  });

  it("gives what is left at the end", () => {
    const call = new MixerCall({ mode: "all", waitMs: 100 });
    talk(call, [speaker(100), speaker(50, { peer: "c", frameMs: 10 })]);
    const before = call.outputs.length;
    call.flush();
    expect(call.outputs.length).toBeGreaterThan(before);
    expect(call.outputs.length).toBe(5);
    call.flush();
    expect(call.outputs.length).toBe(5);
    call.close();
  });

  it("holds less than 2 s and goes on in time, whatever labels say", () => {
    const random = new SeededRandom(SEED);
    const call = new MixerCall({ mode: "all", softClip: false, maxInputs: 4 });
    const samples = new Float32Array(480).fill(0.1);
    let atMs = 10_000;
    for (let i = 0; i < 3000; i++) {
      if (!random.chance(0.3)) atMs += 10 * random.next();
      const stray = random.chance(0.1) ? 1e4 * random.next() : 0;
      call.send({
        peer: `p${random.integer(0, 3)}`,
        atMs: atMs - 5000 * random.integer(0, 1) + stray,
        samples,
      });
    }
    const count = call.outputs.length;
    call.flush();
    expect(call.outputs.length - count, `seed ${SEED}`).toBeLessThan(100);
    const times = call.mixes().map(({ timestampUs = 0 }) => timestampUs);
    expect(
      times.every((time, i) => i === 0 || time > (times[i - 1] as number)),
      `seed ${SEED}`,
    ).toBe(true);
    expect(call.mixes().every((mix) => mix.samples.every((sample) => sample >= 0 && sample < 0.5))).toBe(
      true,
    );
    call.close();
  });

  it("counts late samples", () => {
    const call = new MixerCall();
    talk(call, [listener(200), speaker(200)]);
    call.send({ peer: "b", atMs: 20, samples: new Float32Array(960) });
    talk(call, [{ ...listener(2500), fromMs: 200 }]);
    expect(call.close()).toMatchObject({ lateSamples: 960 });
  });
});

/** Delays under which no frame of 20 ms overtakes the one before. */
function inOrder(delayMs: () => number): (atMs: number) => number {
  let due = 0;
  return (atMs) => {
    due = Math.max(due + 0.001, atMs + delayMs());
    return due - atMs;
  };
}
