// Ready-made option sets for three kinds of network. Pure data; what is not named here keeps its default.
import type { WebRtcTransportOptions } from "./config.ts";

const DEFAULT_STUN_SERVER = "stun:stun.l.google.com:19302";
const SECOND_STUN_SERVER = "stun:stun1.l.google.com:19302";

/** Least delay on a good network: frames leave the buffer as soon as they are in order. */
export function lowLatencyPreset(overrides: WebRtcTransportOptions = {}): WebRtcTransportOptions {
  return {
    jitterBufferSizeMs: 50,
    jitterRelease: "inOrder",
    rtcpIntervalMs: 2000,
    dataChannelMode: "unreliable",
    iceTimeoutSecs: 15,
    maxPeers: 10,
    ...overrides,
    video: { codecs: ["VP8", "VP9", "H264"], bitrateKbps: 1500, ...overrides.video },
  };
}

/** Best quality where some delay is welcome. */
export function highQualityPreset(overrides: WebRtcTransportOptions = {}): WebRtcTransportOptions {
  return {
    jitterBufferSizeMs: 100,
    rtcpIntervalMs: 5000,
    dataChannelMode: "reliable",
    iceTimeoutSecs: 30,
    maxPeers: 10,
    ...overrides,
    video: { resolution: "1080p", bitrateKbps: 4000, ...overrides.video },
  };
}

/** Mobile networks: a long buffer, patience while connecting, a second STUN server. Add TURN servers to it. */
export function mobileNetworkPreset(overrides: WebRtcTransportOptions = {}): WebRtcTransportOptions {
  return {
    jitterBufferSizeMs: 150,
    maxJitterBufferMs: 300,
    rtcpIntervalMs: 3000,
    dataChannelMode: "reliable",
    iceTimeoutSecs: 45,
    maxPeers: 5,
    // The other network modes use no STUN server.
    ...((overrides.networkMode ?? "internet") === "internet" && {
      stunServers: [DEFAULT_STUN_SERVER, SECOND_STUN_SERVER],
    }),
    ...overrides,
    video: {
      codecs: ["VP8", "VP9", "H264"],
      resolution: "480p",
      framerateFps: 24,
      bitrateKbps: 800,
      ...overrides.video,
    },
  };
}
