// Two peers in two processes: one sends a picture, the other blurs it and sends it back. What comes back is compared with
// what the same blur makes of the same picture here.
import { readFileSync } from "node:fs";
import { WebRtcTransport } from "remotemedia-webrtc";
import { PipelineRunner } from "remotemedia-webrtc/pipeline";
import { SignalingServer } from "remotemedia-webrtc/signaling-server";
import { paced, pause, percentile, round, until } from "../shared/measure.mjs";
import { startProcess } from "../shared/own-process.mjs";
import { drawPicture, psnr, readNumber } from "../shared/pictures.mjs";

const [WIDTH, HEIGHT, FPS] = [640, 360, 15];
const PROGRAM = new URL("blurrer.mjs", import.meta.url);
const BLUR = {
  version: "v1",
  metadata: { name: "the same blur" },
  nodes: [{ id: "blur", node_type: "VideoBlur", params: { radius: 8 } }],
};
/** Pictures of the first second show how codecs begin, not how they go on. */
const WARM_UP_S = 2;

/** @returns what came back: `ok` when nearly everything did, blurred and nothing but blurred */
export async function run({ seconds = 10, tell = () => undefined }) {
  const server = new SignalingServer({ port: 0, host: "127.0.0.1" });
  const { url } = await server.start();
  const blurrer = startProcess(PROGRAM, url, "example");
  const transport = new WebRtcTransport({
    ...{ signalingUrl: url, room: "example", peerId: "sender", networkMode: "lan", bindAddress: "127.0.0.1" },
    video: { enabled: true, codecs: ["VP8"], framerateFps: FPS, bitrateKbps: 1_500 },
    logLevel: "error",
  });
  let connected = false;
  transport.on("videoConnected", () => (connected = true));
  await transport.start();
  const seen = collect(transport);
  await until("video to the other process", () => connected);
  tell(`connected; sending ${WIDTH}x${HEIGHT} at ${FPS} a second for ${WARM_UP_S + seconds} s`);
  const sentMs = [];
  await paced(FPS, WARM_UP_S + seconds, (index) => {
    sentMs[index] = performance.now();
    transport.sendToPeer("blurrer", drawPicture(index, WIDTH, HEIGHT)).catch(() => undefined);
  });
  await pause(1_000);
  await transport.shutdown();
  const nodes = JSON.parse(await blurrer.end());
  await server.close();
  const first = WARM_UP_S * FPS;
  return judge(
    { sent: sentMs.length - first, seen: seen.filter(({ number }) => number >= first), sentMs, nodes },
    tell,
  );
}

/** What comes back, with the one picture in ten that is looked at closely. */
function collect(transport) {
  const seen = [];
  void (async () => {
    for await (const { planes, width, height } of transport.frames({ kind: "video", peerId: "blurrer" })) {
      const number = readNumber(planes[0], width, height);
      seen.push({ number, atMs: performance.now(), luma: number % 10 === 0 ? planes[0] : undefined });
    }
  })();
  return seen;
}

async function judge({ sent, seen, sentMs, nodes }, tell) {
  const runner = new PipelineRunner();
  const blurred = [];
  const sharp = [];
  for (const { number, luma } of seen) {
    if (luma === undefined) continue;
    const picture = drawPicture(number, WIDTH, HEIGHT);
    const { data } = await runner.execute(BLUR, picture);
    blurred.push(psnr(luma, data.data, WIDTH, HEIGHT));
    sharp.push(psnr(luma, picture.data, WIDTH, HEIGHT));
  }
  const result = {
    sent,
    received: new Set(seen.map(({ number }) => number)).size,
    likeTheBlurredDb: round(percentile(blurred, 0.05)),
    likeTheSharpDb: round(percentile(sharp, 0.95)),
    pipelineMsP95: round(nodes.blur.latencyP95Ms, 2),
    thereAndBackMsP95: round(
      percentile(
        seen.map(({ number, atMs }) => atMs - sentMs[number]),
        0.95,
      ),
    ),
    userLines: codeLines(readFileSync(PROGRAM, "utf8")),
  };
  tell(`${result.received} of ${sent} pictures came back, ${result.thereAndBackMsP95} ms later (p95)`);
  tell(`the pipeline took ${result.pipelineMsP95} ms of that (p95)`);
  tell(
    `they are like the blurred ones (${result.likeTheBlurredDb} dB), not the sharp ones (${result.likeTheSharpDb} dB)`,
  );
  tell(`the program that blurs has ${result.userLines} lines`);
  const isBlurred = result.likeTheBlurredDb > 28 && result.likeTheBlurredDb > result.likeTheSharpDb + 6;
  return { ok: result.received > 0.9 * sent && isBlurred && result.userLines < 50, ...result };
}

function codeLines(text) {
  return text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("//")).length;
}
