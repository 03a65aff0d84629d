// Packets that arrive in disorder leave a jitter buffer in order, each at its time; a gap is skipped when it has to be.
// Run: node examples/jitter-buffer.mjs
import { JitterBuffer, buildRtp } from "remotemedia-webrtc";

const buffer = new JitterBuffer({ clockRate: 48_000, targetDelayMs: 50 });
// [sequence number, ms of arrival]: 3 overtakes 2, 5 is lost, 6 comes twice.
const arrivals = [
  [1, 0],
  [3, 41],
  [2, 44],
  [4, 60],
  [6, 101],
  [6, 103],
  [7, 120],
];

for (let nowMs = 0; nowMs <= 200; nowMs++) {
  for (const [sequenceNumber, arrivalMs] of arrivals) {
    if (arrivalMs !== nowMs) continue;
    const timestamp = sequenceNumber * 960;
    const packet = buildRtp({
      payloadType: 111,
      sequenceNumber,
      timestamp,
      ssrc: 1,
      payload: new Uint8Array(80),
    });
    const status = buffer.insert(packet, nowMs);
    if (status !== "buffered") console.log(`${nowMs} ms: ${sequenceNumber} is ${status}`);
  }
  for (let packet = buffer.popNext(nowMs); packet !== undefined; packet = buffer.popNext(nowMs)) {
    const { sequenceNumber, bufferDelayMs, lostBefore } = packet;
    console.log(
      `${nowMs} ms: ${sequenceNumber} after ${bufferDelayMs} ms${lostBefore > 0 ? `, ${lostBefore} lost before` : ""}`,
    );
  }
}
const { lostFrames, duplicateCount } = buffer.getStatistics();
console.log({ lostFrames, duplicateCount });
buffer.close();
