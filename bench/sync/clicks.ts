// Clicks that several recorders hear at the same moments, and where they lie in aligned blocks.
import { AlignedBlocks } from "../../src/sync/aligned-blocks.ts";
import type { SyncedAudioFrame } from "../../src/sync/sync-types.ts";
import type { Truth } from "./alignment-room.ts";
import { WALL_OFFSET_MS } from "./row-errors.ts";

/** Samples a second of the blocks. */
export const RATE = 48_000;
const CLICK_MS = 250;
/** Clicks before are not looked at: senders appear, reports come. */
const CLICKS_FROM_MS = 6000;
/** A Gauss curve this wide has nothing above 5 kHz. */
const CLICK_WIDTH_MS = 0.2;
/** The sum of its samples. */
const CLICK_SUM = (Math.sqrt(Math.PI) * CLICK_WIDTH_MS * RATE) / 1000;

/** Recorders that hear the same clicks, and where those lie in the blocks. */
export class Clicks {
  readonly #blocks = new AlignedBlocks({ wallOffsetMs: WALL_OFFSET_MS });
  /** By click and recorder: sum of the samples, and of samples times their ms since the click. */
  readonly #sums = new Map<number, { sum: number; moment: number }[]>();
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
    for (let peer = 0; peer < count; peer++) this.#blocks.addPeer(String(peer));
  }

  push(peer: number, captureMs: number, ppm: number, frame: SyncedAudioFrame<Truth>, nowMs: number): void {
    this.#blocks.push(String(peer), { ...frame, samples: recorded(captureMs, ppm) }, nowMs);
  }

  pull(nowMs: number): void {
    for (let block = this.#blocks.pull(nowMs); block !== undefined; block = this.#blocks.pull(nowMs)) {
      const fromMs = block.captureUs / 1000 - WALL_OFFSET_MS;
      block.peers.forEach(({ samples }, peer) => {
        samples.forEach((sample, i) => {
          if (Math.abs(sample) > 1e-4) this.#add(peer, fromMs + (i * 1000) / RATE, sample);
        });
      });
    }
  }

  /** How far apart each click lies, for clicks that every recorder has whole. */
  spreads(): { atMs: number; ms: number }[] {
    return [...this.#sums].flatMap(([click, sums]) => {
      if (click * CLICK_MS < CLICKS_FROM_MS || sums.some(({ sum }) => Math.abs(sum / CLICK_SUM - 1) > 0.01))
        return [];
      const places = sums.map(({ sum, moment }) => moment / sum);
      return [{ atMs: click * CLICK_MS, ms: Math.max(...places) - Math.min(...places) }];
    });
  }

  close(): void {
    this.#blocks.close();
  }

  #add(peer: number, atMs: number, sample: number): void {
    const click = Math.round(atMs / CLICK_MS);
    const fresh = Array.from({ length: this.#count }, () => ({ sum: 0, moment: 0 }));
    const sums = this.#sums.get(click) ?? fresh;
    this.#sums.set(click, sums);
    const own = sums[peer];
    if (own === undefined) return;
    own.sum += sample;
    own.moment += sample * (atMs - click * CLICK_MS);
  }
}

const SILENCE = new Float32Array(960);

/** A frame of the click track, as a sound card that is `ppm` fast records it. */
function recorded(captureMs: number, ppm: number): Float32Array {
  const click = Math.round((captureMs + 10) / CLICK_MS) * CLICK_MS;
  if (click < captureMs - 5 || click > captureMs + 25) return SILENCE;
  const perMs = (RATE / 1000) * (1 + ppm * 1e-6);
  return Float32Array.from({ length: 960 }, (_, i) => {
    const sinceMs = captureMs + i / perMs - click;
    return Math.exp(-((sinceMs / CLICK_WIDTH_MS) ** 2));
  });
}

/** By how many samples a click is off when each frame is copied to the sample nearest to its label. */
export function roundedShift(atMs: number, startMs: number, ppm: number): number {
  const rate = (RATE / 1000) * (1 + ppm * 1e-6);
  const sample = (atMs - startMs) * rate;
  const first = Math.floor(sample / 960) * 960;
  const place = (startMs + first / rate) * (RATE / 1000);
  return Math.round(place) + (sample - first) - atMs * (RATE / 1000);
}

/** A frame whose label is true. */
export function exactFrame(captureMs: number, index: number): SyncedAudioFrame<Truth> {
  return {
    samples: { captureMs, index },
    sampleRate: RATE,
    channels: 1,
    wallClockTimestampUs: (captureMs + WALL_OFFSET_MS) * 1000,
    wallClockErrorUs: 0,
    timelineEpoch: 0,
    rtpTimestamp: (index * 960) >>> 0,
    bufferDelayMs: 0,
    syncConfidence: 1,
    clockDriftPpm: 0,
    playbackRatio: 1,
    stretchMs: 0,
    lostBefore: 0,
    quality: "received",
  };
}
