// The colors of one sender's picture: all of one family, far from those of the senders beside it. Pure.
import { colorOf, mixColors } from "./picture.ts";
import type { Color } from "./picture.ts";

/** Ten senders share the circle of hues evenly, those who come after each other far apart; parts of a turn. */
const HUE_STEP = 0.3;
/** The next ten lie between them, and so on. */
const TEN_STEP = 0.05;
/** Of the first sender: the blue of the hour after sunset. */
const FIRST_HUE = -0.35;
/** Of the light of a low sun. */
const SUN_HUE = 2.35;

/** See the header. */
export interface Palette {
  /** The sky high up, and where it meets the land. */
  zenith: Color;
  horizon: Color;
  sun: Color;
  cloud: Color;
  /** Of the hills, the farthest first. */
  hills: readonly [Color, Color, Color];
  water: Color;
  /** What nothing else of the picture looks like. */
  accent: Color;
  pale: Color;
  /** Behind letters. */
  panel: Color;
  /** Over the code. */
  strip: Color;
}

/** The colors of sender 0 to 255. */
export function paletteOf(sender: number): Palette {
  const hue = FIRST_HUE + 2 * Math.PI * (HUE_STEP * sender + TEN_STEP * Math.floor(sender / 10));
  const warm = colorOf(206, 34, SUN_HUE);
  const horizon = mixColors(colorOf(196, 26, hue), warm, 0.55);
  return {
    zenith: colorOf(78, 34, hue),
    horizon,
    sun: colorOf(232, 22, SUN_HUE + 0.35),
    cloud: mixColors(colorOf(224, 10, hue), warm, 0.35),
    hills: [mixColors(colorOf(118, 30, hue), horizon, 0.3), colorOf(80, 27, hue), colorOf(42, 15, hue)],
    water: colorOf(60, 28, hue),
    accent: colorOf(128, 74, hue + Math.PI),
    pale: colorOf(218, 8, hue + Math.PI),
    panel: colorOf(96, 52, hue),
    strip: colorOf(128, 13, hue),
  };
}
