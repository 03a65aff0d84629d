import { afterEach, describe, expect, it } from "vitest";
import { AlignedBlocks } from "../../src/sync/aligned-blocks.ts";
import type { AlignedBlock, AlignedBlocksOptions, BlockStatus } from "../../src/sync/aligned-blocks.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { Recorder, WALL_OFFSET_MS, sound, syncedFrame } from "./aligned-frame.ts";
import type { FrameFacts } from "./aligned-frame.ts";

const RATE = 48_000;

const opened: AlignedBlocks[] = [];
afterEach(() => {
  for (const blocks of opened.splice(0)) blocks.close();
});

function blocksWith(options: Partial<AlignedBlocksOptions>, ...peerIds: string[]): AlignedBlocks {
  const blocks = new AlignedBlocks({ wallOffsetMs: WALL_OFFSET_MS, ...options });
  opened.push(blocks);
  for (const peerId of peerIds) blocks.addPeer(peerId);
  return blocks;
}

function push(blocks: AlignedBlocks, peerId: string, facts: FrameFacts, delayMs = 50): BlockStatus {
  return blocks.push(peerId, syncedFrame(facts), facts.captureMs + delayMs);
}

function drain(blocks: AlignedBlocks, nowMs: number): AlignedBlock[] {
  const all: AlignedBlock[] = [];
  for (let block = blocks.pull(nowMs); block !== undefined; block = blocks.pull(nowMs)) all.push(block);
  return all;
}

const startMsOf = (block: AlignedBlock): number => block.captureUs / 1000 - WALL_OFFSET_MS;

/** RMS of what a peer's share differs from the sound at its place, over the samples that were captured. */
function errorOf(block: AlignedBlock, peer: number, rate = RATE): number {
  const share = block.peers[peer];
  let sum = 0;
  let count = 0;
  share?.samples.forEach((sample, i) => {
    if (share.mask[i] === 0) return;
    sum += (sample - sound(startMsOf(block) + (i * 1000) / rate)) ** 2;
    count++;
  });
  return count === 0 ? Infinity : Math.sqrt(sum / count);
}

/** Play recorders for a while; frames come in order of time, each `delayMs` after its capture. */
function play(
  blocks: AlignedBlocks,
  recorders: readonly { peerId: string; recorder: Recorder; delayMs: number }[],
  toMs: number,
): AlignedBlock[] {
  const all: AlignedBlock[] = [];
  for (;;) {
    const due = recorders.map(({ recorder, delayMs }) => recorder.captureMs + delayMs);
    const at = Math.min(...due);
    if (at > toMs) return all;
    const next = recorders[due.indexOf(at)];
    if (next === undefined) return all;
    all.push(...drain(blocks, at - 0.001));
    push(blocks, next.peerId, next.recorder.next(), next.delayMs);
  }
}

