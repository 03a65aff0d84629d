import { describe, expect, it } from "vitest";
import { TraceError } from "../../../src/cli/replay/trace-error.ts";
import { readTrace } from "../../../src/cli/replay/trace.ts";
import {
  block,
  enhanced,
  ethernet,
  interfaceBlock,
  ipv4,
  join,
  pcap,
  rtp,
  rtpdump,
  section,
  u16,
  u32,
  udp,
} from "./trace-bytes.ts";

const frames = [1, 2, 3].map((sequence) => ethernet(ipv4(udp(rtp(sequence)))));
const packets = [1, 2, 3].map((sequence) => rtp(sequence));

/** What is wrong with these bytes. */
function faultOf(bytes: Uint8Array): { offset: number; message: string } {
  try {
    readTrace(bytes);
  } catch (error) {
    if (error instanceof TraceError) return { offset: error.byteOffset, message: error.message };
    throw error;
  }
  return { offset: -1, message: "nothing" };
}

function arrivals(bytes: Uint8Array): number[] {
  return readTrace(bytes).packets.map(({ arrivalMs }) => Number(arrivalMs.toFixed(6)));
}

describe("rtpdump files", () => {
  it("give RTP with its times and pass over RTCP and records without a packet", () => {
    const bytes = rtpdump([
      { bytes: rtp(1), atMs: 5 },
      { bytes: Uint8Array.of(0x80, 200, 0, 1, 0, 0, 0, 7), atMs: 10, length: 0 },
      { bytes: new Uint8Array(), atMs: 15, length: 0 },
      { bytes: rtp(2), atMs: 4_000_000_000 },
      { bytes: Uint8Array.of(0x80, 201, 0, 1, 0, 0, 0, 7), atMs: 4_000_000_000 },
      { bytes: Uint8Array.of(1, 2, 3), atMs: 4_000_000_000 },
    ]);
    expect(readTrace(bytes)).toEqual({
      format: "rtpdump",
      packets: [
        { packet: rtp(1), arrivalMs: 5 },
        { packet: rtp(2), arrivalMs: 4_000_000_000 },
      ],
      skipped: { rtcp: 2, empty: 1, notRtp: 1 },
      snapped: 0,
      backwards: 0,
    });
  });

  it("are taken with any address in the first line, but not without its end", () => {
    expect(readTrace(rtpdump([{ bytes: rtp(1), atMs: 0 }], "some.host.example/5004")).packets).toHaveLength(
      1,
    );
    expect(readTrace(rtpdump([{ bytes: rtp(1), atMs: 0 }], "")).packets).toHaveLength(1);
    expect(faultOf(new TextEncoder().encode(`#!rtpplay1.0 ${"x".repeat(2000)}`))).toMatchObject({
      offset: 0,
    });
  });

  it("may hold the beginnings of packets only: a stand-in of the fixed header is played", () => {
    const extended = rtp(9, { extension: { profile: 0xbede, data: new Uint8Array(8) }, paddingLength: 3 });
    const bytes = rtpdump([
      { bytes: extended.subarray(0, 12), atMs: 0, length: extended.length },
      { bytes: rtp(10).subarray(0, 14), atMs: 20, length: 16 },
      { bytes: rtp(11).subarray(0, 11), atMs: 40, length: 16 },
    ]);
    const trace = readTrace(bytes);
    expect(trace.packets.map(({ packet }) => packet)).toEqual([
      join([0x80], extended.subarray(1, 12), [0]),
      rtp(10).subarray(0, 14),
    ]);
    expect(trace.snapped).toBe(2);
    expect(trace.skipped).toEqual({ notRtp: 1 });
  });

  it("are refused where a record is cut off or shorter than its header", () => {
    const good = rtpdump([{ bytes: rtp(1), atMs: 0 }]);
    expect(faultOf(good.subarray(0, good.length - 1))).toMatchObject({ offset: good.length - 24 });
    expect(faultOf(join(good, u16(false, 7, 0), u32(false, 0)))).toMatchObject({ offset: good.length });
    expect(faultOf(join(good, [0]))).toMatchObject({ offset: good.length });
  });
});

