import { afterEach, describe, expect, it } from "vitest";
import { SyncManager } from "../../src/sync/sync-manager.ts";
import type { SyncManagerOptions } from "../../src/sync/sync-config.ts";
import type { SyncOptions } from "../../src/sync/sync-config.ts";
import type { ReceivedAudioFrame } from "../../src/sync/sync-types.ts";
import { Sender, Stage, WALL_MS, playoutDelays } from "./simulated-peer.ts";

const LOOKAHEAD_US = 6500;
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

describe("frames of audio", () => {
  it("leave in sequence order, each at its time, the gap skipped when the next one is due", () => {
    const sync = manager();
    const audio = new Sender("audio", { sequence: 65_533 });
    for (const index of [0, 2, 1, 4, 6, 5]) sync.processAudioFrame(audio.audio(index, 100 + index * 20));
    expect(sync.nextAudioDueMs).toBe(150);
    expect(sync.popNextAudioFrame(149.9)).toBeNull();
    const popped = [150, 170, 190, 229.9, 230, 250, 270].map((nowMs) => sync.popNextAudioFrame(nowMs));
    expect(popped.map((frame) => frame && frame.rtpTimestamp / 960)).toEqual([0, 1, 2, null, 4, 5, 6]);
    expect(popped[4]?.lostBefore).toBe(1);
    expect(popped[4]?.bufferDelayMs).toBe(50);
    expect(sync.getStatistics("audio")).toMatchObject({ lostFrames: 1, droppedFrames: 0, maxFrames: 1000 });
    expect(sync.popNextAudioFrame(1000)).toBeNull();
    expect(sync.nextAudioDueMs).toBe(Infinity);
  });

  it("that come twice or too late are told so", () => {
    const sync = manager();
    const audio = new Sender("audio");
    expect(sync.processAudioFrame(audio.audio(0, 0))).toEqual({ status: "buffered" });
    expect(sync.processAudioFrame(audio.audio(0, 1))).toEqual({ status: "duplicate" });
    expect(sync.processAudioFrame(audio.audio(2, 40))).toEqual({ status: "buffered" });
    for (const nowMs of [50, 90]) expect(sync.popNextAudioFrame(nowMs)).not.toBeNull();
    expect(sync.processAudioFrame(audio.audio(1, 91))).toEqual({ status: "late" });
    const { duplicateCount, latePacketCount } = sync.getStatistics("audio");
    expect([duplicateCount, latePacketCount]).toEqual([1, 1]);
  });

  it("wait as references that are let go of when they are dropped, popped or reset", () => {
    const sync = manager();
    const audio = new Sender("audio");
    for (let index = 0; index < 3000; index++) sync.processAudioFrame(audio.audio(index, index * 20));
    expect(sync.heldFrames).toBeLessThanOrEqual(11); // 200 ms
    sync.popNextAudioFrame(1e9);
    expect(sync.heldFrames).toBe(sync.getStatistics("audio").currentFrames);
    sync.reset();
    expect(sync.heldFrames).toBe(0);
  });

  it("of the wrong form are refused, naming the field", () => {
    const sync = manager();
    const good = new Sender("audio").audio(0, 0);
    const bad: [string, Partial<ReceivedAudioFrame<Uint8Array>>][] = [
      ["rtpTimestamp", { rtpTimestamp: 2 ** 32 }],
      ["rtpTimestamp", { rtpTimestamp: 0.5 }],
      ["rtpSequence", { rtpSequence: 65_536 }],
      ["receivedAt", { receivedAt: Number.NaN }],
      ["ssrc", { ssrc: -1 }],
      ["channels", { channels: 3 }],
      ["payloadSize", { payloadSize: -1 }],
      ["captureNtp", { captureNtp: 5 as unknown as bigint }],
    ];
    for (const [name, change] of bad) {
      expect(() => sync.processAudioFrame({ ...good, ...change }), name).toThrow(code("INVALID_DATA"));
      expect(() => sync.processAudioFrame({ ...good, ...change }), name).toThrow(name);
    }
    expect(() => sync.processAudioFrame(null as unknown as typeof good)).toThrow(code("INVALID_DATA"));
    expect(() => sync.popNextAudioFrame(Number.NaN)).toThrow(code("INVALID_DATA"));
    const video = new Sender("video").video(0, 0);
    expect(() => sync.processVideoFrame({ ...video, rtpSequence: 70_000 })).toThrow(/rtpSequence/);
  });
});

