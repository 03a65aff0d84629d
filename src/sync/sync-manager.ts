// Synchronization of one peer: frames go in as they come and leave in their turn, each with the time at which it was
// captured, on our clock. Holds no timer and reads no clock; `nowMs` and `receivedAt` are local monotonic ms.
import { TransportError } from "../errors/errors.ts";
import type { ClockDriftEstimate } from "../wasm/clock-drift.ts";
import type { JitterBufferStatistics } from "../wasm/jitter-buffer.ts";
import { allOrNone } from "./all-or-none.ts";
import { AudioOutput } from "./audio-output.ts";
import { ClockOffset } from "./clock-offset.ts";
import type { ClockExchange } from "./clock-offset.ts";
import { checkAudioFrame, checkMs, checkSamples, checkVideoFrame } from "./frame-checks.ts";
import { LipSyncSteering } from "./lip-sync-steering.ts";
import { MediaLane, receiptOf } from "./media-lane.ts";
import type { LaneFrame } from "./media-lane.ts";
import { CaptureDelays, offsetBetween } from "./peer-offset.ts";
import type { OffsetFacts } from "./peer-offset.ts";
import { unixUsOf } from "./stream-clock.ts";
import { CONFIDENCE, peerState } from "./sync-state.ts";
import { DEFAULT_LOOKAHEAD_SAMPLES, resolveSyncConfig } from "./sync-config.ts";
import type { SyncConfig, SyncManagerOptions, SyncOptions } from "./sync-config.ts";
import type {
  FrameReceipt,
  Media,
  ReceivedAudioFrame,
  ReceivedVideoFrame,
  RtcpSenderReport,
  SyncBeacon,
  SyncState,
  SyncedAudioFrame,
  SyncedVideoFrame,
  TimestampOffset,
} from "./sync-types.ts";
import { VideoLane } from "./video-lane.ts";
import { VideoTiming } from "./video-timing.ts";

const SAMPLE_RATE = 48000;
const US_PER_MS = 1000;

/** Orders, paces and labels the media of one peer. `Payload` of audio frames that are no samples passes untouched. */
export class SyncManager<Payload = Float32Array> {
  readonly peerId: string;
  readonly config: SyncConfig;
  /** The peer's clock against ours; kept over {@link reset} of a medium. */
  readonly clockOffset = new ClockOffset();
  readonly #wallOffsetMs: number;
  #lookaheadUs = 0;
  readonly #audio: MediaLane<ReceivedAudioFrame<Payload>>;
  readonly #video: VideoLane;
  readonly #audioOutput: AudioOutput;
  readonly #videoTiming: VideoTiming;
  readonly #lipSync: LipSyncSteering;
  readonly #captureDelays = new CaptureDelays();
  #lastRtcpTimeMs: number | null = null;
  /** The last time told. */
  #nowMs = -Infinity;

