// What happens to streams in a long call, one story each: order, labels and playout survive it.
import { afterEach, describe, expect, it } from "vitest";
import { SyncManager } from "../../../src/sync/sync-manager.ts";
import type { SyncOptions } from "../../../src/sync/sync-config.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
import { Sender, Stage, WALL_MS, largestStep, playoutDelays } from "../../sync/simulated-peer.ts";
import type { Played } from "../../sync/simulated-peer.ts";

const LOOKAHEAD_MS = 6.5;
const managers: SyncManager<Uint8Array>[] = [];

afterEach(() => {
  for (const sync of managers.splice(0)) sync.close();
});

function scene(config: SyncOptions = { mode: "fixed" }): { sync: SyncManager<Uint8Array>; stage: Stage } {
  const sync = new SyncManager<Uint8Array>("bob", config, { wallOffsetMs: WALL_MS });
  managers.push(sync);
  return { sync, stage: new Stage(sync) };
}

/** A path with a little jitter. */
function path(seed: number, delayMs = 30): () => number {
  const random = new SeededRandom(seed);
  return () => delayMs - Math.log(1 - random.next()) * 3;
}

type Labelled = Played<{ rtpTimestamp: number; wallClockTimestampUs: number; timelineEpoch: number }>;

/** Label minus the truth, ms, by the sender's clock. */
function labelErrors(sender: Sender, played: readonly Labelled[]): number[] {
  const delays = playoutDelays(sender, played);
  return played.map(({ frame, atMs }, i) => {
    const captureMs = atMs - (delays[i] as number);
    return frame.wallClockTimestampUs / 1000 - (WALL_MS + captureMs + sender.wallAheadMs - LOOKAHEAD_MS);
  });
}

/** Places where time does not rise, or rises by another epoch. */
function falls(played: readonly Labelled[]): number[] {
  const faults: number[] = [];
  for (let i = 1; i < played.length; i++) {
    const [one, next] = [(played[i - 1] as Labelled).frame, (played[i] as Labelled).frame];
    const rises = next.wallClockTimestampUs > one.wallClockTimestampUs;
    if (!rises && next.timelineEpoch === one.timelineEpoch) faults.push(i);
  }
  return faults;
}

const worst = (values: readonly number[]): number => Math.max(...values.map(Math.abs));

