import { describe, expect, it } from "vitest";
import type { TracePacket } from "../../../src/cli/replay/playback.ts";
import { findStreams } from "../../../src/cli/replay/streams.ts";
import { parseRtp } from "../../../src/rtp/packet.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
import { rtp } from "./trace-bytes.ts";

interface Kind {
  payloadType?: number;
  clockRate?: number;
  stepMs?: number;
  ssrc?: number;
  jitterMs?: number;
}

/** A stream of `count` packets; timestamps wrap on the way. */
function record(count: number, kind: Kind = {}, startMs = 0): TracePacket[] {
  const { payloadType = 96, clockRate = 48_000, stepMs = 20, ssrc = 7, jitterMs = 0 } = kind;
  const random = new SeededRandom(5);
  const ticks = (clockRate * stepMs) / 1000;
  return Array.from({ length: count }, (_, i) => ({
    packet: rtp(i, { payloadType, ssrc, timestamp: 0xffff_0000 + Math.round(i * ticks) }),
    arrivalMs: startMs + i * stepMs + random.next() * jitterMs,
  }));
}

function timestamps(packets: readonly TracePacket[]): number[] {
  return packets.map(({ packet }) => {
    const parsed = parseRtp(packet);
    return typeof parsed === "string" ? NaN : parsed.timestamp;
  });
}

const none = new Map<number, number>();
const first = (packets: readonly TracePacket[], given: ReadonlyMap<number, number> = none) =>
  findStreams(packets, given)[0];

describe("streams", () => {
  it("are told apart by SSRC, in the order of their beginnings", () => {
    const mixed = [...record(10, { ssrc: 9 }), ...record(5, { ssrc: 3 }, 50)].sort(
      (a, b) => a.arrivalMs - b.arrivalMs,
    );
    const streams = findStreams(mixed, none);
    expect(streams.map(({ ssrc, packets }) => [ssrc, packets.length])).toEqual([
      [9, 10],
      [3, 5],
    ]);
  });

  it("leave out what is no RTP", () => {
    expect(findStreams([{ packet: new Uint8Array(5), arrivalMs: 0 }], none)).toEqual([]);
  });
});

describe("the clock rate of a payload type", () => {
  it.each([8_000, 16_000, 32_000, 44_100, 48_000, 90_000])(
    "is estimated at %i Hz, jitter or not",
    (clockRate) => {
      for (const jitterMs of [0, 80]) {
        const stream = first(record(200, { clockRate, jitterMs }));
        expect(stream?.payloadTypes[0]).toMatchObject({ clockRate, source: "estimated" });
      }
    },
  );

  it("is estimated in spite of a pause in which the timestamps stand still", () => {
    const before = record(200, { clockRate: 16_000 });
    const after = record(400, { clockRate: 16_000 }, 60_000).slice(200);
    expect(first([...before, ...after])?.payloadTypes[0].clockRate).toBe(16_000);
  });

  it("is the standard's for static types, whatever the trace looks like", () => {
    for (const [payloadType, clockRate] of [
      [0, 8_000],
      [9, 8_000],
      [10, 44_100],
      [14, 90_000],
      [16, 11_025],
      [34, 90_000],
    ] as const) {
      const stream = first(record(50, { payloadType, clockRate: 48_000 }));
      expect(stream?.payloadTypes[0]).toMatchObject({ clockRate, source: "standard" });
    }
  });

  it("is the user's above all", () => {
    const given = new Map([[0, 12_345]]);
    expect(first(record(50, { payloadType: 0 }), given)?.payloadTypes[0]).toMatchObject({
      clockRate: 12_345,
      source: "given",
    });
  });

  it("is a guess when the times do not tell: that of video when packets share timestamps, else of Opus", () => {
    const still = record(40).map(({ packet }) => ({ packet, arrivalMs: 0 }));
    expect(first(still)?.payloadTypes[0]).toMatchObject({ clockRate: 48_000, source: "guessed" });
    const video = Array.from({ length: 40 }, (_, i) => ({
      packet: rtp(i, { payloadType: 98, timestamp: 3000 * Math.floor(i / 4) }),
      arrivalMs: 0,
    }));
    expect(first(video)?.payloadTypes[0]).toMatchObject({ clockRate: 90_000, source: "guessed" });
  });
});

describe("a stream that changes its payload type", () => {
  it("stays untouched when the clock does not change", () => {
    const packets = record(300, { clockRate: 8_000 }).map(({ packet, arrivalMs }, i) => {
      const copy = Uint8Array.from(packet);
      if (i % 100 >= 60) copy[1] = 18;
      return { packet: copy, arrivalMs };
    });
    const stream = first(packets);
    expect(stream?.payloadTypes).toEqual([
      { payloadType: 96, packets: 180, clockRate: 8_000, source: "estimated" },
      { payloadType: 18, packets: 120, clockRate: 8_000, source: "standard" },
    ]);
    expect(stream?.clockChanges).toBe(0);
    expect(stream?.packets).toEqual(packets);
  });

  it("is brought to the clock of its most frequent payload type when it does", () => {
    // 100 packets at 8000 Hz, 50 at 48000 Hz with timestamps from elsewhere, 100 more at 8000 Hz.
    const a = record(100, { payloadType: 0, clockRate: 8_000 });
    const b = record(50, { payloadType: 111, clockRate: 48_000 }, 2_000);
    const c = record(250, { payloadType: 0, clockRate: 8_000 }).slice(150);
    const stream = first([...a, ...b, ...c], new Map([[111, 48_000]]));
    expect(stream?.clockChanges).toBe(2);
    const expected = Array.from({ length: 250 }, (_, i) => (0xffff_0000 + 160 * i) % 2 ** 32);
    expect(timestamps(stream?.packets ?? [])).toEqual(expected);
    expect(timestamps(a)).toEqual(expected.slice(0, 100)); // what was given is not changed
  });

  it("gives a rare payload type that does not tell its clock the one of the stream", () => {
    const packets = record(300, { clockRate: 16_000 });
    const rare = { packet: rtp(300, { payloadType: 101, timestamp: 5 }), arrivalMs: 6_000 };
    expect(first([...packets, rare])).toMatchObject({
      clockChanges: 0,
      payloadTypes: [{ clockRate: 16_000 }, { payloadType: 101, clockRate: 16_000, source: "guessed" }],
    });
  });
});
