import { expect, it } from "vitest";
import { AlignmentJudge } from "../../../src/cli/demo/alignment-judge.ts";
import type { AlignmentJudgeOptions } from "../../../src/cli/demo/alignment-judge.ts";
import { KnownSignal } from "../../../src/cli/demo/known-signal.ts";
import { Loop } from "../../../src/cli/demo/loop.ts";
import { percentile } from "../../../src/cli/demo/numbers.ts";
import { seededRandom, Voice } from "../../../src/cli/demo/voice.ts";
import { toPcm16 } from "../../../src/cli/demo/wav.ts";

const SET = 960;
const SET_MS = 20;
const IDS = ["bob", "carol", "dave"];
const loops = new Map(IDS.map((id, i) => [id, toPcm16(new Voice(i + 11).next(8 * 48_000))]));

interface Case extends Partial<AlignmentJudgeOptions> {
  /** By how much later than labelled the samples of a peer were captured, ms. */
  lagMs?: (peerId: string, set: number) => number;
  /** What becomes of a peer's samples, and where they are captured. */
  carry?: (peerId: string, samples: Float32Array, mask: Uint8Array, set: number) => void;
  errorUs?: (peerId: string) => number | null;
  skewPpm?: number;
  seconds?: number;
  /** When it becomes known what was sent, ms behind. */
  knownMs?: number;
}

/** One reader of three peers in virtual time. */
function judge(given: Case): AlignmentJudge {
  const { lagMs = () => 0, carry = () => undefined, errorUs = () => 2_000 } = given;
  const { seconds = 10, skewPpm = 0, knownMs = 0, ...options } = given;
  const signals = new Map(
    [...loops].map(([id, pcm]) => [id, new KnownSignal(() => new Loop(pcm, 0), skewPpm, false)]),
  );
  // The same without delays of word: what peers are heard saying.
  const heard = new Map(
    [...loops].map(([id, pcm]) => [id, new KnownSignal(() => new Loop(pcm, 0), skewPpm, false)]),
  );
  const made = new AlignmentJudge({
    ...{ peerId: "alice", fromMs: () => 0, intervalMs: 1_000 },
    reference: (peerId) => signals.get(peerId),
    ...options,
  });
  const block = (number: number) => {
    const captureMs = (number * SET_MS) / (1 + skewPpm * 1e-6);
    return { number, captureMs, calledMs: captureMs + SET_MS };
  };
  const known = { heard: 0, signals: 0 };
  for (let set = 0; set < seconds * 50; set++) {
    const labelMs = 1_000 + set * SET_MS;
    const nowMs = labelMs + 300;
    for (; known.heard * SET_MS < nowMs; known.heard++) {
      for (const signal of heard.values()) signal.note(block(known.heard));
    }
    for (; known.signals * SET_MS < nowMs - knownMs; known.signals++) {
      for (const signal of signals.values()) signal.note(block(known.signals));
    }
    const shares = [...heard].map(([peerId, signal]) => {
      const samples = signal.read(Math.round((labelMs + lagMs(peerId, set)) * 48), SET);
      const mask = new Uint8Array(SET).fill(1);
      carry(peerId, samples, mask, set);
      return { peerId, samples, mask, errorUs: errorUs(peerId) };
    });
    made.push(shares, labelMs, nowMs);
    made.tick(nowMs);
  }
  return made;
}

const median = (values: readonly number[]): number => percentile(values, 0.5) ?? NaN;

it("finds no error where there is none", () => {
  const { figures } = judge({});
  expect(figures.sets).toBeGreaterThan(8 * 15);
  expect(figures.sets).toBe(figures.errorsMs.length * 15);
  expect(figures.unrecognized).toBe(0);
  expect(percentile(figures.errorsMs, 1)).toBeLessThan(0.005);
});

