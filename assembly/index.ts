// Everything JavaScript may call, for shared and unshared memory alike.
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
