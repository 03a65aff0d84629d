// Who speaks, on timelines made for it: levels of rooms and voices as microphones give them, every 20 ms.
import { describe, expect, it } from "vitest";
import { ActiveSpeakerDetector } from "../../src/media/active-speaker.ts";
import { powerDb, powerOf } from "../../src/media/audio-level.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { spoken } from "../wasm/spoken.ts";

const SEEDS = Array.from({ length: 20 }, (_, seed) => 500 + seed);
const FRAME_MS = 20;

/** One who speaks in some spans of time, ms, and whose room is as loud as it is. */
interface Talker {
  readonly peerId: string;
  /** dBFS. */
  readonly voiceDb: number;
  readonly roomDb: number;
  readonly spans: readonly (readonly [number, number])[];
}

interface Turn {
  readonly peerId: string | null;
  readonly atMs: number;
}

/**
 * Levels of a voice frame by frame: syllables of 100 to 300 ms with gaps of up to 80 ms in between, some decibels up and
 * down, over the noise of the room.
 */
function levelsOf({ voiceDb, roomDb, spans }: Talker, lengthMs: number, random: SeededRandom): number[] {
  const levels: number[] = [];
  let syllableEndMs = 0;
  let gapEndMs = 0;
  for (let atMs = 0; atMs < lengthMs; atMs += FRAME_MS) {
    if (atMs >= gapEndMs) {
      syllableEndMs = atMs + random.integer(100, 300);
      gapEndMs = syllableEndMs + random.integer(0, 80);
    }
    const talks = spans.some(([from, to]) => atMs >= from && atMs < to) && atMs < syllableEndMs;
    levels.push((talks ? voiceDb + 3 * random.normal() : roomDb) + random.normal());
  }
  return levels;
}

/** All changes of the speaker while these talk to each other. */
function turns(talkers: readonly Talker[], lengthMs: number, seed: number): Turn[] {
  const random = new SeededRandom(seed);
  const detector = new ActiveSpeakerDetector();
  const levels = talkers.map((talker) => levelsOf(talker, lengthMs, random));
  const found: Turn[] = [];
  for (let frame = 0; frame * FRAME_MS < lengthMs; frame++) {
    talkers.forEach(({ peerId }, index) => {
      const atMs = frame * FRAME_MS;
      const change = detector.hear(peerId, levels[index]?.[frame] as number, atMs);
      if (change === undefined) return;
      expect(change.previousPeerId).toBe(found.at(-1)?.peerId ?? null);
      expect(detector.speaker).toBe(change.peerId);
      found.push({ peerId: change.peerId, atMs });
    });
  }
  return found;
}

const quietRoom = { voiceDb: -25, roomDb: -70 };
const noisyRoom = { voiceDb: -22, roomDb: -45 };

