// The mix of a conference, in which nobody hears himself (mix-minus, N-1), f32 with SIMD: levels of all voices, then for
// each the sum of the others, limited. Not in the portable dialect: the tests hold references.
import {
  MIX_GAIN,
  MIX_GAIN_STEP,
  MIX_LEVEL_BYTES,
  MIX_PEAKS,
  MIX_ROW,
  MIX_SQUARES,
  MIX_VOICE_BYTES,
} from "./mix-minus-layout";

/** 24 dB above full scale: what is louder, or no number at all, was never sound. */
const LOUDEST: f32 = 16.0;
/** -3.01 dBFS. */
const KNEE: f32 = 0.70710677;
/** What is left up to full scale, exactly. */
const HEADROOM: f32 = 1.0 - 0.70710677;

/**
 * Measure `count` rows of `samples`, `stride` bytes apart, and leave peaks and squares of each at `levels`. Samples that
 * are no sound become silence, in place.
 */
export function meterRows(rows: usize, stride: i32, count: i32, levels: usize, samples: i32): void {
  const loudest = f32x4.splat(LOUDEST);
  for (; count > 0; count--) {
    let peaks = f32x4.splat(0);
    let squares = peaks;
    const end = rows + (samples << 2);
    for (let at = rows; at < end; at += 16) {
      const raw = v128.load(at);
      // NaN is not less than anything.
      const sample = v128.and(raw, f32x4.lt(f32x4.abs(raw), loudest));
      v128.store(at, sample);
      peaks = f32x4.pmax(peaks, f32x4.abs(sample));
      squares = f32x4.add(squares, f32x4.mul(sample, sample));
    }
    v128.store(levels, peaks, MIX_PEAKS);
    v128.store(levels, squares, MIX_SQUARES);
    levels += MIX_LEVEL_BYTES;
    rows += stride;
  }
}

// Up to the knee every sample stays as it is, bit by bit. What is beyond it by v, in units of the headroom, comes out
// as v / sqrt(1 + v^2): rises always, ends at full scale, and joins the straight line with its slope and its curvature.
// In f32 no rounding leads above 1: sqrt(v * v) is v, and KNEE + HEADROOM is 1.
function limit(sample: v128): v128 {
  const knee = f32x4.splat(KNEE);
  const size = f32x4.abs(sample);
  const over = f32x4.gt(size, knee);
  // Loud moments are few: most groups pass here.
  if (!v128.any_true(over)) return sample;
  const headroom = f32x4.splat(HEADROOM);
  const v = f32x4.div(f32x4.sub(size, knee), headroom);
  const bent = f32x4.div(v, f32x4.sqrt(f32x4.add(f32x4.splat(1), f32x4.mul(v, v))));
  const limited = f32x4.add(knee, f32x4.mul(headroom, bent));
  const signed = v128.bitselect(sample, limited, i32x4.splat(0x80000000));
  return v128.bitselect(signed, sample, over);
}

/**
 * Weight the rows of `count` voices, in place, and write one output of `samples` for each, `stride` bytes apart: the
 * sum of all others. One more output behind them is the sum of all. An output is the sum of what stands before a voice
 * and of what stands behind it, not the total less the voice: nothing cancels, so no trace of him is left.
 */
export function mixMinus(voices: usize, count: i32, outputs: usize, stride: i32, samples: i32): void {
  const end = voices + count * MIX_VOICE_BYTES;
  const last = outputs + count * stride;
  const bytes = samples << 2;
  let group: f32 = 0;
  for (let at = 0; at < bytes; at += 16) {
    const turns = f32x4.splat(group);
    let sum = f32x4.splat(0);
    let out = last + at;
    v128.store(out, sum);
    for (let voice = end; voice > voices;) {
      voice -= MIX_VOICE_BYTES;
      out -= stride;
      const row = load<u32>(voice, MIX_ROW) + at;
      const rise = f32x4.mul(v128.load(voice, MIX_GAIN_STEP), turns);
      const sample = f32x4.mul(v128.load(row), f32x4.add(v128.load(voice, MIX_GAIN), rise));
      v128.store(row, sample);
      v128.store(out, sum);
      sum = f32x4.add(sample, sum);
    }
    sum = f32x4.splat(0);
    for (let voice = voices; ; voice += MIX_VOICE_BYTES) {
      v128.store(out, limit(f32x4.add(sum, v128.load(out))));
      if (voice >= end) break;
      sum = f32x4.add(sum, v128.load(load<u32>(voice, MIX_ROW) + at));
      out += stride;
    }
    group += 1;
  }
}
