// What listeners hear of a block: everybody but themselves, louder sums bent or cut off. Pure; reads no clock.
import { ConferenceMixer } from "../../media/conference-mixer.ts";
import type { ConferenceMix } from "../../media/conference-mixer.ts";
import type { MixerBlock } from "./mixer-grid.ts";

/** Listens and is not heard: gets the sum of all. No id of a peer. */
const EVERYBODY = "*";

/** Makes mixes of blocks. */
export interface Mixes {
  /**
   * For every row a mix of the others.
   * @returns each row listens to exactly one; those that are silent share one. Fresh, in [-1, 1]
   */
  minusOne(block: MixerBlock): readonly ConferenceMix[];
  /** The sum of all rows; fresh, in [-1, 1]. */
  all(block: MixerBlock): Float32Array;
  /** Give the memory back. Idempotent. */
  close(): void;
}

/**
 * Mixes over WebAssembly: sums beyond -3 dBFS are bent to stay within full scale; who stays below -60 dBFS for a second
 * is left out, and comes in over a block.
 * @throws TransportError `LIMIT_EXCEEDED` without memory for it
 */
export function softMixes(sampleRate: number, frameMs: number): Mixes {
  const mixer = new ConferenceMixer({ sampleRate, frameMs });
  const mask = new Uint8Array(0);
  const mix = ({ timestampUs, rows }: MixerBlock, listeners: readonly string[]): readonly ConferenceMix[] => {
    const peers = [...rows].map(([peerId, samples]) => ({
      peerId,
      samples,
      mask,
      gapQuality: null,
      errorUs: null,
    }));
    const block = { captureUs: timestampUs, peers, missing: [], behind: [], unsynced: [] };
    return mixer.mix(block, { listeners }).mixes;
  };
  return {
    minusOne: (block) => mix(block, []),
    all: (block) =>
      mix(block, [EVERYBODY]).find(({ listeners }) => listeners.includes(EVERYBODY))?.samples ??
      new Float32Array(0),
    close: () => mixer.close(),
  };
}

/** Mixes that are plain sums, cut off at full scale. */
export function clampedMixes(): Mixes {
  return {
    minusOne: ({ rows }) => {
      const sum = sumOf(rows);
      const mixes: ConferenceMix[] = [];
      const silent: string[] = [];
      for (const [rowId, row] of rows) {
        if (row.every((sample) => sample === 0)) silent.push(rowId);
        else mixes.push({ samples: clamped(sum, row), listeners: [rowId] });
      }
      if (silent.length > 0) mixes.push({ samples: clamped(sum), listeners: silent });
      return mixes;
    },
    all: ({ rows }) => clamped(sumOf(rows)),
    close: () => undefined,
  };
}

/** In double precision, so that taking a row out again leaves nothing of it. */
function sumOf(rows: MixerBlock["rows"]): Float64Array {
  const sum = new Float64Array(rows.values().next().value?.length ?? 0);
  for (const row of rows.values()) {
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (row[i] as number);
  }
  return sum;
}

function clamped(sum: Float64Array, without?: Float32Array): Float32Array {
  const out = new Float32Array(sum.length);
  for (let i = 0; i < out.length; i++) {
    out[i] = Math.max(-1, Math.min(1, (sum[i] as number) - (without?.[i] ?? 0)));
  }
  return out;
}