describe("the active speaker", () => {
  it.each(SEEDS)("follows those who talk one after another, seed %d", (seed) => {
    const found = turns(
      [
        { ...quietRoom, peerId: "a", spans: [[1000, 6000]] },
        { ...noisyRoom, peerId: "b", spans: [[6000, 11_000]] },
        { ...quietRoom, voiceDb: -40, peerId: "c", spans: [[11_000, 14_000]] },
        { ...noisyRoom, peerId: "d", spans: [] },
      ],
      18_000,
      seed,
    );
    expect(found.map(({ peerId }) => peerId)).toEqual(["a", "b", "c", null]);
    const [a, b, c, nobody] = found.map(({ atMs }) => atMs) as [number, number, number, number];
    for (const [atMs, sinceMs] of [
      [a, 1000],
      [b, 6000],
      [c, 11_000],
    ] as const) {
      expect(atMs - sinceMs).toBeGreaterThan(150);
      expect(atMs - sinceMs).toBeLessThanOrEqual(500);
    }
    expect(nobody - 14_000).toBeGreaterThan(1800);
    expect(nobody - 14_000).toBeLessThanOrEqual(2020);
  });

  it.each(SEEDS)("is not changed by coughs, in a pause as little as in speech, seed %d", (seed) => {
    const random = new SeededRandom(seed);
    const coughs = Array.from({ length: 12 }, (_, i) => {
      const fromMs = 1500 + 700 * i + random.integer(0, 300);
      return [fromMs, fromMs + random.integer(40, 140)] as const;
    });
    const found = turns(
      [
        {
          ...quietRoom,
          peerId: "a",
          spans: [
            [500, 4000],
            [5000, 10_000],
          ],
        },
        { ...quietRoom, voiceDb: -10, peerId: "b", spans: coughs },
      ],
      10_000,
      seed,
    );
    expect(found.map(({ peerId }) => peerId)).toEqual(["a"]);
  });

  it.each(SEEDS)("does not change to and fro while two talk at once, seed %d", (seed) => {
    const found = turns(
      [
        { ...quietRoom, peerId: "a", spans: [[0, 20_000]] },
        { ...quietRoom, voiceDb: -22, peerId: "b", spans: [[2000, 20_000]] },
      ],
      20_000,
      seed,
    );
    expect(found.map(({ peerId }) => peerId)).toEqual(["a"]);
  });

  it.each(SEEDS)("is the louder by far of two who talk at once, seed %d", (seed) => {
    const found = turns(
      [
        { peerId: "a", voiceDb: -48, roomDb: -66, spans: [[1000, 10_000]] },
        { ...quietRoom, voiceDb: -18, peerId: "b", spans: [[3000, 10_000]] },
      ],
      10_000,
      seed,
    );
    expect(found.map(({ peerId }) => peerId)).toEqual(["a", "b"]);
  });

  it("is nobody in a room whose noise grows, once that is known", () => {
    const random = new SeededRandom(1);
    const detector = new ActiveSpeakerDetector();
    const speakers = Array.from({ length: 1500 }, (_, frame) => {
      const roomDb = frame < 250 ? -60 : -38;
      detector.hear("fan", roomDb + random.normal(), frame * FRAME_MS);
      return detector.speaker;
    });
    expect(speakers.slice(0, 250)).not.toContain("fan");
    expect(speakers.slice(750)).not.toContain("fan");
    // And not either when frames are lost, replaced by silence, and the first one after them is faint.
    for (let frame = 1500; frame < 3000; frame++) {
      const levelDb = frame % 50 < 10 ? -127 : frame % 50 === 10 ? -80 : -38 + random.normal();
      detector.hear("fan", levelDb, frame * FRAME_MS);
      expect(detector.speaker).toBeNull();
    }
  });

  it("is found in sound", () => {
    const detector = new ActiveSpeakerDetector();
    const first = spoken({ seed: 5, sampleRate: 16_000, seconds: 4, pitchHz: 110 });
    const second = spoken({ seed: 6, sampleRate: 16_000, seconds: 4, pitchHz: 220 });
    const room = spoken({ seed: 7, sampleRate: 16_000, seconds: 0.02, pitchHz: 100 }).fill(0.0005);
    const found: string[] = [];
    for (let frame = 0; frame < 400; frame++) {
      const part = (sound: Float32Array): Float32Array =>
        sound.subarray((frame % 200) * 320, ((frame % 200) + 1) * 320);
      const sounds = frame < 200 ? [part(first), room] : [room, part(second)];
      ["a", "b"].forEach((peerId, index) => {
        const change = detector.hear(peerId, sounds[index] as Float32Array, frame * FRAME_MS);
        if (change !== undefined) found.push(`${change.peerId} from ${Math.floor(frame / 200) * 200}`);
      });
    }
    expect(found).toEqual(["a from 0", "b from 200"]);
  });

  it("is nobody when all frames stay away, and when he leaves", () => {
    const detector = new ActiveSpeakerDetector({ silenceMs: 1000 });
    const talk = (peerId: string, fromMs: number, toMs: number): void => {
      for (let atMs = fromMs; atMs < toMs; atMs += FRAME_MS) detector.hear(peerId, -20, atMs);
    };
    talk("a", 0, 500);
    expect(detector.speaker).toBe("a");
    expect(detector.advance(1479)).toBeUndefined();
    expect(detector.advance(1480)).toEqual({ peerId: null, previousPeerId: "a" });
    expect(detector.advance(9000)).toBeUndefined();
    talk("b", 9000, 9500);
    talk("c", 9500, 9700);
    expect(detector.speaker).toBe("b");
    expect(detector.remove("c")).toBeUndefined();
    expect(detector.remove("b")).toEqual({ peerId: null, previousPeerId: "b" });
    talk("c", 9700, 10_000);
    expect(detector.speaker).toBe("c");
  });

  it("depends on time and not on the length of frames", () => {
    for (const frameMs of [2.5, 10, 40, 60, 100, 120]) {
      const detector = new ActiveSpeakerDetector();
      let sinceMs = 0;
      for (let atMs = 1000; detector.speaker === null; atMs += frameMs) {
        detector.hear("a", -20, atMs);
        sinceMs = atMs - 1000;
      }
      expect(sinceMs, `frames of ${frameMs} ms`).toBeGreaterThanOrEqual(150);
      expect(sinceMs, `frames of ${frameMs} ms`).toBeLessThanOrEqual(280);
    }
  });

  it("takes what is no number as silence, and time that goes back as standing still", () => {
    const detector = new ActiveSpeakerDetector();
    for (let atMs = 0; atMs < 1000; atMs += FRAME_MS) {
      for (const [peerId, levelDb] of [
        ["a", NaN],
        ["b", -Infinity],
      ] as const) {
        expect(detector.hear(peerId, levelDb, atMs)).toBeUndefined();
      }
      expect(detector.hear("c", new Float32Array([NaN, Infinity, 1]), atMs)).toBeUndefined();
      expect(detector.hear("d", new Float32Array(0), atMs)).toBeUndefined();
    }
    for (let i = 0; i < 100; i++) expect(detector.hear("e", -10, -i)).toBeUndefined();
    for (let atMs = 1000; atMs < 1400; atMs += FRAME_MS) detector.hear("e", Infinity, atMs);
    expect(detector.speaker).toBe("e");
    for (const nowMs of [NaN, Infinity]) {
      const fault = expect.objectContaining({ code: "INVALID_DATA" }) as Error;
      expect(() => detector.hear("a", -20, nowMs)).toThrow(fault);
      expect(() => detector.advance(nowMs)).toThrow(fault);
    }
    for (const silenceMs of [499, 60_001, NaN]) {
      expect(() => new ActiveSpeakerDetector({ silenceMs })).toThrow(/silenceMs must be 500 to 60000/);
    }
  });
});

describe("audio levels", () => {
  it("have a floor, and are that of what is a number", () => {
    expect(powerDb(1)).toBe(0);
    expect(powerDb(0.01)).toBeCloseTo(-20, 9);
    for (const power of [0, 1e-20, NaN, -1]) expect(powerDb(power)).toBe(-127);
    expect(powerOf(new Float32Array([0.5, -0.5]))).toBe(0.25);
    expect(powerOf(new Float32Array(0))).toBe(0);
    expect(powerOf(new Float32Array([0.5, NaN]))).toBe(0);
  });
});
