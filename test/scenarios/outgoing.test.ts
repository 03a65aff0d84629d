// What listeners hear when a program mixes for groups that change, and when it breaks off what it was saying.
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { AudioFrame } from "../../src/runtime/data.ts";
import type { WebRtcTransport } from "../../src/transport/webrtc-transport.ts";
import { bestLag, concat, rms, voice } from "../media/signals.ts";
import { WARM_UP_TIMEOUT_MS, World } from "./world.ts";

vi.setConfig({ testTimeout: 30_000 }); // Real encoders; a busy machine takes its time.

let world: World;

beforeAll(() => World.warmUp(), WARM_UP_TIMEOUT_MS);

afterEach(async () => {
  expect(await world.close(), "left over after shutdown").toEqual({ openLinks: 0, pendingTimers: 0 });
});

/** What a transport hears from now on. */
function listen(transport: WebRtcTransport): AudioFrame[] {
  const heard: AudioFrame[] = [];
  void (async () => {
    for await (const frame of transport.frames()) heard.push(frame);
  })();
  return heard;
}

/** Ms around the place where a sound should be, in which it is looked for: codec delay and what playout stretches. */
const MARGIN_MS = 12;

/** Index of the first sample, of all heard, that stands for what was said `ms` after the first of them. */
function indexAt(frames: readonly AudioFrame[], ms: number): number {
  const first = frames[0]?.rtpTimestamp ?? 0;
  let index = 0;
  for (const { rtpTimestamp, rtpTicks, samples } of frames) {
    const offset = ms * 48 - ((rtpTimestamp - first) | 0);
    if (offset < rtpTicks) return index + Math.round(offset);
    index += samples.length;
  }
  return index;
}

const soundOf = (frames: readonly AudioFrame[]): Float32Array => concat(frames.map(({ samples }) => samples));

/** How alike what was said from `ms` on, for 50 ms, and what was heard of it are, at best. */
function likeness(said: Float32Array, frames: readonly AudioFrame[], ms: number): number {
  const from = indexAt(frames, ms - MARGIN_MS);
  const around = soundOf(frames).subarray(from, from + (50 + 2 * MARGIN_MS) * 48);
  return bestLag(said.subarray(ms * 48, (ms + 50) * 48), around, 0, 2 * MARGIN_MS * 48).value;
}

describe("mixes for groups that change", () => {
  it("reach every listener unbroken, wherever it moves", async () => {
    world = World.open();
    const names = ["bob", "carol", "dave"];
    const [alice, ...others] = (await world.join("alice", ...names)) as [
      WebRtcTransport,
      ...WebRtcTransport[],
    ];
    const heard = others.map(listen);
    const plans = [
      [["bob"], ["carol", "dave"]],
      [["bob", "carol"], ["dave"]],
      [["bob", "carol", "dave"]],
      [["bob"], ["carol"], ["dave"]],
      [["bob", "dave"], ["carol"]],
    ];
    const signal = voice(2, 48_000);
    const startUs = (world.clock.wallNow() - 120) * 1000;
    for (let i = 0; i < 100; i++) {
      const samples = signal.subarray(i * 960, (i + 1) * 960);
      for (const only of plans[Math.floor(i / 20) % plans.length] ?? []) {
        const audio = { type: "audio", samples, sampleRate: 48_000, channels: 1 } as const;
        void alice.broadcast({ ...audio, timestampUs: startUs + i * 20_000 }, { only });
      }
      await world.clock.run(20);
    }
    await world.clock.run(500);
    for (const [i, transport] of others.entries()) {
      const { audio } = transport.stats().peers.find(({ peerId }) => peerId === "alice") ?? {};
      expect(audio?.inbound).toMatchObject({ packetsReceived: 100, lost: 0, duplicates: 0 });
      const frames = heard[i] ?? [];
      expect(frames.reduce((sum, { missingBefore }) => sum + missingBefore, 0)).toBe(0);
      expect(new Set(frames.map(({ quality }) => quality))).toEqual(new Set(["received"]));
      // Another encoder begins at every move, each 400 ms; within 200 ms it has the voice.
      for (let ms = 200; ms < 1_900; ms += 400) {
        expect(likeness(signal, frames, ms), `${ms} ms`).toBeGreaterThan(0.9);
      }
    }
  });
});

describe("barge-in", () => {
  it("is silent at once, tells what was heard, and the next utterance is heard from its beginning", async () => {
    world = World.open();
    const [alice, bob] = (await world.join("alice", "bob")) as [WebRtcTransport, WebRtcTransport];
    const heard = listen(bob);
    const first = voice(5, 48_000);
    const startUs = world.clock.wallNow() * 1000;
    const audio = { type: "audio", sampleRate: 48_000, channels: 1 } as const;
    const said = alice.sendToPeer("bob", { ...audio, samples: first, timestampUs: startUs });
    await world.clock.run(1_000);
    const { sentUntilUs, droppedMs } = await alice.flush();
    await said;
    const heardMs = ((sentUntilUs ?? 0) - startUs) / 1000;
    expect(heardMs).toBeGreaterThan(980);
    expect(heardMs).toBeLessThan(1_040);
    expect(heardMs + droppedMs).toBeCloseTo(5_000, 1);
    await world.clock.until(alice.drain());
    await world.clock.run(500);
    for (const ms of [200, 500, 850]) expect(likeness(first, heard, ms)).toBeGreaterThan(0.9);
    // Some milliseconds later, for the codec's delay and the end of its filters, there is nothing more.
    expect(rms(soundOf(heard).subarray(indexAt(heard, heardMs + 25)))).toBeLessThan(0.01);
    const second = voice(1, 48_000, 30);
    const silentMs = world.clock.wallNow() - startUs / 1000;
    const nextUs = world.clock.wallNow() * 1000;
    void alice.sendToPeer("bob", { ...audio, samples: second, timestampUs: nextUs });
    await world.clock.until(alice.drain());
    await world.clock.run(500);
    const whole = new Float32Array(Math.round(silentMs * 48) + second.length);
    whole.set(second, Math.round(silentMs * 48));
    for (const ms of [100, 400, 850]) {
      expect(likeness(whole, heard, Math.round(silentMs) + ms), `${ms} ms`).toBeGreaterThan(0.9);
    }
  });
});
