// The package in browsers: the core with RTCPeerConnection and encoded transforms underneath.
import { createBrowserPlatform } from "./platform/browser/browser-platform.ts";
import type { WebRtcTransportOptions } from "./config/config.ts";
import { SignalingClient as CoreSignalingClient } from "./signaling/signaling.ts";
import type { SignalingClientOptions } from "./signaling/signaling.ts";
import { WebRtcTransport as CoreWebRtcTransport } from "./transport/webrtc-transport.ts";

export * from "./index.ts";
export { AudioPlayout } from "./platform/browser/playout.ts";

/** {@link CoreWebRtcTransport} in a browser. */
export class WebRtcTransport extends CoreWebRtcTransport {
  /** @throws TransportError `INVALID_CONFIG` with every fault in `details.issues` */
  constructor(options: WebRtcTransportOptions = {}) {
    super(
      options,
      createBrowserPlatform({ ...options.assets, loadConversion: () => import("./wasm/pixels.ts") }),
    );
  }
}

/** {@link CoreSignalingClient} in a browser. */
export class SignalingClient extends CoreSignalingClient {
  constructor(options: Omit<SignalingClientOptions, "platform">) {
    super({ ...options, platform: createBrowserPlatform() });
  }
}
