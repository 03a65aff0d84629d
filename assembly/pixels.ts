// Pixel formats, SIMD: packed RGB to I420 and back or to gray, and chroma in pairs to two planes. BT.601, limited range
// (Y 16 to 235, U and V 16 to 240), gray from 0 to 255. Rows lie without gaps and are written in rising order, so what a
// group writes past the end of a row is overwritten by the next one. Not in the portable dialect: the tests hold
// references.
import { PIXEL_GROUP } from "./pixels-layout";

// ITU-R BT.601-7 section 2.5.1 for 8 bits (219 steps of luma, 224 of chroma), times 2^15.
const Y_BITS: i32 = 15;
const Y_RED: i16 = 8414;
const Y_GREEN: i16 = 16519;
const Y_BLUE: i16 = 3208;
/** Black is 16, and half a step rounds. */
const Y_BLACK: i32 = (16 << Y_BITS) + (1 << (Y_BITS - 1));
// Gray takes the full range; what is gray already stays as it is, as they add up to one.
const GRAY_RED: i16 = 9798;
const GRAY_GREEN: i16 = 19235;
const GRAY_BLUE: i16 = 3735;
const GRAY_BLACK: i32 = 1 << (Y_BITS - 1);
// Those of U and of V add up to zero, so that gray has no color at all.
const U_RED: i16 = -4857;
const U_GREEN: i16 = -9535;
const U_BLUE: i16 = 14392;
const V_RED: i16 = 14392;
const V_GREEN: i16 = -12052;
const V_BLUE: i16 = -2340;
/** A sample of chroma is made of four pixels. */
const UV_BITS: i32 = 17;

// The inverse, times 2^13: the largest has to fit 16 bits.
const RGB_BITS: i32 = 13;
const RGB_HALF: i16 = 4096;
const RGB_Y: i16 = 9539;
const RED_V: i16 = 13075;
const GREEN_U: i16 = -3209;
const GREEN_V: i16 = -6660;
const BLUE_U: i16 = 16525;

/**
 * Two rows of packed pixels, four bytes each, become two rows of Y and one each of U and V, and so on for `rows` rows.
 * A sample of chroma is the mean of the four pixels it covers; at an odd edge, of those there are.
 */
export function packedToI420(
  source: usize,
  width: i32,
  rows: i32,
  blueFirst: i32,
  y: usize,
  u: usize,
  v: usize,
): void {
  const luma =
    blueFirst != 0
      ? i16x8(Y_BLUE, Y_GREEN, Y_RED, 0, Y_BLUE, Y_GREEN, Y_RED, 0)
      : i16x8(Y_RED, Y_GREEN, Y_BLUE, 0, Y_RED, Y_GREEN, Y_BLUE, 0);
  const uWeights =
    blueFirst != 0
      ? i16x8(U_BLUE, U_GREEN, U_RED, 0, U_BLUE, U_GREEN, U_RED, 0)
      : i16x8(U_RED, U_GREEN, U_BLUE, 0, U_RED, U_GREEN, U_BLUE, 0);
  const vWeights =
    blueFirst != 0
      ? i16x8(V_BLUE, V_GREEN, V_RED, 0, V_BLUE, V_GREEN, V_RED, 0)
      : i16x8(V_RED, V_GREEN, V_BLUE, 0, V_RED, V_GREEN, V_BLUE, 0);
  const stride: usize = width << 2;
  const chromaWidth = (width + 1) >> 1;
  for (let row = 0; row < rows; row += 2) {
    const isLast = row + 1 == rows;
    const below = isLast ? source : source + stride;
    lumaRow(source, y, width, luma, Y_BLACK);
    if (!isLast) lumaRow(below, y + width, width, luma, Y_BLACK);
    chromaRow(source, below, u, width, uWeights);
    chromaRow(source, below, v, width, vWeights);
    source = below + stride;
    y += width << 1;
    u += chromaWidth;
    v += chromaWidth;
  }
}

/** Red, green, blue and a fourth byte become gray, for `pixels` of them. */
export function packedToGray(source: usize, pixels: i32, target: usize): void {
  const weights = i16x8(GRAY_RED, GRAY_GREEN, GRAY_BLUE, 0, GRAY_RED, GRAY_GREEN, GRAY_BLUE, 0);
  lumaRow(source, target, pixels, weights, GRAY_BLACK);
}

// The products of four pixels, each summed up.
function weighed(first: v128, second: v128, weights: v128): v128 {
  const a = i32x4.dot_i16x8_s(first, weights);
  const b = i32x4.dot_i16x8_s(second, weights);
  return i32x4.add(v128.shuffle<i32>(a, b, 0, 2, 4, 6), v128.shuffle<i32>(a, b, 1, 3, 5, 7));
}

