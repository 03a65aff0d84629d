// Sending: audio and video to tracks, everything else to channels, and what is still on its way.
import { TransportError, toTransportError } from "../errors/errors.ts";
import type { FrameSink } from "../media/link-feed.ts";
import type { LiveLink } from "../peer/live-link.ts";
import type { PeerLink } from "../platform/platform.ts";
import { abortError, limited } from "../runtime/call.ts";
import type { CallOptions } from "../runtime/call.ts";
import type { AudioData, DataChannelMessage, RuntimeData, VideoData } from "../runtime/data.ts";
import type { Clock } from "../runtime/time.ts";
import { broadcastStats, isAddressed } from "./broadcast.ts";
import type { BroadcastOptions, BroadcastStats } from "./broadcast.ts";
import type { FlushResult, OutgoingAudio } from "./outgoing-audio.ts";
import type { OutgoingForm } from "./outgoing-video.ts";
import type { VideoRoom } from "./video-room.ts";

/** The one stream every peer has; further ones need renegotiation, which is not part of this. */
const DEFAULT_STREAM = "default";

const DEFAULT_FADE_MS = 10;
const MAX_FADE_MS = 100;

/** The part of a connection that sends. */
export interface SendingPeer {
  readonly live: Pick<LiveLink, "channels"> & {
    readonly media: FrameSink | undefined;
    readonly link: Pick<PeerLink, "audio">;
  };
}

/** Who can be sent to; the mesh. */
export interface SendingMesh {
  /** @throws TransportError `INVALID_DATA`, `PEER_NOT_FOUND`, `PEER_NOT_CONNECTED` */
  connected(peerId: string): SendingPeer;
  peers(): readonly { readonly remoteId: string; readonly active: SendingPeer | undefined }[];
}

/** What an {@link Outbox} stands on. */
export interface OutboxOptions {
  mesh: SendingMesh;
  clock: Clock;
  /** Undefined when audio is disabled. */
  outgoing: OutgoingAudio | undefined;
  /** Undefined when video is disabled, or there can be none here. */
  video: Pick<VideoRoom, "send"> | undefined;
}

/** How a flush ends what is heard. */
export interface FlushOptions {
  /** How much of what is queued still leaves, fading out, so that there is no click; 0 to 100, default 10 ms. */
  fadeMs?: number | undefined;
}

