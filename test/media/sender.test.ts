import { describe, expect, it } from "vitest";
import { AudioSender } from "../../src/media/sender.ts";
import type { OutgoingCapture } from "../../src/media/sender.ts";
import { captureTimeOf } from "../../src/rtp/capture-time.ts";
import { parseRtp } from "../../src/rtp/packet.ts";
import type { RtpPacket } from "../../src/rtp/packet.ts";

const payload = Uint8Array.of(1, 2, 3);

function send(
  sender: AudioSender,
  position: number,
  taken = true,
  capture?: OutgoingCapture,
): RtpPacket | undefined {
  const bytes = sender.packetize({ position, durationTicks: 960 }, payload, 111, capture);
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
    expect(sender.counters).toEqual({
      packetsSent: 2,
      bytesSent: 6,
      headerBytesSent: 24,
      outdated: 5,
      refused: 0,
    });
  });

  it("uses no sequence number for a packet that the link did not take", () => {
    const sender = new AudioSender({ ssrc: 9, sequenceNumber: 5, timestampBase: 0 });
    sender.settle(true);
    expect(send(sender, 0, false)?.sequenceNumber).toBe(5);
    expect(send(sender, 960)?.sequenceNumber).toBe(5);
    expect(sender.counters).toMatchObject({ packetsSent: 1, refused: 1 });
  });

  describe("that knows capture times", () => {
    const START_US = 1_790_000_000_000_000;
    /** Send frame `index`. @returns what its packet says of its capture */
    const captureUs = (
      sender: AudioSender,
      index: number,
      { taken = true, stepUs = 0, extensionId = 3 } = {},
    ): number | undefined => {
      const capture = { captureUs: START_US + index * 20_000 + stepUs, extensionId };
      const packet = send(sender, index * 960, taken, capture);
      expect([...(packet?.payload ?? [])]).toEqual([...payload]);
      if (extensionId === 0) expect(packet?.extension).toBeUndefined();
      return packet && captureTimeOf(packet, extensionId)?.captureUs;
    };
    const newSender = (): AudioSender => new AudioSender({ ssrc: 9, sequenceNumber: 0, timestampBase: 0 });

    it("says them with the first packet, every half second, and after a step", () => {
      const sender = newSender();
      const said = [...Array(30).keys()].map((index) =>
        captureUs(sender, index, { stepUs: index < 28 ? 0 : -5000 }),
      );
      const expected = [...Array(30).keys()].map((index) => {
        if (index === 28) return START_US + 28 * 20_000 - 5000;
        return index === 0 || index === 25 ? START_US + index * 20_000 : undefined;
      });
      expect(said).toEqual(expected);
    });

    it("says again what the link did not take", () => {
      const sender = newSender();
      expect(captureUs(sender, 0, { taken: false })).toBe(START_US);
      expect(captureUs(sender, 1)).toBe(START_US + 20_000);
      expect(captureUs(sender, 2)).toBeUndefined();
    });

    it("says nothing where the extension is not negotiated, and begins under a new id", () => {
      const sender = newSender();
      expect(captureUs(sender, 0, { extensionId: 0 })).toBeUndefined();
      expect(captureUs(sender, 1)).toBe(START_US + 20_000);
      expect(captureUs(sender, 2, { extensionId: 5 })).toBe(START_US + 40_000);
      expect(captureUs(sender, 3, { extensionId: 5 })).toBeUndefined();
    });

    it("sends packets without them when they are beyond NTP", () => {
      const sender = newSender();
      for (const [index, stepUs] of [NaN, 7e15, Infinity].entries()) {
        expect(captureUs(sender, index, { stepUs })).toBeUndefined();
      }
      expect(captureUs(sender, 3)).toBe(START_US + 60_000);
      expect(sender.counters.packetsSent).toBe(4);
    });
  });
});
