import { describe, expect, it } from "vitest";
import { TransportError } from "../../src/errors/errors.ts";
import { validateManifest } from "../../src/pipeline/validate-manifest.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { codesOf, issuesOf, soundManifest, testRegistry } from "./manifests.ts";

const registry = testRegistry();
const validate = (source: object | string) => validateManifest(source, registry);

function withNode(node: Record<string, unknown>, connections: Record<string, unknown>[] = []): object {
  const manifest = soundManifest();
  manifest.nodes.push(node);
  manifest.connections.push(...connections);
  return manifest;
}

describe("validateManifest", () => {
  it("gives the manifest, its graph, and of every node its factory and complete parameters", () => {
    const { manifest, graph, nodes, warnings } = validate({ ...soundManifest(), docker: {} });
    expect(manifest.nodes.map(({ nodeType }) => nodeType)).toEqual(["Loud", "Any"]);
    expect(manifest.nodes[0]?.params).not.toHaveProperty("rampMs");
    expect(graph.order).toEqual(["gate", "end"]);
    expect([...nodes.keys()]).toEqual(["gate", "end"]);
    const gate = nodes.get("gate");
    expect(gate?.factory).toBe(registry.get("Loud"));
    expect(gate?.node).toBe(manifest.nodes[0]);
    expect(gate?.params).toMatchObject({ targetRate: 48000, gainDb: -6, rampMs: 10, mode: "soft" });
    expect(warnings).toEqual(['the manifest has members that mean nothing here: "docker"']);
  });

  it("knows types by alias and with Node behind them", () => {
    const given = withNode({ id: "c", node_type: "OldLoud", params: { target_rate: 8000 } });
    expect(validate(given).nodes.get("c")?.factory.type).toBe("Loud");
    expect(validate(withNode({ id: "c", node_type: "AnyNode" })).nodes.get("c")?.factory.type).toBe("Any");
  });

  it("tells of types that are not registered, and which there are", () => {
    expect(issuesOf(() => validate(withNode({ id: "c", node_type: "Lowd" })))).toEqual([
      {
        code: "UNKNOWN_NODE_TYPE",
        nodeId: "c",
        nodeType: "Lowd",
        pointer: "/nodes/2/node_type",
        message: '"Lowd" is no node type; did you mean Loud?',
      },
    ]);
    expect(issuesOf(() => validate(withNode({ id: "c", nodeType: "Blur" })))[0]).toMatchObject({
      pointer: "/nodes/2/nodeType",
      message: '"Blur" is no node type; there are Loud, Any, Words',
    });
  });

  it("points to parameters in the spelling they were given in", () => {
    const node = {
      id: "c",
      nodeType: "Loud",
      params: { target_rate: 8000, gain_db: 99, rampMs: -1, gian: 1 },
    };
    expect(codesOf(() => validate(withNode(node)))).toEqual([
      "BAD_PARAM /nodes/2/params/gain_db",
      "BAD_PARAM /nodes/2/params/rampMs",
      "UNKNOWN_PARAM /nodes/2/params/gian",
    ]);
  });

  it("tells of a parameter that is no JSON once", () => {
    const node = { id: "c", nodeType: "Loud", params: { target_rate: 8000, gain_db: NaN } };
    expect(codesOf(() => validate(withNode(node)))).toEqual(["BAD_PARAM /nodes/2/params/gain_db"]);
  });

  it("tells of nodes that take nothing of what comes to them", () => {
    const given = withNode({ id: "words", node_type: "Words" }, [
      { from: "gate", to: "words" },
      { from: "words", to: "end" },
    ]);
    expect(issuesOf(() => validate(given))).toEqual([
      {
        code: "KIND_MISMATCH",
        nodeId: "words",
        nodeType: "Words",
        pointer: "/connections/1",
        message: "gate (Loud) emits audio, words (Words) accepts text",
      },
    ]);
  });

  it("tells every fault at once, from syntax of ids to parameters", () => {
    const given = {
      version: "v3",
      metadata: {},
      nodes: [
        { id: "a", node_type: "Loud", params: { target_rate: 1 } },
        { id: "b", node_type: "Nothing" },
        { id: "b", node_type: "Words", params: { colour: "red" } },
        { id: "c d", node_type: "Any" },
        { id: "e", node_type: "Any", execution: { max_retries: 99 } },
        { id: "w", node_type: "Words" },
      ],
      connections: [
        { from: "a", to: "w" },
        { from: "a", to: "a" },
        { from: "e", to: "x" },
        { from: "e", to: "w" },
        { from: "w", to: "e" },
        { from: "e", to: "w" },
      ],
    };
    expect(codesOf(() => validate(given)).sort()).toEqual([
      "BAD_ID /nodes/3/id",
      "BAD_MEMBER /metadata/name",
      "BAD_MEMBER /nodes/4/execution/max_retries",
      "BAD_PARAM /nodes/0/params/target_rate",
      "BAD_VERSION /version",
      "CYCLE /connections/3",
      "DUPLICATE_CONNECTION /connections/5",
      "DUPLICATE_ID /nodes/2/id",
      "KIND_MISMATCH /connections/0",
      "SELF_LOOP /connections/1",
      "UNKNOWN_ENDPOINT /connections/2/to",
      "UNKNOWN_NODE_TYPE /nodes/1/node_type",
      "UNKNOWN_PARAM /nodes/2/params/colour",
    ]);
  });

  it("tells the same of YAML and of JSON", () => {
    const yaml =
      "version: v1\nmetadata: {name: n}\nnodes:\n  - id: a\n    node_type: Loud\n    params: {gain_db: .nan, ramp: 1}";
    expect(codesOf(() => validate(yaml))).toEqual([
      "BAD_PARAM /nodes/0/params/gain_db",
      "UNKNOWN_PARAM /nodes/0/params/ramp",
      "BAD_PARAM /nodes/0/params/target_rate",
    ]);
  });
});

