// Audio and video of one moment are due together, although each has a clock base, a path and delays of its own.
import { describe, expect, it } from "vitest";
import { SyncManager } from "../../../src/sync/sync-manager.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
import { Sender, Stage, WALL_MS } from "../../sync/simulated-peer.ts";
import type { Played } from "../../sync/simulated-peer.ts";

interface Story {
  seed: number;
  mode: "fixed" | "adaptive";
  audioDelayMs: number;
  videoDelayMs: number;
}

function tell({ seed, mode, audioDelayMs, videoDelayMs }: Story): Stage {
  const random = new SeededRandom(seed);
  const sync = new SyncManager<Uint8Array>(
    "bob",
    { mode, maxJitterBufferMs: 300 },
    { wallOffsetMs: WALL_MS },
  );
  const stage = new Stage(sync);
  const base = (): number => random.integer(0, 0xffffffff);
  const audio = new Sender("audio", { base: base(), sequence: random.integer(0, 0xffff), ppm: 40 });
  const video = new Sender("video", { base: base(), ppm: 40 });
  const jitterMs = (): number => -Math.log(1 - random.next()) * 2;
  stage.frames(audio, 0, 1500, () => audioDelayMs + jitterMs());
  stage.frames(video, 0, 900, () => videoDelayMs + jitterMs());
  for (const sender of [audio, video]) {
    stage.reports(sender, 100, 2000, 700);
    stage.reports(sender, 5000, 30_000, 5000);
  }
  stage.run();
  sync.close();
  return stage;
}

/** Ms from capture to playout by the frames' own labels. */
function delays(played: readonly Played<{ wallClockTimestampUs: number }>[], fromMs: number): number[] {
  return played
    .filter(({ atMs }) => atMs >= fromMs)
    .map(({ frame, atMs }) => WALL_MS + atMs - frame.wallClockTimestampUs / 1000);
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] as number;
}

describe("lip-sync", () => {
  for (const mode of ["fixed", "adaptive"] as const) {
    for (const [audioDelayMs, videoDelayMs] of [
      [20, 20],
      [20, 140],
      [120, 25],
    ] as const) {
      const seed = 31 + audioDelayMs;
      it(`is within 20 ms after 10 s: ${mode}, ${audioDelayMs}/${videoDelayMs} ms, seed ${seed}`, () => {
        const stage = tell({ seed, mode, audioDelayMs, videoDelayMs });
        const apart = median(delays(stage.audio, 10_000)) - median(delays(stage.video, 10_000));
        expect(Math.abs(apart)).toBeLessThan(20);
        const offsets = stage.video
          .filter(({ atMs }) => atMs > 10_000)
          .map(({ frame }) => frame.audioSyncOffsetMs);
        for (const offsetMs of offsets) expect(Math.abs(offsetMs)).toBeLessThanOrEqual(20);
      });
    }
  }

  it("is within 1 ms for synced streams with random clock bases, seeds 1 to 5 (D1)", () => {
    for (let seed = 1; seed <= 5; seed++) {
      const random = new SeededRandom(seed);
      const options = { wallOffsetMs: WALL_MS, senderLookaheadSamples: 0 };
      const sync = new SyncManager<Uint8Array>("bob", { mode: "fixed" }, options);
      const stage = new Stage(sync);
      for (const media of ["audio", "video"] as const) {
        const sender = new Sender(media, { base: random.integer(0, 0xffffffff), wallAheadMs: 4321 });
        stage.frames(sender, 0, 300, () => 25);
        stage.reports(sender, 0, 5000, 500);
      }
      stage.run();
      const synced = stage.video
        .filter(({ frame }) => frame.syncConfidence === 1)
        .map(({ frame }) => frame.audioSyncOffsetMs);
      expect(synced.length).toBeGreaterThan(100);
      expect(Math.max(...synced.map(Math.abs)), `seed ${seed}`).toBeLessThanOrEqual(1);
      sync.close();
    }
  });

  it("tells by how much video is ahead of the audio that plays, and 0 without audio", () => {
    const sync = new SyncManager<Uint8Array>("bob", { mode: "fixed" }, { senderLookaheadSamples: 0 });
    const [audio, video] = [new Sender("audio"), new Sender("video", { frameMs: 20 })];
    sync.processVideoFrame(video.video(0, 0));
    expect(sync.popNextVideoFrame(50)?.audioSyncOffsetMs).toBe(0);
    for (const sender of [audio, video]) sync.updateRtcpSenderReport(sender.report(0), 60, sender.media);
    sync.processAudioFrame(audio.audio(5, 160)); // captured at 100
    expect(sync.popNextAudioFrame(210)).not.toBeNull();
    sync.processVideoFrame(video.video(8, 170)); // captured at 160
    // At 230 the audio of 120 plays.
    expect(sync.popNextVideoFrame(230)?.audioSyncOffsetMs).toBe(40);
    sync.processVideoFrame(video.video(70, 1410));
    expect(sync.popNextVideoFrame(1500)?.audioSyncOffsetMs).toBe(0);
    sync.close();
  });
});