function lumaOf(pixels: v128, weights: v128, black: i32): v128 {
  const sum = weighed(i16x8.extend_low_i8x16_u(pixels), i16x8.extend_high_i8x16_u(pixels), weights);
  return i32x4.shr_s(i32x4.add(sum, i32x4.splat(black)), Y_BITS);
}

function lumaRow(source: usize, target: usize, width: i32, weights: v128, black: i32): void {
  for (let x = 0; x < width; x += PIXEL_GROUP) {
    const low = i16x8.narrow_i32x4_s(
      lumaOf(v128.load(source), weights, black),
      lumaOf(v128.load(source, 16), weights, black),
    );
    const high = i16x8.narrow_i32x4_s(
      lumaOf(v128.load(source, 32), weights, black),
      lumaOf(v128.load(source, 48), weights, black),
    );
    v128.store(target, i8x16.narrow_i16x8_u(low, high));
    source += 64;
    target += 16;
  }
}

// Channels of two blocks of 2 x 2 pixels, each summed up, 16 bits.
function blocks(above: usize, below: usize): v128 {
  const a = v128.load(above);
  const b = v128.load(below);
  const low = i16x8.add(i16x8.extend_low_i8x16_u(a), i16x8.extend_low_i8x16_u(b));
  const high = i16x8.add(i16x8.extend_high_i8x16_u(a), i16x8.extend_high_i8x16_u(b));
  return i16x8.add(v128.shuffle<i64>(low, high, 0, 2), v128.shuffle<i64>(low, high, 1, 3));
}

function chromaOf(first: v128, second: v128, weights: v128): v128 {
  const sum = weighed(first, second, weights);
  return i32x4.shr_s(i32x4.add(sum, i32x4.splat((128 << UV_BITS) + (1 << (UV_BITS - 1)))), UV_BITS);
}

function chromaRow(above: usize, below: usize, target: usize, width: i32, weights: v128): void {
  const last = target + (width >> 1);
  const lastAbove = above + ((width - 1) << 2);
  const lastBelow = below + ((width - 1) << 2);
  for (let x = 0; x < width; x += PIXEL_GROUP) {
    const low = chromaOf(blocks(above, below), blocks(above + 16, below + 16), weights);
    const high = chromaOf(blocks(above + 32, below + 32), blocks(above + 48, below + 48), weights);
    const samples = i16x8.narrow_i32x4_s(low, high);
    v128.store64_lane(target, i8x16.narrow_i16x8_u(samples, samples), 0);
    above += 64;
    below += 64;
    target += 8;
  }
  if ((width & 1) == 0) return;
  // The last column has no neighbor: it stands for both.
  const pair = i16x8.add(
    i16x8.extend_low_i8x16_u(v128.load32_zero(lastAbove)),
    i16x8.extend_low_i8x16_u(v128.load32_zero(lastBelow)),
  );
  const doubled = i16x8.shl(pair, 1);
  store<u8>(last, u8(i32x4.extract_lane(chromaOf(doubled, doubled, weights), 0)));
}

/** I420 to R, G, B and an alpha of 255. A sample of chroma serves all the pixels it covers. */
export function i420ToRgba(y: usize, u: usize, v: usize, width: i32, rows: i32, target: usize): void {
  const chromaWidth = (width + 1) >> 1;
  for (let row = 0; row < rows; row++) {
    rgbaRow(y, u, v, width, target);
    y += width;
    target += width << 2;
    if ((row & 1) == 0) continue;
    u += chromaWidth;
    v += chromaWidth;
  }
}

// Eight pixels of one color, 16 bits each, from luma and one or both kinds of chroma beside it.
function colorOf(low: v128, high: v128): v128 {
  return i16x8.narrow_i32x4_s(i32x4.shr_s(low, RGB_BITS), i32x4.shr_s(high, RGB_BITS));
}

function plain(luma: v128, chroma: v128, weights: v128): v128 {
  const half = i32x4.splat(RGB_HALF);
  const low = v128.shuffle<i16>(luma, chroma, 0, 8, 1, 9, 2, 10, 3, 11);
  const high = v128.shuffle<i16>(luma, chroma, 4, 12, 5, 13, 6, 14, 7, 15);
  return colorOf(
    i32x4.add(i32x4.dot_i16x8_s(low, weights), half),
    i32x4.add(i32x4.dot_i16x8_s(high, weights), half),
  );
}

