// Samples as 16-bit integers and as floats, over the WebAssembly kernels.
import { PCM_GROUP } from "./generated/layout.ts";
import { claimRegion } from "./regions.ts";

/** Samples for one run of the kernel; longer arrays take several. */
const BLOCK = 4096;

/** Integers and floats side by side in one region that the realm keeps. */
interface Workspace {
  readonly kernels: ReturnType<typeof claimRegion>["arena"]["kernels"];
  readonly integers: Int16Array;
  readonly floats: Float32Array;
}

let workspace: Workspace | undefined;

/** Signed 16-bit samples as floats in [-1, 1): divided by 32768, exactly. Returns a fresh array. */
export function s16ToF32(samples: Int16Array): Float32Array {
  const { kernels, integers, floats } = (workspace ??= makeWorkspace());
  if (samples.length <= BLOCK) {
    integers.set(samples);
    kernels.s16ToF32(integers.byteOffset, floats.byteOffset, samples.length);
    return floats.slice(0, samples.length);
  }
  const out = new Float32Array(samples.length);
  for (let at = 0; at < samples.length; at += BLOCK) out.set(s16ToF32(samples.subarray(at, at + BLOCK)), at);
  return out;
}

/**
 * Floats as signed 16-bit samples: times 32768, to the nearest integer (ties to even), kept within -32768 to 32767;
 * NaN becomes 0. Returns a fresh array.
 */
export function f32ToS16(samples: Float32Array): Int16Array {
  const { kernels, integers, floats } = (workspace ??= makeWorkspace());
  if (samples.length <= BLOCK) {
    floats.set(samples);
    kernels.f32ToS16(floats.byteOffset, integers.byteOffset, samples.length);
    return integers.slice(0, samples.length);
  }
  const out = new Int16Array(samples.length);
  for (let at = 0; at < samples.length; at += BLOCK) out.set(f32ToS16(samples.subarray(at, at + BLOCK)), at);
  return out;
}

function makeWorkspace(): Workspace {
  // The kernels work in whole groups, so a partial one at the end needs room.
  const room = BLOCK + PCM_GROUP;
  const { arena, address } = claimRegion(
    room * (Int16Array.BYTES_PER_ELEMENT + Float32Array.BYTES_PER_ELEMENT),
  );
  return {
    kernels: arena.kernels,
    floats: new Float32Array(arena.buffer, address, room),
    integers: new Int16Array(arena.buffer, address + room * Float32Array.BYTES_PER_ELEMENT, room),
  };
}
