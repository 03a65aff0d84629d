import { describe, expect, it } from "vitest";
import { parseManifest, readManifest } from "../../src/pipeline/parse-manifest.ts";
import { codesOf, issuesOf, soundManifest, thrownBy } from "./manifests.ts";

const SOUND = {
  version: "v1",
  metadata: { name: "conference", description: "Two nodes", createdAt: "2024-05-01", autoNegotiate: true },
  nodes: [
    {
      id: "gate",
      nodeType: "Loud",
      params: { targetRate: 48000, gainDb: -6, extra: { inner_name: [1, null, "x"] } },
      isStreaming: true,
      isOutputNode: true,
      execution: { timeoutMs: 500, maxRetries: 3 },
    },
    {
      id: "end",
      nodeType: "Any",
      params: {},
      isStreaming: false,
      isOutputNode: false,
      execution: { timeoutMs: 30_000, maxRetries: 0 },
    },
  ],
  connections: [{ from: "gate", to: "end" }],
};

/** A sound manifest with `change` made to it. */
function changed(change: (manifest: ReturnType<typeof soundManifest>) => void): object {
  const manifest = soundManifest();
  change(manifest);
  return manifest;
}

describe("parseManifest", () => {
  it("gives camelCase with every default, and leaves names within parameter values alone", () => {
    expect(parseManifest(soundManifest())).toStrictEqual(SOUND);
  });

  it("reads the same from an object and from JSON text", () => {
    expect(parseManifest(JSON.stringify(soundManifest()))).toStrictEqual(SOUND);
  });

  it("takes camelCase too, and its own result unchanged", () => {
    expect(parseManifest(SOUND)).toStrictEqual(SOUND);
    expect(parseManifest(parseManifest(soundManifest()))).toStrictEqual(SOUND);
  });

  it("keeps nothing of what was given", () => {
    const given = soundManifest();
    const parsed = parseManifest(given);
    Object.assign(given.nodes[0]?.params as object, { target_rate: 1 });
    expect(parsed).toStrictEqual(SOUND);
  });

  it("takes null, and members that are undefined, for optional members that are left out", () => {
    const nulls = { params: null, is_streaming: null, is_output_node: undefined, execution: null };
    const given = {
      version: "v1",
      metadata: { name: "n", description: null, created_at: undefined, auto_negotiate: null },
      nodes: [{ id: "a", node_type: "Any", ...nulls }],
      connections: null,
    };
    expect(parseManifest(given)).toStrictEqual({
      version: "v1",
      metadata: { name: "n", autoNegotiate: false },
      nodes: [{ ...SOUND.nodes[1], id: "a" }],
      connections: [],
    });
  });

  it("warns of members that mean nothing, with the name they were meant to be, and goes on", () => {
    const { manifest, warnings } = readManifest(
      changed((given) => {
        Object.assign(given, { docker: {}, host: 1, conections: [] });
        Object.assign(given.nodes[1] ?? {}, { capabilities: null, a: 1, b: 1, c: 1, d: 1, e: 1 });
      }),
    );
    expect(manifest).toStrictEqual(SOUND);
    expect(warnings).toEqual([
      'the manifest has members that mean nothing here: "docker", "host", "conections"; did you mean connections?',
      '/nodes/1 has members that mean nothing here: "capabilities", "a", "b", "c", "d", 1 more',
    ]);
  });
});

