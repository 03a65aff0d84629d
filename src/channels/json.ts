// JSON between programs that do not trust each other: what goes out is checked value by value, what comes in is
// bounded in depth and stripped of `__proto__`. Pure.
import { describeError, TransportError } from "../errors/errors.ts";
import type { JsonValue } from "../runtime/data.ts";

/** Arrays and objects inside each other, both ways. Far above real documents, far below any call stack. */
export const MAX_JSON_DEPTH = 128;

/** Values in an outbound document: shared references can unfold without end. Fills 16 MiB at 8 bytes a value. */
const MAX_JSON_VALUES = 2 * 1024 * 1024;

/**
 * The JSON text of `value`.
 *
 * @param name what the value is called in error messages, e.g. `payload`
 * @throws TransportError `SERIALIZATION_ERROR` naming the path (`payload.users[3].age`) of what JSON cannot represent:
 *   cycles, BigInt, undefined, functions, symbols, NaN and infinities, and objects other than plain ones and arrays
 */
export function encodeJson(value: unknown, name: string): string {
  try {
    checkJson(value, { name, ancestors: new Set(), path: [], visited: 0 });
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof TransportError) throw error;
    // A getter or a proxy of the caller's threw.
    throw new TransportError("SERIALIZATION_ERROR", `${name} could not be read: ${describeError(error)}`, {
      cause: error,
    });
  }
}

/**
 * Parse JSON text from a peer. Members named `__proto__` are removed, so that copying the value cannot change
 * prototypes. @returns undefined when it is not JSON or nested deeper than {@link MAX_JSON_DEPTH}
 */
export function decodeJson(text: string): { value: JsonValue } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // not JSON: the caller counts it
  }
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    const next: unknown[] = [];
    for (const item of level) {
      if (typeof item !== "object" || item === null) continue;
      if (depth === MAX_JSON_DEPTH) return undefined;
      if (Object.hasOwn(item, "__proto__")) Reflect.deleteProperty(item, "__proto__");
      for (const child of Object.values(item)) if (typeof child === "object") next.push(child);
    }
    level = next;
  }
  return { value: value as JsonValue };
}

interface Walk {
  readonly name: string;
  readonly ancestors: Set<object>;
  readonly path: (string | number)[];
  visited: number;
}

function checkJson(value: unknown, walk: Walk): void {
  if (++walk.visited > MAX_JSON_VALUES) refuse(walk, `is one of more than ${MAX_JSON_VALUES} values`);
  switch (typeof value) {
    case "string":
    case "boolean":
      return;
    case "number":
      return Number.isFinite(value) ? undefined : refuse(walk, `is ${value}`);
    case "object":
      return value === null ? undefined : checkObject(value, walk);
    default:
      return refuse(walk, value === undefined ? "is undefined" : `is a ${typeof value}`);
  }
}

function checkObject(object: object, walk: Walk): void {
  if (walk.ancestors.has(object)) refuse(walk, "refers back to an object that contains it");
  if (walk.ancestors.size >= MAX_JSON_DEPTH) refuse(walk, `is nested deeper than ${MAX_JSON_DEPTH}`);
  if (!Array.isArray(object) && !isPlain(object))
    refuse(walk, `is a ${className(object)}, not a plain object`);
  walk.ancestors.add(object);
  if (Array.isArray(object)) {
    for (let index = 0; index < object.length; index++) checkMember(index, object[index], walk);
  } else {
    for (const [key, member] of Object.entries(object)) checkMember(key, member, walk);
  }
  walk.ancestors.delete(object);
}

function checkMember(key: string | number, member: unknown, walk: Walk): void {
  walk.path.push(key);
  checkJson(member, walk);
  walk.path.pop();
}

function refuse(walk: Walk, fault: string): never {
  const path = walk.path.reduce<string>((parent, key) => {
    if (typeof key === "number") return `${parent}[${key}]`;
    return /^[A-Za-z_$][\w$]*$/.test(key) ? `${parent}.${key}` : `${parent}[${JSON.stringify(key)}]`;
  }, walk.name);
  throw new TransportError("SERIALIZATION_ERROR", `${path} ${fault}`, { details: { path } });
}

// Also true for plain objects of another realm (a frame, a vm context): their prototype has none either.
function isPlain(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function className(object: object): string {
  const { constructor } = object;
  return typeof constructor === "function" && constructor.name !== "" ? constructor.name : "class instance";
}
