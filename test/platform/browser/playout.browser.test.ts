import { afterEach, expect, it, vi } from "vitest";
import { TransportError } from "../../../src/errors/errors.ts";
import { AudioPlayout } from "../../../src/platform/browser/playout.ts";
import type { AudioPlayoutOptions } from "../../../src/platform/browser/playout.ts";
import { sineBlock } from "./link-pair.ts";

const open: AudioPlayout[] = [];

function playout(options?: AudioPlayoutOptions): AudioPlayout {
  const made = new AudioPlayout(options);
  open.push(made);
  return made;
}

afterEach(async () => {
  vi.unstubAllGlobals();
  await Promise.all(open.splice(0).map((made) => made.close()));
});

/** Push 20 ms of every peer every 20 ms until `done`. */
async function feed(to: AudioPlayout, peers: string[], done: () => boolean): Promise<void> {
  const startMs = performance.now();
  for (let index = 0; !done();) {
    while (performance.now() >= startMs + index * 20) {
      for (const peer of peers) to.push(peer, sineBlock(index), 1, 48_000);
      index++;
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** How samples get to the worklet. */
const WAYS = [
  ["through shared memory", true],
  ["in messages", false],
] as const;

it("may share memory here", () => {
  expect(crossOriginIsolated).toBe(true);
});

it.each(WAYS)("plays several peers and counts what it has played, %s", async (_way, isolated) => {
  vi.stubGlobal("crossOriginIsolated", isolated);
  const player = playout();
  await Promise.all([player.start(), player.start()]);
  await expect.poll(() => player.stats().running).toBe(true);
  await feed(player, ["alice", "bob"], () => (player.stats().peers.bob?.playedMs ?? 0) > 300);
  const { peers, outputLatencyMs } = player.stats();
  expect(Object.keys(peers)).toEqual(["alice", "bob"]);
  expect(peers.alice?.fillMs).toBeLessThan(300);
  expect(outputLatencyMs).toBeGreaterThan(0);
  player.remove("alice");
  await expect.poll(() => Object.keys(player.stats().peers)).toEqual(["bob"]);
});

it.each(WAYS)(
  "puts the sum of the peers into the output of the caller's context, %s",
  async (_way, isolated) => {
    vi.stubGlobal("crossOriginIsolated", isolated);
    const context = new AudioContext({ sampleRate: 48_000 });
    await context.resume();
    const analyser = context.createAnalyser();
    // What the playout connects to its destination is listened to on the way.
    const connect = vi.spyOn(AudioNode.prototype, "connect");
    const player = playout({ context, targetMs: 40 });
    await player.start();
    const node = connect.mock.contexts[0] as AudioWorkletNode;
    connect.mockRestore();
    node.connect(analyser);
    const loudest = (): number => {
      const wave = new Float32Array(analyser.fftSize);
      analyser.getFloatTimeDomainData(wave);
      return Math.max(...wave);
    };
    await feed(player, ["alice", "bob"], () => loudest() > 0.55);
    expect(loudest()).toBeLessThan(0.65); // twice 0.3
    player.setGain("bob", 0);
    await feed(player, ["alice", "bob"], () => loudest() < 0.35);
    await player.close();
    expect(context.state).toBe("running");
    await context.close();
  },
);

it("throws blocks away while the context stands still, instead of piling them up", async () => {
  const context = new AudioContext();
  await context.suspend();
  const player = playout({ context });
  player.push("alice", sineBlock(0), 1, 48_000);
  await player.start();
  expect(player.stats().running).toBe(false);
  player.push("alice", sineBlock(0), 1, 48_000);
  expect(player.stats()).toMatchObject({ discardedBlocks: 1, peers: {} });
  await context.close();
});

it.each(WAYS)("plays a peer that comes back after it was removed, %s", async (_way, isolated) => {
  vi.stubGlobal("crossOriginIsolated", isolated);
  const player = playout();
  await player.start();
  await expect.poll(() => player.stats().running).toBe(true);
  await feed(player, ["alice", "bob"], () => (player.stats().peers.alice?.playedMs ?? 0) > 100);
  player.remove("alice");
  await expect.poll(() => Object.keys(player.stats().peers)).toEqual(["bob"]);
  await feed(player, ["alice"], () => (player.stats().peers.alice?.playedMs ?? 0) > 100);
});

it("tells what to do when the worklet cannot be loaded, and can be started again", async () => {
  const player = playout({ workletUrl: "/missing/worklet.js" });
  for (let attempt = 0; attempt < 2; attempt++) {
    const error = await player.start().then(
      () => undefined,
      (reason: unknown) => reason as TransportError,
    );
    expect(error?.code).toBe("NOT_SUPPORTED");
    expect(error?.suggestion).toContain("dist/worklet.js");
  }
});

it("says NOT_SUPPORTED without AudioWorklet", async () => {
  vi.stubGlobal("AudioWorkletNode", undefined);
  await expect(playout().start()).rejects.toMatchObject({ code: "NOT_SUPPORTED" });
});

it("refuses options, samples, gains and numbers of peers that make no sense", async () => {
  expect(() => new AudioPlayout({ targetMs: 201 })).toThrow(TransportError);
  expect(() => new AudioPlayout({ targetMs: NaN })).toThrow(TransportError);
  const player = playout();
  await player.start();
  expect(() => player.push("a", new Float32Array(3), 2, 48_000)).toThrow(TransportError);
  expect(() => player.push("a", new Float32Array(2), 1, 7000)).toThrow(TransportError);
  expect(() => player.setGain("a", -1)).toThrow(TransportError);
  for (let index = 0; index < 64; index++) player.setGain(`peer-${index}`, 1);
  expect(() => player.setGain("one more", 1)).toThrow(TransportError);
  player.remove("peer-0");
  player.setGain("one more", 1);
});

it("closes once, and cannot be started afterwards", async () => {
  const player = playout();
  await player.start();
  await Promise.all([player.close(), player.close()]);
  player.push("alice", sineBlock(0), 1, 48_000);
  player.setGain("alice", 1);
  expect(player.stats().running).toBe(false);
  await expect(playoutClosed().start()).rejects.toMatchObject({ code: "ALREADY_SHUTDOWN" });
});

function playoutClosed(): AudioPlayout {
  const closed = new AudioPlayout();
  void closed.close();
  return closed;
}
