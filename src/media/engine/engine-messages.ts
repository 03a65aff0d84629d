// The language between a media engine's two threads: what is too rare for records. All plain data.
import { TransportError } from "../../errors/errors.ts";
import type { ErrorCode } from "../../errors/codes.ts";
import type { JsonObject } from "../../runtime/data.ts";
import type { ClockRelation } from "../../runtime/related-clock.ts";
import type { ClockExchange } from "../../sync/clock-offset.ts";
import type {
  Media,
  RtcpSenderReport,
  SyncBeacon,
  SyncedVideoFrame,
  SyncState,
} from "../../sync/sync-types.ts";
import type { Notice } from "./record-channels.ts";
import type {
  AlignedReaderOptions,
  AudioStreamStats,
  CodedVideoFrame,
  EngineChanges,
  EngineConfig,
} from "./engine.ts";

/** Rings in shared memory: packets in, sound out. */
export interface EngineRings {
  packets: SharedArrayBuffer;
  sound: SharedArrayBuffer;
}

/** To the worker. */
export type EngineCommand =
  /** First and once; answered by `ready` or `failed`. Without rings, records come in blocks. */
  | { type: "start"; config: EngineConfig; clock: ClockRelation; rings: EngineRings | undefined }
  | { type: "open-stream"; stream: number; peerId: string }
  /** Answered by the stream's last `stats`. */
  | { type: "close-stream"; stream: number }
  | { type: "open-reader"; reader: number; options: AlignedReaderOptions }
  | { type: "close-reader"; reader: number }
  | { type: "picture"; stream: number; picture: CodedVideoFrame }
  | { type: "sender-report"; stream: number; media: Media; report: RtcpSenderReport; receivedAtMs: number }
  | { type: "beacon"; stream: number; beacon: SyncBeacon; receivedAtMs: number }
  | { type: "exchange"; stream: number; exchange: ClockExchange }
  | { type: "lookahead"; stream: number; samples: number }
  | { type: "configure"; changes: EngineChanges }
  /** There are packets. */
  | Notice
  /** Somebody wants `stats`, for the next seconds. */
  | { type: "watch" }
  /** Answered by the last `stats` of all streams and `closed`. */
  | { type: "close" };

/** From the worker. */
export type EngineReport =
  | { type: "ready" }
  | { type: "failed"; error: ErrorMessage }
  | { type: "picture"; stream: number; picture: SyncedVideoFrame }
  | { type: "sync-state"; stream: number; state: SyncState }
  | { type: "fault"; stream: number; error: ErrorMessage }
  | { type: "stats"; streams: StreamSnapshot[] }
  /** There is sound. */
  | Notice
  | { type: "closed" };

/** Counters of one stream at a moment. */
export interface StreamSnapshot {
  stream: number;
  /** Packets of it that the worker has read so far. */
  taken: number;
  stats: AudioStreamStats;
}

/** The buffers of a picture that can move to the other thread: those that hold nothing else. */
export function movableBuffers(planes: readonly Uint8Array[]): ArrayBuffer[] {
  return planes.flatMap(({ buffer, byteLength }) =>
    buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [],
  );
}

/** A TransportError without its class, which does not travel. */
export interface ErrorMessage {
  code: ErrorCode;
  message: string;
  suggestion: string;
  peerId: string | undefined;
  details: JsonObject | undefined;
}

/** Pack an error for the other thread. */
export function errorMessage({ code, message, suggestion, peerId, details }: TransportError): ErrorMessage {
  return { code, message, suggestion, peerId, details };
}

/** The error that was packed. */
export function unpackError({ code, message, ...options }: ErrorMessage): TransportError {
  return new TransportError(code, message, options);
}