describe("faults of shape", () => {
  const cases: [string, unknown, string[]][] = [
    ["no object", 5, ["BAD_MEMBER "]],
    ["nothing", undefined, ["BAD_MEMBER "]],
    ["an array", [], ["BAD_MEMBER "]],
    ["a date", new Map(), ["BAD_MEMBER "]],
    ["an empty object", {}, ["BAD_VERSION /version", "BAD_MEMBER /metadata", "NO_NODES /nodes"]],
    ["an empty text", " \n", ["BAD_SYNTAX "]],
    ["another version", changed((m) => (m.version = "v2")), ["BAD_VERSION /version"]],
    ["no name", changed((m) => (m.metadata.name = "")), ["BAD_MEMBER /metadata/name"]],
    [
      "a name that is a number",
      changed((m) => Object.assign(m.metadata, { name: 1 })),
      ["BAD_MEMBER /metadata/name"],
    ],
    ["metadata that are text", changed((m) => Object.assign(m, { metadata: "n" })), ["BAD_MEMBER /metadata"]],
    [
      "wrong metadata",
      changed((m) => Object.assign(m.metadata, { description: 1, created_at: {}, auto_negotiate: "yes" })),
      [
        "BAD_MEMBER /metadata/description",
        "BAD_MEMBER /metadata/created_at",
        "BAD_MEMBER /metadata/auto_negotiate",
      ],
    ],
    ["nodes that are none", changed((m) => Object.assign(m, { nodes: {} })), ["BAD_MEMBER /nodes"]],
    ["no nodes", changed((m) => Object.assign(m, { nodes: [], connections: [] })), ["NO_NODES /nodes"]],
    ["a node that is null", changed((m) => m.nodes.push(null as never)), ["BAD_MEMBER /nodes/2"]],
    ["no id", changed((m) => m.nodes.push({ node_type: "Any" })), ["BAD_ID /nodes/2/id"]],
    ["a bad id", changed((m) => m.nodes.push({ id: "a b", node_type: "Any" })), ["BAD_ID /nodes/2/id"]],
    [
      "a long id",
      changed((m) => m.nodes.push({ id: "a".repeat(65), node_type: "Any" })),
      ["BAD_ID /nodes/2/id"],
    ],
    [
      "an id twice",
      changed((m) => m.nodes.push({ id: "end", node_type: "Any" })),
      ["DUPLICATE_ID /nodes/2/id"],
    ],
    ["no type", changed((m) => m.nodes.push({ id: "c" })), ["BAD_MEMBER /nodes/2/node_type"]],
    [
      "a type that is none",
      changed((m) => m.nodes.push({ id: "c", nodeType: 4 })),
      ["BAD_MEMBER /nodes/2/nodeType"],
    ],
    [
      "params that are none",
      changed((m) => Object.assign(m.nodes[1] ?? {}, { params: [] })),
      ["BAD_MEMBER /nodes/1/params"],
    ],
    [
      "wrong members of a node",
      changed((m) => Object.assign(m.nodes[1] ?? {}, { isStreaming: 1, is_output_node: "no", execution: 3 })),
      [
        "BAD_MEMBER /nodes/1/isStreaming",
        "BAD_MEMBER /nodes/1/is_output_node",
        "BAD_MEMBER /nodes/1/execution",
      ],
    ],
    [
      "an execution out of range",
      changed((m) => Object.assign(m.nodes[1] ?? {}, { execution: { timeoutMs: 0, max_retries: 11 } })),
      ["BAD_MEMBER /nodes/1/execution/timeoutMs", "BAD_MEMBER /nodes/1/execution/max_retries"],
    ],
    [
      "connections that are none",
      changed((m) => Object.assign(m, { connections: {} })),
      ["BAD_MEMBER /connections"],
    ],
    [
      "a connection that is text",
      changed((m) => m.connections.push("a->b" as never)),
      ["BAD_MEMBER /connections/1"],
    ],
    [
      "a connection without ends",
      changed((m) => m.connections.push({ from: 1 })),
      ["BAD_MEMBER /connections/1/from", "BAD_MEMBER /connections/1/to"],
    ],
    [
      "an end that is no node",
      changed((m) => m.connections.push({ from: "gat", to: "end" })),
      ["UNKNOWN_ENDPOINT /connections/1/from"],
    ],
    [
      "a node connected with itself",
      changed((m) => m.connections.push({ from: "end", to: "end" })),
      ["SELF_LOOP /connections/1"],
    ],
    [
      "a connection twice",
      changed((m) => m.connections.push({ from: "gate", to: "end" })),
      ["DUPLICATE_CONNECTION /connections/1"],
    ],
    ["a circle", changed((m) => m.connections.push({ from: "end", to: "gate" })), ["CYCLE /connections/1"]],
    [
      "both spellings of a member",
      changed((m) => Object.assign(m.nodes[1] ?? {}, { nodeType: "Any" })),
      ["BAD_MEMBER /nodes/1/nodeType"],
    ],
    [
      "both spellings of a parameter",
      changed((m) => Object.assign(m.nodes[1] ?? {}, { params: { a_b: 1, aB: 1 } })),
      ["BAD_PARAM /nodes/1/params/aB"],
    ],
    [
      "parameters that are not JSON",
      changed((m) =>
        Object.assign(m.nodes[1] ?? {}, {
          params: { a: NaN, b: [1, Infinity], c: { "d/e~": () => 1 }, f: new Date(0), g: 1n },
        }),
      ),
      [
        "BAD_PARAM /nodes/1/params/a",
        "BAD_PARAM /nodes/1/params/b/1",
        "BAD_PARAM /nodes/1/params/c/d~1e~0",
        "BAD_PARAM /nodes/1/params/f",
        "BAD_PARAM /nodes/1/params/g",
      ],
    ],
  ];

  it.each(cases)("tells of %s", (_, source, expected) => {
    expect(codesOf(() => parseManifest(source as object))).toEqual(expected);
  });

  it("tells all of them at once, each with its node", () => {
    const given = changed((m) => {
      m.version = "v9";
      m.nodes.push({ id: "end", node_type: "Any", execution: { timeout_ms: "long" } });
      m.connections.push({ from: "gate", to: "nobody" });
    });
    expect(issuesOf(() => parseManifest(given))).toEqual([
      { code: "BAD_VERSION", pointer: "/version", message: 'expected "v1", not "v9"' },
      {
        code: "DUPLICATE_ID",
        nodeId: "end",
        pointer: "/nodes/2/id",
        message: '"end" is the id of another node, see /nodes/1/id',
      },
      {
        code: "BAD_MEMBER",
        nodeId: "end",
        nodeType: "Any",
        pointer: "/nodes/2/execution/timeout_ms",
        message: 'expected an integer from 1 to 2147483647, not "long"',
      },
      { code: "UNKNOWN_ENDPOINT", pointer: "/connections/1/to", message: '"nobody" is the id of no node' },
    ]);
  });

  it("shows the way of a circle, shortened when it is long", () => {
    const ring = (size: number) => ({
      ...soundManifest(),
      nodes: Array.from({ length: size }, (_, index) => ({ id: `n${index}`, node_type: "Any" })),
      connections: Array.from({ length: size }, (_, index) => ({
        from: `n${index}`,
        to: `n${(index + 1) % size}`,
      })),
    });
    expect(issuesOf(() => parseManifest(ring(3)))).toEqual([
      { code: "CYCLE", nodeId: "n0", pointer: "/connections/2", message: "a circle: n0 -> n1 -> n2 -> n0" },
    ]);
    expect(issuesOf(() => parseManifest(ring(256)))[0]?.message).toBe(
      "a circle: n0 -> n1 -> n2 -> n3 -> n4 -> n5 -> (245 more) -> n251 -> n252 -> n253 -> n254 -> n255 -> n0",
    );
  });

  it("reads well in the message of the error, for one fault and for many", () => {
    expect(thrownBy(() => parseManifest(changed((m) => (m.version = "v2")))).message).toBe(
      'invalid manifest: /version: expected "v1", not "v2"',
    );
    const many = thrownBy(() => parseManifest({ nodes: [1, 2] }));
    expect(many.message).toBe(
      'invalid manifest, 4 faults: /version: expected "v1", not nothing; /metadata: expected an object, not nothing; ' +
        "/nodes/0: expected an object, not 1; and 1 more in details.issues",
    );
  });

  it("names the node in the error when all faults are its own", () => {
    const given = changed((m) => Object.assign(m.nodes[1] ?? {}, { is_streaming: 1, is_output_node: 2 }));
    expect(thrownBy(() => parseManifest(given)).nodeId).toBe("end");
  });

  it("advises to write a number that stands for an id as text", () => {
    const given = changed((m) => m.nodes.push({ id: 7, node_type: "Any" }));
    expect(issuesOf(() => parseManifest(given))[0]?.message).toContain('write it as text: "7"');
  });
});

