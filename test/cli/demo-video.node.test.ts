import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DemoReport } from "../../src/cli/demo/report.ts";
import { readPictureCode } from "../../src/cli/demo/video/picture-code.ts";
import { blankPicture } from "../../src/cli/demo/video/picture.ts";
import { senderOf } from "../../src/cli/demo/video/video-plan.ts";
import { Y4mReader, Y4mWriter } from "../../src/cli/demo/video/y4m-file.ts";
import { startCommand } from "./demo-process.ts";

/** A machine under load may spoil the pictures of one run; of a sound demo it does not spoil three. */
const TALK = { timeout: 120_000, retry: 2 };

/** Small pictures, few a second: other tests run beside these. */
const SMALL = ["--video", "--size", "160x90", "--fps", "10"];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "demo-video-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** What the codes in a recording say; undefined where there is none. */
async function codesOf(path: string): Promise<({ frameNumber: number; sender: number } | undefined)[]> {
  const reader = await Y4mReader.open(path);
  const codes = [];
  for (let i = 0; i < reader.pictures; i++) {
    const { planes, width, height } = await reader.picture(i);
    codes.push(readPictureCode(planes[0], width, height));
  }
  await reader.close();
  return codes;
}

describe("demo --video", () => {
  it("prints who saw whom and how well, and records what was sent and received", TALK, async () => {
    const out = join(folder, "out");
    const args = ["--json", "--peers", "2", ...SMALL, "--seconds", "12", "--port=0", "--record", out];
    const { code, stdout, stderr } = await startCommand(["demo", ...args]).ended;
    expect(code, stderr).toBe(0);
    const report = JSON.parse(stdout) as DemoReport;
    expect(report.ok, stdout).toBe(true);
    expect(report.peers.map(({ video }) => video?.map(({ from }) => from))).toEqual([["bob"], ["alice"]]);
    for (const { video = [] } of report.peers) {
      for (const row of video) {
        expect(row.frames).toBeGreaterThan(60);
        expect(row.keyframes).toBeGreaterThan(0);
        expect(row.latencyMsP95).toBeGreaterThan(0);
        expect(row.psnrDb).toBeGreaterThan(25);
        expect(row.avOffsetMs).toBeTypeOf("number");
      }
    }

    const names = (await readdir(out)).filter((name) => name.endsWith(".y4m")).sort();
    expect(names).toEqual([
      "received-alice-from-bob.y4m",
      "received-bob-from-alice.y4m",
      "sent-alice.y4m",
      "sent-bob.y4m",
    ]);
    for (const name of names) {
      const sender = senderOf(/(alice|bob)\.y4m$/.exec(name)?.[1] ?? "");
      const codes = (await codesOf(join(out, name))).filter((each) => each !== undefined);
      expect(codes.length, name).toBeGreaterThan(60);
      expect(new Set(codes.map((each) => each.sender)), name).toEqual(new Set([sender]));
      const numbers = codes.map(({ frameNumber }) => frameNumber);
      expect(numbers, name).toEqual([...numbers].sort((a, b) => a - b));
    }
  });

  it("shows Y4M files as they are", TALK, async () => {
    const path = join(folder, "film.y4m");
    const writer = await Y4mWriter.open(path, { width: 192, height: 108, framerateFps: 12 });
    for (let number = 0; number < 24; number++) {
      const picture = blankPicture(192, 108);
      picture.planes[0].forEach((_, i, luma) => (luma[i] = 60 + ((i + 7 * number) % 128)));
      writer.add(picture);
    }
    await writer.close();
    const out = join(folder, "out");
    const args = ["--json", "--peers", "2", "--seconds", "8", "--port=0", "--y4m", path, "--record", out];
    const { code, stdout, stderr } = await startCommand(["demo", ...args]).ended;
    expect(code, stderr).toBe(0);
    const report = JSON.parse(stdout) as DemoReport;
    expect(report.peers[0]?.video?.[0]?.decoded, stdout).toBeGreaterThan(40);
    const reader = await Y4mReader.open(join(out, "received-alice-from-bob.y4m"));
    expect(reader).toMatchObject({ width: 192, height: 108, framerateFps: 12 });
    await reader.close();
  });

  it.each([
    [["--y4m", "/nowhere/film.y4m"], /--y4m \/nowhere\/film\.y4m: .*ENOENT/],
    [["--y4m", import.meta.filename], /--y4m .*: not a Y4M file/],
    [["--size", "320x1800"], /--size must be width and height/],
  ])("refuses %j with exit code 2, naming the option", async (args, complaint) => {
    const { code, stdout, stderr } = await startCommand(["demo", "--json", ...args]).ended;
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(complaint);
  });
});