describe("frames of video", () => {
  it("are ordered and told apart by their timestamps; none counts as lost", () => {
    const sync = manager();
    const video = new Sender("video", { base: 0xffff_e000, frameMs: 40 });
    const receipts = [0, 2, 1, 2, 5].map(
      (index, i) => sync.processVideoFrame(video.video(index, i * 20)).status,
    );
    expect(receipts).toEqual(["buffered", "buffered", "buffered", "duplicate", "buffered"]);
    const order: number[] = [];
    for (let nowMs = 0; nowMs < 400; nowMs += 5) {
      const frame = sync.popNextVideoFrame(nowMs);
      if (frame !== null) order.push(Math.round(((frame.rtpTimestamp - 0xffff_e000) | 0) / 3600));
    }
    expect(order).toEqual([0, 1, 2, 5]);
    expect(sync.processVideoFrame(video.video(4, 420)).status).toBe("late");
    expect(sync.getStatistics("video")).toMatchObject({
      lostFrames: 0,
      estimatedLossRate: 0,
      duplicateCount: 1,
      latePacketCount: 1,
    });
  });

  it("tell their rate", () => {
    const sync = manager();
    const stage = new Stage(sync);
    stage.frames(new Sender("video", { frameMs: 40 }), 0, 40, () => 30);
    stage.run();
    expect(stage.video[0]?.frame.framerateEstimate).toBe(0);
    expect(stage.video.at(-1)?.frame.framerateEstimate).toBeCloseTo(25, 6);
  });

  it("leave at once in the order they have when released in order", () => {
    const sync = manager({ mode: "fixed", release: "inOrder" });
    const video = new Sender("video");
    sync.processVideoFrame(video.video(0, 0));
    expect(sync.nextVideoDueMs).toBeLessThanOrEqual(0);
    expect(sync.popNextVideoFrame(0)?.bufferDelayMs).toBe(0);
    sync.processVideoFrame(video.video(2, 70));
    sync.processVideoFrame(video.video(1, 71));
    expect(sync.popNextVideoFrame(72)?.rtpTimestamp).toBe(video.video(1, 0).rtpTimestamp);
    expect(sync.popNextVideoFrame(72)?.rtpTimestamp).toBe(video.video(2, 0).rtpTimestamp);
    expect(sync.popNextVideoFrame(72)).toBeNull();
    expect(sync.getStatistics("video")).toMatchObject({ currentDelayMs: 2, averageDelayMs: 1 });
  });
});

