import { afterEach, describe, expect, it } from "vitest";
import { SyncManager } from "../../src/sync/sync-manager.ts";
import type { SyncOptions } from "../../src/sync/sync-config.ts";
import type { SyncedAudioFrame } from "../../src/sync/sync-types.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { Sender, WALL_MS } from "./simulated-peer.ts";

const FRAME = 960;
const managers: { close(): void }[] = [];

afterEach(() => {
  for (const sync of managers.splice(0)) sync.close();
});

interface Heard {
  readonly sync: SyncManager;
  readonly frames: SyncedAudioFrame[];
}

/** A sender `ppm` fast plays a tone of 500 Hz over a path with jitter. */
function hear(
  seconds: number,
  ppm: number,
  config: SyncOptions = {},
  act?: (sync: SyncManager, atMs: number) => void,
): Heard {
  const sync = new SyncManager(
    "bob",
    { mode: "fixed", ...config },
    { wallOffsetMs: WALL_MS, senderLookaheadSamples: 0 },
  );
  managers.push(sync);
  const sender = new Sender("audio", { ppm });
  const random = new SeededRandom(17);
  const frames: SyncedAudioFrame[] = [];
  for (let index = 0; index < seconds * 50; index++) {
    const captureMs = sender.captureMs(index);
    const atMs = captureMs + 20 - Math.log(1 - random.next()) * 2;
    const samples = Float32Array.from({ length: FRAME }, (_, i) =>
      Math.sin(((index * FRAME + i) * 2 * Math.PI * 500) / 48_000),
    );
    if (index % 250 === 0) sync.updateRtcpSenderReport(sender.report(captureMs), atMs, "audio");
    act?.(sync, atMs);
    for (let dueMs = sync.nextAudioDueMs; dueMs <= atMs; dueMs = sync.nextAudioDueMs) {
      const frame = sync.popNextAudioFrame(dueMs);
      if (frame !== null) frames.push(frame);
    }
    sync.processAudioFrame({ ...sender.audio(index, atMs), samples, payloadSize: 80 });
  }
  return { sync, frames };
}

const lengthMs = (frames: readonly SyncedAudioFrame[]): number =>
  frames.reduce((sum, { samples, channels }) => sum + samples.length / channels, 0) / 48;

