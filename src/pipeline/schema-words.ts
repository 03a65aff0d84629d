// What a schema asks for, in words that messages and the documentation share. Pure.
import { clip } from "./manifest-issues.ts";

/** Keywords of JSON Schema 2020-12, those that words are made of and others. */
export type Schema = Readonly<Record<string, unknown>>;

/**
 * What values a schema takes, to stand behind "expected": `a number from -60 to 24`, `one of "low", "high"`,
 * `an array of 2 numbers`.
 */
export function schemaInWords(schema: Schema): string {
  if (Array.isArray(schema.enum)) return oneOf(schema.enum);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  switch (schema.type) {
    case "number":
    case "integer":
      return `${schema.type === "number" ? "a number" : "an integer"}${rangeInWords(schema)}`;
    case "string":
      return stringInWords(schema);
    case "boolean":
      return "true or false";
    case "array":
      return arrayInWords(schema);
    case "object":
      return "an object";
    case "null":
      return "null";
    default:
      return "a value that its schema takes";
  }
}

function oneOf(values: readonly unknown[]): string {
  const words = values.map((value) => JSON.stringify(value));
  return words.length === 1 ? String(words[0]) : `one of ${words.join(", ")}`;
}

function rangeInWords(schema: Schema): string {
  const { minimum, maximum, exclusiveMinimum: above, exclusiveMaximum: below, multipleOf } = schema;
  const step = typeof multipleOf === "number" ? ` that is a multiple of ${multipleOf}` : "";
  if (typeof minimum === "number" && typeof maximum === "number")
    return `${step} from ${minimum} to ${maximum}`;
  const bounds = [
    typeof minimum === "number" ? `of at least ${minimum}` : undefined,
    typeof above === "number" ? `above ${above}` : undefined,
    typeof maximum === "number" ? `of at most ${maximum}` : undefined,
    typeof below === "number" ? `below ${below}` : undefined,
  ].filter((bound) => bound !== undefined);
  return `${step}${bounds.length > 0 ? ` ${bounds.join(" and ")}` : ""}`;
}

function stringInWords({ minLength, maxLength, pattern }: Schema): string {
  const length = countInWords(minLength, maxLength, "character", "characters");
  const shape = typeof pattern === "string" ? ` that matches ${clip(pattern)}` : "";
  return `a text${length === "" ? "" : ` of ${length}`}${shape}`;
}

function arrayInWords({ minItems, maxItems, items }: Schema): string {
  const [one, many] = itemNames(items);
  const count = countInWords(minItems, maxItems, one, many);
  return `an array of ${count === "" ? many : count}`;
}

function itemNames(items: unknown): [one: string, many: string] {
  const type = typeof items === "object" && items !== null ? (items as Schema).type : undefined;
  if (type === "number") return ["number", "numbers"];
  if (type === "integer") return ["integer", "integers"];
  if (type === "string") return ["text", "texts"];
  return ["value", "values"];
}

function countInWords(least: unknown, most: unknown, one: string, many: string): string {
  if (typeof most === "number") {
    const from = typeof least === "number" ? least : 0;
    return `${from === most ? from : `${from} to ${most}`} ${most === 1 ? one : many}`;
  }
  return typeof least === "number" ? `at least ${least} ${least === 1 ? one : many}` : "";
}
