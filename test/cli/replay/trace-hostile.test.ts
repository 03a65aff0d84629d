// Trace files cut off anywhere and changed anywhere: the readers give a result or say where the file is broken.
import { describe, expect, it } from "vitest";
import { playTrace } from "../../../src/cli/replay/playback.ts";
import { findStreams } from "../../../src/cli/replay/streams.ts";
import { TraceError } from "../../../src/cli/replay/trace-error.ts";
import { readTrace } from "../../../src/cli/replay/trace.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
import {
  block,
  enhanced,
  ethernet,
  interfaceBlock,
  ipv4,
  ipv6,
  join,
  pcap,
  rtp,
  rtpdump,
  section,
  u16,
  u32,
  udp,
} from "./trace-bytes.ts";

const V6 = 0x86dd;
const packets = [1, 2, 3, 4].map((sequence) => rtp(sequence, { payloadType: 96 }));
const frames = packets.map((packet, i) =>
  i % 2 === 0 ? ethernet(ipv4(udp(packet))) : ethernet(ipv6(udp(packet)), V6),
);
const cooked = packets.map((packet) =>
  join(new Uint8Array(14), u16(false, 0x8100, 1, 0x0800), ipv4(udp(packet), { options: 8 })),
);

const files: Record<string, Uint8Array> = {
  rtpdump: rtpdump([
    ...packets.map((bytes, i) => ({ bytes, atMs: 20 * i })),
    { bytes: new Uint8Array(8), atMs: 80, length: 0 },
  ]),
  "pcap of Ethernet": pcap(packets.map((packet) => ({ bytes: ethernet(ipv4(udp(packet)), 0x0800, 0x8100) }))),
  "pcap of cooked frames, big-endian": pcap(
    cooked.map((bytes, i) => ({ bytes, seconds: i })),
    { little: false, linkType: 113 },
  ),
  "pcap of IPv6 with extensions": pcap(
    packets.map((packet) => ({
      bytes: ipv6(join([44, 0], new Uint8Array(6), [17, 0], new Uint8Array(6), udp(packet)), 0),
    })),
    { linkType: 229, nanoseconds: true },
  ),
  pcapng: join(
    section(true),
    interfaceBlock(true, 1, [
      { code: 9, value: [9] },
      { code: 14, value: [0, 0, 0, 0, 0, 0, 0, 1] },
      { code: 0, value: [] },
    ]),
    ...frames.map((frame, i) => enhanced(true, frame, BigInt(i) * 20_000_000n)),
    block(true, 3, u32(true, 4), [1, 2, 3, 4]),
    section(false),
    interfaceBlock(false, 101, [{ code: 9, value: [0x8a] }]),
    ...packets.map((packet, i) => enhanced(false, ipv4(udp(packet)), BigInt(i) * 20n)),
  ),
};

/** Undefined when the bytes are taken, else where they are broken; whatever is taken can also be played. */
function broken(bytes: Uint8Array, name: string): number | undefined {
  try {
    const trace = readTrace(bytes);
    for (const { packets: own, payloadTypes } of findStreams(trace.packets, new Map())) {
      playTrace(own, { clockRate: payloadTypes[0].clockRate, mode: "adaptive", delayMs: 50 });
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof TraceError)) throw new Error(`${name}: ${String(error)}`, { cause: error });
    expect(error.byteOffset, name).toBeGreaterThanOrEqual(0);
    expect(error.byteOffset, name).toBeLessThanOrEqual(bytes.length);
    return error.byteOffset;
  }
}

describe.each(Object.entries(files))("a file of %s", (name, bytes) => {
  it("is sound as a whole", () => {
    expect(broken(bytes, name)).toBeUndefined();
    expect(readTrace(bytes).packets.length).toBeGreaterThanOrEqual(4);
  });

  it("cut off at any byte is read up to a record's end, or broken where the record begins", () => {
    const ends = new Set<number>();
    for (let length = 0; length < bytes.length; length++) {
      const offset = broken(bytes.subarray(0, length), `${name}, cut to ${length} bytes`);
      if (offset === undefined) ends.add(length);
      // Every record is announced by the end of the one before; the header is blamed as a whole.
      else if (ends.size > 0) expect([...ends], `${name}, cut to ${length} bytes`).toContain(offset);
    }
    expect(ends.size).toBeGreaterThan(3);
  });

  it("changed at random is read, or broken at a place within (seed 20)", { timeout: 30_000 }, () => {
    const random = new SeededRandom(20);
    let refused = 0;
    for (let round = 0; round < 1000; round++) {
      const copy = Uint8Array.from(
        bytes.subarray(0, random.chance(0.2) ? random.integer(0, bytes.length) : undefined),
      );
      for (let changes = random.integer(1, 6); changes > 0 && copy.length > 0; changes--) {
        const at = random.integer(0, copy.length - 1);
        copy[at] = random.chance(0.5) ? random.integer(0, 255) : random.chance(0.5) ? 255 : 0;
      }
      if (broken(copy, `${name}, seed 20, round ${round}`) !== undefined) refused++;
    }
    expect(refused).toBeGreaterThan(20);
  });
});

describe("bytes that are no trace", () => {
  it("are refused or hold nothing, behind any magic (seed 21)", () => {
    const random = new SeededRandom(21);
    const magics = [[], ...Object.values(files).map((bytes) => [...bytes.subarray(0, 28)])];
    for (let round = 0; round < 2000; round++) {
      const magic = magics[round % magics.length] ?? [];
      broken(join(magic, random.bytes(random.integer(0, 200))), `seed 21, round ${round}`);
    }
  });
});
