// Schemas that config, channels and signaling share: objects whose faults speak in the words of their members, and
// whole numbers. Pure; nothing here knows a message or an option.
import * as v from "valibot";

/** Whether `value` is an object with members: neither null nor an array. */
export function isMembers(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A whole number that a double holds exactly, either sign; anything else is one fault with `message`. */
export const wholeNumber = (message: string) => v.custom<number>(Number.isSafeInteger, message);

/** An object with these members; further ones are dropped. A missing member is the fault its own schema makes of it. */
export function members<const Entries extends v.ObjectEntries>(entries: Entries) {
  return v.pipe(anyMembers, v.object(entries, missing(entries)));
}

/** As {@link members}; each further member is a fault `unknown option`. */
export function onlyMembers<const Entries extends v.ObjectEntries>(entries: Entries) {
  return v.pipe(anyMembers, v.objectWithRest(entries, v.never("unknown option"), missing(entries)));
}

/** Where a fault is: names and indices with dots, empty for the value itself. */
export function faultPath(issue: v.BaseIssue<unknown>): string {
  return (issue.path ?? []).map(({ key }) => String(key)).join(".");
}

const anyMembers = v.custom<Record<string, unknown>>(isMembers, "expected an object");

// The object schema itself notices a missing member, in words that say "key"; the member's schema says what it wants.
function missing(entries: v.ObjectEntries) {
  return (issue: v.BaseIssue<unknown>): string => {
    const entry = entries[String(issue.path?.[0]?.key)];
    const faults = entry === undefined ? undefined : v.safeParse(entry, undefined).issues;
    return faults?.[0].message ?? "expected an object";
  };
}
