// Microseconds per 10 ms block of 480 samples, or per tick of ten peers: the SIMD kernels against tuned plain
// JavaScript. What is copied in and out counts where a case says so.
import { SeededRandom } from "../../src/testing/random.ts";
import { Arena } from "../../src/wasm/arena.ts";
import { AudioMixer } from "../../src/wasm/audio-mixer.ts";
import { DriftResampler } from "../../src/wasm/pcm.ts";
import { f32ToS16, s16ToF32 } from "../../src/wasm/sample-format.ts";
import type { Bench, BenchCase } from "../bench.ts";
import { PlainResampler, plainF32ToS16, plainMixTen, plainS16ToF32 } from "./plain-pcm.ts";

const SAMPLES = 480;
const PEERS = 10;
const TURNS = 400;
const RATIO = 1.000_037;
const BASELINE = "tuned JavaScript";

function noise(seed: number, length: number): Float32Array {
  const random = new SeededRandom(seed);
  return Float32Array.from({ length }, () => random.next() - 0.5);
}

/** A contender that does `work` many times; `work` returns a sample, so that nothing is thought away. */
function turns(name: string, work: () => number): BenchCase["ours"] {
  const run = (): number => {
    let sum = 0;
    for (let turn = 0; turn < TURNS; turn++) sum += work();
    if (!Number.isFinite(sum)) throw new Error(`${name}: the result is no number`);
    return TURNS;
  };
  return { name, run };
}

function cases(): BenchCase[] {
  return [formats("s16 to f32"), formats("f32 to s16"), mixing(), resampling(), tick()];
}

function formats(name: "s16 to f32" | "f32 to s16"): BenchCase {
  const floats = noise(1, SAMPLES);
  const integers = f32ToS16(floats);
  const toFloats = name === "s16 to f32";
  return {
    name: `${name}, copies included`,
    ours: turns("kernel", () => (toFloats ? s16ToF32(integers) : f32ToS16(floats))[7] as number),
    baseline: turns(
      BASELINE,
      () => (toFloats ? plainS16ToF32(integers) : plainF32ToS16(floats))[7] as number,
    ),
  };
}

function mixing(): BenchCase {
  const arena = new Arena({ bytes: 65_536 });
  const { kernels, buffer } = arena;
  const source = arena.allocate(PEERS * SAMPLES * 4);
  const gains = new Float32Array(buffer, arena.allocate(PEERS * 4), PEERS).fill(0.1);
  const target = new Float32Array(buffer, arena.allocate(SAMPLES * 4), SAMPLES);
  const blocks = Array.from({ length: PEERS }, (_, peer) => noise(peer, SAMPLES));
  blocks.forEach((block, peer) => new Float32Array(buffer, source + peer * SAMPLES * 4, SAMPLES).set(block));
  const plainGains = gains.slice();
  const plainTarget = new Float32Array(SAMPLES);
  return {
    name: `mix ${PEERS} peers`,
    ours: turns("mixPeers", () => {
      kernels.mixPeers(source, SAMPLES * 4, PEERS, gains.byteOffset, target.byteOffset, SAMPLES);
      return target[7] as number;
    }),
    baseline: turns(BASELINE, () => {
      plainMixTen(blocks, plainGains, plainTarget);
      return plainTarget[7] as number;
    }),
    goal: 8,
  };
}

function resampling(): BenchCase {
  const block = noise(2, SAMPLES);
  const ours = new DriftResampler({ channels: 1 });
  const plain = new PlainResampler();
  const out = new Float32Array(2 * SAMPLES);
  return {
    name: "resample, copies included",
    ours: turns("DriftResampler", () => ours.process(block, RATIO)[7] as number),
    baseline: turns(BASELINE, () => {
      const made = plain.process(block, RATIO, out);
      return out.slice(0, made)[7] as number;
    }),
    goal: 5,
  };
}

function tick(): BenchCase {
  const mixer = new AudioMixer({ samples: SAMPLES });
  const long = Array.from({ length: PEERS }, (_, peer) => noise(peer, SAMPLES + 10));
  const inputs: Float32Array[] = [];
  // Lengths vary by one; views are made beforehand, for both.
  const views = long.map((block) => new Map([479, 480, 481, 489].map((n) => [n, block.subarray(0, n)])));
  for (let peer = 0; peer < PEERS; peer++) mixer.setPeer(peer, RATIO, 0.1);
  const plain = long.map(() => new PlainResampler());
  const outs = long.map(() => new Float32Array(2 * SAMPLES));
  const gains = new Float32Array(PEERS).fill(0.1);
  return {
    name: `audio tick of ${PEERS} peers, copies included`,
    ours: turns("AudioMixer", () => {
      for (let peer = 0; peer < PEERS; peer++) {
        inputs[peer] = views[peer]?.get(mixer.needed(peer)) as Float32Array;
      }
      return mixer.tick(inputs)[7] as number;
    }),
    baseline: turns(BASELINE, () => {
      for (let peer = 0; peer < PEERS; peer++) {
        plain[peer]?.process(views[peer]?.get(480) as Float32Array, RATIO, outs[peer] as Float32Array);
      }
      const target = new Float32Array(SAMPLES);
      plainMixTen(outs, gains, target);
      return target[7] as number;
    }),
    goal: 5,
  };
}

export default { runtimes: ["node", "chromium"], cases } satisfies Bench;
