// How soon the rate of video finds the limit of a link, how much of it is used and what that costs in loss and delay,
// on simulated links: the send-side estimate against the rule of loss and round trips. The worst of a few seeds.
import { Pacer } from "../../src/media/congestion/pacer.ts";
import { linkPresets } from "../../src/testing/link-presets.ts";
import type { LinkModelOptions } from "../../src/testing/link-model.ts";
import { figuresOf, lossRate, queueMs } from "../../test/scenarios/congestion-figures.ts";
import type { CongestionFigures, Stretch } from "../../test/scenarios/congestion-figures.ts";
import { playCongestion } from "../../test/scenarios/congestion-world.ts";
import type { CongestionOptions, CongestionReport } from "../../test/scenarios/congestion-world.ts";
import type { Bench, BenchCase, Figure } from "../bench.ts";

const SEEDS = [1, 2, 3, 4, 5];
const CHANGE_MS = 20_000;
const END_MS = 80_000;
const PACKETS = 5_000;

/** Where the estimate begins low and finds out, the rule begins high: it would need a minute to come up. */
const NAIVE: Partial<CongestionOptions> = { feedback: "none", startKbps: 1_500 };

type Options = Omit<CongestionOptions, "seed">;

function bottleneck(kbps: number, queue = 200, more: Partial<LinkModelOptions> = {}): LinkModelOptions {
  return { delayMs: 25, rate: { kbps, queueMs: queue }, ...more };
}

function steps(queue: number): Options {
  const changes = [
    { atMs: CHANGE_MS, link: bottleneck(300, queue) },
    { atMs: 2 * CHANGE_MS, link: bottleneck(1_500, queue) },
  ];
  return { durationMs: END_MS, link: bottleneck(800, queue), changes };
}

const STRETCHES: readonly (readonly [string, Stretch, number])[] = [
  ["from 300 to a limit of 800", { fromMs: 0, toMs: CHANGE_MS, limitKbps: 800 }, 5],
  ["down to 300", { fromMs: CHANGE_MS, toMs: 2 * CHANGE_MS, limitKbps: 300 }, 3],
  ["up to 1500", { fromMs: 2 * CHANGE_MS, toMs: END_MS, limitKbps: 1_500 }, 5],
];

function play(options: Options): CongestionReport[] {
  return SEEDS.map((seed) => playCongestion({ ...options, seed }));
}

function most(values: readonly number[]): number {
  return Math.max(...values);
}

function least(values: readonly number[]): number {
  return Math.min(...values);
}

/** One figure of ours and of the rule, both the worst of the seeds. */
function figure(
  name: string,
  unit: string,
  runs: { readonly ours: readonly CongestionFigures[]; readonly naive?: readonly CongestionFigures[] },
  of: (figures: CongestionFigures) => number,
  goal: NonNullable<Figure["goal"]>,
): Figure {
  const worst = goal.atLeast === undefined ? most : least;
  const baselines = runs.naive ? [{ name: "loss and round trips", value: worst(runs.naive.map(of)) }] : [];
  return { name, unit, ours: worst(runs.ours.map(of)), baselines, goal };
}

function stepFigures(queue: number): Figure[] {
  const ours = play(steps(queue));
  const naive = play({ ...steps(queue), ...NAIVE });
  const loss = (reports: readonly CongestionReport[]): number =>
    most(reports.map(({ video }) => lossRate(video)));
  const figures: Figure[] = [
    {
      name: `queue ${queue} ms: loss in all`,
      unit: "%",
      ours: 100 * loss(ours),
      baselines: [{ name: "loss and round trips", value: 100 * loss(naive) }],
      goal: { atMost: 5 },
    },
  ];
  for (const [title, stretch, goalS] of STRETCHES) {
    const name = `queue ${queue} ms, ${title}`;
    const both = {
      ours: ours.map((each) => figuresOf(each, stretch)),
      naive: naive.map((each) => figuresOf(each, stretch)),
    };
    figures.push(
      figure(`${name}: settled after`, "s", both, ({ settleMs }) => settleMs / 1000, { atMost: goalS }),
      figure(`${name}: link used then`, "%", both, ({ utilisation }) => 100 * utilisation, { atLeast: 70 }),
      figure(`${name}: at 65-110 % then`, "%", both, ({ nearShare }) => 100 * nearShare, { atLeast: 95 }),
      figure(`${name}: at 70-100 % then`, "%", both, ({ keptShare }) => 100 * keptShare, { atLeast: 70 }),
      figure(`${name}: queue p95`, "ms", both, ({ queueP95Ms }) => queueP95Ms, { atMost: queue + 20 }),
    );
  }
  return figures;
}

