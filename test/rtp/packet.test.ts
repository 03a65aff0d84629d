import { describe, expect, it } from "vitest";
import { buildExtensions, readExtensions } from "../../src/rtp/extensions.ts";
import { buildRtp, parseRtp } from "../../src/rtp/packet.ts";
import type { RtpPacket } from "../../src/rtp/packet.ts";
import { SeededRandom } from "../../src/testing/random.ts";

const fields = {
  ssrc: 0xdeadbeef,
  payloadType: 111,
  sequenceNumber: 65_535,
  timestamp: 4_294_967_000,
  marker: true,
  payload: Uint8Array.of(1, 2, 3),
};

function parsed(bytes: Uint8Array): RtpPacket {
  const packet = parseRtp(bytes);
  if (typeof packet === "string") throw new Error(`refused: ${packet}`);
  return packet;
}

function sameFields(actual: unknown, expected: RtpPacket): boolean {
  const plain = (value: unknown): string =>
    JSON.stringify(value, (_, part: unknown) => (part instanceof Uint8Array ? [...part] : part));
  return plain(actual) === plain(expected);
}

describe("RTP packets", () => {
  it("are written as RFC 3550 section 5.1 draws them", () => {
    expect([...buildRtp(fields)]).toEqual([
      0x80, 0xef, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xd8, 0xde, 0xad, 0xbe, 0xef, 1, 2, 3,
    ]);
  });

  it("come back with every field as it was", () => {
    const extension = buildExtensions([{ id: 5, data: Uint8Array.of(9, 8, 7) }]);
    const full = { ...fields, csrcs: [1, 0xffffffff], extension, paddingLength: 4 };
    expect(parsed(buildRtp(full))).toEqual(full);
  });

  it("are cut to the width of their fields", () => {
    const packet = parsed(buildRtp({ ...fields, sequenceNumber: 65_536 + 7, timestamp: 2 ** 32 + 9 }));
    expect(packet.sequenceNumber).toBe(7);
    expect(packet.timestamp).toBe(9);
  });

  it("may be nothing but padding", () => {
    const packet = parsed(buildRtp({ ...fields, payload: new Uint8Array(0), paddingLength: 255 }));
    expect(packet.payload.length).toBe(0);
    expect(packet.paddingLength).toBe(255);
  });

  it("pass an extension of an unknown profile on byte by byte", () => {
    const extension = { profile: 0x1234, data: Uint8Array.of(1, 2, 3, 4) };
    const bytes = buildRtp({ ...fields, extension });
    expect(buildRtp(parsed(bytes))).toEqual(bytes);
    expect(readExtensions(extension)).toEqual([]);
  });

  it("read from the middle of a larger buffer", () => {
    const large = new Uint8Array(100);
    large.set(buildRtp(fields), 33);
    expect(parsed(large.subarray(33, 48)).payload).toEqual(fields.payload);
  });

  it.each([
    ["tooShort", [0x80, 111, 0, 1]],
    ["version", [0x40, 111, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1]],
    ["csrcOverrun", [0x81, 111, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1]],
    ["extensionOverrun", [0x90, 111, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xbe, 0xde]],
    ["extensionOverrun", [0x90, 111, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xbe, 0xde, 0, 1, 0, 0]],
    ["paddingOverrun", [0xa0, 111, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 2]],
    ["paddingOverrun", [0xa0, 111, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 5, 0]],
  ])("are refused as %s", (reason, bytes) => {
    expect(parseRtp(Uint8Array.from(bytes))).toBe(reason);
  });

  it("never throw, whatever the bytes, and are rebuilt to the same fields", () => {
    const seed = 20_260_101;
    const random = new SeededRandom(seed);
    for (let round = 0; round < 5000; round++) {
      const bytes = Uint8Array.from({ length: random.integer(0, 80) }, () => random.integer(0, 255));
      if (bytes.length > 0 && random.chance(0.9)) bytes[0] = 0x80 | random.integer(0, 0x3f);
      const packet = parseRtp(bytes);
      if (typeof packet === "string") continue;
      if (packet.extension !== undefined) readExtensions(packet.extension);
      if (sameFields(parseRtp(buildRtp(packet)), packet)) continue;
      expect.fail(`seed ${seed}, round ${round}: not the same fields`);
    }
  });
});

describe("header extensions", () => {
  it("take the one-byte form when they fit it", () => {
    const extension = buildExtensions([
      { id: 1, data: Uint8Array.of(0xaa) },
      { id: 14, data: new Uint8Array(16).fill(7) },
    ]);
    expect(extension.profile).toBe(0xbede);
    expect([...extension.data.subarray(0, 4)]).toEqual([0x10, 0xaa, 0xef, 7]);
    expect(extension.data.length % 4).toBe(0);
    expect(readExtensions(extension).map(({ id, data }) => [id, data.length])).toEqual([
      [1, 1],
      [14, 16],
    ]);
  });

  it("take the two-byte form for large ids, long and empty elements", () => {
    for (const element of [
      { id: 15, data: Uint8Array.of(1) },
      { id: 3, data: new Uint8Array(17) },
      { id: 3, data: new Uint8Array(0) },
    ]) {
      const extension = buildExtensions([element]);
      expect(extension.profile).toBe(0x1000);
      expect(readExtensions(extension)).toEqual([element]);
    }
  });

  it("leave out what fits neither form", () => {
    const elements = [
      { id: 0, data: Uint8Array.of(1) },
      { id: 256, data: Uint8Array.of(1) },
      { id: 2, data: new Uint8Array(256) },
    ];
    expect(buildExtensions(elements).data.length).toBe(0);
  });

  it("skip padding and stop at id 15 and at an element that overruns", () => {
    const data = Uint8Array.of(0, 0x20, 5, 0, 0xf0, 1, 0x30, 6);
    expect(readExtensions({ profile: 0xbede, data })).toEqual([{ id: 2, data: Uint8Array.of(5) }]);
    expect(readExtensions({ profile: 0xbede, data: Uint8Array.of(0x2f, 1, 2, 3) })).toEqual([]);
    expect(readExtensions({ profile: 0x1000, data: Uint8Array.of(0, 2, 9, 1) })).toEqual([]);
    expect(readExtensions({ profile: 0x100f, data: Uint8Array.of(0, 0, 0, 7) })).toEqual([]);
  });
});
