// One decoder of libav.js in a worker: VP8 or VP9. After a picture that it cannot decode it takes nothing but a keyframe,
// and a fresh context for that.
import type { VideoCodecName } from "../../video-codecs.ts";
import { chroma, i420Bytes, i420Planes } from "./i420.ts";
import { keyframeSize } from "./keyframe-size.ts";
import { EAGAIN, LIBRARY_NAMES, PIXEL_FORMAT_I420 } from "./libav.ts";
import type { Library } from "./libav.ts";
import type { Decoded, Nothing, Undecodable } from "./video-messages.ts";

/**
 * Most pixels of a picture: level 5 of VP9, 4096x2176. A stream may claim 65536x65536, and room for that is made before a
 * single pixel is read. What does not say its size at its start is held by the bound on the worker's memory.
 */
const MAX_PIXELS = 4096 * 2176;

interface Context {
  readonly codec: number;
  readonly packet: number;
  readonly frame: number;
}

/**
 * Decodes the pictures of one stream. One copy per picture, out of libvpx's memory and without the gaps there, into
 * memory that then moves to the main thread.
 */
export class LibavDecoder {
  readonly #library: Library;
  readonly #codec: VideoCodecName;
  #context: Context | undefined;
  #waitsForKeyframe = true;

  /** @throws Error when libav has no such decoder */
  constructor(library: Library, codec: VideoCodecName) {
    this.#library = library;
    this.#codec = codec;
    this.#context = this.#open();
  }

  /** Decode a frame as it is, superframes included. @param data read, not kept */
  decode(data: Uint8Array, isKeyframe: boolean): Decoded | Nothing | Undecodable {
    if (this.#waitsForKeyframe && !isKeyframe) return { type: "undecodable", reason: "it is no keyframe" };
    this.#context ??= this.#open();
    const size = keyframeSize(this.#codec, data);
    const result: Decoded | Nothing | Undecodable =
      size !== undefined && size.width * size.height > MAX_PIXELS
        ? { type: "undecodable", reason: `${size.width}x${size.height} is too large` }
        : this.#decode(this.#context, data);
    this.#waitsForKeyframe = result.type === "undecodable";
    // What libvpx remembers of a stream it could not read is not to be trusted.
    if (this.#waitsForKeyframe) this.close();
    return result;
  }

  /** Idempotent. */
  close(): void {
    if (this.#context === undefined) return;
    const { codec, packet, frame } = this.#context;
    this.#context = undefined;
    this.#library.ff_free_decoder_sync(codec, packet, frame);
  }

  #open(): Context {
    const name = LIBRARY_NAMES[this.#codec];
    if (name === undefined) throw new Error(`there is no decoder for ${this.#codec}`);
    const [, codec, packet, frame] = this.#library.ff_init_decoder_sync(name);
    return { codec, packet, frame };
  }

  #decode({ codec, packet, frame }: Context, data: Uint8Array): Decoded | Nothing | Undecodable {
    const library = this.#library;
    // An empty packet would mean the end of the stream.
    if (data.length === 0) return { type: "undecodable", reason: "it is empty" };
    let answer = library.av_grow_packet_sync(packet, data.length);
    if (answer >= 0) {
      library.HEAPU8.set(data, library.AVPacket_data_sync(packet));
      answer = library.avcodec_send_packet_sync(codec, packet);
      library.av_packet_unref_sync(packet);
    }
    if (answer >= 0) answer = library.avcodec_receive_frame_sync(codec, frame);
    if (answer === EAGAIN) return { type: "nothing" };
    if (answer < 0) return { type: "undecodable", reason: library.ff_error_sync(answer) };
    const result = this.#readPicture(frame);
    library.av_frame_unref_sync(frame);
    return result;
  }

  #readPicture(frame: number): Decoded | Undecodable {
    const library = this.#library;
    if (library.AVFrame_format_sync(frame) !== PIXEL_FORMAT_I420) {
      return { type: "undecodable", reason: "its pixels are not 8-bit 4:2:0" };
    }
    const width = library.AVFrame_width_sync(frame);
    const height = library.AVFrame_height_sync(frame);
    const memory = new ArrayBuffer(i420Bytes(width, height));
    const planes = i420Planes(memory, width, height);
    const heap = library.HEAPU8;
    for (let i = 0; i < planes.length; i++) {
      const columns = i === 0 ? width : chroma(width);
      const rows = i === 0 ? height : chroma(height);
      // A row of libvpx ends in a border that is no part of the picture.
      const stride = library.AVFrame_linesize_a_sync(frame, i);
      const start = library.AVFrame_data_a_sync(frame, i);
      const plane = planes[i] as Uint8Array;
      for (let y = 0; y < rows; y++) {
        const row = start + y * stride;
        plane.set(heap.subarray(row, row + columns), y * columns);
      }
    }
    return { type: "picture", memory, width, height };
  }
}