function green(luma: v128, u: v128, v: v128): v128 {
  const first = i16x8(RGB_Y, GREEN_U, RGB_Y, GREEN_U, RGB_Y, GREEN_U, RGB_Y, GREEN_U);
  // The rounding comes in with V.
  const second = i16x8(GREEN_V, RGB_HALF, GREEN_V, RGB_HALF, GREEN_V, RGB_HALF, GREEN_V, RGB_HALF);
  const one = i16x8.splat(1);
  const low = i32x4.add(
    i32x4.dot_i16x8_s(v128.shuffle<i16>(luma, u, 0, 8, 1, 9, 2, 10, 3, 11), first),
    i32x4.dot_i16x8_s(v128.shuffle<i16>(v, one, 0, 8, 1, 9, 2, 10, 3, 11), second),
  );
  const high = i32x4.add(
    i32x4.dot_i16x8_s(v128.shuffle<i16>(luma, u, 4, 12, 5, 13, 6, 14, 7, 15), first),
    i32x4.dot_i16x8_s(v128.shuffle<i16>(v, one, 4, 12, 5, 13, 6, 14, 7, 15), second),
  );
  return colorOf(low, high);
}

function rgbaRow(y: usize, u: usize, v: usize, width: i32, target: usize): void {
  const redWeights = i16x8(RGB_Y, RED_V, RGB_Y, RED_V, RGB_Y, RED_V, RGB_Y, RED_V);
  const blueWeights = i16x8(RGB_Y, BLUE_U, RGB_Y, BLUE_U, RGB_Y, BLUE_U, RGB_Y, BLUE_U);
  const black = i16x8.splat(16);
  const gray = i16x8.splat(128);
  for (let x = 0; x < width; x += PIXEL_GROUP) {
    const luma = v128.load(y);
    const low = i16x8.sub(i16x8.extend_low_i8x16_u(luma), black);
    const high = i16x8.sub(i16x8.extend_high_i8x16_u(luma), black);
    const us = i16x8.sub(i16x8.extend_low_i8x16_u(v128.load64_zero(u)), gray);
    const vs = i16x8.sub(i16x8.extend_low_i8x16_u(v128.load64_zero(v)), gray);
    const uLow = v128.shuffle<i16>(us, us, 0, 0, 1, 1, 2, 2, 3, 3);
    const uHigh = v128.shuffle<i16>(us, us, 4, 4, 5, 5, 6, 6, 7, 7);
    const vLow = v128.shuffle<i16>(vs, vs, 0, 0, 1, 1, 2, 2, 3, 3);
    const vHigh = v128.shuffle<i16>(vs, vs, 4, 4, 5, 5, 6, 6, 7, 7);
    const r = i8x16.narrow_i16x8_u(plain(low, vLow, redWeights), plain(high, vHigh, redWeights));
    const g = i8x16.narrow_i16x8_u(green(low, uLow, vLow), green(high, uHigh, vHigh));
    const b = i8x16.narrow_i16x8_u(plain(low, uLow, blueWeights), plain(high, uHigh, blueWeights));
    storeRgba(target, r, g, b);
    y += 16;
    u += 8;
    v += 8;
    target += 64;
  }
}

function storeRgba(target: usize, r: v128, g: v128, b: v128): void {
  const opaque = i8x16.splat(-1);
  const rgLow = v128.shuffle<i8>(r, g, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const rgHigh = v128.shuffle<i8>(r, g, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  const baLow = v128.shuffle<i8>(b, opaque, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const baHigh = v128.shuffle<i8>(b, opaque, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  v128.store(target, v128.shuffle<i16>(rgLow, baLow, 0, 8, 1, 9, 2, 10, 3, 11));
  v128.store(target, v128.shuffle<i16>(rgLow, baLow, 4, 12, 5, 13, 6, 14, 7, 15), 16);
  v128.store(target, v128.shuffle<i16>(rgHigh, baHigh, 0, 8, 1, 9, 2, 10, 3, 11), 32);
  v128.store(target, v128.shuffle<i16>(rgHigh, baHigh, 4, 12, 5, 13, 6, 14, 7, 15), 48);
}

/** Bytes that alternate between two planes, `pairs` of each: the chroma of NV12. */
export function splitPairs(source: usize, pairs: i32, u: usize, v: usize): void {
  for (let i = 0; i < pairs; i += PIXEL_GROUP) {
    const a = v128.load(source);
    const b = v128.load(source, 16);
    v128.store(u, v128.shuffle<i8>(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30));
    v128.store(v, v128.shuffle<i8>(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31));
    source += 32;
    u += 16;
    v += 16;
  }
}
