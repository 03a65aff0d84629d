// The pictures of one peer from coded to decoded: a decoder while somebody looks, fed nothing that it could not decode,
// and what is known of a picture finds its way around it. Knows neither links nor readers.
import { toTransportError } from "../../errors/errors.ts";
import type { TransportError } from "../../errors/errors.ts";
import type {
  DecodedPicture,
  EncodedPicture,
  VideoCodecName,
  VideoCodecs,
  VideoDecoder,
} from "../../platform/video-codecs.ts";
import type { PictureFrame } from "../../runtime/data.ts";
import type { Clock } from "../../runtime/time.ts";
import type { SyncedVideoFrame } from "../../sync/sync-types.ts";
import { RetryDelay } from "./retry-delay.ts";

/** A picture before a reader has added what that reader misses. */
export type PeerPicture = Omit<PictureFrame, "missingBefore">;

/** Pictures that a decoder is behind at most, half a second: what comes then is left out up to the next keyframe. */
const MAX_PENDING = 15;

/** A keyframe that was asked for and has not come is asked for again after this, ms. */
const REPEAT_MS = 1000;

/** Options of a {@link PictureDecoding}. No callback may throw. */
export interface PictureDecodingOptions {
  peerId: string;
  streamId: string;
  clock: Clock;
  /** Called when there is something to decode; those codecs are not closed here. */
  loadCodecs: () => Promise<VideoCodecs>;
  /** In the order of the coded pictures; it belongs to the callee. */
  onPicture: (picture: PeerPicture) => void;
  /** This picture could not be decoded, and nothing can up to the next keyframe. */
  onUndecodable: (rtpTimestamp: number) => void;
  /** Decoding is to begin in the middle of a stream. */
  onKeyframeWanted: () => void;
  /** The decoder failed or cannot be made. It is tried again now and then; the first of several faults is told. */
  onFault: (error: TransportError) => void;
}

/** Counters of a {@link PictureDecoding}. Every picture received ends in one of those up to `lost`, or is pending. */
export interface PictureDecodingCounters {
  received: number;
  /** While nobody was looking. */
  unwanted: number;
  /** Left out as they came before the keyframe that was needed. */
  skipped: number;
  /** Left out as the decoder was too far behind. */
  overruns: number;
  decoded: number;
  undecodable: number;
  /** In a decoder that was closed or failed, or that made nothing of them. */
  lost: number;
  /** Ms of work. */
  decodeMs: number;
}

/** What is known of a picture while it is being decoded. */
interface Label {
  readonly coded: EncodedPicture;
  readonly picture: SyncedVideoFrame;
}

/** One decoder's life. */
interface Session {
  readonly codec: VideoCodecName;
  decoder: VideoDecoder | undefined;
  ended: boolean;
  /** Work that has been counted. */
  countedMs: number;
  /** By position, rising: what was handed over, or waits for the decoder to be made. At most {@link MAX_PENDING}. */
  readonly labels: Map<number, Label>;
}