describe("manifests gone wrong", () => {
  const SEED = 20_24;
  const VALUES = [
    null,
    undefined,
    0,
    -1,
    1e300,
    NaN,
    "",
    "v1",
    "gate",
    [],
    {},
    [[]],
    true,
    "__proto__",
    "a".repeat(99),
    () => 1,
    Symbol("s"),
    1n,
  ];

  /** Validate; anything but success or INVALID_MANIFEST with well-formed faults fails the test. */
  function attempt(source: object | string): boolean {
    try {
      const { manifest } = validate(source);
      expect(validate(manifest).manifest).toStrictEqual(manifest);
      return true;
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      expect(error.code).toBe("INVALID_MANIFEST");
      const issues = error.details?.issues as unknown as { pointer: string; message: string }[];
      expect(issues.length).toBeGreaterThan(0);
      for (const { pointer, message } of issues) {
        expect(pointer).toMatch(/^(\/.*)?$/s);
        expect(message.length).toBeGreaterThan(0);
      }
      expect(() => JSON.stringify(error.toJSON())).not.toThrow();
      return false;
    }
  }

  it(`are refused in words, never otherwise: values changed (seed ${SEED})`, () => {
    const random = new SeededRandom(SEED);
    let accepted = 0;
    for (let round = 0; round < 250; round++) {
      const manifest = soundManifest();
      for (let change = random.integer(1, 3); change > 0; change--) mutate(manifest, random);
      if (attempt(manifest)) accepted++;
    }
    // Both outcomes come about, or the test says nothing.
    expect(accepted).toBeGreaterThan(10);
    expect(accepted).toBeLessThan(230);
  });

  it(`are refused in words, never otherwise: text changed (seed ${SEED})`, () => {
    const random = new SeededRandom(SEED);
    const pieces = [..."{}[]:,\"'\n -*&!|>%@`#?~", "<<: *a", "&a ", "!!binary ", "---\n", "\u0000", "\uD800"];
    const texts = [
      JSON.stringify(soundManifest()),
      JSON.stringify(soundManifest(), null, 2).replaceAll(/["{},]/g, ""),
    ];
    for (let round = 0; round < 100; round++) {
      let text = texts[round % 2] ?? "";
      for (let change = random.integer(1, 4); change > 0; change--) {
        const at = random.integer(0, text.length);
        const piece = pieces[random.integer(0, pieces.length - 1)] ?? "";
        text = text.slice(0, at) + piece + text.slice(at + random.integer(0, 3));
      }
      attempt(text);
    }
  });

  /** Change, remove or add one member, at any depth. */
  function mutate(root: object, random: SeededRandom): void {
    let target = root as Record<string, unknown>;
    for (;;) {
      const names = Object.keys(target);
      const name = names[random.integer(0, names.length - 1)] ?? "extra";
      const inner = target[name];
      if (
        typeof inner === "object" &&
        inner !== null &&
        Object.keys(inner).length > 0 &&
        random.chance(0.8)
      ) {
        target = inner as Record<string, unknown>;
        continue;
      }
      const value = VALUES[random.integer(0, VALUES.length - 1)];
      if (random.chance(0.2)) Reflect.deleteProperty(target, name);
      else if (random.chance(0.2)) target[`${name}_x`] = value;
      else target[name] = random.chance(0.2) ? root : value;
      return;
    }
  }
});
