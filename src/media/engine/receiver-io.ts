// What a receiver is told and what it yields. Types only.
import type { OpusDecoder } from "../../codecs/opus.ts";
import type { EncodedAudioFrame } from "../../platform/platform.ts";
import type { ClockExchange } from "../../sync/clock-offset.ts";
import type { SyncOptions } from "../../sync/sync-config.ts";
import type {
  Media,
  RtcpSenderReport,
  SyncBeacon,
  SyncState,
  SyncedAudioFrame,
  SyncedVideoFrame,
} from "../../sync/sync-types.ts";
import type { CodedVideoFrame, LiveAudioFrame } from "./engine.ts";

/** Options of a receiver. */
export interface ReceiverOptions {
  peerId: string;
  /** Receiver's wall clock minus its local monotonic clock, ms. */
  wallOffsetMs: number;
  sync: SyncOptions;
}

/** What a receiver is told. */
export type ReceiverInput =
  /** A whole RTP packet, owned from now on; 0 where nothing was negotiated. */
  | { type: "rtp"; packet: Uint8Array; arrivalMs: number; payloadType: number; captureTimeId: number }
  /** A frame that the platform has taken out of its packet. */
  | { type: "frame"; frame: EncodedAudioFrame }
  | { type: "picture"; picture: CodedVideoFrame }
  | { type: "sender-report"; media: Media; report: RtcpSenderReport; receivedAtMs: number }
  | { type: "beacon"; beacon: SyncBeacon; receivedAtMs: number }
  | { type: "exchange"; exchange: ClockExchange }
  /** Delay of the sender's encoder, at 48 kHz. */
  | { type: "lookahead"; samples: number }
  /** The decoder to use, once; until then packets wait. It stays the property of the caller. */
  | { type: "decoder"; decoder: OpusDecoder }
  | { type: "configure"; jitterBufferSizeMs: number };

/** What a receiver yields. The samples of a frame are valid until the next poll. */
export type ReceiverOutput =
  /** As captured, neither stretched nor resampled. Comes before the live frame made of the same samples. */
  | { type: "decoded"; frame: SyncedAudioFrame }
  /** `decoded`: the samples it was made of. */
  | { type: "live"; frame: LiveAudioFrame; decoded: Float32Array }
  /** A coded picture in its turn. */
  | { type: "picture"; frame: SyncedVideoFrame }
  | { type: "sync-state"; state: SyncState }
  /** A second of packets in a row could not be decoded. */
  | { type: "undecodable"; failures: number };
