// Join a room as the mixer of a conference: hear everybody on one clock, and send each peer the mix of the others.
// Run: npx remotemedia-webrtc signaling   (in one terminal)
//      node examples/mixer.mjs ws://127.0.0.1:8080 mixer
import { ConferenceMixer, WebRtcTransport } from "remotemedia-webrtc";

const [signalingUrl = "ws://127.0.0.1:8080", peerId = "mixer", room = "demo"] = process.argv.slice(2);
const transport = new WebRtcTransport({ signalingUrl, peerId, room, networkMode: "lan" });
const mixer = new ConferenceMixer();

transport.on("activeSpeaker", ({ peerId: speaker }) => console.log(`speaks ${speaker ?? "nobody"}`));
process.once("SIGINT", () => void transport.shutdown());

await transport.start();
for await (const block of transport.alignedFrames()) {
  // All blocks of a row begin at the same instant of true time, on this machine's clock.
  const timestampUs = block.captureUs;
  for (const { samples, listeners } of mixer.mix(block).mixes) {
    const audio = { type: "audio", samples, sampleRate: 48_000, channels: 1, timestampUs };
    // A listener that leaves between its block and our mix is no fault.
    transport.broadcast(audio, { only: listeners }).catch(() => undefined);
  }
}
mixer.close();
