import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readPictureCode } from "../../../../src/cli/demo/video/picture-code.ts";
import { PictureSources } from "../../../../src/cli/demo/video/picture-source.ts";
import { blankPicture } from "../../../../src/cli/demo/video/picture.ts";
import { Y4mWriter } from "../../../../src/cli/demo/video/y4m-file.ts";

const PEERS = ["alice", "bob", "carol"];
const PLAN = { width: 160, height: 90, framerateFps: 15 };
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sources-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** A film whose picture `n` has this luma below its code: `first + n`. */
async function film(name: string, pictures: number, first: number, format = {}): Promise<string> {
  const path = join(folder, name);
  const whole = { width: 64, height: 36, framerateFps: 25, ...format };
  const writer = await Y4mWriter.open(path, whole);
  for (let number = 0; number < pictures; number++) {
    const picture = blankPicture(whole.width, whole.height);
    picture.planes[0].fill(first + number);
    writer.add(picture);
  }
  await writer.close();
  return path;
}

describe("test patterns", () => {
  it("have a code of their own peer, and are the same wherever they are made", async () => {
    const [here, there] = await Promise.all(
      [1, 2].map(() => PictureSources.open({ ...PLAN, files: [] }, PEERS)),
    );
    const bob = here?.of("bob");
    expect(bob).toMatchObject(PLAN);
    const picture = await bob?.picture(4_711);
    expect(readPictureCode(picture?.planes[0] ?? new Uint8Array(0), 160, 90)).toEqual({
      ...{ frameNumber: 4_711, sender: 1 },
    });
    expect(await there?.of("bob")?.picture(4_711)).toEqual(picture);
    expect(here?.of("dora")).toBeUndefined();
  });
});

describe("files", () => {
  it("are shown in turn, each peer elsewhere in its own, with its code", async () => {
    const files = [await film("one.y4m", 9, 50), await film("two.y4m", 6, 150, { framerateFps: 10 })];
    const sources = await PictureSources.open({ ...PLAN, files }, PEERS);
    expect(PEERS.map((peerId) => sources.of(peerId)?.framerateFps)).toEqual([25, 10, 25]);
    for (const [peerId, number, level] of [
      ["alice", 0, 50],
      ["alice", 10, 51],
      ["bob", 0, 152],
      ["carol", 1, 57],
    ] as const) {
      const { planes } = (await sources.of(peerId)?.picture(number)) ?? blankPicture(64, 36);
      const code = { frameNumber: number, sender: PEERS.indexOf(peerId) };
      expect(readPictureCode(planes[0], 64, 36), `${peerId} ${number}`).toEqual(code);
      expect(planes[0].at(-1), `${peerId} ${number}`).toBe(level);
    }
    await sources.close();
  });

  it.each([
    ["too small", { width: 64, height: 30 }, /64x30; expected 32x32 to 1920x1080/],
    ["too large", { width: 2000, height: 40 }, /2000x40; expected/],
    ["too fast", { framerateFps: 100 }, /100 pictures a second; expected 1 to 60/],
  ])("are refused when they are %s", async (_, format, complaint) => {
    const files = [await film("good.y4m", 1, 50), await film("bad.y4m", 1, 50, format)];
    await expect(PictureSources.open({ ...PLAN, files }, PEERS)).rejects.toThrow(complaint);
  });

  it("are refused by name when they are none", async () => {
    const path = join(folder, "text.y4m");
    await writeFile(path, "hello");
    await expect(PictureSources.open({ ...PLAN, files: [path] }, PEERS)).rejects.toThrow(
      /--y4m .*text\.y4m: not a Y4M file/,
    );
    const nowhere = { ...PLAN, files: [join(folder, "nowhere.y4m")] };
    await expect(PictureSources.open(nowhere, PEERS)).rejects.toThrow(/--y4m .*nowhere\.y4m: .*ENOENT/);
  });
});
