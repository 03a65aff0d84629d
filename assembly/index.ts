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
  setMinDelay,
  resetStream,
} from "./jitter-buffer";
export { s16ToF32, f32ToS16, mixPeers, resampleSinc16x4, audioTick } from "./pcm";
export { alignPush, alignPop, alignNextDue, alignShift, alignTake } from "./frame-alignment";
export { driftBytes, initDrift, addDrift, cutDrift } from "./clock-drift";
export { driftScratchBytes, estimateDrift } from "./drift-fit";
export { decimate, findSimilar } from "./time-scale";
export { meterRows, mixMinus } from "./mix-minus";
