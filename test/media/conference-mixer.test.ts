// The conference mixer: who hears whom, that nothing clicks, and what it makes of bad input.
import { describe, expect, it } from "vitest";
import { ConferenceMixer } from "../../src/media/conference-mixer.ts";
import { AlignedBlocks } from "../../src/sync/aligned-blocks.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { syncedFrame, WALL_OFFSET_MS } from "../sync/aligned-frame.ts";
import {
  block,
  BLOCK_US,
  FRAME_MS,
  groups,
  heard,
  RATE,
  SAMPLES,
  silence,
  START_US,
} from "./mixer-blocks.ts";
import { concat, rms, tone } from "./signals.ts";

const SEED = 41_177;
const TONES = { a: 440, b: 880, c: 1320 } as const;

/** Mix `count` blocks, and put together what each listener hears. */
function conversation(
  mixer: ConferenceMixer,
  count: number,
  soundsOf: (number: number) => Readonly<Record<string, Float32Array>>,
  listener: string,
): Float32Array {
  return concat(
    Array.from({ length: count }, (_, number) =>
      heard(mixer.mix(block(soundsOf(number), number), { listeners: [listener] }), listener),
    ),
  );
}

/** Amplitude of a frequency, by correlation with it (Goertzel's quantity, over whole periods). */
function amplitude(samples: Float32Array, hz: number): number {
  let re = 0;
  let im = 0;
  samples.forEach((sample, i) => {
    re += sample * Math.cos((2 * Math.PI * hz * i) / RATE);
    im += sample * Math.sin((2 * Math.PI * hz * i) / RATE);
  });
  return (2 * Math.hypot(re, im)) / samples.length;
}

function largestStep(samples: Float32Array): number {
  return samples.reduce(
    (most, sample, i) => Math.max(most, Math.abs(sample - (samples[i - 1] ?? sample))),
    0,
  );
}

