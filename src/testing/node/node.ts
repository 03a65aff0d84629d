// What the package exports as "./testing/node".

/**
 * Real peers of Node, and browsers that talk to them, over a network that is worse than loopback. A relay of UDP
 * sockets on 127.0.0.1 stands between the candidates of two peers, so that all of ICE, DTLS, RTP, RTCP and data channels
 * passes it, and loses, delays, reorders or duplicates datagrams by a seed.
 *
 * ```ts
 * import { SignalingClient, WebRtcTransport } from "remotemedia-webrtc";
 * import { ImpairmentRelay, impairSignaling, impairVideo, parseImpairment } from "remotemedia-webrtc/testing/node";
 *
 * const relay = new ImpairmentRelay(parseImpairment("loss=0.05,delayMs=20,jitterMs=30,seed=7"));
 * const signaling = impairSignaling(new SignalingClient({ url: signalingUrl }), relay);
 * const transport = new WebRtcTransport(
 *   { signaling, networkMode: "lan", bindAddress: "127.0.0.1", room: "demo", video: { enabled: true } },
 *   { decorate: (platform) => impairVideo(platform, relay) }, // pictures travel over connections of their own
 * );
 * await transport.start();
 * relay.set({ loss: 0.3 }); // from the next datagram on
 * relay.outage(2_000); // nothing passes for two seconds
 * console.log(relay.counters); // { passed, lost, overflowed, reordered, duplicated, queued }
 * await transport.shutdown();
 * await relay.close();
 * ```
 *
 * Give each peer of a conference such signaling, with one relay for all peers of a process: each direction is impaired
 * once, by the relay of its sender. So two relays make an asymmetric path. The same seed decides alike about the same
 * datagrams; which datagrams there are, real time decides.
 */
export { ImpairmentRelay } from "./relay.ts";
export type { RelayCounters } from "./relay.ts";
export type { RelayedConnection } from "./relayed-connection.ts";
export { impairSignaling } from "./impaired-signaling.ts";
export { impairVideo } from "./impaired-video.ts";
export { parseImpairment } from "../impairment.ts";
export type { Impairment } from "../impairment.ts";
