// Join a room, say hello to everybody, and send each peer its own voice back.
// Run: npx remotemedia-webrtc signaling   (in one terminal)
//      node examples/echo.mjs ws://127.0.0.1:8080 echo
import { WebRtcTransport } from "remotemedia-webrtc";

const [signalingUrl = "ws://127.0.0.1:8080", peerId = "echo", room = "demo"] = process.argv.slice(2);
const transport = new WebRtcTransport({ signalingUrl, peerId, room, networkMode: "lan" });

transport.on("peerConnected", ({ peerId: other }) => {
  console.log(`connected ${other}`);
  void transport.sendDataChannelMessage(other, { type: "text", payload: "hello" });
});
transport.on("dataChannelMessage", ({ peerId: other, message }) => console.log(`message ${other}`, message));
process.once("SIGINT", () => void transport.shutdown());

await transport.start();
for await (const { peerId: from, samples, sampleRate, channels } of transport.frames()) {
  // A peer that leaves between its frame and our answer is no fault.
  transport.sendToPeer(from, { type: "audio", samples, sampleRate, channels }).catch(() => undefined);
}