describe("the conference mixer", () => {
  it("lets each of three hear the two others and nothing of himself", () => {
    const mixer = new ConferenceMixer();
    const sounds = {
      a: tone(TONES.a, 1.02, RATE).map((sample) => 0.5 * sample),
      b: tone(TONES.b, 1.02, RATE).map((sample) => 0.5 * sample),
      c: tone(TONES.c, 1.02, RATE).map((sample) => 0.5 * sample),
    };
    for (const listener of ["a", "b", "c"] as const) {
      const out = conversation(mixer, 51, () => sounds, listener).subarray(SAMPLES);
      for (const [peerId, hz] of Object.entries(TONES)) {
        if (peerId === listener) expect(amplitude(out, hz) / Math.SQRT2).toBeLessThan(1e-6);
        else expect(amplitude(out, hz)).toBeCloseTo(0.25, 4);
      }
    }
    mixer.close();
  });

  it("lets ten hear the sum of nine, in two channels", () => {
    const mixer = new ConferenceMixer({ channels: 2, frameMs: 10 });
    const random = new SeededRandom(SEED);
    const names = Array.from({ length: 10 }, (_, peer) => `peer${peer}`);
    const noise = names.map(() => Float32Array.from({ length: SAMPLES }, () => 0.1 * (random.next() - 0.5)));
    const sounds = Object.fromEntries(names.map((name, peer) => [name, noise[peer] as Float32Array]));
    mixer.mix(block(sounds));
    const mixed = mixer.mix(block(sounds, 1));
    expect(groups(mixed)).toEqual(names.map((name) => [name]));
    names.forEach((name, own) => {
      const out = heard(mixed, name);
      const exact = out.map((_, i) =>
        noise.reduce((sum, one, peer) => sum + (peer === own ? 0 : (one[i] as number)), 0),
      );
      out.forEach((sample, i) => expect(Math.abs(sample - (exact[i] as number))).toBeLessThan(2e-7));
      expect(mixed.levels.get(name)?.rmsDb).toBeCloseTo(20 * Math.log10(rms(noise[own] as Float32Array)), 3);
    });
    expect(mixed.captureUs).toBe(START_US + BLOCK_US);
    mixer.close();
  });

  it("keeps ten loud voices within full scale", () => {
    const mixer = new ConferenceMixer();
    const sounds = Object.fromEntries(
      Array.from({ length: 10 }, (_, peer) => [`peer${peer}`, tone(300 + 20 * peer, 1, RATE)]),
    );
    const out = conversation(mixer, 50, () => sounds, "peer0");
    expect(out.every((sample) => Math.abs(sample) <= 1)).toBe(true);
    expect(out.some((sample) => Math.abs(sample) > 0.95)).toBe(true);
    mixer.close();
  });

  it("measures levels before the gain, with a floor", () => {
    const mixer = new ConferenceMixer();
    mixer.setGain("a", 0.25);
    const { levels } = mixer.mix(block({ a: tone(1000, 0.02, RATE), b: silence, c: silence.map(() => 0.1) }));
    expect(levels.get("a")?.rmsDb).toBeCloseTo(-6.02 - 3.01, 2);
    expect(levels.get("a")?.peakDb).toBeCloseTo(-6.02, 2);
    expect(levels.get("b")).toEqual({ rmsDb: -127, peakDb: -127 });
    expect(levels.get("c")?.rmsDb).toBeCloseTo(-20, 4);
    expect(levels.get("c")?.peakDb).toBeCloseTo(-20, 4);
    mixer.close();
  });

  it("takes the blocks of those who were recorded at the same time", () => {
    const blocks = new AlignedBlocks({ wallOffsetMs: WALL_OFFSET_MS });
    const mixer = new ConferenceMixer();
    // The same sound, in frames that began 0 and 8 ms after a block.
    const sound = tone(440, 1, RATE).map((sample) => 0.5 * sample);
    const offsets = [0, 8] as const;
    for (const afterMs of offsets) blocks.addPeer(`peer${afterMs}`);
    const mixes: Float32Array[] = [];
    for (let captureMs = 5000; captureMs < 5940; captureMs += FRAME_MS) {
      for (const afterMs of offsets) {
        const from = (captureMs - 5000 + afterMs) * (RATE / 1000);
        const frame = syncedFrame({
          captureMs: captureMs + afterMs,
          samples: sound.slice(from, from + SAMPLES),
        });
        blocks.push(`peer${afterMs}`, frame, captureMs + 50);
      }
      for (let next = blocks.pull(captureMs + 50); next !== undefined; next = blocks.pull(captureMs + 50)) {
        mixes.push(heard(mixer.mix(next, { listeners: ["me"] }), "me"));
      }
    }
    const settled = concat(mixes.slice(5, 40));
    expect(settled.length).toBe(35 * SAMPLES);
    // Two alike: twice the amplitude. 8 ms apart, three periods and a half, they would cancel.
    expect(rms(settled)).toBeCloseTo(0.5 / Math.SQRT2, 3);
    blocks.close();
    mixer.close();
  });

  it("tells who speaks", () => {
    const mixer = new ConferenceMixer();
    const voice = tone(300, 2, RATE);
    const quiet = new Float32Array(voice.length);
    const speakers = Array.from({ length: 100 }, (_, number) => {
      const sounds = number < 50 ? { a: voice, b: quiet } : { a: quiet, b: voice };
      return mixer.mix(block(sounds, number)).activeSpeaker;
    });
    expect([speakers[0], speakers[20], speakers[49], speakers[75], speakers[99]]).toEqual([
      null,
      "a",
      "a",
      "b",
      "b",
    ]);
    mixer.mute("b");
    const muted = Array.from({ length: 120 }, (_, i) =>
      mixer.mix(block({ a: silence, b: voice.subarray(0, SAMPLES) }, 100 + i)),
    );
    expect(muted.at(-1)?.activeSpeaker).toBeNull();
    mixer.close();
  });
});

describe("changes", () => {
  const HZ = 311;
  const voice = tone(HZ, 4, RATE);
  const quiet = new Float32Array(voice.length);
  /** Of a sine of amplitude 0.5, and a gain of 1 that comes or goes within a block. */
  const SMOOTH = (0.5 * 2 * Math.PI * HZ) / RATE + 0.5 / SAMPLES;

  it("of gain make no step", () => {
    const mixer = new ConferenceMixer();
    const random = new SeededRandom(SEED);
    const out = conversation(
      mixer,
      150,
      (number) => {
        if (number % 3 === 0) mixer.setGain("a", random.next());
        if (number % 7 === 0) mixer.mute("a", random.chance(0.5));
        return { a: voice, b: quiet };
      },
      "b",
    );
    expect(largestStep(out)).toBeLessThan(SMOOTH);
    expect(largestStep(out)).toBeGreaterThan(SMOOTH / 4);
    mixer.close();
  });

  it("between silence and sound make no step", () => {
    const mixer = new ConferenceMixer({ silenceMs: 100 });
    // Begins in the middle of the tone, at the top of its wave; ends in a faint one that is cut off.
    const faint = voice.map((sample) => 0.0015 * sample);
    const out = conversation(
      mixer,
      60,
      (number) => ({ a: number < 10 ? quiet : number < 30 ? voice : faint, b: quiet }),
      "b",
    );
    expect(largestStep(out.subarray(0, 30 * SAMPLES - 1))).toBeLessThan(SMOOTH);
    expect(rms(out.subarray(-SAMPLES))).toBe(0);
    expect(largestStep(out.subarray(31 * SAMPLES))).toBeLessThan(SMOOTH * 0.0015);
    mixer.close();
  });

  it("of who is there make no step", () => {
    const mixer = new ConferenceMixer();
    const out = conversation(
      mixer,
      60,
      (number) => (Math.floor(number / 7) % 2 === 0 ? { b: quiet } : { a: voice, b: quiet }),
      "b",
    );
    expect(largestStep(out)).toBeLessThan(SMOOTH);
    expect(rms(out.subarray(8 * SAMPLES, 14 * SAMPLES))).toBeCloseTo(0.5 / Math.SQRT2, 2);
    expect(rms(out.subarray(15 * SAMPLES, 21 * SAMPLES))).toBe(0);
    mixer.close();
  });
});