function withoutPadding(): Figure {
  const [, , [, stretch]] = STRETCHES as [unknown, unknown, readonly [string, Stretch, number]];
  const ours = play({ ...steps(200), padding: false }).map((each) => figuresOf(each, stretch));
  const name = "queue 200 ms, up to 1500 without padding: settled after";
  return figure(name, "s", { ours }, ({ settleMs }) => settleMs / 1000, { atMost: 15 });
}

/** A minute on 2 Mbit/s with a bad habit. */
function habit(title: string, more: Partial<LinkModelOptions>, options: Partial<Options> = {}): Figure[] {
  const stretch = { fromMs: 0, toMs: 60_000, limitKbps: 2_000 };
  const link = bottleneck(2_000, 200, more);
  const run = (also: Partial<Options>): CongestionFigures[] =>
    play({ durationMs: 60_000, link, ...options, ...also }).map((each) => figuresOf(each, stretch));
  const both = { ours: run({}), naive: run(NAIVE) };
  return [
    figure(`2000 kbit/s, ${title}: rate`, "%", both, ({ rateShare }) => 100 * rateShare, { atLeast: 70 }),
    figure(`2000 kbit/s, ${title}: settled after`, "s", both, ({ settleMs }) => settleMs / 1000, {
      atMost: 10,
    }),
    figure(`2000 kbit/s, ${title}: queue p95`, "ms", both, ({ queueP95Ms }) => queueP95Ms, { atMost: 220 }),
  ];
}

function besideAudio(): Figure[] {
  const options = { durationMs: 60_000, link: bottleneck(800), audio: true };
  const runs = { ours: play(options), naive: play({ ...options, ...NAIVE }) };
  const delay = (reports: readonly CongestionReport[], quantile: number): number =>
    most(reports.map(({ audio }) => queueMs(audio, quantile)));
  return [0.5, 0.95, 1].map((quantile) => ({
    name: `audio on the same 800 kbit/s: delayed by, ${quantile === 1 ? "at most" : `p${100 * quantile}`}`,
    unit: "ms",
    ours: delay(runs.ours, quantile),
    baselines: [{ name: "loss and round trips", value: delay(runs.naive, quantile) }],
    goal: { atMost: [30, 100, 200][[0.5, 0.95, 1].indexOf(quantile)] as number },
  }));
}

function figures(): Figure[] {
  const { jitter, loss, reorder } = linkPresets.wifi;
  const wifi = {
    ...(jitter && { jitter }),
    ...(loss !== undefined && { loss }),
    ...(reorder && { reorder }),
  };
  return [
    ...[100, 200, 500].flatMap(stepFigures),
    withoutPadding(),
    ...habit("nothing else", {}),
    ...habit("5 % random loss", { loss: 0.05 }),
    ...habit("wifi", wifi),
    ...habit("50 ms jitter in every packet", { jitter: { uniformMs: 50 } }),
    ...habit("clocks 200 ppm apart", {}, { skewPpm: 200 }),
    ...besideAudio(),
  ];
}

/** Packets through the pacer, against a list that is emptied at once. */
function pacing(): BenchCase {
  const drainAll = (pacer: Pacer<number>): void => {
    for (let output = pacer.poll(); output !== undefined; output = pacer.poll()) continue;
  };
  return {
    name: "a packet through the pacer",
    ours: {
      name: "paced",
      run: () => {
        const pacer = new Pacer<number>(2_000);
        for (let index = 0; index < PACKETS; index++) {
          const packet = { item: index, byteLength: 1_000 };
          pacer.handle({ type: "media", packet, frame: index >> 2, isKeyframe: false }, index * 4);
          drainAll(pacer);
        }
        return PACKETS;
      },
    },
    baseline: {
      name: "sent at once",
      run: () => {
        const queue: { item: number; byteLength: number }[] = [];
        let bytes = 0;
        for (let index = 0; index < PACKETS; index++) {
          queue.push({ item: index, byteLength: 1_000 });
          bytes += queue.shift()?.byteLength ?? 0;
        }
        return bytes / 1_000;
      },
    },
  };
}

export default { runtimes: ["node"], cases: () => [pacing()], figures } satisfies Bench;
