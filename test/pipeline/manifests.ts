// Manifests and node types that the tests of this folder share.
import { expect } from "vitest";
import { TransportError } from "../../src/errors/errors.ts";
import type { ManifestIssue } from "../../src/pipeline/manifest.ts";
import { KINDS } from "../../src/pipeline/node.ts";
import type { NodeFactory } from "../../src/pipeline/node.ts";
import { NodeRegistry } from "../../src/pipeline/registry.ts";

/** A factory whose nodes do nothing. */
export function idleFactory(changes: Partial<NodeFactory> & { type: string }): NodeFactory {
  return {
    description: "Does nothing.",
    schema: { type: "object", properties: {} },
    accepts: KINDS,
    emits: KINDS,
    create: () => ({ process: () => undefined }),
    ...changes,
  };
}

/** `Loud` (audio, parameters of every type), `Any` (all kinds) and `Words` (text). */
export function testRegistry(): NodeRegistry {
  const registry = new NodeRegistry();
  registry.register(
    idleFactory({
      type: "Loud",
      aliases: ["OldLoudNode"],
      accepts: ["audio"],
      emits: ["audio"],
      schema: {
        type: "object",
        properties: {
          gainDb: { type: "number", minimum: -60, maximum: 24, default: 0, description: "Gain." },
          rampMs: { type: "integer", minimum: 0, default: 10, description: "Ramp." },
          targetRate: { type: "integer", minimum: 8000, maximum: 192000, description: "Rate." },
          mode: { type: "string", enum: ["soft", "hard"], default: "soft", description: "How." },
          softClip: { type: "boolean", default: true, description: "Clip." },
          weights: {
            type: "array",
            items: { type: "number" },
            maxItems: 3,
            default: [1, 2],
            description: "Weights.",
          },
          extra: { type: "object", description: "Anything." },
          tag: { type: "string", minLength: 1, maxLength: 8, pattern: "^[a-z]*$", description: "Tag." },
        },
        required: ["targetRate"],
      },
      check: ({ gainDb, rampMs }) =>
        Number(gainDb) > Number(rampMs) + 10 ? { gainDb: "at most ramp_ms + 10" } : {},
    }),
  );
  registry.register(idleFactory({ type: "Any" }));
  registry.register(idleFactory({ type: "Words", accepts: ["text"], emits: ["text"] }));
  return registry;
}

/** A manifest as documents write it: two nodes, one connection, nothing wrong. */
export function soundManifest() {
  return {
    version: "v1",
    metadata: {
      name: "conference",
      description: "Two nodes",
      created_at: "2024-05-01",
      auto_negotiate: true,
    },
    nodes: [
      {
        id: "gate",
        node_type: "Loud",
        params: { target_rate: 48000, gain_db: -6, extra: { inner_name: [1, null, "x"] } },
        is_streaming: true,
        is_output_node: true,
        execution: { timeout_ms: 500, max_retries: 3 },
      },
      { id: "end", node_type: "Any" },
    ] as Record<string, unknown>[],
    connections: [{ from: "gate", to: "end" }] as Record<string, unknown>[],
  };
}

/** Faults of what `act` throws, which has to be INVALID_MANIFEST. */
export function issuesOf(act: () => unknown): ManifestIssue[] {
  const error = thrownBy(act);
  expect(error.code).toBe("INVALID_MANIFEST");
  return error.details?.issues as unknown as ManifestIssue[];
}

/** Faults as `CODE pointer`. */
export function codesOf(act: () => unknown): string[] {
  return issuesOf(act).map(({ code, pointer }) => `${code} ${pointer}`);
}

/** The TransportError that `act` throws. */
export function thrownBy(act: () => unknown): TransportError {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(TransportError);
    return error as TransportError;
  }
  throw new Error("nothing was thrown");
}
