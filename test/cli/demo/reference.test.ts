import { expect, it } from "vitest";
import { MixedReference } from "../../../src/cli/demo/reference.ts";
import { SentStream } from "../../../src/cli/demo/similarity.ts";

/** Says `value` from 0 on, for a second. */
function speaker(value: number, calledMs: number): SentStream {
  const sent = new SentStream();
  sent.push(new Float32Array(48_000).fill(value), 0);
  sent.push(new Float32Array(960).fill(value), calledMs);
  return sent;
}

it("is the sum of its parts, each as late as it was", () => {
  const ramp = new SentStream();
  ramp.push(
    Float32Array.from({ length: 48_000 }, (_, i) => i / 48_000),
    0,
  );
  const mix = new MixedReference(() => [
    { reference: speaker(0.25, 1_000), lag: 0 },
    { reference: ramp, lag: 479.6 },
  ]);
  const read = mix.read(1_000, 3);
  [1_480, 1_481, 1_482].forEach((at, i) => expect(read[i]).toBeCloseTo(0.25 + at / 48_000, 6));
  expect(mix.readDecimated(100, 20)).toHaveLength(20);
});

it("reaches as far as the longest part, and counts from the earliest call", () => {
  const parts = [speaker(0.1, 1_010), speaker(0.2, 1_000)].map((reference) => ({ reference, lag: 0 }));
  const mix = new MixedReference(() => parts);
  expect(mix.end).toBe(48_960);
  expect(mix.calledAt(48_500)).toBe(1_000);
  expect(mix.calledAt(60_000)).toBeUndefined();
});

it("asks each time who speaks", () => {
  const parts: { reference: SentStream; lag: number }[] = [];
  const mix = new MixedReference(() => parts);
  expect([mix.end, mix.read(0, 2), mix.calledAt(0)]).toEqual([0, new Float32Array(2), undefined]);
  parts.push({ reference: speaker(0.5, 1_000), lag: 0 });
  expect(mix.read(0, 2)).toEqual(Float32Array.of(0.5, 0.5));
});
