import { expect, it } from "vitest";
import { Measurement } from "../../../src/cli/demo/measurement.ts";
import { Voice } from "../../../src/cli/demo/voice.ts";

const FRAME = 960;

/** Peers that hear each other perfectly 40 ms later, in virtual time. */
function converse(measurement: Measurement, ids: string[], seconds: number): void {
  const voices = new Map(ids.map((id, i) => [id, new Voice(i + 1)]));
  const underway: { from: string; frame: Float32Array; atMs: number }[] = [];
  for (const from of ids) for (const to of ids) measurement.connected(from, to, 0);
  for (let nowMs = 0; nowMs < seconds * 1_000; nowMs += 20) {
    for (const [id, voice] of voices) {
      const frame = voice.next(FRAME);
      measurement.sent(id, frame, nowMs);
      underway.push({ from: id, frame, atMs: nowMs + 40 });
    }
    while ((underway[0]?.atMs ?? Infinity) <= nowMs) {
      const { from, frame } = underway.shift() as (typeof underway)[number];
      for (const to of ids) measurement.received(from, to, frame, nowMs, 0);
    }
    measurement.tick(nowMs);
  }
}

it("has a row for every directed pair, by receiver and sender, with the counters noted last", () => {
  const measurement = new Measurement();
  converse(measurement, ["b", "a", "c"], 4);
  measurement.counted("a", "b", { packets: 7, lost: 1, concealed: 960, bufferDelayMs: 30 });
  measurement.counted("a", "nobody", { packets: 9, lost: 9, concealed: 9, bufferDelayMs: 9 });
  const rows = measurement.rows();
  expect(rows.map(({ from, to }) => `${from}>${to}`)).toEqual(["b>a", "c>a", "a>b", "c>b", "a>c", "b>c"]);
  for (const row of rows) {
    expect(row.similarity).toBeGreaterThan(0.99);
    expect(row.latencyMsP95).toBeCloseTo(40, 6);
  }
  expect(rows[2]).toMatchObject({ packets: 7, lost: 1, concealed: 960, bufferDelayMs: 30 });
  expect(measurement.rows(true)).toHaveLength(6);
});

it("forgets the pairs of a peer that has left", () => {
  const measurement = new Measurement();
  converse(measurement, ["a", "b", "c"], 2);
  measurement.left("b");
  expect(measurement.rows().map(({ from, to }) => `${from}>${to}`)).toEqual(["c>a", "a>c"]);
  expect(measurement.received("b", "a", new Float32Array(FRAME), 2_000, 0)).toBeUndefined();
});

it("says nothing about pairs that have not spoken, and holds a bounded number of pairs", () => {
  const measurement = new Measurement();
  for (let i = 0; i < 1_000; i++) measurement.connected(`p${i}`, "a", 0);
  const rows = measurement.rows();
  expect(rows).toHaveLength(240);
  expect(rows[0]).toMatchObject({ packets: 0, latencyMsP95: null, similarity: null });
});
