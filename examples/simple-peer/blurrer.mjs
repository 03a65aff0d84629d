// Join a room, blur the pictures that each peer sends, and send them back to it: all that a program has to say.
// Run: npx remotemedia-webrtc signaling   (in one terminal)
//      node examples/simple-peer/blurrer.mjs ws://127.0.0.1:8080
import { WebRtcTransport } from "remotemedia-webrtc";

const [signalingUrl = "ws://127.0.0.1:8080", room = "demo"] = process.argv.slice(2);
const transport = new WebRtcTransport({
  signalingUrl,
  room,
  peerId: "blurrer",
  networkMode: "lan",
  bindAddress: "127.0.0.1",
  video: { enabled: true, codecs: ["VP8"], framerateFps: 15, bitrateKbps: 1_500 },
});
await transport.start();

const session = await transport.stream({
  version: "v1",
  metadata: { name: "blur" },
  nodes: [{ id: "blur", node_type: "VideoBlur", params: { radius: 8 } }],
});
session.setRouting("unicast"); // to whoever sent the picture

process.once("SIGTERM", async () => {
  console.log(JSON.stringify(session.metrics().nodes));
  await transport.shutdown();
});
