// Parameters as they were written, made into JSON values under their camelCase names. Pure; it knows no schema.
import type { JsonValue } from "../runtime/data.ts";
import { clip, inWords, manifestIssue, pointerTo } from "./manifest-issues.ts";
import type { IssueNode } from "./manifest-issues.ts";
import type { ManifestIssue } from "./manifest.ts";
import { camelCase } from "./names.ts";
import { isPlainObject } from "./plain-data.ts";
import type { PlainObject } from "./plain-data.ts";

/** A value and where it stands. */
export interface GivenParam {
  readonly value: JsonValue;
  readonly pointer: string;
}

/** Parameters by their camelCase names; those with faults are not among them. */
export interface GivenParams {
  readonly params: ReadonlyMap<string, GivenParam>;
  /** Names that came with a fault. */
  readonly faulty: ReadonlySet<string>;
  readonly issues: readonly ManifestIssue[];
}

/**
 * Copy parameters. Both spellings of a name, and whatever JSON has no word for, are faults: NaN and infinity, functions,
 * dates and other objects with a class. Names within objects stay as they are.
 */
export function paramValues(given: PlainObject, pointer: string, node: IssueNode): GivenParams {
  const names = new Map<string, string>();
  const params = new Map<string, GivenParam>();
  const faulty = new Set<string>();
  const issues: ManifestIssue[] = [];
  for (const name of Object.keys(given)) {
    const camel = camelCase(name);
    const twin = names.get(camel);
    const at = pointerTo(pointer, name);
    const issue = (where: string, message: string): void => {
      faulty.add(camel);
      issues.push(manifestIssue("BAD_PARAM", where, message, node));
    };
    if (twin !== undefined) issue(at, `${clip(twin)} and ${clip(name)} are the same; keep one`);
    else if (name === "__proto__") issue(at, `${name} cannot be a name`);
    else params.set(camel, { value: jsonValue(given[name], at, issue), pointer: at });
    names.set(camel, name);
  }
  for (const name of faulty) params.delete(name);
  return { params, faulty, issues };
}

/** @param given of a plain copy, so of bounded depth */
function jsonValue(
  given: unknown,
  pointer: string,
  issue: (pointer: string, message: string) => void,
): JsonValue {
  if (given === null || typeof given === "string" || typeof given === "boolean") return given;
  if (typeof given === "number" && Number.isFinite(given)) return given;
  if (Array.isArray(given))
    return given.map((value, index) => jsonValue(value, pointerTo(pointer, index), issue));
  if (!isPlainObject(given)) {
    issue(pointer, `expected a JSON value, not ${inWords(given)}`);
    return null;
  }
  const entries = Object.entries(given).map(([name, value]): [string, JsonValue] => {
    const at = pointerTo(pointer, name);
    if (name === "__proto__") issue(at, `${name} cannot be a name`);
    return [name, jsonValue(value, at, issue)];
  });
  return Object.fromEntries(entries);
}
