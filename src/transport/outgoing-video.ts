// The pictures of the `default` stream on their way out: one source for every group of peers that is sent the same,
// however the groups change. Everything is encoded once per codec and group.
import type { VideoConfig } from "../config/config.ts";
import { pixelsOf } from "../config/resolution.ts";
import type { VideoResolution } from "../config/resolution.ts";
import { TransportError } from "../errors/errors.ts";
import { checkVideoData } from "../media/video/video-data.ts";
import type { SinkDemand, VideoSink } from "../media/video/video-sink.ts";
import { VideoSource } from "../media/video/video-source.ts";
import type { VideoLimits } from "../media/video/video-source.ts";
import type { VideoCodecName, VideoCodecs } from "../platform/video-codecs.ts";
import type { VideoData } from "../runtime/data.ts";
import type { Emitter } from "../runtime/emitter.ts";
import type { Clock } from "../runtime/time.ts";
import type { TransportEvents } from "./events.ts";
import { TargetGroups } from "./target-groups.ts";

/** Work on one picture beyond this, ms, leaves no time for the next one at 30 a second. */
const SLOW_ENCODE_MS = 30;

/** A codec that is too slow stays so for a while; one warning in this time says enough. */
const WARNING_INTERVAL_MS = 10_000;

/** What an {@link OutgoingVideo} stands on. */
export interface OutgoingVideoOptions {
  clock: Clock;
  video: Omit<VideoConfig, "enabled" | "codecs">;
  /** Whether the bitrate follows what the paths carry. */
  adaptive: boolean;
  /** Called when there is something to encode; asked again after a failure, so to be remembered. Whoever loads closes. */
  loadCodecs: () => Promise<VideoCodecs>;
  /** A uniform random u32. */
  random: () => number;
  /** Gets `error` when a codec cannot be used, once for each, and `warning` when encoding is slow. */
  emitter: Pick<Emitter<TransportEvents>, "emit">;
}

/** What {@link OutgoingVideo.configure} changes; the rest stays. */
export interface OutgoingVideoChanges {
  /** 16 to 50000. */
  targetKbps?: number | undefined;
  /** 10 to 60. */
  framerateFps?: number | undefined;
  maxResolution?: VideoResolution | undefined;
  adaptive?: boolean | undefined;
}

/** Which stream of pictures one belongs to, where several go to different peers. */
export interface OutgoingForm {
  /**
   * Names the stream, e.g. output and tier: it keeps its encoder whoever its peers are, and a peer that is sent another
   * stream is sent nothing more of this one. Default: the stream is told by its peers.
   */
  readonly key?: string | undefined;
  /** Most for one path, kbit/s, above 0, if less than what is configured; even below `minBitrateKbps`. */
  readonly maxKbps?: number | undefined;
}

/** Counters of one codec. */
export interface OutgoingCodecStats {
  readonly codec: VideoCodecName;
  readonly encoded: number;
  readonly keyframes: number;
  /** Pictures that a newer one replaced before their turn came. */
  readonly dropped: number;
  /** Ms of work on the pictures encoded. */
  readonly encodeMs: number;
}

/** Counters of an {@link OutgoingVideo}, from its beginning. */
export interface OutgoingVideoStats {
  /** Pictures left out because they came faster than `framerateFps`. */
  readonly paced: number;
  /** Of the codecs that have encoded. */
  readonly codecs: readonly OutgoingCodecStats[];
}

/** See the header. */
export class OutgoingVideo {
  readonly #options: OutgoingVideoOptions;
  readonly #groups = new TargetGroups<VideoSource>();
  readonly #originMs: number;
  /** Codecs whose failure has been told. */
  readonly #told = new Set<VideoCodecName>();
  /** Of sources that are no more. */
  readonly #past = new StatsSum();
  #limits: VideoLimits;
  #warnedMs = -Infinity;
  #closed = false;

  constructor(options: OutgoingVideoOptions) {
    this.#options = options;
    this.#originMs = options.clock.now();
    const { bitrateKbps, minBitrateKbps, framerateFps, keyframeInterval, resolution } = options.video;
    const { adaptive } = options;
    const largest = pixelsOf(resolution);
    this.#limits = { bitrateKbps, minBitrateKbps, framerateFps, keyframeInterval, adaptive, largest };
  }

