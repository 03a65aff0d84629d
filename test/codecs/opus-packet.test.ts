import { describe, expect, it } from "vitest";
import { readOpusPacket } from "../../src/codecs/opus-packet.ts";
import { SeededRandom } from "../../src/testing/random.ts";

/** A packet with configuration, stereo flag and code as in RFC 6716 section 3.1. */
function packet(config: number, stereo: 0 | 1, code: number, ...rest: number[]): Uint8Array {
  return Uint8Array.of((config << 3) | (stereo << 2) | code, ...rest);
}

describe("Opus packets", () => {
  it.each([
    [0, 480],
    [1, 960],
    [2, 1920],
    [3, 2880],
    [11, 2880],
    [12, 480],
    [13, 960],
    [15, 960],
    [16, 120],
    [17, 240],
    [18, 480],
    [31, 960],
  ])("of configuration %d last %d ticks", (config, ticks) => {
    expect(readOpusPacket(packet(config, 0, 0, 1))?.durationTicks).toBe(ticks);
  });

  it("hold one, two or up to 48 frames, at most 120 ms", () => {
    expect(readOpusPacket(packet(1, 0, 1, 0, 0))?.durationTicks).toBe(1920);
    expect(readOpusPacket(packet(1, 0, 1, 0))).toBeUndefined();
    expect(readOpusPacket(packet(1, 1, 2, 1, 0, 0))).toMatchObject({ durationTicks: 1920, stereo: true });
    expect(readOpusPacket(packet(1, 0, 2))).toBeUndefined();
    expect(readOpusPacket(packet(1, 0, 3, 6))?.durationTicks).toBe(5760);
    expect(readOpusPacket(packet(1, 0, 3, 7))).toBeUndefined();
    expect(readOpusPacket(packet(1, 0, 3, 0))).toBeUndefined();
    expect(readOpusPacket(packet(16, 0, 3, 48))?.durationTicks).toBe(5760);
    expect(readOpusPacket(new Uint8Array(0))).toBeUndefined();
  });

  it("show the LBRR flag behind one voice flag per 20 ms, for either channel", () => {
    const fec = (...bytes: number[]): boolean | undefined => readOpusPacket(Uint8Array.from(bytes))?.hasFec;
    expect(fec(1 << 3, 0x40)).toBe(true); // 20 ms: bit 6
    expect(fec(1 << 3, 0x80)).toBe(false);
    expect(fec(3 << 3, 0x10)).toBe(true); // 60 ms: bit 4
    expect(fec((1 << 3) | 4, 0x10)).toBe(true); // Stereo: the side's flag follows the middle's
    expect(fec((1 << 3) | 4, 0x20)).toBe(false);
    expect(fec(20 << 3, 0xff)).toBe(false); // CELT has none
    expect(fec(1 << 3)).toBe(false); // An empty frame
  });

  it("find the first frame behind lengths and padding", () => {
    const fec = (...bytes: number[]): boolean | undefined => readOpusPacket(Uint8Array.from(bytes))?.hasFec;
    expect(fec((1 << 3) | 1, 0x40, 0)).toBe(true); // Code 1
    expect(fec((1 << 3) | 2, 1, 0x40, 0)).toBe(true); // Code 2: one length
    expect(fec((1 << 3) | 2, 252, 0, 0x40)).toBe(true); // of two bytes
    expect(fec((1 << 3) | 2, 0, 0x40)).toBe(false); // the first frame is empty
    expect(fec((1 << 3) | 3, 2, 0x40, 0)).toBe(true); // Code 3, equal lengths
    expect(fec((1 << 3) | 3, 0x82, 1, 0x40, 0)).toBe(true); // with lengths
    expect(fec((1 << 3) | 3, 0x82, 0, 0x40)).toBe(false);
    expect(fec((1 << 3) | 3, 0x42, 255, 3, 0x40, 0)).toBe(true); // with padding
    expect(fec((1 << 3) | 3, 0x42, 255)).toBe(false);
  });

  it("never throw, whatever the bytes", () => {
    const random = new SeededRandom(1);
    for (let round = 0; round < 5000; round++) {
      readOpusPacket(Uint8Array.from({ length: random.integer(0, 12) }, () => random.integer(0, 255)));
    }
  });
});
