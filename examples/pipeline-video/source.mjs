// One source of pictures in three sizes: every viewer gets the largest that it wants and that its path carries, each size
// is encoded once however many watch it.
// Run: npx remotemedia-webrtc signaling   (in one terminal)
//      node examples/pipeline-video/source.mjs ws://127.0.0.1:8080
import { WebRtcTransport } from "remotemedia-webrtc";
import { paced } from "../shared/measure.mjs";
import { drawPicture } from "../shared/pictures.mjs";

const [signalingUrl = "ws://127.0.0.1:8080", room = "demo"] = process.argv.slice(2);
const FPS = 15;
const transport = new WebRtcTransport({
  ...{ signalingUrl, room, peerId: "source", networkMode: "lan", bindAddress: "127.0.0.1" },
  video: { enabled: true, codecs: ["VP8"], resolution: "360p", framerateFps: FPS, bitrateKbps: 1_000 },
});
await transport.start();

const session = await transport.stream(
  {
    version: "v1",
    metadata: { name: "three sizes" },
    nodes: [
      { id: "full", node_type: "PassThrough" },
      { id: "two-thirds", node_type: "VideoScale", params: { width: 426, height: 240 } },
      { id: "third", node_type: "VideoScale", params: { width: 214, height: 120 } },
    ],
  },
  {
    // From how much of a path on a size is sent, and how much of it that takes, kbit/s.
    tiers: [
      { tier: "high", width: 640, height: 360, kbps: 700, minKbps: 500 },
      { tier: "medium", width: 426, height: 240, kbps: 350, minKbps: 220 },
      { tier: "low", width: 214, height: 120, kbps: 150, minKbps: 0 },
    ],
  },
);
session.configureSelectiveRouting([
  { outputId: "full", targetPeers: [], qualityTier: "high" },
  { outputId: "two-thirds", targetPeers: [], qualityTier: "medium" },
  { outputId: "third", targetPeers: [], qualityTier: "low" },
]);

process.once("SIGTERM", async () => {
  const { codecs } = transport.stats().video;
  console.log(JSON.stringify({ encoded: codecs[0]?.encoded ?? 0, inputs: session.metrics().framesIn }));
  await transport.shutdown();
  process.exit();
});
await paced(FPS, 3_600, (index) => {
  session.sendInput({ data: drawPicture(index % 65_536, 640, 360, 40), metadata: {} }).catch(() => undefined);
});
