// The conference mixer: who hears whom, who shares a mix with whom, and that nothing clicks.
import { describe, expect, it } from "vitest";
import { ConferenceMixer } from "../../src/media/conference-mixer.ts";
import type { MixedBlock } from "../../src/media/conference-mixer.ts";
import { AlignedBlocks } from "../../src/sync/aligned-blocks.ts";
import type { AlignedBlock } from "../../src/sync/aligned-blocks.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { syncedFrame, WALL_OFFSET_MS } from "../sync/aligned-frame.ts";
import { concat, rms, tone } from "./signals.ts";

const SEED = 41_177;
const RATE = 48_000;
const FRAME_MS = 20;
const SAMPLES = 960;
const BLOCK_US = FRAME_MS * 1000;
const START_US = 1_700_000_000_000_000;

/** One of a series of blocks: for every peer its samples, or a whole signal of which the block is a part. */
function block(sounds: Readonly<Record<string, Float32Array>>, number = 0): AlignedBlock {
  const peers = Object.entries(sounds).map(([peerId, sound]) => ({
    peerId,
    samples: sound.length === SAMPLES ? sound : sound.slice(number * SAMPLES, (number + 1) * SAMPLES),
    mask: new Uint8Array(SAMPLES).fill(1),
    gapQuality: null,
    errorUs: 100,
  }));
  return { captureUs: START_US + number * BLOCK_US, peers, missing: [], behind: [], unsynced: [] };
}

function heard({ mixes }: MixedBlock, listener: string): Float32Array {
  const own = mixes.filter(({ listeners }) => listeners.includes(listener));
  expect(own.length).toBe(1);
  return own[0]?.samples ?? new Float32Array(0);
}

function groups({ mixes }: MixedBlock): string[][] {
  return mixes.map(({ listeners }) => listeners);
}

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

const silence = new Float32Array(SAMPLES);
const TONES = { a: 440, b: 880, c: 1320 } as const;

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

describe("shared mixes", () => {
  const voice = tone(500, 4, RATE);
  const quiet = new Float32Array(voice.length);

  it("are heard by all who are silent, and by those who only listen", () => {
    const mixer = new ConferenceMixer();
    const mixed = mixer.mix(block({ a: voice, b: quiet, c: voice, d: quiet }), { listeners: ["e", "d"] });
    expect(groups(mixed)).toEqual([["a"], ["c"], ["b", "d", "e"]]);
    const nobody = mixer.mix(block({ a: quiet, b: quiet, c: quiet, d: quiet }, 1));
    // Those who have just spoken stay by themselves for a second.
    expect(groups(nobody)).toEqual([["a"], ["c"], ["b", "d"]]);
    mixer.close();
  });

  it("are one encode when nobody speaks", () => {
    const mixer = new ConferenceMixer();
    const mixed = mixer.mix(block({ a: quiet, b: quiet }), { listeners: ["c"] });
    expect(groups(mixed)).toEqual([["a", "b", "c"]]);
    expect(mixed.mixes[0]?.samples).toEqual(silence);
    mixer.close();
  });

  it("take a speaker in after a second of silence, and give him up with his next sound", () => {
    const mixer = new ConferenceMixer();
    const shared = (number: number, sound: Float32Array): boolean =>
      groups(mixer.mix(block({ a: sound, b: quiet }, number))).length === 1;
    expect(shared(0, voice)).toBe(false);
    const pause = Array.from({ length: 53 }, (_, i) => shared(1 + i, quiet));
    // 1000 ms are 50 blocks; in the 51st the gain goes down to 0.
    expect(pause.indexOf(true)).toBe(51);
    expect(shared(54, voice)).toBe(false);
    mixer.close();
  });

  it("take in whose gain makes him silent, and give up whose gain makes him heard", () => {
    const mixer = new ConferenceMixer({ silenceMs: 100 });
    const faint = voice.map((sample) => 0.0015 * sample);
    const ownMix = (sound: Float32Array, gain: number, number: number): boolean => {
      mixer.setGain("a", gain);
      return groups(mixer.mix(block({ a: sound, b: quiet }, number))).length === 2;
    };
    const softened = Array.from({ length: 10 }, (_, number) => ownMix(voice, 0.001, number));
    expect(softened).not.toContain(true);
    expect([ownMix(faint, 1, 10), ownMix(faint, 8, 11)]).toEqual([false, true]);
    mixer.close();
  });

  it("are not left and joined by a voice about the threshold", () => {
    const random = new SeededRandom(SEED);
    const mixer = new ConferenceMixer({ silenceDb: -50 });
    // Levels from -53 to -47 dBFS: often above the threshold, never 6 dB above it.
    const blocks = Array.from({ length: 500 }, () =>
      silence.map(() => 10 ** ((-53 + 6 * random.next()) / 20)),
    );
    const sharing = blocks.map(
      (sound, number) => groups(mixer.mix(block({ a: sound, b: silence }, number))).length === 1,
    );
    expect(sharing).not.toContain(false);
    mixer.mix(block({ a: voice, b: silence }, 0));
    const again = blocks.map(
      (sound, number) => groups(mixer.mix(block({ a: sound, b: silence }, number))).length === 1,
    );
    expect(again).not.toContain(true);
    mixer.close();
  });

  it("take in at once who is muted, and his gain comes back with him", () => {
    const mixer = new ConferenceMixer();
    mixer.setGain("a", 0.5);
    mixer.mix(block({ a: voice, b: quiet }));
    mixer.mute("a");
    expect(groups(mixer.mix(block({ a: voice, b: quiet }, 1)))).toEqual([["a"], ["b"]]);
    expect(groups(mixer.mix(block({ a: voice, b: quiet }, 2)))).toEqual([["a", "b"]]);
    // It may leave and return: the mute stays.
    mixer.mix(block({ b: quiet }, 3));
    expect(groups(mixer.mix(block({ a: voice, b: quiet }, 4)))).toEqual([["a", "b"]]);
    mixer.mute("a", false);
    mixer.mix(block({ a: voice, b: quiet }, 5));
    const expected = voice.slice(6 * SAMPLES, 7 * SAMPLES).map((sample) => 0.5 * sample);
    expect(heard(mixer.mix(block({ a: voice, b: quiet }, 6)), "b")).toEqual(expected);
    mixer.forget("a");
    mixer.mix(block({ a: voice, b: quiet }, 7));
    expect(heard(mixer.mix(block({ a: voice, b: quiet }, 8)), "b")).toEqual(
      voice.slice(8 * SAMPLES, 9 * SAMPLES),
    );
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