it("finds the spread of capture times, and how late each peer is", () => {
  const lags: Record<string, number> = { bob: -1.5, carol: 0.25, dave: 2 };
  const made = judge({ lagMs: (peerId) => lags[peerId] ?? 0, skewPpm: 150 });
  for (const error of made.figures.errorsMs) expect(error).toBeCloseTo(3.5, 1);
  const { labelMs, lagsMs } = made.lags();
  expect(Object.keys(lagsMs)).toEqual(IDS);
  for (const [peerId, lag] of Object.entries(lagsMs)) expect(lag).toBeCloseTo(lags[peerId] ?? NaN, 1);
  expect(labelMs).toBe(10_150);
});

it("measures parts of a sample", () => {
  // Halfway between two samples: what is heard is the mean of neighbours.
  const made = judge({
    carry: (peerId, samples) => {
      if (peerId !== "bob") return;
      for (let i = 0; i + 1 < samples.length; i++) {
        samples[i] = ((samples[i] as number) + (samples[i + 1] as number)) / 2;
      }
    },
  });
  expect(median(made.figures.errorsMs)).toBeCloseTo(0.5 / 48, 3);
});

it("follows errors that grow and finds those that jump", () => {
  const made = judge({ lagMs: (peerId, set) => (peerId === "bob" ? (set < 300 ? set / 200 : 120) : 0) });
  expect(made.figures.errorsMs.slice(0, 5).every((error) => error < 1.5)).toBe(true);
  expect(made.figures.errorsMs.at(-1)).toBeCloseTo(120, 1);
  expect(made.figures.unrecognized).toBe(0);
});

it("bears with noise and with gaps that are marked", () => {
  const random = seededRandom(9);
  const made = judge({
    carry: (_, samples, mask, set) => {
      for (let i = 0; i < samples.length; i++) (samples[i] as number) += 0.02 * (random() - 0.5);
      if (set % 10 !== 0) return;
      mask.fill(0);
      samples.forEach((_sample, i) => (samples[i] = random() - 0.5));
    },
  });
  expect(percentile(made.figures.errorsMs, 1)).toBeLessThan(0.05);
  expect(made.figures.unrecognized).toBe(0);
});

it("leaves out a peer of whom too little was captured, and counts one that is not recognized", () => {
  const absent = judge({ carry: (peerId, _, mask) => void (peerId === "bob" && mask.fill(0)) });
  expect(absent.figures).toMatchObject({ unrecognized: 0, looked: absent.figures.errorsMs.length * 2 });
  const other = new Voice(99);
  const foreign = judge({
    carry: (peerId, samples) => void (peerId === "bob" && samples.set(other.next(SET))),
  });
  expect(foreign.figures.unrecognized).toBeGreaterThan(8);
  expect(foreign.figures.errorsMs.length).toBeGreaterThan(8);
});

it("judges nothing but two peers or more, and nothing before its time", () => {
  const alone = judge({ carry: (peerId, _, mask) => void (peerId !== "bob" && mask.fill(0)) });
  expect(alone.figures.sets).toBe(0);
  const late = judge({ fromMs: () => 6_000 });
  expect(late.figures.sets).toBeGreaterThan(0);
  expect(late.figures.sets).toBeLessThan(6 * 15);
});

it("states the largest bound of a set, and none where a peer has none", () => {
  const bounds: Record<string, number> = { bob: 1_000, carol: 4_000, dave: 2_500 };
  expect(median(judge({ errorUs: (peerId) => bounds[peerId] ?? null }).figures.boundsMs)).toBe(4);
  expect(judge({ errorUs: (peerId) => (peerId === "bob" ? null : 1) }).figures.boundsMs).toEqual([]);
});

it("waits for word of what was sent, and begins a stretch anew after a gap", () => {
  const { figures } = judge({ knownMs: 900 });
  expect(percentile(figures.errorsMs, 1)).toBeLessThan(0.005);
  expect(figures.errorsMs.length).toBeGreaterThan(6);
  const gaps = judge({});
  const before = gaps.figures.sets;
  const silence = { peerId: "bob", samples: new Float32Array(SET), mask: new Uint8Array(SET), errorUs: 0 };
  for (let set = 0; set < 100; set++) gaps.push([silence], 50_000 + set * 3 * SET_MS, 50_000);
  for (let i = 0; i < 10; i++) gaps.tick(90_000);
  expect(gaps.figures.sets).toBe(before);
});
