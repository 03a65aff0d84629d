// Laws of the jitter buffer over random traffic. A failure prints the seed of its traffic.
import { describe, expect, it } from "vitest";
import { JitterBuffer } from "../../src/wasm/jitter-buffer.ts";
import { rtpPacket, seededRandom } from "./rtp-traffic.ts";

const FRAME_MS = 20;
const TICKS = 960;
const SEEDS = [11, 12, 13, 14, 15, 16];

interface Path {
  loss: number;
  copies: number;
  /** Transit beyond the least one, ms, for a uniform draw. */
  spreadMs: number;
}

interface Arrival {
  frame: number;
  arrivalMs: number;
}

/** Frames 0 to `frames - 1` over a path, by arrival. Each fifth transit is the least one, so the base is exact. */
function travel(frames: number, path: Path, random: () => number): Arrival[] {
  const arrivals: Arrival[] = [];
  for (let frame = 0; frame < frames; frame++) {
    if (random() < path.loss) continue;
    const transitMs = frame % 5 === 0 ? 0 : random() * path.spreadMs;
    arrivals.push({ frame, arrivalMs: frame * FRAME_MS + transitMs });
    if (random() < path.copies)
      arrivals.push({ frame, arrivalMs: frame * FRAME_MS + transitMs + random() * 10 });
  }
  return arrivals.sort((a, b) => a.arrivalMs - b.arrivalMs);
}

interface Heard {
  frame: number;
  atMs: number;
  lostBefore: number;
}

/** Feed the arrivals, popping at every due time between them as a driver would. */
function listen(
  buffer: JitterBuffer,
  arrivals: readonly Arrival[],
  firstSequence: number,
  firstTimestamp: number,
): Heard[] {
  const heard: Heard[] = [];
  const popUntil = (limitMs: number): void => {
    for (let dueMs = buffer.nextDueMs; dueMs <= limitMs; dueMs = buffer.nextDueMs) {
      const packet = buffer.popNext(dueMs);
      if (packet === undefined) throw new Error(`nothing to pop at ${dueMs} ms, when a packet is due`);
      const frame = new DataView(packet.payload.buffer, packet.payload.byteOffset).getUint32(0);
      heard.push({ frame, atMs: dueMs, lostBefore: packet.lostBefore });
    }
  };
  for (const { frame, arrivalMs } of arrivals) {
    popUntil(arrivalMs);
    const payload = new Uint8Array(4);
    new DataView(payload.buffer).setUint32(0, frame);
    const rtpTimestamp = firstTimestamp + frame * TICKS;
    buffer.insert(rtpPacket({ sequenceNumber: firstSequence + frame, rtpTimestamp, payload }), arrivalMs);
    expectConservation(buffer);
  }
  popUntil(Number.MAX_VALUE);
  return heard;
}

function expectConservation(buffer: JitterBuffer): void {
  const s = buffer.getStatistics();
  const fates =
    s.currentFrames + s.duplicateCount + s.latePacketCount + s.bufferOverrunCount + s.poppedFrames;
  if (s.receivedFrames !== fates + s.suspectFrames)
    throw new Error(`a packet without a fate: ${JSON.stringify(s)}`);
}

describe.each(SEEDS)("traffic of seed %i", (seed) => {
  it("plays everything that comes within the delay once, in order and on the beat, over both wraps", () => {
    const random = seededRandom(seed);
    const frames = 3000;
    const arrivals = travel(frames, { loss: 0.05, copies: 0.05, spreadMs: 49 }, random);
    const buffer = new JitterBuffer({ clockRate: 48_000, targetDelayMs: 50 });
    const firstSequence = 65_536 - Math.floor(random() * frames);
    const heard = listen(buffer, arrivals, firstSequence, 2 ** 32 - Math.floor(random() * frames * TICKS));
    const came = [...new Set(arrivals.map(({ frame }) => frame))].sort((a, b) => a - b);
    expect(heard.map(({ frame }) => frame)).toEqual(came);
    for (const { frame, atMs } of heard) expect(atMs).toBeCloseTo(frame * FRAME_MS + 50, 4);
    const { lostFrames, latePacketCount, resetCount, resyncCount } = buffer.getStatistics();
    const absent = (came.at(-1) as number) - (came[0] as number) + 1 - came.length;
    const gaps = heard.reduce((sum, { lostBefore }) => sum + lostBefore, 0);
    expect({ lostFrames, gaps, resetCount, resyncCount }).toEqual({
      lostFrames: absent,
      gaps: absent,
      resetCount: 0,
      resyncCount: 0,
    });
    // Copies of played packets are late, earlier ones duplicates; nothing else is turned away.
    const copies = arrivals.length - came.length;
    expect(latePacketCount + buffer.getStatistics().duplicateCount).toBe(copies);
  });

  it("never goes back and gives every packet one fate while the path is far worse than the delay", () => {
    const random = seededRandom(seed);
    const buffer = new JitterBuffer({ clockRate: 48_000, targetDelayMs: 50, maxDelayMs: 120 });
    const heard = listen(buffer, travel(3000, { loss: 0.2, copies: 0.2, spreadMs: 400 }, random), 7, 7);
    for (let i = 1; i < heard.length; i++) {
      const [before, after] = [heard[i - 1] as Heard, heard[i] as Heard];
      expect(after.frame).toBeGreaterThan(before.frame + after.lostBefore);
    }
    const { poppedFrames, lostFrames, bufferOverrunCount } = buffer.getStatistics();
    const turns = (heard.at(-1) as Heard).frame - (heard[0] as Heard).frame + 1;
    expect(poppedFrames + lostFrames + bufferOverrunCount).toBe(turns);
    expect(bufferOverrunCount).toBeGreaterThan(0);
    expect(heard.length).toBeGreaterThan(900);
    expect(buffer.getStatistics().resetCount).toBe(0);
  });

  it("loses nothing in order release either", () => {
    const random = seededRandom(seed);
    const arrivals = travel(3000, { loss: 0, copies: 0.05, spreadMs: 49 }, random);
    const buffer = new JitterBuffer({ clockRate: 48_000, targetDelayMs: 50, release: "inOrder" });
    const heard = listen(buffer, arrivals, 60_000, 1);
    expect(heard.map(({ frame }) => frame)).toEqual(Array.from({ length: 3000 }, (_, frame) => frame));
  });

  it("recovers from restarts of the sender at any place within two packets", () => {
    const random = seededRandom(seed);
    const buffer = new JitterBuffer({ clockRate: 48_000, targetDelayMs: 50 });
    let [sequenceNumber, rtpTimestamp] = [0, 0];
    let nowMs = 0;
    for (let restart = 0; restart < 100; restart++) {
      sequenceNumber += 9000 + Math.floor(random() * 47_000);
      // At least ten seconds away, to either side.
      rtpTimestamp += 480_000 + Math.floor(random() * (2 ** 32 - 960_000));
      const resets = buffer.getStatistics().resetCount;
      let refused = 0;
      for (let n = 0; n < 20; n++) {
        nowMs += FRAME_MS;
        const packet = rtpPacket({ sequenceNumber: ++sequenceNumber, rtpTimestamp: (rtpTimestamp += TICKS) });
        const status = buffer.insert(packet, nowMs);
        if (status !== "buffered" && status !== "reset" && status !== "suspect") refused++;
        while (buffer.popNext(nowMs) !== undefined);
      }
      expect(refused).toBe(0);
      expect(buffer.getStatistics().resetCount).toBe(restart === 0 ? 0 : resets + 1);
    }
    expectConservation(buffer);
  });
});
