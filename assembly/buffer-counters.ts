// Counters of one stream: fates of packets, the loss history of the last expected packets, the delays of the last popped.
import { load32, store32, storeF64 } from "./memory";
import {
  DELAYS,
  DELAY_COUNT,
  DELAY_FILL,
  DELAY_POS,
  EXPECTED_COUNT,
  EXPECTED_LOST,
  EXPECTED_POS,
  GAP,
  LOSS_BITS,
  LOSS_WINDOW,
  LOST,
} from "./layout";

/** Add one to the counter at an address. */
export function count(counter: i32): void {
  store32(counter, (load32(counter) + 1) | 0);
}

/** Count `packets` whose turn has passed without them. */
export function countLost(stream: i32, packets: i32): void {
  store32(stream + LOST, (load32(stream + LOST) + packets) | 0);
  store32(stream + GAP, (load32(stream + GAP) + packets) | 0);
  const bits = packets < LOSS_WINDOW ? packets : LOSS_WINDOW;
  for (let i = 0; i < bits; i++) remember(stream, 1);
}

/** Count one packet that was there at its turn. */
export function countPresent(stream: i32): void {
  remember(stream, 0);
}

/** Forget the loss history: another stream begins. */
export function forgetLosses(stream: i32): void {
  store32(stream + EXPECTED_POS, 0);
  store32(stream + EXPECTED_COUNT, 0);
  store32(stream + EXPECTED_LOST, 0);
}

/** Remember how long the packet popped last has waited. */
export function rememberDelay(stream: i32, delayMs: f64): void {
  const position = load32(stream + DELAY_POS);
  storeF64(stream + DELAYS + (position << 3), delayMs);
  store32(stream + DELAY_POS, position + 1 == DELAY_COUNT ? 0 : position + 1);
  if (load32(stream + DELAY_FILL) < DELAY_COUNT) count(stream + DELAY_FILL);
}

// One bit of the loss history: 1 lost, 0 present.
function remember(stream: i32, lost: i32): void {
  const position = load32(stream + EXPECTED_POS);
  const word = stream + LOSS_BITS + ((position >> 5) << 2);
  const shift = position & 31;
  const bits = load32(word);
  let sum = load32(stream + EXPECTED_LOST);
  if (load32(stream + EXPECTED_COUNT) == LOSS_WINDOW) sum -= (bits >> shift) & 1;
  else count(stream + EXPECTED_COUNT);
  store32(word, (bits & ~(1 << shift)) | (lost << shift));
  store32(stream + EXPECTED_LOST, sum + lost);
  store32(stream + EXPECTED_POS, (position + 1) & (LOSS_WINDOW - 1));
}
