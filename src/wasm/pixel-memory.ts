// The memory and the kernels of pixels: one of each in a realm, made at first need and lent to whichever call is at
// work. What lies in it means nothing before and after that call.
import { TransportError, toTransportError } from "../errors/errors.ts";
import { PIXEL_GROUP } from "./generated/layout.ts";
import { PIXELS_HEX } from "./generated/pixels.ts";
import type { PixelExports } from "./generated/pixels.ts";

const PAGE_BYTES = 65_536;
/** What the kernels' import allows, in asconfig.json `maximumMemory`. */
const MAX_PAGES = 1024;
/** Bands of the largest pictures that are common fit; less would have to grow before long. */
const FIRST_PAGES = 16;
/** Address 0 stays unused, as in every memory of ours. */
const FIRST_ADDRESS = 1024;

/** The memory as a call sees it; the view holds until the next call asks for more. */
export interface PixelMemory {
  readonly kernels: PixelExports;
  readonly bytes: Uint8Array;
}

let memory: WebAssembly.Memory | undefined;
let current: PixelMemory | undefined;

/**
 * Addresses for buffers of these lengths, multiples of 16 with room for what a kernel writes past the end, and the
 * memory they lie in.
 * @throws TransportError `LIMIT_EXCEEDED` beyond 64 MiB, `NOT_SUPPORTED` when WebAssembly, SIMD or its compilation is
 *   not available
 */
export function lendPixelMemory(lengths: readonly number[]): { at: readonly number[]; memory: PixelMemory } {
  let end = FIRST_ADDRESS;
  const at = lengths.map((length) => {
    const address = end;
    end += Math.ceil((length + PIXEL_GROUP) / PIXEL_GROUP) * PIXEL_GROUP;
    return address;
  });
  current ??= open();
  // A kernel may also read a few groups past the end.
  const missing = end + 4 * PIXEL_GROUP - current.bytes.length;
  if (missing > 0) current = grow(current, Math.ceil(missing / PAGE_BYTES));
  return { at, memory: current };
}

function open(): PixelMemory {
  try {
    const bytes = new Uint8Array(PIXELS_HEX.length / 2);
    for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(PIXELS_HEX.slice(2 * i, 2 * i + 2), 16);
    memory = new WebAssembly.Memory({ initial: FIRST_PAGES, maximum: MAX_PAGES });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
    return { kernels: exports as unknown as PixelExports, bytes: new Uint8Array(memory.buffer) };
  } catch (error) {
    throw toTransportError(error, "NOT_SUPPORTED", "the WebAssembly kernels of pixels cannot be started", {
      suggestion: "Use Node >= 20.19 or a current browser; a strict CSP must allow 'wasm-unsafe-eval'.",
    });
  }
}

function grow({ kernels }: PixelMemory, pages: number): PixelMemory {
  const grown = memory as WebAssembly.Memory;
  try {
    grown.grow(pages);
  } catch (error) {
    throw new TransportError("LIMIT_EXCEEDED", "the picture is too large to be converted or scaled", {
      suggestion: "Use smaller pictures, or scale in several steps.",
      cause: error,
    });
  }
  return { kernels, bytes: new Uint8Array(grown.buffer) };
}
