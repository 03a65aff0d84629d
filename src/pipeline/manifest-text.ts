// The text of a manifest, JSON or YAML 1.2, as a value. Pure; the only file that knows the YAML library.
import { Lexer, LineCounter, isScalar, parseDocument, visit } from "yaml";
import type { Document, Range } from "yaml";
import { describeError } from "../errors/errors.ts";
import { inWords, manifestIssue } from "./manifest-issues.ts";
import type { ManifestIssue } from "./manifest.ts";
import { MAX_MANIFEST_BYTES } from "./manifest-limits.ts";
import { tooLarge } from "./plain-data.ts";

/** Repetitions of anchored values; a document that needs more of them is made to blow up in memory. */
const MAX_ALIASES = 100;
/** The YAML parser calls itself for each of them and would run out of stack. */
const MAX_OPEN_BRACKETS = 256;
/** The largest manifest has about 40 thousand; the parser takes up to 30 us for one that is wrong. */
const MAX_TOKENS = 100_000;
/** Faults of one text; where there are more, it is none. */
const MAX_FAULTS = 20;
/** What an engine says where a program calls itself too often. */
const STACK_OVERFLOW = /call stack|recursion/i;

/** What a text holds, with its faults. */
export interface ParsedText {
  /** Undefined when there are faults. */
  readonly value?: unknown;
  readonly issues: readonly ManifestIssue[];
}

/**
 * Read JSON or YAML. Names that stand twice in an object, tags beyond those of the core schema, and more than one
 * document are faults; so are texts beyond 1 MiB.
 */
export function parseManifestText(text: string): ParsedText {
  if (isTooLong(text)) return { issues: [tooLarge()] };
  if (text.trim() === "") return { issues: [badSyntax("expected a manifest, not an empty text")] };
  const json = parseJson(text);
  return json ?? parseYaml(text);
}

function isTooLong(text: string): boolean {
  // A UTF-16 unit takes one to three bytes.
  if (text.length * 3 <= MAX_MANIFEST_BYTES) return false;
  return text.length > MAX_MANIFEST_BYTES || new TextEncoder().encode(text).length > MAX_MANIFEST_BYTES;
}

/** Undefined when the text is no JSON. */
function parseJson(text: string): ParsedText | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // YAML may still read it, and tells the line of a fault
  }
  const twice = repeatedName(text);
  if (twice === undefined) return { value, issues: [] };
  return { issues: [badSyntax(`${place(linesBefore(text, twice.at))}: ${repeated(twice.name)}`)] };
}

/** The first name that stands twice in one object of a text that is JSON; a parser would keep the last. */
function repeatedName(text: string): { name: string; at: number } | undefined {
  const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[{}]/g;
  const objects: Set<string>[] = [];
  for (let match = tokens.exec(text); match !== null; match = tokens.exec(text)) {
    const [token, colon] = match;
    if (token === "{") objects.push(new Set());
    else if (token === "}") objects.pop();
    else if (colon !== undefined) {
      const name = JSON.parse(token.slice(0, -colon.length)) as string;
      const names = objects.at(-1);
      if (names?.has(name) === true) return { name, at: match.index };
      names?.add(name);
    }
  }
  return undefined;
}

function parseYaml(text: string): ParsedText {
  const excess = tooMuch(text);
  if (excess !== undefined) return { issues: [manifestIssue("TOO_LARGE", "", excess)] };
  const lineCounter = new LineCounter();
  try {
    const document = parseDocument(text, {
      lineCounter,
      version: "1.2",
      schema: "core",
      merge: false,
      resolveKnownTags: false,
      // Compares each name with each: a text of one long object would take hours.
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: "error",
    });
    const at = (offset: number | undefined): string => place(lineCounter.linePos(offset ?? 0));
    const faults = [...document.errors, ...document.warnings].slice(0, MAX_FAULTS);
    const issues = faults.map(({ code, message, pos }) =>
      badSyntax(`${at(pos[0])}: ${SAID_BETTER[code] ?? inPlainWords(message)}`),
    );
    if (issues.length === 0) issues.push(...nameFaults(document, at));
    if (issues.length > 0) return { issues };
    return { value: document.toJS({ maxAliasCount: MAX_ALIASES }), issues };
  } catch (error) {
    // Aliases without an anchor or without an end.
    return { issues: [badSyntax(inPlainWords(describeError(error)))] };
  }
}

function inPlainWords(message: string): string {
  return STACK_OVERFLOW.test(message) ? "it is nested too deeply" : message;
}

/** Faults that the library explains in words of its own calls. */
const SAID_BETTER: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: "expected one document, not several",
  TAG_RESOLVE_FAILED: "tags are not allowed here, except those of YAML's core schema such as !!str",
};

/** Names that are no text, that stand twice, or that ask for YAML 1.1's merging. */
function nameFaults(document: Document, at: (offset: number | undefined) => string): ManifestIssue[] {
  const issues: ManifestIssue[] = [];
  visit(document, {
    Map: (_, { items }) => {
      const names = new Set<string>();
      for (const { key } of items) {
        const fault = nameFault(key, names);
        const range = (key as { range?: Range | null } | null)?.range;
        if (fault !== undefined) issues.push(badSyntax(`${at(range?.[0])}: ${fault}`));
      }
    },
  });
  return issues;
}

/** @param names those before it in the object; gets this one too */
function nameFault(key: unknown, names: Set<string>): string | undefined {
  const name: unknown = isScalar(key) ? key.value : key;
  if (name === "<<") return "merging with << is not part of YAML 1.2; write the members out";
  if (typeof name === "string" || typeof name === "number" || typeof name === "boolean") {
    const text = String(name);
    if (names.has(text)) return repeated(text);
    names.add(text);
    return undefined;
  }
  return "expected a name, not null, an alias, an array or an object";
}

/** Why a text is not worth the work of reading it, before that work is done. */
function tooMuch(text: string): string | undefined {
  let count = 0;
  let open = 0;
  for (const token of new Lexer().lex(text)) {
    if (token === "[" || token === "{") open++;
    else if (token === "]" || token === "}") open--;
    if (open > MAX_OPEN_BRACKETS) return `expected at most ${MAX_OPEN_BRACKETS} brackets that are open`;
    if (++count > MAX_TOKENS)
      return `expected at most ${MAX_TOKENS} words and signs of YAML; write it as JSON`;
  }
  return undefined;
}

function repeated(name: string): string {
  return `the name ${inWords(name)} stands twice in one object`;
}

function place({ line, col }: { line: number; col: number }): string {
  return `line ${line}, column ${col}`;
}

function linesBefore(text: string, at: number): { line: number; col: number } {
  const before = text.slice(0, at).split("\n");
  return { line: before.length, col: (before.at(-1)?.length ?? 0) + 1 };
}

function badSyntax(message: string): ManifestIssue {
  return manifestIssue("BAD_SYNTAX", "", `cannot be read as JSON or YAML: ${message}`);
}
