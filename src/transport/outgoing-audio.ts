// The audio of the `default` stream on its way out: one source (pace and encoder) for every group of peers that is sent
// the same, however the groups change.
import type { OpusCodec } from "../codecs/opus.ts";
import type { AudioConfig } from "../config/config.ts";
import { TransportError } from "../errors/errors.ts";
import { AudioSource } from "../media/audio-source.ts";
import { LinkFeed } from "../media/link-feed.ts";
import type { FrameSink } from "../media/link-feed.ts";
import type { AudioData } from "../runtime/data.ts";
import type { Emitter } from "../runtime/emitter.ts";
import type { Clock } from "../runtime/time.ts";
import type { TransportEvents } from "./events.ts";
import { TargetGroups } from "./target-groups.ts";

/** A thread that is too slow stays so for a while; one warning in this time says enough. */
const WARNING_INTERVAL_MS = 10_000;

/** What an {@link OutgoingAudio} stands on. */
export interface OutgoingAudioOptions {
  clock: Clock;
  audio: AudioConfig;
  codec: OpusCodec;
  /** Gets `error` when a frame cannot be encoded, and `warning` when encoding is slow. */
  emitter: Pick<Emitter<TransportEvents>, "emit">;
}

/** What a flush has dropped. */
export interface FlushResult {
  /** Where what is heard ends, on the scale of `timestampUs`; null when nothing has been sent. */
  sentUntilUs: number | null;
  /** Audio that was handed in and is not heard, ms. */
  droppedMs: number;
}

/** A link and whose turn it is. */
interface LinkTurns {
  readonly feed: LinkFeed;
  source: AudioSource;
  input: FrameSink;
}

/** See the header. */
export class OutgoingAudio {
  readonly #options: OutgoingAudioOptions;
  readonly #groups = new TargetGroups<AudioSource>();
  /** Sources without peers that still play out what they have. */
  readonly #retiring = new Set<AudioSource>();
  readonly #links = new WeakMap<FrameSink, LinkTurns>();
  #bitrateKbps: number;
  #warnedMs = -Infinity;

  constructor(options: OutgoingAudioOptions) {
    this.#options = options;
    this.#bitrateKbps = options.audio.bitrateKbps;
  }

  /**
   * Send a block to these peers' links; encoded once for all that take packets.
   *
   * @param links by peer id, at least one
   * @throws TransportError (as rejection) as `AudioSource.send`
   */
  async send(data: AudioData, links: ReadonlyMap<string, FrameSink>): Promise<void> {
    const { source, retired } = this.#groups.take(new Set(links.keys()), (left) => this.#open(left));
    for (const each of retired) this.#retire(each);
    return source.send(
      data,
      Array.from(links.values(), (link) => this.#input(link, source)),
    );
  }

  /** Drop what is queued for anybody; see `AudioSource.flush`. What differs between listeners is told at its most. */
  async flush(fadeMs: number): Promise<FlushResult> {
    const results = await Promise.all(this.#sources.map((source) => source.flush(fadeMs)));
    const ends = results.flatMap(({ sentUntilUs }) => (sentUntilUs === null ? [] : [sentUntilUs]));
    return {
      sentUntilUs: ends.length === 0 ? null : Math.max(...ends),
      droppedMs: Math.max(0, ...results.map(({ droppedMs }) => droppedMs)),
    };
  }

  /** Resolves when nothing is left to send to anybody, at once if so. */
  async drain(): Promise<void> {
    await Promise.all(this.#sources.map((source) => source.drain()));
  }

  setBitrate(bitrateKbps: number): void {
    this.#bitrateKbps = bitrateKbps;
    for (const source of this.#sources) source.setBitrate(bitrateKbps);
  }

  /** Forget a peer that is gone; sends that were for nobody else reject. */
  release(peerId: string): void {
    this.#groups
      .release(peerId)
      ?.close(new TransportError("PEER_NOT_CONNECTED", `peer "${peerId}" has gone`, { peerId }));
  }

  /** Drop everything that is queued; waiting sends reject with `reason`. */
  close(reason: TransportError): void {
    for (const source of this.#sources) source.close(reason);
  }

  get #sources(): AudioSource[] {
    return [...this.#groups.sources, ...this.#retiring];
  }

  #open(left: readonly AudioSource[]): AudioSource {
    const { clock, audio, codec, emitter } = this.#options;
    return new AudioSource({
      clock,
      audio: { ...audio, bitrateKbps: this.#bitrateKbps },
      codec,
      onFault: (error) => emitter.emit("error", error),
      onSlowEncode: (durationMs) => this.#warnOfSlowness(durationMs),
      // What these peers are still being sent comes first.
      startMs: Math.max(-Infinity, ...left.map(({ clearMs }) => clearMs)),
    });
  }

  #retire(source: AudioSource): void {
    this.#retiring.add(source);
    void source.drain().then(() => {
      this.#retiring.delete(source);
      source.close();
    });
  }

  /** The way from a source to a link; a source that did not feed the link before takes it over. */
  #input(link: FrameSink, source: AudioSource): FrameSink {
    let turns = this.#links.get(link);
    if (turns?.source === source) return turns.input;
    const feed = turns?.feed ?? new LinkFeed(link, this.#options.audio.frameMs);
    turns = { feed, source, input: feed.input() };
    this.#links.set(link, turns);
    return turns.input;
  }

  #warnOfSlowness(durationMs: number): void {
    const { clock, emitter } = this.#options;
    const nowMs = clock.now();
    if (nowMs - this.#warnedMs < WARNING_INTERVAL_MS) return;
    this.#warnedMs = nowMs;
    const message = `encoding a frame of audio took ${Math.round(durationMs)} ms: lower audio.complexity, or load this thread less`;
    emitter.emit("warning", { message });
  }
}
