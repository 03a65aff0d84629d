import { describe, expect, it } from "vitest";
import { BUILT_IN_NODES, builtInRegistry } from "../../../src/pipeline/nodes/built-in-nodes.ts";
import { validateManifest } from "../../../src/pipeline/validate-manifest.ts";
import { codesOf, idleFactory } from "../manifests.ts";

const TYPES = [
  ...["PassThrough", "Calculator", "AudioMixer", "Gain", "NoiseGate", "Limiter", "AudioLevel", "EnergyVad"],
  ...[
    "SilenceDetector",
    "Resample",
    "AudioChunker",
    "ChannelSplit",
    "ChannelBalance",
    "TimingDrift",
    "SyncReport",
  ],
  ...["VideoFlip", "VideoScale", "VideoBlur", "FormatConvert", "TextCollector"],
];

const manifest = (nodes: object[], connections: object[] = []) => ({
  version: "v1",
  metadata: { name: "n" },
  nodes,
  connections,
});

describe("the built-in nodes", () => {
  it("are all known, each by its name with Node behind it too", () => {
    const registry = builtInRegistry();
    expect(registry.types()).toEqual(TYPES);
    for (const factory of BUILT_IN_NODES) expect(registry.get(`${factory.type}Node`)).toBe(factory);
    expect(registry.get("FastResampleNode")?.type).toBe("Resample");
  });

  it("come in a registry of the caller's own", () => {
    const own = builtInRegistry();
    own.register(idleFactory({ type: "Gain" }));
    expect(builtInRegistry().get("Gain")).toBe(BUILT_IN_NODES.find(({ type }) => type === "Gain"));
  });

  it("need no parameters, but the rate of Resample", () => {
    const nodes = TYPES.map((type) => ({ id: type, node_type: type }));
    const given = manifest(nodes);
    expect(codesOf(() => validateManifest(given, builtInRegistry()))).toEqual([
      `BAD_PARAM /nodes/${TYPES.indexOf("Resample")}/params/target_rate`,
    ]);
    const others = manifest(nodes.filter(({ id }) => id !== "Resample"));
    expect(validateManifest(others, builtInRegistry()).nodes.size).toBe(TYPES.length - 1);
  });

  it("are checked against each other and against their schemas", () => {
    const nodes = [
      { id: "gate", node_type: "NoiseGate", params: { threshold_db: -45 }, is_output_node: true },
      { id: "mix", node_type: "AudioMixer" },
      { id: "text", node_type: "TextCollector" },
      { id: "gain", node_type: "Gain", params: { gain_db: 99, ramp: 1 } },
    ];
    const connections = [
      { from: "gate", to: "mix" },
      { from: "mix", to: "text" },
    ];
    expect(
      validateManifest(manifest(nodes.slice(0, 2), connections.slice(0, 1)), builtInRegistry()).warnings,
    ).toEqual([]);
    expect(codesOf(() => validateManifest(manifest(nodes, connections), builtInRegistry()))).toEqual([
      "BAD_PARAM /nodes/3/params/gain_db",
      "UNKNOWN_PARAM /nodes/3/params/ramp",
      "KIND_MISMATCH /connections/1",
    ]);
  });
});
