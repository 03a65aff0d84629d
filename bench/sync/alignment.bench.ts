// How true the capture times are: frames of one row, on simulated paths; the bound that is stated with them; and where
// a click heard by three recorders lands in aligned blocks. Baselines label by arrival, or by plain sender reports.
import { SeededRandom } from "../../src/testing/random.ts";
import type { Bench, Figure } from "../bench.ts";
import { playRoom } from "./alignment-room.ts";
import { Clicks, RATE, exactFrame, roundedShift } from "./clicks.ts";
import {
  CROOKED_PATHS,
  LAN_PATHS,
  MAX_MEDIA_PPM,
  NEAR_AND_FAR,
  SEEDS,
  WALL_OFFSET_MS,
  WIFI_PATHS,
  rowErrors,
  sendersOf,
} from "./row-errors.ts";
import type { Paths, RowErrors } from "./row-errors.ts";

const CLICKERS = 3;
const CLICK_SECONDS = 14;

function pairFigure(name: string, errors: RowErrors, atMost: number): Figure {
  const p95 = (values: readonly number[]): number => percentile(values, 0.95);
  return {
    name: `label errors of frames in one row apart, p95, ${name}`,
    unit: "ms",
    ours: p95(errors.pairs),
    baselines: [
      { name: "by first arrival", value: p95(errors.byArrival) },
      { name: "by sender reports alone", value: p95(errors.byReports) },
    ],
    goal: { atMost },
  };
}

function figures(): Figure[] {
  const onWifi = rowErrors(WIFI_PATHS);
  const onLan = rowErrors(LAN_PATHS);
  const far = rowErrors(NEAR_AND_FAR);
  const crooked = rowErrors(CROOKED_PATHS);
  const kept = crooked.labels.filter((error, i) => error <= (crooked.bounds[i] as number)).length;
  return [
    pairFigure("wifi 20-80 ms", onWifi, 10),
    pairFigure("lan", onLan, 2),
    pairFigure("20 and 150 ms", far, 15),
    {
      name: "frames too late for their row, wifi 20-80 ms",
      unit: "% of frames",
      ours: (100 * onWifi.late) / onWifi.pushed,
      baselines: [],
      goal: { atMost: 1 },
    },
    {
      name: "labels within their bound, asymmetric 10-120 ms legs",
      unit: "share",
      ours: kept / crooked.labels.length,
      baselines: [],
      goal: { atLeast: 0.999 },
    },
    eightHours(),
    exactClicks(),
    roomClicks("lan", LAN_PATHS, 2),
    roomClicks("wifi 20-80 ms", WIFI_PATHS, 10),
  ];
}

/** How often the labels of one peer go back within an epoch, in 8 hours of wifi. */
function eightHours(): Figure {
  let backwards = 0;
  let lastUs = -Infinity;
  let lastEpoch = -1;
  const senders = sendersOf(WIFI_PATHS, new SeededRandom("eight hours"), 1);
  const room = { senders, seed: 8, seconds: 8 * 3600, frameMs: 60, tickMs: 60, wallOffsetMs: WALL_OFFSET_MS };
  playRoom(room, (_, { wallClockTimestampUs, timelineEpoch }) => {
    if (timelineEpoch === lastEpoch && wallClockTimestampUs <= lastUs) backwards++;
    lastUs = wallClockTimestampUs;
    lastEpoch = timelineEpoch;
  });
  return {
    name: "labels that go back, 8 h of wifi",
    unit: "frames",
    ours: backwards,
    baselines: [],
    goal: { atMost: 0 },
  };
}

/** Where the clicks of three recorders lie with labels that are true: what the blocks themselves add. */
function exactClicks(): Figure {
  const ours: number[] = [];
  const counted: number[] = [];
  const rounded: number[] = [];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new SeededRandom(`exact ${seed}`);
    const clicks = new Clicks(CLICKERS);
    const senders = Array.from({ length: CLICKERS }, () => ({
      startMs: 1000 + random.next() * 20,
      ppm: (2 * random.next() - 1) * MAX_MEDIA_PPM,
    }));
    for (let index = 0; index < CLICK_SECONDS * 50; index++) {
      senders.forEach(({ startMs, ppm }, peer) => {
        const captureMs = startMs + (index * 960 * 1000) / (RATE * (1 + ppm * 1e-6));
        clicks.push(peer, captureMs, ppm, exactFrame(captureMs, index), captureMs + 60);
      });
      clicks.pull(startMsOf(senders) + index * 20 + 60);
    }
    ours.push(...clicks.spreads().map(({ ms }) => (ms * RATE) / 1000));
    for (const { atMs } of clicks.spreads()) {
      const from = senders.map(({ startMs, ppm }) => (atMs - startMs) * (RATE / 1000) * ppm * 1e-6);
      counted.push(Math.max(...from) - Math.min(...from));
      const cut = senders.map(({ startMs, ppm }) => roundedShift(atMs, startMs, ppm));
      rounded.push(Math.max(...cut) - Math.min(...cut));
    }
    clicks.close();
  }
  return {
    name: "a click of three recorders apart in blocks, p95, true labels",
    unit: "samples",
    ours: percentile(ours, 0.95),
    baselines: [
      { name: "frames put at the nearest sample", value: percentile(rounded, 0.95) },
      { name: "samples counted from the first", value: percentile(counted, 0.95) },
    ],
    goal: { atMost: 0.5 },
  };
}

const startMsOf = (senders: readonly { startMs: number }[]): number =>
  Math.max(...senders.map(({ startMs }) => startMs));

/** The same over simulated paths, with labels as they are. */
function roomClicks(name: string, paths: Paths, atMost: number): Figure {
  const ours: number[] = [];
  const byArrival: number[] = [];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const senders = sendersOf(paths, new SeededRandom(`clicks ${seed}`), CLICKERS);
    const clicks = new Clicks(CLICKERS);
    const tick = (nowMs: number): void => {
      clicks.pull(nowMs);
    };
    const room = { senders, seed, seconds: CLICK_SECONDS, wallOffsetMs: WALL_OFFSET_MS, tick };
    const records = playRoom(room, (peer, frame, nowMs) => {
      clicks.push(peer, frame.samples.captureMs, senders[peer]?.mediaPpm ?? 0, frame, nowMs);
    });
    const transits = records.map(({ firstTransitMs }) => firstTransitMs);
    for (const { ms } of clicks.spreads()) {
      ours.push(ms);
      byArrival.push(Math.max(...transits) - Math.min(...transits));
    }
    clicks.close();
  }
  return {
    name: `a click of three recorders apart in blocks, p95, ${name}`,
    unit: "ms",
    ours: percentile(ours, 0.95),
    baselines: [{ name: "by first arrival", value: percentile(byArrival, 0.95) }],
    goal: { atMost },
  };
}

function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
}

export default { runtimes: ["node"], cases: () => [], figures } satisfies Bench;
