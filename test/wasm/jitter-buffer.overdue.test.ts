// Packets that come too late to wait for: a path that has become much longer is followed, the tail of a stall is not.
import { describe, expect, it } from "vitest";
import { JitterBuffer } from "../../src/wasm/jitter-buffer.ts";
import { rtpPacket } from "./rtp-traffic.ts";

const FRAME_MS = 20;
const TICKS = 960;
const CLOCK_RATE = 48_000;

/** Send a packet each 20 ms that takes `transitMs`, and pop each when it is due. @returns numbers of those popped */
function play(mode: "fixed" | "adaptive", packets: number, transitMs: (number: number) => number): number[] {
  const buffer = new JitterBuffer({ clockRate: CLOCK_RATE, mode });
  const arrivals = Array.from({ length: packets }, (_, number) => ({
    number,
    arrivalMs: number * FRAME_MS + transitMs(number),
  })).sort((a, b) => a.arrivalMs - b.arrivalMs);
  const popped: number[] = [];
  const popUntil = (untilMs: number): void => {
    while (buffer.nextDueMs <= untilMs) {
      const packet = buffer.popNext(Math.max(buffer.nextDueMs, 0));
      if (packet === undefined) break;
      popped.push(packet.sequenceNumber);
    }
  };
  for (const { number, arrivalMs } of arrivals) {
    popUntil(arrivalMs - 1e-6);
    buffer.insert(rtpPacket({ sequenceNumber: number, rtpTimestamp: number * TICKS }), arrivalMs);
    for (let packet = buffer.popNext(arrivalMs); packet !== undefined; packet = buffer.popNext(arrivalMs)) {
      popped.push(packet.sequenceNumber);
    }
  }
  popUntil(1e9);
  buffer.close();
  return popped;
}

describe.each(["fixed", "adaptive"] as const)("with a %s delay", (mode) => {
  const maxDelayMs = 200;

  it("follows a path that becomes 300 ms longer after two packets, and waits there as long as before", () => {
    const popped = play(mode, 500, (number) => (number < 200 ? 10 : 10 + 2 * maxDelayMs + 50));
    const missing = Array.from({ length: 500 }, (_, number) => number).filter((n) => !popped.includes(n));
    expect(missing).toEqual([200, 201]);
  });

  it("follows it over jitter, too", () => {
    const jitter = [0, 7, 3, 12, 1, 9, 5];
    const popped = play(
      mode,
      500,
      (number) => (number < 200 ? 10 : 500) + (jitter[number % jitter.length] as number),
    );
    expect(popped.length).toBeGreaterThan(490);
    expect(popped).toEqual([...popped].sort((a, b) => a - b));
  });

  it("drops the tail of a stall beyond what it may hold, and nothing behind it", () => {
    // Nothing comes between packet 200 and the end of a second, then everything at once.
    const stallMs = 1_000;
    const popped = play(mode, 500, (number) => {
      const heldMs = number < 200 ? 0 : Math.max(0, 200 * FRAME_MS + stallMs - number * FRAME_MS);
      return 10 + heldMs;
    });
    const held = Array.from({ length: stallMs / FRAME_MS }, (_, index) => 200 + index);
    expect(held.slice(0, 25).filter((number) => popped.includes(number))).toEqual([]);
    expect(popped.filter((number) => number >= 250)).toEqual(
      Array.from({ length: 250 }, (_, index) => 250 + index),
    );
  });
});
