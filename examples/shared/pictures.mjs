// Pictures whose number can be read even when they were scaled, blurred and coded: a row of black and white fields on
// top, below it fine checks that any blur wipes out, and a bar that moves.

const FIELDS = 16;
const BLACK = 30;
const WHITE = 220;
/** Rows of the fields, as a share of the height. */
const CODE_SHARE = 1 / 6;
const CHECK = 4;

/**
 * Picture `number` (0 to 65535) as I420.
 * @param grain how much the checks flicker, 0 to 60: what keeps an encoder busy
 */
export function drawPicture(number, width, height, grain = 0) {
  const data = new Uint8Array((width * height * 3) / 2);
  const codeRows = Math.floor(height * CODE_SHARE);
  const bar = (number * 8) % width;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      data[y * width + x] =
        y < codeRows ? fieldAt(number, x, width) : patternAt(x, y, bar) + grainAt(x, y, number, grain);
    }
  }
  data.fill(100, width * height, (width * height * 5) / 4);
  data.fill(160, (width * height * 5) / 4);
  return { type: "video", data, width, height, format: "I420" };
}

/** The number in a picture, read from the luma of its fields' middles. */
export function readNumber(luma, width, height) {
  const y = Math.floor((height * CODE_SHARE) / 2);
  let number = 0;
  for (let field = 0; field < FIELDS; field++) {
    const x = Math.floor(((field + 0.5) * width) / FIELDS);
    if (luma[y * width + x] > (BLACK + WHITE) / 2) number |= 1 << field;
  }
  return number;
}

/** How alike two planes are below the fields, dB. */
export function psnr(a, b, width, height) {
  const from = Math.ceil(height * CODE_SHARE) * width;
  let sum = 0;
  for (let i = from; i < width * height; i++) sum += (a[i] - b[i]) ** 2;
  const mean = sum / (width * height - from);
  return mean === 0 ? 99 : 10 * Math.log10(255 ** 2 / mean);
}

function fieldAt(number, x, width) {
  return (number >> Math.floor((x * FIELDS) / width)) & 1 ? WHITE : BLACK;
}

function patternAt(x, y, bar) {
  if (x >= bar && x < bar + 40) return WHITE;
  return ((x >> 2) + (y >> 2)) % 2 === 0 ? 60 : 60 + 10 * CHECK;
}

function grainAt(x, y, number, grain) {
  if (grain === 0) return 0;
  const hash = Math.imul((x >> 2) * 73_856_093 + (y >> 2) * 19_349_663 + number * 83_492_791, 0x9e3779b1);
  return ((hash >>> 24) * grain) >> 8;
}