describe("the common grid", () => {
  it("puts the sound of peers with other clocks, paths and frame lengths where it was captured", () => {
    const blocks = blocksWith({}, "a", "b", "c");
    const all = play(
      blocks,
      [
        { peerId: "a", recorder: new Recorder(1000.3, 200), delayMs: 40 },
        { peerId: "b", recorder: new Recorder(1007.77, -180, 60), delayMs: 180 },
        { peerId: "c", recorder: new Recorder(1003.1, 0, 10), delayMs: 25 },
      ],
      8000,
    );
    expect(all.length).toBeGreaterThan(330);
    all.forEach((block, i) => {
      expect(startMsOf(block)).toBeCloseTo(1000 + 20 * i, 6);
      for (const { samples, mask } of block.peers) expect([samples.length, mask.length]).toEqual([960, 960]);
    });
    // After two seconds the clocks are learned: 0.003 is what a shift by a tenth of a sample makes.
    for (const block of all.slice(100)) {
      expect(block.peers.map(({ gapQuality }) => gapQuality)).toEqual([null, null, null]);
      for (let peer = 0; peer < 3; peer++) expect(errorOf(block, peer)).toBeLessThan(0.003);
    }
    for (const block of all.slice(15, 100)) {
      for (let peer = 0; peer < 3; peer++) expect(errorOf(block, peer)).toBeLessThan(0.06);
    }
  });

  it("takes skews of 1500 ppm", () => {
    for (const skewPpm of [1500, -1500]) {
      const blocks = blocksWith({}, "a");
      const all = play(blocks, [{ peerId: "a", recorder: new Recorder(1000, skewPpm), delayMs: 40 }], 12_000);
      for (const block of all.slice(250)) expect(errorOf(block, 0)).toBeLessThan(0.005);
    }
  });

  it("follows a correction of the labels within an epoch by bending the pitch a little", () => {
    const blocks = blocksWith({}, "a");
    const recorder = new Recorder(1000);
    const shares: AlignedBlock[] = [];
    const LATE_BY_MS = 2;
    for (let i = 0; i < 800; i++) {
      // Labels were 2 ms early and come right from the third second on, as a SyncManager slews them: 5 ms a second.
      const facts = recorder.next();
      const early = Math.max(0, LATE_BY_MS - Math.max(0, facts.captureMs - 4000) / 200);
      blocks.push("a", syncedFrame({ ...facts, captureMs: facts.captureMs - early }), facts.captureMs + 50);
      shares.push(...drain(blocks, facts.captureMs + 50));
    }
    const samples = shares.flatMap(({ peers }) => [...(peers[0]?.samples ?? [])]).slice(960);
    const steepest = samples.reduce(
      (most, sample, i) => Math.max(most, Math.abs(sample - (samples[i - 1] ?? sample))),
      0,
    );
    expect(steepest).toBeLessThan(0.08); // what the tones themselves do; a jump by 2 ms would make up to 1.4
    for (const block of shares.slice(-20)) expect(errorOf(block, 0)).toBeLessThan(0.05);
  });

  it("says how far samples still are from where a correction of the labels puts them", () => {
    const blocks = blocksWith({}, "a");
    const recorder = new Recorder(1000);
    const all: AlignedBlock[] = [];
    for (let i = 0; i < 400; i++) {
      const facts = recorder.next();
      // At once, and told: what SyncManager says of its labels is of no help here.
      const [early, wallClockErrorUs] = facts.captureMs < 4000 ? [2, 2000] : [0, 100];
      const frame = syncedFrame({ ...facts, captureMs: facts.captureMs - early, wallClockErrorUs });
      blocks.push("a", frame, facts.captureMs + 50);
      all.push(...drain(blocks, facts.captureMs + 50));
    }
    const displacedUs = (block: AlignedBlock): number => {
      const candidates = Array.from({ length: 61 }, (_, i) => i * 50 - 500);
      const errors = candidates.map((us) => errorOf({ ...block, captureUs: block.captureUs + us }, 0));
      return Math.abs(candidates[errors.indexOf(Math.min(...errors))] ?? Infinity);
    };
    const after = all.filter((block, i) => startMsOf(block) > 4050 && i % 10 === 0);
    const found = after.map((block) => ({ us: displacedUs(block), saidUs: block.peers[0]?.errorUs ?? 0 }));
    expect(found.length).toBeGreaterThan(20);
    expect(found[0]?.us).toBeGreaterThan(1000);
    // Half a step of the search may be missing.
    for (const { us, saidUs } of found) expect(saidUs).toBeGreaterThan(us - 50);
    expect(found.at(-1)?.saidUs).toBeLessThan(500);
  });

  it("begins anew at a step of the capture times", () => {
    const blocks = blocksWith({}, "a");
    const recorder = new Recorder(1000);
    const all: AlignedBlock[] = [];
    for (let i = 0; i < 100; i++) {
      const facts = recorder.next();
      const wrongMs = i < 50 ? 40 : 0;
      const frame = syncedFrame({
        ...facts,
        captureMs: facts.captureMs - wrongMs,
        timelineEpoch: i < 50 ? 0 : 1,
      });
      blocks.push("a", frame, facts.captureMs + 60);
      all.push(...drain(blocks, facts.captureMs + 60));
    }
    for (const block of all.filter((each) => startMsOf(each) > 2020))
      expect(errorOf(block, 0)).toBeLessThan(0.003);
    const gap = all.filter(({ peers }) => peers[0]?.gapQuality === "silence").map(startMsOf);
    expect(gap).toEqual([1960, 1980]);
  });

  it("works at the rate of the reader, in stereo", () => {
    const blocks = blocksWith({ sampleRate: 16_000, channels: 2, frameMs: 10 }, "a");
    const recorder = new Recorder(1000, 100, 20, 16_000);
    let last: AlignedBlock | undefined;
    for (let i = 0; i < 60; i++) {
      push(blocks, "a", recorder.next({ sampleRate: 16_000 }));
      last = drain(blocks, recorder.captureMs + 30).at(-1) ?? last;
    }
    const { samples = [], mask = [] } = last?.peers[0] ?? {};
    expect([samples.length, mask.length]).toEqual([320, 160]);
    for (let i = 0; i < 160; i++) expect(samples[2 * i]).toBe(samples[2 * i + 1]);
    const mono = blocksWith({}, "a");
    const both = Float32Array.from({ length: 1920 }, (_, i) => (i % 2 === 0 ? 0.5 : -0.25));
    for (const captureMs of [1000, 1020]) push(mono, "a", { captureMs, samples: both, channels: 2 });
    expect(mono.pull(1100)?.peers[0]?.samples[500]).toBeCloseTo(0.125, 3);
  });
});

