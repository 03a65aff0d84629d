import { describe, expect, it } from "vitest";
import { buildRtcp, parseRtcp } from "../../../src/rtp/rtcp/packets.ts";
import { transportFeedback } from "../../../src/rtp/rtcp/transport-cc.ts";
import type { PacketArrival, TransportFeedback } from "../../../src/rtp/rtcp/transport-cc.ts";
import { SeededRandom } from "../../../src/testing/random.ts";

const options = { senderSsrc: 1, mediaSsrc: 2, feedbackCount: 3, baseSequence: 0 };

/** Arrivals wrap after 2^30 ms on the wire. */
const CIRCLE_US = 2 ** 30 * 1000;

function throughWire(packet: TransportFeedback): TransportFeedback {
  const { packets, unknown, malformed } = parseRtcp(buildRtcp([packet]));
  expect([unknown, malformed]).toEqual([0, []]);
  const [parsed] = packets;
  if (parsed?.type !== "transport-cc") throw new Error(`type ${parsed?.type}`);
  return parsed;
}

/** Arrivals of 20 ms packets with loss, reordered times and pauses, in steps of 250 us. */
function randomArrivals(random: SeededRandom, base: number): PacketArrival[] {
  const loss = pick(random, [0, 0.02, 0.3, 0.8]);
  const spreadUs = pick(random, [2_000, 40_000, 400_000]);
  const pauses = random.chance(0.3) ? 0.05 : 0;
  let clockUs = random.integer(0, 1e6) * 250;
  const arrivals: PacketArrival[] = [];
  for (let offset = 0; offset < random.integer(1, 600); offset++) {
    clockUs += 20_000 + (random.chance(pauses) ? random.integer(-40, 80) * 250_000 : 0);
    if (random.chance(loss)) continue;
    const receivedUs = clockUs + Math.round(random.integer(0, spreadUs) / 250) * 250;
    arrivals.push({ sequenceNumber: (base + offset) & 0xffff, receivedUs });
  }
  return arrivals;
}

