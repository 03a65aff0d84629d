// Who shares a mix, which is one encode: all who hear the same.
import { describe, expect, it } from "vitest";
import { ConferenceMixer } from "../../src/media/conference-mixer.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { block, groups, heard, RATE, SAMPLES, silence } from "./mixer-blocks.ts";
import { tone } from "./signals.ts";

const SEED = 41_177;

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
