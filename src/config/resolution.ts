// Sizes of pictures: their names, and which sizes without a name are sensible. Pure.

/** Pixels of the sizes that have a name: height, with sides of 16:9 and even. */
const NAMED = {
  "240p": { width: 426, height: 240 },
  "360p": { width: 640, height: 360 },
  "480p": { width: 854, height: 480 },
  "720p": { width: 1280, height: 720 },
  "1080p": { width: 1920, height: 1080 },
} as const;

/** Names of sizes, smallest first. */
export const RESOLUTION_NAMES = ["240p", "360p", "480p", "720p", "1080p"] as const;

/** A size of pictures by name, or in pixels: both even, 160 to 3840, 16:9 or 4:3 within 1 %. */
export type VideoResolution = (typeof RESOLUTION_NAMES)[number] | { width: number; height: number };

const SHORTEST = 160;
const LONGEST = 3840;
const ASPECTS = [16 / 9, 4 / 3];
const ASPECT_TOLERANCE = 0.01;

/** The pixels of a size. */
export function pixelsOf(resolution: VideoResolution): { readonly width: number; readonly height: number } {
  return typeof resolution === "string" ? NAMED[resolution] : resolution;
}

/** Whether sides have the length and the aspect that are allowed. */
export function isSize({ width, height }: { width: number; height: number }): boolean {
  const areSides = [width, height].every((side) => side % 2 === 0 && side >= SHORTEST && side <= LONGEST);
  return areSides && ASPECTS.some((aspect) => Math.abs(width / height / aspect - 1) <= ASPECT_TOLERANCE);
}
