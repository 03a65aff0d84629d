// Two peers in one program: one asks over the data channel, the other answers.
// Run: node examples/data-channel.mjs
import { WebRtcTransport } from "remotemedia-webrtc";
import { SignalingServer } from "remotemedia-webrtc/signaling-server";

const server = new SignalingServer({ port: 0, host: "127.0.0.1" });
const { url: signalingUrl } = await server.start();
const options = { signalingUrl, room: "demo", networkMode: "lan", bindAddress: "127.0.0.1" };

const calculator = new WebRtcTransport({ ...options, peerId: "calculator" });
calculator.on("dataChannelMessage", ({ peerId, message }) => {
  const [a, b] = message.payload.add;
  void calculator.sendDataChannelMessage(peerId, { type: "json", payload: { sum: a + b } });
});
await calculator.start();

const asker = new WebRtcTransport({ ...options, peerId: "asker", autoConnect: false });
await asker.start();
await asker.connectPeer("calculator", { timeoutMs: 10_000 });
const answer = new Promise((resolve) =>
  asker.once("dataChannelMessage", ({ message }) => resolve(message.payload)),
);
await asker.sendDataChannelMessage("calculator", { type: "json", payload: { add: [19, 23] } });
console.log(await answer);

await Promise.all([asker.shutdown(), calculator.shutdown()]);
await server.close();
