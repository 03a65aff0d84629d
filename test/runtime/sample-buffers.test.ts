import { expect, it } from "vitest";
import { recycleSamples, takeSamples, takeSamplesWithin } from "../../src/runtime/sample-buffers.ts";

it("gives back an array of the length that was recycled, and a fresh one otherwise", () => {
  const [one, two] = [takeSamples(961), takeSamples(961)];
  expect([one.length, one === two]).toEqual([961, false]);
  recycleSamples(one);
  expect(takeSamples(960)).not.toBe(one);
  expect(takeSamples(961)).toBe(one);
  expect(takeSamples(961)).not.toBe(one);
});

it("lets lengths that differ a little share arrays", () => {
  const samples = takeSamplesWithin(1_530);
  expect([samples.length, samples.buffer.byteLength]).toEqual([1_530, 1_536 * 4]);
  recycleSamples(samples);
  const again = takeSamplesWithin(1_531);
  expect([again.length, again.buffer === samples.buffer]).toEqual([1_531, true]);
});

it("keeps few arrays, of few lengths", () => {
  const many = Array.from({ length: 40 }, () => takeSamples(77));
  for (const samples of many) recycleSamples(samples);
  const back = Array.from({ length: 40 }, () => takeSamples(77));
  expect(back.filter((samples) => many.includes(samples))).toHaveLength(16);
  const kept = takeSamples(501);
  recycleSamples(kept);
  for (const length of [502, 503, 504, 505]) recycleSamples(new Float32Array(length));
  expect(takeSamples(501)).not.toBe(kept);
});

it("keeps no memory of WebAssembly, none that threads share, and none that was transferred", () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const wasm = new Float32Array(memory.buffer);
  const shared = new Float32Array(new SharedArrayBuffer(4 * 303));
  const moved = new Float32Array(305);
  structuredClone(moved.buffer, { transfer: [moved.buffer] });
  for (const samples of [wasm, shared, moved]) recycleSamples(samples);
  expect(takeSamples(wasm.length).buffer).not.toBe(memory.buffer);
  expect(takeSamples(303).buffer).toBeInstanceOf(ArrayBuffer);
  expect(takeSamples(305)).toHaveLength(305);
});