/** See the header. */
export class PictureDecoding {
  readonly #options: PictureDecodingOptions;
  readonly #counters: PictureDecodingCounters = {
    received: 0,
    unwanted: 0,
    skipped: 0,
    overruns: 0,
    decoded: 0,
    undecodable: 0,
    lost: 0,
    decodeMs: 0,
  };
  readonly #retry = new RetryDelay();
  #session: Session | undefined;
  #wanted = false;
  #closed = false;
  #needsKeyframe = true;
  #askedMs = -Infinity;
  #toldFault = false;
  #position = 0;
  #rtpTimestamp: number | undefined;

  constructor(options: PictureDecodingOptions) {
    this.#options = options;
  }

  get counters(): PictureDecodingCounters {
    return { ...this.#counters };
  }

  /** Whether somebody looks; nothing is decoded otherwise. */
  get wanted(): boolean {
    return this.#wanted;
  }

  set wanted(wanted: boolean) {
    if (wanted === this.#wanted || this.#closed) return;
    this.#wanted = wanted;
    this.#needsKeyframe = true;
    if (!wanted) this.#end();
    // A stream that has not begun begins with one.
    else if (this.#counters.received > 0) this.#ask();
  }

  /**
   * Take a coded picture in its turn; its bytes belong to the decoder from now on.
   * @param follows false: one before it is missing, so that it cannot be decoded unless it is a keyframe
   */
  receive(picture: SyncedVideoFrame, codec: VideoCodecName, follows = true): void {
    if (this.#closed) return;
    this.#counters.received++;
    const position = this.#advance(picture.rtpTimestamp);
    if (!this.#wanted) return void this.#counters.unwanted++;
    if (this.#session !== undefined && this.#session.codec !== codec) this.#end();
    if (!follows) this.#needsKeyframe = true;
    if (this.#needsKeyframe && !picture.isKeyframe) {
      this.#counters.skipped++;
      return this.#askAgain();
    }
    const session = this.#session ?? this.#begin(codec);
    if (session === undefined) return void this.#counters.lost++;
    const { labels, decoder } = session;
    if ((decoder?.pending ?? labels.size) >= MAX_PENDING) {
      this.#counters.overruns++;
      this.#needsKeyframe = true;
      return this.#ask();
    }
    const [data] = picture.planes;
    if (data === undefined) return void this.#counters.lost++;
    this.#needsKeyframe = false;
    const { isKeyframe, width, height } = picture;
    const coded = { data, isKeyframe, width, height, position };
    // Fewer are pending, so of the oldest one nothing will come.
    const [oldest] = labels.keys();
    if (oldest !== undefined && labels.size >= MAX_PENDING) {
      labels.delete(oldest);
      this.#counters.lost++;
    }
    labels.set(position, { coded, picture });
    decoder?.decode(coded);
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#wanted = false;
    this.#end();
  }

  #ask(): void {
    this.#askedMs = this.#options.clock.now();
    this.#options.onKeyframeWanted();
  }

  #askAgain(): void {
    const nowMs = this.#options.clock.now();
    if (nowMs - this.#askedMs >= REPEAT_MS && this.#retry.isDue(nowMs)) this.#ask();
  }

  /** Timestamps as positions: counted on without wrap, rising whatever comes. */
  #advance(rtpTimestamp: number): number {
    const ticks = this.#rtpTimestamp === undefined ? 0 : (rtpTimestamp - this.#rtpTimestamp) | 0;
    this.#rtpTimestamp = rtpTimestamp;
    this.#position += Math.max(1, ticks);
    return this.#position;
  }

  #begin(codec: VideoCodecName): Session | undefined {
    if (!this.#retry.isDue(this.#options.clock.now())) {
      this.#needsKeyframe = true;
      return undefined;
    }
    const session: Session = { codec, decoder: undefined, ended: false, countedMs: 0, labels: new Map() };
    this.#session = session;
    void this.#open(session).catch((error: unknown) => {
      this.#fail(session, toTransportError(error, "DECODING_ERROR", `${codec} cannot be decoded`));
    });
    return session;
  }

  async #open(session: Session): Promise<void> {
    const codecs = await this.#options.loadCodecs();
    if (session.ended) return;
    const decoder = await codecs.createDecoder(session.codec, {
      picture: (picture) => this.#decoded(session, picture),
      undecodable: (position) => this.#undecodable(session, position),
      failed: (error) => this.#fail(session, error),
    });
    if (session.ended) return decoder.close();
    session.decoder = decoder;
    for (const { coded } of [...session.labels.values()]) decoder.decode(coded);
  }

  #decoded(session: Session, decoded: DecodedPicture): void {
    if (session.ended) return;
    const label = this.#take(session, decoded.position);
    if (label === undefined) return;
    this.#counters.decoded++;
    this.#retry.worked();
    const { peerId, streamId, onPicture } = this.#options;
    const { picture } = label;
    onPicture({
      kind: "video",
      peerId,
      streamId,
      width: decoded.width,
      height: decoded.height,
      format: "I420",
      planes: decoded.planes,
      // Senders turn pictures before they encode them.
      rotation: 0,
      rtpTimestamp: picture.rtpTimestamp,
      wallClockTimestampUs: picture.wallClockTimestampUs,
      wallClockErrorUs: picture.wallClockErrorUs,
      timelineEpoch: picture.timelineEpoch,
      isKeyframe: picture.isKeyframe,
      framerateEstimate: picture.framerateEstimate,
      bufferDelayMs: picture.bufferDelayMs,
      audioSyncOffsetMs: picture.audioSyncOffsetMs,
      syncConfidence: picture.syncConfidence,
    });
  }

  #undecodable(session: Session, position: number): void {
    if (session.ended) return;
    const label = this.#take(session, position);
    if (label === undefined) return;
    this.#counters.undecodable++;
    this.#needsKeyframe = true;
    this.#askedMs = this.#options.clock.now();
    this.#options.onUndecodable(label.picture.rtpTimestamp);
  }

  /** What is known of a picture. Those before it that nothing came of are lost: decoders keep the order. */
  #take(session: Session, position: number): Label | undefined {
    const { labels, decoder } = session;
    for (const earlier of labels.keys()) {
      if (earlier >= position) break;
      labels.delete(earlier);
      this.#counters.lost++;
    }
    const label = labels.get(position);
    labels.delete(position);
    if (decoder !== undefined) this.#count(session, decoder);
    return label;
  }

  #count(session: Session, { counters }: VideoDecoder): void {
    this.#counters.decodeMs += counters.decodeMs - session.countedMs;
    session.countedMs = counters.decodeMs;
  }

  #fail(session: Session, error: TransportError): void {
    if (session.ended) return;
    this.#retry.failed(this.#options.clock.now());
    this.#end();
    if (this.#toldFault) return;
    this.#toldFault = true;
    this.#options.onFault(error);
  }

  #end(): void {
    const session = this.#session;
    this.#session = undefined;
    this.#needsKeyframe = true;
    if (session === undefined) return;
    session.ended = true;
    this.#counters.lost += session.labels.size;
    session.labels.clear();
    session.decoder?.close();
  }
}
