// A viewer in a page: notes the size of every picture it is shown, and when.
import { WebRtcTransport } from "remotemedia-webrtc";

/** As in `run.mjs`. */
export const seen = [];
let transport;

export async function watch(signalingUrl, room, peerId, resolution) {
  const video = { enabled: true, codecs: ["VP8"], resolution };
  transport = new WebRtcTransport({
    ...{ signalingUrl, room, peerId, networkMode: "lan", video },
    allowPeers: ["source"],
  });
  await transport.start();
  void (async () => {
    for await (const { width, height } of transport.frames({ kind: "video" })) {
      seen.push({ width, height, atMs: Date.now() });
    }
  })();
}

export async function leave() {
  await transport.shutdown();
}