describe("gaps", () => {
  it("are masked, filled as their quality says, and do not move what follows", () => {
    const blocks = blocksWith({}, "a");
    const recorder = new Recorder(1000, 150);
    const qualities = ["received", "plc", "received", "lost", "fec", "cng", "received", "silence"] as const;
    const all: AlignedBlock[] = [];
    for (let i = 0; i < 240; i++) {
      const quality = i < 200 ? "received" : (qualities[(i - 200) % 8] ?? "lost");
      const facts = recorder.next();
      if (quality !== "lost") push(blocks, "a", { ...facts, quality });
      all.push(...drain(blocks, facts.captureMs + 55));
    }
    for (const block of all.slice(30)) {
      const { mask } = block.peers[0] ?? {};
      const captured = mask?.reduce((sum, each) => sum + each, 0) ?? 0;
      if (captured > 0) expect(errorOf(block, 0)).toBeLessThan(0.03);
    }
    const found = new Set(all.slice(200).map(({ peers }) => peers[0]?.gapQuality));
    expect(found).toEqual(new Set(["cng", "plc", "silence"]));
    const masked = all.slice(200, 232).flatMap(({ peers }) => [...(peers[0]?.mask ?? [])]);
    const share = masked.reduce((sum, each) => sum + each, 0) / masked.length;
    expect(share).toBeCloseTo(0.5, 1);
  });

  it("of seconds end at the place of the first frame behind them", () => {
    const blocks = blocksWith({}, "a");
    const recorder = new Recorder(1000, -100);
    for (let i = 0; i < 20; i++) push(blocks, "a", recorder.next());
    recorder.index += 5 * RATE + 123;
    const resumedMs = recorder.captureMs;
    for (let i = 0; i < 20; i++) push(blocks, "a", recorder.next());
    const all = drain(blocks, resumedMs + 440);
    const sounding = all.filter(
      ({ peers }) => peers[0]?.mask.includes(1) === true && peers[0].gapQuality === null,
    );
    for (const block of sounding) expect(errorOf(block, 0)).toBeLessThan(0.06);
    const first = all.find(
      (block) => startMsOf(block) > resumedMs - 20 && block.peers[0]?.mask.includes(1) === true,
    );
    const firstMs =
      (first === undefined ? 0 : startMsOf(first)) + (first?.peers[0]?.mask.indexOf(1) ?? 0) / 48;
    expect(Math.abs(firstMs - resumedMs)).toBeLessThan(0.03);
  });

  it("of a peer that stopped hold nobody up longer than its path takes", () => {
    const blocks = blocksWith({}, "a", "stopped");
    const recorders = [
      { peerId: "a", recorder: new Recorder(1000), delayMs: 30 },
      { peerId: "stopped", recorder: new Recorder(1000), delayMs: 120 },
    ];
    play(blocks, recorders, 2000);
    play(blocks, recorders.slice(0, 1), 3000);
    const block = blocks.pull(3010);
    const dueMs = (block === undefined ? 0 : startMsOf(block)) + 20 + 121;
    expect(dueMs).toBeGreaterThan(2990);
    expect(dueMs).toBeLessThanOrEqual(3010);
    expect(block?.missing).toEqual(["stopped"]);
    expect(blocks.nextDueMs).toBeCloseTo(dueMs + 20, 1);
    blocks.setSilent("stopped", true);
    expect(blocks.pull(3030)?.missing).toEqual([]);
  });
});

