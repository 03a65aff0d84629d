// Packets that come too late to wait for: the tail of a stall, each less late than the one before, or the first signs
// of a path that has become longer, or a sender that has fallen behind, which must not go unheard until the window of
// least transits has learned it.
import { load32, loadF64, store32, storeF64 } from "./memory";
import { OVERDUE_ARRIVAL, OVERDUE_RUN, OVERDUE_TRANSIT } from "./layout";
import { moveBase } from "./playout-clock";

const BELIEVED: i32 = 3; // a suspicion, and two packets that confirm it

/**
 * Judge a packet that is overdue by more than the buffer may hold. The third in a row that stays behind moves the
 * playout point to its own transit. Returns whether the packet is to be buffered.
 */
export function staysBehind(stream: i32, arrivalMs: f64, transitMs: f64): bool {
  const passedMs = arrivalMs - loadF64(stream + OVERDUE_ARRIVAL);
  const changeMs = transitMs - loadF64(stream + OVERDUE_TRANSIT);
  // What a stall held back comes at once: transits fall by what the media advance, while next to no time passes.
  const before = load32(stream + OVERDUE_RUN);
  const run = before > 0 && passedMs > 0.0 && changeMs > -passedMs ? before + 1 : 1;
  storeF64(stream + OVERDUE_ARRIVAL, arrivalMs);
  storeF64(stream + OVERDUE_TRANSIT, transitMs);
  store32(stream + OVERDUE_RUN, run);
  if (run < BELIEVED) return false;
  moveBase(stream, arrivalMs, transitMs);
  forgetOverdue(stream);
  return true;
}

/** A packet came in time. */
export function forgetOverdue(stream: i32): void {
  store32(stream + OVERDUE_RUN, 0);
}
