import { describe, expect, it } from "vitest";
import {
  parseY4mHeader,
  pictureLineBytes,
  y4mHeader,
  y4mPictureLine,
} from "../../../../src/cli/demo/video/y4m.ts";
import { seededRandom } from "../../../../src/cli/demo/voice.ts";

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

describe("the header of a file", () => {
  it.each([
    ["YUV4MPEG2 W320 H180 F30:1 Ip A1:1 C420jpeg\n", 320, 180, 30, 86_400],
    ["YUV4MPEG2 W321 H181 F25:1 C420mpeg2 XYSCSS=420MPEG2\n", 321, 181, 25, 321 * 181 + 2 * 161 * 91],
    ["YUV4MPEG2 C420 F30000:1001 H2 W2\n", 2, 2, 29.97, 6],
    ["YUV4MPEG2 W16 H16 F10:1 I? C420paldv\n", 16, 16, 10, 384],
    ["YUV4MPEG2 W1 H1 F24000:1001 Ip A0:0\n", 1, 1, 23.976, 3],
  ])("%s", (line, width, height, framerateFps, pictureBytes) => {
    const header = parseY4mHeader(bytes(`${line}FRAME\n`));
    expect(header).toMatchObject({ width, height, pictureBytes, headerBytes: line.length });
    expect(header.framerateFps).toBeCloseTo(framerateFps, 3);
  });

  it.each([
    ["", /not a Y4M file/],
    ["RIFF....WAVEfmt \n", /not a Y4M file \(it begins with YUV4MPEG2\)/],
    ["YUV4MPEG2 W320 H180 F30:1", /not a Y4M file/],
    [`YUV4MPEG2 W320 H180 F30:1 X${"x".repeat(300)}\n`, /not a Y4M file/],
    ["YUV4MPEG2 W320 H180 F30:1 C420p10\n", /C420p10; expected 8 bits of 4:2:0 \(C420jpeg.*ffmpeg/],
    ["YUV4MPEG2 W320 H180 F30:1 C444\n", /C444; expected 8 bits of 4:2:0/],
    ["YUV4MPEG2 W320 H180 F30:1 Cmono\n", /Cmono; expected/],
    ["YUV4MPEG2 W320 H180 F30:1 It C420jpeg\n", /interlaced \(It\); expected whole ones/],
    ["YUV4MPEG2 H180 F30:1\n", /\(W; expected W1 to W8192\)/],
    ["YUV4MPEG2 W0 H180 F30:1\n", /\(W0; expected/],
    ["YUV4MPEG2 W320 H9000 F30:1\n", /\(H9000; expected H1 to H8192\)/],
    ["YUV4MPEG2 W320 H180 F0:0\n", /\(F0:0; expected pictures a second/],
    ["YUV4MPEG2 W320 H180 F30\n", /\(F30; expected/],
    ["YUV4MPEG2 W320 H180\n", /\(F; expected/],
  ])("%s is refused", (text, reason) => {
    expect(() => parseY4mHeader(bytes(text))).toThrow(reason);
  });

  it.each([
    [30, "F30:1"],
    [30_000 / 1001, "F30000:1001"],
    [23.976, "F24000:1001"],
    [12.5, "F12500:1000"],
  ])("is made for %d pictures a second, and read back", (framerateFps, rate) => {
    const made = y4mHeader({ width: 321, height: 180, framerateFps });
    expect(new TextDecoder().decode(made)).toBe(`YUV4MPEG2 W321 H180 ${rate} Ip A1:1 C420jpeg\n`);
    const header = parseY4mHeader(made);
    expect(header).toMatchObject({ width: 321, height: 180, headerBytes: made.length });
    expect(header.framerateFps).toBeCloseTo(framerateFps, 3);
  });

  it("causes nothing but errors of its own when it is damaged", () => {
    const random = seededRandom(31);
    const original = y4mHeader({ width: 320, height: 180, framerateFps: 29.97 });
    for (let round = 0; round < 3_000; round++) {
      const mutated = original.slice(0, 1 + Math.floor(random() * original.length));
      for (let i = 0; i < 3; i++) mutated[Math.floor(random() * mutated.length)] = Math.floor(random() * 256);
      try {
        parseY4mHeader(mutated);
      } catch (error) {
        expect(String(error), `round ${round}`).toMatch(/Y4M|expected/);
      }
    }
  });
});

it.each([
  [new TextDecoder().decode(y4mPictureLine()), 6],
  ["FRAME Ip X1\nabc", 12],
  ["FRAMES\n", undefined],
  ["FRAME", undefined],
  ["frame\n", undefined],
  ["", undefined],
])("the line %j before a picture takes %s bytes", (text, length) => {
  expect(pictureLineBytes(bytes(text))).toBe(length);
});
