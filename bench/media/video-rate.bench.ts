// How video's rate follows a real path that narrows and widens: two peers in one Node process, a relay of UDP between them
// that lets pass 800, then 300, then 1500 kbit/s of the video connection, with a queue of 200 ms and 25 ms each way.
import { SignalingServer } from "../../src/signaling-server/server.ts";
import { ImpairmentRelay } from "../../src/testing/node/node.ts";
import { eventually, VideoPeer } from "../../test/interop/video-peer.ts";
import { median } from "../bench.ts";
import type { Bench, Figure } from "../bench.ts";
import { speak } from "../../test/interop/speak.ts";

const PATTERN = { width: 640, height: 360, framerateFps: 15 };
const STRETCHES = [
  { rateKbps: 800, seconds: 20 },
  { rateKbps: 300, seconds: 20 },
  { rateKbps: 1_500, seconds: 30 },
] as const;
const SAMPLE_MS = 100;
/** Settled: the estimate stays between these shares of the limit for so long. */
const SETTLED = { least: 0.7, most: 1.05, forMs: 3_000 };
const NAME = "video's rate over a relay";

/** One look at both ends. */
interface Sample {
  readonly atMs: number;
  readonly targetKbps: number;
  readonly bytes: number;
  readonly packets: number;
  readonly lost: number;
  readonly audioPackets: number;
  readonly audioLost: number;
  readonly shown: number;
}

async function figures(wants: (name: string) => boolean): Promise<Figure[]> {
  if (!wants(NAME)) return [];
  const server = new SignalingServer({ port: 0, host: "127.0.0.1" });
  const { url } = await server.start();
  const relay = new ImpairmentRelay({ delayMs: 25, rateKbps: STRETCHES[0].rateKbps });
  const room = { signalingUrl: url, room: "bench", pattern: PATTERN };
  let shown = 0;
  const alice = new VideoPeer({ ...room, peerId: "alice", sender: 1, relay });
  const bob = new VideoPeer({ ...room, peerId: "bob", sender: 2, onPicture: () => void shown++ });
  await alice.join();
  await bob.join();
  await eventually("video", () => alice.links.has("bob"));
  const stopSpeaking = speak(alice.transport);
  const look = (): Sample => {
    const [sender, receiver] = [alice, bob].map(({ transport }) => transport.stats().peers[0]);
    return {
      atMs: performance.now(),
      targetKbps: sender?.video?.outbound?.targetKbps ?? NaN,
      bytes: receiver?.video?.inbound?.bytesReceived ?? 0,
      packets: receiver?.video?.inbound?.packetsReceived ?? 0,
      lost: receiver?.video?.packetsLost ?? 0,
      audioPackets: receiver?.audio?.inbound.packetsReceived ?? 0,
      audioLost: receiver?.audio?.inbound.packetsLost ?? 0,
      shown,
    };
  };
  const all: Figure[] = [];
  for (const { rateKbps, seconds } of STRETCHES) {
    relay.set({ rateKbps });
    const samples = [look()];
    const timer = setInterval(() => samples.push(look()), SAMPLE_MS);
    await alice.show("bob", seconds * PATTERN.framerateFps, false);
    clearInterval(timer);
    all.push(...figuresOf(`${NAME}: at ${rateKbps} kbit/s`, rateKbps, samples));
  }
  stopSpeaking();
  await Promise.all([alice.transport.shutdown(), bob.transport.shutdown()]);
  await relay.close();
  await server.close();
  return all;
}

function figuresOf(name: string, rateKbps: number, samples: readonly Sample[]): Figure[] {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined) return [];
  const share = (lost: number, came: number): number => (100 * lost) / Math.max(1, lost + came);
  const figure = (what: string, unit: string, ours: number): Figure => ({
    name: `${name}, ${what}`,
    unit,
    ours,
    baselines: [],
  });
  const half = samples[samples.length >> 1] ?? first;
  const targets = samples.slice(samples.length >> 1).map(({ targetKbps }) => targetKbps);
  return [
    figure("until settled", "s", settledS(rateKbps, samples)),
    figure("estimate in the second half, median", "% of the limit", (100 * median(targets)) / rateKbps),
    figure(
      "received in the second half",
      "kbit/s",
      (8 * (last.bytes - half.bytes)) / (last.atMs - half.atMs),
    ),
    figure("packets lost", "%", share(last.lost - first.lost, last.packets - first.packets)),
    figure("packets lost in the second half", "%", share(last.lost - half.lost, last.packets - half.packets)),
    figure(
      "audio lost beside it",
      "%",
      share(last.audioLost - first.audioLost, last.audioPackets - first.audioPackets),
    ),
    figure("pictures shown a second", "", (1000 * (last.shown - first.shown)) / (last.atMs - first.atMs)),
  ];
}

/** From the change on; NaN: never. */
function settledS(rateKbps: number, samples: readonly Sample[]): number {
  const beganMs = samples[0]?.atMs ?? 0;
  let sinceMs = Infinity;
  for (const { atMs, targetKbps } of samples) {
    const isNear = targetKbps >= SETTLED.least * rateKbps && targetKbps <= SETTLED.most * rateKbps;
    sinceMs = isNear ? Math.min(sinceMs, atMs) : Infinity;
    if (atMs - sinceMs >= SETTLED.forMs) return (sinceMs - beganMs) / 1000;
  }
  return NaN;
}

export default { runtimes: ["node"], cases: () => [], figures } satisfies Bench;
