// The port of the media engine: packets and clock reports of every peer go in, decoded and aligned audio comes out, and
// coded pictures in their turn. Types only. The same engine runs in the thread of its caller or in a worker; what it does is
// the same.
import type { TransportError } from "../../errors/errors.ts";
import type { EncodedAudioFrame } from "../../platform/platform.ts";
import type { AudioFrame } from "../../runtime/data.ts";
import type { AlignedBlock, AlignedBlocksOptions } from "../../sync/aligned-blocks.ts";
import type { ClockExchange } from "../../sync/clock-offset.ts";
import type { SyncOptions } from "../../sync/sync-config.ts";
import type {
  Media,
  RtcpSenderReport,
  SyncBeacon,
  SyncedVideoFrame,
  SyncState,
} from "../../sync/sync-types.ts";
import type { ReceiverClock, ReceiverCounters } from "./receiver-stats.ts";

/** A frame of the live path before a reader has added what that reader misses. */
export type LiveAudioFrame = Omit<AudioFrame, "missingBefore">;

/** Settings of an engine, for all its streams. Plain data, so that it may travel to a worker. */
export interface EngineConfig {
  /** Of decoded audio. */
  channels: 1 | 2;
  /** Jitter buffer, drift correction and report interval of every stream. */
  sync: SyncOptions;
  /** Receiver's wall clock minus its local monotonic clock, ms. */
  wallOffsetMs: number;
}

/** What may change while streams run. */
export interface EngineChanges {
  /** 50 to 200, at most maxJitterBufferMs. */
  jitterBufferSizeMs: number;
}

/** What was negotiated for the packets of a link; 0 where there is nothing. */
export interface NegotiatedAudio {
  /** Payload type of Opus. */
  payloadType: number;
  /** Header extension id of abs-capture-time. */
  captureTimeId: number;
}

/** A coded picture that needs nothing but those handed over before it. */
export interface CodedVideoFrame {
  readonly ssrc: number;
  readonly rtpTimestamp: number;
  /** Of its first packet; null where the platform hides it. */
  readonly rtpSequence: number | null;
  readonly data: Uint8Array;
  readonly isKeyframe: boolean;
  readonly width: number;
  readonly height: number;
  /** When it was complete, local monotonic ms. */
  readonly arrivalMs: number;
  /** Capture on the sender's clock, Unix us, where the stream says so. */
  readonly captureUs: number | undefined;
}

/** What one peer's media tells. No callback may throw. */
export interface PeerStreamEvents {
  /** A frame of the live path, in order, at its time. Its samples are to be read during the call, not kept. */
  frame(frame: LiveAudioFrame): void;
  /** A coded picture in its turn: its one plane is the `data` handed over, and belongs to the callee. */
  picture(picture: SyncedVideoFrame): void;
  /** Capture times have become better or worse known. */
  syncState(state: SyncState): void;
  /** Something of the peer's cannot be understood; the stream goes on. */
  fault(error: TransportError): void;
}

/** Counters of one peer's media, and what is known of its clocks. */
export type AudioStreamStats = Readonly<ReceiverCounters & ReceiverClock>;

/**
 * One peer's media on its way in: its audio, and its video in step with that. Times are local monotonic ms of the thread
 * that calls.
 */
export interface PeerStream {
  /** Names the stream among those of its engine. */
  readonly id: number;
  /** Take a whole RTP packet; it belongs to the engine from now on. */
  receiveRtp(packet: Uint8Array, arrivalMs: number, negotiated: NegotiatedAudio): void;
  /** Take a frame that the platform has taken out of its packet. */
  receiveFrame(frame: EncodedAudioFrame): void;
  /** Take a coded picture; it belongs to the engine from now on. */
  receivePicture(picture: CodedVideoFrame): void;
  addSenderReport(media: Media, report: RtcpSenderReport, receivedAtMs: number): void;
  addBeacon(beacon: SyncBeacon, receivedAtMs: number): void;
  addClockExchange(exchange: ClockExchange): void;
  /** Delay of the sender's encoder, samples at 48 kHz. */
  setSenderLookahead(samples: number): void;
  /** As of now, or at most a quarter of a second old where the engine runs elsewhere. */
  stats(): AudioStreamStats;
  /** Idempotent; {@link PeerStream.stats} stays as it was. */
  close(): void;
}

/** Settings of one aligned reading of all streams. Plain data. */
export type AlignedReaderOptions = Omit<AlignedBlocksOptions, "wallOffsetMs" | "arena">;

/** One reading under way. */
export interface AlignedReader {
  /** No block follows. Idempotent. */
  close(): void;
}

/** See the header. Close it to free decoders, memory and threads. */
export interface MediaEngine {
  readonly host: "inline" | "worker";
  /** Begin to receive a peer; one stream per link. */
  openStream(peerId: string, events: PeerStreamEvents): PeerStream;
  /**
   * Begin to read the streams, present and later ones, aligned on one grid of capture times.
   *
   * @param onBlock must not throw; owns the block
   * @throws TransportError `INVALID_CONFIG` for an option out of range
   */
  openReader(options: AlignedReaderOptions, onBlock: (block: AlignedBlock) => void): AlignedReader;
  configure(changes: EngineChanges): void;
  close(): void;
}
