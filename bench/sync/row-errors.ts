// Rooms of senders behind simulated paths, and how far apart the frames of aligned rows really were captured: by our
// labels, by labels made from arrivals, and by plain sender reports.
import { AlignedRows } from "../../src/sync/aligned-rows.ts";
import type { SyncedAudioFrame } from "../../src/sync/sync-types.ts";
import type { LinkModelOptions } from "../../src/testing/link-model.ts";
import { linkPresets } from "../../src/testing/link-presets.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { playRoom } from "./alignment-room.ts";
import type { SenderFacts, Truth } from "./alignment-room.ts";

/** Wall clock minus local clock of the listener, ms. */
export const WALL_OFFSET_MS = 1_767_225_600_000;
/** Rooms for every figure. */
export const SEEDS = 20;
/** Sound cards are up to this much fast or slow. */
export const MAX_MEDIA_PPM = 200;
const MAX_WALL_PPM = 200;
const MAX_OFFSET_MS = 500;
const PEERS = 4;
const SECONDS = 40;

/** Errors of pairs of frames in one row, ms, and of single labels. */
export interface RowErrors {
  pairs: number[];
  byArrival: number[];
  byReports: number[];
  labels: number[];
  bounds: number[];
  pushed: number;
  late: number;
}

/** The paths of a room: both directions of one peer. */
export type Paths = (
  random: SeededRandom,
  peer: number,
) => readonly [down: LinkModelOptions, up: LinkModelOptions];

const symmetric =
  (preset: LinkModelOptions, delayMs: (random: SeededRandom, peer: number) => number): Paths =>
  (random, peer) => {
    const options = { ...preset, delayMs: delayMs(random, peer) };
    return [options, options];
  };

const between = (least: number, most: number) => (random: SeededRandom) =>
  least + (most - least) * random.next();

export const WIFI_PATHS = symmetric(linkPresets.wifi, between(20, 80));
export const LAN_PATHS = symmetric(linkPresets.lan, between(0.3, 1));
export const NEAR_AND_FAR = symmetric(linkPresets.wifi, (_, peer) => (peer % 2 === 0 ? 20 : 150));
export const CROOKED_PATHS: Paths = (random) => [
  { ...linkPresets.wifi, delayMs: between(10, 120)(random) },
  { ...linkPresets.wifi, delayMs: between(10, 120)(random) },
];

export function sendersOf(paths: Paths, random: SeededRandom, count: number): SenderFacts[] {
  const around = (most: number): number => (2 * random.next() - 1) * most;
  return Array.from({ length: count }, (_, peer) => {
    const [down, up] = paths(random, peer);
    return {
      down,
      up,
      wallOffsetMs: around(MAX_OFFSET_MS),
      wallPpm: around(MAX_WALL_PPM),
      mediaPpm: around(MAX_MEDIA_PPM),
    };
  });
}

const errorMs = ({ wallClockTimestampUs, samples }: SyncedAudioFrame<Truth>): number =>
  wallClockTimestampUs / 1000 - WALL_OFFSET_MS - samples.captureMs;

/** Rows of many rooms; counted once every peer in the row is `synced`. */
export function rowErrors(paths: Paths, maxAlignDelayMs = 300): RowErrors {
  const errors: RowErrors = {
    pairs: [],
    byArrival: [],
    byReports: [],
    labels: [],
    bounds: [],
    pushed: 0,
    late: 0,
  };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const senders = sendersOf(paths, new SeededRandom(`senders ${seed}`), PEERS);
    const rows = new AlignedRows<Truth>({ wallOffsetMs: WALL_OFFSET_MS, maxAlignDelayMs });
    senders.forEach((_, peer) => {
      rows.addPeer(String(peer));
    });
    const found: [number, number, number][] = [];
    const tick = (nowMs: number): void => {
      for (let row = rows.pull(nowMs); row !== undefined; row = rows.pull(nowMs)) {
        const { frames } = row;
        if (frames.some(([, { syncConfidence }]) => syncConfidence < 1)) continue;
        frames.forEach(([a, frameA], i) => {
          for (const [b, frameB] of frames.slice(i + 1)) {
            found.push([Number(a), Number(b), Math.abs(errorMs(frameA) - errorMs(frameB))]);
          }
        });
      }
    };
    const records = playRoom(
      { senders, seed, seconds: SECONDS, wallOffsetMs: WALL_OFFSET_MS, tick },
      (peer, frame, nowMs) => {
        rows.push(String(peer), frame, nowMs, 20);
        if (frame.syncConfidence < 1 || frame.wallClockErrorUs === null) return;
        errors.labels.push(Math.abs(errorMs(frame)));
        errors.bounds.push(frame.wallClockErrorUs / 1000);
      },
    );
    for (const [a, b, apartMs] of found) {
      errors.pairs.push(apartMs);
      errors.byArrival.push(Math.abs((records[a]?.firstTransitMs ?? 0) - (records[b]?.firstTransitMs ?? 0)));
      errors.byReports.push(Math.abs((senders[a]?.wallOffsetMs ?? 0) - (senders[b]?.wallOffsetMs ?? 0)));
    }
    for (const peer of senders.keys()) {
      errors.pushed += rows.getCounters(String(peer))?.pushed ?? 0;
      errors.late += rows.getCounters(String(peer))?.late ?? 0;
    }
    rows.close();
  }
  return errors;
}