/** See the header; the public methods are documented at `WebRtcTransport`. */
export class Outbox {
  readonly #options: OutboxOptions;
  #closed: TransportError | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  async sendToPeer(peerId: string, data: RuntimeData, options: CallOptions): Promise<void> {
    const { live } = this.#options.mesh.connected(peerId);
    const send = async (): Promise<void> => {
      if (data.type === "audio") {
        return this.#audio(peerId).send(data, new Map([[peerId, this.#media(peerId, data)]]));
      }
      if (data.type !== "video") return requireChannels(live.channels, peerId).sendData(data);
      const failures = await this.#video(data, peerId).send(data, [peerId]);
      const failure = failures.get(peerId);
      if (failure !== undefined) throw failure;
    };
    return this.#call(`sendToPeer("${peerId}")`, options, send);
  }

  async sendMessage(peerId: string, message: DataChannelMessage, options: CallOptions): Promise<void> {
    const { live } = this.#options.mesh.connected(peerId);
    return this.#call(`sendDataChannelMessage("${peerId}")`, options, () =>
      requireChannels(live.channels, peerId).sendMessage(message),
    );
  }

  /** @param form of pictures: which of several streams they belong to */
  async broadcast(
    data: RuntimeData,
    options: BroadcastOptions & CallOptions,
    form?: OutgoingForm,
  ): Promise<BroadcastStats> {
    const { mesh, clock } = this.#options;
    const startMs = clock.now();
    const peerIds = mesh
      .peers()
      .filter((peer) => peer.active !== undefined && isAddressed(peer.remoteId, options))
      .map((peer) => peer.remoteId);
    if (peerIds.length === 0) throw new TransportError("NO_PEERS_CONNECTED", "there is nobody to send to");
    const results = new Map<string, TransportError | undefined>();
    const failed = (peerId: string, error: unknown): void =>
      void results.set(
        peerId,
        toTransportError(error, "INTERNAL_ERROR", `sending to "${peerId}"`, { peerId }),
      );
    if (data.type === "audio") {
      await this.#broadcastAudio(data, peerIds, options, results, failed);
    } else if (data.type === "video") {
      for (const peerId of peerIds) results.set(peerId, undefined);
      const sent = this.#call("broadcast", options, () => this.#video(data).send(data, peerIds, form));
      for (const [peerId, error] of await sent) failed(peerId, error);
    } else {
      const send = (id: string): Promise<void> =>
        this.sendToPeer(id, data, options).then(
          () => void results.set(id, undefined),
          (error: unknown) => failed(id, error),
        );
      await Promise.all(peerIds.map(send));
    }
    return broadcastStats(results, clock.now() - startMs);
  }

  async flush(streamId: string, options: FlushOptions & CallOptions): Promise<FlushResult> {
    this.#checkStream(streamId);
    const { fadeMs = DEFAULT_FADE_MS } = options;
    if (!(typeof fadeMs === "number" && fadeMs >= 0 && fadeMs <= MAX_FADE_MS)) {
      const expected = `a number of ms from 0 to ${MAX_FADE_MS}`;
      throw new TransportError("INVALID_DATA", `fadeMs: expected ${expected}, not ${String(fadeMs)}`);
    }
    return this.#call(`flush("${streamId}")`, options, () => this.#audio().flush(fadeMs));
  }

  async drain(streamId: string, options: CallOptions): Promise<void> {
    this.#checkStream(streamId);
    await this.#call(`drain("${streamId}")`, options, () => this.#audio().drain());
    if (this.#closed !== undefined) throw this.#closed;
  }

  setBitrate(bitrateKbps: number): void {
    this.#options.outgoing?.setBitrate(bitrateKbps);
  }

  /** Forget what was meant for a peer that is gone. */
  release(peerId: string): void {
    this.#options.outgoing?.release(peerId);
  }

  /** Drop everything that is queued; waiting sends reject. */
  close(): void {
    this.#closed ??= new TransportError("ALREADY_SHUTDOWN", "the transport has been shut down");
    this.#options.outgoing?.close(this.#closed);
  }

  async #broadcastAudio(
    data: AudioData,
    peerIds: readonly string[],
    options: CallOptions,
    results: Map<string, TransportError | undefined>,
    failed: (peerId: string, error: unknown) => void,
  ): Promise<void> {
    const links = new Map<string, FrameSink>();
    for (const peerId of peerIds) {
      try {
        links.set(peerId, this.#media(peerId, data));
        results.set(peerId, undefined);
      } catch (error) {
        failed(peerId, error);
      }
    }
    if (links.size === 0) return;
    try {
      await this.#call("broadcast", options, () => this.#audio().send(data, links));
    } catch (error) {
      // Everybody it was for has gone while it waited. What is wrong with the call itself is told to the caller.
      if ((error as TransportError).code !== "PEER_NOT_CONNECTED") throw error;
      for (const peerId of links.keys()) failed(peerId, error);
    }
  }

  #call<T>(what: string, options: CallOptions, send: () => Promise<T>): Promise<T> {
    const { signal, timeoutMs } = options;
    if (signal?.aborted === true) throw abortError(signal, what);
    if (signal === undefined && timeoutMs === undefined) return send();
    return limited(send(), this.#options.clock, what, { signal, timeoutMs: timeoutMs ?? Infinity });
  }

  /** @throws TransportError `MEDIA_TRACK_ERROR` when audio is disabled */
  #audio(peerId?: string): OutgoingAudio {
    const { outgoing } = this.#options;
    if (outgoing !== undefined) return outgoing;
    const about = peerId === undefined ? {} : { peerId };
    throw new TransportError("MEDIA_TRACK_ERROR", "audio.enabled is false", about);
  }

  /** @throws TransportError `TRACK_NOT_FOUND`, `MEDIA_TRACK_ERROR` when there is no video */
  #video({ streamId = DEFAULT_STREAM }: VideoData, peerId?: string): Pick<VideoRoom, "send"> {
    const about = peerId === undefined ? {} : { peerId };
    this.#checkName(streamId, about);
    const { video } = this.#options;
    if (video !== undefined) return video;
    throw new TransportError("MEDIA_TRACK_ERROR", "video.enabled is false, or there is no codec here", about);
  }

  #media(peerId: string, data: AudioData): FrameSink {
    const { live } = this.#options.mesh.connected(peerId);
    this.#checkStream(data.streamId ?? DEFAULT_STREAM, peerId);
    if (live.media === undefined || live.link.audio === undefined) {
      throw new TransportError("MEDIA_TRACK_ERROR", `audio is not enabled towards peer "${peerId}"`, {
        peerId,
      });
    }
    return live.media;
  }

  /** @throws TransportError `TRACK_NOT_FOUND`, `MEDIA_TRACK_ERROR` when audio is disabled */
  #checkStream(streamId: string, peerId?: string): void {
    this.#checkName(streamId, peerId === undefined ? {} : { peerId });
    this.#audio(peerId);
  }

  #checkName(streamId: string, about: { peerId?: string }): void {
    if (streamId === DEFAULT_STREAM) return;
    throw new TransportError("TRACK_NOT_FOUND", `streamId: there is no track "${String(streamId)}"`, about);
  }
}

/** @throws TransportError `DATA_CHANNEL_NOT_AVAILABLE` when there are none */
export function requireChannels<T>(channels: T | undefined, peerId: string): T {
  if (channels !== undefined) return channels;
  throw new TransportError("DATA_CHANNEL_NOT_AVAILABLE", "enableDataChannel is false", { peerId });
}
