// What a peer of the demo shows: a landscape in colors of its own, with its name, a clock, and the code of each picture.
// The land stands still, as what is behind a speaker does; clouds, a balloon and the water move. The same numbers give the same picture everywhere, so whoever receives one can draw what was sent.
import type { I420Picture } from "../../../platform/video-codecs.ts";
import { seededRandom } from "../voice.ts";
import { Balloon } from "./balloon.ts";
import { Hills } from "./hills.ts";
import type { HillStyle } from "./hills.ts";
import { Lettering } from "./lettering.ts";
import { paletteOf } from "./palette.ts";
import type { Palette } from "./palette.ts";
import { CODE_HEIGHT, drawPictureCode, FRAME_NUMBERS } from "./picture-code.ts";
import { blankPicture, fillPanel, mixColors } from "./picture.ts";
import { Sky } from "./sky.ts";
import { Water } from "./water.ts";

/** Where the water begins, as a part of the height. */
const HORIZON = 0.7;
/** To the left, in heights of the picture a second. */
const CLOUD_SPEED = 0.035;
/** Height of the letters, and what is around them, as parts of the height. */
const CAPITALS = 0.062;
const PADDING = 0.036;
const MARGIN = 0.045;
/** Luma of letters. */
const INK = 232;
/** Of a name, so many letters are drawn, or fewer when the picture is too narrow for them. */
const MAX_NAME = 24;

/** What a pattern is made for. */
export interface TestPatternOptions {
  /** 0 to 255: decides colors and land, and is part of the code. */
  sender: number;
  /** Shown; letters and digits of ASCII, others as an empty box. */
  name: string;
  /** Pixels, 16 or more; odd ones too. */
  width?: number;
  height?: number;
  /** Pictures a second: how far things move from one number to the next. */
  framerateFps?: number;
}

/** The pictures of one sender. */
export class TestPattern {
  readonly width: number;
  readonly height: number;
  readonly #sender: number;
  readonly #framerateFps: number;
  readonly #palette: Palette;
  readonly #sky: Sky;
  readonly #hills: readonly [Hills, Hills, Hills];
  readonly #water: Water;
  readonly #balloon: Balloon;
  readonly #lettering: Lettering;
  readonly #name: string;
  /** How long everything has moved before the first picture: not the same for all senders. */
  readonly #startSeconds: number;

  constructor({ sender, name, width = 320, height = 180, framerateFps = 30 }: TestPatternOptions) {
    this.width = width;
    this.height = height;
    this.#sender = sender;
    this.#framerateFps = framerateFps;
    const random = seededRandom(Math.imul(sender + 1, 0x9e3779b1));
    const palette = paletteOf(sender);
    this.#palette = palette;
    const horizon = Math.round(HORIZON * height);
    this.#sky = new Sky(random, width, height, Math.floor(CODE_HEIGHT * height), horizon, palette);
    const [far, middle, near] = hillStyles(palette);
    this.#hills = [
      new Hills(random, width, height, horizon, far),
      new Hills(random, width, height, horizon, middle),
      new Hills(random, width, height, horizon, near),
    ];
    this.#water = new Water(random, width, height, horizon, palette);
    this.#balloon = new Balloon(0.096 * height, palette);
    this.#lettering = new Lettering(Math.max(5, CAPITALS * height));
    this.#name = this.#fitting(name);
    this.#startSeconds = 20 * random();
  }

  /**
   * Draw one picture.
   *
   * @param frameNumber from 0 on; the code wraps after 2^24
   * @param picture of the pattern's size, every sample of which is overwritten; a new one without
   */
  draw(frameNumber: number, picture: I420Picture = blankPicture(this.width, this.height)): I420Picture {
    const shown = (frameNumber % FRAME_NUMBERS) / this.#framerateFps;
    const seconds = shown + this.#startSeconds;
    this.#sky.draw(picture, CLOUD_SPEED * this.height * seconds);
    this.#hills[0].draw(picture);
    this.#hills[1].draw(picture);
    this.#drawBalloon(picture, seconds);
    this.#hills[2].draw(picture);
    this.#water.draw(picture, seconds);
    this.#drawPanels(picture, shown);
    drawPictureCode(picture, { frameNumber, sender: this.#sender }, this.#palette.strip);
    return picture;
  }

  #drawBalloon(picture: I420Picture, seconds: number): void {
    const x = 0.3 + 0.15 * Math.sin(0.21 * seconds);
    const y = 0.32 + 0.045 * Math.sin(0.53 * seconds);
    this.#balloon.draw(picture, x * this.width, y * this.height);
  }

  #drawPanels(picture: I420Picture, seconds: number): void {
    const { height, width } = this;
    const padding = PADDING * height;
    const box = { height: CAPITALS * height + 2 * padding, y: 0 };
    box.y = height - MARGIN * height - box.height;
    const name = { ...box, x: MARGIN * height, width: this.#lettering.measure(this.#name) + 3 * padding };
    const clock = clockText(seconds);
    const time = { ...box, x: 0, width: this.#lettering.measure(clock) + 3 * padding };
    time.x = width - MARGIN * height - time.width;
    const radius = box.height / 2;
    fillPanel(picture, name, radius, this.#palette.accent, 0.94);
    fillPanel(picture, time, radius, this.#palette.panel, 0.55);
    this.#lettering.write(picture, this.#name, name.x + 1.5 * padding, box.y + padding, INK);
    this.#lettering.write(picture, clock, time.x + 1.5 * padding, box.y + padding, INK);
  }

  /** As much of a name as there is room for beside the clock. */
  #fitting(name: string): string {
    const room =
      this.width - (3 * MARGIN + 6 * PADDING) * this.height - this.#lettering.measure(clockText(0));
    const letters = Array.from(name).slice(0, MAX_NAME);
    while (letters.length > 0 && this.#lettering.measure(letters.join("")) > room) letters.pop();
    return letters.join("");
  }
}

/** Minutes, seconds and tenths; an hour and it begins anew. */
function clockText(seconds: number): string {
  const tenths = Math.floor(seconds * 10 + 1e-6);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${two(Math.floor(tenths / 600) % 60)}:${two(Math.floor(tenths / 10) % 60)}.${tenths % 10}`;
}

function hillStyles({ hills, horizon }: Palette): readonly [HillStyle, HillStyle, HillStyle] {
  const haze = mixColors(horizon, hills[0], 0.2);
  return [
    { color: hills[0], haze, hazeShare: 0.75, rise: 0.2, swing: 0.16, stretch: 0.5, trees: 0, grain: 11 },
    { color: hills[1], haze, hazeShare: 0.5, rise: 0.12, swing: 0.09, stretch: 0.42, trees: 0.03, grain: 13 },
    {
      color: hills[2],
      haze,
      hazeShare: 0.1,
      rise: 0.045,
      swing: 0.045,
      stretch: 0.6,
      trees: 0.16,
      grain: 12,
    },
  ];
}
