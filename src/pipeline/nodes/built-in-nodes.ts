// The nodes that the library brings along, and a registry that knows them. Pure.
import type { NodeFactory } from "../node.ts";
import { NodeRegistry } from "../registry.ts";
import { audioChunkerNode } from "./audio-chunker.ts";
import { audioLevelNode } from "./audio-level.ts";
import { audioMixerNode } from "./audio-mixer.ts";
import { calculatorNode } from "./calculator.ts";
import { channelBalanceNode } from "./channel-balance.ts";
import { channelSplitNode } from "./channel-split.ts";
import { energyVadNode } from "./energy-vad.ts";
import { formatConvertNode } from "./format-convert.ts";
import { gainNode } from "./gain.ts";
import { limiterNode } from "./limiter.ts";
import { noiseGateNode } from "./noise-gate.ts";
import { passThroughNode } from "./pass-through.ts";
import { resampleNode } from "./resample.ts";
import { silenceDetectorNode } from "./silence-detector.ts";
import { syncReportNode } from "./sync-report.ts";
import { textCollectorNode } from "./text-collector.ts";
import { timingDriftNode } from "./timing-drift.ts";
import { videoBlurNode } from "./video-blur.ts";
import { videoFlipNode } from "./video-flip.ts";
import { videoScaleNode } from "./video-scale.ts";

/** Factories of all built-in nodes, in the order of the documentation. */
export const BUILT_IN_NODES: readonly NodeFactory[] = [
  passThroughNode,
  calculatorNode,
  audioMixerNode,
  gainNode,
  noiseGateNode,
  limiterNode,
  audioLevelNode,
  energyVadNode,
  silenceDetectorNode,
  resampleNode,
  audioChunkerNode,
  channelSplitNode,
  channelBalanceNode,
  timingDriftNode,
  syncReportNode,
  videoFlipNode,
  videoScaleNode,
  videoBlurNode,
  formatConvertNode,
  textCollectorNode,
];

/** A new registry with the built-in nodes; what a program registers in it concerns that registry alone. */
export function builtInRegistry(): NodeRegistry {
  const registry = new NodeRegistry();
  for (const factory of BUILT_IN_NODES) registry.register(factory);
  return registry;
}
