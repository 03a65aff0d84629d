// A call with sound and pictures of two real peers in one Node process, one way: what arrives, how late, how well in
// step, and what it costs. Depends on the machine and on what else it does.
import { readPictureCode } from "../../src/cli/demo/video/picture-code.ts";
import type { VideoCodecName } from "../../src/platform/video-codecs.ts";
import type { PictureFrame } from "../../src/runtime/data.ts";
import { SignalingServer } from "../../src/signaling-server/server.ts";
import { speak } from "../../test/interop/speak.ts";
import { eventually, sleep, VideoPeer } from "../../test/interop/video-peer.ts";
import type { Bench, Figure } from "../bench.ts";
import { BITRATE_KBPS, COUNTED, figureOf, PATTERN, videoFigures, WARM_UP } from "./video-figures.ts";
import type { Seen } from "./video-figures.ts";

const CODECS = ["VP9", "VP8"] as const satisfies readonly VideoCodecName[];

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
  const onPicture = (picture: PictureFrame): number => seen.push(seenOf(picture));
  const bob = new VideoPeer({ ...room, peerId: "bob", sender: 2, onPicture });
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
  await sleep(1_000);
  stopSpeaking();
  const encoders = alice.transport.stats().video?.codecs ?? [];
  const encoded = encoders.reduce((sum, encoder) => sum + encoder.encoded, 0);
  const encodeMs = encoders.reduce((sum, encoder) => sum + encoder.encodeMs, 0) / encoded;
  const figure = figureOf(name);
  const result = [
    ...videoFigures(name, seen, { sentMs: alice.sentMs, encoded }),
    figure("encoding one, mean", "ms", encodeMs),
    figure("CPU of both peers, of one core", "%", cpuPercent),
  ];
  await Promise.all([alice.transport.shutdown(), bob.transport.shutdown()]);
  await server.close();
  return result;
}

function seenOf({ planes, width, height, audioSyncOffsetMs }: PictureFrame): Seen {
  const number = readPictureCode(planes[0], width, height)?.frameNumber;
  return { atMs: performance.now(), number, avOffsetMs: audioSyncOffsetMs };
}

export default { runtimes: ["node"], cases: () => [], figures } satisfies Bench;
