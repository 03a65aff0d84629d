// A copy of what was handed in as a manifest, so that what is read twice is the same twice. Bounded and pure: it never
// follows a circle, runs away with values that are shared a thousandfold, or takes a name for a prototype.
import { describeError } from "../errors/errors.ts";
import { MAX_MANIFEST_BYTES } from "./manifest-limits.ts";
import { manifestIssue, pointerTo } from "./manifest-issues.ts";
import type { ManifestIssue } from "./manifest.ts";

/** Arrays and objects in each other; nobody writes that many by hand. */
const MAX_DEPTH = 64;
/** Quotes, commas and colons around a value. */
const PUNCTUATION = 3;

/** An object as it was copied: own members only, no prototype. */
export type PlainObject = Record<string, unknown>;

/** The copy, or why there is none. */
export type PlainCopy =
  | { readonly value: unknown; readonly issue?: undefined }
  | { readonly value?: undefined; readonly issue: ManifestIssue };

/**
 * Copy arrays and plain objects, at any depth. Members that are undefined stay away; what is neither array nor plain
 * object is passed on as it is.
 */
export function plainCopy(given: unknown): PlainCopy {
  const copier = new Copier();
  try {
    const value = copier.copy(given, "", 0);
    return copier.issue === undefined ? { value } : { issue: copier.issue };
  } catch (error) {
    // A getter or a proxy of the caller's.
    return { issue: manifestIssue("BAD_SYNTAX", "", `the manifest cannot be read: ${describeError(error)}`) };
  }
}

/** Whether `value` is an object of the copy, neither null nor an array. */
export function isPlainObject(value: unknown): value is PlainObject {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === null;
}

class Copier {
  issue: ManifestIssue | undefined;
  #size = 0;

  copy(given: unknown, pointer: string, depth: number): unknown {
    this.#size += PUNCTUATION + (typeof given === "string" ? given.length : 0);
    if (this.#size > MAX_MANIFEST_BYTES) this.issue ??= tooLarge();
    if (this.issue !== undefined || !isContainer(given)) return given;
    if (depth >= MAX_DEPTH) {
      this.issue = manifestIssue("TOO_LARGE", pointer, `expected at most ${MAX_DEPTH} levels of nesting`);
      return undefined;
    }
    return Array.isArray(given)
      ? this.#copyArray(given as unknown[], pointer, depth)
      : this.#copyObject(given, pointer, depth);
  }

  #copyArray(given: readonly unknown[], pointer: string, depth: number): unknown[] {
    const copy: unknown[] = [];
    for (let index = 0; index < given.length && this.issue === undefined; index++) {
      copy.push(this.copy(given[index], pointerTo(pointer, index), depth + 1));
    }
    return copy;
  }

  #copyObject(given: object, pointer: string, depth: number): PlainObject {
    const copy = Object.create(null) as PlainObject;
    for (const name of Object.keys(given)) {
      if (this.issue !== undefined) break;
      const value = (given as PlainObject)[name];
      if (value === undefined) continue;
      this.#size += name.length + PUNCTUATION;
      copy[name] = this.copy(value, pointerTo(pointer, name), depth + 1);
    }
    return copy;
  }
}

/** The fault of a manifest beyond 1 MiB. */
export function tooLarge(): ManifestIssue {
  return manifestIssue("TOO_LARGE", "", `expected a manifest of at most ${MAX_MANIFEST_BYTES} bytes`);
}

/** Arrays and objects that come from a literal, from JSON or from another realm's; no maps, dates or class instances. */
function isContainer(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
