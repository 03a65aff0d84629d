// Who takes part in a run, what each does, and what its clock shows. Pure; goes to every process of the run as it is.
import { clockErrorOf } from "./clocks.ts";
import type { RunOrigin } from "./clocks.ts";
import type { DemoOptions, FrameMs } from "./options.ts";
import { PEER_NAMES } from "./video/video-plan.ts";
import type { VideoPlan } from "./video/video-plan.ts";

/** From so many peers on they are spread over processes: more media than one thread can carry in time. */
const SPREAD_FROM = 5;
/** Fewer peers in a process are not worth it: each makes anew what all the others say, to compare with. */
const LEAST_PER_PROCESS = 2;
/** Clock estimates of short runs settle as far as they can: half of the run is left to be judged. */
const SETTLE_SHARE = 0.5;
/** Time that the estimates of clocks get before alignment is judged, ms. */
export const SETTLE_MS = 10_000;

/** One peer of a run. */
export interface PeerPlan {
  peerId: string;
  /** Place in the line-up, from 0; what it says follows from it. */
  index: number;
  /** Its wall clock minus true time at the beginning, ms. */
  offsetMs: number;
  /** > 0: its clocks run fast, its microphone among them. */
  skewPpm: number;
  /** Says nothing of its own and sends everybody the mix of the others. */
  bridges: boolean;
  /** Reads all others aligned and mixes them. */
  mixes: boolean;
}

/** What every process of a run must know. */
export interface RunPlan {
  origin: RunOrigin;
  peers: readonly PeerPlan[];
  /** WAV files that the peers play in turn; none: synthetic voices. */
  wavs: readonly string[];
  clicks: boolean;
  /** Length of the Opus frames that the peers send. */
  frameMs: FrameMs;
  signalingUrl: string;
  lan: boolean;
  recordDir: string | undefined;
  /** From the connection of a pair on, its capture times are judged after so long, ms. */
  settleMs: number;
  /** Settings of the network trouble between the peers, as given; undefined: none. */
  impair: string | undefined;
  /** What the peers show; undefined: sound only. */
  video: VideoPlan | undefined;
}

/** The peers that `options` ask for. */
export function lineUp({ peers, mix, clockOffsetMs, skewPpm }: DemoOptions): PeerPlan[] {
  return PEER_NAMES.slice(0, peers).map((peerId, index) => ({
    peerId,
    index,
    ...clockErrorOf(index, peers, { offsetMs: clockOffsetMs, skewPpm }),
    bridges: mix !== "none" && index === 0,
    mixes: mix === "all" || (mix === "first" && index === 0),
  }));
}

/** How long capture times settle in a run of `seconds` of talk; undefined: without end. */
export function settleMsOf(seconds: number | undefined): number {
  return Math.min(SETTLE_MS, (seconds ?? Infinity) * 1000 * SETTLE_SHARE);
}

/**
 * The peers of each process of its own; none: all of them live in the first process. A bridge has one to itself, since
 * everybody waits for what it sends; the others are dealt to as many as there are cores. With video that is worth it from
 * two peers on: the codecs of a process share a thread.
 *
 * @param cores of this machine; more processes would only take turns on them
 */
export function spread(peers: readonly PeerPlan[], cores: number, withVideo = false): PeerPlan[][] {
  if (withVideo ? cores < 2 : peers.length < SPREAD_FROM) return [];
  const bridges = peers.filter(({ bridges }) => bridges).map((peer) => [peer]);
  const others = peers.filter(({ bridges }) => !bridges);
  const most = withVideo ? others.length : Math.floor(others.length / LEAST_PER_PROCESS);
  const count = Math.max(2, Math.min(cores, most));
  const hands = Array.from({ length: count }, (_, i) =>
    others.slice(Math.round((i * others.length) / count), Math.round(((i + 1) * others.length) / count)),
  );
  return [...bridges, ...hands];
}

/** The channels of the recordings of those who read aligned: all others, in the order of the line-up. */
export function alignedChannels(peers: readonly PeerPlan[]): Record<string, string[]> {
  const names = peers.map(({ peerId }) => peerId);
  const readers = peers.filter(({ mixes }) => mixes).map(({ peerId }) => peerId);
  return Object.fromEntries(readers.map((reader) => [reader, names.filter((name) => name !== reader)]));
}