describe("bad input", () => {
  it("becomes silence and spoils nobody else's sound", () => {
    const random = new SeededRandom(SEED);
    const mixer = new ConferenceMixer();
    const voice = tone(500, 1, RATE);
    const bad = [NaN, Infinity, -Infinity, 1e30, -3.4e38, 16];
    for (let number = 0; number < 50; number++) {
      const broken = silence.map((_, i) =>
        random.chance(0.5) ? (bad[random.integer(0, bad.length - 1)] as number) : i % 2 ? 0.01 : -0.01,
      );
      const mixed = mixer.mix(block({ a: broken, b: voice, c: silence }, number));
      for (const { samples } of mixed.mixes) {
        expect(samples.every((sample) => Number.isFinite(sample) && Math.abs(sample) <= 0.52)).toBe(true);
      }
      expect(mixed.levels.get("a")?.peakDb).toBeCloseTo(-40, 3);
    }
    const after = mixer.mix(block({ a: silence, b: voice, c: silence }, 49));
    expect(heard(after, "a")).toEqual(voice.slice(49 * SAMPLES, 50 * SAMPLES));
    mixer.close();
  });

  it("is silence when there is nobody", () => {
    const mixer = new ConferenceMixer();
    expect(mixer.mix(block({}))).toEqual({
      captureUs: START_US,
      mixes: [],
      levels: new Map(),
      activeSpeaker: null,
    });
    expect(mixer.mix(block({}), { listeners: ["x", "y", "x"] }).mixes).toEqual([
      { samples: silence, listeners: ["x", "y"] },
    ]);
    mixer.close();
  });

  it("keeps nothing of peers who come and go", () => {
    const random = new SeededRandom(SEED);
    const mixer = new ConferenceMixer();
    const sound = tone(700, 0.02, RATE);
    for (let number = 0; number < 300; number++) {
      const names = Array.from({ length: random.integer(0, 16) }, () => `peer${random.integer(0, 1e9)}`);
      const { mixes } = mixer.mix(block(Object.fromEntries(names.map((name) => [name, sound])), number));
      expect(mixes.flatMap(({ listeners }) => listeners).sort()).toEqual([...new Set(names)].sort());
      expect(mixes.every(({ samples }) => samples.every((sample) => Math.abs(sample) <= 1))).toBe(true);
    }
    mixer.close();
  });

  it("is refused when it is the caller's", () => {
    const mixer = new ConferenceMixer();
    const fault = (message: RegExp, code = "INVALID_DATA"): Error =>
      expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as Error;
    const good = block({ a: silence });
    expect(() => mixer.mix({ ...good, captureUs: NaN })).toThrow(fault(/captureUs .* NaN/));
    expect(() => mixer.mix({ ...good, peers: [...good.peers, ...good.peers] })).toThrow(fault(/a twice/));
    expect(() => mixer.mix(block({ a: silence, b: silence.subarray(1) }))).toThrow(
      fault(/samples must be 960/),
    );
    const crowd = Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`peer${i}`, silence]));
    expect(() => mixer.mix(block(crowd))).toThrow(fault(/peers must be at most 16, got 17/));
    for (const gain of [-0.1, 8.1, NaN])
      expect(() => mixer.setGain("a", gain)).toThrow(fault(/gain must be/));
    for (const [name, value] of Object.entries({
      sampleRate: 7999,
      frameMs: 10.01,
      channels: 3,
      silenceDb: 0,
      silenceMs: 1,
    })) {
      expect(() => new ConferenceMixer({ [name]: value })).toThrow(
        fault(new RegExp(`${name} must be .* ${value}`), "INVALID_CONFIG"),
      );
    }
    mixer.close();
    mixer.close();
    expect(() => mixer.mix(block({}))).toThrow(fault(/closed/, "ALREADY_SHUTDOWN"));
  });
});
