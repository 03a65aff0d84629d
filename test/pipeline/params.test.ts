import { describe, expect, it } from "vitest";
import type { ParamSchema } from "../../src/pipeline/node.ts";
import { readParams } from "../../src/pipeline/params.ts";
import { testRegistry } from "./manifests.ts";

const LOUD = testRegistry().get("Loud");
const SCHEMA = LOUD?.schema as ParamSchema;
const PLACE = { pointer: "/nodes/2/params", nodeId: "gate", nodeType: "Loud" };

/** What is said of these parameters, each as `CODE pointer: message`. */
function faults(given: unknown, schema = SCHEMA): string[] {
  const check = schema === SCHEMA ? LOUD?.check : undefined;
  const { issues } = readParams(schema, given, { ...PLACE, check });
  for (const issue of issues) expect(issue).toMatchObject({ nodeId: "gate", nodeType: "Loud" });
  return issues.map(
    ({ code, pointer, message }) => `${code} ${pointer.replace(PLACE.pointer, "")}: ${message}`,
  );
}

/** Faults of one parameter of this schema. */
function faultsOf(value: unknown, property: Record<string, unknown>): string[] {
  return faults({ p: value }, { type: "object", properties: { p: { description: "P.", ...property } } });
}

describe("parameters", () => {
  it("come in either spelling, with defaults for what is not given, and nothing for what has none", () => {
    const expected = {
      gainDb: 0,
      rampMs: 20,
      targetRate: 48000,
      mode: "soft",
      softClip: true,
      weights: [1, 2],
    };
    for (const given of [
      { ramp_ms: 20, target_rate: 48000 },
      { rampMs: 20, targetRate: 48000 },
    ]) {
      expect(readParams(SCHEMA, given, PLACE)).toEqual({ params: expected, issues: [] });
    }
  });

  it("are the reader's own, defaults too", () => {
    const given = { target_rate: 8000, extra: { inner_name: { deep_name: 1 } } };
    const [first, second] = [readParams(SCHEMA, given, PLACE), readParams(SCHEMA, given, PLACE)];
    expect(first.params.extra).toStrictEqual({ inner_name: { deep_name: 1 } });
    expect(first.params.extra).not.toBe(given.extra);
    (first.params.weights as number[]).push(3);
    expect(second.params.weights).toEqual([1, 2]);
    expect(SCHEMA.properties.weights?.default).toEqual([1, 2]);
  });

  it("may be left out altogether where none is required", () => {
    expect(readParams({ type: "object", properties: {} }, undefined, PLACE)).toEqual({
      params: {},
      issues: [],
    });
  });

  it("have to be there where they are required", () => {
    expect(faults(undefined)).toEqual(["BAD_PARAM /target_rate: target_rate is required"]);
  });

  it("never become a default when they are wrong", () => {
    const { params, issues } = readParams(
      SCHEMA,
      { gain_db: 99, target_rate: 48000, soft_clip: null },
      PLACE,
    );
    expect(issues).toHaveLength(2);
    expect(params).not.toHaveProperty("gainDb");
    expect(params).not.toHaveProperty("softClip");
  });

  it("are told from parameters there are none of, with the name that was meant", () => {
    expect(faults({ targetRate: 8000, gain: 1, ramp_mss: 2, volume: 3, "a/b": 4, toString: 5 })).toEqual([
      "UNKNOWN_PARAM /gain: Loud has no parameter gain; did you mean gainDb?",
      "UNKNOWN_PARAM /ramp_mss: Loud has no parameter ramp_mss; did you mean ramp_ms?",
      "UNKNOWN_PARAM /volume: Loud has no parameter volume",
      "UNKNOWN_PARAM /a~1b: Loud has no parameter a/b",
      "UNKNOWN_PARAM /toString: Loud has no parameter toString",
    ]);
    expect(faults({ a: 1 }, { type: "object", properties: {} })).toEqual([
      "UNKNOWN_PARAM /a: Loud has no parameters",
    ]);
  });

  it("are told what was expected, with the pointer to what was given", () => {
    const given = {
      gain_db: 99,
      rampMs: 1.5,
      target_rate: "8k",
      mode: "loud",
      soft_clip: 1,
      tag: "A",
      extra: [],
    };
    expect(faults(given)).toEqual([
      "BAD_PARAM /gain_db: expected a number from -60 to 24, not 99",
      "BAD_PARAM /rampMs: expected an integer of at least 0, not 1.5",
      'BAD_PARAM /target_rate: expected an integer from 8000 to 192000, not "8k"',
      'BAD_PARAM /mode: expected one of "soft", "hard", not "loud"',
      "BAD_PARAM /soft_clip: expected true or false, not 1",
      'BAD_PARAM /tag: expected a text of 1 to 8 characters that matches ^[a-z]*$, not "A"',
      "BAD_PARAM /extra: expected an object, not an empty array",
    ]);
  });

  it("are told where within a value the fault is", () => {
    expect(faults({ target_rate: 8000, weights: [1, "2"] })).toEqual([
      'BAD_PARAM /weights/1: expected a number, not "2"',
    ]);
    expect(faults({ target_rate: 8000, weights: [1, 2, 3, 4] })).toEqual([
      "BAD_PARAM /weights: expected an array of 0 to 3 numbers, not an array of 4",
    ]);
    const points = { type: "object", properties: { "a/b": { type: "object", required: ["x"] } } };
    expect(faultsOf({ "a/b": {} }, points)).toEqual([
      'BAD_PARAM /p/a~1b: expected an object, not an object: Instance does not have required property "x".',
    ]);
  });

  it("refuse NaN and infinity, whatever the schema says", () => {
    expect(faults({ gain_db: NaN, ramp_ms: Infinity, target_rate: 8000, extra: { a: [-Infinity] } })).toEqual(
      [
        "BAD_PARAM /gain_db: expected a JSON value, not NaN",
        "BAD_PARAM /ramp_ms: expected a JSON value, not Infinity",
        "BAD_PARAM /extra/a/0: expected a JSON value, not -Infinity",
      ],
    );
  });

  it("refuse both spellings of a name", () => {
    expect(faults({ target_rate: 8000, targetRate: 8000 })).toEqual([
      "BAD_PARAM /targetRate: target_rate and targetRate are the same; keep one",
    ]);
  });

  it("are asked for as an object of bounded depth", () => {
    expect(faults([1])).toEqual(["BAD_PARAM : expected an object, not an array of 1"]);
    expect(faults("x")).toEqual(['BAD_PARAM : expected an object, not "x"']);
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    expect(faults(circle)[0]).toContain("levels of nesting");
  });

  it("go through the factory's own check when the schema finds nothing", () => {
    expect(faults({ gain_db: 24, ramp_ms: 0, target_rate: 8000 })).toEqual([
      "BAD_PARAM /gain_db: expected at most ramp_ms + 10, not 24",
    ]);
    expect(faults({ gain_db: 24, ramp_ms: 0 })).toEqual(["BAD_PARAM /target_rate: target_rate is required"]);
  });

  it("turn a check that throws, or that speaks of what is not given, into faults", () => {
    const ask = (check: () => Record<string, string>) =>
      readParams(SCHEMA, { target_rate: 8000 }, { ...PLACE, check }).issues.map(
        ({ pointer, message }) => `${pointer}: ${message}`,
      );
    expect(ask(() => JSON.parse("{") as never)[0]).toMatch(/^\/nodes\/2\/params: cannot be checked: /);
    expect(ask(() => ({ rampMs: "expected more" }))).toEqual([
      "/nodes/2/params/ramp_ms: expected more, not 10",
    ]);
  });
});

