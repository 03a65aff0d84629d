import { describe, expect, it } from "vitest";
import { AudioLane } from "../../src/media/audio-lane.ts";
import type { LaneFrame } from "../../src/media/audio-lane.ts";
import { LinkFeed } from "../../src/media/link-feed.ts";
import type { FrameSink } from "../../src/media/link-feed.ts";
import { SeededRandom } from "../../src/testing/random.ts";

const FRAME_MS = 20;
const FRAME_TICKS = 960;
const START_US = 1_767_225_600_000_000;

/** A link that notes what it is given. */
class Link implements FrameSink {
  readonly level = "packet";
  remotePacketLossRate = 0;
  readonly frames: LaneFrame<unknown>[] = [];
  readonly feed = new LinkFeed(this, FRAME_MS);

  transmit(frame: LaneFrame<unknown>): void {
    this.frames.push(frame);
  }

  /** First samples, which name the frames in these tests. */
  get heard(): number[] {
    return this.frames.map(({ samples }) => samples[0] ?? 0);
  }

  get steps(): number[] {
    return this.frames.slice(1).map(({ position }, i) => position - (this.frames[i]?.position ?? 0));
  }
}

function frame(name: number, position: number, captureUs: number, stamped = true): LaneFrame<unknown> {
  return { position, captureUs, stamped, samples: new Float32Array(FRAME_TICKS).fill(name), targets: [] };
}

const payload = new Uint8Array(8);

/** A lane whose frames go to the inputs given with each block. */
class Source {
  readonly lane: AudioLane<readonly FrameSink[]>;
  #id = 0;

  constructor(startMs?: number) {
    const wallOffsetMs = START_US / 1000;
    this.lane = new AudioLane({ channels: 1, frameMs: FRAME_MS, wallOffsetMs, ...(startMs && { startMs }) });
  }

  send(name: number, nowMs: number, targets: readonly FrameSink[], timestampUs?: number): void {
    const samples = new Float32Array(FRAME_TICKS).fill(name);
    const id = this.#id++;
    this.lane.handle(
      { type: "send", id, samples, sampleRate: 48_000, channels: 1, timestampUs, targets },
      nowMs,
    );
    this.#drain();
  }

  runTo(endMs: number): void {
    while (this.lane.deadlineMs <= endMs) {
      this.lane.handle({ type: "timeout" }, this.lane.deadlineMs);
      this.#drain();
    }
  }

  #drain(): void {
    for (let output = this.lane.poll(); output !== undefined; output = this.lane.poll()) {
      if (output.type !== "frame") continue;
      for (const target of output.frame.targets) target.transmit(output.frame, payload);
    }
  }
}

