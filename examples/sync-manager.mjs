// Two peers whose clocks differ by seconds say something at the same moment; their paths take 20 and 120 ms. A
// SyncManager for each puts both on our clock.
// Run: node examples/sync-manager.mjs
import { SyncManager } from "remotemedia-webrtc";

const WALL_MS = Date.UTC(2026, 0, 1); // our wall clock at local time 0
const FRAME = 960; // 20 ms at 48 kHz
const NTP_EPOCH_S = 2_208_988_800;
const ntp = (unixMs) => {
  const seconds = Math.floor(unixMs / 1000);
  return (BigInt(seconds + NTP_EPOCH_S) << 32n) | BigInt(Math.floor(((unixMs % 1000) / 1000) * 2 ** 32));
};

/** What a peer sends in two seconds reaches us `pathMs` later; its clock is `aheadMs` ahead of ours. */
function receive(peerId, { aheadMs, pathMs, rtpBase }) {
  const sync = new SyncManager(peerId, { jitterBufferSizeMs: 60 }, { wallOffsetMs: WALL_MS });
  const frames = [];
  for (let index = 0; index < 100; index++) {
    const captureMs = index * 20;
    const nowMs = captureMs + pathMs;
    const rtpTimestamp = (rtpBase + index * FRAME) >>> 0;
    if (index % 25 === 0) {
      const ntpTimestamp = ntp(WALL_MS + captureMs + aheadMs);
      sync.updateRtcpSenderReport(
        { ssrc: 7, ntpTimestamp, rtpTimestamp, packetCount: index, octetCount: 0 },
        nowMs,
      );
      // Ping there and back, in Unix microseconds: t1 and t4 by our clock, t2 and t3 by the peer's.
      const t1 = (WALL_MS + nowMs - 2 * pathMs) * 1000;
      const t2 = t1 + (pathMs + aheadMs) * 1000;
      sync.addClockExchange({ t1, t2, t3: t2, t4: t1 + 2 * pathMs * 1000 });
    }
    const samples = new Float32Array(FRAME);
    if (index === 75) samples.fill(1); // the moment
    sync.processAudioFrame({
      rtpTimestamp,
      rtpSequence: index,
      samples,
      receivedAt: nowMs,
      payloadSize: 80,
      ssrc: 7,
    });
    for (let frame = sync.popNextAudioFrame(nowMs); frame !== null; frame = sync.popNextAudioFrame(nowMs))
      frames.push(frame);
  }
  return { sync, moment: frames.find(({ samples }) => samples[FRAME / 2] > 0.5) };
}

const alice = receive("alice", { aheadMs: 3500, pathMs: 20, rtpBase: 4_294_000_000 });
const bob = receive("bob", { aheadMs: -1200, pathMs: 120, rtpBase: 123_456 });

for (const { sync, moment } of [alice, bob]) {
  const captureMs = moment.wallClockTimestampUs / 1000 - WALL_MS;
  const boundMs = moment.wallClockErrorUs / 1000;
  console.log(
    `${sync.peerId}: captured at ${captureMs.toFixed(1)} ms of our clock, +-${boundMs.toFixed(0)} ms`,
  );
}
console.log(`bob's clock is ${alice.sync.alignWithPeer(bob.sync).offsetMs} ms from alice's`);
alice.sync.close();
bob.sync.close();
