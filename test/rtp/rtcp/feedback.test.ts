import { describe, expect, it } from "vitest";
import { buildRtcp, parseRtcp } from "../../../src/rtp/rtcp/packets.ts";
import type { RtcpPacket } from "../../../src/rtp/rtcp/packets.ts";
import { SeededRandom } from "../../../src/testing/random.ts";

/** What a packet is after a journey over the wire. */
function throughWire(packet: RtcpPacket): RtcpPacket | undefined {
  const { packets, unknown, malformed } = parseRtcp(buildRtcp([packet]));
  expect([unknown, malformed]).toEqual([0, []]);
  return packets[0];
}

const nackOf = (sequenceNumbers: number[]): RtcpPacket => ({
  type: "nack",
  senderSsrc: 1,
  mediaSsrc: 0xfffffffe,
  sequenceNumbers,
});

const rembOf = (bitrateBps: number, ssrcs = [7]): RtcpPacket => ({
  type: "remb",
  senderSsrc: 1,
  bitrateBps,
  ssrcs,
});

describe("a generic NACK", () => {
  it("is written as RFC 4585 section 6.2.1 draws it", () => {
    // 1000 with 1001 (bit 0) and 1016 (bit 15); 1017 begins an entry of its own.
    expect([...buildRtcp([nackOf([1000, 1001, 1016, 1017])])]).toEqual(
      [
        [0x81, 205, 0, 4, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xfe],
        [0x03, 0xe8, 0x80, 0x01, 0x03, 0xf9, 0, 0],
      ].flat(),
    );
  });

  it("packs numbers over the wrap into one entry", () => {
    const numbers = [65_530, 65_535, 0, 10];
    expect(buildRtcp([nackOf(numbers)])).toHaveLength(16);
    expect(throughWire(nackOf(numbers))).toEqual(nackOf(numbers));
  });

  it("comes back in its order, sorted or not", () => {
    const seed = 31;
    const random = new SeededRandom(seed);
    for (let round = 0; round < 500; round++) {
      const start = random.integer(0, 65_535);
      const sorted = Array.from({ length: 80 }, (_, index) => (start + index) & 0xffff).filter(() =>
        random.chance(0.3),
      );
      const shuffled = Array.from({ length: random.integer(1, 9) }, () => random.integer(0, 65_535));
      for (const numbers of [sorted, shuffled]) {
        if (numbers.length === 0) continue;
        expect(throughWire(nackOf(numbers)), `seed ${seed}, round ${round}`).toEqual(nackOf(numbers));
      }
      // An entry of four bytes covers seventeen numbers.
      const entries = (buildRtcp([nackOf(sorted)]).length - 12) / 4;
      expect(entries).toBeLessThanOrEqual(Math.ceil(80 / 17));
    }
  });

  it("is cut where the length field ends", () => {
    const numbers = Array.from({ length: 70_000 }, (_, index) => (index * 100) & 0xffff);
    const bytes = buildRtcp([nackOf(numbers)]);
    expect(bytes).toHaveLength(0x10000 * 4);
    const { packets, malformed } = parseRtcp(bytes);
    expect(malformed).toEqual([]);
    expect(packets).toEqual([nackOf(numbers.slice(0, 65_533))]);
  });
});

describe("requests for a whole picture", () => {
  it("are written as RFC 4585 section 6.3.1 and RFC 5104 section 4.3.1 draw them", () => {
    const pli: RtcpPacket = { type: "pli", senderSsrc: 1, mediaSsrc: 2 };
    expect([...buildRtcp([pli])]).toEqual([0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]);
    expect(throughWire(pli)).toEqual(pli);
    const requests = [
      { ssrc: 3, sequenceNumber: 255 },
      { ssrc: 0xffffffff, sequenceNumber: 0 },
    ];
    const fir: RtcpPacket = { type: "fir", senderSsrc: 1, requests };
    expect([...buildRtcp([fir])]).toEqual(
      [
        [0x84, 206, 0, 6, 0, 0, 0, 1, 0, 0, 0, 0],
        [0, 0, 0, 3, 255, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0],
      ].flat(),
    );
    expect(throughWire(fir)).toEqual(fir);
  });
});