describe("transport-wide feedback", () => {
  it("is written as the draft draws it", () => {
    // Steps of 4, 1 and 300 ticks behind 64 ms x 5; the second packet is lost: statuses 1, 0, 1, 2.
    const ticks = 5 * 256;
    const [packet] = transportFeedback(
      [
        { sequenceNumber: 10, receivedUs: (ticks + 4) * 250 },
        { sequenceNumber: 12, receivedUs: (ticks + 5) * 250 },
        { sequenceNumber: 13, receivedUs: (ticks + 305) * 250 },
      ],
      { ...options, baseSequence: 10 },
    );
    if (packet === undefined) throw new Error("no packet");
    expect(packet).toMatchObject({ baseSequence: 10, statusCount: 4, feedbackCount: 3 });
    expect([...buildRtcp([packet])]).toEqual(
      [
        [0xaf, 205, 0, 6, 0, 0, 0, 1, 0, 0, 0, 2, 0, 10, 0, 4, 0, 0, 5, 3],
        // 11 01 00 01 10 ...: a vector of two-bit statuses. Then the steps, and two bytes of padding.
        [0b11010001, 0b10000000, 4, 1, 0x01, 0x2c, 0, 2],
      ].flat(),
    );
    expect(throughWire(packet)).toEqual(packet);
  });

  it("says nothing when nothing came, and what is missing before the first that came", () => {
    expect(transportFeedback([], options)).toEqual([]);
    const [packet, ...others] = transportFeedback([{ sequenceNumber: 4, receivedUs: 0 }], options);
    expect(others).toEqual([]);
    expect(packet).toMatchObject({ baseSequence: 0, statusCount: 5 });
    expect(packet === undefined ? undefined : throughWire(packet)).toEqual(packet);
  });

  it("keeps every arrival, whatever came when, in packets of at most 1100 bytes", () => {
    const seed = 77;
    const random = new SeededRandom(seed);
    for (let round = 0; round < 400; round++) {
      const base = pick(random, [0, 65_400, random.integer(0, 65_535)]);
      const arrivals = randomArrivals(random, base);
      const packets = transportFeedback(arrivals, { ...options, baseSequence: base });
      const said: PacketArrival[] = [];
      let next = base;
      packets.forEach((packet, index) => {
        expect(packet.baseSequence, `seed ${seed}, round ${round}`).toBe(next);
        expect(packet.feedbackCount).toBe((3 + index) & 0xff);
        next = (next + packet.statusCount) & 0xffff;
        expect(buildRtcp([packet]).length).toBeLessThanOrEqual(1100);
        const parsed = throughWire(packet);
        expect(parsed, `seed ${seed}, round ${round}`).toEqual(packet);
        said.push(...parsed.received);
      });
      expect(said, `seed ${seed}, round ${round}`).toEqual(arrivals);
    }
  });

  it("sorts what came out of order, and takes the first of duplicates", () => {
    const arrivals = [
      { sequenceNumber: 1, receivedUs: 0 },
      { sequenceNumber: 65_535, receivedUs: 250 },
      { sequenceNumber: 0, receivedUs: 500 },
      { sequenceNumber: 1, receivedUs: 5_000 },
      { sequenceNumber: 65_000, receivedUs: 5_250 },
    ];
    const [packet] = transportFeedback(arrivals, { ...options, baseSequence: 65_534 });
    expect(packet).toMatchObject({ baseSequence: 65_534, statusCount: 4 });
    expect(packet?.received.map(({ sequenceNumber }) => sequenceNumber)).toEqual([65_535, 0, 1]);
    expect(packet?.received.map(({ receivedUs }) => receivedUs)).toEqual([250, 500, 0]);
  });

  it("begins a new packet where a step, forward or back, does not fit", () => {
    const far = 32_767 * 250;
    const arrivals = [0, far, 2 * far + 250, far + 250 - 250, far - 32_769 * 250].map(
      (receivedUs, sequenceNumber) => ({ sequenceNumber, receivedUs }),
    );
    const packets = transportFeedback(arrivals, options);
    expect(packets.map(({ statusCount }) => statusCount)).toEqual([2, 2, 1]);
    expect(packets.flatMap((packet) => throughWire(packet).received)).toEqual(arrivals);
  });

  it("leaves out of one packet what it cannot hold", () => {
    const received = [0, 1, 5, 3, 4].map((sequenceNumber) => ({ sequenceNumber, receivedUs: 0 }));
    const packet: TransportFeedback = { type: "transport-cc", ...options, statusCount: 6, received };
    expect(throughWire(packet).received.map(({ sequenceNumber }) => sequenceNumber)).toEqual([0, 1, 5]);
    expect(throughWire({ ...packet, statusCount: 5 }).received).toHaveLength(2);
    const away = [received[0] ?? fail(), { sequenceNumber: 1, receivedUs: 9e6 }];
    expect(throughWire({ ...packet, received: away }).received).toHaveLength(1);
  });

  it("carries a clock that wraps, and times before zero", () => {
    for (const startUs of [CIRCLE_US / 2 - 500, -250, -CIRCLE_US / 2, CIRCLE_US * 3 + 1000]) {
      const arrivals = [0, 250, 750, 1000].map((us, sequenceNumber) => ({
        sequenceNumber,
        receivedUs: startUs + us,
      }));
      const [packet] = transportFeedback(arrivals, options);
      if (packet === undefined) throw new Error("no packet");
      const { received } = throughWire(packet);
      received.forEach(({ receivedUs }, index) => {
        expect((receivedUs - (arrivals[index]?.receivedUs ?? 0)) / CIRCLE_US).toBeCloseTo(
          Math.round((receivedUs - startUs) / CIRCLE_US),
          12,
        );
      });
      const steps = received.map(({ receivedUs }) => receivedUs - (received[0]?.receivedUs ?? 0));
      expect(steps).toEqual([0, 250, 750, 1000]);
    }
  });

  it("writes as few chunks as there can be", () => {
    const seed = 12;
    const random = new SeededRandom(seed);
    for (let round = 0; round < 300; round++) {
      const statuses: number[] = [];
      while (statuses.length < random.integer(1, 90)) {
        const status = pick(random, [0, 0, 1, 1, 1, 2]);
        statuses.push(...Array.from({ length: pick(random, [1, 1, 2, 5, 20]) }, () => status));
      }
      statuses.push(1);
      // The first step is one from a time shortly before, and always small.
      statuses[statuses.findIndex((status) => status !== 0)] = 1;
      const packet = ofStatuses(statuses);
      const bytes = buildRtcp([packet]);
      const padding = ((bytes[0] ?? 0) & 0x20) === 0 ? 0 : (bytes.at(-1) ?? 0);
      const steps = statuses.reduce((sum, status) => sum + status, 0);
      const chunks = (bytes.length - 20 - steps - padding) / 2;
      expect(chunks, `seed ${seed}, round ${round}: ${statuses.join("")}`).toBe(leastChunks(statuses));
      expect(throughWire(packet)).toEqual(packet);
    }
  });

  it("says a long loss in a few bytes, and reads it without a list of the lost", () => {
    const received = [
      { sequenceNumber: 0, receivedUs: 0 },
      { sequenceNumber: 30_000, receivedUs: 1000 },
    ];
    const [packet] = transportFeedback(received, options);
    if (packet === undefined) throw new Error("no packet");
    expect(buildRtcp([packet]).length).toBeLessThanOrEqual(36);
    expect(throughWire(packet)).toEqual(packet);
  });

  it.each([
    ["truncatedBody", "a packet without its fields", [0xaf, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1]],
    ["emptyFeedback", "a packet about nothing", packetOf(0, [])],
    ["truncatedBody", "65535 packets in no chunk", packetOf(65_535, [])],
    ["truncatedBody", "65535 packets in two chunks", packetOf(65_535, [0x1f, 0xff, 0x1f, 0xff])],
    ["truncatedBody", "8191 arrivals without their times", packetOf(8191, [0x3f, 0xff, 0, 0])],
    ["truncatedBody", "a large step cut in half", packetOf(1, [0x40, 1], [1], 1)],
    ["truncatedBody", "runs of no length", packetOf(1, [0, 0, 0x20, 0, 0x20, 0, 0, 0])],
    ["reservedStatus", "a run of the reserved status", packetOf(2, [0x60, 2, 0, 0])],
    ["reservedStatus", "a vector with the reserved status", packetOf(2, [0xcc, 0, 0, 0])],
  ])("is refused as %s: %s", (reason, _what, bytes) => {
    expect(parseRtcp(Uint8Array.from(bytes))).toEqual({ packets: [], unknown: 0, malformed: [reason] });
  });

  it("does not mind what a vector says beyond the last packet", () => {
    const { packets } = parseRtcp(Uint8Array.from(packetOf(1, [0xd3, 0xff, 9, 0])));
    expect(packets).toMatchObject([{ received: [{ sequenceNumber: 0, receivedUs: 2250 }] }]);
  });

  it("never throws, and never lists more than it has bytes", () => {
    const seed = 15;
    const random = new SeededRandom(seed);
    for (let round = 0; round < 5000; round++) {
      const [packet] = transportFeedback(randomArrivals(random, 65_500), {
        ...options,
        baseSequence: 65_490,
      });
      const corpus = packet === undefined ? new Uint8Array(0) : buildRtcp([packet]).slice(0, 200);
      const bytes = random.chance(0.5)
        ? corpus
        : Uint8Array.from({ length: 4 * random.integer(5, 20) }, () => random.integer(0, 255));
      for (let i = random.integer(0, 6); i > 0 && bytes.length > 0; i--) {
        bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
      }
      if (bytes.length >= 4) {
        bytes.set([0x8f | ((bytes[0] ?? 0) & 0x20), 205, 0, bytes.length / 4 - 1]);
      }
      const { packets } = parseRtcp(bytes);
      for (const parsed of packets) {
        if (parsed.type !== "transport-cc") continue;
        if (parsed.received.length > bytes.length) expect.fail(`seed ${seed}, round ${round}`);
        expect(throughWire(parsed), `seed ${seed}, round ${round}`).toEqual(parsed);
      }
    }
  });
});

