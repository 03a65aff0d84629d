import { describe, expect, it } from "vitest";
import { parseManifestText } from "../../src/pipeline/manifest-text.ts";
import { parseManifest } from "../../src/pipeline/parse-manifest.ts";
import { codesOf, issuesOf, soundManifest } from "./manifests.ts";

const YAML = `
# The same as the JSON one.
version: v1
metadata: { name: conference, description: Two nodes, created_at: "2024-05-01", auto_negotiate: true }
nodes:
  - id: gate
    node_type: Loud
    params:
      target_rate: 48000
      gain_db: -6
      extra: { inner_name: [1, ~, x] }
    is_streaming: true
    is_output_node: true
    execution:
      timeout_ms: 500
      max_retries: 3
  - id: end
    node_type: Any
connections:
  - from: gate
    to: end
`;

const messages = (text: string) => parseManifestText(text).issues.map(({ message }) => message);
/** Everything is read as YAML that is not JSON. */
const value = (text: string) => parseManifestText(text).value;

describe("the text of a manifest", () => {
  it("gives the same from JSON and from YAML", () => {
    expect(parseManifest(YAML)).toStrictEqual(parseManifest(JSON.stringify(soundManifest(), null, 2)));
  });

  it("may begin with a byte order mark", () => {
    expect(parseManifest(`\uFEFF${YAML}`).nodes).toHaveLength(2);
    expect(parseManifest(`\uFEFF${JSON.stringify(soundManifest())}`).nodes).toHaveLength(2);
  });

  it("finds the same faults in JSON and in YAML", () => {
    const given = { ...soundManifest(), version: 1, connections: [{ from: "gate", to: "nobody" }] };
    const yaml = YAML.replace("version: v1", "version: 1").replace("to: end", "to: nobody");
    const issues = issuesOf(() => parseManifest(yaml));
    expect(issues).toEqual(issuesOf(() => parseManifest(JSON.stringify(given))));
    expect(issues.map(({ code }) => code)).toEqual(["BAD_VERSION", "UNKNOWN_ENDPOINT"]);
  });

  it("tells line and column of what is neither JSON nor YAML", () => {
    const before = "cannot be read as JSON or YAML: ";
    expect(messages("version: v1\nnodes: [a, b\n")).toEqual([
      `${before}line 3, column 1: Flow sequence in block collection must be sufficiently indented and end with a ]`,
    ]);
    expect(messages('{"version": "v1",\n "nodes": [}')[0]).toMatch(/^cannot be .* line 2, column 12: /);
  });

  it("takes no name that stands twice in an object, in JSON as in YAML", () => {
    const json =
      '{"nodes": [{"id": "a", "x}y\\"": {"id": 1}, "nodes": "nodes"},\n {"id": "b", "\\u0069d": "c"}]}';
    expect(messages(json)).toEqual([
      'cannot be read as JSON or YAML: line 2, column 14: the name "id" stands twice in one object',
    ]);
    expect(messages("a: 1\nb:\n  a: 1\n  c: 2\n  c: 3")).toEqual([
      'cannot be read as JSON or YAML: line 5, column 3: the name "c" stands twice in one object',
    ]);
  });

  it("reads YAML 1.2: yes is a text, true is true, and anchors may be used again", () => {
    expect(value("a: yes\nb: true\nc: &x [1]\nd: *x\n2: e")).toEqual({
      2: "e",
      a: "yes",
      b: true,
      c: [1],
      d: [1],
    });
    expect(value("%YAML 1.1\n---\na: yes\nb: 2001-01-01")).toEqual({ a: "yes", b: "2001-01-01" });
  });

  it("takes no tags beyond the core schema, no merging, no names but texts, and one document", () => {
    for (const tag of ["!run", "!!binary", "!!timestamp", "!!set", "!!js/function", "tag:x,2000:y"]) {
      expect(messages(`a: ${tag.startsWith("!") ? tag : `!<${tag}>`} "2001-01-01"`)[0]).toContain(
        "tags are not allowed",
      );
    }
    expect(value("a: !!str 5")).toEqual({ a: "5" });
    expect(messages("a: &x {b: 1}\nc:\n  <<: *x")[0]).toContain("line 3, column 3: merging with <<");
    expect(messages("? [1]\n: 2")[0]).toContain("expected a name");
    expect(messages("~: 2")[0]).toContain("expected a name");
    expect(messages("a: 1\n---\nb: 2\n")[0]).toContain("expected one document");
  });

  it("refuses aliases that lead nowhere or that multiply", () => {
    const bomb = ["a: &a [x,x,x,x,x,x,x,x,x]"];
    for (const [index, name] of [..."bcdefghij"].entries()) {
      bomb.push(`${name}: &${name} [${Array<string>(9).fill(`*${"abcdefghi"[index]}`).join(",")}]`);
    }
    expect(messages(bomb.join("\n"))[0]).toContain("Excessive alias count");
    expect(messages("a: *nowhere")[0]).toContain("nowhere");
    expect(issuesOf(() => parseManifest("&a [*a]"))[0]?.code).toMatch(/BAD_SYNTAX|TOO_LARGE/);
  });

  it("takes no name for a prototype", () => {
    expect(codesOf(() => parseManifest("__proto__: {version: v1}\nmetadata: {name: n}\nnodes: []"))).toEqual([
      ...["BAD_VERSION /version", "NO_NODES /nodes"],
    ]);
  });
});

describe("hostile text", () => {
  const LENGTH = 1 << 18;
  const fill = (piece: string) => piece.repeat(Math.floor(LENGTH / piece.length));
  const cases: [string, string, RegExp][] = [
    ["brackets", fill("["), /brackets that are open/],
    ["JSON brackets", `${"[".repeat(LENGTH / 2)}${"]".repeat(LENGTH / 2)}`, /levels of nesting/],
    ["closing brackets", fill("]"), /words and signs/],
    ["lists in lists", "- ".repeat(20_000), /nested too deeply|words and signs/],
    ["commas", `{${fill(",")}`.slice(0, LENGTH), /words and signs/],
    ["tags", fill("!a "), /words and signs/],
    ["directives", fill("%a\n"), /words and signs/],
    ["documents", fill("---\n"), /words and signs/],
    ["a thousand faults", "[{a: [,".repeat(60), /cannot be read/],
    ["a quote without end", fill("'"), /expected an object/],
  ];

  it.each(cases)("of %s is refused", (_, text, expected) => {
    const issues = issuesOf(() => parseManifest(text));
    expect(issues[0]?.message).toMatch(expected);
    expect(issues.length).toBeLessThanOrEqual(20);
  });
});
