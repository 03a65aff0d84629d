// One stream of pictures in one codec: encoded once for every link that takes it. Keyframes, rate and size are decided
// here.
import { describeError, TransportError } from "../../errors/errors.ts";
import type {
  EncodedPicture,
  I420Picture,
  VideoCodecName,
  VideoCodecs,
  VideoEncoder,
} from "../../platform/video-codecs.ts";
import { Driver } from "../../runtime/driver.ts";
import type { Clock } from "../../runtime/time.ts";
import { FrameFanOut } from "./frame-fan-out.ts";
import { KeyframeDemand } from "./keyframe-demand.ts";
import type { KeyframeDemandInput, KeyframeDemandOutput } from "./keyframe-demand.ts";
import { RetryDelay } from "./retry-delay.ts";
import type { SinkDemand, VideoSink } from "./video-sink.ts";

/**
 * Of what the slowest of several paths carries, the share for pictures: one that gets worse holds up all. A path of its
 * own is filled, for an estimate that is never met is not confirmed: it would sink with what is sent.
 */
const SHARED_RATE = 0.85;

/** Least time between two changes of the rate, ms; what an encoder then makes of them is its own. */
const CONFIGURE_MS = 200;

/** Pictures that an encoder has and of which nothing has come; beyond, it has forgotten the oldest. */
const MAX_PENDING = 32;

const TICKS_PER_S = 90_000;

/** What the encoder is to keep to. */
export interface EncodingLimits {
  /** Most, and least however bad the path, in kbit/s. */
  readonly bitrateKbps: number;
  readonly minBitrateKbps: number;
  /** False: the most, whatever the paths carry. */
  readonly adaptive: boolean;
  readonly framerateFps: number;
  /** Seconds after which a keyframe is due, asked for or not. */
  readonly keyframeInterval: number;
}

/** Options of a {@link PictureEncoding}. No callback may throw. */
export interface PictureEncodingOptions {
  codec: VideoCodecName;
  clock: Clock;
  /** Called when there is something to encode; those codecs are not closed here. */
  loadCodecs: () => Promise<VideoCodecs>;
  limits: EncodingLimits;
  /** 15 random bits. */
  firstPictureId: number;
  /** The encoder failed or cannot be made: `ENCODING_ERROR`. It is tried again now and then. */
  onFault: (error: TransportError) => void;
  /** A picture has been encoded, in so much work. */
  onEncoded: (workMs: number) => void;
}

/** A picture, and whom it is for. */
export interface PictureJob {
  /** Read until the promise of its encoding settles, not kept. */
  readonly picture: I420Picture;
  /** Beyond that of all earlier ones. */
  readonly position: number;
  readonly captureUs: number;
  readonly keyframe: boolean;
  /** Of level `packet` and of this codec; at least one. */
  readonly sinks: readonly VideoSink[];
}

/** Counters of a {@link PictureEncoding}. */
export interface PictureEncodingCounters {
  encoded: number;
  keyframes: number;
  /** Pictures that a newer one replaced before their turn came. */
  dropped: number;
  /** Ms of work. */
  encodeMs: number;
}

/** What is known of a picture while it is being encoded. */
interface Pending {
  readonly captureUs: number;
  readonly sinks: readonly VideoSink[];
}

/** A picture that waits for the encoder to be made. */
interface Held {
  readonly job: PictureJob;
  readonly resolve: () => void;
  readonly reject: (error: TransportError) => void;
}

/** An encoder, and what it has been told. */
interface Session {
  encoder: VideoEncoder | undefined;
  ended: boolean;
  width: number;
  height: number;
  bitrateKbps: number;
  framerateFps: number;
  configuredMs: number;
  readonly pending: Map<number, Pending>;
  /** Work that has been told. */
  toldMs: number;
}

/** See the header. */
export class PictureEncoding {
  readonly #options: PictureEncodingOptions;
  readonly #demand: Driver<KeyframeDemandInput, KeyframeDemandOutput>;
  readonly #fanOut: FrameFanOut;
  readonly #retry = new RetryDelay();
  /** Those of encoders that are no more, and of pictures that never came to one. */
  readonly #past: PictureEncodingCounters = { encoded: 0, keyframes: 0, dropped: 0, encodeMs: 0 };
  #limits: EncodingLimits;
  #session: Session | undefined;
  #held: Held | undefined;
  #fault: TransportError | undefined;
  #keyframeWanted = false;
  /** Where the last keyframe was, or the picture that was to become one. */
  #keyframePosition = -Infinity;
  #closed = false;

