// The audio mixer: who hears whom and how loud, and what it refuses.
import { describe, expect, it, vi } from "vitest";
import { ConferenceMixer } from "../../../src/media/conference-mixer.ts";
import { audioMixerNode } from "../../../src/pipeline/nodes/audio-mixer.ts";
import type { AudioData } from "../../../src/runtime/data.ts";
import { firstDifference, rms } from "../../media/signals.ts";
import { amplitudeOf, BLOCK, MixerCall, START_US, talk, tonePart } from "./mixer-calls.ts";

const TONES = { a: 440, b: 880, c: 1320 } as const;
const PEERS = ["a", "b", "c"] as const;

/** Blocks of equal value for several peers, in step. */
function levels(call: MixerCall, values: Readonly<Record<string, number>>, count: number): void {
  for (let number = 0; number < count; number++) {
    for (const [peer, value] of Object.entries(values)) {
      call.send({ peer, samples: new Float32Array(BLOCK).fill(value), atMs: 20 * number });
    }
  }
}

describe("the audio mixer", () => {
  it.each([true, false])("lets each of three hear the two others, not itself (softClip %s)", (softClip) => {
    const call = new MixerCall({ softClip });
    talk(
      call,
      PEERS.map((peer) => ({ peer, hz: TONES[peer], toMs: 700 })),
    );
    for (const listener of PEERS) {
      const out = call.heard(listener, 100, 600);
      const own = amplitudeOf(out, TONES[listener]);
      for (const peer of PEERS) {
        if (peer === listener) continue;
        expect(amplitudeOf(out, TONES[peer])).toBeCloseTo(0.25, 4);
        expect(20 * Math.log10(amplitudeOf(out, TONES[peer]) / (own + 1e-12))).toBeGreaterThan(30);
      }
    }
    call.close();
  });

  it("gives silence to all when nobody speaks", () => {
    const call = new MixerCall();
    levels(call, { a: 0, b: 0 }, 20);
    const out = call.heard("a", 20, 400);
    expect(rms(out)).toBeLessThan(0.001);
    expect(out.length).toBe(19 * BLOCK - BLOCK + BLOCK);
    call.close();
  });

  it.each([true, false])("sums exactly below -3 dBFS (softClip %s)", (softClip) => {
    const call = new MixerCall({ softClip });
    talk(
      call,
      PEERS.map((peer) => ({ peer, hz: TONES[peer], amplitude: 0.3, toMs: 200 })),
    );
    const b = tonePart(TONES.b, 0.3, 60, 100);
    const c = tonePart(TONES.c, 0.3, 60, 100);
    const sum = b.map((sample, i) => sample + (c[i] as number));
    expect(firstDifference(sum, call.heard("a", 60, 160))).toBe(-1);
    call.close();
  });

  it("bends sums that are too loud, or cuts them off, within full scale", () => {
    const last = (softClip: boolean): number => {
      const call = new MixerCall({ softClip });
      levels(call, { a: 0, b: 0.8, c: 0.8 }, 5);
      call.close();
      return call.mixes("a").at(-1)?.samples[500] as number;
    };
    expect(last(false)).toBe(1);
    expect(last(true)).toBeLessThan(1);
    expect(last(true)).toBeGreaterThan(0.8);
  });

  it.each([true, false])("makes one mix of all in mode all (softClip %s)", (softClip) => {
    const call = new MixerCall({ mode: "all", softClip });
    levels(call, { a: 0.25, b: 0.25 }, 5);
    const outputs = call.outputs.slice(2);
    expect(outputs.length).toBeGreaterThanOrEqual(2);
    for (const { data, metadata } of outputs) {
      expect(metadata).toEqual({});
      expect((data as AudioData).samples.every((sample) => sample === 0.5)).toBe(true);
    }
    call.close();
  });

  it.each([true, false])("gives one object to all who hear the same (softClip %s)", (softClip) => {
    const call = new MixerCall({ softClip });
    levels(call, { a: 0.25, b: 0, c: 0 }, 4);
    const [a, b, c] = call.outputs
      .slice(-3)
      .sort((x, y) => (x.metadata.target_peer ?? "").localeCompare(y.metadata.target_peer ?? ""));
    expect([a, b, c].map((output) => output?.metadata)).toEqual([
      { target_peer: "a" },
      { target_peer: "b" },
      { target_peer: "c" },
    ]);
    expect(b?.data).toBe(c?.data);
    expect(a?.data).not.toBe(b?.data);
    expect(a?.sequence).toBe(c?.sequence);
    call.close();
  });

  it("numbers blocks and labels them with the capture time of the grid", () => {
    const call = new MixerCall({ mode: "all" });
    for (let number = 0; number < 4; number++) {
      call.send({ peer: "a", samples: new Float32Array(BLOCK), atMs: 7 + 20 * number });
    }
    call.flush();
    expect(call.outputs.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3, 4]);
    expect(call.mixes().map(({ timestampUs = 0 }) => timestampUs - START_US)).toEqual([
      0, 20_000, 40_000, 60_000, 80_000,
    ]);
    expect(
      call.mixes().map(({ sampleRate, channels, samples }) => [sampleRate, channels, samples.length]),
    ).toEqual(Array(5).fill([48_000, 1, BLOCK]));
    call.close();
  });

  it("gives a peer that is alone nothing", () => {
    const call = new MixerCall();
    levels(call, { a: 0.25 }, 10);
    call.flush();
    expect(call.outputs).toEqual([]);
    call.close();
  });

  it("lets all hear what belongs to no peer, and that listens to nothing", () => {
    const call = new MixerCall();
    talk(call, [
      { peer: "a", hz: 440, toMs: 300 },
      { peer: undefined, hz: 880, toMs: 300 },
    ]);
    expect(amplitudeOf(call.heard("a", 100, 200), 880)).toBeCloseTo(0.25, 4);
    expect(amplitudeOf(call.heard("a", 100, 200), 440)).toBeLessThan(1e-4);
    expect(new Set(call.outputs.map(({ metadata }) => metadata.target_peer))).toEqual(new Set(["a"]));
    call.close();
  });

  it("takes several streams of a peer as its own, all of them", () => {
    const call = new MixerCall();
    for (let atMs = 0; atMs < 100; atMs += 20) {
      for (const streamId of ["mic", "music"]) {
        call.send({ peer: "a", streamId, atMs, samples: new Float32Array(BLOCK).fill(0.2) });
      }
      call.send({ peer: "b", atMs, samples: new Float32Array(BLOCK) });
    }
    expect(call.mixes("b").at(-1)?.samples[0]).toBeCloseTo(0.4, 6);
    expect(rms(call.mixes("a").at(-1)?.samples as Float32Array)).toBe(0);
    call.close();
  });

  it("insists on its rate and one channel", () => {
    expect(audioMixerNode.needs?.({ ...PARAMS, sampleRate: 16_000 })).toEqual({
      audio: { sampleRate: 16_000, channels: 1 },
    });
    const call = new MixerCall();
    const samples = new Float32Array(882);
    expect(() => call.send({ peer: "a", samples, atMs: 0, sampleRate: 44_100 })).toThrow(
      expect.objectContaining({
        code: "INVALID_DATA",
        nodeId: "node",
        message: "audio must have 48000 Hz and 1 channel, got 44100 Hz and 1",
      }),
    );
    expect(() => call.send({ peer: "a", samples, atMs: 0, channels: 2 })).toThrow(/got 48000 Hz and 2/);
    call.close();
  });

  it.each([
    ["no samples", new Float32Array(0), /1 to 5760 \(120 ms\), got 0/],
    ["more than 120 ms", new Float32Array(5761), /1 to 5760 \(120 ms\), got 5761/],
    ["a sample that is no number", new Float32Array(960).fill(Number.NaN), /samples\[0\]/],
  ])("refuses a frame with %s", (_, samples, message) => {
    const call = new MixerCall();
    expect(() => call.send({ peer: "a", samples, atMs: 0 })).toThrow(message);
    call.close();
  });

  it("refuses inputs beyond maxInputs, each once, until another has been absent for 2 s", () => {
    const call = new MixerCall({ maxInputs: 2 });
    levels(call, { a: 0.1, b: 0.1 }, 3);
    const late = (atMs: number) => call.send({ peer: "c", samples: new Float32Array(BLOCK), atMs });
    expect(() => late(60)).toThrow(expect.objectContaining({ code: "LIMIT_EXCEEDED", nodeId: "node" }));
    expect(late(80)).toEqual([]);
    expect(() => call.send({ peer: "d", samples: new Float32Array(BLOCK), atMs: 80 })).toThrow(
      /of d is dropped/,
    );
    for (let atMs = 60; atMs < 2200; atMs += 20) {
      call.send({ peer: "a", samples: new Float32Array(BLOCK), atMs });
    }
    expect(late(2200)).toEqual([]);
    call.send({ peer: "a", samples: new Float32Array(BLOCK), atMs: 2200 });
    expect(call.outputs.at(-1)?.metadata.target_peer).toBe("c");
    expect(call.close()).toMatchObject({ refusedFrames: 3 });
  });

  it("has room again when all have left", () => {
    const call = new MixerCall({ maxInputs: 2 });
    levels(call, { a: 0.1, b: 0.1 }, 3);
    const next = (peer: string) => call.send({ peer, samples: new Float32Array(BLOCK), atMs: 3000 });
    expect(() => [next("c"), next("d")]).not.toThrow();
    call.close();
  });

  it("gives its memory back", () => {
    const given = vi.spyOn(ConferenceMixer.prototype, "close");
    const call = new MixerCall();
    expect(given).not.toHaveBeenCalled();
    call.close();
    expect(given).toHaveBeenCalledOnce();
    given.mockRestore();
  });

  it("asks for a whole number of samples", () => {
    expect(audioMixerNode.check?.(PARAMS)).toEqual({});
    expect(audioMixerNode.check?.({ ...PARAMS, sampleRate: 11_025, frameMs: 10 })).toEqual({
      frameMs: "a whole number of samples at 11025 Hz",
    });
  });
});

const PARAMS = {
  mode: "nMinus1",
  sampleRate: 48_000,
  frameMs: 20,
  maxInputs: 10,
  waitMs: 20,
  softClip: true,
} as const;