describe("options", () => {
  const delaysWith = (config: SyncOptions, jitter: (index: number) => number): number[] => {
    const audio = new Sender("audio");
    const stage = new Stage(manager(config));
    stage.frames(audio, 0, 500, (index) => 10 + jitter(index));
    stage.run();
    return playoutDelays(audio, stage.audio);
  };

  it("jitterBufferSizeMs is the fixed delay", () => {
    for (const jitterBufferSizeMs of [50, 120]) {
      const delays = delaysWith({ mode: "fixed", jitterBufferSizeMs }, () => 0);
      expect(delays.every((delayMs) => Math.abs(delayMs - 10 - jitterBufferSizeMs) < 0.1)).toBe(true);
    }
  });

  it("mode adaptive lets the delay fall to minJitterBufferMs on a quiet path, mode fixed does not", () => {
    const last = (config: SyncOptions): number => delaysWith(config, () => 0).at(-1) as number;
    expect(last({ mode: "fixed" })).toBeCloseTo(60, 1);
    expect(last({ mode: "adaptive" })).toBeLessThan(45);
    expect(last({ mode: "adaptive", minJitterBufferMs: 45 })).toBeGreaterThanOrEqual(54.9);
  });

  it("maxJitterBufferMs bounds what waits", () => {
    for (const maxJitterBufferMs of [100, 400]) {
      const sync = manager({ mode: "fixed", maxJitterBufferMs });
      const audio = new Sender("audio");
      for (let index = 0; index < 100; index++) sync.processAudioFrame(audio.audio(index, index * 20));
      expect(sync.getStatistics("audio").currentFrames).toBe(maxJitterBufferMs / 20 + 1);
    }
  });

  it("release inOrder lets the next expected frame go at once", () => {
    expect(
      delaysWith({ mode: "fixed", release: "inOrder" }, (index) => index % 5).every((ms) => ms < 15),
    ).toBe(true);
  });

  it("rtcpIntervalMs says when silence makes the mapping stale", () => {
    for (const rtcpIntervalMs of [1000, 5000]) {
      const sync = manager({ rtcpIntervalMs });
      const audio = new Sender("audio");
      for (let i = 0; i < 3; i++) sync.updateRtcpSenderReport(audio.report(i * 500), i * 500, "audio");
      expect(sync.getSyncState(1000 + 3 * rtcpIntervalMs)).toBe("synced");
      expect(sync.getSyncState(1001 + 3 * rtcpIntervalMs)).toBe("syncing");
    }
  });

  it("senderLookaheadSamples shifts labels, wallOffsetMs says what our clock shows", () => {
    const first = (options: SyncManagerOptions): number => {
      const sync = manager({ mode: "fixed" }, options);
      sync.processAudioFrame(new Sender("audio").audio(0, 100));
      return sync.popNextAudioFrame(150)?.wallClockTimestampUs as number;
    };
    expect(first({ senderLookaheadSamples: 0 })).toBe((WALL_MS + 100) * 1000);
    expect(first({})).toBe((WALL_MS + 100) * 1000 - LOOKAHEAD_US);
    expect(first({ senderLookaheadSamples: 0, wallOffsetMs: 0 })).toBe(100_000);
  });
});

it.each([
  ["wallOffsetMs", { wallOffsetMs: Number.NaN }],
  ["senderLookaheadSamples", { senderLookaheadSamples: -1 }],
  ["senderLookaheadSamples", { senderLookaheadSamples: Number.NaN }],
])("refuses a bad %s and names it", (name, options) => {
  expect(() => new SyncManager("bob", {}, options)).toThrow(code("INVALID_DATA"));
  expect(() => new SyncManager("bob", {}, options)).toThrow(name);
});

