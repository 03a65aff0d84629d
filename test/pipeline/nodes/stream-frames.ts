// Frames of sound and pictures that arrive some time after their capture.
import type { RuntimeData, TransportData } from "../../../src/runtime/data.ts";
import type { OpenNode } from "./open-node.ts";

const CAPTURE_MS = 1_700_000_000_000;

/** A stream of frames. */
export interface FrameStream {
  readonly kind: "audio" | "video";
  readonly peer?: string;
  readonly streamId?: string;
  readonly everyMs?: number;
  readonly fromMs?: number;
  readonly toMs: number;
  /** From capture to arrival, ms. */
  readonly delayMs: (atMs: number) => number;
}

/** A frame, captured `atMs` after some beginning. */
export function frame(kind: "audio" | "video", atMs?: number, streamId?: string): RuntimeData {
  const place = {
    ...(atMs !== undefined && { timestampUs: (CAPTURE_MS + atMs) * 1000 }),
    ...(streamId && { streamId }),
  };
  return kind === "audio"
    ? { type: "audio", samples: new Float32Array(1), sampleRate: 48_000, channels: 1, ...place }
    : { type: "video", data: new Uint8Array(6), width: 2, height: 2, format: "I420", ...place };
}

/** Let them arrive, one after the other by time. @returns what came out by them */
export function arrive<Params extends object>(
  node: OpenNode<Params>,
  streams: readonly FrameStream[],
): TransportData[] {
  const frames = streams.flatMap(({ kind, peer = "a", streamId, everyMs = 20, fromMs = 0, toMs, delayMs }) =>
    Array.from({ length: Math.ceil((toMs - fromMs) / everyMs) }, (_, i) => {
      const atMs = fromMs + i * everyMs;
      return { dueMs: atMs + delayMs(atMs), data: frame(kind, atMs, streamId), peer };
    }),
  );
  frames.sort((a, b) => a.dueMs - b.dueMs);
  return frames.flatMap(({ dueMs, data, peer }) => {
    node.nowMs = 10_000 + dueMs;
    return node.send(data, { source_peer: peer });
  });
}

/** The values of JSON outputs. */
export function values(outputs: readonly TransportData[]): unknown[] {
  return outputs.map(({ data }) => (data.type === "json" ? data.value : data));
}
