// The module that test/twin-plugin.ts serves.
declare module "virtual:kernel-twin" {
  /** The kernels as JavaScript, over the heap given to `bind` of assembly/memory.portable.ts. */
  export const twin: import("../../src/wasm/generated/kernels.ts").KernelExports;
}