describe("limits", () => {
  const nodes = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ id: `n${i}`, node_type: "Any" }));
  const sized = (count: number) => ({ version: "v1", metadata: { name: "n" }, nodes: nodes(count) });

  it("takes 256 nodes and 1024 connections, and not one more of either", () => {
    const connections = nodes(40)
      .flatMap(({ id: from }, index) =>
        nodes(40)
          .slice(index + 1)
          .map(({ id: to }) => ({ from, to })),
      )
      .concat(
        nodes(256)
          .slice(41)
          .flatMap(({ id: to }) => [
            { from: "n0", to },
            { from: "n1", to },
          ]),
      )
      .slice(0, 1025);
    expect(connections).toHaveLength(1025);
    expect(parseManifest({ ...sized(256), connections: connections.slice(1) }).nodes).toHaveLength(256);
    expect(codesOf(() => parseManifest({ ...sized(256), connections }))).toEqual(["TOO_LARGE /connections"]);
    expect(codesOf(() => parseManifest(sized(257)))).toEqual(["TOO_LARGE /nodes"]);
  });

  it("refuses text beyond 1 MiB, in bytes, and objects of that size", () => {
    const fill = (length: number, letter: string) => ({ ...sized(1), note: letter.repeat(length) });
    expect(codesOf(() => parseManifest(JSON.stringify(fill(1 << 20, "x"))))).toEqual(["TOO_LARGE "]);
    expect(codesOf(() => parseManifest(JSON.stringify(fill(600_000, "ä"))))).toEqual(["TOO_LARGE "]);
    expect(codesOf(() => parseManifest(fill(1 << 20, "x")))).toEqual(["TOO_LARGE "]);
    expect(parseManifest(JSON.stringify(fill(1_000_000, "x"))).nodes).toHaveLength(1);
  });

  it("refuses objects without end: circles, values shared a thousandfold, arrays of nothing, deep nesting", () => {
    const circle: Record<string, unknown> = { ...sized(1) };
    circle.self = circle;
    let shared: unknown[] = ["x"];
    for (let level = 0; level < 40; level++) shared = [shared, shared];
    const deep = JSON.parse(`${"[".repeat(5000)}${"]".repeat(5000)}`) as unknown;
    const holes: unknown[] = [];
    holes.length = 1e9;
    for (const note of [circle, shared, deep, holes]) {
      expect(issuesOf(() => parseManifest({ ...sized(1), note }))[0]?.code).toBe("TOO_LARGE");
    }
  });

  it("lists 1000 faults and counts the others", () => {
    const params = Object.fromEntries(Array.from({ length: 1200 }, (_, index) => [`p${index}`, NaN]));
    const error = thrownBy(() =>
      parseManifest({ ...sized(0), nodes: [{ id: "a", node_type: "Any", params }] }),
    );
    expect(error.details?.issues).toHaveLength(1000);
    expect(error.details?.omitted).toBe(200);
    expect(error.message).toContain("invalid manifest, 1200 faults");
  });

  it("takes what cannot be read for a fault", () => {
    const trap = Object.defineProperty({ ...sized(1) }, "metadata", {
      enumerable: true,
      get: () => {
        throw new Error("trap");
      },
    });
    expect(issuesOf(() => parseManifest(trap))[0]?.message).toBe("the manifest cannot be read: trap");
  });
});

