import { beforeAll, describe, expect, it, vi } from "vitest";
import { loadOpus, MAX_OPUS_PAYLOAD_BYTES } from "../../src/codecs/opus.ts";
import type { OpusCodec, OpusEncoder, OpusEncoderOptions } from "../../src/codecs/opus.ts";
import { opusLookaheadSamples, readOpusPacket } from "../../src/codecs/opus-packet.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { bestLag, concat, correlation, rms, voice } from "../media/signals.ts";
import { VOICE } from "./voice-encoder.ts";

const base: OpusEncoderOptions = { ...VOICE, bitrateKbps: 64 };

vi.setConfig({ testTimeout: 30_000 }); // Real encoders; a busy machine takes its time.

let codec: OpusCodec;

beforeAll(async () => {
  codec = await loadOpus();
}, 30_000);

function encodeAll(encoder: OpusEncoder, signal: Float32Array): Uint8Array[] {
  const size = encoder.frameSamples * encoder.channels;
  const payloads: Uint8Array[] = [];
  for (let at = 0; at + size <= signal.length; at += size) {
    payloads.push(encoder.encode(signal.subarray(at, at + size)));
  }
  return payloads;
}

function bytesOf(payloads: readonly Uint8Array[]): number {
  return payloads.reduce((sum, { length }) => sum + length, 0);
}

