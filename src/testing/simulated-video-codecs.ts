// Codecs of video for virtual time. What they write begins as a frame of the codec does, so that payload formats read it,
// and goes on as a tiny picture in gray: it is decoded only where every picture before it has been.
import { TransportError } from "../errors/errors.ts";
import type {
  EncodedPicture,
  I420Picture,
  VideoCodecName,
  VideoCodecs,
  VideoDecoder,
  VideoDecoderEvents,
  VideoEncoder,
  VideoEncoderEvents,
  VideoEncoderSettings,
} from "../platform/video-codecs.ts";
import type { Clock } from "../runtime/time.ts";
import { enlarged, readPicture, reduced, writePicture } from "./simulated-video-format.ts";

/** Work on a picture unless told otherwise, ms. */
const ENCODE_MS = 4;
const DECODE_MS = 2;

/** A keyframe is so many times as long as other pictures, and later ones pay it back a tenth at a time. */
const KEYFRAME_SHARE = 4;
const PAYBACK = 1 / 10;

/** Options of {@link SimulatedVideoCodecs}. */
export interface SimulatedVideoCodecsOptions {
  clock: Clock;
  /** What there is, both ways; all by default. */
  codecs?: readonly VideoCodecName[];
  /** Work on a picture, ms; default 4 and 2. */
  encodeMs?: number;
  decodeMs?: number;
  /** Work on the first picture of each encoder, ms, as real ones warm up; default `encodeMs`. */
  firstEncodeMs?: number;
}

/** What all decoders of one {@link SimulatedVideoCodecs} did. */
interface DecodingCounters {
  decoded: number;
  undecodable: number;
}

/** See the header. */
export class SimulatedVideoCodecs implements VideoCodecs {
  readonly encodes: ReadonlySet<VideoCodecName>;
  readonly decodes: ReadonlySet<VideoCodecName>;
  /** Of all decoders; `undecodable` came without its references, or damaged. */
  readonly counters: DecodingCounters = { decoded: 0, undecodable: 0 };
  readonly #options: SimulatedVideoCodecsOptions;
  readonly #open = new Set<{ close(): void }>();
  #closed = false;

  constructor(options: SimulatedVideoCodecsOptions) {
    this.#options = options;
    this.encodes = new Set(options.codecs ?? ["VP9", "H264", "VP8"]);
    this.decodes = this.encodes;
  }

  /** What the encoders that are open are told to keep to. */
  get encoders(): readonly VideoEncoderSettings[] {
    return [...this.#open].flatMap((each) => (each instanceof SimulatedEncoder ? [each.settings] : []));
  }

  async createEncoder(settings: VideoEncoderSettings, events: VideoEncoderEvents): Promise<VideoEncoder> {
    this.#check(settings.codec);
    const { clock, encodeMs = ENCODE_MS, firstEncodeMs = encodeMs } = this.#options;
    const onClose = (): void => void this.#open.delete(encoder);
    const encoder = new SimulatedEncoder(clock, [firstEncodeMs, encodeMs], settings, events, onClose);
    this.#open.add(encoder);
    return encoder;
  }

  async createDecoder(codec: VideoCodecName, events: VideoDecoderEvents): Promise<VideoDecoder> {
    this.#check(codec);
    const { clock, decodeMs = DECODE_MS } = this.#options;
    const decoder = new SimulatedDecoder(clock, decodeMs, codec, events, this.counters);
    this.#open.add(decoder);
    return decoder;
  }

  close(): void {
    this.#closed = true;
    for (const each of this.#open) each.close();
  }

  #check(codec: VideoCodecName): void {
    if (!this.#closed && this.encodes.has(codec)) return;
    throw new TransportError("NOT_SUPPORTED", `this simulation has no ${codec}`);
  }
}

/** A picture that waits for its turn, as far as anything will be made of it. */
interface Job {
  readonly width: number;
  readonly height: number;
  readonly luma: Uint8Array;
  readonly position: number;
  readonly keyframe: boolean;
}

class SimulatedEncoder implements VideoEncoder {
  readonly counters = { encoded: 0, keyframes: 0, dropped: 0, encodeMs: 0 };
  readonly #clock: Clock;
  /** Of the first picture, and of all others. */
  readonly #workMs: readonly [number, number];
  readonly #events: VideoEncoderEvents;
  readonly #onClose: () => void;
  #settings: VideoEncoderSettings;
  #waiting: Job | undefined;
  #cancel: (() => void) | undefined;
  #last: { readonly width: number; readonly height: number; readonly hash: number } | undefined;
  /** Bytes that were written beyond the rate. */
  #debt = 0;
  #closed = false;

  constructor(
    clock: Clock,
    workMs: readonly [number, number],
    settings: VideoEncoderSettings,
    events: VideoEncoderEvents,
    onClose: () => void,
  ) {
    this.#clock = clock;
    this.#workMs = workMs;
    this.#settings = settings;
    this.#events = events;
    this.#onClose = onClose;
  }

  get settings(): VideoEncoderSettings {
    return this.#settings;
  }

  encode(picture: I420Picture, position: number, keyframe: boolean): void {
    if (this.#closed) return;
    const { width, height } = picture;
    if (width !== this.#settings.width || height !== this.#settings.height) {
      const expected = `${this.#settings.width}x${this.#settings.height}`;
      throw new TransportError(
        "INVALID_DATA",
        `a picture of ${expected} was expected, not ${width}x${height}`,
      );
    }
    const former = this.#waiting;
    if (former !== undefined) this.counters.dropped++;
    const demanded = keyframe || former?.keyframe === true;
    this.#waiting = { width, height, luma: reduced(picture), position, keyframe: demanded };
    if (this.#cancel === undefined) this.#work();
  }

  configure(changes: Partial<Omit<VideoEncoderSettings, "codec">>): void {
    this.#settings = { ...this.#settings, ...changes };
  }

  close(): void {
    this.#closed = true;
    this.#waiting = undefined;
    this.#cancel?.();
    this.#onClose();
  }

  get #nextMs(): number {
    return this.#workMs[this.counters.encoded === 0 ? 0 : 1];
  }

  #work(): void {
    const job = this.#waiting;
    this.#waiting = undefined;
    if (job === undefined) return;
    this.#cancel = this.#clock.setTimer(this.#clock.now() + this.#nextMs, () => {
      this.#cancel = undefined;
      const picture = this.#encode(job);
      this.#work();
      this.#events.encoded(picture);
    });
  }

