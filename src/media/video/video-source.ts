// One outgoing stream of pictures for one group of links: where they stand in time, how many of them are sent, how large,
// and to whom in which form.
import { TransportError, toTransportError } from "../../errors/errors.ts";
import type { I420Picture, VideoCodecName, VideoCodecs } from "../../platform/video-codecs.ts";
import type { Rotation, VideoData } from "../../runtime/data.ts";
import type { Clock } from "../../runtime/time.ts";
import { scalePicture } from "../../wasm/plane-scale.ts";
import { CodedPassing } from "./coded-passing.ts";
import { FramePace } from "./frame-pace.ts";
import { PictureClock } from "./picture-clock.ts";
import { PictureEncoding } from "./picture-encoding.ts";
import type { EncodingLimits, PictureEncodingCounters } from "./picture-encoding.ts";
import { fitInto, turned } from "./picture-shape.ts";
import type { PictureSize } from "./picture-shape.ts";
import { pictureOf } from "./video-data.ts";
import type { SinkDemand, VideoSink } from "./video-sink.ts";

/** What is sent at most. */
export interface VideoLimits extends EncodingLimits {
  /** Larger pictures are made smaller; it lies on its side where they do. */
  readonly largest: PictureSize;
}

/** Options of a {@link VideoSource}. No callback may throw. */
export interface VideoSourceOptions {
  clock: Clock;
  /** Local ms of position 0; sources that take turns in feeding a link have the same. */
  originMs: number;
  limits: VideoLimits;
  /** Called when there is something to encode; those codecs are not closed here. */
  loadCodecs: () => Promise<VideoCodecs>;
  /** A uniform random u32. */
  random: () => number;
  /** A codec cannot be used: `ENCODING_ERROR`. */
  onFault: (codec: VideoCodecName, error: TransportError) => void;
  /** A picture has been encoded, in so much work. */
  onEncoded: (workMs: number) => void;
}

/** Counters of a {@link VideoSource}. */
export interface VideoSourceCounters {
  /** Pictures left out because they came faster than they may. */
  paced: number;
  /** Of the codecs that have encoded. */
  readonly codecs: ReadonlyMap<VideoCodecName, PictureEncodingCounters>;
}

/** See the header. */
export class VideoSource {
  readonly #options: VideoSourceOptions;
  readonly #clock: PictureClock;
  readonly #pace: FramePace;
  readonly #encodings = new Map<VideoCodecName, PictureEncoding>();
  readonly #passings = new Map<VideoCodecName, CodedPassing>();
  /** What browsers' encoders were told last, kbit/s, by peer. */
  readonly #told = new Map<string, { readonly sink: VideoSink; readonly bitrateKbps: number }>();
  #limits: VideoLimits;
  /** What {@link limit} said. */
  #mostKbps = Infinity;
  #paced = 0;
  /** The program has asked for a keyframe with a picture that was left out. */
  #keyframeOwed = false;

  constructor(options: VideoSourceOptions) {
    this.#options = options;
    this.#limits = options.limits;
    this.#clock = new PictureClock(options.originMs);
    this.#pace = new FramePace(options.limits.framerateFps);
  }

