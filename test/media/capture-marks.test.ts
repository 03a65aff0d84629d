import { describe, expect, it } from "vitest";
import { CaptureMarks } from "../../src/media/capture-marks.ts";

const FRAME_TICKS = 960;
const FRAME_US = 20_000;
const START_TICKS = 85_000_000_000_000;
const START_US = 1_790_000_000_000_000;

/** Feed frames whose capture times come from `captureUs`. @returns indexes of those that were marked */
function marked(
  marks: CaptureMarks,
  frames: number,
  captureUs: (index: number) => number,
  ticks: (index: number) => number = (index) => index * FRAME_TICKS,
): number[] {
  const result: number[] = [];
  for (let index = 0; index < frames; index++) {
    const position = START_TICKS + ticks(index);
    if (!marks.isDue(position, captureUs(index))) continue;
    result.push(index);
    marks.mark(position, captureUs(index));
  }
  return result;
}

describe("the frames that carry their capture time", () => {
  it("are the first one and then one every half second", () => {
    expect(marked(new CaptureMarks(), 101, (index) => START_US + index * FRAME_US)).toEqual([
      0, 25, 50, 75, 100,
    ]);
  });

  it("are those at which the clock is stepped, in either direction", () => {
    for (const stepUs of [1001, -1001, 3_600_000_000, -3_600_000_000]) {
      const stepped = (index: number): number => START_US + index * FRAME_US + (index >= 7 ? stepUs : 0);
      expect(marked(new CaptureMarks(), 30, stepped)).toEqual([0, 7]);
    }
    const jitter = (index: number): number => START_US + index * FRAME_US + (index % 2) * 1000;
    expect(marked(new CaptureMarks(), 25, jitter)).toEqual([0]);
  });

  it("are those at which capture times have drifted 1 ms away", () => {
    const drifting = (index: number): number => START_US + index * (FRAME_US + 100);
    expect(marked(new CaptureMarks(), 25, drifting)).toEqual([0, 11, 22]);
  });

  it("are every second one of a silent sender that pauses 400 ms between frames", () => {
    const ticks = (index: number): number => index * 19_200;
    expect(marked(new CaptureMarks(), 7, (index) => START_US + index * 400_000, ticks)).toEqual([0, 2, 4, 6]);
  });

  it("begin anew after a reset", () => {
    const marks = new CaptureMarks();
    marks.mark(START_TICKS, START_US);
    expect(marks.isDue(START_TICKS + FRAME_TICKS, START_US + FRAME_US)).toBe(false);
    marks.reset();
    expect(marks.isDue(START_TICKS + FRAME_TICKS, START_US + FRAME_US)).toBe(true);
  });
});
