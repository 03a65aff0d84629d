// The kernels twice over: in WebAssembly and as JavaScript from the same source, so that tests can compare them.
import { twin } from "virtual:kernel-twin";
import { bind } from "../../assembly/memory.portable.ts";
import { Arena } from "../../src/wasm/arena.ts";
import type { KernelExports } from "../../src/wasm/generated/kernels.ts";

type KernelName = keyof KernelExports;

/** One memory in WebAssembly and one in JavaScript that go through the same calls. */
export interface TwinPair {
  readonly arena: Arena;
  /** The twin's memory. */
  readonly heap: Uint8Array;
  /** Run one kernel on both sides; throws when they return different values. */
  call<Name extends KernelName>(
    name: Name,
    ...args: Parameters<KernelExports[Name]>
  ): ReturnType<KernelExports[Name]>;
  /** Write the same bytes into both memories. */
  write(bytes: Uint8Array, address: number): void;
  /** First address at which the memories differ, -1 when they are equal. */
  firstDifference(): number;
}

/** A fresh pair of `byteLength` bytes. The twin has one heap at a time: the latest pair owns it. */
export function twinPair(byteLength: number, shared: boolean): TwinPair {
  const arena = new Arena({ bytes: byteLength, shared });
  const heap = new Uint8Array(arena.bytes.length);
  bind(heap.buffer);
  type Kernel = (...args: number[]) => number | undefined;
  const wasmKernels = arena.kernels as unknown as Record<KernelName, Kernel>;
  const twinKernels = twin as unknown as Record<KernelName, Kernel>;
  const call = (name: KernelName, ...args: number[]): number | undefined => {
    const inWasm = wasmKernels[name](...args);
    const inTwin = twinKernels[name](...args);
    if (Object.is(inWasm, inTwin)) return inWasm;
    throw new Error(`${name}(${args.join(", ")}) gives ${inWasm} in WebAssembly, ${inTwin} in the twin`);
  };
  return {
    arena,
    heap,
    call: call as TwinPair["call"],
    write(bytes, address) {
      arena.bytes.set(bytes, address);
      heap.set(bytes, address);
    },
    firstDifference: () => heap.findIndex((byte, address) => byte !== arena.bytes[address]),
  };
}