describe("capture times", () => {
  it("come from the first arrival, then from the sender, then on our clock with a bound", () => {
    const sync = manager();
    const audio = new Sender("audio", { base: 0xffff_ff00, wallAheadMs: 500 });
    expect(() => sync.rtpToWallClock(0, "audio")).toThrow(code("NO_NTP_MAPPING"));
    sync.processAudioFrame(audio.audio(0, 30));
    expect(sync.getSyncState(30)).toBe("unsynced");
    expect(sync.rtpToWallClock(audio.timestampAt(0), "audio")).toBe((WALL_MS + 30) * 1000);

    sync.updateRtcpSenderReport(audio.report(0), 40);
    expect(sync.lastRtcpTimeMs).toBe(40);
    expect(sync.getSyncState(40)).toBe("syncing");
    expect(sync.rtpToWallClock(audio.timestampAt(0), "audio")).toBe((WALL_MS + 500) * 1000);
    const before = sync.popNextAudioFrame(80);
    expect(before).toMatchObject({
      wallClockTimestampUs: (WALL_MS + 500) * 1000 - LOOKAHEAD_US,
      wallClockErrorUs: null,
      syncConfidence: 0.8,
      quality: "received",
      sampleRate: 48_000,
      channels: 1,
    });

    const us = WALL_MS * 1000;
    expect(sync.addClockExchange({ t1: us, t2: us + 510_000, t3: us + 510_000, t4: us + 20_000 })).toBe(true);
    expect(sync.clockOffset.offsetUs(sync.clockOffset.lastUs)).toBe(500_000);
    expect(sync.rtpToWallClock(audio.timestampAt(0), "audio")).toBe(us);
    sync.processAudioFrame(audio.audio(1, 50));
    const after = sync.popNextAudioFrame(100);
    expect(after?.wallClockTimestampUs).toBe(us + 20_000 - LOOKAHEAD_US);
    expect(after?.wallClockErrorUs).toBeGreaterThanOrEqual(10_000);
    expect(after?.wallClockErrorUs).toBeLessThan(12_000);
    expect(after?.timelineEpoch).toBe((before?.timelineEpoch ?? 0) + 1);
  });

  it("go there and back within a tick, up to 2^31 ticks", () => {
    const sync = manager();
    for (const [media, rate] of [
      ["audio", 48_000],
      ["video", 90_000],
    ] as const) {
      const sender = new Sender(media, { base: 0xffff_0000, ppm: 300 });
      for (let i = 0; i < 8; i++) sync.updateRtcpSenderReport(sender.report(i * 5000), i * 5000, media);
      for (const ticks of [0, 1, 12_345, 2 ** 30, 2 ** 31 - 90_000, -(2 ** 31 - 90_000)]) {
        const timestamp = (sender.timestampAt(0) + ticks) >>> 0;
        const back = sync.wallClockToRtp(sync.rtpToWallClock(timestamp, media), media);
        expect(Math.abs((back - timestamp) | 0), `${media} ${ticks}`).toBeLessThanOrEqual(1);
      }
      const us = sync.rtpToWallClock(sender.timestampAt(0), media);
      const reachUs = (2 ** 31 / rate) * 1e6;
      expect(() => sync.wallClockToRtp(us + reachUs * 1.01, media)).toThrow(code("INVALID_TIMESTAMP"));
      expect(() => sync.wallClockToRtp(us - reachUs * 1.01, media)).toThrow(code("INVALID_TIMESTAMP"));
    }
  });

  it("of frames themselves are used between the frames that carry them", () => {
    const sync = manager({ mode: "fixed" }, { senderLookaheadSamples: 0 });
    const audio = new Sender("audio", { wallAheadMs: 77 });
    for (let index = 0; index < 5; index++) {
      const carries = index % 4 === 0 ? { captureNtp: audio.ntpAt(index * 20) } : {};
      sync.processAudioFrame({ ...audio.audio(index, index * 20), ...carries });
    }
    const labels = [50, 70, 90, 110].map((nowMs) => sync.popNextAudioFrame(nowMs)?.wallClockTimestampUs);
    for (const [index, label] of labels.entries()) {
      expect(Math.abs((label as number) - (WALL_MS + 77 + index * 20) * 1000)).toBeLessThanOrEqual(1);
    }
    expect(sync.getSyncState(110)).toBe("syncing");
  });

  it("come from beacons, to whose clock the exchange belongs", () => {
    const sync = manager();
    const audio = new Sender("audio", { wallAheadMs: 300 });
    sync.processAudioFrame(audio.audio(0, 10));
    const beacon = (trueMs: number) => ({
      media: "audio" as const,
      ssrc: 11,
      clockRate: 48_000,
      rtpTimestamp: audio.timestampAt(trueMs),
      captureNtp: audio.ntpAt(trueMs),
    });
    expect(sync.addBeacon(beacon(0), 10)).toBe(true);
    expect(sync.addBeacon(beacon(500), 510)).toBe(true);
    expect(sync.addBeacon(beacon(250), 520)).toBe(false);
    expect(sync.addBeacon({ ...beacon(1000), clockRate: 8000 }, 1010)).toBe(false);
    expect(sync.addBeacon({ ...beacon(1000), ssrc: 5 }, 1010)).toBe(false);
    expect(sync.addBeacon({ ...beacon(1000), captureNtp: 0n }, 1010)).toBe(false);
    expect(sync.getSyncState(520)).toBe("syncing");
    expect(sync.addBeacon(beacon(1000), 1010)).toBe(true);
    expect(sync.getSyncState(1010)).toBe("synced");
    // Reports of another clock of that host change nothing.
    sync.updateRtcpSenderReport(
      audio.report(1200, { ntpTimestamp: new Sender("audio", { wallAheadMs: 9_000 }).ntpAt(1200) }),
      1210,
    );
    expect(
      Math.abs(sync.rtpToWallClock(audio.timestampAt(1200), "audio") - (WALL_MS + 1500) * 1000),
    ).toBeLessThan(30);
  });

  it("need reports of the stream they are about", () => {
    const sync = manager();
    const [audio, video] = [new Sender("audio"), new Sender("video")];
    sync.processAudioFrame(audio.audio(0, 0));
    sync.processVideoFrame(video.video(0, 0));
    expect(sync.updateRtcpSenderReport({ ...audio.report(0), ssrc: 99 }, 10)).toBe(false);
    expect(sync.updateRtcpSenderReport({ ...audio.report(0), ntpTimestamp: 0n }, 10)).toBe(false);
    expect(sync.lastRtcpTimeMs).toBeNull();
    expect(sync.updateRtcpSenderReport(video.report(0), 10)).toBe(true);
    expect(sync.getSyncState(10)).toBe("unsynced"); // the worse medium counts
    expect(sync.updateRtcpSenderReport(audio.report(0), 10)).toBe(true);
    expect(sync.getSyncState(10)).toBe("syncing");
    expect(sync.rtpToWallClock(video.timestampAt(1000), "video")).toBe((WALL_MS + 1000) * 1000);
  });
});

