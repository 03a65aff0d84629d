// The packets of one link: numbers, times, extensions, and gaps that a receiver must be able to see.
import { describe, expect, it } from "vitest";
import { VideoSender } from "../../../src/media/video/video-sender.ts";
import { captureTimeOf } from "../../../src/rtp/capture-time.ts";
import { readExtensions } from "../../../src/rtp/extensions.ts";
import { parseRtp } from "../../../src/rtp/packet.ts";
import type { RtpPacket } from "../../../src/rtp/packet.ts";

const NEGOTIATED = { payloadType: 98, captureTimeId: 3, transportSequenceId: 5, dependencyId: 0 };
const START_US = 1_790_000_000_000_000;
const payload = Uint8Array.of(1, 2, 3);

const newSender = (): VideoSender =>
  new VideoSender({ ssrc: 9, sequenceNumber: 65_535, timestampBase: 2 ** 32 - 3000 });

interface Offer {
  position?: number;
  index?: number;
  count?: number;
  taken?: boolean;
  isKeyframe?: boolean;
  captureUs?: number;
}

function send(sender: VideoSender, offer: Offer, negotiated = NEGOTIATED): RtpPacket | undefined {
  const { position = 0, index = 0, count = 1, taken = true, isKeyframe = false, captureUs } = offer;
  const bytes = sender.packetize(
    { position, index, count, payload, isKeyframe, captureUs },
    negotiated,
    0x1_0203,
  );
  if (bytes === undefined) return undefined;
  sender.settle(taken);
  const packet = parseRtp(bytes);
  if (typeof packet === "string") throw new Error(packet);
  return packet;
}

const numbers = (sender: VideoSender, offers: readonly Offer[]): (number | undefined)[] =>
  offers.map((offer) => send(sender, offer)?.sequenceNumber);

describe("the video sender of a link", () => {
  it("numbers packets over the wraps and marks the end of frames", () => {
    const sender = newSender();
    const start = 90_000 * 1e7;
    const packets = [0, 1, 2].map((index) => send(sender, { position: start, index, count: 3 }));
    const next = send(sender, { position: start + 3000 });
    expect(packets.map((packet) => packet?.sequenceNumber)).toEqual([65_535, 0, 1]);
    expect(packets.map((packet) => packet?.marker)).toEqual([false, false, true]);
    expect(new Set(packets.map((packet) => packet?.timestamp))).toEqual(new Set([sender.timestampOf(start)]));
    expect(next?.timestamp).toBe((sender.timestampOf(start) + 3000) % 2 ** 32);
    expect(next).toMatchObject({ ssrc: 9, payloadType: 98, sequenceNumber: 2, marker: true, payload });
    expect(sender.counters).toMatchObject({
      packetsSent: 4,
      bytesSent: 12,
      headerBytesSent: 4 * 20,
      framesSent: 2,
      gaps: 0,
    });
  });

  it("numbers frames in their descriptors, and shows by a number that one is missing", () => {
    const sender = newSender();
    const descriptorOf = (offer: Offer): number[] => {
      const packet = send(sender, offer, { ...NEGOTIATED, dependencyId: 6 });
      const elements = packet?.extension === undefined ? [] : readExtensions(packet.extension);
      return [...(elements.find(({ id }) => id === 6)?.data.subarray(0, 3) ?? [])];
    };
    expect(descriptorOf({ position: 0, count: 2, isKeyframe: true })).toEqual([0x80, 0, 1]);
    expect(descriptorOf({ position: 0, index: 1, count: 2, isKeyframe: true })).toEqual([0x40, 0, 1]);
    expect(descriptorOf({ position: 3000 })).toEqual([0xc1, 0, 2]);
    descriptorOf({ position: 6000, taken: false });
    expect(descriptorOf({ position: 9000 })).toEqual([0xc1, 0, 4]);
  });

  it("counts on the whole connection in the transport's extension, and writes none that is not negotiated", () => {
    const packet = send(newSender(), {});
    expect(packet?.extension && readExtensions(packet.extension)).toEqual([
      { id: 5, data: Uint8Array.of(2, 3) },
    ]);
    const none = { payloadType: 98, captureTimeId: 0, transportSequenceId: 0, dependencyId: 0 };
    expect(send(newSender(), { captureUs: START_US }, none)?.extension).toBeUndefined();
  });

  it("says capture times with the first packet of a frame, every half second, and again if not taken", () => {
    const sender = newSender();
    const said = Array.from({ length: 32 }, (_, frame) => {
      const offer = {
        position: frame * 3000,
        count: 2,
        captureUs: START_US + Math.round((frame * 1e6) / 30),
      };
      const first = send(sender, { ...offer, taken: frame !== 0 });
      const again = frame === 0 ? send(sender, offer) : undefined;
      const second = send(sender, { ...offer, index: 1 });
      if (second === undefined) throw new Error("refused");
      expect(captureTimeOf(second, 3)).toBeUndefined();
      return [first, again].map((packet) => packet && captureTimeOf(packet, 3)?.captureUs);
    });
    expect(said[0]).toEqual([START_US, START_US]);
    const carriers = said.flatMap(([captureUs], frame) => (captureUs === undefined ? [] : [frame]));
    expect(carriers).toEqual([0, 15, 30]);
  });

  it("uses no number for a packet that was not taken and is offered again", () => {
    const offers = [
      { count: 2, taken: false },
      { count: 2 },
      { index: 1, count: 2, taken: false },
      { index: 1, count: 2 },
    ];
    const sender = newSender();
    expect(numbers(sender, [...offers, { position: 1 }])).toEqual([65_535, 65_535, 0, 0, 1]);
    expect(sender.counters).toMatchObject({ packetsSent: 3, refused: 2, gaps: 0 });
  });

  it.each<[string, Offer[], (number | undefined)[]]>([
    ["was not taken at all", [{}, { position: 1, taken: false }, { position: 2 }], [65_535, 0, 1]],
    ["was not taken to its end", [{}, { position: 1, count: 2 }, { position: 2 }], [65_535, 0, 2]],
    [
      "was refused in the middle",
      [{ count: 2 }, { index: 1, count: 2, taken: false }, { position: 1, taken: false }, { position: 1 }],
      [65_535, 0, 1, 1],
    ],
  ])("leaves one number out where a frame %s", (_how, offers, expected) => {
    const sender = newSender();
    expect(numbers(sender, offers)).toEqual(expected);
    expect(sender.counters.gaps).toBe(1);
  });

  it("does not send what does not follow, and counts it", () => {
    const sender = newSender();
    const offers = [
      { position: 5, index: 1, count: 2 },
      { position: 5, count: 3 },
      { position: 5, index: 2, count: 3 },
    ];
    const old = [{ position: 5, count: 3 }, { position: 4 }, { position: 6, index: 1, count: 2 }];
    expect(numbers(sender, [...offers, ...old])).toEqual([
      undefined,
      65_535,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(sender.counters.outdated).toBe(5);
    expect(sender.settle(true)).toBeUndefined();
  });
});