describe("pcap files", () => {
  const at = [
    { seconds: 1_700_000_000, units: 999_999 },
    { seconds: 1_700_000_001, units: 20_000 },
    { seconds: 1_700_000_001, units: 40_500 },
  ];
  const taken = frames.map((bytes, i) => ({ bytes, ...at[i] }));

  it.each([true, false])("are read with little-endian %s, in microseconds", (little) => {
    const trace = readTrace(pcap(taken, { little }));
    expect(trace.format).toBe("pcap");
    expect(trace.packets.map(({ packet }) => packet)).toEqual(packets);
    expect(arrivals(pcap(taken, { little }))).toEqual([0, 20.001, 40.501]);
  });

  it.each([true, false])("are read with little-endian %s, in nanoseconds", (little) => {
    const nano = taken.map(({ units = 0, ...rest }) => ({ ...rest, units: units * 1000 + 7 }));
    expect(arrivals(pcap(nano, { little, nanoseconds: true }))).toEqual([0, 20.001, 40.501]);
  });

  it("are refused at the link type when nobody knows it", () => {
    expect(faultOf(pcap(taken, { linkType: 147 }))).toEqual({
      offset: 20,
      message: "link type 147 is not supported",
    });
  });

  it("may tell of a frame check sequence in the bits above the link type", () => {
    expect(readTrace(pcap(taken, { linkType: 0x4400_0001 })).packets).toHaveLength(3);
  });

  it("are refused at a record that claims four gigabytes", () => {
    const bytes = pcap(taken);
    const offset = 24 + 16 + (frames[0]?.length ?? 0);
    bytes.set([0xff, 0xff, 0xff, 0xff], offset + 8);
    expect(faultOf(bytes)).toMatchObject({ offset });
  });

  it("have their packets put in the order of time, and this is told", () => {
    const [first, second, third] = taken;
    const mixed = [second, third, first].flatMap((frame) => frame ?? []);
    const trace = readTrace(pcap(mixed));
    expect(trace.backwards).toBe(1);
    expect(trace.packets.map(({ packet }) => packet)).toEqual(packets);
    expect(arrivals(pcap(mixed))).toEqual([0, 20.001, 40.501]);
  });

  it("may have cut the packets", () => {
    const cut = frames.map((frame) => ({ bytes: frame.subarray(0, 14 + 20 + 8 + 13) }));
    const trace = readTrace(pcap(cut));
    expect(trace.packets.map(({ packet }) => packet)).toEqual(
      packets.map((packet) => packet.subarray(0, 13)),
    );
    expect(trace.snapped).toBe(3);
  });
});

describe("pcapng files", () => {
  const time = 1_700_000_000_000_000n;
  const plain = (little: boolean): Uint8Array[] => [
    section(little),
    interfaceBlock(little, 1),
    ...frames.map((frame, i) => enhanced(little, frame, time + 20_000n * BigInt(i))),
  ];

  it.each([true, false])("are read with little-endian %s", (little) => {
    const trace = readTrace(join(...plain(little)));
    expect(trace.format).toBe("pcapng");
    expect(trace.packets.map(({ packet }) => packet)).toEqual(packets);
    expect(arrivals(join(...plain(little)))).toEqual([0, 20, 40]);
  });

  it("may change the byte order and the interfaces from section to section", () => {
    const trace = readTrace(join(...plain(true), ...plain(false)));
    expect(trace.packets).toHaveLength(6);
    const orphan = join(...plain(true), section(false), enhanced(false, frames[0] ?? new Uint8Array(), time));
    expect(faultOf(orphan)).toMatchObject({ message: expect.stringContaining("interface 0") as string });
  });

  it.each([
    ["nanoseconds", { code: 9, value: [9] }, 1_000_000_000n],
    ["milliseconds", { code: 9, value: [3] }, 1000n],
    ["1/1024 s", { code: 9, value: [0x8a] }, 1024n],
    ["2^-32 s", { code: 9, value: [0xa0] }, 1n << 32n],
    ["microseconds when not said", { code: 2, value: [101, 116, 104] }, 1_000_000n],
  ])("have times in %s", (_name, option, units) => {
    const moments = [1_700_000_000n * units, 1_700_000_000n * units + units / 2n, 1_700_000_001n * units];
    const blocks = frames.map((frame, i) => enhanced(true, frame, moments[i] ?? 0n));
    const options = [{ code: 1, value: [97] }, option, { code: 0, value: [] }];
    expect(arrivals(join(section(true), interfaceBlock(true, 1, options), ...blocks))).toEqual([
      0, 500, 1000,
    ]);
  });

  it("have interfaces of their own link type, resolution and time offset", () => {
    const [first, second, third] = frames;
    const offset = { code: 14, value: [2, 0, 0, 0, 0, 0, 0, 0] };
    const bytes = join(
      section(true),
      interfaceBlock(true, 1),
      interfaceBlock(true, 101, [{ code: 9, value: [3] }, offset]),
      enhanced(true, first ?? new Uint8Array(), 3_000_000n),
      enhanced(true, second?.subarray(14) ?? new Uint8Array(), 1020n, 1),
      enhanced(true, third ?? new Uint8Array(), 3_040_000n),
    );
    expect(arrivals(bytes)).toEqual([0, 20, 40]);
  });

  it("pass over blocks they do not know, count simple packets and read obsolete ones", () => {
    const obsolete = frames.map((frame, i) =>
      block(true, 2, u16(true, 0, 9), u32(true, 0, 20_000 * i, frame.length, frame.length), frame),
    );
    const simple = block(true, 3, u32(true, 4), [1, 2, 3, 4]);
    const unknown = block(true, 0xbad, [1, 2, 3]);
    const bytes = join(section(true), unknown, interfaceBlock(true, 1), ...obsolete, simple, unknown);
    expect(arrivals(bytes)).toEqual([0, 20, 40]);
    expect(readTrace(bytes).skipped).toEqual({ untimed: 1 });
  });

  it("count frames of an unknown link type", () => {
    const bytes = join(section(true), interfaceBlock(true, 147), enhanced(true, Uint8Array.of(1), 0n));
    expect(readTrace(bytes)).toMatchObject({ packets: [], skipped: { unknownLinkType: 1 } });
  });

  it("are refused where a block contradicts itself", () => {
    const head = join(section(true), interfaceBlock(true, 1));
    const offset = head.length;
    const packet = enhanced(true, frames[0] ?? new Uint8Array(), 0n);
    const changed = (at: number, ...values: number[]): Uint8Array => {
      const copy = Uint8Array.from(packet);
      copy.set(values, at);
      return join(head, copy);
    };
    expect(faultOf(changed(4, 13))).toMatchObject({
      offset,
      message: expect.stringContaining("13") as string,
    });
    expect(faultOf(changed(4, 0, 0, 0, 0))).toMatchObject({ offset });
    expect(faultOf(changed(4, 0xfc, 0xff, 0xff, 0xff))).toMatchObject({ offset });
    expect(faultOf(changed(packet.length - 4, 1))).toMatchObject({ offset });
    expect(faultOf(changed(20, 0xff, 0xff, 0xff, 0xff))).toMatchObject({ offset });
    expect(faultOf(join(head, block(true, 6, u32(true, 0))))).toMatchObject({ offset });
    expect(faultOf(block(true, 0x0a0d0d0a, u32(true, 1, 2, 3, 4)))).toMatchObject({ offset: 0 });
  });
});

