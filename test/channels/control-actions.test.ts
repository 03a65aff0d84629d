import { describe, expect, it } from "vitest";
import {
  checkAction,
  encodeControlMessage,
  parseControlMessage,
} from "../../src/channels/control-actions.ts";
import type { ControlMessage } from "../../src/channels/control-actions.ts";
import { TransportError } from "../../src/errors/errors.ts";
import type { ControlAction } from "../../src/runtime/control-action.ts";
import type { JsonObject, JsonValue } from "../../src/runtime/data.ts";
import { SeededRandom } from "../../src/testing/random.ts";

const head = { request_id: "r1", session_id: "s1" };

/** Each message with what travels. */
const MESSAGES: [ControlMessage, JsonObject][] = [
  [
    {
      type: "request",
      requestId: "r1",
      action: { type: "reconfigure", sessionId: "s1", manifest: { version: "v1", nodes: [] } },
    },
    { action: "reconfigure", ...head, manifest: { version: "v1", nodes: [] } },
  ],
  [
    {
      type: "request",
      requestId: "r1",
      action: { type: "reconfigure", sessionId: "s1", manifest: "version: v1" },
    },
    { action: "reconfigure", ...head, manifest: "version: v1" },
  ],
  [
    { type: "request", requestId: "r1", action: { type: "pause", sessionId: "s1" } },
    { action: "pause", ...head },
  ],
  [
    { type: "request", requestId: "r1", action: { type: "resume", sessionId: "s1" } },
    { action: "resume", ...head },
  ],
  [
    { type: "request", requestId: "r1", action: { type: "getStatus", sessionId: "s1" } },
    { action: "get_status", ...head },
  ],
  [
    { type: "request", requestId: "r1", action: { type: "getStatus" } },
    { action: "get_status", request_id: "r1" },
  ],
  [
    { type: "response", requestId: "r1", reply: { type: "result", ok: true } },
    { action: "result", request_id: "r1", ok: true },
  ],
  [
    {
      type: "response",
      requestId: "r1",
      reply: { type: "result", ok: false, error: { code: "UNAUTHORIZED", message: "no" } },
    },
    { action: "result", request_id: "r1", ok: false, error: { code: "UNAUTHORIZED", message: "no" } },
  ],
  [
    {
      type: "response",
      requestId: "r1",
      reply: {
        type: "status",
        state: "paused",
        activeNodes: ["gate", "mix"],
        timestampMs: 1_767_225_600_000,
      },
    },
    {
      action: "status",
      request_id: "r1",
      state: "paused",
      active_nodes: ["gate", "mix"],
      timestamp_ms: 1_767_225_600_000,
    },
  ],
  [
    { type: "ping", timestampMs: 5 },
    { action: "ping", timestamp_ms: 5 },
  ],
  [
    { type: "pong", reply: { type: "pong", pingTimestampMs: 5, pongTimestampMs: 6 } },
    { action: "pong", ping_timestamp_ms: 5, pong_timestamp_ms: 6 },
  ],
  [
    { type: "custom", action: { type: "custom", messageType: "app.volume", data: null } },
    { action: "custom", message_type: "app.volume", data: null },
  ],
];

