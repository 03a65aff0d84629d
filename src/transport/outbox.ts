// Sending: audio sources, one per destination and one for broadcasts, and data to channels.
import type { OpusCodec } from "../codecs/opus.ts";
import type { AudioConfig } from "../config/config.ts";
import { TransportError, toTransportError } from "../errors/errors.ts";
import { AudioSource } from "../media/audio-source.ts";
import type { PeerMedia } from "../media/media.ts";
import { abortError, limited } from "../runtime/call.ts";
import type { CallOptions } from "../runtime/call.ts";
import type { AudioData, DataChannelMessage, RuntimeData } from "../runtime/data.ts";
import type { Emitter } from "../runtime/emitter.ts";
import type { Clock } from "../runtime/time.ts";
import { broadcastStats, isAddressed } from "./broadcast.ts";
import type { BroadcastOptions, BroadcastStats } from "./broadcast.ts";
import type { TransportEvents } from "./events.ts";
import type { Mesh } from "./mesh.ts";

/** The one stream every peer has; further ones need renegotiation, which is not part of this. */
const DEFAULT_STREAM = "default";
/** Key of the source that serves broadcasts; not a valid peer id. */
const BROADCAST = "*";

/** A thread that is too slow stays so for a while; one warning in this time says enough. */
const WARNING_INTERVAL_MS = 10_000;

/** What an {@link Outbox} stands on. */
export interface OutboxOptions {
  mesh: Mesh;
  clock: Clock;
  audio: AudioConfig;
  /** Undefined when audio is disabled. */
  codec: OpusCodec | undefined;
  /** Gets `error` when a frame cannot be encoded, and `warning` when encoding is slow. */
  emitter: Emitter<TransportEvents>;
}

/** See the header; the public methods are documented at `WebRtcTransport`. */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #sources = new Map<string, AudioSource>();
  #warnedMs = -Infinity;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  async sendToPeer(peerId: string, data: RuntimeData, options: CallOptions): Promise<void> {
    const { live } = this.#options.mesh.connected(peerId);
    const send = (): Promise<void> =>
      data.type === "audio"
        ? this.#source(peerId).send(data, [this.#media(peerId, data)])
        : requireChannels(live.channels, peerId).sendData(data);
    return this.#call(`sendToPeer("${peerId}")`, options, send);
  }

  async sendMessage(peerId: string, message: DataChannelMessage, options: CallOptions): Promise<void> {
    const { live } = this.#options.mesh.connected(peerId);
    return this.#call(`sendDataChannelMessage("${peerId}")`, options, () =>
      requireChannels(live.channels, peerId).sendMessage(message),
    );
  }

  async broadcast(data: RuntimeData, options: BroadcastOptions & CallOptions): Promise<BroadcastStats> {
    const { mesh, clock } = this.#options;
    const startMs = clock.now();
    const peerIds = mesh
      .peers()
      .filter((peer) => peer.active !== undefined && isAddressed(peer.remoteId, options))
      .map((peer) => peer.remoteId);
    if (peerIds.length === 0) throw new TransportError("NO_PEERS_CONNECTED", "there is nobody to send to");
    const results = new Map<string, TransportError | undefined>();
    const attempt = async (peerId: string, send: () => Promise<void> | void): Promise<void> => {
      try {
        await send();
        results.set(peerId, undefined);
      } catch (error) {
        results.set(peerId, toTransportError(error, "INTERNAL_ERROR", `sending to "${peerId}"`, { peerId }));
      }
    };
    if (data.type === "audio") {
      const targets: PeerMedia[] = [];
      const collect = (peerId: string) => (): void => void targets.push(this.#media(peerId, data));
      await Promise.all(peerIds.map((peerId) => attempt(peerId, collect(peerId))));
      await this.#call("broadcast", options, () => this.#source(BROADCAST).send(data, targets));
    } else {
      await Promise.all(peerIds.map((id) => attempt(id, () => this.sendToPeer(id, data, options))));
    }
    return broadcastStats(results, clock.now() - startMs);
  }

  setBitrate(bitrateKbps: number): void {
    for (const source of this.#sources.values()) source.setBitrate(bitrateKbps);
  }

  /** Forget what was meant for a peer that is gone. */
  release(peerId: string): void {
    this.#sources
      .get(peerId)
      ?.close(new TransportError("PEER_NOT_CONNECTED", `peer "${peerId}" has gone`, { peerId }));
    this.#sources.delete(peerId);
  }

  /** Drop everything that is queued; waiting sends reject. */
  close(): void {
    const ended = new TransportError("ALREADY_SHUTDOWN", "the transport has been shut down");
    for (const source of this.#sources.values()) source.close(ended);
    this.#sources.clear();
  }

  #call(what: string, options: CallOptions, send: () => Promise<void>): Promise<void> {
    const { signal, timeoutMs } = options;
    if (signal?.aborted === true) throw abortError(signal, what);
    if (signal === undefined && timeoutMs === undefined) return send();
    return limited(send(), this.#options.clock, what, { signal, timeoutMs: timeoutMs ?? Infinity });
  }

  #media(peerId: string, data: AudioData): PeerMedia {
    const { live } = this.#options.mesh.connected(peerId);
    const streamId = data.streamId ?? DEFAULT_STREAM;
    if (streamId !== DEFAULT_STREAM) {
      throw new TransportError("TRACK_NOT_FOUND", `streamId: there is no track "${streamId}"`, { peerId });
    }
    if (live.media === undefined || live.link.audio === undefined) {
      throw new TransportError("MEDIA_TRACK_ERROR", `audio is not enabled towards peer "${peerId}"`, {
        peerId,
      });
    }
    return live.media;
  }

  #warnOfSlowness(durationMs: number): void {
    const nowMs = this.#options.clock.now();
    if (nowMs - this.#warnedMs < WARNING_INTERVAL_MS) return;
    this.#warnedMs = nowMs;
    const message = `encoding a frame of audio took ${Math.round(durationMs)} ms: lower audio.complexity, or load this thread less`;
    this.#options.emitter.emit("warning", { message });
  }

  #source(key: string): AudioSource {
    const existing = this.#sources.get(key);
    if (existing !== undefined) return existing;
    const { clock, audio, codec, emitter } = this.#options;
    if (codec === undefined) throw new TransportError("MEDIA_TRACK_ERROR", "audio.enabled is false");
    const source = new AudioSource({
      clock,
      audio,
      codec,
      onFault: (error) => emitter.emit("error", error),
      onSlowEncode: (durationMs) => this.#warnOfSlowness(durationMs),
    });
    this.#sources.set(key, source);
    return source;
  }
}

function requireChannels<T>(channels: T | undefined, peerId: string): T {
  if (channels !== undefined) return channels;
  throw new TransportError("DATA_CHANNEL_NOT_AVAILABLE", "enableDataChannel is false", { peerId });
}
