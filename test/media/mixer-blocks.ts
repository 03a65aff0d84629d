// Blocks for a conference mixer, and who hears what of its mixes.
import { expect } from "vitest";
import type { MixedBlock } from "../../src/media/conference-mixer.ts";
import type { AlignedBlock } from "../../src/sync/aligned-blocks.ts";

export const RATE = 48_000;
export const FRAME_MS = 20;
/** Of a block of one channel. */
export const SAMPLES = 960;
export const BLOCK_US = FRAME_MS * 1000;
export const START_US = 1_700_000_000_000_000;

export const silence = new Float32Array(SAMPLES);

/** One of a series of blocks: for every peer its samples, or a whole signal of which the block is a part. */
export function block(sounds: Readonly<Record<string, Float32Array>>, number = 0): AlignedBlock {
  const peers = Object.entries(sounds).map(([peerId, sound]) => ({
    peerId,
    samples: sound.length === SAMPLES ? sound : sound.slice(number * SAMPLES, (number + 1) * SAMPLES),
    mask: new Uint8Array(SAMPLES).fill(1),
    gapQuality: null,
    errorUs: 100,
  }));
  return { captureUs: START_US + number * BLOCK_US, peers, missing: [], behind: [], unsynced: [] };
}

/** What one listener hears, which is in one mix only. */
export function heard({ mixes }: MixedBlock, listener: string): Float32Array {
  const own = mixes.filter(({ listeners }) => listeners.includes(listener));
  expect(own.length).toBe(1);
  return own[0]?.samples ?? new Float32Array(0);
}

/** Who shares a mix with whom. */
export function groups({ mixes }: MixedBlock): string[][] {
  return mixes.map(({ listeners }) => listeners);
}
