// The package in Node: the core with node-datachannel and ws underneath.
import { createNodePlatform } from "./platform/node/node-platform.ts";
import type { NodePlatformOptions } from "./platform/node/node-platform.ts";
import type { WebRtcTransportOptions } from "./config/config.ts";
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