describe("a message", () => {
  it.each(MESSAGES)("is written in the words of the protocol and read again: %j", (message, wire) => {
    expect(encodeControlMessage(message)).toEqual(wire);
    expect(parseControlMessage({ ...wire, of_a_later_version: 1 })).toEqual(message);
  });

  it("is none of these when its action is another one", () => {
    expect([{ action: "hello" }, { action: "dance" }, {}].map(parseControlMessage)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("says why, when a refusal came without a reason", () => {
    expect(parseControlMessage({ action: "result", request_id: "r1", ok: false })).toMatchObject({
      reply: { ok: false, error: { code: "INTERNAL_ERROR" } },
    });
  });

  it("carries long texts and lists in part", () => {
    const error = { code: "PIPELINE_ERROR", message: "x".repeat(5_000) };
    const wire = encodeControlMessage({
      type: "response",
      requestId: "r1",
      reply: { type: "result", ok: false, error },
    });
    expect((wire.error as JsonObject).message).toHaveLength(1_024);
    const parsed = parseControlMessage({ ...wire, error });
    expect(parsed).toMatchObject({ reply: { error: { message: "x".repeat(1_024) } } });
    const activeNodes = Array.from({ length: 300 }, (_, i) => `n${i}`);
    const reply = { type: "status", state: "active", activeNodes, timestampMs: 1 } as const;
    const status = encodeControlMessage({ type: "response", requestId: "r1", reply });
    expect(status.active_nodes).toEqual(activeNodes.slice(0, 256));
  });
});

describe("a malformed message", () => {
  it.each<[string, JsonObject, string | undefined]>([
    ["pause: session_id", { action: "pause", request_id: "r1" }, "r1"],
    ["pause: request_id", { action: "pause", session_id: "s1" }, undefined],
    ["resume: session_id", { action: "resume", ...head, session_id: "a b" }, "r1"],
    ["reconfigure: manifest", { action: "reconfigure", ...head }, "r1"],
    ["reconfigure: manifest", { action: "reconfigure", ...head, manifest: [] }, "r1"],
    ["get_status: session_id", { action: "get_status", ...head, session_id: 7 }, "r1"],
    ["result: ok", { action: "result", ...head, ok: "yes" }, undefined],
    ["status: active_nodes", { action: "status", ...head, state: "x", timestamp_ms: 1 }, undefined],
    ["ping: timestamp_ms", { action: "ping", timestamp_ms: -1 }, undefined],
    ["pong: pong_timestamp_ms", { action: "pong", ping_timestamp_ms: 1 }, undefined],
    ["custom: message_type", { action: "custom", message_type: "x".repeat(65), data: 1 }, undefined],
    ["custom: data", { action: "custom", message_type: "x" }, undefined],
  ])("is told by its members: %s", (reason, wire, requestId) => {
    expect(parseControlMessage(wire)).toEqual({ type: "malformed", reason, requestId });
  });

  it("is described at bounded length", () => {
    const active_nodes = Array.from({ length: 20_000 }, () => 1);
    const parsed = parseControlMessage({ action: "status", request_id: "r", active_nodes });
    expect((parsed as { reason: string }).reason.length).toBeLessThanOrEqual(256);
  });

  it("never throws, whatever becomes of it", () => {
    const seed = "control-actions";
    const random = new SeededRandom(seed);
    const values: JsonValue[] = [null, true, -1, 1e300, "", "a b", [], {}, [{}], "x".repeat(2_000)];
    const pick = <T>(from: readonly T[]): T => from[random.integer(0, from.length - 1)] as T;
    const types = new Set<string | undefined>();
    for (let round = 0; round < 3_000; round++) {
      const wire = structuredClone(pick(MESSAGES)[1]);
      for (let left = random.integer(1, 3); left > 0; left--) {
        const key = pick(Object.keys(wire));
        if (random.integer(0, 3) === 0) Reflect.deleteProperty(wire, key);
        else if (key !== "action") wire[key] = pick(values);
        if (Object.keys(wire).length === 0) break;
      }
      try {
        types.add(parseControlMessage(wire)?.type);
      } catch (error) {
        throw new Error(`seed ${seed}, round ${round}: ${JSON.stringify(wire)}`, { cause: error });
      }
    }
    expect(types.has("malformed") && types.has(undefined) && types.has("request")).toBe(true);
  });
});

describe("an action of a program", () => {
  const good: ControlAction[] = [
    { type: "reconfigure", sessionId: "s1", manifest: {} },
    { type: "pause", sessionId: "s1" },
    { type: "getStatus", sessionId: undefined },
    { type: "ping" },
    { type: "custom", messageType: "x", data: null },
  ];
  it.each(good)("is taken as it is: %j", (action) => {
    expect(() => checkAction(action)).not.toThrow();
  });

  it.each<[string, unknown]>([
    ["action", null],
    ["action.type", { type: "dance" }],
    ["action.sessionId", { type: "pause" }],
    ["action.sessionId", { type: "getStatus", sessionId: "a b" }],
    ["action.manifest", { type: "reconfigure", sessionId: "s1", manifest: 7 }],
    ["action.messageType", { type: "custom", messageType: "", data: 1 }],
  ])("is refused, naming %s: %j", (member, action) => {
    try {
      checkAction(action as ControlAction);
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      expect([error.code, error.message.split(" ")[0]]).toEqual(["INVALID_DATA", member]);
      return;
    }
    expect.unreachable();
  });
});
