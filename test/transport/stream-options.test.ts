import { describe, expect, it } from "vitest";
import { TransportError } from "../../src/errors/errors.ts";
import { DEFAULT_TIERS, tiersFor } from "../../src/session/quality-tiers.ts";
import { checkStreamOptions } from "../../src/transport/stream-options.ts";
import type { StreamOptions } from "../../src/transport/stream-options.ts";

const [high, medium, low] = DEFAULT_TIERS as [
  (typeof DEFAULT_TIERS)[number],
  (typeof DEFAULT_TIERS)[number],
  (typeof DEFAULT_TIERS)[number],
];

describe("checkStreamOptions", () => {
  it.each<StreamOptions>([
    {},
    { peers: "all" },
    { peers: ["alice", "bob"] },
    { audio: { sampleRate: 16_000, frameMs: 30, channels: 2, aligned: true } },
    { audio: { sampleRate: 44_100, frameMs: 10 } },
    { tiers: DEFAULT_TIERS },
    { tiers: [medium] },
    { tiers: [high, low] },
    ...[2, 160, 640, 1920, 7680].map((width) => ({
      tiers: tiersFor({ width, height: width, framerateFps: 30 }),
    })),
  ])("takes %j", (options) => {
    expect(() => checkStreamOptions(options)).not.toThrow();
  });

  it.each<[string, unknown]>([
    ["peers: expected", { peers: "alice" }],
    ["peers: expected", { peers: ["alice", "no such id"] }],
    ["audio: expected an object", { audio: 48_000 }],
    ["audio.sampleRate: expected 8000 to 48000 Hz", { audio: { sampleRate: 4_000 } }],
    ["audio.frameMs: expected one of 10, 20, 30, 40, 60", { audio: { frameMs: 25 } }],
    ["audio.channels: expected one of 1, 2", { audio: { channels: 3 } }],
    ["audio.aligned: expected true or false", { audio: { aligned: "yes" } }],
    ["audio.rate: unknown option", { audio: { rate: 48_000 } }],
    ["audio: expected a sampleRate of which", { audio: { sampleRate: 8_001, frameMs: 10 } }],
    ["tiers: expected an array", { tiers: high }],
    ["tiers: expected at least one tier", { tiers: [] }],
    ["tiers.0.tier: expected one of high, medium, low", { tiers: [{ ...high, tier: "best" }] }],
    ["tiers.1.kbps: expected 16 to 50000 kbit/s", { tiers: [high, { ...low, kbps: Number.NaN }] }],
    ["tiers.0.width: expected 2 to 16384 pixels", { tiers: [{ ...high, width: 0 }] }],
    ["tiers.0.minKbps: expected 0 to 50000 kbit/s", { tiers: [{ ...high, minKbps: undefined }] }],
    ["tiers: expected the best tier first", { tiers: [low, high] }],
    ["tiers: expected the best tier first", { tiers: [high, high] }],
    ["tiers: expected the best tier first", { tiers: [high, { ...medium, minKbps: high.minKbps + 1 }] }],
  ])("says %s of %j", (words, options) => {
    const check = (): void => checkStreamOptions(options as StreamOptions);
    expect(check).toThrow(TransportError);
    expect(check).toThrow(words);
  });
});
