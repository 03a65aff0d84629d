// PCM kernels, f32 with SIMD: conversion, mixing, resampling. Any length: groups of 4 to PCM_GROUP samples are worked
// on, so every buffer must be padded to a multiple of PCM_GROUP. Not in the portable dialect: the tests hold references.
import {
  PCM_GROUP,
  PCM_POSITION,
  PCM_SOURCE,
  PCM_STATE_BYTES,
  PCM_STEP,
  PCM_TAPS_BEFORE,
} from "./pcm-layout";

const S16_SCALE: f32 = 32768.0;
const ROW_BYTES: usize = 64; // 16 taps of f32
const ROW_SHIFT: u32 = 24; // the top 8 bits of the fraction choose one of 256 rows
const WEIGHT_MASK: u32 = 0xffffff; // the rest interpolates towards the next row
const WEIGHT_SCALE: f32 = 1.0 / 16777216.0;

/** Signed 16-bit samples to f32 in [-1, 1). */
export function s16ToF32(source: usize, target: usize, samples: i32): void {
  const scale = f32x4.splat(1.0 / S16_SCALE);
  for (let i = 0; i < samples; i += 8) {
    const packed = v128.load(source);
    v128.store(target, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(packed)), scale));
    v128.store(target, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(packed)), scale), 16);
    source += 16;
    target += 32;
  }
}

/** f32 to signed 16-bit: ties to even, saturating, NaN becomes 0. */
export function f32ToS16(source: usize, target: usize, samples: i32): void {
  const scale = f32x4.splat(S16_SCALE);
  for (let i = 0; i < samples; i += 8) {
    const low = f32x4.nearest(f32x4.mul(v128.load(source), scale));
    const high = f32x4.nearest(f32x4.mul(v128.load(source, 16), scale));
    // Both conversions saturate, so even infinities end at the bounds of 16 bits.
    v128.store(target, i16x8.narrow_i32x4_s(i32x4.trunc_sat_f32x4_s(low), i32x4.trunc_sat_f32x4_s(high)));
    source += 32;
    target += 16;
  }
}

/** Weighted sum in one pass: `peers` buffers that begin `stride` bytes apart, one f32 of `gains` for each. */
export function mixPeers(
  source: usize,
  stride: i32,
  peers: i32,
  gains: usize,
  target: usize,
  samples: i32,
): void {
  for (let i = 0; i < samples; i += PCM_GROUP) {
    // Four sums at a time: with fewer, the loop over the peers would cost more than the sums.
    let sum0 = f32x4.splat(0);
    let sum1 = sum0;
    let sum2 = sum0;
    let sum3 = sum0;
    let from = source;
    const end = gains + (peers << 2);
    for (let at = gains; at < end; at += 4) {
      const gain = v128.load32_splat(at);
      sum0 = f32x4.add(sum0, f32x4.mul(v128.load(from), gain));
      sum1 = f32x4.add(sum1, f32x4.mul(v128.load(from, 16), gain));
      sum2 = f32x4.add(sum2, f32x4.mul(v128.load(from, 32), gain));
      sum3 = f32x4.add(sum3, f32x4.mul(v128.load(from, 48), gain));
      from += stride;
    }
    v128.store(target, sum0);
    v128.store(target, sum1, 16);
    v128.store(target, sum2, 32);
    v128.store(target, sum3, 48);
    source += 64;
    target += 64;
  }
}

// Four partial sums of the 16-tap output at `position`. Two neighboring rows are applied and blended: the filter
// between them.
function dot16(first: usize, table: usize, position: u64): v128 {
  const fraction = u32(position);
  const weight = f32x4.splat(f32(i32(fraction & WEIGHT_MASK)) * WEIGHT_SCALE);
  const row = table + (fraction >> ROW_SHIFT) * ROW_BYTES;
  const from = first + (usize(position >> 32) << 2);
  const s0 = v128.load(from);
  const s1 = v128.load(from, 16);
  const s2 = v128.load(from, 32);
  const s3 = v128.load(from, 48);
  const a01 = f32x4.add(f32x4.mul(v128.load(row), s0), f32x4.mul(v128.load(row, 16), s1));
  const a23 = f32x4.add(f32x4.mul(v128.load(row, 32), s2), f32x4.mul(v128.load(row, 48), s3));
  const b01 = f32x4.add(f32x4.mul(v128.load(row, 64), s0), f32x4.mul(v128.load(row, 80), s1));
  const b23 = f32x4.add(f32x4.mul(v128.load(row, 96), s2), f32x4.mul(v128.load(row, 112), s3));
  const here = f32x4.add(a01, a23);
  return f32x4.add(here, f32x4.mul(weight, f32x4.sub(f32x4.add(b01, b23), here)));
}

/**
 * Polyphase windowed-sinc resampler, 16 taps, four outputs a turn: their horizontal sums take one transposition. Makes
 * `outputs` samples and moves the position in `state` behind them. Reads PCM_TAPS_BEFORE samples before the first
 * position and, for the padding, up to PCM_TAPS_AFTER + 3 steps after the last.
 */
export function resampleSinc16x4(state: usize, table: usize, target: usize, outputs: i32): void {
  const first = usize(load<u32>(state, PCM_SOURCE)) - (PCM_TAPS_BEFORE << 2);
  const step = load<u64>(state, PCM_STEP);
  let position = load<u64>(state, PCM_POSITION);
  store<u64>(state, position + step * u64(outputs), PCM_POSITION);
  for (let i = 0; i < outputs; i += 4) {
    const d0 = dot16(first, table, position);
    position += step;
    const d1 = dot16(first, table, position);
    position += step;
    const d2 = dot16(first, table, position);
    position += step;
    const d3 = dot16(first, table, position);
    position += step;
    const t0 = f32x4.add(v128.shuffle<f32>(d0, d1, 0, 1, 4, 5), v128.shuffle<f32>(d0, d1, 2, 3, 6, 7));
    const t1 = f32x4.add(v128.shuffle<f32>(d2, d3, 0, 1, 4, 5), v128.shuffle<f32>(d2, d3, 2, 3, 6, 7));
    v128.store(
      target,
      f32x4.add(v128.shuffle<f32>(t0, t1, 0, 2, 4, 6), v128.shuffle<f32>(t0, t1, 1, 3, 5, 7)),
    );
    target += 16;
  }
}

/**
 * Resample every peer into a row of `rows` and mix those: the whole audio tick in one call. Positions advance in `states`;
 * a row takes `samples` f32, rounded up to PCM_GROUP.
 */
export function audioTick(
  states: usize,
  gains: usize,
  peers: i32,
  table: usize,
  rows: usize,
  target: usize,
  samples: i32,
): void {
  const stride = ((samples + PCM_GROUP - 1) & -PCM_GROUP) << 2;
  for (let peer = 0; peer < peers; peer++) {
    resampleSinc16x4(states + peer * PCM_STATE_BYTES, table, rows + peer * stride, samples);
  }
  mixPeers(rows, stride, peers, gains, target, samples);
}
