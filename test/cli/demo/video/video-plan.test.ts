import { expect, it } from "vitest";
import { PEER_NAMES, senderOf, videoConfigOf } from "../../../../src/cli/demo/video/video-plan.ts";

it("numbers peers by their place, and pages above them, always alike", () => {
  expect(PEER_NAMES.map(senderOf)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const guests = Array.from({ length: 500 }, (_, i) => senderOf(`guest-${i}`));
  expect(Math.min(...guests)).toBeGreaterThanOrEqual(16);
  expect(Math.max(...guests)).toBeLessThanOrEqual(255);
  expect(new Set(guests).size).toBeGreaterThan(150);
  expect(senderOf("dora")).toBe(senderOf("dora"));
});

it.each([
  [320, 180, 15, { resolution: "240p", framerateFps: 15, bitrateKbps: 432 }],
  [160, 90, 5, { resolution: "240p", framerateFps: 10, bitrateKbps: 300 }],
  [180, 320, 15, { resolution: "240p", framerateFps: 15, bitrateKbps: 432 }],
  [640, 480, 29.97, { resolution: "480p", framerateFps: 30, bitrateKbps: 4_603 }],
  [1920, 1080, 60, { resolution: "1080p", framerateFps: 60, bitrateKbps: 8_000 }],
])("sends %ix%i at %d as they are", (width, height, framerateFps, config) => {
  expect(videoConfigOf({ width, height, framerateFps })).toEqual({ enabled: true, ...config });
});
