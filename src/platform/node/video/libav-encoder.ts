// One encoder of libav.js in a worker: VP8 or VP9 in one pass and in real time, keyframes only where they are asked
// for. The rate of a running context cannot be changed, so another rate or size is another context, which begins with
// a keyframe.
import type { VideoCodecName } from "../../video-codecs.ts";
import { chroma, i420Planes } from "./i420.ts";
import { EAGAIN, LIBRARY_NAMES, PIXEL_FORMAT_I420 } from "./libav.ts";
import type { Library } from "./libav.ts";
import type { Encode, Encoded, Nothing } from "./video-messages.ts";

/** What a picture and its encoder are set to. */
export type EncoderState = Pick<Encode, "width" | "height" | "bitrateKbps" | "framerateFps">;

/** What comes in. The memory is read, not kept. */
export type EncoderInput = Omit<Encode, "type" | "id" | "memory"> & { readonly memory: ArrayBufferLike };

interface Context extends EncoderState {
  readonly codec: number;
  readonly frame: number;
  readonly packet: number;
  /** Position of its first picture, ticks; undefined before that. Counting from there keeps times short. */
  base: number | undefined;
}

/** Ticks per second. */
const CLOCK_HZ = 90_000;

/** Further apart than any two pictures; libvpx begins no group of pictures by itself. */
const GROUP_SIZE = 1_000_000;

/** `AV_PICTURE_TYPE_I`: the one way to force a keyframe; 0 leaves the choice to libvpx. */
const PICTURE_TYPE_I = 1;

/** Of libvpx, as libav calls them. */
const COMMON_OPTIONS = {
  deadline: "realtime",
  "lag-in-frames": "0",
  // A lost picture must not spoil the entropy coding of those after the next keyframe request.
  "error-resilient": "1",
  "static-thresh": "1",
  // Percent of the bits of one picture that a keyframe may take.
  "max-intra-rate": "300",
} as const;

const CODEC_OPTIONS: Readonly<Partial<Record<VideoCodecName, Readonly<Record<string, string>>>>> = {
  // Cyclic refresh in the background. 8 is the fastest that libav accepts.
  VP9: { "cpu-used": "8", "aq-mode": "3" },
  // A negative speed is fixed; a positive one follows the load of the machine, and always to the end. -14 takes half the
  // time of -8, and of VP9, for 1 dB less; beyond it a picture gets worse faster than the work gets less.
  VP8: { "cpu-used": "-14" },
};

/**
 * Encodes the pictures of one stream. Copies per picture: from the caller's memory into libav's frame, and libvpx's own
 * into its queue; the bytes that come out are copied once.
 */
export class LibavEncoder {
  readonly #library: Library;
  readonly #codec: VideoCodecName;
  #context: Context | undefined;

  /** @throws Error when libav has no such encoder or refuses the settings */
  constructor(library: Library, codec: VideoCodecName, settings: EncoderState) {
    this.#library = library;
    this.#codec = codec;
    this.#context = this.#open(settings);
  }

  /** @throws Error when libvpx refuses a picture or new settings: it cannot go on */
  encode(input: EncoderInput): Encoded | Nothing {
    const library = this.#library;
    const context = this.#contextFor(input);
    const { codec, frame, packet } = context;
    this.#writePicture(frame, input);
    context.base ??= input.position;
    const pts = input.position - context.base;
    library.AVFrame_pts_s_sync(frame, pts | 0);
    library.AVFrame_ptshi_s_sync(frame, Math.floor(pts / 2 ** 32));
    library.AVFrame_duration_s_sync(frame, Math.round(CLOCK_HZ / input.framerateFps));
    library.AVFrame_pict_type_s_sync(frame, input.keyframe ? PICTURE_TYPE_I : 0);
    check(library, library.avcodec_send_frame_sync(codec, frame), "the picture was refused");
    const answer = library.avcodec_receive_packet_sync(codec, packet);
    if (answer === EAGAIN) return { type: "nothing" };
    check(library, answer, "nothing was encoded");
    const start = library.AVPacket_data_sync(packet);
    const data = library.HEAPU8.slice(start, start + library.AVPacket_size_sync(packet));
    const isKeyframe = (library.AVPacket_flags_sync(packet) & library.AV_PKT_FLAG_KEY) !== 0;
    library.av_packet_unref_sync(packet);
    return { type: "encoded", data, isKeyframe, width: context.width, height: context.height };
  }

  /** Idempotent. */
  close(): void {
    if (this.#context === undefined) return;
    const { codec, frame, packet } = this.#context;
    this.#context = undefined;
    this.#library.ff_free_encoder_sync(codec, frame, packet);
  }

  #contextFor(input: EncoderInput): Context {
    const { width, height, bitrateKbps } = input;
    const now = this.#context;
    if (now?.width === width && now.height === height && now.bitrateKbps === bitrateKbps) return now;
    this.close();
    this.#context = this.#open(input);
    return this.#context;
  }

  #open(settings: EncoderState): Context {
    const { width, height, bitrateKbps, framerateFps } = settings;
    const name = LIBRARY_NAMES[this.#codec];
    if (name === undefined) throw new Error(`there is no encoder for ${this.#codec}`);
    const library = this.#library;
    const bitsPerSecond = Math.round(bitrateKbps * 1000);
    const [, codec, frame, packet] = library.ff_init_encoder_sync(name, {
      ctx: {
        width,
        height,
        pix_fmt: PIXEL_FORMAT_I420,
        bit_rate: bitsPerSecond,
        framerate_num: Math.round(framerateFps * 1000),
        framerate_den: 1000,
        gop_size: GROUP_SIZE,
        qmin: 2,
        qmax: 56,
      },
      time_base: [1, CLOCK_HZ],
      // All three the same: a constant rate, evened out over one second.
      options: {
        ...COMMON_OPTIONS,
        ...CODEC_OPTIONS[this.#codec],
        minrate: String(bitsPerSecond),
        maxrate: String(bitsPerSecond),
        bufsize: String(bitsPerSecond),
      },
    });
    library.AVFrame_format_s_sync(frame, PIXEL_FORMAT_I420);
    library.AVFrame_width_s_sync(frame, width);
    library.AVFrame_height_s_sync(frame, height);
    check(library, library.av_frame_get_buffer_sync(frame, 0), "no memory for a picture");
    return { codec, frame, packet, width, height, bitrateKbps, framerateFps, base: undefined };
  }

  #writePicture(frame: number, { memory, width, height }: EncoderInput): void {
    const library = this.#library;
    check(library, library.av_frame_make_writable_sync(frame), "no memory for a picture");
    const planes = i420Planes(memory, width, height);
    for (let i = 0; i < planes.length; i++) {
      const columns = i === 0 ? width : chroma(width);
      const rows = i === 0 ? height : chroma(height);
      const start = library.AVFrame_data_a_sync(frame, i);
      const stride = library.AVFrame_linesize_a_sync(frame, i);
      const plane = planes[i] as Uint8Array;
      if (stride === columns) library.HEAPU8.set(plane, start);
      else {
        const heap = library.HEAPU8;
        for (let y = 0; y < rows; y++) {
          heap.set(plane.subarray(y * columns, (y + 1) * columns), start + y * stride);
        }
      }
    }
  }
}

function check(library: Library, answer: number, context: string): void {
  if (answer < 0) throw new Error(`${context}: ${library.ff_error_sync(answer)}`);
}
