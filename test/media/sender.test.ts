import { describe, expect, it } from "vitest";
import { AudioSender } from "../../src/media/sender.ts";
import { parseRtp } from "../../src/rtp/packet.ts";
import type { RtpPacket } from "../../src/rtp/packet.ts";

const payload = Uint8Array.of(1, 2, 3);

function send(sender: AudioSender, position: number, taken = true): RtpPacket | undefined {
  const bytes = sender.packetize({ position, durationTicks: 960 }, payload, 111);
  if (bytes === undefined) return undefined;
  sender.settle(taken);
  const packet = parseRtp(bytes);
  if (typeof packet === "string") throw new Error(packet);
  return packet;
}

describe("the sender of a link", () => {
  it("counts sequence numbers and timestamps over their wraps", () => {
    const sender = new AudioSender({ ssrc: 9, sequenceNumber: 65_535, timestampBase: 2 ** 32 - 960 });
    const start = 85_000_000_000_000;
    const first = send(sender, start);
    const second = send(sender, start + 960);
    expect([first?.sequenceNumber, second?.sequenceNumber]).toEqual([65_535, 0]);
    expect(second?.timestamp).toBe(((first?.timestamp ?? 0) + 960) % 2 ** 32);
    expect(second?.timestamp).toBe(sender.timestampOf(start + 960));
    expect(first).toMatchObject({ ssrc: 9, payloadType: 111, payload });
  });

  it("marks the first packet after a silence", () => {
    const sender = new AudioSender({ ssrc: 9, sequenceNumber: 0, timestampBase: 0 });
    const markers = [0, 960, 1920, 4800, 5760].map((position) => send(sender, position)?.marker);
    expect(markers).toEqual([true, false, false, true, false]);
  });

  it("leaves out frames that are not behind the last one, and counts them", () => {
    const sender = new AudioSender({ ssrc: 9, sequenceNumber: 0, timestampBase: 0 });
    const sequence = [960, 960, 1000, 0, 1920].map((position) => send(sender, position)?.sequenceNumber);
    expect(sequence).toEqual([0, undefined, undefined, undefined, 1]);
    expect(sender.claim({ position: 1930, durationTicks: 960 })).toBe(false);
    expect(sender.claim({ position: 2880, durationTicks: 960 })).toBe(true);
    expect(sender.claim({ position: 2880, durationTicks: 960 })).toBe(false);
    expect(sender.counters).toEqual({ packetsSent: 2, bytesSent: 6, outdated: 5, refused: 0 });
  });

  it("uses no sequence number for a packet that the link did not take", () => {
    const sender = new AudioSender({ ssrc: 9, sequenceNumber: 5, timestampBase: 0 });
    sender.settle(true);
    expect(send(sender, 0, false)?.sequenceNumber).toBe(5);
    expect(send(sender, 960)?.sequenceNumber).toBe(5);
    expect(sender.counters).toMatchObject({ packetsSent: 1, refused: 1 });
  });
});
