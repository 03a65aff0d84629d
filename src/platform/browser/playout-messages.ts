// The language between AudioPlayout and its worklet. Types and names only.
import type { PlayoutStreamStats } from "./playout-stream.ts";

/** Name under which the worklet registers its processor. */
export const PLAYOUT_PROCESSOR = "remotemedia-playout";

/** `processorOptions` of the worklet node. */
export interface PlayoutProcessorOptions {
  targetMs: number;
  /** Where samples come in records; undefined: they come in messages. */
  ring: SharedArrayBuffer | undefined;
}

/** From the page to the worklet. */
export type PlayoutCommand =
  | { type: "push"; peerId: string; samples: Float32Array; channels: number; sampleRate: number }
  /** Records with this number belong to a peer. Numbers grow. */
  | { type: "number"; peerId: string; number: number }
  | { type: "gain"; peerId: string; gain: number }
  | { type: "remove"; peerId: string }
  | { type: "close" };

/** From the worklet to the page, a few times a second: counters by peer. */
export type PlayoutReport = Record<string, PlayoutStreamStats>;