describe("the words for a schema", () => {
  it("are the library's own within what the schema refers to", () => {
    const part = { type: "object", properties: { n: { type: "number" } } };
    const list = { $defs: { part }, type: "array", items: { $ref: "#/$defs/part" } };
    expect(faultsOf(["a"], list)).toEqual([
      'BAD_PARAM /p/0: expected a value that its schema takes, not "a"',
    ]);
    expect(faultsOf([{ n: "a" }], list)).toEqual([
      'BAD_PARAM /p/0/n: Instance type "string" is invalid. Expected "number".',
    ]);
  });

  const cases: [Record<string, unknown>, unknown, string][] = [
    [{ type: "number", exclusiveMinimum: 0, maximum: 2 }, 3, "a number above 0 and of at most 2, not 3"],
    [{ type: "number", exclusiveMaximum: 1 }, 1, "a number below 1, not 1"],
    [
      { type: "integer", multipleOf: 2, minimum: 0, maximum: 8 },
      3,
      "an integer that is a multiple of 2 from 0 to 8, not 3",
    ],
    [{ type: "number" }, null, "a number, not null"],
    [{ type: "string", minLength: 2 }, "a", 'a text of at least 2 characters, not "a"'],
    [{ type: "string", maxLength: 1 }, "ab", 'a text of 0 to 1 character, not "ab"'],
    [
      { type: "array", minItems: 2, maxItems: 2, items: { type: "integer" } },
      [1],
      "an array of 2 integers, not an array of 1",
    ],
    [{ type: "array", items: { type: "string" } }, {}, "an array of texts, not an object"],
    [{ type: "array", minItems: 1 }, [], "an array of at least 1 value, not an empty array"],
    [{ enum: [8000] }, 1, "8000, not 1"],
    [{ const: "on" }, "x".repeat(99), `"on", not "${"x".repeat(58)}…`],
    [{ anyOf: [{ type: "string" }, { type: "null" }] }, 1, "a value that its schema takes, not 1"],
    [
      { type: "array", uniqueItems: true },
      [1, 1],
      "an array of values, not an array of 2: Duplicate items at",
    ],
    [{ type: "object", properties: { a: false } }, { a: 1 }, "nothing here, not 1"],
    [
      { type: "object", additionalProperties: { anyOf: [{ const: 1 }] } },
      { a: 2 },
      "a value that its schema takes, not 2",
    ],
    [{ type: "object", additionalProperties: { type: "null" } }, { a: 1 }, "null, not 1"],
  ];

  it.each(cases)("%j", (property, value, expected) => {
    expect(faultsOf(value, property)).toEqual([expect.stringMatching(/^BAD_PARAM \/p(\/a)?: /)]);
    expect(faultsOf(value, property)[0]).toContain(`: expected ${expected}`);
  });
});
