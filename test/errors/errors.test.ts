import { describe, expect, it } from "vitest";
import { ERROR_CODES } from "../../src/errors/codes.ts";
import type { ErrorCode } from "../../src/errors/codes.ts";
import { describeError, toTransportError, TransportError } from "../../src/errors/errors.ts";

const RETRYABLE: ErrorCode[] = [
  "SIGNALING_ERROR",
  "RATE_LIMITED",
  "PEER_NOT_CONNECTED",
  "NO_PEERS_CONNECTED",
  "NAT_TRAVERSAL_FAILED",
  "CONNECTION_FAILED",
  "NEGOTIATION_IN_PROGRESS",
  "CIRCUIT_OPEN",
  "SEND_BUFFER_FULL",
  "NO_NTP_MAPPING",
  "NODE_TIMEOUT",
  "OPERATION_TIMEOUT",
];

describe("error codes", () => {
  it("all say what to do next", () => {
    for (const [code, { suggestion }] of Object.entries(ERROR_CODES)) {
      expect(suggestion.length, code).toBeGreaterThan(10);
    }
  });

  it("are retryable where trying again can help, and nowhere else", () => {
    const retryable = Object.entries(ERROR_CODES).filter(([, facts]) => facts.retryable);
    expect(retryable.map(([code]) => code).sort()).toEqual([...RETRYABLE].sort());
  });

  it("name the server that helps and the time to wait", () => {
    expect(ERROR_CODES.NAT_TRAVERSAL_FAILED.suggestion).toContain("TURN");
    expect(ERROR_CODES.CIRCUIT_OPEN.suggestion).toContain("details.retryAfterMs");
  });
});

describe("TransportError", () => {
  it("takes kind, retryable and suggestion from its code", () => {
    const error = new TransportError("PEER_NOT_FOUND", "there is no peer 'bob'");
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: "TransportError",
      code: "PEER_NOT_FOUND",
      kind: "peer",
      retryable: false,
      message: "there is no peer 'bob'",
      suggestion: ERROR_CODES.PEER_NOT_FOUND.suggestion,
    });
    expect("cause" in error).toBe(false);
  });

  it("carries what is known about the failure, in JSON too", () => {
    const cause = new Error("socket closed");
    const error = new TransportError("PIPELINE_ERROR", "gate failed", {
      suggestion: "Look at the gate.",
      peerId: "bob",
      sessionId: "s1",
      nodeId: "gate",
      details: { sequence: 3 },
      cause,
    });
    expect(error.cause).toBe(cause);
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: "TransportError",
      code: "PIPELINE_ERROR",
      kind: "pipeline",
      message: "gate failed",
      retryable: false,
      suggestion: "Look at the gate.",
      peerId: "bob",
      sessionId: "s1",
      nodeId: "gate",
      details: { sequence: 3 },
      cause: "socket closed",
    });
  });

  it("leaves absent facts out of its JSON", () => {
    const json = new TransportError("ABORTED", "stopped").toJSON();
    expect(Object.keys(json)).toEqual(["name", "code", "kind", "message", "retryable", "suggestion"]);
  });
});

describe("toTransportError", () => {
  it("passes ours on unchanged", () => {
    const error = new TransportError("ABORTED", "stopped");
    expect(toTransportError(error, "INTERNAL_ERROR", "sending")).toBe(error);
  });

  it("wraps anything else and keeps it as cause", () => {
    const cause = new RangeError("bad length");
    const error = toTransportError(cause, "DATA_CHANNEL_ERROR", "sending", { peerId: "bob" });
    expect(error).toMatchObject({
      code: "DATA_CHANNEL_ERROR",
      message: "sending: bad length",
      peerId: "bob",
    });
    expect(error.cause).toBe(cause);
  });
});

describe("describeError", () => {
  it.each<[unknown, string]>([
    [new Error("broken"), "broken"],
    ["text", "text"],
    [undefined, "undefined"],
    [Symbol("mark"), "Symbol(mark)"],
    [Object.create(null), "a value that has no text"],
  ])("finds words for whatever was thrown", (thrown, text) => {
    expect(describeError(thrown)).toBe(text);
  });
});
