import { expect, it } from "vitest";
import { parseOptions } from "../../../src/cli/demo/options.ts";

it("has defaults for everything", () => {
  expect(parseOptions([])).toEqual({
    type: "options",
    options: {
      peers: 3,
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
      lan: true,
      seconds: 2.5,
      json: false,
      wavs: ["a.wav", "b=c.wav"],
      recordDir: "out",
      port: 0,
    },
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
  [["--volume", "3"], /unknown option "--volume"/],
  [["toString", "3"], /unknown option "toString"/],
])("refuses %j and names the option", (args, fault) => {
  expect(parseOptions(args)).toEqual({ type: "fault", fault: expect.stringMatching(fault) as string });
});
