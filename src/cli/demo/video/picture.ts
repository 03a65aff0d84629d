// Blank pictures, colors as codecs know them, and a color laid over a part of a picture. Pure.
import type { I420Picture } from "../../../platform/video-codecs.ts";

/** A color as video carries it: BT.601, limited range. `y` 16 to 235, `u` and `v` 16 to 240, gray at 128. */
export interface Color {
  y: number;
  u: number;
  v: number;
}

/** A rectangle in pixels; may be fractional and reach beyond the picture. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Half of `pixels`, rounded up: how many samples of chroma cover so many of luma. */
export function chromaSize(pixels: number): number {
  return (pixels + 1) >> 1;
}

/** A picture of its own memory, green as zeros are; `width` and `height` in pixels, at least 1. */
export function blankPicture(width: number, height: number): I420Picture {
  const chroma = chromaSize(width) * chromaSize(height);
  return {
    width,
    height,
    planes: [new Uint8Array(width * height), new Uint8Array(chroma), new Uint8Array(chroma)],
  };
}

/** The planes of a picture one after the other, in memory of their own. */
export function packed({ planes }: I420Picture): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(planes.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const plane of planes) {
    bytes.set(plane, at);
    at += plane.length;
  }
  return bytes;
}

/** A color by brightness and direction: `chroma` is its distance from gray, 0 to 100, `hue` an angle in radians. */
export function colorOf(y: number, chroma: number, hue: number): Color {
  return { y, u: 128 + chroma * Math.cos(hue), v: 128 + chroma * Math.sin(hue) };
}

/** The color `share` (0..1) of the way from one to another. */
export function mixColors(from: Color, to: Color, share: number): Color {
  return {
    y: from.y + (to.y - from.y) * share,
    u: from.u + (to.u - from.u) * share,
    v: from.v + (to.v - from.v) * share,
  };
}

/** The smooth step from 0 at `from` to 1 at `to`. */
export function smoothStep(from: number, to: number, value: number): number {
  const share = Math.max(0, Math.min(1, (value - from) / (to - from)));
  return share * share * (3 - 2 * share);
}

/** Lay a rectangle with round corners over a picture. @param opacity 0 to 1 @param radius of the corners, px */
export function fillPanel(
  picture: I420Picture,
  box: Box,
  radius: number,
  color: Color,
  opacity: number,
): void {
  const { width, height, planes } = picture;
  fillPlane({ data: planes[0], width, height }, box, radius, color.y, opacity, 1);
  const small = { width: chromaSize(width), height: chromaSize(height) };
  fillPlane({ data: planes[1], ...small }, box, radius, color.u, opacity, 2);
  fillPlane({ data: planes[2], ...small }, box, radius, color.v, opacity, 2);
}

interface Plane {
  data: Uint8Array;
  width: number;
  height: number;
}

function fillPlane(
  plane: Plane,
  box: Box,
  radius: number,
  value: number,
  opacity: number,
  step: number,
): void {
  const { data, width, height } = plane;
  const firstRow = Math.max(0, Math.floor(box.y / step));
  const lastRow = Math.min(height, Math.ceil((box.y + box.height) / step));
  const first = Math.max(0, Math.floor(box.x / step));
  const last = Math.min(width, Math.ceil((box.x + box.width) / step));
  const middle = box.width / 2 - radius;
  const halfHeight = box.height / 2 - radius;
  const share = Math.round(opacity * 256);
  const level = Math.round(value);
  for (let row = firstRow; row < lastRow; row++) {
    const dy = Math.max(0, Math.abs((row + 0.5) * step - box.y - box.height / 2) - halfHeight);
    for (let column = first, at = row * width + first; column < last; column++, at++) {
      const dx = Math.abs((column + 0.5) * step - box.x - box.width / 2) - middle;
      const inside = radius + 0.5 - (dx <= 0 ? dy : Math.sqrt(dx * dx + dy * dy));
      if (inside <= 0) continue;
      const old = data[at] as number;
      const covered = inside >= 1 ? share : share * inside;
      data[at] = old + (((level - old) * covered + 128) >> 8);
    }
  }
}