/** Bytes of a packet with these chunks and steps, filled up to whole words, `marked` bytes of that as padding. */
function packetOf(statusCount: number, chunks: number[], steps: number[] = [], marked = 0): number[] {
  const body = [0, 0, 0, 1, 0, 0, 0, 2, 0, 0, statusCount >> 8, statusCount & 0xff, 0, 0, 0, 3];
  const content = [...body, ...chunks, ...steps];
  const filled = [...content, ...Array.from({ length: marked }, () => marked)];
  return [marked > 0 ? 0xaf : 0x8f, 205, 0, filled.length / 4, ...filled];
}

/** A packet whose arrivals need exactly these statuses. */
function ofStatuses(statuses: readonly number[]): TransportFeedback {
  let receivedUs = 0;
  const received: PacketArrival[] = [];
  statuses.forEach((status, sequenceNumber) => {
    if (status === 0) return;
    receivedUs += status === 1 ? 250 : 300 * 250;
    received.push({ sequenceNumber, receivedUs });
  });
  return { type: "transport-cc", ...options, statusCount: statuses.length, received };
}

/** The least number of chunks, by trying every chunk of every length at every place. */
function leastChunks(line: readonly number[]): number {
  const least: number[] = [];
  for (let at = line.length; at >= 0; at--) {
    if (at === line.length) {
      least[at] = 0;
      continue;
    }
    const ends: number[] = [Math.min(line.length, at + 7)];
    if (line.slice(at, at + 14).every((status) => status < 2)) ends.push(Math.min(line.length, at + 14));
    for (let end = at + 1; end <= line.length && line[end - 1] === line[at]; end++) ends.push(end);
    least[at] = 1 + Math.min(...ends.map((end) => least[end] ?? Infinity));
  }
  return least[0] ?? Infinity;
}

function pick<Value>(random: SeededRandom, values: readonly [Value, ...Value[]]): Value {
  return values[random.integer(0, values.length - 1)] ?? values[0];
}

function fail(): never {
  throw new Error("missing");
}
