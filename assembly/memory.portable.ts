// JavaScript twin of memory.ts: the same kernels as plain JavaScript, for differential tests and coverage.
// Plain loads and stores stand for atomics: the twin is never shared between threads.

let words = new Int32Array(0);
let bytes = new Uint8Array(0);
let doubles = new Float64Array(0);

/** Choose the heap all following calls of the twin work on; its length is a multiple of 8. */
export function bind(heap: ArrayBuffer): void {
  words = new Int32Array(heap);
  bytes = new Uint8Array(heap);
  doubles = new Float64Array(heap);
}

export function load32(at: number): number {
  return words[at >> 2] as number;
}

export function store32(at: number, value: number): void {
  words[at >> 2] = value;
}

export function loadF64(at: number): number {
  return doubles[at >> 3] as number;
}

export function storeF64(at: number, value: number): void {
  doubles[at >> 3] = value;
}

export function loadU8(at: number): number {
  return bytes[at] as number;
}

export function loadU16be(at: number): number {
  return (loadU8(at) << 8) | loadU8(at + 1);
}

export function load32be(at: number): number {
  return (loadU16be(at) << 16) | loadU16be(at + 2);
}

export function acquire32(at: number, _shared: number): number {
  return load32(at);
}

export function publish32(at: number, value: number, _shared: number): void {
  store32(at, value);
}

export function zeroBytes(at: number, length: number): void {
  bytes.fill(0, at, at + length);
}

export function toF64(value: number): number {
  return value;
}

export function roundToI32(value: number): number {
  return (value < 0 ? Math.ceil(value - 0.5) : Math.floor(value + 0.5)) | 0;
}

export function sqrtF64(value: number): number {
  return Math.sqrt(value);
}
