// Whether what a program registers is a factory of nodes, told by member. Pure; nothing is created.
import type { JsonValue } from "../runtime/data.ts";
import { isMembers } from "../runtime/schema.ts";
import { clip } from "./manifest-issues.ts";
import { camelCase } from "./names.ts";
import { KINDS } from "./node.ts";
import { valueFault } from "./value-check.ts";
import type { Schema } from "./schema-words.ts";

/** A member of a factory that is not what it should be. */
export type FactoryIssue = {
  /** e.g. `schema.properties.gainDb.default`; empty for the factory itself. */
  path: string;
  message: string;
};

const TYPE_NAME = /^[A-Za-z][A-Za-z0-9_.:/-]{0,63}$/;
const A_TYPE_NAME = "expected a name: a letter, then up to 63 letters, digits, '_', '.', ':', '/' or '-'";
const PARAM_NAME = /^[a-z][A-Za-z0-9]*$/;
const PARAM_TYPES = ["number", "integer", "string", "boolean", "array", "object"];
/** A schema that cannot be applied shows it with one of them. */
const SAMPLES: readonly JsonValue[] = [0, "", true, [0], { a: 0 }];

/** Every fault of a factory; none when it can be registered. */
export function factoryIssues(factory: unknown): FactoryIssue[] {
  if (!isMembers(factory)) return [{ path: "", message: "expected a NodeFactory" }];
  const issues: FactoryIssue[] = [];
  const expect = (path: string, holds: boolean, message: string): void => {
    if (!holds) issues.push({ path, message });
  };
  const { type, aliases, description, schema, accepts, emits, needs, check, create, thread, module } =
    factory;
  expect("type", isTypeName(type), A_TYPE_NAME);
  expect("aliases", aliases === undefined || isListOf(aliases, isTypeName), `expected an array of names`);
  expect("description", isText(description), "expected a sentence for the documentation");
  expect(
    "accepts",
    isListOf(accepts, isKind) && accepts.length > 0,
    `expected one or more of ${KINDS.join(", ")}`,
  );
  expect("emits", isListOf(emits, isKind), `expected an array of ${KINDS.join(", ")}`);
  expect("needs", isOptionalFunction(needs), "expected a function");
  expect("check", isOptionalFunction(check), "expected a function");
  expect("create", typeof create === "function", "expected a function that makes a node");
  expect("thread", thread === undefined || thread === "worker", 'expected "worker" or nothing');
  expect("module", module === undefined || isAddress(module), "expected an absolute URL");
  return [...issues, ...schemaIssues(schema)];
}

function schemaIssues(schema: unknown): FactoryIssue[] {
  if (!isMembers(schema) || schema.type !== "object" || !isMembers(schema.properties)) {
    return [{ path: "schema", message: 'expected {type: "object", properties}' }];
  }
  const { properties, required = [] } = schema;
  const issues = Object.entries(properties).flatMap(([name, property]) => propertyIssues(name, property));
  if (!isListOf(required, (name) => typeof name === "string" && Object.hasOwn(properties, name))) {
    issues.push({ path: "schema.required", message: "expected names of properties" });
  }
  return issues;
}

function propertyIssues(name: string, property: unknown): FactoryIssue[] {
  const path = `schema.properties.${clip(name)}`;
  if (!PARAM_NAME.test(name) || camelCase(name) !== name) {
    return [{ path, message: "expected a name in camelCase; manifests may write it in snake_case" }];
  }
  if (!isMembers(property)) return [{ path, message: "expected a JSON Schema with a description" }];
  const issues: FactoryIssue[] = [];
  if (!isText(property.description)) {
    issues.push({ path: `${path}.description`, message: "expected a sentence for the documentation" });
  }
  if (property.type !== undefined && !(PARAM_TYPES as readonly unknown[]).includes(property.type)) {
    return [...issues, { path: `${path}.type`, message: `expected one of ${PARAM_TYPES.join(", ")}` }];
  }
  const broken = SAMPLES.map((sample) => valueFault(sample, property)?.message).find(isUncheckable);
  if (broken !== undefined)
    return [...issues, { path, message: `expected a sound JSON Schema: a value ${broken}` }];
  return [...issues, ...defaultIssues(path, property)];
}

function defaultIssues(path: string, property: Schema): FactoryIssue[] {
  if (property.default === undefined) return [];
  const fault = valueFault(property.default as JsonValue, property);
  return fault === undefined ? [] : [{ path: `${path}.default`, message: fault.message }];
}

function isUncheckable(message: string | undefined): boolean {
  return message?.startsWith("cannot be checked") === true;
}

function isTypeName(value: unknown): boolean {
  return typeof value === "string" && TYPE_NAME.test(value);
}

function isKind(value: unknown): boolean {
  return (KINDS as readonly unknown[]).includes(value);
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value.trim() !== "";
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): value is readonly unknown[] {
  return Array.isArray(value) && value.every(isItem);
}

function isOptionalFunction(value: unknown): boolean {
  return value === undefined || typeof value === "function";
}

function isAddress(value: unknown): boolean {
  return typeof value === "string" && /^[a-z][a-z0-9+.-]*:/i.test(value);
}
