// Microseconds per 20 ms block of ten voices at 48 kHz, each of which is to hear the nine others: the SIMD kernel against
// tuned plain JavaScript. What is copied in and out counts where a case says so.
import { ConferenceMixer } from "../../src/media/conference-mixer.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { MixMinus } from "../../src/wasm/mix-minus.ts";
import type { Bench, BenchCase } from "../bench.ts";
import { PlainMixMinus } from "./plain-mix-minus.ts";

const SAMPLES = 960;
const VOICES = 10;
const TURNS = 100;
const BASELINE = "tuned JavaScript";

/** At 0.35 of full scale every fourth sum of nine is above the limiter's knee, at 0.1 hardly any. */
function noises(amplitude: number): Float32Array[] {
  return Array.from({ length: VOICES }, (_, voice) => {
    const random = new SeededRandom(voice);
    return Float32Array.from({ length: SAMPLES }, () => amplitude * (2 * random.next() - 1));
  });
}

function mixing(name: string, amplitude: number): BenchCase {
  const blocks = noises(amplitude);
  const ours = new MixMinus({ samples: SAMPLES, channels: 1 });
  const voices = blocks.map((_, row) => ({ row, fromGain: 1, toGain: 1 }));
  const mix = (): number => {
    blocks.forEach((block, row) => ours.row(row).set(block));
    const levels = ours.meter(VOICES);
    return (ours.mix(voices)[3]?.[7] ?? 0) + (levels[3]?.power ?? 0);
  };
  return { name, ours: { name: "MixMinus", run: () => turns(mix) }, baseline: plainly(blocks), goal: 3 };
}

/** With all that belongs to a conference, against nothing but levels and sums. */
function conference(name: string): BenchCase {
  const blocks = noises(0.1);
  const mixer = new ConferenceMixer();
  const peers = blocks.map((samples, voice) => ({
    peerId: `peer${voice}`,
    samples,
    mask: new Uint8Array(SAMPLES).fill(1),
    gapQuality: null,
    errorUs: 100,
  }));
  const rest = { peers, missing: [], behind: [], unsynced: [] };
  let captureUs = 0;
  const mix = (): number =>
    mixer.mix({ captureUs: (captureUs += 20_000), ...rest }).mixes[3]?.samples[7] ?? NaN;
  return {
    name,
    ours: { name: "ConferenceMixer", run: () => turns(mix) },
    baseline: plainly(blocks),
    goal: 2,
  };
}

function plainly(blocks: readonly Float32Array[]): BenchCase["baseline"] {
  const plain = new PlainMixMinus(SAMPLES, VOICES);
  const mix = (): number => (plain.mix(blocks)[3]?.[7] ?? 0) + (plain.powers[3] ?? 0);
  return { name: BASELINE, run: () => turns(mix) };
}

/** Do `work` many times; it returns a sample, so that nothing is thought away. */
function turns(work: () => number): number {
  let sum = 0;
  for (let turn = 0; turn < TURNS; turn++) sum += work();
  if (!Number.isFinite(sum)) throw new Error("the result is no number");
  return TURNS;
}

function cases(): BenchCase[] {
  return [
    mixing(`levels and ${VOICES} mixes of ${VOICES} voices, copies included`, 0.1),
    mixing("the same with the limiter at work", 0.35),
    conference(`ConferenceMixer of ${VOICES} peers who all speak`),
  ];
}

export default { runtimes: ["node", "chromium"], cases } satisfies Bench;
