// The video of all peers while a transport runs: pictures of the program go to the links that are up, coded pictures of
// the peers are decoded for those who read them.
import type { ConfigOptions } from "../config/config.ts";
import { TransportError } from "../errors/errors.ts";
import { PictureDecoding } from "../media/video/picture-decoding.ts";
import type { PictureDecodingCounters } from "../media/video/picture-decoding.ts";
import type { SinkDemand } from "../media/video/video-sink.ts";
import type { VideoMedia } from "../media/video/video-media.ts";
import type { VideoListener } from "../peer/video-link.ts";
import type { VideoCodecName, VideoCodecs } from "../platform/video-codecs.ts";
import type { VideoData } from "../runtime/data.ts";
import type { Emitter } from "../runtime/emitter.ts";
import type { Clock } from "../runtime/time.ts";
import type { SyncedVideoFrame } from "../sync/sync-types.ts";
import type { TransportEvents } from "./events.ts";
import type { OutgoingForm, OutgoingVideo, OutgoingVideoStats } from "./outgoing-video.ts";
import type { PictureReaders } from "./picture-readers.ts";

/** The one stream of video that every peer has. */
const STREAM = "default";

/** What a {@link VideoRoom} stands on. */
export interface VideoRoomOptions {
  clock: Clock;
  codecs: VideoCodecs;
  outgoing: OutgoingVideo;
  /** Least rate of a link, kbit/s. */
  minBitrateKbps: number;
  readers: PictureReaders;
  emitter: Pick<Emitter<TransportEvents>, "emit">;
}

/** One peer whose pictures come. */
interface Incoming {
  readonly decoding: PictureDecoding;
  /** The link the last one came by, to ask for keyframes. */
  media: VideoMedia | undefined;
  /** Of the pictures that come. */
  codec: VideoCodecName | undefined;
}

/** See the header. */
export class VideoRoom implements VideoListener {
  readonly #options: VideoRoomOptions;
  readonly #links = new Map<string, VideoMedia>();
  readonly #incoming = new Map<string, Incoming>();
  #closed = false;

  constructor(options: VideoRoomOptions) {
    this.#options = options;
  }

  /** What the encoders have done. */
  get outgoingStats(): OutgoingVideoStats {
    return this.#options.outgoing.stats;
  }

  /** What the decoder of a peer's pictures has done; undefined before the first picture. */
  decodingStats(peerId: string): PictureDecodingCounters | undefined {
    return this.#incoming.get(peerId)?.decoding.counters;
  }

  picture(peerId: string, picture: SyncedVideoFrame, media: VideoMedia | undefined): void {
    if (this.#closed) return;
    const incoming = this.#incomingOf(peerId);
    if (media !== undefined) {
      incoming.media = media;
      incoming.codec = media.codec;
    }
    if (incoming.codec === undefined) return;
    const follows = media?.follows(picture.rtpTimestamp) ?? true;
    incoming.decoding.receive(picture, incoming.codec, follows);
  }

  up(media: VideoMedia): void {
    this.#links.set(media.peerId, media);
    const incoming = this.#incoming.get(media.peerId);
    if (incoming !== undefined) incoming.media = media;
    this.#options.emitter.emit("videoConnected", { peerId: media.peerId, codec: media.codec });
  }

  down(media: VideoMedia): void {
    const { peerId } = media;
    if (this.#links.get(peerId) !== media) return;
    this.#links.delete(peerId);
    this.#options.outgoing.release(peerId);
    this.#options.emitter.emit("videoDisconnected", { peerId });
  }

  demand(peerId: string, demand: SinkDemand): void {
    this.#options.outgoing.demand(peerId, demand);
  }

  /**
   * Send a picture to peers.
   * @param form which of several streams it belongs to, and what bounds that one alone
   * @returns by peer id, why it was not sent there
   * @throws TransportError (as rejection) as `OutgoingVideo.send`
   */
  async send(
    data: VideoData,
    peerIds: readonly string[],
    form?: OutgoingForm,
  ): Promise<Map<string, TransportError>> {
    const failures = new Map<string, TransportError>();
    const sinks: VideoMedia[] = [];
    for (const peerId of peerIds) {
      const link = this.#links.get(peerId);
      if (link !== undefined) sinks.push(link);
      else failures.set(peerId, notUp(peerId));
    }
    const [first] = failures.values();
    if (sinks.length === 0 && first !== undefined) throw first;
    const unsent = await this.#options.outgoing.send(data, sinks, form);
    for (const [peerId, error] of unsent) failures.set(peerId, error);
    return failures;
  }

  /**
   * What the path to a peer carries, kbit/s, as `video.minBitrateKbps` and `video.bitrateKbps` bound it; undefined while it
   * has no video connection, and where the browser keeps the figure.
   */
  bandwidthKbps(peerId: string): number | undefined {
    return this.#links.get(peerId)?.bandwidthKbps;
  }

  /**
   * Share of our packets to a peer that were lost, 0 to 1, as its last report says; undefined before that, and where the
   * browser keeps the figure.
   */
  lossRate(peerId: string): number | undefined {
    return this.#links.get(peerId)?.lossRate;
  }

  /** Somebody has begun to read pictures, or has stopped. */
  readersChanged(): void {
    for (const [peerId, { decoding }] of this.#incoming) {
      decoding.wanted = this.#options.readers.wants(peerId);
    }
  }

  /** Ask a peer for a keyframe. @throws TransportError `PEER_NOT_CONNECTED` while it has no video connection */
  requestKeyframe(peerId: string): void {
    const link = this.#links.get(peerId);
    if (link === undefined) throw notUp(peerId);
    link.wantKeyframe();
  }

  configure(options: ConfigOptions): void {
    const { targetBitrateKbps, videoFramerateFps, maxVideoResolution, adaptiveBitrateEnabled } = options;
    this.#options.outgoing.configure({
      targetKbps: targetBitrateKbps,
      framerateFps: videoFramerateFps,
      maxResolution: maxVideoResolution,
      adaptive: adaptiveBitrateEnabled,
    });
    if (targetBitrateKbps === undefined) return;
    for (const link of this.#links.values()) link.bound(this.#options.minBitrateKbps, targetBitrateKbps);
  }

  /** A peer is no longer held. */
  release(peerId: string): void {
    this.#incoming.get(peerId)?.decoding.close();
    this.#incoming.delete(peerId);
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    for (const peerId of [...this.#incoming.keys()]) this.release(peerId);
    this.#options.outgoing.close();
    this.#options.codecs.close();
  }

  #incomingOf(peerId: string): Incoming {
    const known = this.#incoming.get(peerId);
    if (known !== undefined) return known;
    const { clock, codecs, readers, emitter } = this.#options;
    const decoding = new PictureDecoding({
      peerId,
      streamId: STREAM,
      clock,
      loadCodecs: () => Promise.resolve(codecs),
      onPicture: (picture) => readers.push(picture),
      onUndecodable: (rtpTimestamp) => incoming.media?.undecodable(rtpTimestamp),
      onKeyframeWanted: () => incoming.media?.wantKeyframe(),
      onFault: (error) => emitter.emit("error", error),
    });
    const incoming: Incoming = { decoding, media: this.#links.get(peerId), codec: undefined };
    this.#incoming.set(peerId, incoming);
    decoding.wanted = readers.wants(peerId);
    return incoming;
  }
}

function notUp(peerId: string): TransportError {
  const message = `there is no video connection to peer "${peerId}" yet, or it has no video`;
  return new TransportError("MEDIA_TRACK_ERROR", message, { peerId });
}
