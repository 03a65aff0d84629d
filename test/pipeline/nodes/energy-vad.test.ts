import { describe, expect, it } from "vitest";
import { energyVadNode } from "../../../src/pipeline/nodes/energy-vad.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
import { blocks, reports, runNode } from "./run-node.ts";
import type { AudioOptions } from "./run-node.ts";

const RATE = 16_000;
const TIME_US = 1_700_000_000_000_000;
const SEED = "vad";

/** Stretches of [ms, dBFS rms] of noise. */
function noise(...stretches: readonly (readonly [ms: number, db: number])[]): Float32Array {
  const random = new SeededRandom(SEED);
  const parts = stretches.flatMap(([ms, db]) =>
    Array.from({ length: (ms * RATE) / 1000 }, () => 10 ** (db / 20) * random.normal()),
  );
  return Float32Array.from(parts);
}

interface Told {
  event: string;
  /** From the beginning of the signal. */
  ms: number;
  /** Ms from the beginning of the signal to the end of the block that told it. */
  toldMs: number;
  is_speech: boolean;
  confirmed: boolean;
  energy_db: number;
  duration_ms: number;
}

async function listen(samples: Float32Array, params = {}, blockMs = 20, more: AudioOptions = {}) {
  const inputs = blocks(samples, blockMs, { sampleRate: RATE, timestampUs: TIME_US, ...more });
  const outputs = await runNode(energyVadNode, { padMs: 0, ...params }, inputs);
  return reports(outputs).map((report, i) => ({
    ...report,
    ms: ((report.wall_clock_timestamp_us as number) - TIME_US) / 1000,
    toldMs: ((outputs[i]?.sequence ?? 0) + 1) * blockMs,
  })) as unknown as Told[];
}

const events = (told: readonly Told[]): string[] => told.map(({ event }) => event);

describe("EnergyVad", () => {
  it.each([2.5, 10, 20, 30])(
    "tells beginning and end of speech within 10 ms of the truth, and early, in blocks of %d ms",
    async (blockMs) => {
      const begin = 333;
      const end = begin + 700;
      const told = await listen(noise([begin, -70], [700, -25], [500, -70]), {}, blockMs);
      expect(events(told), `seed ${SEED}`).toEqual(["tentative", "start", "end"]);
      const [tentative, start, stop] = told as [Told, Told, Told];
      for (const { ms } of [tentative, start]) expect(Math.abs(ms - begin)).toBeLessThanOrEqual(10);
      expect(Math.abs(stop.ms - end)).toBeLessThanOrEqual(10);
      expect(tentative.toldMs - begin).toBeLessThanOrEqual(60);
      expect(tentative.toldMs - begin).toBeGreaterThanOrEqual(10);
      expect(start.toldMs - begin).toBeGreaterThanOrEqual(245);
      expect(start.toldMs - begin).toBeLessThanOrEqual(255 + blockMs);
      expect(stop.toldMs - end).toBeLessThanOrEqual(105 + blockMs);
      expect(told.map(({ is_speech }) => is_speech)).toEqual([false, true, false]);
      expect(told.map(({ confirmed }) => confirmed)).toEqual([false, true, true]);
      for (const { energy_db } of told) expect(Math.abs(energy_db + 25)).toBeLessThan(2);
      expect(Math.abs(stop.duration_ms - 700)).toBeLessThanOrEqual(10);
    },
  );

  it("pads both ends", async () => {
    const signal = noise([200, -80], [400, -25], [300, -80]);
    const bare = await listen(signal);
    const padded = await listen(signal, { padMs: 50 });
    expect(padded.map(({ ms }, i) => ms - (bare[i]?.ms ?? 0))).toEqual([-50, -50, 50]);
  });

  it("takes a tentative start back when it was no speech", async () => {
    const told = await listen(noise([200, -80], [150, -25], [500, -80]));
    expect(events(told)).toEqual(["tentative", "end"]);
    expect(told[1]).toMatchObject({ is_speech: false, confirmed: false, ms: 350 });
  });

  it("does not listen to clicks, however many, nor to what is too soft", async () => {
    const clicks = Array.from(
      { length: 20 },
      () =>
        [
          [5, -10],
          [40, -80],
        ] as const,
    ).flat();
    expect(await listen(noise([100, -80], ...clicks))).toEqual([]);
    expect(await listen(noise([1000, -52]))).toEqual([]);
    expect(events(await listen(noise([1000, -52]), { thresholdDb: -60 }))).toContain("start");
  });

  it("is not led astray by a click shortly before speech", async () => {
    const told = await listen(noise([100, -80], [5, -20], [45, -80], [400, -25], [300, -80]));
    expect(told.map(({ ms }) => ms)).toEqual([150, 150, 550]);
  });

  it("bridges pauses that are shorter than the least silence, and no longer ones", async () => {
    const pause = (ms: number): Float32Array => noise([300, -25], [ms, -80], [300, -25], [200, -80]);
    expect(events(await listen(pause(80)))).toEqual(["tentative", "start", "end"]);
    expect(events(await listen(pause(120))).length).toBe(6);
  });

  it("hears one word in the pulses of a low voice", async () => {
    const pulses = Float32Array.from({ length: RATE }, (_, i) =>
      i % (RATE / 80) < 40 && i < 8000 ? 0.2 : 0,
    );
    const told = await listen(pulses);
    expect(events(told)).toEqual(["tentative", "start", "end"]);
    expect(Math.abs((told[2]?.ms ?? 0) - 500)).toBeLessThanOrEqual(12);
  });

  it("ends speech with the stream, and at a gap in the capture times", async () => {
    const speech = noise([400, -25]);
    expect((await listen(speech)).at(-1)).toMatchObject({ event: "end", ms: 400, confirmed: true });
    const params = { padMs: 0 };
    const gap = [
      ...blocks(speech, 20, { sampleRate: RATE, timestampUs: TIME_US }),
      ...blocks(speech, 20, { sampleRate: RATE, timestampUs: TIME_US + 900_000 }),
    ];
    const told = reports(await runNode(energyVadNode, params, gap));
    expect(told.map(({ event }) => event)).toEqual([
      "tentative",
      "start",
      "end",
      "tentative",
      "start",
      "end",
    ]);
    const times = told.map((report) => ((report.wall_clock_timestamp_us as number) - TIME_US) / 1000);
    expect(times).toEqual([0, 0, 400, 900, 900, 1300]);
    const lost = [...gap.slice(0, 10), ...gap.slice(13, 20)];
    expect(reports(await runNode(energyVadNode, params, lost)).length).toBe(3);
    const back = [...gap.slice(20), ...gap.slice(0, 20)];
    expect(reports(await runNode(energyVadNode, params, back)).length).toBe(6);
  });

  it("keeps streams apart, and knows no time where the sound says none", async () => {
    const speech = noise([400, -25]);
    const inputs = ["a", "b"].flatMap((peer) => blocks(speech, 20, { sampleRate: RATE, peer }));
    const outputs = await runNode(energyVadNode, {}, inputs, { flush: false });
    expect(outputs.map(({ metadata }) => metadata.source_peer)).toEqual(["a", "a", "b", "b"]);
    for (const { data } of outputs) expect(data.timestampUs).toBeUndefined();
    for (const report of reports(outputs)) expect(report.wall_clock_timestamp_us).toBeNull();
  });

  it("starts at once without a least length, a tentative start before it all the same", async () => {
    const told = await listen(noise([100, -80], [50, -25]), { minSpeechMs: 0 });
    expect(events(told)).toEqual(["tentative", "start", "end"]);
    expect(told[1]?.toldMs).toBe(120);
  });
});
