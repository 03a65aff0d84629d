import { expect, it } from "vitest";
import { Measurement } from "../../../src/cli/demo/measurement.ts";
import type { MeasurementOptions } from "../../../src/cli/demo/measurement.ts";
import { SentStream } from "../../../src/cli/demo/similarity.ts";
import { Voice } from "../../../src/cli/demo/voice.ts";

const FRAME = 960;
/** How wrong the labels of blocks are. */
const LABEL_ERROR_MS = 3;

/** A measurement, and what its peers send. */
function measure(options: Omit<MeasurementOptions, "reference"> = {}) {
  const sent = new Map<string, SentStream>();
  const signal = (peerId: string): SentStream => {
    const known = sent.get(peerId) ?? new SentStream();
    sent.set(peerId, known);
    return known;
  };
  return { measurement: new Measurement({ ...options, reference: signal }), signal };
}

/** Peers that hear each other perfectly 40 ms later, in virtual time. */
function converse({ measurement, signal }: ReturnType<typeof measure>, ids: string[], seconds: number): void {
  const voices = new Map(ids.map((id, i) => [id, new Voice(i + 1)]));
  const underway: { from: string; frame: Float32Array; sentMs: number }[] = [];
  for (const from of ids) for (const to of ids) measurement.connected(from, to, 0);
  for (let nowMs = 0; nowMs < seconds * 1_000; nowMs += 20) {
    for (const [id, voice] of voices) {
      const frame = voice.next(FRAME);
      signal(id).push(frame, nowMs);
      underway.push({ from: id, frame, sentMs: nowMs });
    }
    while ((underway[0]?.sentMs ?? Infinity) <= nowMs - 40) {
      const { from, frame, sentMs } = underway.shift() as (typeof underway)[number];
      const labelMs = sentMs + LABEL_ERROR_MS;
      for (const to of ids) {
        measurement.received({
          ...{ from, to, samples: frame, deliveredMs: nowMs, missing: 0, labelMs, driftPpm: 12 },
          bufferMs: 30,
        });
      }
    }
    measurement.tick(nowMs);
  }
}

it("has a row for every directed pair, by receiver and sender, with the counters noted last", () => {
  const run = measure();
  const { measurement } = run;
  converse(run, ["b", "a", "c"], 4);
  measurement.counted("a", "b", { packets: 7, lost: 1, concealed: 960, bufferDelayMs: 30 });
  measurement.counted("a", "nobody", { packets: 9, lost: 9, concealed: 9, bufferDelayMs: 9 });
  const rows = measurement.rows();
  expect(rows.map(({ from, to }) => `${from}>${to}`)).toEqual(["b>a", "c>a", "a>b", "c>b", "a>c", "b>c"]);
  for (const row of rows) {
    expect(row.similarity).toBeGreaterThan(0.99);
    expect(row.latencyMsP95).toBeCloseTo(40, 6);
    expect(row.beyondBufferMsP95).toBeCloseTo(10, 6);
    expect(row.driftPpm).toBe(12);
    expect(row.captureErrorUs).toBeCloseTo(LABEL_ERROR_MS * 1000, -2);
  }
  expect(rows[2]).toMatchObject({ packets: 7, lost: 1, concealed: 960, bufferDelayMs: 30 });
  expect(measurement.rows(true)).toHaveLength(6);
});

it("forgets the pairs of a peer that has left", () => {
  const run = measure();
  const { measurement } = run;
  converse(run, ["a", "b", "c"], 2);
  measurement.left("b");
  expect(measurement.rows().map(({ from, to }) => `${from}>${to}`)).toEqual(["c>a", "a>c"]);
  const block = { from: "b", to: "a", samples: new Float32Array(FRAME), deliveredMs: 2_000, missing: 0 };
  expect(measurement.received(block)).toBeUndefined();
});

it("says nothing about pairs that have not spoken, and holds a bounded number of pairs", () => {
  const { measurement } = measure();
  for (let i = 0; i < 1_000; i++) measurement.connected(`p${i}`, "a", 0);
  const rows = measurement.rows();
  expect(rows).toHaveLength(240);
  expect(rows[0]).toMatchObject({
    packets: 0,
    latencyMsP95: null,
    beyondBufferMsP95: null,
    similarity: null,
  });
});

it("judges capture times only when a pair has settled", () => {
  const settling = measure({ settleMs: 10_000 });
  converse(settling, ["a", "b"], 4);
  expect(settling.measurement.rows()[0]).toMatchObject({ captureErrorUs: null, driftPpm: 12 });
});

it("looks at fewer windows where it shares them with other processes", () => {
  const looked = [1, 200].map((processes) => {
    let reads = 0;
    const run = measure({ processes });
    const read = run.signal("a").read.bind(run.signal("a"));
    run.signal("a").read = (start, count) => {
      reads++;
      return read(start, count);
    };
    converse(run, ["a", "b"], 8);
    return reads;
  });
  expect(looked[1]).toBeLessThan((looked[0] ?? 0) / 3);
});
