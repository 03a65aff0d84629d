// The node that calculates.
import { describe, expect, it } from "vitest";
import { calculatorNode } from "../../../src/pipeline/nodes/calculator.ts";
import type { JsonValue } from "../../../src/runtime/data.ts";
import { OpenNode } from "./open-node.ts";

const calculate = (value: JsonValue) => new OpenNode(calculatorNode).send({ type: "json", value });

describe("the calculator", () => {
  it.each([
    ["add", 2, 3, 5],
    ["subtract", 2, 3, -1],
    ["multiply", 2, 3, 6],
    ["divide", 3, 2, 1.5],
    ["divide", 0, 2, 0],
  ])("%ss %d and %d", (operation, a, b, result) => {
    expect(calculate({ operation, operands: [a, b] })[0]?.data).toEqual({
      type: "json",
      value: { result, operation },
    });
  });

  it("keeps what comes with the numbers", () => {
    const node = new OpenNode(calculatorNode);
    const value = { operation: "add", operands: [1, 1] };
    expect(
      node.send({ type: "json", value, streamId: "s", timestampUs: 9 }, { source_peer: "a" }, 3),
    ).toEqual([
      {
        data: { type: "json", value: { result: 2, operation: "add" }, streamId: "s", timestampUs: 9 },
        metadata: { source_peer: "a" },
        sequence: 3,
      },
    ]);
  });

  it("does not divide by 0", () => {
    expect(() => calculate({ operation: "divide", operands: [5, 0] })).toThrow(
      expect.objectContaining({ code: "PIPELINE_ERROR", nodeId: "node", message: "cannot divide 5 by 0" }),
    );
  });

  it("says when a result is no number any more", () => {
    expect(() => calculate({ operation: "multiply", operands: [1e200, 1e200] })).toThrow(
      expect.objectContaining({
        code: "PIPELINE_ERROR",
        message: expect.stringMatching(/too large/) as string,
      }),
    );
  });

  it.each<[string, JsonValue, RegExp]>([
    ["text", "2 + 2", /must be an object \{operation, operands\}, got "2 \+ 2"/],
    ["an array", [1, 2], /must be an object/],
    ["null", null, /must be an object .* got null/],
    [
      "an unknown operation",
      { operation: "modulo", operands: [1, 2] },
      /one of add, subtract, .* got "modulo"/,
    ],
    ["a name every object has", { operation: "toString", operands: [1, 2] }, /got "toString"/],
    ["no operation", { operands: [1, 2] }, /operation must be .* got nothing/],
    ["no operands", { operation: "add" }, /operands must be an array of two numbers, got nothing/],
    ["three operands", { operation: "add", operands: [1, 2, 3] }, /two numbers, got \[1,2,3\]/],
    ["a text as operand", { operation: "add", operands: [1, "2"] }, /operands\[1\] must be .* got "2"/],
    [
      "an endless operand",
      { operation: "add", operands: [Infinity, 1] },
      /operands\[0\] must be .* got Infinity/,
    ],
  ])("refuses %s", (_, value, message) => {
    expect(() => calculate(value)).toThrow(
      expect.objectContaining({ code: "INVALID_DATA", message: expect.stringMatching(message) as string }),
    );
  });
});
