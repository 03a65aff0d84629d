// Coded pictures wait for their turn: each comes out once, or is counted.
import { describe, expect, it } from "vitest";
import type { CodedVideoFrame } from "../../../src/media/engine/engine.ts";
import { IncomingPictures } from "../../../src/media/engine/incoming-pictures.ts";
import type { SyncedVideoFrame } from "../../../src/sync/sync-types.ts";
import { SyncManager } from "../../../src/sync/sync-manager.ts";
import { SeededRandom } from "../../../src/testing/random.ts";

const SEED = 5;
const FRAME_MS = 1000 / 30;

function picture(number: number, arrivalMs: number, isKeyframe = number === 0): CodedVideoFrame {
  return {
    ssrc: 7,
    rtpTimestamp: (4_294_960_000 + number * 3_000) >>> 0,
    rtpSequence: null,
    data: Uint8Array.of(number),
    isKeyframe,
    width: 64,
    height: 36,
    arrivalMs,
    captureUs: undefined,
  };
}

function setUp(): {
  pictures: IncomingPictures;
  play: (untilMs: number) => SyncedVideoFrame[];
  close: () => void;
} {
  const sync = new SyncManager<unknown>("bob", {}, { wallOffsetMs: 0 });
  const pictures = new IncomingPictures(sync);
  const play = (untilMs: number): SyncedVideoFrame[] => {
    const shown: SyncedVideoFrame[] = [];
    while (pictures.deadlineMs <= untilMs) {
      const frame = pictures.poll(pictures.deadlineMs);
      if (frame === null) break;
      shown.push(frame);
    }
    return shown;
  };
  return { pictures, play, close: () => sync.close() };
}

const numbersOf = (frames: readonly SyncedVideoFrame[]): (number | undefined)[] =>
  frames.map(({ planes }) => planes[0]?.[0]);

describe("incoming pictures", () => {
  it("come out in their order, paced, with what was known of them", () => {
    const { pictures, play, close } = setUp();
    for (const number of [0, 2, 1, 3]) pictures.receive(picture(number, 1_000 + number * FRAME_MS));
    expect(pictures.deadlineMs).toBeGreaterThan(1_000);
    expect(pictures.poll(1_000)).toBeNull();
    const shown = play(2_000);
    expect(numbersOf(shown)).toEqual([0, 1, 2, 3]);
    expect(shown[0]).toMatchObject({ format: "encoded", isKeyframe: true, width: 64, height: 36 });
    expect(pictures.deadlineMs).toBe(Infinity);
    close();
  });

  it("come once, however often they were sent", () => {
    const { pictures, play, close } = setUp();
    for (const number of [0, 0, 1, 1]) pictures.receive(picture(number, 1_000 + number * FRAME_MS));
    expect(numbersOf(play(2_000))).toEqual([0, 1]);
    expect(pictures.counters).toMatchObject({ received: 4, shown: 2, duplicates: 2 });
    close();
  });

  it(`all end in one counter, over a path that delays and repeats (seed ${SEED})`, () => {
    const { pictures, play, close } = setUp();
    const random = new SeededRandom(SEED);
    const arrivals = Array.from({ length: 900 }, (_, number) => {
      const delayMs = random.chance(0.05) ? 400 * random.next() : 20 * random.next();
      return { number, atMs: 1_000 + number * FRAME_MS + delayMs };
    });
    arrivals.push(...arrivals.filter(() => random.chance(0.1)));
    arrivals.sort((a, b) => a.atMs - b.atMs);
    const shown: (number | undefined)[] = [];
    for (const { number, atMs } of arrivals) {
      shown.push(...numbersOf(play(atMs)));
      pictures.receive(picture(number, atMs));
      const { received, duplicates, late, overruns, buffered, ...counters } = pictures.counters;
      expect(counters.shown + duplicates + late + overruns + buffered, `at ${atMs} ms`).toBe(received);
    }
    shown.push(...numbersOf(play(1e6)));
    expect(pictures.counters).toMatchObject({ received: arrivals.length, shown: shown.length, buffered: 0 });
    expect(shown.length).toBeGreaterThan(850);
    close();
  });
});
