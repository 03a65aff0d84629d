import { describe, expect, it } from "vitest";
import { encodeHello, parseControl } from "../../src/channels/control.ts";
import type { HelloFields } from "../../src/channels/control.ts";
import type { JsonObject, JsonValue } from "../../src/runtime/data.ts";

const HELLO: HelloFields = {
  protocolVersion: 1,
  instanceId: "run-1",
  capabilities: ["audio", "data"],
  codecs: ["opus"],
  audioLookaheadSamples: 120,
};

function wire(changes: JsonObject = {}): JsonObject {
  return { ...encodeHello(HELLO), ...changes };
}

describe("hello", () => {
  it("is written in the words of the protocol", () => {
    expect(encodeHello(HELLO)).toEqual({
      action: "hello",
      protocol_version: 1,
      instance_id: "run-1",
      capabilities: ["audio", "data"],
      codecs: ["opus"],
      audio_lookahead_samples: 120,
    });
  });

  it("comes back as it was sent", () => {
    expect(parseControl(wire())).toEqual({ type: "hello", hello: HELLO });
  });

  it("says how large and how fast pictures may be, when there is video", () => {
    const hello = { ...HELLO, maxVideo: { width: 1280, height: 720, fps: 30 } };
    expect(encodeHello(hello).max_video).toEqual({ width: 1280, height: 720, fps: 30 });
    expect(parseControl(encodeHello(hello))).toEqual({ type: "hello", hello });
  });

  it("assumes the delay of libopus when none is named", () => {
    const { audio_lookahead_samples: _, ...rest } = wire();
    expect(parseControl(rest)).toMatchObject({ hello: { audioLookaheadSamples: 312 } });
  });

  it("ignores members and capabilities of later versions", () => {
    const later = wire({ smells: ["mint"], capabilities: ["audio", "smell"], protocol_version: 2 });
    expect(parseControl(later)).toEqual({
      type: "hello",
      hello: { ...HELLO, capabilities: ["audio"], protocolVersion: 2 },
    });
  });

  it.each<[string, JsonObject]>([
    ["protocol_version", { protocol_version: 0 }],
    ["protocol_version", { protocol_version: "1" }],
    ["instance_id", { instance_id: "" }],
    ["instance_id", { instance_id: "a b" }],
    ["capabilities", { capabilities: "audio" }],
    ["capabilities.0", { capabilities: [1] }],
    ["codecs", { codecs: Array.from({ length: 65 }, () => "opus") }],
    ["codecs.0", { codecs: ["x".repeat(65)] }],
    ["audio_lookahead_samples", { audio_lookahead_samples: 1.5 }],
    ["audio_lookahead_samples", { audio_lookahead_samples: 48_001 }],
    ["max_video", { max_video: 720 }],
    ["max_video.width", { max_video: { width: 0, height: 720, fps: 30 } }],
    ["max_video.height", { max_video: { width: 1280, height: 16_384, fps: 30 } }],
    ["max_video.fps", { max_video: { width: 1280, height: 720 } }],
    ["max_video.fps", { max_video: { width: 1280, height: 720, fps: 1e9 } }],
  ])("is malformed with a wrong %s: %j", (path, changes) => {
    expect(parseControl(wire(changes))).toMatchObject({ type: "malformed", reason: `hello: ${path}` });
  });
});

describe("other actions", () => {
  it("are told as unknown, by at most 64 characters", () => {
    expect(parseControl({ action: "dance", request_id: "r1" })).toEqual({
      type: "unknown",
      action: "dance",
      requestId: "r1",
    });
    const long = { type: "unknown", action: "x".repeat(64), requestId: undefined };
    expect(parseControl({ action: "x".repeat(1_000), request_id: "not an id" })).toEqual(long);
    expect(parseControl({ action: "toString" })).toMatchObject({ type: "unknown" });
  });

  it("from program to program are passed on", () => {
    expect(parseControl({ action: "ping", timestamp_ms: 5 })).toEqual({
      type: "message",
      message: { type: "ping", timestampMs: 5 },
    });
    expect(parseControl({ action: "ping" })).toMatchObject({
      type: "malformed",
      reason: "ping: timestamp_ms",
    });
  });

  it.each<JsonValue>([null, 1, "hello", [], ["hello"]])("are malformed when they are %j", (value) => {
    expect(parseControl(value)).toMatchObject({ type: "malformed", reason: "not an object" });
  });

  it.each<JsonValue>([{}, { action: 1 }, { type: "hello" }])("are malformed without a name: %j", (value) => {
    expect(parseControl(value)).toMatchObject({ type: "malformed", reason: "no action" });
  });
});
