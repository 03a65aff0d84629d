import { describe, expect, it } from "vitest";
import { parseReplayOptions } from "../../../src/cli/replay/options.ts";

describe("the options of the replay", () => {
  it("are adaptive from 50 ms unless said otherwise", () => {
    expect(parseReplayOptions(["a.pcap", "b.rtp"])).toEqual({
      type: "options",
      options: {
        files: ["a.pcap", "b.rtp"],
        json: false,
        mode: "adaptive",
        delayMs: 50,
        clockRates: new Map(),
        plot: undefined,
      },
    });
  });

  it("are taken before and after the files, with blank or equals sign", () => {
    const args = ["--mode=fixed", "--delay", "0", "a", "--clock-rate", "111=48000", "--clock-rate=0=16000"];
    expect(parseReplayOptions([...args, "--json", "--plot", "out.svg"])).toEqual({
      type: "options",
      options: {
        files: ["a"],
        json: true,
        mode: "fixed",
        delayMs: 0,
        clockRates: new Map([
          [111, 48_000],
          [0, 16_000],
        ]),
        plot: "out.svg",
      },
    });
  });

  it.each<[string[], string]>([
    [[], "a file is missing"],
    [[""], "empty name"],
    [["a", "--mode", "quick"], '--mode must be fixed or adaptive, not "quick"'],
    [["a", "--delay", "201"], "--delay must be a number of ms from 0 to 200"],
    [["a", "--delay", "soon"], "--delay"],
    [["a", "--delay="], "--delay"],
    [["a", "--delay", "-1"], "--delay"],
    [["a", "--plot", ""], "--plot"],
    [["a", "--plot"], "--plot"],
    [["a", "--json=yes"], "--json"],
    [["a", "--clock-rate", "111"], "--clock-rate must be PT=HZ, as in 111=48000"],
    [["a", "--clock-rate", "128=8000"], "--clock-rate"],
    [["a", "--clock-rate", "1=999"], "--clock-rate"],
    [["a", "--clock-rate", "1=384001"], "--clock-rate"],
    [["a", "--clock-rate", "1=8000=2"], "--clock-rate"],
    [["a", "--colour"], "Unknown option '--colour'"],
  ])("%j are refused in one line that names the fault", (args, text) => {
    const parsed = parseReplayOptions(args);
    expect(parsed).toEqual({ type: "fault", fault: expect.stringContaining(text) as string });
    expect(JSON.stringify(parsed)).not.toContain("\\n");
  });

  it("give help before anything else", () => {
    expect(parseReplayOptions(["--nonsense", "--help"])).toEqual({ type: "help" });
    expect(parseReplayOptions(["-h"])).toEqual({ type: "help" });
  });
});
