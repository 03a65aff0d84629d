// When a SyncManager begins anew, ends, and what it bears.
import { afterEach, describe, expect, it } from "vitest";
import { SyncManager } from "../../src/sync/sync-manager.ts";
import type { SyncManagerOptions } from "../../src/sync/sync-config.ts";
import type { SyncOptions } from "../../src/sync/sync-config.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { Sender, Stage, WALL_MS, largestStep, playoutDelays } from "./simulated-peer.ts";

const open: { close(): void }[] = [];

afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

function manager(
  config: SyncOptions = { mode: "fixed" },
  options: SyncManagerOptions = {},
): SyncManager<Uint8Array> {
  const sync = new SyncManager<Uint8Array>("bob", config, { wallOffsetMs: WALL_MS, ...options });
  open.push(sync);
  return sync;
}

const code = (name: string) => expect.objectContaining({ code: name }) as Error;

describe("resets", () => {
  it("a new SSRC begins the medium anew, the other goes on", () => {
    const sync = manager();
    const [audio, video] = [new Sender("audio"), new Sender("video")];
    for (let index = 0; index < 3; index++) {
      sync.processAudioFrame(audio.audio(index, index * 20));
      sync.processVideoFrame(video.video(index, index * 33));
    }
    for (let i = 0; i < 3; i++) {
      sync.updateRtcpSenderReport(audio.report(i * 20), i * 20);
      sync.updateRtcpSenderReport(video.report(i * 20), i * 20);
    }
    expect(sync.getSyncState(60)).toBe("synced");
    const other = new Sender("audio", { ssrc: 12, base: 0x5555_5555, sequence: 4000 });
    expect(sync.processAudioFrame(other.audio(5, 100))).toEqual({ status: "reset" });
    expect(sync.processAudioFrame(other.audio(6, 120))).toEqual({ status: "buffered" });
    expect(sync.getSyncState(120)).toBe("syncing");
    expect(sync.popNextAudioFrame(150)?.rtpTimestamp).toBe(other.audio(5, 0).rtpTimestamp);
    expect(sync.estimateClockDrift("audio")).toBeNull();
    expect(sync.getStatistics("video").currentFrames).toBe(3);
  });

  it("what was told of another SSRC before the first frame does not hold for it", () => {
    const sync = manager();
    const audio = new Sender("audio", { ssrc: 3 });
    for (let i = 0; i < 3; i++) {
      const other = new Sender("audio", { ssrc: 4, wallAheadMs: 9000 });
      sync.updateRtcpSenderReport(other.report(i), i, "audio");
    }
    expect(sync.processAudioFrame(audio.audio(0, 10))).toEqual({ status: "buffered" });
    expect(sync.rtpToWallClock(audio.timestampAt(0), "audio")).toBe((WALL_MS + 10) * 1000);
    expect(sync.updateRtcpSenderReport(audio.report(0), 11)).toBe(true);
    expect(sync.rtpToWallClock(audio.timestampAt(0), "audio")).toBe(WALL_MS * 1000);
  });

  it("a jump of sequence numbers alone loses nothing and keeps the mapping", () => {
    const sync = manager();
    const audio = new Sender("audio");
    const stage = new Stage(sync);
    stage.reports(audio, 0, 900, 300);
    for (let index = 0; index < 100; index++) {
      stage.at(index * 20 + 25, () => {
        const rtpSequence = index < 50 ? index : index + 20_000;
        const { status } = sync.processAudioFrame({ ...audio.audio(index, index * 20 + 25), rtpSequence });
        expect(status).toBe("buffered");
      });
    }
    stage.run();
    expect(stage.audio.length).toBe(100);
    expect(new Set(stage.audio.slice(5).map(({ frame }) => frame.timelineEpoch)).size).toBe(1);
    expect(sync.getSyncState(2000)).toBe("synced");
    expect(sync.getStatistics("audio").lostFrames).toBe(0);
  });

  it("reset() forgets everything and may be called again; close() ends it all", () => {
    const sync = manager();
    const audio = new Sender("audio");
    for (let i = 0; i < 20; i++) sync.processAudioFrame(audio.audio(i, i * 20));
    for (let i = 0; i < 3; i++) sync.updateRtcpSenderReport(audio.report(i * 20), i * 20);
    sync.addClockExchange({ t1: 1, t2: 5, t3: 5, t4: 2 });
    expect(sync.estimateClockDrift()).not.toBeNull();
    sync.reset();
    sync.reset();
    expect(sync.popNextAudioFrame(1e6)).toBeNull();
    expect(sync.estimateClockDrift()).toBeNull();
    expect(sync.clockOffset.offsetUs(0)).toBeNull();
    expect(sync.lastRtcpTimeMs).toBeNull();
    expect(sync.getSyncState(400)).toBe("syncing");
    expect(() => sync.rtpToWallClock(0, "audio")).toThrow(code("NO_NTP_MAPPING"));
    expect(sync.processAudioFrame(audio.audio(50, 2000))).toEqual({ status: "buffered" });
    sync.close();
    sync.close();
    expect(() => sync.processAudioFrame(audio.audio(51, 2020))).toThrow(code("ALREADY_SHUTDOWN"));
  });

  it("gives all memory back", async () => {
    const { Arena } = await import("../../src/wasm/arena.ts");
    const arena = new Arena({ bytes: 2 ** 20 });
    const before = arena.bytesInUse;
    const one = new SyncManager("a", {}, { arena });
    one.processAudioFrame({
      rtpTimestamp: 0,
      rtpSequence: 0,
      samples: new Float32Array(960),
      receivedAt: 0,
      payloadSize: 1,
    });
    one.popNextAudioFrame(60);
    expect(arena.bytesInUse).toBeGreaterThan(before);
    one.close();
    expect(arena.inUse).toBe(false);
    for (let kib = 16; kib <= 256; kib += 16) {
      const small = new Arena({ bytes: kib * 1024 });
      expect(() => new SyncManager("b", {}, { arena: small }), `${kib}`).toThrow(code("LIMIT_EXCEEDED"));
      expect(small.inUse, `${kib}`).toBe(false);
    }
  });

  it("playout steps no further than its target", () => {
    const audio = new Sender("audio");
    const stage = new Stage(manager());
    stage.frames(audio, 0, 200, (index) => 10 + (index % 7));
    stage.run();
    expect(largestStep(playoutDelays(audio, stage.audio))).toBeLessThan(1);
  });
});

