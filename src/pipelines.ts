// What the package exports as "./pipeline", without a platform: pipelines alone, and what sessions are made of. Apart from
// the rest, for a page that only talks loads none of it.
export { PipelineRunner } from "./pipeline/runner.ts";
export type { OpenPipelineOptions, PipelineRunnerOptions } from "./pipeline/runner.ts";
export type { PipelineExecution, PipelineMetrics } from "./pipeline/execution.ts";
export type { NodeMetrics } from "./pipeline/node-metrics.ts";
export type { PipelineInput } from "./pipeline/transport-data.ts";
export type { ValidManifest } from "./pipeline/validate-manifest.ts";
export { parseManifest } from "./pipeline/parse-manifest.ts";
export { MANIFEST_SCHEMA } from "./pipeline/manifest-schema.ts";
export { NodeRegistry } from "./pipeline/registry.ts";
export { builtInRegistry } from "./pipeline/nodes/built-in-nodes.ts";
export { backgroundBlurNode } from "./pipeline/nodes/background-blur.ts";
export type { BackgroundBlurOptions, Segmentation } from "./pipeline/nodes/background-blur.ts";
export type * from "./pipeline/manifest.ts";
export type * from "./pipeline/node.ts";
export { readRecording } from "./session/recording.ts";
export type { Recording, ReplayOptions, ReplayTarget } from "./session/recording.ts";
export type { RecordedInput, RecordingHeader } from "./session/recording-format.ts";
export { DEFAULT_TIERS, tiersFor } from "./session/quality-tiers.ts";
export type { TierSource } from "./session/quality-tiers.ts";
export { TransportError } from "./errors/errors.ts";
