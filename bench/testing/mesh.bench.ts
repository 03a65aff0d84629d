// Half an hour of a full mesh: ten machines with clocks up to 500 ppm off send audio and video to each other over wifi.
import { linkPresets } from "../../src/testing/link-presets.ts";
import { simulateMesh } from "../../src/testing/mesh-simulation.ts";
import type { Bench, Figure } from "../bench.ts";

const SEED = 1;
const MINUTES = 30;
const REPEATED_MINUTES = 2;
const MAX_REAL_S = 120;

function figures(): Figure[] {
  const startedMs = performance.now();
  const report = simulateMesh({
    seed: SEED,
    durationMs: MINUTES * 60_000,
    onProgress: (ms) => process.stderr.write(`bench: mesh, minute ${ms / 60_000} of ${MINUTES}\r`),
  });
  const realS = (performance.now() - startedMs) / 1000;
  const short = { seed: SEED, durationMs: REPEATED_MINUTES * 60_000 };
  const repeated = [simulateMesh(short), simulateMesh(short)].map((each) => JSON.stringify(each));
  const lan = simulateMesh({ ...short, link: linkPresets.lan });
  const name = `10 peers, ${MINUTES} min, wifi, +-500 ppm`;
  const figure = (what: string, unit: string, ours: number, goal?: Figure["goal"]): Figure => ({
    name: `${name}, ${what}`,
    unit,
    ours,
    baselines: [],
    ...(goal && { goal }),
  });
  return [
    figure("real time", "s", realS, { atMost: MAX_REAL_S }),
    figure("alignment error p95", "ms", report.alignmentErrorMs.p95, { atMost: 10 }),
    figure("alignment error max", "ms", report.alignmentErrorMs.max),
    figure("capture error p95", "ms", report.captureErrorMs.p95),
    figure("capture times outside their bound", "%", report.outsideBound * 100, { atMost: 0.1 }),
    figure("audio delay, capture to turn, p95", "ms", report.audioDelayMs.p95),
    figure("late audio", "%", report.lateLoss * 100),
    figure("audio lost by the network", "%", report.networkLoss * 100),
    figure("lip-sync p95", "ms", report.lipSyncMs.p95, { atMost: 20 }),
    figure("two runs of one seed that differ", "runs", repeated[0] === repeated[1] ? 0 : 1, { atMost: 0 }),
    {
      ...figure("", "ms", lan.alignmentErrorMs.p95, { atMost: 2 }),
      name: "10 peers, lan, alignment error p95",
    },
  ];
}

export default { runtimes: ["node"], cases: () => [], figures } satisfies Bench;
