// The platform-free surface, exported as "./core": everything but a platform. The entry points for Node and for
// browsers export the same names with their platform filled in.
export { WebRtcTransport } from "./transport/webrtc-transport.ts";
export type { AlignedFrameOptions, AlignedFrames } from "./transport/aligned-readers.ts";
export type { BroadcastOptions, BroadcastStats } from "./transport/broadcast.ts";
export type { ConnectionState, PeerInfo, TransportEvents, TransportState } from "./transport/events.ts";
export type { FrameOptions } from "./transport/frame-readers.ts";
export type { FlushOptions } from "./transport/outbox.ts";
export type { FlushResult } from "./transport/outgoing-audio.ts";
export type { PictureOptions } from "./transport/picture-readers.ts";
export type { PeerStats, PeerVideoStats, TransportStats } from "./transport/stats.ts";
export type { TransportSession } from "./transport/session-room.ts";
export type { StreamOptions } from "./transport/stream-options.ts";
export type { SessionAudioFormat } from "./transport/session-feed.ts";
export type { OutgoingVideoStats } from "./transport/outgoing-video.ts";
export type {
  InboundVideoStats,
  OutboundVideoStats,
  RemoteInboundVideoStats,
  VideoStats,
} from "./transport/video-report.ts";
export type {
  CandidatePairStats,
  DataChannelStats,
  InboundRtpStats,
  OutboundRtpStats,
  PeerStatsEntry,
  RemoteInboundRtpStats,
  RemoteOutboundRtpStats,
} from "./transport/stats-report.ts";
export type { ConnectionQualityMetrics } from "./peer/quality.ts";

export { resolveConfig, validateConfig } from "./config/config.ts";
export type {
  AssetConfig,
  AudioConfig,
  ConfigIssue,
  ConfigOptions,
  TurnServer,
  TurnServers,
  VideoConfig,
  WebRtcTransportConfig,
  WebRtcTransportOptions,
} from "./config/config.ts";
export type { VideoResolution } from "./config/resolution.ts";
export { highQualityPreset, lowLatencyPreset, mobileNetworkPreset } from "./config/presets.ts";

export { ERROR_CODES } from "./errors/codes.ts";
export type { ErrorCode, ErrorKind } from "./errors/codes.ts";
export { TransportError } from "./errors/errors.ts";
export type { TransportErrorOptions } from "./errors/errors.ts";

export type {
  AudioData,
  AudioFrame,
  AudioQuality,
  BinaryData,
  ControlData,
  DataChannelMessage,
  JsonData,
  JsonObject,
  JsonValue,
  PictureFrame,
  PixelFormat,
  Rotation,
  RuntimeData,
  TransportData,
  TensorData,
  TensorElement,
  TextData,
  VideoData,
} from "./runtime/data.ts";
export type * from "./runtime/control-action.ts";
export type { CallOptions } from "./runtime/call.ts";
export type { EventSource } from "./runtime/emitter.ts";
export type { Logger, LogLevel } from "./runtime/logger.ts";
export type { Clock, LocalMs, WallMs } from "./runtime/time.ts";
export type * from "./platform/platform.ts";
export type { VideoCodecName } from "./platform/video-codecs.ts";

export type { OpenPipelineOptions, PipelineRunnerOptions } from "./pipeline/runner.ts";
export type { PipelineExecution, PipelineMetrics } from "./pipeline/execution.ts";
export type { NodeMetrics } from "./pipeline/node-metrics.ts";
export type { PipelineInput } from "./pipeline/transport-data.ts";
export type { ValidManifest } from "./pipeline/validate-manifest.ts";
export type { BackgroundBlurOptions, Segmentation } from "./pipeline/nodes/background-blur.ts";
export type * from "./pipeline/manifest.ts";
export type * from "./pipeline/node.ts";
export type { OutputRoute, RoutingPolicy } from "./session/routing.ts";
export type { QualityTier, TierDefinition, TierSource } from "./session/quality-tiers.ts";
export type { SessionEvent, SessionState } from "./session/session-events.ts";
export type { SessionMetrics } from "./session/session-counters.ts";
export type { StreamSession } from "./session/stream-session.ts";

export { SignalingClient } from "./signaling/signaling.ts";
export type * from "./platform/signaling-channel.ts";

export { SyncManager } from "./sync/sync-manager.ts";
export type { SyncConfig, SyncManagerOptions, SyncOptions } from "./sync/sync-config.ts";
export type { ClockExchange, ClockOffset } from "./sync/clock-offset.ts";
export type * from "./sync/sync-types.ts";
export { AlignedRows } from "./sync/aligned-rows.ts";
export type { AlignedRow, AlignedRowsOptions, RowStatus } from "./sync/aligned-rows.ts";
export { AlignedBlocks } from "./sync/aligned-blocks.ts";
export type { AlignedBlock, AlignedBlocksOptions, AlignedPeerBlock } from "./sync/aligned-blocks.ts";

export { ConferenceMixer } from "./media/conference-mixer.ts";
export type {
  ConferenceMix,
  ConferenceMixerOptions,
  MixedBlock,
  MixOptions,
} from "./media/conference-mixer.ts";
export { ActiveSpeakerDetector } from "./media/active-speaker.ts";
export type { ActiveSpeakerChange, ActiveSpeakerOptions } from "./media/active-speaker.ts";
export type { AudioLevel } from "./media/audio-level.ts";

export { Arena } from "./wasm/arena.ts";
export type { ArenaOptions } from "./wasm/arena.ts";
export { JitterBuffer } from "./wasm/jitter-buffer.ts";
export type {
  BufferedPacket,
  BufferStats,
  InsertStatus,
  JitterBufferOptions,
  JitterBufferStatistics,
} from "./wasm/jitter-buffer.ts";
export { PacketWriter } from "./wasm/packet-ring.ts";
export type { PacketRing } from "./wasm/packet-ring.ts";
export { ClockDriftEstimator } from "./wasm/clock-drift.ts";
export type { ClockDriftEstimate, ClockDriftOptions, DriftAction } from "./wasm/clock-drift.ts";
export { DriftResampler } from "./wasm/pcm.ts";
export type { DriftResamplerOptions } from "./wasm/pcm.ts";
export { AudioMixer } from "./wasm/audio-mixer.ts";
export type { AudioMixerOptions } from "./wasm/audio-mixer.ts";
export { f32ToS16, s16ToF32 } from "./wasm/sample-format.ts";
export { TimeScaler } from "./wasm/time-scale.ts";
export type { ScaledBlock, TimeScalerOptions } from "./wasm/time-scale.ts";
export { RtpTimestamp } from "./wasm/rtp-clock.ts";
export type { WallClockReference } from "./wasm/rtp-clock.ts";
export { loadOpus } from "./codecs/opus.ts";
export { ntpToUs } from "./rtp/ntp.ts";
export { buildRtp, parseRtp } from "./rtp/packet.ts";
export type { RtpPacket, RtpPacketFields, RtpRefusal } from "./rtp/packet.ts";
