// Turns the inlined bytes into kernels over a memory, synchronously: nothing to fetch, nothing to await, the same in
// Node, windows, workers and worklets. Never reads or writes the memory itself.
import { TransportError, toTransportError } from "../errors/errors.ts";
import { KERNELS_HEX, MEMORY_FLAGS_OFFSET, SHARED_MEMORY_FLAG } from "./generated/kernels.ts";
import type { KernelExports } from "./generated/kernels.ts";

const PAGE_BYTES = 65_536;
/** What the kernels' import allows, in asconfig.json `maximumMemory`. */
const MAX_PAGES = 1024;

const modules: { plain?: WebAssembly.Module; shared?: WebAssembly.Module } = {};
let arithmetic: KernelExports | undefined;

/**
 * A memory of fixed size: views over it stay valid for its life.
 * @param byteLength 1 to 67,108,864; rounded up to whole pages of 64 KiB
 * @param shared whether other threads may see it; needs `SharedArrayBuffer`
 * @throws TransportError `INVALID_CONFIG` for another size, `NOT_SUPPORTED` where memory cannot be shared
 */
export function createMemory(byteLength: number, shared: boolean): WebAssembly.Memory {
  const pages = Math.ceil(byteLength / PAGE_BYTES);
  if (!(pages >= 1 && pages <= MAX_PAGES)) {
    throw new TransportError(
      "INVALID_CONFIG",
      `bytes must be 1 to ${MAX_PAGES * PAGE_BYTES}, got ${byteLength}`,
    );
  }
  if (shared && typeof SharedArrayBuffer === "undefined") {
    throw new TransportError(
      "NOT_SUPPORTED",
      "shared memory needs SharedArrayBuffer, which this realm lacks",
      {
        suggestion:
          "Serve the page with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp, or leave shared false.",
      },
    );
  }
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
}

/**
 * The kernels over `memory`. The module is compiled once per realm; instances keep no state of their own, so several
 * may serve one memory.
 * @param shared whether `memory` is shared
 * @throws TransportError `NOT_SUPPORTED` when WebAssembly, SIMD or its compilation is not available
 */
export function instantiateKernels(memory: WebAssembly.Memory, shared: boolean): KernelExports {
  try {
    const instance = new WebAssembly.Instance(compiled(shared), { env: { memory } });
    return instance.exports as unknown as KernelExports;
  } catch (error) {
    throw toTransportError(error, "NOT_SUPPORTED", "the WebAssembly kernels cannot be started", {
      suggestion: "Use Node >= 20.19 or a current browser; a strict CSP must allow 'wasm-unsafe-eval'.",
    });
  }
}

/** Kernels for pure arithmetic: an instance, made once per realm, whose memory nobody uses. */
export function arithmeticKernels(): KernelExports {
  arithmetic ??= instantiateKernels(createMemory(PAGE_BYTES, false), false);
  return arithmetic;
}

// One module serves both kinds of memory; engines insist that its import names the kind.
function compiled(shared: boolean): WebAssembly.Module {
  if (shared) return (modules.shared ??= compile(SHARED_MEMORY_FLAG));
  return (modules.plain ??= compile(0));
}

function compile(sharedFlag: number): WebAssembly.Module {
  const bytes = new Uint8Array(KERNELS_HEX.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(KERNELS_HEX.slice(2 * i, 2 * i + 2), 16);
  const flags = bytes[MEMORY_FLAGS_OFFSET] as number;
  bytes[MEMORY_FLAGS_OFFSET] = (flags & ~SHARED_MEMORY_FLAG) | sharedFlag;
  return new WebAssembly.Module(bytes);
}
