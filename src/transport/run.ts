// What exists while a transport runs, from start() to shutdown(): signaling, the mesh and what is sent. Made anew by
// every start().
import { DEFAULT_AUDIO_LOOKAHEAD_SAMPLES, PEER_PROTOCOL_VERSION } from "../channels/control.ts";
import { loadOpus } from "../codecs/opus.ts";
import type { WebRtcTransportConfig } from "../config/config.ts";
import type { Platform } from "../platform/platform.ts";
import type { AnnounceResult, Capability, SignalingChannel } from "../platform/signaling-channel.ts";
import { limited } from "../runtime/call.ts";
import type { CallOptions } from "../runtime/call.ts";
import type { Emitter } from "../runtime/emitter.ts";
import { uuid4 } from "../runtime/ids.ts";
import type { ScopedLogger } from "../runtime/logger.ts";
import { SignalingClient } from "../signaling/signaling.ts";
import type { TransportEvents } from "./events.ts";
import type { FrameReaders } from "./frame-readers.ts";
import { Mesh } from "./mesh.ts";
import { Outbox } from "./outbox.ts";

/** Joining includes loading the codec, the socket and the announcement. */
const JOIN_TIMEOUT_MS = 20_000;

/** What a {@link TransportRun} stands on and reports to. */
export interface TransportRunOptions {
  platform: Platform;
  config: WebRtcTransportConfig;
  localId: string;
  log: ScopedLogger;
  emitter: Emitter<TransportEvents>;
  readers: FrameReaders;
  /** Sent to every peer in place of samples; null: none. */
  track: object | null;
}

/** See the header. {@link TransportRun.join} first; `mesh` and `outbox` exist from then on. */
export class TransportRun {
  readonly #options: TransportRunOptions;
  readonly #signaling: SignalingChannel;
  readonly #forgetSignaling: () => void;
  #parts: { readonly mesh: Mesh; readonly outbox: Outbox } | undefined;

  constructor(options: TransportRunOptions) {
    this.#options = options;
    const { platform, config, log, emitter } = options;
    this.#signaling =
      config.signaling ?? new SignalingClient({ url: config.signalingUrl, platform, logger: log });
    this.#forgetSignaling = this.#signaling.on("stateChange", (state) =>
      emitter.emit("signalingStateChange", state),
    );
  }

  /** @throws Error before {@link join} */
  get mesh(): Mesh {
    return this.#joined().mesh;
  }

  /** @throws Error before {@link join} */
  get outbox(): Outbox {
    return this.#joined().outbox;
  }

  /**
   * Load what media needs, connect to signaling, announce. Once.
   * @returns who is in the room
   */
  async join(options: CallOptions): Promise<AnnounceResult> {
    const { platform, config } = this.#options;
    const { clock } = platform;
    const endMs = clock.now() + (options.timeoutMs ?? JOIN_TIMEOUT_MS);
    const limits = () => ({ ...options, timeoutMs: Math.max(0, endMs - clock.now()) });
    const loaded = config.audio.enabled ? loadOpus() : undefined;
    const ready = Promise.all([loaded, this.#signaling.connect(limits())]);
    const [codec] = await limited(ready, clock, "start()", limits());
    const { emitter, localId, log, readers, track } = this.#options;
    // The mesh listens before the announcement, so that nothing said after it is lost.
    const mesh: Mesh = new Mesh({
      platform,
      config,
      localId,
      hello: this.#hello(),
      signaling: this.#signaling,
      codec,
      log,
      emitter,
      onFrame: (frame) => readers.push(frame),
      track,
      onReleased: (peerId) => outbox.release(peerId),
    });
    const outbox = new Outbox({ mesh, clock, audio: config.audio, codec, emitter });
    this.#parts = { mesh, outbox };
    return limited(this.#announce(limits()), clock, "start()", limits());
  }

  /** Tell every peer, leave the room, close everything. Idempotent. */
  async close(): Promise<void> {
    this.#parts?.outbox.close();
    await this.#parts?.mesh.close();
    await this.#signaling.close();
    this.#forgetSignaling();
  }

  #joined(): { readonly mesh: Mesh; readonly outbox: Outbox } {
    if (this.#parts === undefined) throw new Error("the room has not been joined yet");
    return this.#parts;
  }

  #announce(limits: CallOptions): Promise<AnnounceResult> {
    const { authToken, room, userData } = this.#options.config;
    const announcement = {
      peerId: this.#options.localId,
      room: room ?? "default",
      capabilities: this.#capabilities(),
      ...(userData !== undefined && { userData }),
      ...(authToken !== undefined && { authToken }),
    };
    return this.#signaling.announce(announcement, limits);
  }

  #hello() {
    const { platform, config } = this.#options;
    return {
      protocolVersion: PEER_PROTOCOL_VERSION,
      audioLookaheadSamples: DEFAULT_AUDIO_LOOKAHEAD_SAMPLES,
      instanceId: uuid4(platform.randomBytes(16)),
      capabilities: this.#capabilities(),
      codecs: config.audio.enabled ? ["opus"] : [],
    };
  }

  #capabilities(): Capability[] {
    const { audio, enableDataChannel } = this.#options.config;
    const enabled = { audio: audio.enabled, data: enableDataChannel };
    return (["audio", "data"] as const).filter((capability) => enabled[capability]);
  }
}
