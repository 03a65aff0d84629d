import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Recorder } from "../../../src/cli/demo/recorder.ts";
import { parseWav } from "../../../src/cli/demo/wav.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "recorder-"));
});
afterEach(() => rm(folder, { recursive: true }));

const block = (value: number): Float32Array => new Float32Array(960).fill(value);

async function samplesOf(name: string): Promise<Float32Array> {
  const { samples, sampleRate } = parseWav(await readFile(join(folder, name)));
  expect(sampleRate).toBe(48_000);
  return samples;
}

it("places everything on the clock of the run, with silence where nothing was, all files of one length", async () => {
  const recorder = await Recorder.open(join(folder, "new", "folder"));
  recorder.sent("alice", 0, block(0.5));
  recorder.sent("alice", 960, block(0.25));
  recorder.received("alice", "bob", 4_800, block(0.5));
  recorder.received("alice", "bob", 2_400, block(-0.5));
  const { paths, lostBlocks } = await recorder.close(9_600);
  expect(lostBlocks).toBe(0);
  expect(paths).toHaveLength(2);

  const sent = await samplesOf("new/folder/sent-alice.wav");
  expect(sent).toHaveLength(9_600);
  expect([sent[0], sent[959], sent[960], sent[1_919], sent[1_920], sent[9_599]]).toEqual([
    0.5, 0.5, 0.25, 0.25, 0, 0,
  ]);
  const received = await samplesOf("new/folder/received-bob-from-alice.wav");
  expect(received).toHaveLength(9_600);
  expect([0, 2_399, 2_400, 3_359, 3_360, 4_800, 5_760].map((i) => received[i])).toEqual([
    0, 0, -0.5, -0.5, 0, 0.5, 0,
  ]);
});

it("lets the longest file set the length when something was received beyond the end of the run", async () => {
  const recorder = await Recorder.open(folder);
  recorder.sent("alice", 0, block(0.5));
  recorder.received("alice", "bob", 480, block(0.5));
  await recorder.close(1_000);
  expect(await samplesOf("sent-alice.wav")).toHaveLength(1_440);
  expect(await samplesOf("received-bob-from-alice.wav")).toHaveLength(1_440);
});

it("keeps a long recording in order while it is written piece by piece", async () => {
  const recorder = await Recorder.open(folder);
  for (let i = 0; i < 500; i++) {
    recorder.sent("alice", i * 960, block(i / 1_000));
    // The disk gets its turn as it does between blocks of 20 ms.
    if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const { lostBlocks } = await recorder.close(500 * 960);
  expect(lostBlocks).toBe(0);
  const samples = await samplesOf("sent-alice.wav");
  for (let i = 0; i < 500; i++) expect(samples[i * 960]).toBeCloseTo(i / 1_000, 4);
});

it("drops and counts what a disk that does not keep up would pile up in memory", async () => {
  const recorder = await Recorder.open(folder);
  for (let i = 0; i < 2_000; i++) recorder.sent("alice", i * 960, block(0.5));
  const { lostBlocks, reason } = await recorder.close(2_000 * 960);
  expect(lostBlocks).toBe(1_500);
  expect(reason).toMatch(/too slow/);
});

it("records sets in one file, a channel for each peer, end to end though their labels waver", async () => {
  const recorder = await Recorder.open(folder, { alice: ["bob", "carol", "dave"] });
  await recorder.describe();
  const share = (peerId: string, value: number) => ({ peerId, samples: block(value) });
  recorder.aligned("alice", 960, [share("carol", 0.25), share("bob", 0.5), share("guest", 1)]);
  recorder.aligned("alice", 1_923, [share("bob", -0.5)]);
  recorder.aligned("bob", 0, [share("alice", 1)]);
  recorder.aligned("alice", 28_800, [share("dave", 0.125)]);
  await recorder.close(48_000);
  expect(JSON.parse(await readFile(join(folder, "channels.json"), "utf8"))).toEqual({
    "aligned-alice.wav": ["bob", "carol", "dave"],
  });
  const bytes = await readFile(join(folder, "aligned-alice.wav"));
  expect(bytes.readUInt16LE(22)).toBe(3);
  expect(bytes).toHaveLength(44 + 2 * 3 * 48_000);
  const at = (frame: number) =>
    [0, 1, 2].map((channel) => bytes.readInt16LE(44 + 2 * (3 * frame + channel)) / 0x8000);
  expect(at(959)).toEqual([0, 0, 0]);
  expect(at(960)).toEqual([0.5, 0.25, 0]);
  expect(at(1_919)).toEqual([0.5, 0.25, 0]);
  expect(at(1_920)).toEqual([-0.5, 0, 0]);
  expect(at(2_880)).toEqual([0, 0, 0]);
  expect(at(28_800)).toEqual([0, 0, 0.125]);
  expect(await readdir(folder)).not.toContain("aligned-bob.wav");
});

it("records what a peer mixes for its own ear", async () => {
  const recorder = await Recorder.open(folder);
  recorder.mixed("bob", 480, block(0.5));
  recorder.mixed("bob", 1_438, block(0.25));
  await recorder.close(4_800);
  const samples = await samplesOf("mix-bob.wav");
  expect([479, 480, 1_439, 1_440, 2_399, 2_400].map((i) => samples[i])).toEqual([0, 0.5, 0.5, 0.25, 0.25, 0]);
});

it("says what the file system refused, and does not throw", async () => {
  const recorder = await Recorder.open(folder);
  await rm(folder, { recursive: true });
  recorder.sent("alice", 0, block(0.5));
  const { lostBlocks, reason } = await recorder.close(960);
  expect(lostBlocks).toBe(1);
  expect(reason).toMatch(/ENOENT/);
  await Recorder.open(folder);
});

it("refuses a folder that is a file", async () => {
  await writeFile(join(folder, "file"), "");
  await expect(Recorder.open(join(folder, "file"))).rejects.toThrow(/EEXIST/);
});
