// A call with sound and pictures of two real peers in one Node process, 640x360 at 30 a second, one way: what arrives, how
// late, how well in step, and what it costs. Depends on the machine and on what else it does.
import { readPictureCode } from "../../src/cli/demo/video/picture-code.ts";
import type { VideoCodecName } from "../../src/platform/video-codecs.ts";
import type { PictureFrame } from "../../src/runtime/data.ts";
import { SignalingServer } from "../../src/signaling-server/server.ts";
import { eventually, VideoPeer } from "../../test/interop/video-peer.ts";
import type { Bench, Figure } from "../bench.ts";
import { speak } from "./speak.ts";

const PATTERN = { width: 640, height: 360, framerateFps: 30 };
const WARM_UP = 5 * PATTERN.framerateFps;
const COUNTED = 30 * PATTERN.framerateFps;
const BITRATE_KBPS = 800;
const CODECS = ["VP9", "VP8"] as const satisfies readonly VideoCodecName[];

/** A picture that has come. */
interface Seen {
  readonly atMs: number;
  readonly number: number | undefined;
  readonly missingBefore: number;
  readonly avOffsetMs: number;
}

async function figures(wants: (name: string) => boolean): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const codec of CODECS) {
    const name = `${codec} from Node to Node`;
    if (wants(name)) figures.push(...(await call(name, codec)));
  }
  return figures;
}

async function call(name: string, codec: VideoCodecName): Promise<Figure[]> {
  const server = new SignalingServer({ port: 0, host: "127.0.0.1" });
  const { url } = await server.start();
  const seen: Seen[] = [];
  const common = { pattern: PATTERN, codecs: [codec], bitrateKbps: BITRATE_KBPS };
  const room = { signalingUrl: url, room: "bench", ...common };
  const alice = new VideoPeer({ ...room, peerId: "alice", sender: 1 });
  const bob = new VideoPeer({
    ...room,
    peerId: "bob",
    sender: 2,
    onPicture: (picture) => seen.push(seenOf(picture)),
  });
  await alice.join();
  await bob.join();
  await eventually("video", () => alice.links.has("bob"));
  const stopSpeaking = speak(alice.transport);
  void (async () => {
    for await (const frame of bob.transport.frames()) void frame;
  })();
  await alice.show("bob", WARM_UP, false);
  const [cpu, beganMs] = [process.cpuUsage(), performance.now()];
  await alice.show("bob", COUNTED, false);
  const used = process.cpuUsage(cpu);
  const cpuPercent = (used.user + used.system) / 10 / (performance.now() - beganMs);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  stopSpeaking();
  const encoders = alice.transport.stats().video?.codecs ?? [];
  const encoded = encoders.reduce((sum, encoder) => sum + encoder.encoded, 0);
  const encodeMs = encoders.reduce((sum, encoder) => sum + encoder.encodeMs, 0) / encoded;
  const result = judge(seen, alice);
  await Promise.all([alice.transport.shutdown(), bob.transport.shutdown()]);
  await server.close();
  const figure = (what: string, unit: string, ours: number, goal?: Figure["goal"]): Figure => ({
    name: `${name}: ${what}`,
    unit,
    ours,
    baselines: [],
    ...(goal !== undefined && { goal }),
  });
  return [
    figure("pictures that arrive, of those sent", "%", result.receivedPercent, { atLeast: 99 }),
    figure("codes that are right, of those that arrive", "%", result.rightPercent, { atLeast: 100 }),
    figure("pictures sent, of those drawn", "%", (100 * encoded) / alice.written),
    figure("encoding one, mean", "ms", encodeMs),
    figure("latency from capture to reader, median", "ms", result.latencyMs(0.5)),
    figure("latency from capture to reader, p95", "ms", result.latencyMs(0.95), { atMost: 100 }),
    figure("pictures ahead of the sound, median", "ms", result.avOffsetMs, { atMost: 20 }),
    figure("CPU of both peers, of one core", "%", cpuPercent),
  ];
}

function seenOf(picture: PictureFrame): Seen {
  const { planes, width, height, missingBefore, audioSyncOffsetMs } = picture;
  const number = readPictureCode(planes[0], width, height)?.frameNumber;
  return { atMs: performance.now(), number, missingBefore, avOffsetMs: audioSyncOffsetMs };
}

/** What came of the counted pictures. */
function judge(seen: readonly Seen[], { sentMs, coded }: VideoPeer) {
  const counted = seen.filter(({ number }) => number === undefined || number >= WARM_UP);
  const right = counted.filter(({ number }) => number !== undefined);
  const latencies = right
    .map(({ atMs, number = NaN }) => atMs - (sentMs[number] ?? NaN))
    .sort((a, b) => a - b);
  const offsets = right.map(({ avOffsetMs }) => avOffsetMs).sort((a, b) => a - b);
  return {
    receivedPercent: (100 * new Set(seen.map(({ number }) => number)).size) / coded.length,
    rightPercent: (100 * right.length) / Math.max(1, counted.length),
    latencyMs: (quantile: number) => latencies[Math.floor(quantile * (latencies.length - 1))] ?? NaN,
    avOffsetMs: offsets[offsets.length >> 1] ?? NaN,
  };
}

export default { runtimes: ["node"], cases: () => [], figures } satisfies Bench;
