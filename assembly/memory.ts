// The only file of the portable dialect that touches AssemblyScript builtins; tests swap in memory.portable.ts.
// One build serves shared and unshared memory: only where two threads meet does a counter cost an atomic access, which
// takes twice the time of a packet's whole insertion (a flag in the stream's region says so, and the branch is foreseen).

// @ts-ignore: decorator
@inline
export function load32(at: i32): i32 {
  return load<i32>(at);
}

// @ts-ignore: decorator
@inline
export function store32(at: i32, value: i32): void {
  store<i32>(at, value);
}

// @ts-ignore: decorator
@inline
export function loadF64(at: i32): f64 {
  return load<f64>(at);
}

// @ts-ignore: decorator
@inline
export function storeF64(at: i32, value: f64): void {
  store<f64>(at, value);
}

// @ts-ignore: decorator
@inline
export function loadU8(at: i32): i32 {
  return i32(load<u8>(at));
}

// @ts-ignore: decorator
@inline
export function loadU16be(at: i32): i32 {
  return i32(bswap<u16>(load<u16>(at)));
}

// @ts-ignore: decorator
@inline
export function load32be(at: i32): i32 {
  return bswap<i32>(load<i32>(at));
}

/** Read a counter that another thread may write: everything stored before it was published is visible here. */
// @ts-ignore: decorator
@inline
export function acquire32(at: i32, shared: i32): i32 {
  return shared != 0 ? atomic.load<i32>(at) : load<i32>(at);
}

/** Publish a counter: everything stored before is visible to whoever reads the new value. */
// @ts-ignore: decorator
@inline
export function publish32(at: i32, value: i32, shared: i32): void {
  if (shared != 0) atomic.store<i32>(at, value);
  else store<i32>(at, value);
}

// @ts-ignore: decorator
@inline
export function zeroBytes(at: i32, length: i32): void {
  memory.fill(at, 0, length);
}

// @ts-ignore: decorator
@inline
export function toF64(value: i32): f64 {
  return f64(value);
}

/** The nearest integer, ties away from zero, modulo 2^32. `value` must lie within 2^53. */
// @ts-ignore: decorator
@inline
export function roundToI32(value: f64): i32 {
  return i32(i64(value < 0.0 ? ceil<f64>(value - 0.5) : floor<f64>(value + 0.5)));
}

// @ts-ignore: decorator
@inline
export function sqrtF64(value: f64): f64 {
  return sqrt<f64>(value);
}