describe("a stream", () => {
  it("survives the wrap of sequence numbers and timestamps, seed 1", () => {
    const { sync, stage } = scene();
    const audio = new Sender("audio", { base: 0xffff_ffff - 48_000 * 30, sequence: 65_536 - 750 });
    stage.frames(audio, 0, 3000, path(1));
    stage.reports(audio, 0, 60_000, 1000);
    stage.run();
    expect(stage.audio.length).toBe(3000);
    expect(sync.getStatistics("audio")).toMatchObject({ lostFrames: 0, droppedFrames: 0 });
    expect(largestStep(playoutDelays(audio, stage.audio))).toBeLessThan(5);
    expect(worst(labelErrors(audio, stage.audio.slice(100)))).toBeLessThan(0.1);
    expect(stage.audio.at(-1)?.frame.timelineEpoch).toBe(stage.audio[100]?.frame.timelineEpoch);
    expect(falls(stage.audio)).toEqual([]);
  });

  it("bears reports that come out of order, seed 2", () => {
    const { stage } = scene();
    const audio = new Sender("audio", { wallAheadMs: 40 });
    const random = new SeededRandom(2);
    stage.frames(audio, 0, 2000, path(2));
    for (let sentMs = 0; sentMs < 40_000; sentMs += 1000)
      stage.reports(audio, sentMs, sentMs + 1, 1, random.integer(20, 3500));
    stage.run();
    expect(worst(labelErrors(audio, stage.audio.slice(300)))).toBeLessThan(0.2);
    expect(falls(stage.audio)).toEqual([]);
  });

  it("bears a report that lies, seed 3", () => {
    const { sync, stage } = scene();
    const audio = new Sender("audio");
    stage.frames(audio, 0, 2500, path(3));
    stage.reports(audio, 0, 2000, 700);
    stage.reports(audio, 5000, 50_000, 5000);
    stage.at(27_000, () =>
      sync.updateRtcpSenderReport(audio.report(26_900, { ntpTimestamp: audio.ntpAt(27_700) }), 27_000),
    );
    stage.run();
    expect(largestStep(playoutDelays(audio, stage.audio))).toBeLessThan(5);
    expect(worst(labelErrors(audio, stage.audio.slice(150)))).toBeLessThan(1);
    expect(falls(stage.audio)).toEqual([]);
  });

  for (const steppedMs of [2000, -2000]) {
    it(`opens a new epoch when the sender's clock is stepped by ${steppedMs} ms, playout untouched, seed 4`, () => {
      const { sync, stage } = scene();
      const [audio, video] = [new Sender("audio"), new Sender("video")];
      stage.frames(audio, 0, 3000, path(4));
      stage.frames(video, 0, 1800, path(5, 40));
      for (const sender of [audio, video]) {
        stage.reports(sender, 0, 2000, 700);
        stage.reports(sender, sender === audio ? 5000 : 7300, 60_000, 5000);
      }
      stage.at(29_000, () => {
        audio.wallAheadMs = video.wallAheadMs = steppedMs;
      });
      stage.run();
      // Until second 20 the two media find together; what counts is the step.
      const after = stage.audio.filter(({ atMs }) => atMs > 20_000);
      expect(largestStep(playoutDelays(audio, after))).toBeLessThan(5);
      const delays = playoutDelays(audio, after);
      expect(Math.max(...delays) - Math.min(...delays)).toBeLessThan(5);
      const epochs = [...new Set(after.map(({ frame }) => frame.timelineEpoch))];
      expect(epochs.length).toBe(2);
      expect(
        worst(
          labelErrors(
            audio,
            after.filter(({ atMs }) => atMs > 45_000),
          ),
        ),
      ).toBeLessThan(1);
      expect(falls(after)).toEqual([]);
      expect(sync.getStatistics("audio").droppedFrames).toBe(0);
    });
  }

  it("is syncing after three silent report intervals, and plays on, seed 6", () => {
    const { sync, stage } = scene();
    const audio = new Sender("audio", { ppm: 30 });
    const states: string[] = [];
    stage.frames(audio, 0, 3500, path(6));
    stage.reports(audio, 0, 20_000, 2500);
    stage.reports(audio, 60_000, 70_000, 2500);
    for (const atMs of [1000, 18_000, 32_000, 33_000, 59_000, 60_100])
      stage.at(atMs, () => states.push(sync.getSyncState(atMs)));
    stage.run();
    expect(states).toEqual(["syncing", "synced", "synced", "syncing", "syncing", "synced"]);
    expect(largestStep(playoutDelays(audio, stage.audio))).toBeLessThan(5);
    expect(worst(labelErrors(audio, stage.audio.slice(500)))).toBeLessThan(1.5);
    expect(stage.audio[2200]?.frame.syncConfidence).toBe(0.8);
  });

  it("begins anew with another SSRC, seed 7", () => {
    const { stage } = scene();
    const first = new Sender("audio", { ssrc: 1, base: 5 });
    const second = new Sender("audio", { ssrc: 2, base: 0x9000_0000, sequence: 30_000 });
    stage.frames(first, 0, 500, path(7));
    stage.frames(second, 502, 1000, path(8));
    stage.reports(first, 0, 9000, 1000);
    stage.reports(second, 10_100, 20_000, 1000);
    stage.run();
    expect(stage.receipts.filter((status) => status === "reset").length).toBe(1);
    const late = stage.audio.filter(({ atMs }) => atMs > 12_000);
    expect(worst(labelErrors(second, late))).toBeLessThan(0.2);
    expect(worst(playoutDelays(second, late).map((delayMs) => delayMs - 80))).toBeLessThan(6);
    expect(falls(stage.audio)).toEqual([]);
  });

  it("goes on after a pause in which its timestamps advanced, seed 9", () => {
    const { sync, stage } = scene();
    const audio = new Sender("audio", { ppm: -25 });
    const delay = path(9);
    stage.reports(audio, 0, 100_000, 5000);
    // The sender numbers on; frame 500 follows 499 after 40 s.
    stage.frames(audio, 0, 500, delay);
    for (let index = 2500; index < 3000; index++) {
      const atMs = audio.captureMs(index) + delay();
      stage.at(atMs, () => {
        const frame = { ...audio.audio(index, atMs), rtpSequence: index - 2000 };
        stage.receipts.push(sync.processAudioFrame(frame).status);
      });
    }
    stage.run();
    expect(new Set(stage.receipts)).toEqual(new Set(["buffered"]));
    expect(stage.audio.length).toBe(1000);
    expect(sync.getStatistics("audio").lostFrames).toBe(0);
    const epochs = new Set(stage.audio.slice(300).map(({ frame }) => frame.timelineEpoch));
    expect(epochs.size).toBe(1);
    expect(worst(labelErrors(audio, stage.audio.slice(300)))).toBeLessThan(1);
  });

  it("bears a local clock that goes back, by little and by much, seed 10", () => {
    for (const backMs of [80, 5000]) {
      const { sync, stage } = scene();
      const audio = new Sender("audio");
      const delay = path(10);
      let popped = 0;
      for (let index = 0; index < 1500; index++) {
        const trueMs = index * 20 + delay();
        const localMs = index < 750 ? trueMs : trueMs - backMs;
        stage.receipts.push(sync.processAudioFrame(audio.audio(index, localMs)).status);
        while (sync.popNextAudioFrame(localMs) !== null) popped++;
        if (index % 100 === 0) sync.updateRtcpSenderReport(audio.report(index * 20), localMs);
      }
      expect(popped, `${backMs} ms`).toBeGreaterThan(1450);
      expect(stage.receipts.filter((status) => status === "reset").length).toBe(backMs > 1000 ? 1 : 0);
    }
  });

  it("is not moved by one stray packet, and begins anew at the second in a row, seed 11", () => {
    const { sync, stage } = scene();
    const audio = new Sender("audio");
    const jumped = new Sender("audio", { base: 48_000 * 3600 });
    stage.frames(audio, 0, 500, path(11));
    stage.at(5001, () => stage.receipts.push(sync.processAudioFrame(jumped.audio(250, 5001)).status));
    stage.frames(jumped, 500, 1000, path(12));
    stage.run();
    expect(stage.receipts.filter((status) => status === "reset").length).toBe(1);
    expect(stage.audio.length).toBeGreaterThan(990);
    // Silence in the clock's knowledge: the mapping went with the timeline.
    expect(stage.audio.at(-1)?.frame.syncConfidence).toBe(0.5);
    expect(worst(playoutDelays(jumped, stage.audio.slice(-400)).map((delayMs) => delayMs - 80))).toBeLessThan(
      6,
    );
    expect(falls(stage.audio)).toEqual([]);
  });

  it("counts nothing lost in silence that is not sent (DTX), seed 13", () => {
    const { sync, stage } = scene();
    const audio = new Sender("audio");
    const delay = path(13);
    let sequence = 0;
    for (let index = 0; index < 3000; index++) {
      // Speech, and then one frame in 400 ms; numbers are contiguous.
      if (index % 300 > 100 && index % 20 !== 0) continue;
      const [number, atMs] = [sequence++, index * 20 + delay()];
      stage.at(atMs, () => {
        sync.processAudioFrame({ ...audio.audio(index, atMs), rtpSequence: number });
      });
    }
    stage.run();
    expect(stage.audio.length).toBe(sequence);
    expect(sync.getStatistics("audio")).toMatchObject({
      lostFrames: 0,
      estimatedLossRate: 0,
      droppedFrames: 0,
    });
    expect(
      worst(
        playoutDelays(audio, stage.audio)
          .slice(200)
          .map((delayMs) => delayMs - 80),
      ),
    ).toBeLessThan(4);
  });

  it("never goes back in eight hours, 60 ms a frame, seed 14", { timeout: 60_000 }, () => {
    const { sync } = scene();
    const audio = new Sender("audio", { base: 0xfff0_0000, frameMs: 60, ppm: 70, wallAheadMs: -300 });
    const random = new SeededRandom(14);
    const frames = (8 * 3600 * 1000) / 60;
    const wrong: number[] = [];
    let [last, lastTs, popped, epoch] = [0, 0, 0, 0];
    let reportMs = 0;
    for (let index = 0; index < frames; index++) {
      const atMs = audio.captureMs(index) + 20 + random.next() * 10;
      if (atMs > reportMs) {
        sync.updateRtcpSenderReport(audio.report(reportMs), atMs, "audio");
        reportMs += 5000 * (0.5 + random.next());
        const us = (WALL_MS + atMs) * 1000;
        const thereUs = 20_000 + random.next() * 5000;
        sync.addClockExchange({
          t1: us - 45_000,
          t2: us - 45_000 + thereUs - 300_000,
          t3: us - 45_000 + thereUs - 300_000,
          t4: us,
        });
      }
      sync.processAudioFrame(audio.audio(index, atMs));
      const frame = sync.popNextAudioFrame(atMs);
      if (frame === null) continue;
      popped++;
      const rises = frame.wallClockTimestampUs > last && ((frame.rtpTimestamp - lastTs) | 0) > 0;
      if (popped > 1 && !rises && frame.timelineEpoch === epoch) wrong.push(index);
      [last, lastTs, epoch] = [frame.wallClockTimestampUs, frame.rtpTimestamp, frame.timelineEpoch];
    }
    expect(wrong).toEqual([]);
    expect(popped).toBeGreaterThan(frames - 10);
    expect(epoch).toBeLessThanOrEqual(2); // the first report, the first exchange
    expect(sync.estimateClockDrift()?.driftPpm).toBeCloseTo(70, 0);
  });
});
