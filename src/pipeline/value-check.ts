// Whether a JSON value is what a schema asks for. Pure; the only file that knows the JSON Schema library.
import { Validator } from "@cfworker/json-schema";
import type { OutputUnit } from "@cfworker/json-schema";
import { describeError } from "../errors/errors.ts";
import type { JsonValue } from "../runtime/data.ts";
import { inWords } from "./manifest-issues.ts";
import { schemaInWords } from "./schema-words.ts";
import type { Schema } from "./schema-words.ts";

/** Where a value differs from its schema. */
export interface ValueFault {
  /** JSON pointer from the value on; empty for the value itself. */
  readonly pointer: string;
  /** e.g. `expected a number from -60 to 24, not 99`. */
  readonly message: string;
}

/** Keywords whose fault does not show in the words for schema and value; the library's sentence goes behind them. */
const SAID_BY_LIBRARY = new Set([
  ...["required", "minProperties", "maxProperties", "propertyNames", "dependentRequired", "dependentSchemas"],
  ...["contains", "minContains", "maxContains", "uniqueItems", "format", "not", "if"],
]);

/** Check one value. @returns the first fault, undefined when there is none; a schema that cannot be applied is one */
export function valueFault(value: JsonValue, schema: Schema): ValueFault | undefined {
  try {
    // The library writes into the schema, which may be frozen and is not ours.
    const copy = JSON.parse(JSON.stringify(schema)) as Schema;
    const { valid, errors } = new Validator(copy, "2020-12").validate(value);
    if (valid) return undefined;
    // Outer faults come first; of those at the innermost place the first belongs to the whole value there.
    const place = errors.at(-1)?.instanceLocation;
    const fault = errors.find(({ instanceLocation }) => instanceLocation === place);
    return fault === undefined ? undefined : inSentence(fault, value, copy);
  } catch (error) {
    return { pointer: "", message: `cannot be checked: ${describeError(error)}` };
  }
}

function inSentence(fault: OutputUnit, root: JsonValue, schema: Schema): ValueFault {
  const { keyword, keywordLocation, error } = fault;
  const pointer = fault.instanceLocation.replace(/^#/, "");
  const value = inWords(valueAt(root, pointer));
  if (keyword === "false") return { pointer, message: `expected nothing here, not ${value}` };
  const part = pointer === "" ? schema : schemaAt(schema, keywordLocation);
  if (part === undefined) return { pointer, message: error };
  const message = `expected ${schemaInWords(part)}, not ${value}`;
  return { pointer, message: SAID_BY_LIBRARY.has(keyword) ? `${message}: ${error}` : message };
}

/** The schema that a keyword belongs to; undefined where a reference lies between. */
function schemaAt(schema: Schema, keywordLocation: string): Schema | undefined {
  const found = valueAt(schema, keywordLocation.replace(/^#/, "").replace(/\/[^/]*$/, ""));
  return typeof found === "object" && found !== null ? (found as Schema) : undefined;
}

function valueAt(root: unknown, pointer: string): unknown {
  let value = root;
  for (const escaped of pointer.split("/").slice(1)) {
    const name = escaped.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}
