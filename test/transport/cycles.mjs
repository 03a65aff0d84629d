// Opens and closes pairs of peers of the built package, with audio and messages in between, and prints the memory
// after two thirds and at the end as JSON. Must exit by itself.
import { WebRtcTransport } from "remotemedia-webrtc";
import { SignalingServer } from "remotemedia-webrtc/signaling-server";

const cycles = Number(process.argv[2]);
const server = new SignalingServer({ port: 0, host: "127.0.0.1" });
const { url: signalingUrl } = await server.start();
const options = { signalingUrl, networkMode: "lan", bindAddress: "127.0.0.1" };
const silence = new Float32Array(960);
const block = { type: "audio", samples: silence, sampleRate: 48_000, channels: 1 };
let heard = 0;
let told = 0;

async function cycle(index) {
  const room = `room-${index}`;
  const [a, b] = ["a", "b"].map((peerId) => new WebRtcTransport({ ...options, room, peerId }));
  await a.start();
  const connected = new Promise((resolve) => a.once("peerConnected", resolve));
  await b.start();
  await connected;
  b.on("dataChannelMessage", () => told++);
  const reading = (async () => {
    for await (const frame of b.frames()) heard += frame.samples.length;
  })();
  await a.sendDataChannelMessage("b", { type: "text", payload: "x".repeat(10_000) });
  for (let i = 0; i < 10; i++) await a.sendToPeer("b", block);
  await new Promise((resolve) => setTimeout(resolve, 150));
  await Promise.all([a.shutdown(), b.shutdown()]);
  await reading;
}

function rssMb() {
  global.gc();
  return process.memoryUsage().rss / 2 ** 20;
}

// Kernels, codec and compiled code fill their memory over the first dozens of pairs.
for (let i = 0; i < 2 * cycles; i++) await cycle(i);
const middleMb = rssMb();
for (let i = 0; i < cycles; i++) await cycle(2 * cycles + i);
const endMb = rssMb();
await server.close();
console.log(JSON.stringify({ middleMb, endMb, heard, told }));