describe("a peer against another", () => {
  const exchange = (aheadUs: number, k: number) => {
    const us = (WALL_MS + k * 1000) * 1000;
    return { t1: us, t2: us + 8_000 + aheadUs, t3: us + 8_000 + aheadUs, t4: us + 16_000 };
  };
  const talk = (sync: SyncManager<Uint8Array>, sender: Sender, delayMs: number): void => {
    const stage = new Stage(sync);
    stage.frames(sender, 0, 60, () => delayMs);
    stage.reports(sender, 0, 1000, 300);
    stage.run();
  };

  it("is as far ahead as its clock, through ours", () => {
    const [own, other] = [manager(), manager()];
    expect(() => own.alignWithPeer(other)).toThrow(code("SYNC_ERROR"));
    talk(own, new Sender("audio", { wallAheadMs: -100 }), 10);
    talk(other, new Sender("audio", { wallAheadMs: 250 }), 90);
    for (let k = 0; k < 4; k++) {
      own.addClockExchange(exchange(-100_000, k));
      other.addClockExchange(exchange(250_000, k));
    }
    expect(own.alignWithPeer(other)).toEqual({ offsetMs: 350, confidence: 1, isStable: false });
    own.addClockExchange(exchange(-100_000, 5));
    other.addClockExchange(exchange(250_000, 5));
    expect(own.alignWithPeer(other).isStable).toBe(true);
    expect(other.alignWithPeer(own).offsetMs).toBe(-350);
  });

  it("is judged by arrivals before the clocks are compared, with half the confidence", () => {
    const [own, other] = [manager(), manager()];
    talk(own, new Sender("audio", { wallAheadMs: -100 }), 20);
    talk(other, new Sender("audio", { wallAheadMs: 250 }), 30);
    const { offsetMs, confidence, isStable } = own.alignWithPeer(other);
    expect(offsetMs).toBeCloseTo(340, 0); // 10 ms of path cannot be told from the clock
    expect(confidence).toBe(0.5);
    expect(isStable).toBe(true);
  });
});
