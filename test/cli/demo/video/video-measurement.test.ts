import { expect, it } from "vitest";
import { VideoMeasurement } from "../../../../src/cli/demo/video/video-measurement.ts";
import type { SeenCode } from "../../../../src/cli/demo/video/video-measurement.ts";

const INTERVAL_MS = 100;
const ALICE = 0;
const BOB = 1;

/** A measurement of which alice has told that she showed so many pictures. */
function shownByAlice(pictures: number): VideoMeasurement {
  const measurement = new VideoMeasurement();
  measurement.connected("alice", "bob");
  for (let number = 0; number < pictures; number++) {
    const captureMs = number * INTERVAL_MS;
    measurement.shown({ peerId: "alice", pictures: [number, captureMs + 2, captureMs] });
  }
  return measurement;
}

const seen = (frameNumber: number, changes: Partial<SeenCode> = {}): SeenCode => ({
  ...{ from: "alice", to: "bob", code: { frameNumber, sender: ALICE }, isKeyframe: false },
  ...{ receivedMs: frameNumber * INTERVAL_MS + 80, psnrDb: undefined, avOffsetMs: undefined },
  ...changes,
});

it("counts what came, what did not, and how late it was", () => {
  const measurement = shownByAlice(10);
  for (const number of [2, 3, 4, 6, 7, 8, 9]) {
    measurement.seen(seen(number, { isKeyframe: number === 2, psnrDb: 38, avOffsetMs: -4 }));
  }
  expect(measurement.rows(60_000)).toEqual([
    {
      ...{ from: "alice", to: "bob", frames: 8, decoded: 7, dropped: 1, keyframes: 1, misread: 0 },
      ...{ latencyMsP95: 80, psnrDb: 38, avOffsetMs: -4 },
    },
  ]);
});

it("calls pictures misread that have no code, that of somebody else, or one that was not sent", () => {
  const measurement = shownByAlice(10);
  for (let number = 0; number < 7; number++) measurement.seen(seen(number));
  measurement.seen(seen(7, { code: undefined }));
  measurement.seen(seen(8, { code: { frameNumber: 8, sender: BOB } }));
  measurement.seen(seen(9, { code: { frameNumber: 4_711, sender: ALICE } }));
  expect(measurement.rows(60_000)[0]).toMatchObject({ frames: 10, misread: 3 });
});

it("lets each pair compare once a second, and rarely when there are many", () => {
  const measurement = shownByAlice(1);
  const times = (to: string): number[] =>
    Array.from({ length: 60 }, (_, i) => 100 * i).filter((ms) =>
      measurement.wantsComparison("alice", to, ms),
    );
  expect(times("bob")).toEqual([0, 1_000, 2_000, 3_000, 4_000, 5_000]);
  for (let i = 0; i < 40; i++) measurement.connected("alice", `guest-${i}`);
  expect(times("guest-0")).toEqual([0, 2_100, 4_200]);
});

it("forgets who has left, so that numbers begin anew when it comes back", () => {
  const measurement = shownByAlice(3);
  measurement.seen(seen(2));
  measurement.left("alice");
  expect(measurement.rows(60_000)).toEqual([]);
  measurement.connected("alice", "bob");
  measurement.shown({ peerId: "alice", pictures: [0, 61_000, 61_000] });
  measurement.seen(seen(0, { receivedMs: 61_050 }));
  expect(measurement.rows(70_000)).toMatchObject([{ frames: 1, decoded: 1, latencyMsP95: 50 }]);
});

it("measures nobody with itself, and no more pairs than there can be", () => {
  const measurement = new VideoMeasurement();
  measurement.connected("alice", "alice");
  for (let i = 0; i < 300; i++) measurement.connected("alice", `guest-${i}`);
  measurement.seen(seen(1, { to: "guest-299" }));
  expect(measurement.wantsComparison("alice", "guest-299", 0)).toBe(false);
  expect(measurement.rows(0)).toHaveLength(240);
});