describe("Opus", () => {
  it("gives back what went in, later by the lookahead", async () => {
    for (const [application, lookahead] of [
      ["audio", 312],
      ["lowdelay", 120],
    ] as const) {
      const encoder = await codec.createEncoder({ ...base, application });
      const decoder = await codec.createDecoder({ sampleRate: 48_000, channels: 1 });
      const signal = voice(2, 48_000);
      const decoded = concat(encodeAll(encoder, signal).map((payload) => decoder.decode(payload)));
      expect(encoder.lookaheadSamples).toBe(lookahead);
      expect(correlation(signal, decoded, lookahead)).toBeGreaterThan(0.98);
      encoder.free();
      decoder.free();
      decoder.free();
    }
  });

  it.each([8000, 12_000, 16_000, 24_000, 48_000] as const)("encodes from %d Hz", async (sampleRate) => {
    for (const frameMs of [10, 20, 40, 60] as const) {
      const encoder = await codec.createEncoder({ ...base, sampleRate, frameMs });
      expect(encoder.frameSamples).toBe((sampleRate * frameMs) / 1000);
      const [payload] = encodeAll(encoder, voice(0.06, sampleRate));
      expect(readOpusPacket(payload as Uint8Array)?.durationTicks).toBe(frameMs * 48);
      encoder.free();
    }
  });

  it("bounds the audio bandwidth apart from the input's rate", async () => {
    const narrow = await codec.createEncoder({ ...base, bandwidthRate: 8000 });
    const decoder = await codec.createDecoder({ sampleRate: 48_000, channels: 1 });
    const high = new Float32Array(48_000).map((_, i) => 0.5 * Math.sin((2 * Math.PI * 7000 * i) / 48_000));
    const decoded = concat(encodeAll(narrow, high).map((payload) => decoder.decode(payload)));
    expect(rms(decoded.subarray(24_000))).toBeLessThan(0.02);
  });

  it("D19: follows the bitrate at run time and never exceeds a network packet", async () => {
    const encoder = await codec.createEncoder({
      ...base,
      application: "audio",
      channels: 2,
      bitrateKbps: 128,
    });
    const noise = new SeededRandom(5);
    const second = Float32Array.from({ length: 96_000 }, () => noise.next() - 0.5);
    const wide = bytesOf(encodeAll(encoder, second));
    encoder.setBitrate(32);
    encodeAll(encoder, second);
    const thin = bytesOf(encodeAll(encoder, second));
    expect(thin * 8).toBeLessThan(40_000);
    expect(wide * 8).toBeGreaterThan(100_000);
    encoder.setBitrate(510);
    encoder.setComplexity(0);
    for (const payload of encodeAll(encoder, second)) {
      expect(payload.length).toBeLessThanOrEqual(MAX_OPUS_PAYLOAD_BYTES);
    }
  });

  it("writes FEC only when loss is expected, and repairs single losses better than concealment", async () => {
    const signal = voice(2, 48_000);
    const encoder = await codec.createEncoder({ ...base, bitrateKbps: 32, fec: true });
    expect(encodeAll(encoder, signal).some((payload) => readOpusPacket(payload)?.hasFec)).toBe(false);
    encoder.setPacketLoss(0.1);
    const payloads = encodeAll(encoder, signal);
    expect(payloads.filter((payload) => readOpusPacket(payload)?.hasFec).length).toBeGreaterThan(50);
    const repair = async (fec: boolean): Promise<number> => {
      const decoder = await codec.createDecoder({ sampleRate: 48_000, channels: 1 });
      const decoded = concat(
        payloads.map((payload, index) => {
          if (index % 7 !== 3 || index + 1 === payloads.length) return decoder.decode(payload);
          const next = payloads[index + 1] as Uint8Array;
          return fec ? decoder.decodeFec(next, 960) : decoder.conceal(960);
        }),
      );
      return bestLag(signal, decoded, 300, 315).value;
    };
    const [withFec, without] = [await repair(true), await repair(false)];
    expect(withFec).toBeGreaterThan(without);
    expect(withFec).toBeGreaterThan(0.93);
    encoder.setFec(false);
    encodeAll(encoder, signal);
    expect(readOpusPacket(encodeAll(encoder, signal).at(-1) as Uint8Array)?.hasFec).toBe(false);
  });

  it("sends next to nothing in silence with DTX", async () => {
    const encoder = await codec.createEncoder({ ...base, dtx: true });
    const silence = new Float32Array(960 * 100);
    const tiny = (): number => encodeAll(encoder, silence).filter(({ length }) => length <= 2).length;
    expect(tiny()).toBeGreaterThan(70);
    encoder.setDtx(false);
    expect(tiny()).toBe(0);
  });

  it("turns every failure into an error of ours, and works on", async () => {
    const encoder = await codec.createEncoder(base);
    const decoder = await codec.createDecoder({ sampleRate: 48_000, channels: 2 });
    expect(() => encoder.encode(new Float32Array(5))).toThrow(
      expect.objectContaining({ code: "ENCODING_ERROR" }),
    );
    expect(() => encoder.setBitrate(NaN)).toThrow(expect.objectContaining({ code: "ENCODING_ERROR" }));
    const decoding = expect.objectContaining({ code: "DECODING_ERROR" }) as Error;
    expect(() => decoder.decode(new Uint8Array(0))).toThrow(decoding);
    expect(() => decoder.conceal(100)).toThrow(decoding);
    const random = new SeededRandom(11);
    let failures = 0;
    for (let round = 0; round < 500; round++) {
      const garbage = Uint8Array.from({ length: random.integer(1, 100) }, () => random.integer(0, 255));
      try {
        decoder.decode(garbage);
      } catch (error) {
        failures++;
        expect(error).toEqual(decoding);
      }
    }
    expect(failures).toBeGreaterThan(100);
    const payload = encoder.encode(voice(0.02, 48_000));
    expect(decoder.decode(payload).length).toBe(1920);
    await expect(codec.createEncoder({ ...base, complexity: 99 })).rejects.toEqual(
      expect.objectContaining({ code: "ENCODING_ERROR" }),
    );
    await expect(codec.createDecoder({ sampleRate: 44_100 as 48_000, channels: 1 })).rejects.toEqual(
      decoding,
    );
    encoder.free();
    expect(() => encoder.encode(new Float32Array(960))).toThrow(
      expect.objectContaining({ code: "ENCODING_ERROR" }),
    );
  });

  it("finds the same duration and channels in a packet as the decoder does", async () => {
    const random = new SeededRandom(12);
    const decoder = await codec.createDecoder({ sampleRate: 48_000, channels: 1 });
    for (let round = 0; round < 1000; round++) {
      const garbage = Uint8Array.from({ length: random.integer(1, 120) }, () => random.integer(0, 255));
      const facts = readOpusPacket(garbage);
      let decoded: number | undefined;
      try {
        decoded = decoder.decode(garbage).length;
      } catch {
        continue; // The decoder checks more than the layout.
      }
      expect(facts?.durationTicks, `seed 12, round ${round}`).toBe(decoded);
    }
  });

  it.each(["voip", "audio", "lowdelay"] as const)("delays by what is told of %s", async (application) => {
    const encoder = await codec.createEncoder({ ...VOICE, application });
    expect(encoder.lookaheadSamples).toBe(opusLookaheadSamples(application));
    encoder.free();
  });
});