  /**
   * @param peerId for the caller's own use; nothing here depends on it
   * @throws TransportError `INVALID_CONFIG` with all faults in `details.issues`, `INVALID_DATA` for an option that is no
   *   number, `LIMIT_EXCEEDED` when the arena is full, `NOT_SUPPORTED` without WebAssembly
   */
  constructor(peerId: string, config: SyncOptions = {}, options: SyncManagerOptions = {}) {
    this.peerId = peerId;
    this.config = resolveSyncConfig(config);
    const { wallOffsetMs = 0, arena, senderLookaheadSamples = DEFAULT_LOOKAHEAD_SAMPLES } = options;
    checkMs("wallOffsetMs", wallOffsetMs);
    this.setSenderLookahead(senderLookaheadSamples);
    this.#wallOffsetMs = wallOffsetMs;
    const lane = { peerId, config: this.config, wallOffsetMs, arena };
    [this.#audio, this.#video] = allOrNone(
      () => new MediaLane<ReceivedAudioFrame<Payload>>({ media: "audio", ...lane }),
      () => new VideoLane(lane),
    );
    this.#audioOutput = new AudioOutput(this.config, arena);
    this.#videoTiming = new VideoTiming(this.config.videoClockRate);
    const lanes = { audio: this.#audio, video: this.#video.lane };
    this.#lipSync = new LipSyncSteering({ ...lanes, config: this.config, wallOffsetMs });
  }

  /**
   * The delay of the sender's audio encoder has become known; capture times follow it.
   * @param samples at 48 kHz
   * @throws TransportError `INVALID_DATA` for a number below 0 or not finite
   */
  setSenderLookahead(samples: number): void {
    checkSamples("senderLookaheadSamples", samples);
    this.#lookaheadUs = (samples * 1e6) / SAMPLE_RATE;
  }

  /**
   * Change the target delay of both media: in fixed mode for good, in adaptive mode where it goes on from.
   * @param ms 50 to `maxJitterBufferMs`
   * @throws TransportError `INVALID_CONFIG` for another value
   */
  setJitterBufferSize(ms: number): void {
    resolveSyncConfig({ ...this.config, jitterBufferSizeMs: ms });
    for (const lane of [this.#audio, this.#video.lane]) lane.setSize(ms);
  }

  /**
   * Take in a frame of audio.
   * @returns what became of it. `reset`: its SSRC is new, or with it the sender's timeline jumped for the second time
   *   in a row; the medium begins anew
   * @throws TransportError `INVALID_DATA` when a field has the wrong form, `ALREADY_SHUTDOWN` after `close()`
   */
  processAudioFrame(frame: ReceivedAudioFrame<Payload>): FrameReceipt {
    checkAudioFrame(frame);
    const anew = this.#followSsrc("audio", frame.ssrc);
    const status = this.#audio.insert(frame, frame.rtpSequence);
    if (status === "reset") this.#restartAudio();
    return receiptOf(anew ? "reset" : status);
  }

  /**
   * Take in a frame of video. Frames are ordered and told apart by their RTP timestamps alone.
   * @returns see {@link processAudioFrame}
   * @throws TransportError as {@link processAudioFrame}
   */
  processVideoFrame(frame: ReceivedVideoFrame): FrameReceipt {
    checkVideoFrame(frame);
    const anew = this.#followSsrc("video", frame.ssrc);
    const status = this.#video.insert(frame);
    if (status === "reset") this.#restartVideo();
    return receiptOf(anew ? "reset" : status);
  }

  /** The next frame of audio in sequence order, if one is due; null else. O(1). */
  popNextAudioFrame(nowMs: number): SyncedAudioFrame<Payload> | null {
    checkMs("nowMs", nowMs);
    this.#nowMs = nowMs;
    const lane = this.#audio;
    const frame = lane.pop(nowMs);
    if (frame === undefined) return null;
    const { channels = 1 } = frame;
    const output = this.#audioOutput;
    if (output.isDue(nowMs)) output.follow(lane.drift.estimate(), nowMs);
    const stretchMs = output.begin(lane.ticks, lane.dueMs, nowMs);
    const samples = output.process(frame.samples, channels);
    const captureUs = this.#label(lane, this.#lookaheadUs + output.delayUs);
    this.#lipSync.follow("audio", captureUs, nowMs);
    this.#videoTiming.audioPlays(captureUs, nowMs);
    if (lane.clock.mapped) {
      const arrivalUs = (frame.receivedAt + this.#wallOffsetMs) * US_PER_MS;
      this.#captureDelays.add(lane.clock.wallUs(lane.ticks) - arrivalUs);
    }
    return {
      samples,
      sampleRate: SAMPLE_RATE,
      channels,
      wallClockTimestampUs: captureUs,
      wallClockErrorUs: this.#errorUs(lane, nowMs),
      timelineEpoch: lane.labels.epoch,
      rtpTimestamp: frame.rtpTimestamp,
      bufferDelayMs: lane.bufferDelayMs,
      syncConfidence: CONFIDENCE[this.getSyncState(nowMs)],
      clockDriftPpm: output.driftPpm,
      playbackRatio: output.ratio,
      stretchMs,
      lostBefore: lane.lostBefore,
      quality: "received",
    };
  }

  /** The next frame of video in order of its timestamps, if one is due; null else. */
  popNextVideoFrame(nowMs: number): SyncedVideoFrame | null {
    checkMs("nowMs", nowMs);
    this.#nowMs = nowMs;
    const { lane } = this.#video;
    const frame = this.#video.pop(nowMs);
    if (frame === undefined) return null;
    const captureUs = this.#label(lane, 0);
    this.#lipSync.follow("video", captureUs, nowMs);
    return {
      width: frame.width,
      height: frame.height,
      format: frame.format,
      planes: frame.planes,
      isKeyframe: frame.isKeyframe,
      wallClockTimestampUs: captureUs,
      wallClockErrorUs: this.#errorUs(lane, nowMs),
      timelineEpoch: lane.labels.epoch,
      rtpTimestamp: frame.rtpTimestamp,
      framerateEstimate: this.#videoTiming.framerate(lane.ticks),
      bufferDelayMs: lane.bufferDelayMs,
      audioSyncOffsetMs: this.#videoTiming.offsetMs(captureUs, nowMs),
      syncConfidence: CONFIDENCE[this.getSyncState(nowMs)],
    };
  }

  /** Local ms at which {@link popNextAudioFrame} will have a frame, as far as is known; Infinity when none waits. */
  get nextAudioDueMs(): number {
    return this.#audio.nextDueMs;
  }

  /** Local ms at which {@link popNextVideoFrame} will have a frame, as far as is known; Infinity when none waits. */
  get nextVideoDueMs(): number {
    return this.#video.nextDueMs;
  }

  /**
   * Take in a sender report. Which medium it is about follows from its SSRC; `media` says so while no frame has told.
   * @returns false for one that says nothing: about another stream, older than the last, or without a time
   * @throws TransportError `INVALID_DATA` when `receivedAtMs` is not finite
   */
  updateRtcpSenderReport(report: RtcpSenderReport, receivedAtMs: number, media?: Media): boolean {
    checkMs("receivedAtMs", receivedAtMs);
    this.#nowMs = receivedAtMs;
    const lane = this.#laneOf(report.ssrc, media);
    const us = unixUsOf(report.ntpTimestamp);
    if (lane === undefined || us === undefined) return false;
    this.#lastRtcpTimeMs = receivedAtMs;
    if (!lane.clock.addReport(report.rtpTimestamp, us)) return false;
    lane.noteReport(receivedAtMs);
    if (!lane.clock.hasBeacons) this.#observeCapture(lane, report.rtpTimestamp, us, receivedAtMs);
    return true;
  }

  /**
   * Take in a beacon of the `sync` channel.
   * @returns false for one that says nothing: about another stream or clock rate, older than the last, or without a time
   * @throws TransportError `INVALID_DATA` when `receivedAtMs` is not finite
   */
  addBeacon(beacon: SyncBeacon, receivedAtMs: number): boolean {
    checkMs("receivedAtMs", receivedAtMs);
    this.#nowMs = receivedAtMs;
    const lane = this.#laneOf(beacon.ssrc, beacon.media);
    const us = unixUsOf(beacon.captureNtp);
    if (lane === undefined || us === undefined || lane.clockRate !== beacon.clockRate) return false;
    if (!lane.clock.addBeacon(beacon.rtpTimestamp, us)) return false;
    lane.noteReport(receivedAtMs);
    this.#observeCapture(lane, beacon.rtpTimestamp, us, receivedAtMs);
    return true;
  }

  /** Take in one exchange of the clocks. @returns false when its times are absurd */
  addClockExchange(exchange: ClockExchange): boolean {
    return this.clockOffset.add(exchange);
  }

  /** Sender's media clock against ours; null below 10 frames. */
  estimateClockDrift(media: Media = "audio"): ClockDriftEstimate | null {
    return this.#lane(media).drift.estimate();
  }

  /**
   * Play audio at another speed, whatever the drift: decoded samples are resampled at pop, ramped over 100 ms. Holds
   * until the stream begins anew.
   * @param factor input consumed per output made, 0.99 to 1.01
   * @throws TransportError `INVALID_CORRECTION_FACTOR` for another factor
   */
  applyClockDriftCorrection(factor: number, nowMs: number): void {
    checkMs("nowMs", nowMs);
    this.#audioOutput.apply(factor, nowMs);
  }

  /** How well capture times are known at `nowMs`; of the media in use, the worse one counts. */
  getSyncState(nowMs: number): SyncState {
    return peerState(this.#audio, this.#video.lane, this.config.rtcpIntervalMs, nowMs);
  }

  /**
   * The capture time of an RTP timestamp on the receiver's clock, Unix us; on the sender's before the first exchange.
   * @throws TransportError `NO_NTP_MAPPING` before the first frame and report of the medium
   */
  rtpToWallClock(rtpTimestamp: number, media: Media): number {
    const lane = this.#mappedLane(media);
    return this.#ourUs(lane, lane.captureUs(lane.clock.ticksOf(rtpTimestamp)));
  }

  /**
   * The RTP timestamp captured at a time of the receiver's clock: the inverse of {@link rtpToWallClock} within a tick.
   * @param us Unix microseconds
   * @throws TransportError `NO_NTP_MAPPING` before the first frame and report of the medium, `INVALID_TIMESTAMP` 2^31
   *   ticks or more away from the newest frame
   */
  wallClockToRtp(us: number, media: Media): number {
    const lane = this.#mappedLane(media);
    const captureUs = lane.clock.mapped ? this.clockOffset.toRemoteUs(us) : null;
    const timestamp = lane.timestampAt(captureUs ?? us);
    if (timestamp !== undefined) return timestamp;
    throw new TransportError(
      "INVALID_TIMESTAMP",
      `${us} us lies 2^31 ticks or more away from the stream; an RTP timestamp would be ambiguous`,
    );
  }

  /** The other peer's capture clock against this one's. @throws TransportError `SYNC_ERROR` while either is unsynced */
  alignWithPeer<Other>(other: SyncManager<Other>): TimestampOffset {
    return offsetBetween(this.#offsetFacts(), other.#offsetFacts());
  }

  /** Counters of one medium's buffer; video counts no losses, since nothing says which frames there should be. */
  getStatistics(media: Media): JitterBufferStatistics {
    return media === "audio" ? this.#audio.statistics() : this.#video.statistics();
  }

  /** Frames held by reference at the moment, of both media. */
  get heldFrames(): number {
    return this.#audio.held + this.#video.held;
  }

  /** Local ms at which the last sender report came; null before the first. */
  get lastRtcpTimeMs(): number | null {
    return this.#lastRtcpTimeMs;
  }

  /** Drop what waits and forget everything known of the peer's clocks. Idempotent. */
  reset(): void {
    this.#resetLane("audio");
    this.#resetLane("video");
    this.clockOffset.reset();
    this.#lipSync.reset();
    this.#lastRtcpTimeMs = null;
  }

  /** Give the memory back. Idempotent; every other method throws `ALREADY_SHUTDOWN` from now on. */
  close(): void {
    this.#audio.close();
    this.#video.close();
    this.#audioOutput.close();
  }

  #lane(media: Media): MediaLane<LaneFrame> {
    return media === "audio" ? this.#audio : this.#video.lane;
  }

  // Which medium a report is about; undefined when it is about no stream of which frames came.
  #laneOf(ssrc: number, media?: Media): MediaLane<LaneFrame> | undefined {
    if (this.#audio.ssrc === ssrc) return this.#audio;
    if (this.#video.lane.ssrc === ssrc) return this.#video.lane;
    const lane = this.#lane(media ?? "audio");
    return lane.claims(ssrc) ? lane : undefined;
  }

  // A frame of another stream than before: nothing known of the old one holds. Returns whether it is so.
  #followSsrc(media: Media, ssrc: number | undefined): boolean {
    if (ssrc === undefined) return false;
    const lane = this.#lane(media);
    const isNew = lane.ssrc !== undefined && lane.ssrc !== ssrc;
    if (isNew) this.#resetLane(media);
    else lane.claims(ssrc);
    lane.ssrc = ssrc;
    return isNew;
  }

  #resetLane(media: Media): void {
    if (media === "audio") {
      this.#audio.reset();
      this.#restartAudio();
    } else {
      this.#video.reset();
      this.#restartVideo();
    }
  }

  // The medium's timeline begins anew: what was concluded from the old one goes.
  #restartAudio(): void {
    this.#audioOutput.reset();
    this.#captureDelays.reset();
    this.#videoTiming.audioStops();
    this.#lipSync.forget("audio");
  }

  #restartVideo(): void {
    this.#videoTiming.reset();
    this.#lipSync.forget("video");
  }

  #mappedLane(media: Media): MediaLane<LaneFrame> {
    const lane = this.#lane(media);
    if (lane.clock.mapped || lane.clock.anchored) return lane;
    throw new TransportError("NO_NTP_MAPPING", `nothing from ${this.peerId} has placed ${media} in time`);
  }

  // Without a word from the sender the first arrival serves: it is on our clock already.
  #ourUs({ clock }: MediaLane<LaneFrame>, captureUs: number): number {
    return clock.mapped ? (this.clockOffset.toLocalUs(captureUs) ?? captureUs) : captureUs;
  }

  // Capture time of the frame popped last, `lateUs` before what the mapping says.
  #label(lane: MediaLane<LaneFrame>, lateUs: number): number {
    return lane.labels.next(lane.ticks, this.#ourUs(lane, lane.captureUs(lane.ticks)) - lateUs);
  }

  #errorUs({ clock, labels, ticks }: MediaLane<LaneFrame>, nowMs: number): number | null {
    if (!clock.mapped) return null;
    const boundUs = this.clockOffset.errorBoundUs((nowMs + this.#wallOffsetMs) * US_PER_MS);
    return boundUs === null ? null : boundUs + clock.residualUs(ticks) + labels.lagUs;
  }

  #observeCapture(lane: MediaLane<LaneFrame>, rtpTimestamp: number, us: number, receivedAtMs: number): void {
    const localUs = this.clockOffset.toLocalUs(us);
    if (localUs !== null) lane.drift.observeCapture(rtpTimestamp, localUs, receivedAtMs);
  }

  #offsetFacts(): OffsetFacts {
    const state = this.getSyncState(this.#nowMs);
    return { peerId: this.peerId, state, clock: this.clockOffset, delays: this.#captureDelays };
  }
}
