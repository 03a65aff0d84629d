import { afterEach, describe, expect, it } from "vitest";
import { AlignedReading } from "../../../src/media/engine/aligned-reading.ts";
import type { AlignedReaderOptions } from "../../../src/media/engine/engine.ts";
import type { AlignedBlock } from "../../../src/sync/aligned-blocks.ts";
import type { SyncedAudioFrame } from "../../../src/sync/sync-types.ts";
import { bestLag, concat } from "../signals.ts";

const RATE = 48_000;
const BLOCK = 960;

let reading: AlignedReading | undefined;
afterEach(() => reading?.close());

/** What everybody hears at `us`, below 3 kHz. */
function scene(us: number): number {
  const t = us / 1e6;
  return 0.3 * Math.sin(2 * Math.PI * (500 * t + 40 * Math.sin(2 * t))) * (0.6 + 0.4 * Math.sin(17 * t));
}

/** A frame of the scene from `captureMs` on, by a machine without faults. */
function frame(captureMs: number, rest: Partial<SyncedAudioFrame> = {}): SyncedAudioFrame {
  return {
    samples: Float32Array.from({ length: BLOCK }, (_, i) => scene((captureMs + (i * 1000) / RATE) * 1000)),
    sampleRate: RATE,
    channels: 1,
    wallClockTimestampUs: captureMs * 1000,
    wallClockErrorUs: 100,
    timelineEpoch: 0,
    rtpTimestamp: Math.round(captureMs * 48) >>> 0,
    bufferDelayMs: 20,
    syncConfidence: 1,
    clockDriftPpm: 0,
    playbackRatio: 1,
    stretchMs: 0,
    lostBefore: 0,
    quality: "received",
    ...rest,
  };
}

/** Two peers whose frames begin at other instants, in turn, each 60 ms after its capture. */
function read(options: AlignedReaderOptions, seconds: number, until = Infinity): AlignedBlock[] {
  const machine = new AlignedReading(options, 0);
  reading = machine;
  const blocks: AlignedBlock[] = [];
  const drain = (): void => {
    for (let output = machine.poll(); output !== undefined; output = machine.poll())
      blocks.push(output.block);
  };
  const events = Array.from({ length: seconds * 50 }, (_, i) => [
    { peerId: "a", captureMs: 1000 + i * 20 },
    { peerId: "b", captureMs: 1007.3 + i * 20 },
  ]).flat();
  for (const { peerId, captureMs } of events) {
    const nowMs = captureMs + 60;
    while (machine.deadlineMs <= nowMs) {
      machine.handle({ type: "timeout" }, machine.deadlineMs);
      drain();
    }
    if (peerId === "b" && captureMs >= until) machine.handle({ type: "remove", peerId }, nowMs);
    else machine.handle({ type: "frame", peerId, frame: frame(captureMs) }, nowMs);
    drain();
  }
  return blocks;
}

function samplesOf(blocks: readonly AlignedBlock[], peerId: string): Float32Array {
  return concat(
    blocks.flatMap(({ peers }) =>
      peers.filter((peer) => peer.peerId === peerId).map(({ samples }) => samples),
    ),
  );
}

describe("an aligned reading", () => {
  it.each([
    { sampleRate: 48_000, frameMs: 20 },
    { sampleRate: 16_000, frameMs: 10 },
    { sampleRate: 24_000, frameMs: 30 },
  ])("puts peers side by side at $sampleRate Hz in blocks of $frameMs ms", ({ sampleRate, frameMs }) => {
    const blocks = read({ sampleRate, frameMs }, 3).slice(20, -5);
    const [a, b] = [samplesOf(blocks, "a"), samplesOf(blocks, "b")];
    expect(a).toHaveLength((blocks.length * frameMs * sampleRate) / 1000);
    const reach = sampleRate / 100;
    const middle = a.subarray(reach, a.length - reach);
    const { lag, value } = bestLag(middle, b, 0, 2 * reach);
    expect(lag).toBe(reach);
    expect(value).toBeGreaterThan(0.999);
    const truth = Float32Array.from({ length: a.length }, (_, i) =>
      scene((blocks[0]?.captureUs ?? 0) + (i * 1e6) / sampleRate),
    );
    // The labels are those of the scene to a sample.
    expect(bestLag(truth.subarray(reach, -reach), a, 0, 2 * reach).lag).toBe(reach);
    for (const { missing, behind, unsynced } of blocks) {
      expect({ missing, behind, unsynced }).toEqual({ missing: [], behind: [], unsynced: [] });
    }
  });

  it("goes on with the others when one is removed", () => {
    const blocks = read({}, 3, 2500);
    expect(blocks.at(-1)?.peers.map(({ peerId }) => peerId)).toEqual(["a"]);
    expect(blocks.at(10)?.peers.map(({ peerId }) => peerId)).toEqual(["a", "b"]);
    expect(blocks.length).toBeGreaterThan(140);
  });

  it("leaves peers out whose times are not known, unless it is to pass them", () => {
    for (const unsynced of ["wait", "pass"] as const) {
      const machine = new AlignedReading({ unsynced }, 0);
      for (let i = 0; i < 50; i++) {
        const captureMs = 1000 + i * 20;
        machine.handle({ type: "frame", peerId: "a", frame: frame(captureMs) }, captureMs + 60);
        const lost = frame(captureMs, { wallClockErrorUs: null });
        machine.handle({ type: "frame", peerId: "b", frame: lost }, captureMs + 60);
      }
      let last: AlignedBlock | undefined;
      for (let output = machine.poll(); output !== undefined; output = machine.poll()) last = output.block;
      const heard = last?.peers.find(({ peerId }) => peerId === "b")?.mask.includes(1);
      expect(heard, unsynced).toBe(unsynced === "pass");
      machine.close();
    }
  });

  it("refuses options by name", () => {
    expect(() => new AlignedReading({ frameMs: 5 }, 0)).toThrow(/frameMs/);
    expect(() => new AlignedReading({ sampleRate: 44_100, frameMs: 20.5 }, 0)).toThrow(/frameMs/);
  });
});
