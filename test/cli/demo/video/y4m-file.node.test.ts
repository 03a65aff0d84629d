import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { blankPicture } from "../../../../src/cli/demo/video/picture.ts";
import { Y4mReader, Y4mWriter } from "../../../../src/cli/demo/video/y4m-file.ts";

const FORMAT = { width: 5, height: 3, framerateFps: 25 };
const PICTURE_BYTES = 5 * 3 + 2 * 3 * 2;
let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "y4m-"));
  path = join(folder, "clip.y4m");
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** Samples that tell the picture, the plane and the place. */
function numbered(number: number, width = 5, height = 3) {
  const picture = blankPicture(width, height);
  for (const [p, plane] of picture.planes.entries()) {
    for (let i = 0; i < plane.length; i++) plane[i] = (40 * number + 100 * p + i) % 256;
  }
  return picture;
}

async function write(count: number): Promise<void> {
  const writer = await Y4mWriter.open(path, FORMAT);
  for (let number = 0; number < count; number++) writer.add(numbered(number));
  await writer.close();
  expect(writer).toMatchObject({ lostPictures: 0, reason: undefined });
}

describe("a file", () => {
  it("has the header, and a line before each picture", async () => {
    await write(2);
    const bytes = await readFile(path);
    const header = "YUV4MPEG2 W5 H3 F25:1 Ip A1:1 C420jpeg\n";
    expect(bytes.toString("latin1", 0, header.length + 6)).toBe(`${header}FRAME\n`);
    expect(bytes).toHaveLength(header.length + 2 * (6 + PICTURE_BYTES));
  });

  it("takes copies of a picture, however many would not fit into memory", async () => {
    const writer = await Y4mWriter.open(path, FORMAT);
    writer.add(numbered(1), 3);
    writer.add(numbered(2));
    await writer.close();
    expect(writer.lostPictures).toBe(0);
    const reader = await Y4mReader.open(path);
    expect(reader.pictures).toBe(4);
    for (const [number, same] of [1, 1, 1, 2].entries()) {
      expect(await reader.picture(number)).toEqual(numbered(same));
    }
    await reader.close();
  });

  it("is read as a loop, in any order", async () => {
    await write(3);
    const reader = await Y4mReader.open(path);
    expect(reader).toMatchObject({ ...FORMAT, pictures: 3 });
    for (const number of [0, 1, 2, 3, 7, 1, 3_000_000]) {
      expect(await reader.picture(number), `picture ${number}`).toEqual(numbered(number % 3));
    }
    await reader.close();
  });

  it("is read up to a picture that is cut short", async () => {
    await write(3);
    await truncate(path, (await readFile(path)).length - 1);
    const reader = await Y4mReader.open(path);
    expect(reader.pictures).toBe(2);
    expect(await reader.picture(2)).toEqual(numbered(0));
    await reader.close();
  });

  it("may say more in the lines before its pictures", async () => {
    const planes = Buffer.concat(numbered(1).planes);
    const picture = Buffer.concat([Buffer.from("FRAME Ip\n"), planes]);
    await writeFile(path, Buffer.concat([Buffer.from("YUV4MPEG2 W5 H3 F25:1\n"), picture, picture]));
    const reader = await Y4mReader.open(path);
    expect(await reader.picture(1)).toEqual(numbered(1));
    await reader.close();
  });

  it.each([
    ["no picture", "YUV4MPEG2 W5 H3 F25:1\n", /clip\.y4m: the Y4M file holds no whole picture/],
    ["half a picture", "YUV4MPEG2 W5 H3 F25:1\nFRAME\nabc", /clip\.y4m: the Y4M file holds no whole picture/],
    ["words", "what is this", /clip\.y4m: not a Y4M file/],
    [
      "ten bits",
      "YUV4MPEG2 W5 H3 F25:1 C420p10\nFRAME\n",
      /clip\.y4m: pictures are C420p10; expected 8 bits/,
    ],
  ])("of %s is refused by its name", async (_, text, reason) => {
    await writeFile(path, text);
    await expect(Y4mReader.open(path)).rejects.toThrow(reason);
  });

  it("that is not there, or cannot be made, is named", async () => {
    const missing = join(folder, "no", "such.y4m");
    await expect(Y4mReader.open(missing)).rejects.toThrow(/such\.y4m: ENOENT/);
    await expect(Y4mWriter.open(missing, FORMAT)).rejects.toThrow(/such\.y4m: ENOENT/);
    await expect(Y4mReader.open(folder)).rejects.toThrow(/y4m-.*: EISDIR/);
  });

  it.each([
    ["changes its lines", (bytes: Buffer) => bytes.write("FRAMF\n", bytes.length - 6 - PICTURE_BYTES)],
    ["becomes shorter", async () => truncate(path, 60)],
  ])("that %s while it is read is told", async (_, change) => {
    await write(2);
    const reader = await Y4mReader.open(path);
    const bytes = await readFile(path);
    const length = await change(bytes);
    if (length !== undefined) await writeFile(path, bytes);
    await expect(reader.picture(1)).rejects.toThrow(/clip\.y4m: .*picture 1 is not where it should be/);
    await reader.close();
  });
});

describe("a writer", () => {
  it("loses pictures of another size, and says what it expected", async () => {
    const writer = await Y4mWriter.open(path, FORMAT);
    writer.add(numbered(0));
    writer.add(numbered(1, 4, 3));
    writer.add(numbered(2));
    await writer.close();
    expect(writer).toMatchObject({ lostPictures: 1, path });
    expect(writer.reason).toMatch(/clip\.y4m: a picture is 4x3; expected 5x3/);
    const reader = await Y4mReader.open(path);
    expect(await reader.picture(1)).toEqual(numbered(2));
    await reader.close();
  });

  it("lets no more than some megabytes wait, and writes what it has taken", async () => {
    const writer = await Y4mWriter.open(path, { width: 1024, height: 1024, framerateFps: 30 });
    // All in one breath: the disk has no turn between them. Each takes 1.5 MiB of 16.
    const picture = blankPicture(1024, 1024);
    for (let i = 0; i < 25; i++) writer.add(picture);
    await writer.close();
    expect(writer.lostPictures).toBe(15);
    expect(writer.reason).toMatch(/clip\.y4m: the disk is too slow/);
    const reader = await Y4mReader.open(path);
    expect(reader.pictures).toBe(10);
    await reader.close();
  });
});