  /** A frozen picture of the counters. */
  get stats(): OutgoingVideoStats {
    const sum = new StatsSum(this.#past);
    for (const source of this.#groups.sources) sum.add(source);
    return sum.stats;
  }

  /**
   * Send a picture to these links: encoded once for all of one codec that take packets. One of format `encoded` goes to
   * those of its codec, from a keyframe on.
   *
   * @param data not to be changed before the promise has settled, which is when encoders and tracks have taken or dropped
   *   the picture
   * @param sinks at most one per peer
   * @param form default: as all that says nothing of it
   * @returns by peer id, why it was not sent there; rejects when it was sent to nobody for that reason
   * @throws TransportError (as rejection) `INVALID_DATA`, `ENCODING_ERROR`; `NOT_SUPPORTED` or `LIMIT_EXCEEDED` when its
   *   pixels cannot be converted; `ALREADY_SHUTDOWN` after {@link OutgoingVideo.close}
   */
  async send(
    data: VideoData,
    sinks: readonly VideoSink[],
    { key, maxKbps = Infinity }: OutgoingForm = {},
  ): Promise<ReadonlyMap<string, TransportError>> {
    checkVideoData(data);
    if (this.#closed) throw new TransportError("ALREADY_SHUTDOWN", "no video is sent any more");
    if (sinks.length === 0) return new Map();
    const source = this.#sourceFor(sinks, key);
    source.limit(maxKbps);
    const failures = await source.send(data, sinks);
    const [first] = failures.values();
    if (first !== undefined && failures.size === sinks.length) throw first;
    return failures;
  }

  /** Take what a link wants of whoever encodes for it. */
  demand(peerId: string, demand: SinkDemand): void {
    for (const source of this.#groups.sources) source.demand(peerId, demand);
  }

  /** From the next picture on. Values have been checked. */
  configure(changes: OutgoingVideoChanges): void {
    const { targetKbps, framerateFps, maxResolution, adaptive } = changes;
    const { bitrateKbps, ...rest } = this.#limits;
    this.#limits = {
      ...rest,
      bitrateKbps: targetKbps ?? bitrateKbps,
      ...(framerateFps !== undefined && { framerateFps }),
      ...(maxResolution !== undefined && { largest: pixelsOf(maxResolution) }),
      ...(adaptive !== undefined && { adaptive }),
    };
    for (const source of this.#groups.sources) source.configure(this.#limits);
  }

  /** Forget a peer that is gone. */
  release(peerId: string): void {
    for (const source of this.#groups.sources) source.release(peerId);
    const retired = this.#groups.release(peerId);
    if (retired !== undefined) this.#retire(retired);
  }

  /** Close the encoders; nothing is sent afterwards. Sends that wait settle. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const source of this.#groups.sources) source.close();
  }

  #sourceFor(sinks: readonly VideoSink[], key: string | undefined): VideoSource {
    const targets = new Set(sinks.map(({ peerId }) => peerId));
    const { source, left, retired } = this.#groups.take(targets, () => this.#open(), key);
    for (const former of left) {
      // What comes from it no more is ahead of all that follows, and nothing of it comes in between.
      source.pass(former.position);
      for (const peerId of targets) former.release(peerId);
    }
    for (const each of retired) this.#retire(each);
    return source;
  }

  #open(): VideoSource {
    const { clock, loadCodecs, random, emitter } = this.#options;
    return new VideoSource({
      clock,
      originMs: this.#originMs,
      limits: this.#limits,
      loadCodecs,
      random,
      onFault: (codec, error) => {
        if (this.#told.has(codec)) return;
        this.#told.add(codec);
        emitter.emit("error", error);
      },
      onEncoded: (workMs) => this.#warnOfSlowness(workMs),
    });
  }

  #retire(source: VideoSource): void {
    source.close();
    this.#past.add(source);
  }

  #warnOfSlowness(workMs: number): void {
    const { clock, emitter } = this.#options;
    const nowMs = clock.now();
    if (workMs <= SLOW_ENCODE_MS || nowMs - this.#warnedMs < WARNING_INTERVAL_MS) return;
    this.#warnedMs = nowMs;
    const message = `encoding a picture took ${Math.round(workMs)} ms: lower video.resolution or video.framerateFps`;
    emitter.emit("warning", { message });
  }
}

/** Adds up the counters of sources. */
class StatsSum {
  readonly #codecs: Map<VideoCodecName, OutgoingCodecStats>;
  #paced: number;

  constructor(from?: StatsSum) {
    this.#codecs = new Map(from === undefined ? [] : from.#codecs);
    this.#paced = from === undefined ? 0 : from.#paced;
  }

  get stats(): OutgoingVideoStats {
    return { paced: this.#paced, codecs: [...this.#codecs.values()] };
  }

  add({ counters: { paced, codecs } }: VideoSource): void {
    this.#paced += paced;
    for (const [codec, { encoded, keyframes, dropped, encodeMs }] of codecs) {
      const sum = this.#codecs.get(codec);
      this.#codecs.set(codec, {
        codec,
        encoded: encoded + (sum?.encoded ?? 0),
        keyframes: keyframes + (sum?.keyframes ?? 0),
        dropped: dropped + (sum?.dropped ?? 0),
        encodeMs: encodeMs + (sum?.encodeMs ?? 0),
      });
    }
  }
}
