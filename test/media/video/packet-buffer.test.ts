// Numbers of packets: order, wraps, doubles, latecomers and jumps; and that whatever comes, little is held.
import { describe, expect, it } from "vitest";
import { BUFFER_SPAN, NO_FRAME, PacketBuffer } from "../../../src/media/video/packet-buffer.ts";
import type { PacketFate, VideoPacket } from "../../../src/media/video/packet-buffer.ts";
import type { VideoPayload } from "../../../src/rtp/video-payload.ts";
import { SeededRandom } from "../../../src/testing/random.ts";

const SEED = 21;
const MEDIA: VideoPayload = {
  pieces: [],
  isFrameStart: true,
  isFrameEnd: true,
  isKeyframe: false,
  temporalLayer: 0,
  spatialLayer: 0,
};

function packet(payload: VideoPayload | undefined = MEDIA, byteLength = 100): VideoPacket {
  const told = { timestamp: 0, marker: false, payload, byteLength, arrivalMs: 0, captureUs: undefined };
  return { ...told, number: 0, frame: NO_FRAME, isEnd: false, isKeyframe: false, torn: false };
}

/** Insert numbers one ms apart. */
function insert(buffer: PacketBuffer, numbers: readonly number[], startMs = 0): PacketFate[] {
  return numbers.map((number, index) => buffer.insert(packet(), number & 0xffff, false, startMs + index));
}

function releaseAll(buffer: PacketBuffer): number[] {
  const numbers: number[] = [];
  for (; buffer.first <= buffer.highest; buffer.release()) {
    if (buffer.get(buffer.first) !== undefined) numbers.push(buffer.first & 0xffff);
  }
  return numbers;
}

describe("a packet buffer", () => {
  it("gives packets in order, over the wrap and its own span, and knows doubles", () => {
    const buffer = new PacketBuffer();
    insert(buffer, [65_533]);
    for (let round = 0; round < 9999; round += 3) {
      const next = [65_534 + round + 1, 65_534 + round, 65_534 + round + 2];
      const fates = insert(buffer, [...next, 65_534 + round]);
      if (round % 999 === 0) expect(fates).toEqual(["buffered", "buffered", "buffered", "duplicate"]);
      const released = releaseAll(buffer).slice(-3);
      if (round % 999 === 0) expect(released).toEqual(next.sort((a, b) => a - b).map((n) => n & 0xffff));
    }
    expect(buffer.held).toBe(0);
    expect(buffer.bytes).toBe(0);
  });

  it.each<[string, number[], PacketFate[]]>([
    ["a first packet", [5], ["restarted"]],
    [
      "what comes before it while nothing has been released",
      [5, 4, 1],
      ["restarted", "buffered", "buffered"],
    ],
    ["loss", [5, 900], ["restarted", "buffered"]],
    ["a jump forward, confirmed", [5, 5000, 5001], ["restarted", "stray", "restarted"]],
    ["a jump confirmed out of order", [5, 5003, 5000], ["restarted", "stray", "restarted"]],
    ["a jump back over the wrap", [5, 60_000, 60_002], ["restarted", "stray", "restarted"]],
    ["the same far number twice", [5, 5000, 5000], ["restarted", "stray", "stray"]],
    ["two far numbers that disagree", [5, 5000, 9000, 6], ["restarted", "stray", "stray", "buffered"]],
  ])("tells %s", (_what, numbers, fates) => {
    expect(insert(new PacketBuffer(), numbers)).toEqual(fates);
  });

  it("keeps both packets that confirmed a jump, and drops what waited", () => {
    const buffer = new PacketBuffer();
    insert(buffer, [5, 6, 30_000, 30_002]);
    expect(buffer.counters).toMatchObject({ overruns: 2, strays: 0 });
    expect(buffer.held).toBe(2);
    expect(releaseAll(buffer)).toEqual([30_000, 30_002]);
  });

  it("tells latecomers from doubles, behind its own span as well", () => {
    const buffer = new PacketBuffer();
    insert(buffer, [10, 12]);
    releaseAll(buffer);
    expect(insert(buffer, [11, 12, 10, 13 - BUFFER_SPAN])).toEqual([
      "late",
      "duplicate",
      "duplicate",
      "late",
    ]);
    expect(buffer.insert(packet(), 20_000, true, 0)).toBe("late");
    expect(buffer.counters).toEqual({ duplicates: 2, late: 3, strays: 0, overruns: 0 });
  });

  it("goes over to a count that begins a little back, but not for a number said again and again", () => {
    const again = new PacketBuffer();
    insert(again, [1000]);
    releaseAll(again);
    for (let ms = 0; ms < 5000; ms += 10) insert(again, [990], ms);
    expect(again.counters.late).toBe(500);
    const anew = new PacketBuffer();
    insert(anew, [1000]);
    releaseAll(anew);
    const fates = Array.from({ length: 60 }, (_, index) => insert(anew, [900 + index], index * 10)[0]);
    expect(fates.indexOf("restarted")).toBe(50);
    expect(fates.slice(51)).toEqual(Array(9).fill("buffered"));
  });

  it("holds no more than its span, nor than 8 MiB", () => {
    const buffer = new PacketBuffer();
    const fates = insert(buffer, [...Array(BUFFER_SPAN + 1).keys()]);
    expect(fates.at(-1)).toBe("restarted");
    expect(buffer.counters.overruns).toBe(BUFFER_SPAN);
    const heavy = new PacketBuffer();
    for (let number = 0; number < 1000; number++) {
      heavy.insert(packet(MEDIA, 65_000), number, false, 0);
      expect(heavy.bytes).toBeLessThanOrEqual(8 * 1024 * 1024);
    }
    expect(heavy.counters.overruns + heavy.held).toBe(1000);
  });

  it("does not count packets without media as held", () => {
    const buffer = new PacketBuffer();
    buffer.insert(packet(MEDIA), 1, false, 0);
    const filler = packet();
    buffer.insert({ ...filler, payload: undefined }, 2, false, 0);
    expect(buffer.held).toBe(1);
    buffer.skipTo(buffer.highest + 1);
    expect(buffer.counters.overruns).toBe(1);
    expect(buffer.held).toBe(0);
  });

  it(`counts each of 30,000 random numbers once (seed ${SEED})`, () => {
    const random = new SeededRandom(SEED);
    const buffer = new PacketBuffer();
    let released = 0;
    const count = 30_000;
    for (let index = 0; index < count; index++) {
      const near = (buffer.highest + random.integer(-40, 40)) & 0xffff;
      buffer.insert(
        packet(),
        random.chance(0.9) ? near : random.integer(0, 0xffff),
        random.chance(0.1),
        index,
      );
      if (random.chance(0.01)) released += releaseAll(buffer).length;
    }
    const { duplicates, late, strays, overruns } = buffer.counters;
    expect(duplicates + late + strays + overruns + released + buffer.held).toBe(count);
  });
});
