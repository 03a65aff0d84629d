// The node that calculates with two numbers: shows how JSON goes through a pipeline.
import { TransportError } from "../../errors/errors.ts";
import type { JsonValue } from "../../runtime/data.ts";
import type { NodeFactory } from "../node.ts";

const OPERATIONS: Readonly<Record<string, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
};

/** Parameters of `Calculator`: none. */
export type CalculatorParams = Record<never, never>;

/**
 * Takes `{operation, operands: [a, b]}` and gives `{result, operation}`. Another shape is `INVALID_DATA`; a division by
 * 0, or a result beyond what a number can hold, `PIPELINE_ERROR`.
 */
export const calculatorNode: NodeFactory<CalculatorParams> = {
  type: "Calculator",
  description:
    "Calculates: JSON {operation: add, subtract, multiply or divide, operands: [a, b]} in, {result, operation} out.",
  schema: { type: "object", properties: {} },
  accepts: ["json"],
  emits: ["json"],
  create: ({ nodeId }) => ({
    process(input, emit) {
      if (input.data.type !== "json") return;
      const value = calculate(input.data.value, nodeId);
      void emit({ ...input, data: { ...input.data, value } });
    },
  }),
};

function calculate(value: JsonValue, nodeId: string): JsonValue {
  const { operation, operands } = readTask(value, nodeId);
  const [a, b] = operands;
  if (operation === "divide" && b === 0) {
    throw new TransportError("PIPELINE_ERROR", `cannot divide ${a} by 0`, {
      nodeId,
      suggestion: "Send a second operand that is not 0.",
    });
  }
  const result = OPERATIONS[operation]?.(a, b) ?? Number.NaN;
  if (Number.isFinite(result)) return { result, operation };
  throw new TransportError("PIPELINE_ERROR", `the result of ${operation} with ${a} and ${b} is too large`, {
    nodeId,
    suggestion: "Send smaller operands.",
  });
}

function readTask(value: JsonValue, nodeId: string): { operation: string; operands: [number, number] } {
  const fault = (text: string) => new TransportError("INVALID_DATA", text, { nodeId });
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw fault(`the input must be an object {operation, operands}, got ${shown(value)}`);
  }
  const { operation, operands } = value;
  if (typeof operation !== "string" || !Object.hasOwn(OPERATIONS, operation)) {
    throw fault(`operation must be one of ${Object.keys(OPERATIONS).join(", ")}, got ${shown(operation)}`);
  }
  if (!Array.isArray(operands) || operands.length !== 2) {
    throw fault(`operands must be an array of two numbers, got ${shown(operands)}`);
  }
  const [a, b] = operands;
  if (!isNumber(a)) throw fault(`operands[0] must be a finite number, got ${shown(a)}`);
  if (!isNumber(b)) throw fault(`operands[1] must be a finite number, got ${shown(b)}`);
  return { operation, operands: [a, b] };
}

function isNumber(value: JsonValue | undefined): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function shown(value: JsonValue | undefined): string {
  return typeof value === "number" ? String(value) : (JSON.stringify(value) ?? "nothing").slice(0, 100);
}