describe("the turns of a link", () => {
  it("hands the frames of one source through as they are", () => {
    const link = new Link();
    const input = link.feed.input();
    const frames = [0, 1, 2].map((i) => frame(i, 5000 + i * FRAME_TICKS, START_US + i * 20_000));
    for (const each of frames) input.transmit(each, payload);
    link.frames.forEach((each, i) => expect(each).toBe(frames[i]));
    link.remotePacketLossRate = 0.3;
    expect([input.level, input.remotePacketLossRate]).toEqual(["packet", 0.3]);
  });

  it.each([0, 777_777, -34_560])(
    "loses and repeats nothing when stamps go on, time bases %d ticks apart",
    (apart) => {
      const link = new Link();
      const inputs = [link.feed.input(), link.feed.input(), link.feed.input()];
      const bases = [1_000_000, 1_000_000 + apart, 1_000_000 - apart / 2];
      for (let i = 0; i < 30; i++) {
        const turn = Math.floor(i / 10);
        const position = (bases[turn] ?? 0) + i * FRAME_TICKS;
        inputs[turn]?.transmit(frame(i, position, START_US + i * 20_000), payload);
      }
      expect(link.heard).toEqual(Array.from({ length: 30 }, (_, i) => i));
      expect(new Set(link.steps)).toEqual(new Set([FRAME_TICKS]));
    },
  );

  it("keeps a pause between sources as long as it was", () => {
    const link = new Link();
    link.feed.input().transmit(frame(0, 0, START_US), payload);
    link.feed.input().transmit(frame(1, 50_000, START_US + 520_000), payload);
    expect(link.steps).toEqual([520 * 48]);
  });

  it("puts frames that were sent already where the link refuses them, and takes the next one", () => {
    const link = new Link();
    const [one, two] = [link.feed.input(), link.feed.input()];
    for (let i = 0; i < 4; i++) one.transmit(frame(i, i * FRAME_TICKS, START_US + i * 20_000), payload);
    for (let i = 2; i < 6; i++) two.transmit(frame(i, 9 + i * FRAME_TICKS, START_US + i * 20_000), payload);
    expect(link.frames.map(({ position }) => position / FRAME_TICKS)).toEqual([0, 1, 2, 3, 2, 3, 4, 5]);
  });

  it("goes on without a gap when the new source's stamps belong to another series, or are none", () => {
    for (const [offsetUs, stamped] of [
      [-3_000_000, true],
      [9_000, true],
      [-9_000, true],
      [-90_000, false],
      [90_000, false],
    ] as const) {
      const link = new Link();
      link.feed.input().transmit(frame(0, 0, START_US), payload);
      link.feed.input().transmit(frame(1, 123_456, START_US + 20_000 + offsetUs, stamped), payload);
      expect(link.steps).toEqual([FRAME_TICKS]);
    }
  });

  it("does not run ahead of real time when two sources send at once, frame by frame", () => {
    const link = new Link();
    let end = 0;
    for (let i = 0; i < 200; i++) {
      for (const name of [1, 2]) {
        const given = frame(name, name * 1e6 + i * FRAME_TICKS, START_US + i * 20_000, false);
        link.feed.input().transmit(given, payload);
        const position = link.frames.at(-1)?.position ?? 0;
        if (position >= end) end = position + FRAME_TICKS;
      }
      expect(end - (link.frames[0]?.position ?? 0) - (i + 1) * FRAME_TICKS).toBeLessThanOrEqual(4_800);
    }
  });

  it("drops what an earlier source has left once its turn has passed, and not before", () => {
    const link = new Link();
    const [one, two] = [link.feed.input(), link.feed.input()];
    one.transmit(frame(0, 0, START_US), payload);
    one.transmit(frame(1, FRAME_TICKS, START_US + 20_000), payload);
    two.transmit(frame(2, 0, START_US + 40_000), payload);
    one.transmit(frame(9, 99 * FRAME_TICKS, START_US + 60_000), payload);
    two.transmit(frame(3, FRAME_TICKS, START_US + 60_000), payload);
    expect(link.heard).toEqual([0, 1, 2, 3]);
  });
});

describe("a link that moves from lane to lane", () => {
  it("hears an unbroken grid of stamps, whoever sends it and however uneven the program is", () => {
    const seed = 77;
    const random = new SeededRandom(seed);
    const link = new Link();
    const sources = [new Source(), new Source(), new Source()];
    const inputs = new Map<Source, FrameSink>();
    let current = sources[0] as Source;
    inputs.set(current, link.feed.input());
    for (let i = 0; i < 500; i++) {
      const nowMs = 1000 + i * 20 + random.integer(0, 15);
      for (const source of sources) source.runTo(nowMs);
      if (random.chance(0.2)) {
        const next = sources[random.integer(0, 2)] as Source;
        if (next !== current) inputs.set(next, link.feed.input());
        current = next;
      }
      // A mixer's stamps lie some way back; the other sources speak to other links meanwhile.
      const timestampUs = START_US + (850 + i * 20) * 1000;
      for (const source of sources) {
        const targets = source === current ? [inputs.get(source) as FrameSink] : [];
        source.send(i, nowMs, targets, timestampUs);
      }
    }
    expect(link.heard, `seed ${seed}`).toEqual(Array.from({ length: 500 }, (_, i) => i));
    expect(new Set(link.steps), `seed ${seed}`).toEqual(new Set([FRAME_TICKS]));
  });

  it("hears first what the former source has queued, and then all of the new one", () => {
    const link = new Link();
    const one = new Source();
    const [before, after] = [link.feed.input(), link.feed.input()];
    for (let i = 0; i < 8; i++) one.send(i, 1000, [before]);
    const two = new Source(one.lane.clearMs);
    for (let i = 8; i < 16; i++) two.send(i, 1010, [after]);
    for (let nowMs = 1010; nowMs < 2000; nowMs++) for (const source of [one, two]) source.runTo(nowMs);
    expect(link.heard).toEqual(Array.from({ length: 16 }, (_, i) => i));
    expect(new Set(link.steps)).toEqual(new Set([FRAME_TICKS]));
  });
});
