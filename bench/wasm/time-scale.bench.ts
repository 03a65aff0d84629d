// Time scaling: microseconds for the search of a block against plain JavaScript, and what its splices do to a voice
// against cutting wherever the debt falls due.
import { Arena } from "../../src/wasm/arena.ts";
import { TimeScaler } from "../../src/wasm/time-scale.ts";
import type { ScaledBlock } from "../../src/wasm/time-scale.ts";
import { play, sharpestClick, spectralDistance } from "../../test/wasm/scaled-sound.ts";
import type { Scaled } from "../../test/wasm/scaled-sound.ts";
import { spoken } from "../../test/wasm/spoken.ts";
import type { Bench, BenchCase, Figure } from "../bench.ts";
import { plainFindSimilar } from "./plain-search.ts";

/** Of the search: 8 places of a block, 100 lags each, windows of 15 ms at 8 kHz. */
const PLACES = 8;
const PLACE_STEP = 20;
const LAGS = 100;
const MIN_LAG = 20;
const WINDOW = 120;
const TURNS = 50;

const SAMPLE_RATE = 48_000;
const RATE_MS = -1;
const CUT_MS = 8;

function cases(): BenchCase[] {
  const voice = spoken({ seed: "search", sampleRate: 8000, seconds: 1, pitchHz: 120 });
  const arena = new Arena({ bytes: 65_536 });
  const result = arena.allocate(16);
  const signal = new Float32Array(arena.buffer, arena.allocate(voice.length * 4), voice.length);
  signal.set(voice);
  const search = (find: (reference: number, candidate: number) => number): number => {
    let sum = 0;
    for (let turn = 0; turn < TURNS; turn++) {
      for (let place = 0; place < PLACES; place++) {
        const reference = turn * PLACE_STEP + place * PLACE_STEP;
        sum += find(reference, reference + MIN_LAG);
      }
    }
    if (sum === 0) throw new Error("nothing was found");
    return TURNS;
  };
  const address = (at: number): number => signal.byteOffset + at * 4;
  return [
    {
      name: "search of a block",
      ours: {
        name: "findSimilar",
        run: () =>
          search((a, b) => arena.kernels.findSimilar(result, address(a), address(b), 4, LAGS, WINDOW)),
      },
      baseline: {
        name: "tuned JavaScript",
        run: () => search((a, b) => plainFindSimilar(voice, a, b, 1, LAGS, WINDOW)),
      },
      goal: 3,
    },
  ];
}

/** Cut 8 ms out of the end of a block as soon as they are due. */
function bluntCut(samples: Float32Array, wantedMs: number): ScaledBlock {
  if (wantedMs > -CUT_MS) return { samples, changedSamples: 0, changedMs: 0 };
  const cut = (CUT_MS * SAMPLE_RATE) / 1000;
  return { samples: samples.subarray(0, samples.length - cut), changedSamples: -cut, changedMs: -CUT_MS };
}

function figures(): Figure[] {
  const input = spoken({ seed: "figures", sampleRate: SAMPLE_RATE, seconds: 10, pitchHz: 130 });
  const options = { sampleRate: SAMPLE_RATE, channels: 1, rateMs: RATE_MS };
  const scaler = new TimeScaler({ sampleRate: SAMPLE_RATE, channels: 1 });
  const ours = play((samples, wantedMs) => scaler.process(samples, wantedMs), input, options);
  const blunt = play(bluntCut, input, options);
  const figure = (name: string, unit: string, atMost: number, of: (scaled: Scaled) => number): Figure => ({
    name: `voice 5 % faster: ${name}`,
    unit,
    ours: of(ours),
    baselines: [{ name: "cut where it falls due", value: of(blunt) }],
    goal: { atMost },
  });
  return [
    figure("sharpest click above the original", "dB", 3, sharpestClick),
    figure("log-spectral distance", "dB", 0.7, spectralDistance),
    figure("largest debt", "ms", 25, ({ largestDebtMs }) => largestDebtMs),
  ];
}

export default { runtimes: ["node", "chromium"], cases, figures } satisfies Bench;
