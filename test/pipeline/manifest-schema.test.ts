import { Validator } from "@cfworker/json-schema";
import { describe, expect, it } from "vitest";
import type { ManifestIssueCode } from "../../src/pipeline/manifest.ts";
import { MANIFEST_SCHEMA } from "../../src/pipeline/manifest-schema.ts";
import { readManifest } from "../../src/pipeline/parse-manifest.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { soundManifest } from "./manifests.ts";

// The library writes into what it is given.
const validator = new Validator(JSON.parse(JSON.stringify(MANIFEST_SCHEMA)) as object, "2020-12");

/** Faults that lie between members, which a schema cannot see. */
const BEYOND: readonly ManifestIssueCode[] = [
  "DUPLICATE_ID",
  "UNKNOWN_ENDPOINT",
  "SELF_LOOP",
  "DUPLICATE_CONNECTION",
  "CYCLE",
  "BAD_PARAM",
];

/** Whether both say the same of a manifest; returns what. */
function verdict(manifest: object): boolean {
  const shape = readManifest(manifest).issues.filter(({ code }) => !BEYOND.includes(code));
  const { valid, errors } = validator.validate(manifest);
  expect(valid, JSON.stringify({ manifest, shape, errors })).toBe(shape.length === 0);
  return valid;
}

const node = (changes: object) => ({
  ...soundManifest(),
  nodes: [{ id: "a", node_type: "Any", ...changes }],
  connections: [],
});

describe("the published schema", () => {
  it("takes what parseManifest takes, in either spelling", () => {
    const { manifest } = readManifest(soundManifest());
    for (const given of [
      soundManifest(),
      manifest ?? {},
      node({}),
      node({ params: null, docker: 1 }),
      { ...node({}), connections: null },
    ]) {
      expect(verdict(given)).toBe(true);
    }
  });

  it("refuses what parseManifest refuses for its shape", () => {
    const { nodes } = soundManifest();
    const refused = [
      {},
      { ...soundManifest(), version: "v2" },
      { ...soundManifest(), metadata: { name: "" } },
      { ...soundManifest(), nodes: [] },
      { ...soundManifest(), nodes: Array.from({ length: 257 }, () => nodes[1]) },
      { ...soundManifest(), pipeline: { nodes: [] } },
      { ...soundManifest(), graph: {} },
      { ...soundManifest(), connections: [{ from: "a" }] },
      { ...soundManifest(), connections: Array.from({ length: 1025 }, () => ({ from: "gate", to: "end" })) },
      ...[
        { nodeType: "Any" },
        { id: "a b" },
        { id: 5 },
        { node_type: "" },
        { node_type: null },
        { params: [] },
      ].map(node),
      ...[
        { is_streaming: 1 },
        { is_streaming: true, isStreaming: true },
        { execution: { timeout_ms: 0 } },
      ].map(node),
      ...[{ execution: { maxRetries: 11 } }, { execution: { max_retries: 0.5 } }].map(node),
    ];
    for (const given of refused) expect(verdict(given)).toBe(false);
  });

  it("agrees with parseManifest about whatever is changed (seed 5)", () => {
    const random = new SeededRandom(5);
    const values = [null, 0, 1, 5.5, "", "v1", "a", [], {}, true, "é", -1];
    const outcomes = new Set<boolean>();
    for (let round = 0; round < 250; round++) {
      const given = JSON.parse(JSON.stringify(soundManifest())) as Record<string, unknown>;
      const places = objectsIn(given);
      const place = places[random.integer(0, places.length - 1)] ?? given;
      const names = [...Object.keys(place), "nodeType", "is_streaming", "createdAt", "timeout_ms"];
      const name = names[random.integer(0, names.length - 1)] ?? "x";
      if (random.chance(0.3)) Reflect.deleteProperty(place, name);
      else place[name] = values[random.integer(0, values.length - 1)];
      outcomes.add(verdict(given));
    }
    expect(outcomes.size).toBe(2);
  });
});

function objectsIn(value: unknown): Record<string, unknown>[] {
  if (typeof value !== "object" || value === null) return [];
  const own = Array.isArray(value) ? [] : [value as Record<string, unknown>];
  return [...own, ...Object.values(value).flatMap(objectsIn)];
}