describe("a block", () => {
  it("holds a late frame of a jittery path as long as it has not left", () => {
    const blocks = blocksWith({}, "a", "b");
    const [a, b] = [new Recorder(1000), new Recorder(1000)];
    for (let i = 0; i < 10; i++) {
      push(blocks, "a", a.next());
      push(blocks, "b", b.next(), 120);
    }
    drain(blocks, 1300);
    push(blocks, "a", a.next());
    expect(blocks.pull(1320)).toBeUndefined();
    expect(push(blocks, "b", b.next(), 121)).toBe("written");
    const block = blocks.pull(1342);
    expect(block?.peers.map(({ mask }) => mask.includes(0))).toEqual([false, false]);
    expect(push(blocks, "b", { ...b.next(), captureMs: 1000 }, 342)).toBe("late");
    expect(blocks.lateSamples("b")).toBeGreaterThan(0);
  });

  it("does not wait for a peer beyond maxAlignDelayMs and marks it", () => {
    const blocks = blocksWith({ maxAlignDelayMs: 100 }, "a", "slow");
    const all = play(
      blocks,
      [
        { peerId: "a", recorder: new Recorder(1000), delayMs: 30 },
        { peerId: "slow", recorder: new Recorder(1000), delayMs: 180 },
      ],
      2000,
    );
    expect(all.at(-1)).toMatchObject({ behind: ["slow"], missing: [] });
    expect(all.at(-1)?.peers[1]?.gapQuality).toBe("silence");
    expect(2000 - (all.at(-1) === undefined ? 0 : startMsOf(all.at(-1) as AlignedBlock))).toBeLessThan(75);
  });

  it("leaves out peers whose capture times are not known well enough, unless told to pass them", () => {
    const first = { captureMs: 1000, samples: new Float32Array(960).fill(0.5) };
    const second = { ...first, captureMs: 1020 };
    const pair = (
      options: Partial<AlignedBlocksOptions>,
      wallClockErrorUs: number | null,
    ): AlignedBlock | undefined => {
      const blocks = blocksWith(options, "known", "peer");
      for (const facts of [first, second]) {
        push(blocks, "known", facts);
        push(blocks, "peer", { ...facts, wallClockErrorUs });
      }
      return blocks.pull(1071);
    };
    const out = pair({}, null);
    expect(out).toMatchObject({ unsynced: ["peer"], missing: [] });
    expect(out?.peers[1]?.mask.includes(1)).toBe(false);
    expect(pair({}, 40_000)?.unsynced).toEqual([]);
    expect(pair({ maxErrorMs: 30 }, 40_000)?.unsynced).toEqual(["peer"]);
    const passed = pair({ unsynced: "pass" }, null);
    expect(passed?.unsynced).toEqual(["peer"]);
    expect(passed?.peers[1]).toMatchObject({ gapQuality: null, errorUs: null });
  });

  it("has a share of every peer, also of one without sound", () => {
    const blocks = blocksWith({}, "a", "mute");
    for (const captureMs of [1000, 1020]) push(blocks, "a", { captureMs });
    expect(blocks.pull(1100)?.peers.map(({ peerId, gapQuality }) => [peerId, gapQuality])).toEqual([
      ["a", null],
      ["mute", "silence"],
    ]);
  });
});

