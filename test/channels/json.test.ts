import { describe, expect, it } from "vitest";
import { decodeJson, encodeJson, MAX_JSON_DEPTH } from "../../src/channels/json.ts";
import { TransportError } from "../../src/errors/errors.ts";

function refusal(value: unknown): string {
  try {
    encodeJson(value, "payload");
  } catch (error) {
    if (error instanceof TransportError && error.code === "SERIALIZATION_ERROR") return error.message;
    throw error;
  }
  return "accepted";
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { inner: value };
  return value;
}

describe("encodeJson", () => {
  it("writes what JSON can represent", () => {
    const shared = { a: 1 };
    const value = { text: "ä\u0000", list: [1, -0.5, null, true, []], twice: [shared, shared], bare: {} };
    expect(JSON.parse(encodeJson(value, "payload"))).toEqual(value);
    expect(encodeJson(null, "payload")).toBe("null");
    expect(encodeJson(Object.assign(Object.create(null), { a: 1 }), "payload")).toBe('{"a":1}');
  });

  it.each<[string, unknown, string]>([
    ["undefined", undefined, "payload is undefined"],
    ["a member that is undefined", { a: undefined }, "payload.a is undefined"],
    ["a hole", { a: [1, , 2] }, "payload.a[1] is undefined"],
    ["NaN", { users: [{ age: NaN }] }, "payload.users[0].age is NaN"],
    ["infinity", [-Infinity], "payload[0] is -Infinity"],
    ["BigInt", { n: 1n }, "payload.n is a bigint"],
    ["a function", { "two words": () => 1 }, 'payload["two words"] is a function'],
    ["a symbol", [Symbol("x")], "payload[0] is a symbol"],
    ["a Map", { m: new Map() }, "payload.m is a Map, not a plain object"],
    ["a Date", new Date(0), "payload is a Date, not a plain object"],
    ["bytes", { b: new Uint8Array(1) }, "payload.b is a Uint8Array, not a plain object"],
  ])("refuses %s and names the path", (_, value, message) => {
    expect(refusal(value)).toBe(message);
  });

  it("refuses cycles", () => {
    const cycle: { next: unknown } = { next: [] };
    cycle.next = [cycle];
    expect(refusal(cycle)).toBe("payload.next[0] refers back to an object that contains it");
  });

  it("refuses what the other side would not read for its depth", () => {
    expect(refusal(nested(MAX_JSON_DEPTH))).toBe("accepted");
    expect(refusal(nested(MAX_JSON_DEPTH + 1))).toContain(`is nested deeper than ${MAX_JSON_DEPTH}`);
  });

  it("refuses shared references that unfold without end", () => {
    let value: unknown = 1;
    for (let level = 0; level < 64; level++) value = [value, value];
    expect(refusal(value)).toContain("is one of more than 2097152 values");
  });

  it("turns a getter that throws into SERIALIZATION_ERROR", () => {
    const value = {
      get bad(): number {
        throw new Error("no value");
      },
    };
    expect(refusal(value)).toBe("payload could not be read: no value");
  });
});

describe("decodeJson", () => {
  it("reads JSON and nothing else", () => {
    expect(decodeJson('{"a":[1,null]}')).toEqual({ value: { a: [1, null] } });
    expect(decodeJson("null")).toEqual({ value: null });
    for (const text of ["", "{", "undefined", "NaN", "{a:1}"]) expect(decodeJson(text)).toBeUndefined();
  });

  it("removes __proto__ wherever it stands", () => {
    const text = '{"__proto__":{"admin":true},"list":[{"__proto__":{"admin":true},"a":1}]}';
    const { value } = decodeJson(text) ?? {};
    expect(JSON.stringify(value)).toBe('{"list":[{"a":1}]}');
    expect(Object.assign({}, value)).not.toHaveProperty("admin");
  });

  it("reads as deep as is written, and not deeper", () => {
    expect(decodeJson(JSON.stringify(nested(MAX_JSON_DEPTH)))).toBeDefined();
    expect(decodeJson(JSON.stringify(nested(MAX_JSON_DEPTH + 1)))).toBeUndefined();
    expect(decodeJson("[".repeat(1e5) + "]".repeat(1e5))).toBeUndefined();
  });
});
