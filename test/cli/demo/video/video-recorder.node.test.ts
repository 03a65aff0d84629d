import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { blankPicture } from "../../../../src/cli/demo/video/picture.ts";
import { VideoRecorder } from "../../../../src/cli/demo/video/video-recorder.ts";
import { Y4mReader } from "../../../../src/cli/demo/video/y4m-file.ts";

const BLACK = 16;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "films-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** A picture whose luma is `level`. */
const picture = (level: number, width = 4, height = 2) => {
  const made = blankPicture(width, height);
  made.planes[0].fill(level);
  return made;
};
const at = (number: number, atMs: number, level = 100 + number) => ({
  ...{ number, atMs, picture: picture(level), framerateFps: 10 },
});

/** Luma of the pictures of a file, in their order. */
async function levelsOf(name: string): Promise<number[]> {
  const reader = await Y4mReader.open(join(folder, name));
  const levels: number[] = [];
  for (let i = 0; i < reader.pictures; i++) levels.push((await reader.picture(i)).planes[0][0] ?? NaN);
  await reader.close();
  return levels;
}

it("begins every file with the run, and shows the last picture again where some are missing", async () => {
  const recorder = new VideoRecorder(folder);
  for (const number of [5, 6, 9]) recorder.sent("alice", at(number, 100 * number - 200));
  recorder.received("alice", "bob", at(6, 520));
  recorder.received("alice", "bob", at(7, 580));
  expect(await recorder.close()).toEqual({ files: 2, lostPictures: 0, reason: undefined });
  expect((await readdir(folder)).sort()).toEqual(["received-bob-from-alice.y4m", "sent-alice.y4m"]);
  expect(await levelsOf("sent-alice.y4m")).toEqual([BLACK, BLACK, BLACK, 105, 106, 106, 106, 109]);
  expect(await levelsOf("received-bob-from-alice.y4m")).toEqual([...Array<number>(5).fill(BLACK), 106, 107]);
});

it("goes on when numbers wrap, and leaves out what comes twice or too late", async () => {
  const recorder = new VideoRecorder(folder);
  const last = 2 ** 24 - 1;
  for (const [number, level] of [
    [last - 1, 1],
    [last, 2],
    [last, 9],
    [1, 4],
    [0, 9],
    [2, 5],
  ] as const) {
    recorder.sent("alice", at(number, 0, level));
  }
  await recorder.close();
  expect(await levelsOf("sent-alice.y4m")).toEqual([1, 2, 2, 4, 5]);
});

it("counts pictures of another size, and those that no file takes", async () => {
  const recorder = new VideoRecorder(folder);
  recorder.sent("alice", at(0, 0));
  recorder.sent("alice", { ...at(1, 100), picture: picture(7, 8, 4) });
  expect(await recorder.close()).toMatchObject({
    files: 1,
    lostPictures: 1,
    reason: expect.stringMatching(/8x4; expected 4x2/) as string,
  });

  const nowhere = new VideoRecorder(join(folder, "nowhere"));
  nowhere.sent("alice", at(0, 0));
  expect(await nowhere.close()).toMatchObject({
    files: 1,
    lostPictures: 1,
    reason: expect.stringMatching(/ENOENT/) as string,
  });
});
