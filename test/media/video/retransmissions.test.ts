// What is sent again on request: in which form, how often, and out of how long a memory.
import { describe, expect, it } from "vitest";
import { Retransmissions } from "../../../src/media/video/retransmissions.ts";
import type { RetransmissionsOptions } from "../../../src/media/video/retransmissions.ts";
import { buildRtx, readRtx } from "../../../src/media/video/rtx.ts";
import { readCaptureTime, buildCaptureTime } from "../../../src/rtp/capture-time.ts";
import { readExtensions } from "../../../src/rtp/extensions.ts";
import { parseRtp } from "../../../src/rtp/packet.ts";
import type { RtpPacket } from "../../../src/rtp/packet.ts";
import { SeededRandom } from "../../../src/testing/random.ts";

const SEED = 8;
const NEGOTIATED = { payloadType: 98, captureTimeId: 3, transportSequenceId: 5, dependencyId: 6 };
const RTX = { ssrc: 77, payloadType: 99, sequenceNumber: 65_535 };

/** A history of packets `from` to `to`, one each ms from 0 on. */
function history(from: number, to: number, options: Partial<RetransmissionsOptions> = {}): Retransmissions {
  const made = new Retransmissions({ ssrc: 7, ...options });
  for (let number = from; number <= to; number++) {
    const payload = Uint8Array.of(number & 0xff, 1, 2);
    const sequenceNumber = number & 0xffff;
    const captureTime = buildCaptureTime({ captureUs: 1_790_000_000_000_000 });
    made.remember(
      {
        sequenceNumber,
        timestamp: number * 2,
        marker: true,
        payload,
        captureTime,
        dependency: Uint8Array.of(0xc1, 0, 1),
      },
      number - from,
    );
  }
  return made;
}

function drain(made: Retransmissions, nowMs: number): RtpPacket[] {
  const packets: RtpPacket[] = [];
  for (
    let bytes = made.next(NEGOTIATED, 9, nowMs);
    bytes !== undefined;
    bytes = made.next(NEGOTIATED, 9, nowMs)
  ) {
    made.settle(true, nowMs);
    const packet = parseRtp(bytes);
    if (typeof packet === "string") throw new Error(packet);
    packets.push(packet);
  }
  return packets;
}