describe("other shapes of manifest", () => {
  it("says how to write version 1 instead of pipeline.nodes[].type, and of graph", () => {
    for (const key of ["pipeline", "graph"]) {
      const given = { version: "v1", metadata: { name: "n" }, [key]: { nodes: [{ id: "a", type: "Gain" }] } };
      const issues = issuesOf(() => parseManifest(given));
      expect(issues.map(({ code, pointer }) => `${code} ${pointer}`)).toEqual([`OLD_SHAPE /${key}`]);
      expect(issues[0]?.message).toContain('"nodes": [{"id": "a", "node_type": "Gain"');
    }
  });

  it("says that type is node_type now", () => {
    const given = changed((m) => m.nodes.push({ id: "c", type: "Gain" }));
    expect(issuesOf(() => parseManifest(given))).toEqual([
      {
        code: "OLD_SHAPE",
        nodeId: "c",
        pointer: "/nodes/2/type",
        message: '"type" is of another shape of manifest; write "node_type"',
      },
    ]);
  });
});

describe("names of prototypes", () => {
  it("change nothing at any place, and are faults among parameters", () => {
    const text = (params: string) =>
      `{"__proto__": {"polluted": 1}, "version": "v1", "metadata": {"name": "n", "__proto__": {"autoNegotiate": true}},
        "nodes": [{"id": "a", "node_type": "Any", "__proto__": {"isStreaming": true}, "params": ${params}}]}`;
    const { nodes, metadata } = parseManifest(text('{"constructor": 1, "to_string": 2}'));
    expect(metadata).toStrictEqual({ name: "n", autoNegotiate: false });
    expect(nodes[0]).toMatchObject({ isStreaming: false, params: { constructor: 1, toString: 2 } });
    expect(codesOf(() => parseManifest(text('{"__proto__": {"a": 1}, "b": {"__proto__": 1}}')))).toEqual([
      "BAD_PARAM /nodes/0/params/__proto__",
      "BAD_PARAM /nodes/0/params/b/__proto__",
    ]);
    expect("polluted" in {}).toBe(false);
  });
});
