// Parameters of a node as its factory wants them: named in camelCase, checked against the schema, defaults filled in.
// Pure. What is wrong is a fault and never becomes a default.
import { describeError } from "../errors/errors.ts";
import type { JsonValue } from "../runtime/data.ts";
import { clip, inWords, manifestIssue, pointerTo } from "./manifest-issues.ts";
import type { IssueNode } from "./manifest-issues.ts";
import type { ManifestIssue, ManifestIssueCode } from "./manifest.ts";
import { didYouMean, snakeCase } from "./names.ts";
import type { ParamSchema } from "./node.ts";
import { paramValues } from "./param-values.ts";
import { isPlainObject, plainCopy } from "./plain-data.ts";
import { valueFault } from "./value-check.ts";

/** What else is known of the parameters. */
export interface ParamsPlace extends IssueNode {
  /** JSON pointer to them. */
  readonly pointer: string;
  /** What the schema cannot say, as {@link NodeFactory.check}; asked when the schema finds no fault. */
  readonly check?:
    ((params: Readonly<Record<string, JsonValue>>) => Readonly<Record<string, string>>) | undefined;
}

/** Parameters, complete when there are no issues. */
export interface ReadParams {
  /** The caller's own copy. */
  readonly params: Record<string, JsonValue>;
  readonly issues: readonly ManifestIssue[];
}

/**
 * Read a node's parameters.
 *
 * @param given an object with names in snake_case or camelCase; undefined for none. It is not kept.
 * @returns all faults: `UNKNOWN_PARAM` and `BAD_PARAM`, each with the pointer to what was given
 */
export function readParams(schema: ParamSchema, given: unknown, place: ParamsPlace): ReadParams {
  const copy = plainCopy(given ?? {});
  const value: unknown = copy.issue === undefined ? copy.value : undefined;
  if (!isPlainObject(value)) {
    const message = copy.issue?.message ?? `expected an object, not ${inWords(given)}`;
    return { params: {}, issues: [manifestIssue("BAD_PARAM", place.pointer, message, place)] };
  }
  const { params: values, faulty, issues: valueIssues } = paramValues(value, place.pointer, place);
  const issues = [...valueIssues];
  const params: Record<string, JsonValue> = {};
  const issue = (code: ManifestIssueCode, pointer: string, message: string): void => {
    issues.push(manifestIssue(code, pointer, message, place));
  };

  for (const [name, { value: param, pointer }] of values) {
    const property = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    if (property === undefined) {
      issue("UNKNOWN_PARAM", pointer, unknownParam(pointer, schema, place));
      continue;
    }
    const fault = valueFault(param, property);
    if (fault === undefined) params[name] = param;
    else issue("BAD_PARAM", `${pointer}${fault.pointer}`, fault.message);
  }
  for (const [name, property] of Object.entries(schema.properties)) {
    if (values.has(name) || faulty.has(name)) continue;
    if (property.default !== undefined) params[name] = copyOf(property.default);
    else if (schema.required?.includes(name) === true)
      issue("BAD_PARAM", pointerTo(place.pointer, snakeCase(name)), `${snakeCase(name)} is required`);
  }
  if (issues.length === 0) {
    for (const [name, message] of Object.entries(checked(params, place))) {
      const pointer = values.get(name)?.pointer ?? pointerTo(place.pointer, snakeCase(name));
      issue("BAD_PARAM", name === "" ? place.pointer : pointer, message);
    }
  }
  return { params, issues };
}

function unknownParam(pointer: string, schema: ParamSchema, { nodeType }: ParamsPlace): string {
  const name = pointer
    .slice(pointer.lastIndexOf("/") + 1)
    .replaceAll("~1", "/")
    .replaceAll("~0", "~");
  const known = Object.keys(schema.properties);
  const owner = nodeType ?? "the node";
  const has = known.length === 0 ? `${owner} has no parameters` : `${owner} has no parameter ${clip(name)}`;
  return `${has}${didYouMean(name, known)}`;
}

/** @returns messages by parameter; the empty name stands for all of them */
function checked(
  params: Readonly<Record<string, JsonValue>>,
  { check }: ParamsPlace,
): Record<string, string> {
  try {
    const faults = Object.entries(check?.(params) ?? {});
    return Object.fromEntries(faults.map(([name, words]) => [name, inSentence(words, params[name])]));
  } catch (error) {
    return { "": `cannot be checked: ${describeError(error)}` };
  }
}

function inSentence(words: string, value: JsonValue | undefined): string {
  const expected = words.startsWith("expected ") ? words : `expected ${words}`;
  return `${expected}, not ${inWords(value)}`;
}

function copyOf(value: JsonValue): JsonValue {
  return JSON.parse(JSON.stringify(value)) as JsonValue;
}