describe("retransmissions", () => {
  it("are the same packets where they have no stream of their own, with a number of the connection", () => {
    const made = history(65_530, 65_540);
    expect(made.request([65_534, 2, 9999], 20)).toEqual([3, 3]);
    const [first, second] = drain(made, 20);
    expect(first).toMatchObject({
      ssrc: 7,
      payloadType: 98,
      sequenceNumber: 65_534,
      timestamp: 65_534 * 2,
      marker: true,
    });
    expect([...(first?.payload ?? [])]).toEqual([0xfe, 1, 2]);
    expect(second?.sequenceNumber).toBe(2);
    const [captureTime, transport] = first?.extension ? readExtensions(first.extension) : [];
    expect(captureTime && readCaptureTime(captureTime.data)).toEqual({ captureUs: 1_790_000_000_000_000 });
    expect(transport).toEqual({ id: 5, data: Uint8Array.of(0, 9) });
  });

  it("carry the packet behind its number in a stream of their own, which counts only what was taken", () => {
    const made = history(300, 310, { rtx: RTX });
    made.request([301, 303], 20);
    expect(made.next(NEGOTIATED, 1, 20)).toBeDefined();
    made.settle(false, 20);
    const packets = drain(made, 20);
    expect(
      packets.map(({ ssrc, payloadType, sequenceNumber }) => [ssrc, payloadType, sequenceNumber]),
    ).toEqual([
      [77, 99, 65_535],
      [77, 99, 0],
    ]);
    expect(packets.map(({ payload }) => readRtx(payload)?.sequenceNumber)).toEqual([301, 303]);
    expect([...(packets[0]?.payload ?? [])]).toEqual([1, 45, 45, 1, 2]);
    expect(made.counters).toMatchObject({ requested: 2, packetsSent: 2, bytesSent: 10, refused: 1 });
  });

  it("come once in a round trip", () => {
    const made = history(1, 5);
    made.setRtt(50);
    const sent = [10, 11, 59, 60, 61].map((ms) => {
      made.request([3, 3], ms);
      return drain(made, ms).length;
    });
    expect(sent).toEqual([1, 0, 0, 1, 0]);
    expect(made.counters).toMatchObject({ requested: 10, repeated: 8, packetsSent: 2 });
  });

  it("reach back one second", () => {
    const made = history(0, 2000);
    made.request([999, 1000, 1001, 5000], 2000);
    expect(drain(made, 2000).map(({ sequenceNumber }) => sequenceNumber)).toEqual([1000, 1001]);
    expect(made.counters.unknown).toBe(2);
    made.request([1500], 2400);
    expect(drain(made, 2600)).toEqual([]);
    expect(made.counters).toMatchObject({ expired: 1 });
    expect(made.pending).toBe(0);
  });

  it("reach back as far as their bytes do, and past numbers that were left out", () => {
    const made = history(65_000, 65_100, { maxBytes: 30 });
    expect(made.bytes).toBe(30);
    const sent = {
      sequenceNumber: 66,
      timestamp: 0,
      marker: true,
      payload: new Uint8Array(29),
      captureTime: undefined,
      dependency: undefined,
    };
    made.remember(sent, 100);
    expect(made.bytes).toBe(29);
    made.request([65_100, 66], 100);
    expect(drain(made, 100).map(({ sequenceNumber }) => sequenceNumber)).toEqual([66]);
  });

  it(`count each number asked for once, and stay small (seed ${SEED})`, () => {
    const random = new SeededRandom(SEED);
    const made = new Retransmissions({ ssrc: 7, maxBytes: 20_000 });
    for (let ms = 0; ms < 5000; ms++) {
      const payload = new Uint8Array(random.integer(0, 300));
      made.remember(
        {
          sequenceNumber: ms & 0xffff,
          timestamp: 0,
          marker: false,
          payload,
          captureTime: undefined,
          dependency: undefined,
        },
        ms,
      );
      const sequenceNumbers = Array.from({ length: 20 }, () => (ms - random.integer(-5, 200)) & 0xffff);
      made.request(sequenceNumbers, ms);
      if (random.chance(0.3) && made.next(NEGOTIATED, 0, ms)) made.settle(random.chance(0.9), ms);
      expect(made.bytes).toBeLessThanOrEqual(20_000);
    }
    const { requested, unknown, repeated, expired, packetsSent } = made.counters;
    expect(unknown + repeated + expired + packetsSent + made.pending, `seed ${SEED}`).toBe(requested);
    expect(Math.min(unknown, repeated, expired, packetsSent), `seed ${SEED}`).toBeGreaterThan(0);
  });

  it("lend their stream to packets of padding, where they have one", () => {
    expect(history(1, 5).padding(200, NEGOTIATED, 9)).toBeUndefined();
    expect(new Retransmissions({ ssrc: 7, rtx: RTX }).padding(200, NEGOTIATED, 9)).toBeUndefined();
    const made = history(1, 5, { rtx: RTX });
    const probe = parseRtp(made.padding(200, NEGOTIATED, 9) ?? new Uint8Array());
    expect(probe).toMatchObject({
      ssrc: 77,
      payloadType: 99,
      sequenceNumber: 65_535,
      timestamp: 10,
      paddingLength: 200,
    });
    made.request([3], 10);
    expect(drain(made, 10)[0]?.sequenceNumber).toBe(0);
    expect(made.counters.probes).toBe(1);
  });

  it("with nothing behind the number are probes", () => {
    expect(readRtx(Uint8Array.of())).toBeUndefined();
    expect(readRtx(Uint8Array.of(1, 2))).toBeUndefined();
    const payload = Uint8Array.of(9);
    expect(readRtx(buildRtx({ sequenceNumber: 0xfffe, payload }))).toEqual({
      sequenceNumber: 0xfffe,
      payload,
    });
  });
});
