// The package in Node: the core with node-datachannel and ws underneath.
import { createNodeClock } from "./platform/node/node-clock.ts";
import { createNodePlatform } from "./platform/node/node-platform.ts";
import type { NodePlatformOptions } from "./platform/node/node-platform.ts";
import { startNodePipelineWorker } from "./platform/node/pipeline-worker.ts";
import type { WebRtcTransportOptions } from "./config/config.ts";
import { PipelineRunner as CorePipelineRunner } from "./pipeline/runner.ts";
import type { PipelineRunnerOptions } from "./pipeline/runner.ts";
import { SignalingClient as CoreSignalingClient } from "./signaling/signaling.ts";
import type { SignalingClientOptions } from "./signaling/signaling.ts";
import { WebRtcTransport as CoreWebRtcTransport } from "./transport/webrtc-transport.ts";

export * from "./index.ts";

/** {@link CoreWebRtcTransport} on Node. */
export class WebRtcTransport extends CoreWebRtcTransport {
  /**
   * @param platform what is changed of the platform, for tests: its clock, or how it connects
   * @throws TransportError `INVALID_CONFIG` with every fault in `details.issues`
   */
  constructor(options: WebRtcTransportOptions = {}, platform: NodePlatformOptions = {}) {
    super(options, createNodePlatform(platform));
  }
}

/** {@link CoreSignalingClient} on Node. */
export class SignalingClient extends CoreSignalingClient {
  constructor(options: Omit<SignalingClientOptions, "platform">) {
    super({ ...options, platform: createNodePlatform() });
  }
}

/** {@link CorePipelineRunner} on Node, without a transport: nodes that ask for a thread of their own get one. */
export class PipelineRunner extends CorePipelineRunner {
  constructor(options: Omit<PipelineRunnerOptions, "clock" | "startWorker"> = {}) {
    super({ ...options, clock: createNodeClock(), startWorker: startNodePipelineWorker });
  }
}