describe("drift correction", () => {
  it("resamples so that what is played lasts as long as it took to come: 120 ppm, seed 17", () => {
    const { sync, frames } = hear(120, 120);
    const second = frames.slice(3000);
    const trueMs = (second.length * 20) / (1 + 120e-6);
    expect(Math.abs(lengthMs(second) - trueMs)).toBeLessThan(2);
    expect(lengthMs(second)).toBeLessThan(second.length * 20 - 5); // without it 7 ms too long
    expect(sync.estimateClockDrift()?.driftPpm).toBeCloseTo(120, -1);
    expect(frames.at(-1)?.clockDriftPpm).toBeCloseTo(120, -1);
    expect(frames.at(-1)?.playbackRatio).toBeCloseTo(1 + 120e-6, 4);
    expect(frames.every(({ stretchMs }) => stretchMs === 0)).toBe(true);
  });

  it("keeps its hands off when switched off", () => {
    const { frames } = hear(60, 120, { enableClockDriftCorrection: false });
    expect(
      frames.every(({ samples, playbackRatio }) => samples.length === FRAME && playbackRatio === 1),
    ).toBe(true);
  });

  it("labels the first sample of what comes out: the resampler's delay is taken off", () => {
    const { frames } = hear(3, 0);
    // The tone tells where in the sender's time a sample belongs.
    const { samples, wallClockTimestampUs } = frames.at(-1) as SyncedAudioFrame;
    const labelMs = wallClockTimestampUs / 1000 - WALL_MS;
    for (let i = 0; i < 100; i++) {
      const expected = Math.sin(2 * Math.PI * 0.5 * (labelMs + i / 48));
      expect(Math.abs((samples[i] as number) - expected)).toBeLessThan(0.01); // 3 us
    }
  });

  it("follows a factor given by hand: ramped over 100 ms, until the stream begins anew", () => {
    let applied = false;
    const { sync, frames } = hear(20, 0, {}, (manager, atMs) => {
      if (atMs < 10_000 || applied) return;
      applied = true;
      manager.applyClockDriftCorrection(1.01, atMs);
      manager.applyClockDriftCorrection(1.01, atMs + 1); // no new ramp
    });
    const ratios = frames.map(({ playbackRatio }) => playbackRatio);
    const first = ratios.findIndex((ratio) => ratio > 1.0005);
    expect(ratios.slice(first + 6).every((ratio) => Math.abs(ratio - 1.01) < 1e-9)).toBe(true);
    expect(ratios[first]).toBeLessThan(1.005);
    const after = frames.slice(first + 6, first + 206);
    expect(lengthMs(after)).toBeCloseTo((200 * 20) / 1.01, -0.5);
    for (const factor of [0.98, 1.011, Number.NaN]) {
      expect(() => sync.applyClockDriftCorrection(factor, 30_000)).toThrow(
        expect.objectContaining({ code: "INVALID_CORRECTION_FACTOR" }),
      );
    }
    sync.reset();
    sync.processAudioFrame({ ...new Sender("audio").audio(0, 40_000), samples: new Float32Array(FRAME) });
    expect(sync.popNextAudioFrame(40_060)?.playbackRatio).toBe(1);
  });

  it("hands what is more than 10 ms to time-scaling, in milliseconds", () => {
    const sync = new SyncManager("bob", { mode: "fixed" });
    managers.push(sync);
    const sender = new Sender("audio");
    const stretches: number[] = [];
    for (let index = 0; index < 400; index++) {
      const atMs = index * 20 + (index < 200 ? 10 : 40);
      sync.processAudioFrame({ ...sender.audio(index, atMs), samples: new Float32Array(FRAME) });
      for (let dueMs = sync.nextAudioDueMs; dueMs <= atMs; dueMs = sync.nextAudioDueMs) {
        stretches.push(sync.popNextAudioFrame(dueMs)?.stretchMs ?? 0);
      }
    }
    expect(stretches.reduce((sum, ms) => sum + ms, 0)).toBeCloseTo(30, 0);
    expect(stretches.filter((ms) => ms !== 0).every((ms) => ms >= 10)).toBe(true);
  });

  it("lets opaque payloads pass untouched", () => {
    const sync = new SyncManager<{ opus: Uint8Array }>("bob", { mode: "fixed" });
    managers.push(sync);
    const payload = { opus: new Uint8Array(3) };
    sync.processAudioFrame({ ...new Sender("audio").audio(0, 0), samples: payload });
    expect(sync.popNextAudioFrame(50)?.samples).toBe(payload);
  });

  it("driftCorrectionThresholdPpm moves the label of the action, nothing else", () => {
    const actions = [100, 500].map((driftCorrectionThresholdPpm) => {
      const { sync } = hear(60, 150, { driftCorrectionThresholdPpm });
      return sync.estimateClockDrift()?.recommendedAction;
    });
    expect(actions).toEqual(["adjust", "none"]);
  });

  it("resamples two channels as it does one", () => {
    const sync = new SyncManager("bob", { mode: "fixed" });
    managers.push(sync);
    const sender = new Sender("audio");
    let stereo: SyncedAudioFrame | null = null;
    for (let index = 0; index < 4; index++) {
      const samples = Float32Array.from({ length: 2 * FRAME }, (_, i) => (i % 2 === 0 ? 0.25 : -0.5));
      sync.processAudioFrame({ ...sender.audio(index, index * 20), samples, channels: 2 });
      stereo = sync.popNextAudioFrame(index * 20 + 50) ?? stereo;
    }
    expect(stereo?.channels).toBe(2);
    expect(stereo?.samples[100]).toBeCloseTo(0.25, 3);
    expect(stereo?.samples[101]).toBeCloseTo(-0.5, 3);
  });
});
