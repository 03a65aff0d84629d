// Join a room as the mixer of a conference: every peer hears all others on one clock, and not itself. The manifest says
// what is done, the transport feeds it with what peers say and brings each mix to the one it is for.
// Run: npx remotemedia-webrtc signaling   (in one terminal)
//      node examples/conference/mixer.mjs ws://127.0.0.1:8080
import { WebRtcTransport } from "remotemedia-webrtc";

const [signalingUrl = "ws://127.0.0.1:8080", room = "demo"] = process.argv.slice(2);
const transport = new WebRtcTransport({
  ...{ signalingUrl, room, peerId: "mixer", networkMode: "lan", bindAddress: "127.0.0.1" },
  audio: { application: "audio" },
});
await transport.start();

const session = await transport.stream(
  `
version: v1
metadata: { name: conference }
nodes:
  - { id: gate, node_type: NoiseGate, params: { threshold_db: -55 } }
  - { id: mix, node_type: AudioMixer, params: { mode: nMinus1 } }
connections:
  - { from: gate, to: mix }
`,
  { audio: { aligned: true } }, // all of a block was spoken at the same instants
);

process.once("SIGTERM", async () => {
  console.log(JSON.stringify(session.metrics()));
  await transport.shutdown();
});
