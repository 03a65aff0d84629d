import { describe, expect, it } from "vitest";
import type { NodeFactory } from "../../src/pipeline/node.ts";
import { NodeRegistry } from "../../src/pipeline/registry.ts";
import { idleFactory, thrownBy } from "./manifests.ts";

function registered(...factories: NodeFactory[]): NodeRegistry {
  const registry = new NodeRegistry();
  for (const factory of factories) registry.register(factory);
  return registry;
}

const gain = idleFactory({ type: "Gain", aliases: ["VolumeNode"] });

describe("a registry of node types", () => {
  it("knows a type by its name, with Node behind it or without, and by its aliases", () => {
    const registry = registered(gain, idleFactory({ type: "EchoNode" }), idleFactory({ type: "Node" }));
    for (const name of ["Gain", "GainNode", "Volume", "VolumeNode"]) expect(registry.get(name)).toBe(gain);
    expect(registry.get("Echo")?.type).toBe("EchoNode");
    expect(registry.get("Node")?.type).toBe("Node");
    for (const name of ["gain", "GainNodeNode", "", "constructor"])
      expect(registry.get(name)).toBeUndefined();
  });

  it("lists types without aliases, in the order of their registration", () => {
    expect(registered(idleFactory({ type: "B" }), gain, idleFactory({ type: "A" })).types()).toEqual([
      "B",
      "Gain",
      "A",
    ]);
    expect(new NodeRegistry().types()).toEqual([]);
  });

  it("lets the last registration win, also by the aliases of the one before", () => {
    const own = idleFactory({ type: "GainNode" });
    const registry = registered(gain, own);
    for (const name of ["Gain", "GainNode", "Volume"]) expect(registry.get(name)).toBe(own);
    expect(registry.types()).toEqual(["GainNode"]);
    const other = idleFactory({ type: "Other", aliases: ["Volume"] });
    registry.register(other);
    expect(registry.get("VolumeNode")).toBe(other);
    expect(registry.get("Gain")).toBe(own);
  });

  it("gives snapshots that later registrations do not touch, and that take none", () => {
    const registry = registered(gain);
    const snapshot = registry.snapshot();
    registry.register(idleFactory({ type: "Gain" }));
    registry.register(idleFactory({ type: "Late" }));
    expect(snapshot.get("Gain")).toBe(gain);
    expect(snapshot.types()).toEqual(["Gain"]);
    expect(thrownBy(() => snapshot.register(gain)).code).toBe("NOT_SUPPORTED");
    expect(snapshot.snapshot().types()).toEqual(["Gain"]);
  });

  it("takes factories whose parameters are an interface of their own", () => {
    interface EchoParams {
      delayMs: number;
    }
    const echo: NodeFactory<EchoParams> = {
      ...{ type: "Echo", description: "Echo.", accepts: ["audio"], emits: ["audio"] },
      schema: {
        type: "object",
        properties: { delayMs: { type: "number", default: 1, description: "Delay." } },
      },
      create: () => ({ process: () => undefined }),
    };
    const registry = new NodeRegistry();
    registry.register(echo);
    expect(registry.get("Echo")?.schema).toBe(echo.schema);
  });

  it("takes a schema that is frozen", () => {
    const properties = Object.freeze({ a: Object.freeze({ description: "A.", default: 1 }) });
    const schema = Object.freeze({ type: "object" as const, properties });
    expect(registered(idleFactory({ type: "Frozen", schema })).types()).toEqual(["Frozen"]);
  });
});

describe("a factory of the wrong shape", () => {
  const property = (schema: unknown) => ({ schema: { type: "object", properties: { p: schema } } });
  const cases: [string, unknown][] = [
    ["type", { type: "" }],
    ["type", { type: "a b" }],
    ["type", { type: 5 }],
    ["aliases", { aliases: "Volume" }],
    ["aliases", { aliases: [""] }],
    ["description", { description: " " }],
    ["accepts", { accepts: [] }],
    ["accepts", { accepts: ["sound"] }],
    ["emits", { emits: undefined }],
    ["needs", { needs: {} }],
    ["check", { check: true }],
    ["create", { create: undefined }],
    ["thread", { thread: "main" }],
    ["module", { module: "./node.js" }],
    ["schema", { schema: undefined }],
    ["schema", { schema: { type: "array", properties: {} } }],
    ["schema", { schema: { type: "object" } }],
    ["schema.required", { schema: { type: "object", properties: {}, required: ["p"] } }],
    ["schema.properties.p", property(true)],
    ["schema.properties.p.description", property({ type: "number" })],
    ["schema.properties.p.type", property({ type: "float", description: "P." })],
    ["schema.properties.p", property({ type: "string", pattern: "(", description: "P." })],
    ["schema.properties.p", property({ $ref: "#/nowhere", description: "P." })],
    ["schema.properties.p.default", property({ type: "number", maximum: 1, default: 2, description: "P." })],
    ["schema.properties.p_q", { schema: { type: "object", properties: { p_q: { description: "P." } } } }],
  ];

  it.each(cases)("is refused, with the member: %s", (path, wrong) => {
    const registry = registered(gain);
    const error = thrownBy(() => registry.register({ ...gain, ...(wrong as object) }));
    expect(error.code).toBe("INVALID_DATA");
    expect(error.message).toContain(`${path}: `);
    expect(error.details?.issues).toEqual([{ path, message: expect.any(String) as string }]);
    expect(registry.get("Gain")).toBe(gain);
  });

  it("is told all its faults at once", () => {
    const error = thrownBy(() => registered({ type: "A" } as NodeFactory));
    const paths = (error.details?.issues as { path: string }[]).map(({ path }) => path);
    expect(paths).toEqual(["description", "accepts", "emits", "create", "schema"]);
    for (const nothing of [null, undefined, "Gain", []]) {
      expect(thrownBy(() => registered(nothing as never)).code).toBe("INVALID_DATA");
    }
  });
});
