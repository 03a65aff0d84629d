import { expect, it } from "vitest";
import { parseOptions } from "../../../src/cli/demo/options.ts";

it("has defaults for everything", () => {
  expect(parseOptions([])).toEqual({
    type: "options",
    options: {
      peers: 3,
      mix: "none",
      clockOffsetMs: 0,
      skewPpm: 0,
      clicks: false,
      impair: undefined,
      lan: false,
      seconds: undefined,
      json: false,
      wavs: [],
      recordDir: undefined,
      port: 8080,
    },
  });
});

it("takes values after a space or an equals sign, and files repeatedly", () => {
  const args = [
    "--peers",
    "5",
    "--seconds=2.5",
    "--lan",
    "--wav",
    "a.wav",
    "--wav=b=c.wav",
    "--record",
    "out",
    "--port=0",
  ];
  expect(parseOptions(args)).toEqual({
    type: "options",
    options: {
      peers: 5,
      mix: "none",
      clockOffsetMs: 0,
      skewPpm: 0,
      clicks: false,
      impair: undefined,
      lan: true,
      seconds: 2.5,
      json: false,
      wavs: ["a.wav", "b=c.wav"],
      recordDir: "out",
      port: 0,
    },
  });
});

it("puts the clocks of a conference off unless it is told how far", () => {
  expect(parseOptions(["--mix"])).toMatchObject({
    options: { mix: "first", clockOffsetMs: 500, skewPpm: 200 },
  });
  expect(parseOptions(["--skew-ppm", "0", "--mix=all", "--clock-offset-ms=1.5"])).toMatchObject({
    options: { mix: "all", clockOffsetMs: 1.5, skewPpm: 0 },
  });
});

it("takes 'all' behind --mix, and nothing else", () => {
  expect(parseOptions(["--mix", "all", "--clicks"])).toMatchObject({ options: { mix: "all", clicks: true } });
  expect(parseOptions(["--mix", "--clicks"])).toMatchObject({ options: { mix: "first", clicks: true } });
});

it("takes network trouble as it stands", () => {
  expect(parseOptions(["--impair", "loss=0.05,jitterMs=30"])).toMatchObject({
    options: { impair: "loss=0.05,jitterMs=30" },
  });
});

it("has video when it, or anything about it, is asked for", () => {
  const video = { width: 320, height: 180, framerateFps: 15, files: [] };
  expect(parseOptions(["--video"])).toMatchObject({ options: { video } });
  expect(parseOptions(["--size", "640x360", "--fps=30"])).toMatchObject({
    options: { video: { ...video, width: 640, height: 360, framerateFps: 30 } },
  });
  expect(parseOptions(["--y4m", "a.y4m", "--y4m=b.y4m"])).toMatchObject({
    options: { video: { ...video, files: ["a.y4m", "b.y4m"] } },
  });
});

it("ends by itself after 15 s when only the result is asked for", () => {
  expect(parseOptions(["--json"])).toMatchObject({ options: { seconds: 15 } });
  expect(parseOptions(["--json", "--seconds", "3"])).toMatchObject({ options: { seconds: 3 } });
});

it("shows help whatever else is said", () => {
  expect(parseOptions(["--nonsense", "--help"])).toEqual({ type: "help" });
});

it.each([
  [["--peers", "1"], /--peers must be a whole number from 2 to 10, not "1"/],
  [["--peers", "11"], /--peers/],
  [["--peers", "2.5"], /--peers/],
  [["--peers"], /--peers needs a value/],
  [["--peers="], /--peers must be/],
  [["--seconds", "0"], /--seconds must be a number from 1/],
  [["--seconds", "soon"], /--seconds/],
  [["--port", "65536"], /--port must be a port number/],
  [["--wav", ""], /--wav must be the path/],
  [["--record="], /--record must be the path/],
  [["--json=yes"], /--json takes no value/],
  [["--mix=some"], /--mix must be followed by 'all' or nothing, not "some"/],
  [["--mix", "--peers", "2"], /--mix needs at least 3 peers, not 2/],
  [["--skew-ppm", "701"], /--skew-ppm must be a number from 0 to 700/],
  [["--skew-ppm=-5"], /--skew-ppm/],
  [["--clock-offset-ms", "long"], /--clock-offset-ms must be a number/],
  [["--impair", "loss=2"], /--impair must be .*loss/],
  [["--impair", "loss=0.1", "--lan"], /--impair works on loopback only/],
  [["--size", "640"], /--size must be width and height in pixels, 160x90 to 1920x1080, not "640"/],
  [["--size", "1920x1081"], /--size/],
  [["--size", "64x36"], /--size/],
  [["--fps", "61"], /--fps must be a whole number from 5 to 60/],
  [["--fps", "29.97"], /--fps/],
  [["--y4m="], /--y4m must be the path/],
  [["--y4m", "a.y4m", "--fps", "20"], /--y4m shows files as they are/],
  [["--video=yes"], /--video takes no value/],
  [["--volume", "3"], /unknown option "--volume"/],
  [["toString", "3"], /unknown option "toString"/],
])("refuses %j and names the option", (args, fault) => {
  expect(parseOptions(args)).toEqual({ type: "fault", fault: expect.stringMatching(fault) as string });
});
