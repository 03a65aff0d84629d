// libav.js in a worker: loading it, and keeping its memory within bounds. Runs in the worker alone.
import type LibAV from "@libav.js/variant-webm-vp9";
import type { VideoCodecName } from "../../video-codecs.ts";

/** libav.js whose every function answers at once. `HEAPU8` is another object after the memory has grown. */
export type Library = LibAV.LibAV & LibAV.LibAVSync & { readonly HEAPU8: Uint8Array };

/** What libav calls the codecs we use of it; all by libvpx, encoders and decoders. */
export const LIBRARY_NAMES: Readonly<Partial<Record<VideoCodecName, string>>> = {
  VP9: "libvpx-vp9",
  VP8: "libvpx",
};

/** "Try again": an answer of libav's decoders and encoders that have nothing to give yet. */
export const EAGAIN = -6;

/** `AV_PIX_FMT_YUV420P`: I420. */
export const PIXEL_FORMAT_I420 = 0;

/**
 * Most memory of one worker, bytes: the last line against streams that claim to be huge. libvpx keeps about a dozen
 * pictures of a stream; this is enough for one decoder of 3840x2160 and three of 1920x1080, and for any encoder below.
 */
const MAX_MEMORY_BYTES = 512 * 1024 * 1024;

const PAGE_BYTES = 65_536;

/**
 * Load the library into this thread.
 *
 * @param url of its ES module, with the WebAssembly beside it
 * @throws Error (as rejection) when it is not there or cannot be compiled
 */
export async function loadLibrary(url: string): Promise<Library> {
  boundMemory();
  const { default: wrapper } = (await import(url)) as { default: LibAV.LibAVWrapper };
  const library = await wrapper.LibAV({ noworker: true });
  // It reports to stderr what is reported through the port.
  library.av_log_set_level_sync(library.AV_LOG_QUIET);
  return library as Library;
}

/** Memory beyond the bound is refused, which libvpx answers with an error of that picture alone. */
function boundMemory(): void {
  const { prototype } = WebAssembly.Memory;
  const grow = Object.getOwnPropertyDescriptor(prototype, "grow")?.value as (pages: number) => number;
  prototype.grow = function (this: WebAssembly.Memory, pages: number): number {
    if (this.buffer.byteLength + pages * PAGE_BYTES > MAX_MEMORY_BYTES)
      throw new RangeError("memory is full");
    return grow.call(this, pages);
  };
}
