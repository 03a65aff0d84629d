import { expect, it } from "vitest";
import { SentPictures } from "../../../src/platform/browser/sent-pictures.ts";
import { SeededRandom } from "../../../src/testing/random.ts";

const ORIGIN = 1_000_000;
const FRAME_MS = 33;
/** Where the browser's count of timestamps begins, near its end. */
const START = 0xffff_f000;

const stampAt = (ms: number): number => (START + Math.round(ms * 90)) >>> 0;

/** Write `count` pictures, captured an hour ago; of every fifth the departure is told. @returns [told, true] captures */
function run(count: number, delayMs: (index: number) => number, sent = new SentPictures()): number[][] {
  const found: number[][] = [];
  for (let index = 0; index < count; index++) {
    const atMs = index * FRAME_MS;
    const captureMs = ORIGIN + atMs - 3_600_000.25;
    sent.written(atMs, captureMs);
    if (index % 5 !== 0) continue;
    const departure = { ssrc: 1, rtpTimestamp: stampAt(atMs + 1), leftMs: atMs + 1 + delayMs(index) };
    found.push([sent.captureOf(departure, ORIGIN), captureMs]);
  }
  return found;
}

it("finds the picture that was written, through the wrap of timestamps and however far its capture is", () => {
  for (const [told, true_] of run(200, () => 7)) expect(told).toBe(true_);
});

it("is not misled by an encoder that is often late once it was quick", () => {
  const seed = "late encoder";
  const random = new SeededRandom(seed);
  const found = run(300, (index) => (index === 0 ? 5 : 5 + random.next() * 80));
  expect(found.filter(([told, true_]) => told !== true_).length, `seed ${seed}`).toBeLessThan(10);
});

it("tells when the browser got the picture where none was written", () => {
  const sent = new SentPictures();
  run(10, () => 7, sent);
  sent.forget();
  const atMs = 10 * FRAME_MS;
  const departure = { ssrc: 1, rtpTimestamp: stampAt(atMs + 1), leftMs: atMs + 40 };
  expect(sent.captureOf(departure, ORIGIN)).toBeCloseTo(ORIGIN + atMs + 1 + 7, 1);
});

it.each([
  ["another stream", 2, 500],
  ["another count of timestamps", 1, 90 * 60_000],
])("begins anew with %s", (_, ssrc, shift) => {
  const sent = new SentPictures();
  run(50, () => 7, sent);
  const atMs = 50 * FRAME_MS;
  sent.written(atMs, 42);
  const departure = { ssrc, rtpTimestamp: (stampAt(atMs) + shift) >>> 0, leftMs: atMs + 9 };
  expect(sent.captureOf(departure, ORIGIN)).toBe(42);
});

it("holds out for days", () => {
  const sent = new SentPictures();
  for (let hour = 0; hour < 48; hour++) {
    const atMs = hour * 3_600_000;
    sent.written(atMs, hour);
    const departure = { ssrc: 1, rtpTimestamp: stampAt(atMs + 1), leftMs: atMs + 8 };
    expect(sent.captureOf(departure, ORIGIN)).toBe(hour);
  }
});
