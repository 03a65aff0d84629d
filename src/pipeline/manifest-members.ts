// One object of a manifest as it was given: members by their camelCase name, in either spelling, each fault noted with
// its pointer. Pure.
import { inWords, manifestIssue, pointerTo } from "./manifest-issues.ts";
import type { IssueNode } from "./manifest-issues.ts";
import type { ManifestIssue, ManifestIssueCode } from "./manifest.ts";
import { camelCase, didYouMean, snakeCase } from "./names.ts";
import { isPlainObject } from "./plain-data.ts";
import type { PlainObject } from "./plain-data.ts";

/** Names that a warning spells out. */
const MAX_NAMED = 5;

/** Where faults and warnings of a manifest are gathered. */
export interface Findings {
  readonly issues: ManifestIssue[];
  readonly warnings: string[];
}

/**
 * The members of one object. Null is nothing, as some writers put it for what they leave out. What is asked for and is
 * not what it should be becomes an issue and is undefined.
 */
export class Members {
  readonly #given: PlainObject;
  readonly #pointer: string;
  readonly #findings: Findings;
  /** Given names by their camelCase. */
  readonly #names = new Map<string, string>();
  #node: IssueNode = {};

  /** @param known camelCase names; others are warned of, and a known one in both spellings is a fault */
  constructor(given: PlainObject, pointer: string, known: readonly string[], findings: Findings) {
    this.#given = given;
    this.#pointer = pointer;
    this.#findings = findings;
    const unknown: string[] = [];
    for (const name of Object.keys(given)) {
      const camel = camelCase(name);
      const twin = this.#names.get(camel);
      if (!known.includes(camel)) unknown.push(`${inWords(name)}${didYouMean(name, known)}`);
      else if (twin === undefined) this.#names.set(camel, name);
      else this.fault("BAD_MEMBER", name, `${twin} and ${name} are the same; keep one`);
    }
    if (unknown.length > 0) this.#warn(unknown);
  }

  /** Faults from here on say that they belong to this node. */
  belongsTo(node: IssueNode): void {
    this.#node = node;
  }

  /** The node that faults belong to. */
  get node(): IssueNode {
    return this.#node;
  }

  /** As given, unchecked; undefined when absent or null. */
  get(name: string): unknown {
    const given = this.#names.get(name);
    return given === undefined ? undefined : (this.#given[given] ?? undefined);
  }

  /** Pointer to a member in the spelling it was given in; one that is absent as documents write it, in snake_case. */
  pointerOf(name: string): string {
    return pointerTo(this.#pointer, this.#names.get(name) ?? snakeCase(name));
  }

  /** Text, undefined when absent; not empty where it is required. */
  text(name: string, { required = false } = {}): string | undefined {
    const value = this.get(name);
    if (typeof value === "string" && (value !== "" || !required)) return value;
    if (required) this.expected(name, "a text that is not empty");
    else if (value !== undefined) this.expected(name, "a text");
    return undefined;
  }

  /** True or false; `false` when absent. */
  flag(name: string): boolean {
    const value = this.get(name);
    if (typeof value === "boolean") return value;
    if (value !== undefined) this.expected(name, "true or false");
    return false;
  }

  /** A whole number of a range, `fallback` when absent. */
  integer(name: string, fallback: number, minimum: number, maximum: number): number {
    const value = this.get(name) ?? fallback;
    const fits = typeof value === "number" && Number.isInteger(value) && value >= minimum && value <= maximum;
    if (fits) return value;
    this.expected(name, `an integer from ${minimum} to ${maximum}`);
    return fallback;
  }

  /** An object, undefined when absent. */
  object(name: string, { required = false } = {}): PlainObject | undefined {
    const value = this.get(name);
    if (isPlainObject(value)) return value;
    if (value !== undefined || required) this.expected(name, "an object");
    return undefined;
  }

  /** An array, undefined when absent. */
  array(name: string): readonly unknown[] | undefined {
    const value = this.get(name);
    if (Array.isArray(value)) return value as unknown[];
    if (value !== undefined) this.expected(name, "an array");
    return undefined;
  }

  /** Note that a member is not what it should be. @param what e.g. `an object` @param hint goes behind the message */
  expected(name: string, what: string, code: ManifestIssueCode = "BAD_MEMBER", hint = ""): void {
    const given = this.#names.get(name) ?? snakeCase(name);
    this.fault(code, given, `expected ${what}, not ${inWords(this.get(name))}${hint}`);
  }

  /** Note a fault. @param name as given */
  fault(code: ManifestIssueCode, name: string, message: string): void {
    this.#findings.issues.push(manifestIssue(code, pointerTo(this.#pointer, name), message, this.#node));
  }

  #warn(unknown: readonly string[]): void {
    const named = unknown.slice(0, MAX_NAMED);
    if (unknown.length > MAX_NAMED) named.push(`${unknown.length - MAX_NAMED} more`);
    const where = this.#pointer === "" ? "the manifest" : this.#pointer;
    this.#findings.warnings.push(`${where} has members that mean nothing here: ${named.join(", ")}`);
  }
}