describe("bounds", () => {
  it("nobody pulls: the oldest blocks go", () => {
    const blocks = blocksWith({}, "a");
    const recorder = new Recorder(1000);
    for (let i = 0; i < 200; i++) push(blocks, "a", recorder.next());
    const all = drain(blocks, recorder.captureMs + 50);
    expect(all.length).toBeLessThan(28);
    expect(all.length + blocks.skippedBlocks).toBeGreaterThan(198);
    for (const block of all.slice(0, -1)) expect(errorOf(block, 0)).toBeLessThan(0.003);
    expect(drain(blocks, 1e9).length).toBeLessThan(30);
  });

  it("a frame of the future is refused and shuts nobody out", () => {
    const blocks = blocksWith({}, "a", "ahead");
    expect(blocks.push("ahead", syncedFrame({ captureMs: 1e9 }), 1000)).toBe("ahead");
    for (const captureMs of [1000, 1020]) expect(push(blocks, "a", { captureMs })).toBe("written");
    expect(blocks.pull(1100)?.peers[0]?.gapQuality).toBeNull();
  });

  it("peers come and go", () => {
    const blocks = blocksWith({}, ..."abcdefghij");
    expect(() => {
      blocks.addPeer("k");
    }).toThrow(expect.objectContaining({ code: "MAX_PEERS_EXCEEDED" }));
    blocks.removePeer("a");
    blocks.addPeer("k");
    for (const captureMs of [1000, 1020]) push(blocks, "k", { captureMs });
    expect(blocks.pull(1100)?.peers.map(({ peerId }) => peerId)).toEqual([..."bcdefghijk"]);
    expect(blocks.lateSamples("a")).toBeUndefined();
  });
});

describe("misuse", () => {
  it.each([
    [{ frameMs: 5 }, /frameMs/],
    [{ frameMs: 10.01 }, /frameMs/],
    [{ sampleRate: 96_000 }, /sampleRate/],
    [{ channels: 3 }, /channels/],
    [{ maxErrorMs: 0 }, /maxErrorMs/],
    [{ maxAlignDelayMs: 2001 }, /maxAlignDelayMs/],
    [{ wallOffsetMs: Number.NaN }, /wallOffsetMs/],
  ])("options %o are refused", (options, message) => {
    expect(() => blocksWith(options)).toThrow(message);
  });

  it("frames of another form are refused", () => {
    const blocks = blocksWith({}, "a");
    expect(() => push(blocks, "b", { captureMs: 1000 })).toThrow(/b/);
    expect(() => push(blocks, "a", { captureMs: 1000, sampleRate: 16_000 })).toThrow(/sampleRate/);
    expect(() => push(blocks, "a", { captureMs: 1000, frameMs: 121 })).toThrow(/120 ms/);
    expect(() => push(blocks, "a", { captureMs: 1000, frameMs: 0 })).toThrow(/samples/);
    expect(() => push(blocks, "a", { captureMs: Number.NaN })).toThrow(/finite/);
    expect(blocks.nextDueMs).toBe(Infinity);
    expect(blocks.pull(1e6)).toBeUndefined();
  });
});

it.each([1, 2, 3])("all that comes in time is in exactly one block (seed %i)", (seed) => {
  const random = new SeededRandom(seed);
  const blocks = blocksWith({ maxAlignDelayMs: 250 }, "a", "b", "c");
  const recorders = ["a", "b", "c"].map((peerId) => ({
    peerId,
    recorder: new Recorder(
      1000 + random.next() * 20,
      random.normal() * 200,
      [10, 20, 60][random.integer(0, 2)],
    ),
    delayMs: 20 + random.next() * 200,
  }));
  const all = play(blocks, recorders, 11_000);
  const steady = all.slice(20);
  const gaps = steady.flatMap(({ peers }) =>
    peers.map(({ mask }) => mask.filter((each) => each === 0).length),
  );
  expect(gaps.reduce((sum, each) => sum + each, 0)).toBe(0);
  steady.forEach((block, i) => {
    expect(startMsOf(block)).toBeCloseTo(startMsOf(steady[0] as AlignedBlock) + 20 * i, 6);
  });
  for (const { peerId } of recorders) expect(blocks.lateSamples(peerId)).toBeLessThan(960 * 20);
});
