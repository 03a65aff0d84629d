import { describe, expect, it } from "vitest";
import { Loop, resampleLoop } from "../../../src/cli/demo/loop.ts";
import { seededRandom } from "../../../src/cli/demo/voice.ts";
import { fromPcm16, parseWav, toPcm16, wavHeader } from "../../../src/cli/demo/wav.ts";

interface Layout {
  tag?: number;
  extensible?: boolean;
  channels?: number;
  sampleRate?: number;
  bits: number;
  /** Raw little-endian sample bytes. */
  data: ArrayBuffer;
  dataSize?: number;
  before?: Uint8Array;
}

/** A WAV file as other tools write it. */
function wavFile(layout: Layout): Uint8Array {
  const { tag = 1, extensible = false, channels = 1, sampleRate = 48_000, bits, data, before } = layout;
  const formatSize = extensible ? 40 : 16;
  const extra = before ?? new Uint8Array(0);
  const bytes = new Uint8Array(12 + 8 + formatSize + extra.length + 8 + data.byteLength);
  const view = new DataView(bytes.buffer);
  const text = (offset: number, value: string): void => bytes.set(new TextEncoder().encode(value), offset);
  text(0, "RIFF");
  view.setUint32(4, bytes.length - 8, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, formatSize, true);
  view.setUint16(20, extensible ? 0xfffe : tag, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, (sampleRate * channels * bits) / 8, true);
  view.setUint16(32, (channels * bits) / 8, true);
  view.setUint16(34, bits, true);
  if (extensible) view.setUint16(44, tag, true);
  bytes.set(extra, 20 + formatSize);
  const at = 20 + formatSize + extra.length;
  text(at, "data");
  view.setUint32(at + 4, layout.dataSize ?? data.byteLength, true);
  bytes.set(new Uint8Array(data), at + 8);
  return bytes;
}

const FLOATS = Float32Array.of(0.5, -0.25, 0, 1).buffer;

