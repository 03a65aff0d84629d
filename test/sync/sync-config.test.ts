import { describe, expect, it } from "vitest";
import { TransportError } from "../../src/errors/errors.ts";
import { resolveSyncConfig } from "../../src/sync/sync-config.ts";
import type { SyncOptions } from "../../src/sync/sync-config.ts";

function issuesOf(options: unknown): string[] {
  try {
    resolveSyncConfig(options as SyncOptions);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(TransportError);
    const { code, details } = error as TransportError;
    expect(code).toBe("INVALID_CONFIG");
    return (details?.issues as { path: string }[]).map(({ path }) => path);
  }
}

describe("the sync configuration", () => {
  it("has these defaults", () => {
    expect(resolveSyncConfig()).toEqual({
      audioClockRate: 48000,
      videoClockRate: 90000,
      jitterBufferSizeMs: 50,
      maxJitterBufferMs: 200,
      minJitterBufferMs: 20,
      enableClockDriftCorrection: true,
      driftCorrectionThresholdPpm: 100,
      rtcpIntervalMs: 5000,
      mode: "adaptive",
      release: "paced",
    });
    expect(resolveSyncConfig({ jitterBufferSizeMs: 100, mode: undefined })).toMatchObject({
      jitterBufferSizeMs: 100,
      mode: "adaptive",
    });
  });

  it.each([
    ["audioClockRate", [48000], [44100, "48000"]],
    ["videoClockRate", [90000], [48000]],
    ["jitterBufferSizeMs", [50, 200], [49, 201, 60.5, "60", NaN]],
    ["maxJitterBufferMs", [50, 500], [49, 501, Infinity]],
    ["minJitterBufferMs", [10, 50], [9, 51]],
    ["enableClockDriftCorrection", [true, false], [1, "yes"]],
    ["driftCorrectionThresholdPpm", [10, 1000], [9, 1001]],
    ["rtcpIntervalMs", [1000, 10000], [999, 10001]],
    ["mode", ["fixed", "adaptive"], ["auto"]],
    ["release", ["paced", "inOrder"], ["asap", null]],
  ])("takes %s within its range only", (name, good, bad) => {
    for (const value of good as unknown[]) expect(issuesOf({ [name]: value }), String(value)).toEqual([]);
    for (const value of bad as unknown[]) expect(issuesOf({ [name]: value }), String(value)).toContain(name);
  });

  it("holds the delays in order", () => {
    expect(issuesOf({ jitterBufferSizeMs: 150, maxJitterBufferMs: 100 })).toEqual(["maxJitterBufferMs"]);
    expect(issuesOf({ jitterBufferSizeMs: 60, minJitterBufferMs: 61 })).toEqual(["minJitterBufferMs"]);
  });

  it("lists all faults at once, unknown options among them, and names them in the message", () => {
    const options = { mode: "auto", rtcpIntervalMs: 1, jitterBuferSizeMs: 60, jitterBufferSizeMs: 0 };
    expect(issuesOf(options).sort()).toEqual(
      ["jitterBufferSizeMs", "jitterBuferSizeMs", "minJitterBufferMs", "mode", "rtcpIntervalMs"].sort(),
    );
    expect(() => resolveSyncConfig(options as unknown as SyncOptions)).toThrow(
      /rtcpIntervalMs.*1000 to 10000/,
    );
  });
});