  #encode({ width, height, luma, position, keyframe }: Job): EncodedPicture {
    const last = this.#last;
    const isKeyframe = keyframe || last?.width !== width || last.height !== height;
    const byteLength = this.#budget(isKeyframe);
    const { codec } = this.#settings;
    const content = { width, height, luma, isKeyframe, reference: isKeyframe ? 0 : (last?.hash ?? 0) };
    const { data, hash } = writePicture(codec, content, position, byteLength);
    this.#last = { width, height, hash };
    this.#debt += data.length - this.#bytesPerPicture;
    this.counters.encodeMs += this.#nextMs;
    this.counters.encoded++;
    if (isKeyframe) this.counters.keyframes++;
    return { data, isKeyframe, width, height, position };
  }

  get #bytesPerPicture(): number {
    return (this.#settings.bitrateKbps * 1000) / 8 / this.#settings.framerateFps;
  }

  #budget(isKeyframe: boolean): number {
    const bytes = this.#bytesPerPicture;
    return Math.round(isKeyframe ? KEYFRAME_SHARE * bytes : bytes - this.#debt * PAYBACK);
  }
}

class SimulatedDecoder implements VideoDecoder {
  readonly counters = { decoded: 0, decodeMs: 0 };
  readonly #clock: Clock;
  readonly #decodeMs: number;
  readonly #codec: VideoCodecName;
  readonly #events: VideoDecoderEvents;
  readonly #sums: DecodingCounters;
  readonly #queue: EncodedPicture[] = [];
  #cancel: (() => void) | undefined;
  /** Hash of the picture decoded last; undefined while only a keyframe helps. */
  #hash: number | undefined;
  #closed = false;

  constructor(
    clock: Clock,
    decodeMs: number,
    codec: VideoCodecName,
    events: VideoDecoderEvents,
    sums: DecodingCounters,
  ) {
    this.#sums = sums;
    this.#clock = clock;
    this.#decodeMs = decodeMs;
    this.#codec = codec;
    this.#events = events;
  }

  get pending(): number {
    return this.#queue.length;
  }

  decode(picture: EncodedPicture): void {
    if (this.#closed) return;
    this.#queue.push(picture);
    if (this.#cancel === undefined) this.#work();
  }

  close(): void {
    this.#closed = true;
    this.#queue.length = 0;
    this.#cancel?.();
  }

  #work(): void {
    if (this.#queue.length === 0) return;
    this.#cancel = this.#clock.setTimer(this.#clock.now() + this.#decodeMs, () => {
      this.#cancel = undefined;
      const picture = this.#queue.shift();
      this.#work();
      if (picture !== undefined) this.#decode(picture);
    });
  }

  #decode({ data, position }: EncodedPicture): void {
    const content = readPicture(this.#codec, data);
    this.counters.decodeMs += this.#decodeMs;
    if (typeof content === "string") return this.#refuse(position, content);
    const { isKeyframe, reference, width, height, luma, hash } = content;
    if (!isKeyframe && reference !== this.#hash) return this.#refuse(position, "its reference is missing");
    this.#hash = hash;
    this.counters.decoded++;
    this.#sums.decoded++;
    this.#events.picture({ width, height, planes: enlarged(luma, width, height), position });
  }

  #refuse(position: number, reason: string): void {
    this.#hash = undefined;
    this.#sums.undecodable++;
    this.#events.undecodable(
      position,
      new TransportError("DECODING_ERROR", `a picture is no use: ${reason}`),
    );
  }
}