describe("parseWav", () => {
  it.each([
    ["16-bit", { bits: 16, data: Int16Array.of(16_384, -8_192, 0, 32_767).buffer }],
    ["8-bit", { bits: 8, data: Uint8Array.of(192, 96, 128, 255).buffer }],
    ["24-bit", { bits: 24, data: Uint8Array.of(0, 0, 64, 0, 0, 0xe0, 0, 0, 0, 255, 255, 127).buffer }],
    ["32-bit", { bits: 32, data: Int32Array.of(2 ** 30, -(2 ** 29), 0, 2 ** 31 - 1).buffer }],
    ["float", { tag: 3, bits: 32, data: FLOATS }],
    ["64-bit float", { tag: 3, bits: 64, data: Float64Array.of(0.5, -0.25, 0, 1).buffer }],
    ["extensible float", { tag: 3, bits: 32, extensible: true, data: FLOATS }],
  ])("reads %s samples", (_, layout) => {
    const { samples, sampleRate } = parseWav(wavFile(layout));
    expect(sampleRate).toBe(48_000);
    expect(samples).toHaveLength(4);
    for (const [i, value] of [0.5, -0.25, 0, 1].entries()) expect(samples[i]).toBeCloseTo(value, 1);
  });

  it("averages channels and skips chunks it does not know, padded to even lengths", () => {
    const list = Uint8Array.of(0x4c, 0x49, 0x53, 0x54, 3, 0, 0, 0, 1, 2, 3, 0);
    const data = Int16Array.of(16_384, 0, -16_384, 16_384).buffer;
    const { samples } = parseWav(wavFile({ bits: 16, channels: 2, data, before: list }));
    expect([...samples]).toEqual([0.25, 0]);
  });

  it("reads a data chunk of unknown length to the end of the file, and a cut sample not at all", () => {
    const data = Uint8Array.of(0, 64, 0, 32, 9).buffer;
    expect([...parseWav(wavFile({ bits: 16, data, dataSize: 0xffffffff })).samples]).toEqual([0.5, 0.25]);
  });

  it("stops at the longest duration asked for", () => {
    const data = new Int16Array(48_000).buffer;
    expect(parseWav(wavFile({ bits: 16, data }), 0.25).samples).toHaveLength(12_000);
  });

  it("makes silence of non-finite samples", () => {
    const data = Float32Array.of(NaN, Infinity, 0.5).buffer;
    expect([...parseWav(wavFile({ tag: 3, bits: 32, data })).samples]).toEqual([0, 0, 0.5]);
  });

  it.each([
    ["text", new TextEncoder().encode("this is no sound at all, only words"), /not a WAV file/],
    ["nothing", new Uint8Array(0), /not a WAV file/],
    ["no samples", wavFile({ bits: 16, data: new ArrayBuffer(0) }), /no samples/],
    ["an unknown format", wavFile({ tag: 85, bits: 16, data: FLOATS }), /format 85 with 16 bits/],
    ["no channels", wavFile({ channels: 0, bits: 16, data: FLOATS }), /no channels/],
    ["an impossible rate", wavFile({ sampleRate: 4, bits: 16, data: FLOATS }), /4 Hz is outside/],
    ["no data chunk", wavFile({ bits: 16, data: FLOATS }).subarray(0, 36), /no data chunk/],
    ["a cut format", wavFile({ bits: 16, data: FLOATS }).subarray(0, 30), /format chunk too short/],
  ])("refuses %s and says why", (_, bytes, reason) => {
    expect(() => parseWav(bytes)).toThrow(reason);
  });

  it("throws nothing but its own errors on mutated files", () => {
    const random = seededRandom(11);
    const original = wavFile({ bits: 16, extensible: true, channels: 2, data: new Int16Array(64).buffer });
    for (let round = 0; round < 2_000; round++) {
      const bytes = original.slice(0, 1 + Math.floor(random() * original.length));
      for (let i = 0; i < 4; i++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      try {
        parseWav(bytes);
      } catch (error) {
        expect(String(error), `round ${round}`).toMatch(/WAV|sample rate/);
      }
    }
  });
});

it("what is built is parsed back, clipped where it was too loud", () => {
  const pcm = toPcm16(Float32Array.of(0.5, -0.5, 2, -2));
  const bytes = Uint8Array.from([...wavHeader(pcm.byteLength, 44_100), ...new Uint8Array(pcm.buffer)]);
  const { samples, sampleRate } = parseWav(bytes);
  expect(sampleRate).toBe(44_100);
  expect([...samples]).toEqual([0.5, -0.5, 32_767 / 32_768, -1]);
  expect([...fromPcm16(pcm)]).toEqual([...samples]);
});

describe("resampleLoop", () => {
  it.each([8_000, 16_000, 22_050, 44_100, 96_000])(
    "keeps a tone at %i Hz in pitch, level and phase",
    (sampleRate) => {
      const samples = Float32Array.from(
        { length: sampleRate },
        (_, i) => Math.sin((2 * Math.PI * 440 * i) / sampleRate) / 2,
      );
      const loop = resampleLoop({ sampleRate, samples });
      expect(loop).toHaveLength(48_000);
      let worst = 0;
      for (let i = 0; i < loop.length; i++) {
        const wanted = Math.sin((2 * Math.PI * 440 * i) / 48_000) / 2;
        worst = Math.max(worst, Math.abs((loop[i] as number) - wanted));
      }
      expect(worst).toBeLessThan(0.002);
    },
  );

  it("removes what 48 kHz cannot carry", () => {
    const samples = Float32Array.from({ length: 9_600 }, (_, i) =>
      Math.sin((2 * Math.PI * 40_000 * i) / 96_000),
    );
    expect(Math.max(...resampleLoop({ sampleRate: 96_000, samples }).map(Math.abs))).toBeLessThan(0.01);
  });

  it("clips what exceeds full scale", () => {
    const loop = resampleLoop({ sampleRate: 48_000, samples: Float32Array.of(3, -3, 0.5) });
    expect([...loop]).toEqual([1, -1, 0.5]);
  });
});

it("a loop starts where it is told and goes round, also backwards", () => {
  const loop = new Loop(toPcm16(Float32Array.of(0.125, 0.25, 0.5, 0.75)), 0.5);
  expect([...loop.next(3), ...loop.next(3)]).toEqual([0.5, 0.75, 0.125, 0.25, 0.5, 0.75]);
  const out = new Float32Array(3);
  loop.copy(out, -5);
  expect([...out]).toEqual([0.25, 0.5, 0.75]);
});

it("writes the number of channels into the header", () => {
  const pcm = toPcm16(Float32Array.of(0.5, -0.5, 0.25, 0.25));
  const bytes = Buffer.concat([wavHeader(pcm.byteLength, 48_000, 2), new Uint8Array(pcm.buffer)]);
  expect([...parseWav(bytes).samples]).toEqual([0, 0.25]);
});