describe("RTP among other UDP", () => {
  const capture = (...payloads: Uint8Array[]): Uint8Array =>
    pcap(payloads.map((payload) => ({ bytes: ethernet(ipv4(udp(payload))) })));

  it("is found by an SSRC that goes on counting, also over a wrap, loss and reordering", () => {
    const payloads = [65_534, 65_535, 1, 0, 5, 4].map((sequence) => rtp(sequence));
    expect(readTrace(capture(...payloads)).packets).toHaveLength(6);
  });

  it("is not found in two packets, in numbers that jump about, or in copies of one packet", () => {
    for (const sequences of [
      [1, 2],
      [1, 30_000, 12_000, 50_000, 50_001, 50_002],
      [5, 5, 5, 5, 5],
    ]) {
      const trace = readTrace(capture(...sequences.map((sequence) => rtp(sequence))));
      expect(trace, String(sequences)).toMatchObject({ packets: [], skipped: { notRtp: sequences.length } });
    }
  });

  it("is told from RTCP, STUN, DTLS and DNS", () => {
    const stun = join([0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42], new Uint8Array(12));
    const dtls = join([22, 254, 253], new Uint8Array(20));
    const senderReport = join([0x80, 200, 0, 6], new Uint8Array(24));
    const reserved = [1, 2, 3, 4].map((sequence) => rtp(sequence, { payloadType: 72 }));
    // Questions and answers of DNS: a random number, flags, counts; an additional record makes an "SSRC" of 1.
    const dns = [0x8001, 0x8a11, 0xbf00, 0x9123].map((id) =>
      join(u16(false, id, 0x0100, 1, 0, 0, 1), new Uint8Array(12)),
    );
    const trace = readTrace(capture(stun, dtls, senderReport, ...reserved, ...dns, ...packets));
    expect(trace.packets.map(({ packet }) => packet)).toEqual(packets);
    expect(trace.skipped).toEqual({ notRtp: 10, rtcp: 1 });
  });

  it("is judged flow by flow", () => {
    const other = (payload: Uint8Array): Uint8Array => {
      const datagram = udp(payload);
      datagram[1] = 7;
      return ethernet(ipv4(datagram));
    };
    const bytes = pcap([...frames, other(rtp(4)), other(rtp(5))].map((frame) => ({ bytes: frame })));
    expect(readTrace(bytes)).toMatchObject({ skipped: { notRtp: 2 } });
    expect(readTrace(bytes).packets).toHaveLength(3);
  });
});

describe("other files", () => {
  it.each([
    ["nothing", new Uint8Array(), "the file is empty"],
    ["text", new TextEncoder().encode("hello"), "the file is no trace"],
    ["a PNG", Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10), "the file is no trace"],
  ])("of %s are refused, and what is expected is said", (_name, bytes, start) => {
    expect(faultOf(bytes)).toEqual({
      offset: 0,
      message: `${start}: expected rtpdump ("#!rtpplay1.0"), pcap or pcapng`,
    });
  });
});
