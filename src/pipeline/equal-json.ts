// Whether two JSON values say the same. Pure.
import type { JsonValue } from "../runtime/data.ts";

/** Equal in depth; the order of an object's members means nothing. */
export function isEqualJson(a: JsonValue, b: JsonValue): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((value, index) => isEqualJson(value, b[index] as JsonValue));
  }
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every(
    (name) => Object.hasOwn(b, name) && isEqualJson(a[name] as JsonValue, b[name] as JsonValue),
  );
}