describe("a receiver's estimate of the bitrate", () => {
  it("is written as the draft draws it", () => {
    // 1,000,000 bit/s = 250,000 (0x3d090) << 2.
    expect([...buildRtcp([rembOf(1_000_000)])]).toEqual(
      [
        [0x8f, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, 0x52, 0x45, 0x4d, 0x42],
        [1, 0x0b, 0xd0, 0x90, 0, 0, 0, 7],
      ].flat(),
    );
  });

  it.each([
    [0, 0],
    [1, 1],
    [262_143, 262_143],
    [262_145, 262_144],
    [2_000_001, 2_000_000],
    [1e12, 999_997_571_072],
    [Infinity, 262_143 * 2 ** 63],
    [NaN, 0],
    [-5, 0],
  ])("says %d as %d", (bitrateBps, expected) => {
    expect(throughWire(rembOf(bitrateBps))).toEqual(rembOf(expected));
  });

  it("never says more than it was told, and less by 1/131072 at most", () => {
    const seed = 8;
    const random = new SeededRandom(seed);
    for (let round = 0; round < 500; round++) {
      const bitrateBps = Math.floor(2 ** (random.next() * 50));
      const told = throughWire(rembOf(bitrateBps));
      if (told?.type !== "remb") throw new Error("type");
      expect(told.bitrateBps, `seed ${seed}, round ${round}`).toBeLessThanOrEqual(bitrateBps);
      expect(told.bitrateBps, `seed ${seed}, round ${round}`).toBeGreaterThanOrEqual(
        bitrateBps * (1 - 2 ** -17),
      );
      expect(throughWire(told)).toEqual(told);
    }
  });

  it("names up to 255 streams", () => {
    const ssrcs = Array.from({ length: 300 }, (_, index) => index);
    expect(throughWire(rembOf(1000, ssrcs))).toEqual(rembOf(1000, ssrcs.slice(0, 255)));
    expect(throughWire(rembOf(1000, []))).toEqual(rembOf(1000, []));
  });
});

describe("feedback that is broken", () => {
  const ssrcs = [0, 0, 0, 1, 0, 0, 0, 2];
  it.each([
    ["emptyFeedback", "a NACK of nothing", [0x81, 205, 0, 2, ...ssrcs]],
    ["truncatedBody", "a NACK with half its SSRCs", [0x81, 205, 0, 1, 0, 0, 0, 1]],
    ["truncatedBody", "a PLI with half its SSRCs", [0x81, 206, 0, 1, 0, 0, 0, 1]],
    ["truncatedBody", "a FIR with half its SSRCs", [0x84, 206, 0, 1, 0, 0, 0, 1]],
    ["emptyFeedback", "a FIR for nobody", [0x84, 206, 0, 2, ...ssrcs]],
    ["emptyFeedback", "a FIR of half an entry", [0x84, 206, 0, 3, ...ssrcs, 0, 0, 0, 3]],
    ["truncatedBody", "application feedback without a name", [0x8f, 206, 0, 2, ...ssrcs]],
    ["truncatedBody", "a REMB without a rate", [0x8f, 206, 0, 3, ...ssrcs, 0x52, 0x45, 0x4d, 0x42]],
    [
      "truncatedBody",
      "a REMB of more streams than it has",
      [0x8f, 206, 0, 5, ...ssrcs, 0x52, 0x45, 0x4d, 0x42, 2, 0, 0, 1, 0, 0, 0, 9],
    ],
  ])("is refused as %s: %s", (reason, _what, bytes) => {
    expect(parseRtcp(Uint8Array.from(bytes))).toEqual({ packets: [], unknown: 0, malformed: [reason] });
  });

  it("never throws, and never yields more than its bytes can carry", () => {
    const seed = 205;
    const random = new SeededRandom(seed);
    const corpus = buildRtcp([
      nackOf([1, 2, 3, 100, 65_000]),
      { type: "pli", senderSsrc: 1, mediaSsrc: 2 },
      { type: "fir", senderSsrc: 1, requests: [{ ssrc: 3, sequenceNumber: 9 }] },
      rembOf(123_456_789, [1, 2, 3]),
    ]);
    for (let round = 0; round < 5000; round++) {
      const bytes = random.chance(0.7)
        ? corpus.slice(0, random.integer(0, corpus.length))
        : Uint8Array.from({ length: random.integer(4, 120) }, () => random.integer(0, 255));
      for (let i = random.integer(0, 6); i > 0 && bytes.length > 0; i--) {
        bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
      }
      const { packets } = parseRtcp(bytes);
      const entries = packets.reduce((sum, packet) => sum + entriesOf(packet), 0);
      if (entries * 4 > bytes.length * 17) expect.fail(`seed ${seed}, round ${round}: ${entries} entries`);
      const again = parseRtcp(buildRtcp(packets)).packets;
      expect(again, `seed ${seed}, round ${round}`).toEqual(packets);
    }
  });
});

function entriesOf(packet: RtcpPacket): number {
  if (packet.type === "nack") return packet.sequenceNumbers.length;
  if (packet.type === "fir") return packet.requests.length;
  return packet.type === "remb" ? packet.ssrcs.length : 0;
}