  get counters(): VideoSourceCounters {
    const codecs = [...this.#encodings].map(([codec, { counters }]) => [codec, counters] as const);
    return { paced: this.#paced, codecs: new Map(codecs) };
  }

  /** Ticks of the picture sent last. */
  get position(): number {
    return this.#clock.last;
  }

  /** Later pictures stand beyond this position. */
  pass(position: number): void {
    this.#clock.pass(position);
  }

  /**
   * Send a picture.
   *
   * @param data checked
   * @param sinks at most one per peer
   * @returns settles when the picture is no longer needed: by peer id, why it did not go there
   * @throws TransportError (as rejection) as `pictureOf` and `scalePicture`
   */
  async send(data: VideoData, sinks: readonly VideoSink[]): Promise<Map<string, TransportError>> {
    const { clock } = this.#options;
    const captureUs = Math.round(data.timestampUs ?? clock.wallNow() * 1000);
    const position = this.#clock.place(captureUs, clock.now());
    if (data.format === "encoded") return this.#pass(data, position, captureUs, sinks);
    const failures = new Map<string, TransportError>();
    const isKeyframe = data.isKeyframe === true || this.#keyframeOwed;
    this.#keyframeOwed = isKeyframe;
    if (!this.#pace.takes(position)) {
      this.#paced++;
      return failures;
    }
    const picture = this.#fitting(pictureOf(data));
    this.#keyframeOwed = false;
    const { rotation = 0 } = data;
    const encodings = this.#encode(picture, rotation, isKeyframe, position, captureUs, sinks, failures);
    for (const sink of sinks) {
      if (sink.level === "track") this.#write(sink, picture, captureUs, rotation, failures);
    }
    await Promise.all(encodings);
    return failures;
  }

  demand(peerId: string, demand: SinkDemand): void {
    for (const encoding of this.#encodings.values()) encoding.demand(peerId, demand);
  }

  /** From the next picture on. */
  configure(limits: VideoLimits): void {
    this.#limits = limits;
    this.#pace.setRate(limits.framerateFps);
    this.#configure();
  }

  /** From the next picture on, no more than so many kbit/s, above 0, beside what all streams are bound by. */
  limit(mostKbps: number): void {
    if (mostKbps === this.#mostKbps) return;
    this.#mostKbps = mostKbps;
    this.#configure();
  }

  /** Forget a peer. */
  release(peerId: string): void {
    this.#told.delete(peerId);
    for (const encoding of this.#encodings.values()) encoding.release(peerId);
    for (const passing of this.#passings.values()) passing.release(peerId);
  }

  /** Idempotent; sends that wait for an encoder settle. */
  close(): void {
    for (const encoding of this.#encodings.values()) encoding.close();
  }

  get #bounded(): VideoLimits {
    const { bitrateKbps, minBitrateKbps } = this.#limits;
    if (bitrateKbps <= this.#mostKbps) return this.#limits;
    const most = this.#mostKbps;
    return { ...this.#limits, bitrateKbps: most, minBitrateKbps: Math.min(most, minBitrateKbps) };
  }

  #configure(): void {
    for (const encoding of this.#encodings.values()) encoding.configure(this.#bounded);
  }

  #fitting(picture: I420Picture): I420Picture {
    const { width, height } = fitInto(picture, this.#limits.largest);
    return scalePicture(picture, width, height);
  }

  #encode(
    picture: I420Picture,
    rotation: Rotation,
    keyframe: boolean,
    position: number,
    captureUs: number,
    sinks: readonly VideoSink[],
    failures: Map<string, TransportError>,
  ): Promise<void>[] {
    const groups = byCodec(sinks);
    if (groups.size === 0) return [];
    // Packets do not say how a picture is to be turned.
    const upright = turned(picture, rotation);
    return Array.from(groups, ([codec, group]) =>
      this.#encodingOf(codec)
        .encode({ picture: upright, position, captureUs, keyframe, sinks: group })
        .catch((error: unknown) => {
          for (const { peerId } of group) failures.set(peerId, failure(error, peerId));
        }),
    );
  }

  #write(
    sink: VideoSink,
    picture: I420Picture,
    captureUs: number,
    rotation: Rotation,
    failures: Map<string, TransportError>,
  ): void {
    const { bitrateKbps } = this.#bounded;
    try {
      const told = this.#told.get(sink.peerId);
      if (told?.sink !== sink || told.bitrateKbps !== bitrateKbps) {
        this.#told.set(sink.peerId, { sink, bitrateKbps });
        sink.setBitrate(bitrateKbps);
      }
      sink.write(picture, captureUs, rotation);
    } catch (error) {
      failures.set(sink.peerId, failure(error, sink.peerId));
    }
  }

  #pass(
    data: VideoData,
    position: number,
    captureUs: number,
    sinks: readonly VideoSink[],
  ): Map<string, TransportError> {
    const takers = sinks.filter(({ level, codec }) => level === "packet" && codec === data.codec);
    const failures = new Map<string, TransportError>();
    for (const sink of sinks) {
      if (takers.includes(sink)) continue;
      const { peerId, level, codec } = sink;
      const reason = level === "track" ? "the browser encodes what goes to it" : `it takes ${codec}`;
      const message = `${data.codec} cannot be sent to "${peerId}": ${reason}`;
      failures.set(peerId, new TransportError("ENCODING_ERROR", message, { peerId }));
    }
    if (data.codec !== undefined) this.#passingOf(data.codec).send(data, position, captureUs, takers);
    return failures;
  }

  #encodingOf(codec: VideoCodecName): PictureEncoding {
    let encoding = this.#encodings.get(codec);
    if (encoding === undefined) {
      const { clock, loadCodecs, random, onFault, onEncoded } = this.#options;
      encoding = new PictureEncoding({
        codec,
        clock,
        loadCodecs,
        limits: this.#bounded,
        firstPictureId: random() & 0x7fff,
        onFault: (error) => onFault(codec, error),
        onEncoded,
      });
      this.#encodings.set(codec, encoding);
    }
    return encoding;
  }

  #passingOf(codec: VideoCodecName): CodedPassing {
    const passing = this.#passings.get(codec) ?? new CodedPassing(codec, this.#options.random() & 0x7fff);
    this.#passings.set(codec, passing);
    return passing;
  }
}

function byCodec(sinks: readonly VideoSink[]): Map<VideoCodecName, VideoSink[]> {
  const groups = new Map<VideoCodecName, VideoSink[]>();
  for (const sink of sinks) {
    if (sink.level !== "packet") continue;
    const group = groups.get(sink.codec);
    if (group === undefined) groups.set(sink.codec, [sink]);
    else group.push(sink);
  }
  return groups;
}

function failure(error: unknown, peerId: string): TransportError {
  return toTransportError(error, "ENCODING_ERROR", `a picture for "${peerId}"`, { peerId });
}
