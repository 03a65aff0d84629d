// Everything JavaScript may call. Built twice: for shared memory (atomics on the two ring counters) and for unshared.
export { sequenceDistance, extendSequence, tickDistance, ticksToMs, msToTicks } from "./rtp-clock";
export { streamBytes, reserve, commit } from "./packet-ring";
export {
  initStream,
  push,
  ingest,
  refuse,
  pop,
  done,
  nextDue,
  discardBefore,
  setTargetDelay,
  resetStream,
} from "./jitter-buffer";