describe("whatever the network brings", () => {
  it("nothing throws, grows or goes backwards, seed 21", () => {
    const random = new SeededRandom(21);
    const sync = manager({}, {});
    const anything = (bits: number): number => Math.floor(random.next() * 2 ** bits);
    const label = { audio: { us: 0, epoch: -1 }, video: { us: 0, epoch: -1 } };
    const wrong: string[] = [];
    let nowMs = 0;
    for (let round = 0; round < 20_000; round++) {
      nowMs += random.chance(0.01) ? random.next() * 5000 : random.next() * 20;
      const rtpTimestamp = random.chance(0.9)
        ? (Math.round(nowMs * 48) + random.integer(-5000, 5000)) >>> 0
        : anything(32);
      const ssrc = random.chance(0.999) ? 1 : anything(32);
      const ntp = random.chance(0.5) ? (BigInt(anything(32)) << 32n) | BigInt(anything(32)) : 0n;
      const captureNtp = random.chance(0.1) ? { captureNtp: ntp } : {};
      const at = { rtpTimestamp, receivedAt: nowMs, ssrc, ...captureNtp };
      const samples = new Uint8Array(0);
      sync.processAudioFrame({
        ...at,
        rtpSequence: random.chance(0.9) ? round & 0xffff : anything(16),
        samples,
        payloadSize: 0,
      });
      sync.processVideoFrame({ ...new Sender("video").video(0, 0), ...at, ssrc: (ssrc + 1) >>> 0 });
      if (random.chance(0.2))
        sync.updateRtcpSenderReport(
          { ssrc, ntpTimestamp: ntp, rtpTimestamp, packetCount: 0, octetCount: 0 },
          nowMs,
          "audio",
        );
      if (random.chance(0.2))
        sync.addBeacon({ media: "video", ssrc: 2, clockRate: 90_000, rtpTimestamp, captureNtp: ntp }, nowMs);
      if (random.chance(0.1))
        sync.addClockExchange({ t1: anything(52), t2: anything(52), t3: anything(52), t4: anything(52) });
      for (const media of ["audio", "video"] as const) {
        const frame = media === "audio" ? sync.popNextAudioFrame(nowMs) : sync.popNextVideoFrame(nowMs);
        if (frame === null) continue;
        const { wallClockTimestampUs: us, timelineEpoch: epoch } = frame;
        const last = label[media];
        if (!Number.isFinite(us) || (epoch === last.epoch && us < last.us)) wrong.push(`${media} ${round}`);
        label[media] = { us, epoch };
      }
    }
    expect(wrong).toEqual([]);
    expect(sync.heldFrames).toBeLessThan(300);
  });

  it("a jump of video that two frames confirm begins it anew", () => {
    const sync = manager();
    const video = new Sender("video", { frameMs: 40 });
    const jumped = new Sender("video", { frameMs: 40, base: 0x8800_0000 });
    const receipts: string[] = [];
    for (let index = 0; index < 10; index++)
      receipts.push(sync.processVideoFrame(video.video(index, index * 40)).status);
    while (sync.popNextVideoFrame(300) !== null) continue;
    for (let index = 10; index < 14; index++)
      receipts.push(sync.processVideoFrame(jumped.video(index, index * 40)).status);
    expect(receipts.filter((status) => status === "reset").length).toBe(1);
    expect(receipts[11]).toBe("reset");
    const after: number[] = [];
    for (let frame = sync.popNextVideoFrame(800); frame !== null; frame = sync.popNextVideoFrame(800))
      after.push(frame.rtpTimestamp);
    expect(after).toEqual([10, 11, 12, 13].map((index) => jumped.video(index, 0).rtpTimestamp));
  });
});