  constructor(options: PictureEncodingOptions) {
    this.#options = options;
    this.#limits = options.limits;
    this.#fanOut = new FrameFanOut(options.codec, options.firstPictureId);
    this.#demand = new Driver(new KeyframeDemand(), options.clock, () => {
      this.#keyframeWanted = true;
    });
  }

  get counters(): PictureEncodingCounters {
    const now = this.#session?.encoder?.counters;
    const past = this.#past;
    return {
      encoded: past.encoded + (now?.encoded ?? 0),
      keyframes: past.keyframes + (now?.keyframes ?? 0),
      dropped: past.dropped + (now?.dropped ?? 0),
      encodeMs: past.encodeMs + (now?.encodeMs ?? 0),
    };
  }

  /**
   * Encode a picture; what comes of it goes to the links.
   *
   * @returns settles when the picture is no longer needed, encoded or not
   * @throws TransportError `ENCODING_ERROR` (as rejection) while there is no encoder
   */
  async encode(job: PictureJob): Promise<void> {
    if (this.#closed) throw this.#error("it has been closed");
    const isIdle = this.#session === undefined;
    if (isIdle && this.#fault !== undefined && !this.#retry.isDue(this.#options.clock.now())) {
      throw this.#fault;
    }
    if (this.#fanOut.join(job.sinks, job.position)) this.#demand.handle({ type: "joined" });
    const session = (this.#session ??= this.#begin(job));
    if (session.encoder === undefined) return this.#hold(job);
    this.#hand(job, session, session.encoder);
  }

  /** Take what a link wants; for those that do not belong here it is nothing. */
  demand(peerId: string, demand: SinkDemand): void {
    // The rate is asked of the links with every picture.
    if (demand.type === "target" || !this.#fanOut.has(peerId)) return;
    this.#demand.handle(demand);
  }

  configure(limits: EncodingLimits): void {
    this.#limits = limits;
  }

  /** Forget a peer. */
  release(peerId: string): void {
    this.#fanOut.release(peerId);
    this.#demand.handle({ type: "left", peerId });
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#demand.close();
    this.#end();
  }

  #begin({ picture, sinks }: PictureJob): Session {
    const { clock } = this.#options;
    const session: Session = {
      encoder: undefined,
      ended: false,
      width: picture.width,
      height: picture.height,
      bitrateKbps: this.#bitrateKbps(sinks),
      framerateFps: this.#limits.framerateFps,
      configuredMs: clock.now(),
      pending: new Map(),
      toldMs: 0,
    };
    void this.#open(session).catch((error: unknown) => this.#fail(session, error));
    return session;
  }

  async #open(session: Session): Promise<void> {
    const { codec, loadCodecs } = this.#options;
    const codecs = await loadCodecs();
    if (session.ended) return;
    const { width, height, bitrateKbps, framerateFps } = session;
    const encoder = await codecs.createEncoder(
      { codec, width, height, bitrateKbps, framerateFps },
      {
        encoded: (picture) => this.#encoded(session, picture),
        failed: (error) => this.#fail(session, error),
      },
    );
    if (session.ended) return encoder.close();
    session.encoder = encoder;
    const held = this.#held;
    if (held === undefined) return;
    this.#hand(held.job, session, encoder);
    this.#held = undefined;
    held.resolve();
  }

  /** Let a picture wait for the encoder; the one that waited makes room. */
  #hold(job: PictureJob): Promise<void> {
    const former = this.#held;
    if (former !== undefined) this.#past.dropped++;
    const promise = new Promise<void>((resolve, reject) => {
      this.#held = { job, resolve, reject };
    });
    former?.resolve();
    return promise;
  }

  #hand(job: PictureJob, session: Session, encoder: VideoEncoder): void {
    const { picture, position, captureUs, sinks } = job;
    this.#configure(job, session, encoder);
    const isDue = position - this.#keyframePosition >= this.#limits.keyframeInterval * TICKS_PER_S;
    const keyframe = job.keyframe || this.#keyframeWanted || isDue;
    if (keyframe) {
      this.#keyframeWanted = false;
      this.#keyframePosition = position;
    }
    const { pending } = session;
    pending.set(position, { captureUs, sinks });
    const [oldest] = pending.keys();
    if (oldest !== undefined && pending.size > MAX_PENDING) pending.delete(oldest);
    encoder.encode(picture, position, keyframe);
  }

  /** Tell the encoder what has changed. */
  #configure({ picture, sinks }: PictureJob, session: Session, encoder: VideoEncoder): void {
    const { width, height } = picture;
    const { framerateFps } = this.#limits;
    const bitrateKbps = this.#bitrateKbps(sinks);
    const nowMs = this.#options.clock.now();
    // Either begins with a keyframe anyhow, at which another rate costs nothing.
    const isOther = width !== session.width || height !== session.height;
    const isDue = nowMs - session.configuredMs >= CONFIGURE_MS;
    const isMoved = bitrateKbps !== session.bitrateKbps || framerateFps !== session.framerateFps;
    if (!isOther && !(isDue && isMoved)) return;
    session.width = width;
    session.height = height;
    session.bitrateKbps = bitrateKbps;
    session.framerateFps = framerateFps;
    session.configuredMs = nowMs;
    encoder.configure({ width, height, bitrateKbps, framerateFps });
  }

  #bitrateKbps(sinks: readonly VideoSink[]): number {
    const { bitrateKbps, minBitrateKbps, adaptive } = this.#limits;
    if (!adaptive) return bitrateKbps;
    const share = sinks.length > 1 ? SHARED_RATE : 1;
    let kbps = bitrateKbps;
    for (const { targetKbps } of sinks) kbps = Math.min(kbps, share * targetKbps);
    return Math.round(Math.max(minBitrateKbps, kbps));
  }

  #encoded(session: Session, coded: EncodedPicture): void {
    if (session.ended) return;
    const { data, position, isKeyframe, width, height } = coded;
    this.#retry.worked();
    if (isKeyframe) this.#demand.handle({ type: "encoded" });
    const job = this.#take(session, position);
    if (job === undefined) {
      this.#fanOut.interrupt();
      this.#demand.handle({ type: "joined" });
    } else {
      const { captureUs, sinks } = job;
      if (isKeyframe) this.#keyframePosition = Math.max(this.#keyframePosition, position);
      this.#fanOut.send({ data, position, captureUs, isKeyframe, width, height }, sinks);
    }
    this.#tellWork(session);
  }

  /** What is known of a picture; those before it were left out by the encoder. */
  #take({ pending }: Session, position: number): Pending | undefined {
    const job = pending.get(position);
    for (const earlier of pending.keys()) {
      if (earlier > position) break;
      pending.delete(earlier);
    }
    return job;
  }

  #tellWork(session: Session): void {
    const encodeMs = session.encoder?.counters.encodeMs ?? 0;
    const workMs = encodeMs - session.toldMs;
    session.toldMs = encodeMs;
    this.#options.onEncoded(workMs);
  }

  #fail(session: Session, error: unknown): void {
    if (session.ended) return;
    this.#fault = this.#error(describeError(error), error);
    this.#retry.failed(this.#options.clock.now());
    this.#end(this.#fault);
    this.#options.onFault(this.#fault);
  }

  #error(reason: string, cause?: unknown): TransportError {
    const message = `${this.#options.codec} cannot be encoded: ${reason}`;
    return new TransportError("ENCODING_ERROR", message, { cause });
  }

  #end(reason?: TransportError): void {
    const session = this.#session;
    const held = this.#held;
    this.#session = undefined;
    this.#held = undefined;
    if (session !== undefined) {
      session.ended = true;
      this.#remember(session);
      session.encoder?.close();
    }
    if (held === undefined) return;
    this.#past.dropped++;
    if (reason === undefined) held.resolve();
    else held.reject(reason);
  }

  #remember({ encoder }: Session): void {
    if (encoder === undefined) return;
    const { encoded, keyframes, dropped, encodeMs } = encoder.counters;
    this.#past.encoded += encoded;
    this.#past.keyframes += keyframes;
    this.#past.dropped += dropped;
    this.#past.encodeMs += encodeMs;
  }
}
