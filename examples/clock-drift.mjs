// How fast a sender's clock runs, found from packets that arrive with jitter, and the playback ratio that follows from it.
// Run: node examples/clock-drift.mjs
import { ClockDriftEstimator } from "remotemedia-webrtc";

const estimator = new ClockDriftEstimator("studio", { clockRate: 48_000, thresholdPpm: 100 });
const TRUE_PPM = 150; // a cheap sound card

let jitterMs = 0;
for (let packet = 0; packet <= 3000; packet++) {
  const sentMs = (packet * 20) / (1 + TRUE_PPM * 1e-6);
  jitterMs = (jitterMs * 7 + 5) % 11; // up to 10 ms late, now and then not at all
  estimator.addObservation(packet * 960, null, 40 + sentMs + jitterMs);
}

const { driftPpm, standardErrorPpm, correctionFactor, recommendedAction } = estimator.estimateDrift();
console.log(`drift ${driftPpm.toFixed(0)} ppm, standard error ${standardErrorPpm.toFixed(1)} ppm`);
console.log(`${recommendedAction}: play ${correctionFactor.toFixed(6)} times as fast`);
estimator.close();
