import { describe, expect, it } from "vitest";
import { buildCaptureTime, captureTimeOf, readCaptureTime } from "../../src/rtp/capture-time.ts";
import { buildExtensions } from "../../src/rtp/extensions.ts";
import { buildRtp, parseRtp } from "../../src/rtp/packet.ts";
import type { RtpPacket } from "../../src/rtp/packet.ts";
import { SeededRandom } from "../../src/testing/random.ts";

const NOW_US = 1_790_000_000_123_457;

function bytes(...words: number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(words.length * 4));
  words.forEach((word, index) => view.setUint32(index * 4, word));
  return new Uint8Array(view.buffer);
}

function parsed(packet: Uint8Array): RtpPacket {
  const result = parseRtp(packet);
  if (typeof result === "string") throw new Error(result);
  return result;
}

describe("the extension abs-capture-time", () => {
  it("is an NTP timestamp, alone or with a signed clock offset", () => {
    const ntp = [2_208_988_801, 2 ** 31] as const;
    expect(readCaptureTime(bytes(...ntp))).toEqual({ captureUs: 1_500_000 });
    expect(readCaptureTime(bytes(...ntp, 2, 2 ** 30))).toEqual({
      captureUs: 1_500_000,
      clockOffsetUs: 2_250_000,
    });
    expect(readCaptureTime(bytes(...ntp, -1, 2 ** 31))?.clockOffsetUs).toBe(-500_000);
    expect(buildCaptureTime({ captureUs: 1_500_000 })).toEqual(bytes(...ntp));
    expect(buildCaptureTime({ captureUs: 1_500_000, clockOffsetUs: -500_000 })).toEqual(
      bytes(...ntp, -1, 2 ** 31),
    );
  });

  it("returns the same microseconds after there and back", () => {
    const seed = 21;
    const random = new SeededRandom(seed);
    for (let round = 0; round < 2000; round++) {
      const captureUs = random.integer(0, 4_000_000_000) * 1_000_000 + random.integer(0, 999_999);
      const clockOffsetUs = random.integer(-2_000_000_000, 2_000_000_000) * 1000 + random.integer(0, 999);
      const time = random.next() < 0.5 ? { captureUs } : { captureUs, clockOffsetUs };
      const data = buildCaptureTime(time);
      expect(data && readCaptureTime(data), `seed ${seed}, round ${round}`).toEqual(time);
    }
  });

  it("is read from a view into something larger", () => {
    const data = buildCaptureTime({ captureUs: NOW_US }) ?? new Uint8Array(0);
    const memory = new Uint8Array(20).fill(0xff);
    memory.set(data, 5);
    expect(readCaptureTime(memory.subarray(5, 13))).toEqual({ captureUs: NOW_US });
  });

  it("is nothing when its length is wrong or it says unknown", () => {
    for (let length = 0; length <= 40; length++) {
      const found = readCaptureTime(new Uint8Array(length).fill(0x77));
      expect(found !== undefined, `${length} bytes`).toBe(length === 8 || length === 16);
    }
    expect(readCaptureTime(new Uint8Array(8))).toBeUndefined();
    expect(readCaptureTime(new Uint8Array(16))).toBeUndefined();
  });

  it("is not written for times that NTP cannot express", () => {
    const eraUs = (2 ** 32 - 2_208_988_800) * 1_000_000;
    const impossible = [NaN, Infinity, -Infinity, -61_505_152_000_001, 4_233_462_144_000_000, 9e15, eraUs];
    expect(impossible.map((captureUs) => buildCaptureTime({ captureUs }))).toEqual(
      impossible.map(() => undefined),
    );
    expect(buildCaptureTime({ captureUs: NOW_US, clockOffsetUs: 2 ** 31 * 1e6 })).toBeUndefined();
    expect(buildCaptureTime({ captureUs: NOW_US, clockOffsetUs: NaN })).toBeUndefined();
    for (const captureUs of [-61_505_152_000_000, 4_233_462_143_999_999, eraUs - 1, eraUs + 1]) {
      expect(readCaptureTime(buildCaptureTime({ captureUs }) ?? new Uint8Array(0))).toEqual({ captureUs });
    }
  });
});

describe("the capture time of a packet", () => {
  const fields = { ssrc: 1, payloadType: 111, sequenceNumber: 2, timestamp: 3, payload: Uint8Array.of(9) };
  const data = buildCaptureTime({ captureUs: NOW_US, clockOffsetUs: 5 }) ?? new Uint8Array(0);
  const level = { id: 1, data: Uint8Array.of(0x7f) };

  it.each([
    ["one-byte", [level, { id: 3, data }]],
    ["two-byte", [{ id: 20, data: new Uint8Array(17) }, { id: 3, data }, level]],
  ])("is found in the %s form, under the negotiated id only", (_, elements) => {
    const packet = parsed(buildRtp({ ...fields, extension: buildExtensions(elements) }));
    expect(captureTimeOf(packet, 3)).toEqual({ captureUs: NOW_US, clockOffsetUs: 5 });
    expect([0, 1, 2, 20].map((id) => captureTimeOf(packet, id))).toEqual(Array(4).fill(undefined));
    expect([...packet.payload]).toEqual([9]);
  });

  it("is nothing without an extension, or in one of an unknown form", () => {
    expect(captureTimeOf(parsed(buildRtp(fields)), 3)).toBeUndefined();
    const extension = { ...buildExtensions([{ id: 3, data }]), profile: 0xabcd };
    expect(captureTimeOf({ extension }, 3)).toBeUndefined();
  });

  it("is nothing or a number, whatever the extension holds", () => {
    const seed = 22;
    const random = new SeededRandom(seed);
    for (let round = 0; round < 3000; round++) {
      const profile = random.next() < 0.5 ? 0xbede : 0x1000;
      const extension = { profile, data: random.bytes(4 * random.integer(0, 8)) };
      for (const id of [1, 3, 14]) {
        const found = captureTimeOf({ extension }, id);
        const fine = found === undefined || Number.isSafeInteger(found.captureUs);
        expect(fine, `seed ${seed}, round ${round}`).toBe(true);
      }
    }
  });
});
