import { describe, expect, it } from "vitest";
import { buildRtcp, isRtcp, parseRtcp } from "../../../src/rtp/rtcp/packets.ts";
import type { ReportBlock, RtcpPacket } from "../../../src/rtp/rtcp/packets.ts";
import { SeededRandom } from "../../../src/testing/random.ts";

const block: ReportBlock = {
  ssrc: 0x11223344,
  fractionLost: 64,
  cumulativeLost: -3,
  extendedHighestSequence: 0x0001ffff,
  jitter: 480,
  lastSenderReport: 0x89abcdef,
  delaySinceLastSenderReport: 65_536,
};

const compound: RtcpPacket[] = [
  {
    type: "sender-report",
    ssrc: 0xdeadbeef,
    ntp: { seconds: 0xe0000000, fraction: 0x80000000 },
    rtpTimestamp: 123_456_789,
    packetCount: 42,
    octetCount: 4200,
    blocks: [block, { ...block, ssrc: 5, cumulativeLost: 0x7fffff }],
  },
  { type: "receiver-report", ssrc: 1, blocks: [] },
  {
    type: "source-description",
    chunks: [
      { ssrc: 0xdeadbeef, cname: "alice" },
      { ssrc: 2, cname: undefined },
    ],
  },
  { type: "goodbye", ssrcs: [0xdeadbeef, 2], reason: "gone" },
  { type: "goodbye", ssrcs: [], reason: undefined },
];

describe("RTCP packets", () => {
  it("come back from a compound as they went in", () => {
    const bytes = buildRtcp(compound);
    expect(bytes.length % 4).toBe(0);
    expect(isRtcp(bytes)).toBe(true);
    expect(parseRtcp(bytes)).toEqual({ packets: compound, unknown: 0, malformed: [] });
  });

  it("are written as RFC 3550 section 6.4.2 draws them", () => {
    const bytes = buildRtcp([{ type: "receiver-report", ssrc: 1, blocks: [block] }]);
    expect([...bytes]).toEqual(
      [
        [0x81, 201, 0, 7, 0, 0, 0, 1, 0x11, 0x22, 0x33, 0x44, 64, 0xff, 0xff, 0xfd],
        [0, 1, 0xff, 0xff, 0, 0, 1, 0xe0, 0x89, 0xab, 0xcd, 0xef, 0, 1, 0, 0],
      ].flat(),
    );
  });

  it("skip and count types that are not understood", () => {
    const extended = [0x80, 207, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2];
    // An application's own feedback, and a format of transport feedback that nobody has defined.
    const application = [0x8f, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 65, 66, 67, 68];
    const undefinedFormat = [0x9e, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2];
    const report = buildRtcp([{ type: "receiver-report", ssrc: 1, blocks: [] }]);
    const { packets, unknown, malformed } = parseRtcp(
      Uint8Array.from([...extended, ...application, ...undefinedFormat, ...report]),
    );
    expect(packets.map(({ type }) => type)).toEqual(["receiver-report"]);
    expect(unknown).toBe(3);
    expect(malformed).toEqual([]);
  });

  it("refuse a source description that overruns, and read what follows", () => {
    const evil = [0x81, 0xca, 0, 3, 0, 0, 0, 1, 1, 0xc8, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41];
    const report = buildRtcp([{ type: "receiver-report", ssrc: 9, blocks: [] }]);
    const { packets, malformed } = parseRtcp(Uint8Array.from([...evil, ...report]));
    expect(malformed).toEqual(["truncatedBody"]);
    expect(packets).toHaveLength(1);
  });

  it.each([
    ["tooShort", []],
    ["tooShort", [0x80, 201, 0]],
    ["version", [0x41, 201, 0, 1, 0, 0, 0, 1]],
    ["lengthOverrun", [0x80, 201, 0, 9, 0, 0, 0, 1]],
    ["padding", [0xa0, 201, 0, 1, 0, 0, 0, 0]],
    ["padding", [0xa0, 201, 0, 1, 0, 0, 0, 9]],
    ["truncatedBody", [0x81, 201, 0, 1, 0, 0, 0, 1]],
    ["truncatedBody", [0x80, 200, 0, 1, 0, 0, 0, 1]],
    ["truncatedBody", [0x82, 203, 0, 1, 0, 0, 0, 1]],
    ["truncatedBody", [0x81, 203, 0, 2, 0, 0, 0, 1, 9, 65, 65, 65]],
    ["truncatedBody", [0x81, 202, 0, 0]],
    ["truncatedBody", [0x81, 202, 0, 1, 0, 0, 0, 1]],
    ["truncatedBody", [0xa1, 202, 0, 3, 0, 0, 0, 1, 2, 1, 65, 1, 0, 0, 0, 4]],
  ])("are refused as %s", (reason, bytes) => {
    expect(parseRtcp(Uint8Array.from(bytes))).toEqual({ packets: [], unknown: 0, malformed: [reason] });
  });

  it("leave padding out", () => {
    const padded = [0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4];
    expect(parseRtcp(Uint8Array.from(padded)).packets).toEqual([
      { type: "receiver-report", ssrc: 1, blocks: [] },
    ]);
  });

  it("cut texts at a whole character and lists at 31", () => {
    const cname = "ä".repeat(200);
    const chunks = Array.from({ length: 40 }, (_, ssrc) => ({ ssrc, cname }));
    const ssrcs = chunks.map(({ ssrc }) => ssrc);
    const { packets, malformed } = parseRtcp(
      buildRtcp([
        { type: "source-description", chunks },
        { type: "goodbye", ssrcs, reason: cname },
        { type: "receiver-report", ssrc: 1, blocks: ssrcs.map((ssrc) => ({ ...block, ssrc })) },
      ]),
    );
    expect(malformed).toEqual([]);
    const [description, goodbye, report] = packets;
    if (description?.type !== "source-description" || goodbye?.type !== "goodbye") throw new Error("types");
    if (report?.type !== "receiver-report") throw new Error("type");
    expect(description.chunks).toHaveLength(31);
    expect(description.chunks[0]?.cname).toBe("ä".repeat(127));
    expect(goodbye.reason).toBe("ä".repeat(127));
    expect([goodbye.ssrcs.length, report.blocks.length]).toEqual([31, 31]);
  });

  it("tell RTCP from RTP on one port", () => {
    expect(isRtcp(Uint8Array.of(0x80, 111, 0, 1))).toBe(false);
    expect(isRtcp(Uint8Array.of(0x80, 0x80 | 63, 0, 1))).toBe(false);
    expect(isRtcp(Uint8Array.of(0x80))).toBe(false);
  });

  it("never throw on mutated compounds or random bytes, and say of each what became of it", () => {
    const seed = 4711;
    const random = new SeededRandom(seed);
    const corpus = buildRtcp(compound);
    for (let round = 0; round < 5000; round++) {
      let bytes: Uint8Array;
      if (random.chance(0.7)) {
        bytes = corpus.slice(0, random.integer(0, corpus.length));
        for (let i = random.integer(0, 8); i > 0; i--) {
          if (bytes.length > 0) bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
        }
      } else {
        bytes = Uint8Array.from({ length: random.integer(0, 200) }, () => random.integer(0, 255));
      }
      const result = parseRtcp(bytes);
      const said = result.packets.length + result.unknown + result.malformed.length;
      if (said === 0) expect.fail(`seed ${seed}, round ${round}: nothing said`);
      if (result.packets.length === 0) continue;
      const again = parseRtcp(buildRtcp(result.packets));
      if (again.malformed.length > 0) expect.fail(`seed ${seed}, round ${round}: ${again.malformed.join()}`);
    }
  });
});
