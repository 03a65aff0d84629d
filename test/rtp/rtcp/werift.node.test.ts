// Our feedback read by werift, an independent implementation, and its feedback read by us.
import { describe, expect, it } from "vitest";
import {
  GenericNack,
  PacketChunk,
  PacketStatus,
  PictureLossIndication,
  ReceiverEstimatedMaxBitrate,
  RecvDelta,
  RtcpHeader,
  RtcpPacketConverter,
  RtcpPayloadSpecificFeedback,
  RtcpTransportLayerFeedback,
  RunLengthChunk,
  StatusVectorChunk,
  TransportWideCC,
} from "werift";
import { buildRtcp, parseRtcp } from "../../../src/rtp/rtcp/packets.ts";
import type { RtcpPacket } from "../../../src/rtp/rtcp/packets.ts";
import { transportFeedback } from "../../../src/rtp/rtcp/transport-cc.ts";
import type { PacketArrival, TransportFeedback } from "../../../src/rtp/rtcp/transport-cc.ts";
import { SeededRandom } from "../../../src/testing/random.ts";

const SENDER = 0x11223344;
const MEDIA = 0xdeadbeef;

/** What werift makes of our bytes. */
function readByWerift(packet: RtcpPacket): object {
  const [read] = RtcpPacketConverter.deSerialize(Buffer.from(buildRtcp([packet])));
  if (read === undefined || !("feedback" in read)) throw new Error("werift reads no feedback");
  return read.feedback;
}

/** What we make of werift's bytes. */
function readByUs(
  feedback: RtcpTransportLayerFeedback | RtcpPayloadSpecificFeedback,
): RtcpPacket | undefined {
  const { packets, unknown, malformed } = parseRtcp(feedback.serialize());
  expect([unknown, malformed, packets.length]).toEqual([0, [], 1]);
  return packets[0];
}

const payloadFeedback = (feedback: RtcpPayloadSpecificFeedback["feedback"]): RtcpPayloadSpecificFeedback =>
  new RtcpPayloadSpecificFeedback({ feedback });

/** The arrivals in werift's terms: chunks expanded, steps in microseconds added up. */
function arrivalsOf(feedback: TransportWideCC): PacketArrival[] {
  const statuses = feedback.packetChunks.flatMap((chunk) =>
    chunk instanceof RunLengthChunk
      ? Array.from({ length: chunk.runLength }, () => chunk.packetStatus as number)
      : chunk.symbolList,
  );
  const arrivals: PacketArrival[] = [];
  const steps = [...feedback.recvDeltas];
  let receivedUs = feedback.referenceTime * 64_000;
  statuses.slice(0, feedback.packetStatusCount).forEach((status, offset) => {
    if (status === (PacketStatus.TypeTCCPacketNotReceived as number)) return;
    receivedUs += steps.shift()?.delta ?? NaN;
    arrivals.push({ sequenceNumber: (feedback.baseSequenceNumber + offset) & 0xffff, receivedUs });
  });
  return arrivals;
}

describe("feedback and werift", () => {
  it("agree on lost packets, both ways, wrap included", () => {
    const numbers = [10, 11, 26, 27, 65_530, 65_535, 0, 9];
    const ours = readByWerift({
      type: "nack",
      senderSsrc: SENDER,
      mediaSsrc: MEDIA,
      sequenceNumbers: numbers,
    });
    expect(ours).toBeInstanceOf(GenericNack);
    expect(ours).toMatchObject({ senderSsrc: SENDER, mediaSourceSsrc: MEDIA });
    // werift leaves numbers beyond the wrap as they are counted.
    expect((ours as GenericNack).lost.map((number) => number & 0xffff)).toEqual(numbers);

    const sorted = [10, 11, 26, 27, 500, 65_530];
    const nack = new GenericNack({ senderSsrc: SENDER, mediaSourceSsrc: MEDIA, lost: sorted });
    expect(parseRtcp(nack.serialize()).packets).toEqual([
      { type: "nack", senderSsrc: SENDER, mediaSsrc: MEDIA, sequenceNumbers: sorted },
    ]);
  });

  it("agree on a lost picture", () => {
    const pli = { senderSsrc: SENDER, mediaSsrc: MEDIA };
    const ours = readByWerift({ type: "pli", ...pli });
    expect(ours).toBeInstanceOf(PictureLossIndication);
    expect(ours).toMatchObject(pli);
    expect(readByUs(payloadFeedback(new PictureLossIndication(pli)))).toEqual({ type: "pli", ...pli });
  });

  it("agree on requests for whole pictures", () => {
    const requests = [
      { ssrc: MEDIA, sequenceNumber: 200 },
      { ssrc: 7, sequenceNumber: 0 },
    ];
    const ours = readByWerift({ type: "fir", senderSsrc: SENDER, requests });
    expect(ours).toMatchObject({ senderSsrc: SENDER, fir: requests });
    // The other way round only the content is to be had: werift's header for it counts one word too few.
    const theirs = (ours as { serialize(): Buffer }).serialize();
    const packet = buildRtcp([{ type: "fir", senderSsrc: SENDER, requests }]);
    expect([...theirs]).toEqual([...packet.subarray(4)]);
  });

  it("agree on an estimated bitrate", () => {
    const ours = readByWerift({
      type: "remb",
      senderSsrc: SENDER,
      bitrateBps: 2_500_000,
      ssrcs: [MEDIA, 7],
    });
    expect(ours).toBeInstanceOf(ReceiverEstimatedMaxBitrate);
    expect(ours).toMatchObject({ senderSsrc: SENDER, bitrate: 2_500_000n, ssrcFeedbacks: [MEDIA, 7] });
    const theirs = new ReceiverEstimatedMaxBitrate({
      senderSsrc: SENDER,
      mediaSsrc: 0,
      ssrcNum: 2,
      brExp: 4,
      brMantissa: 156_250,
      ssrcFeedbacks: [MEDIA, 7],
    });
    expect(readByUs(payloadFeedback(theirs))).toEqual({
      type: "remb",
      senderSsrc: SENDER,
      bitrateBps: 2_500_000,
      ssrcs: [MEDIA, 7],
    });
  });

  it("agree on our arrival times, with loss, steps back and the wrap", () => {
    const seed = 5;
    const random = new SeededRandom(seed);
    for (let round = 0; round < 100; round++) {
      let clockUs = random.integer(0, 1000) * 64_000;
      const arrivals: PacketArrival[] = [];
      for (let offset = 0; offset < 150; offset++) {
        clockUs += random.integer(-20, 400) * 250;
        if (random.chance(round / 100)) continue;
        arrivals.push({ sequenceNumber: (65_500 + offset) & 0xffff, receivedUs: clockUs });
      }
      const options = { senderSsrc: SENDER, mediaSsrc: MEDIA, feedbackCount: round, baseSequence: 65_500 };
      for (const packet of transportFeedback(arrivals, options)) {
        const read = readByWerift(packet) as TransportWideCC;
        expect(read).toMatchObject({
          senderSsrc: SENDER,
          mediaSourceSsrc: MEDIA,
          baseSequenceNumber: packet.baseSequence,
          packetStatusCount: packet.statusCount,
          fbPktCount: round,
        });
        expect(arrivalsOf(read), `seed ${seed}, round ${round}`).toEqual(packet.received);
      }
    }
  });

  it("agree on their arrival times, in every kind of chunk", () => {
    const { TypeTCCRunLengthChunk, TypeTCCStatusVectorChunk } = PacketChunk;
    const theirs = new TransportWideCC({
      header: new RtcpHeader({ padding: true, count: 15, type: 205, version: 2 }),
      senderSsrc: SENDER,
      mediaSourceSsrc: MEDIA,
      baseSequenceNumber: 65_533,
      packetStatusCount: 3 + 14 + 7 + 2,
      referenceTime: 10,
      fbPktCount: 9,
      packetChunks: [
        new RunLengthChunk({
          type: TypeTCCRunLengthChunk,
          packetStatus: PacketStatus.TypeTCCPacketReceivedSmallDelta,
          runLength: 3,
        }),
        new StatusVectorChunk({
          type: TypeTCCStatusVectorChunk,
          symbolSize: 0,
          symbolList: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        }),
        new StatusVectorChunk({
          type: TypeTCCStatusVectorChunk,
          symbolSize: 1,
          symbolList: [2, 0, 0, 0, 0, 0, 1],
        }),
        new RunLengthChunk({
          type: TypeTCCRunLengthChunk,
          packetStatus: PacketStatus.TypeTCCPacketNotReceived,
          runLength: 2,
        }),
      ],
      recvDeltas: [0, 250, 63_750, 1000, -500_000, 250].map((delta) => new RecvDelta({ delta })),
    });
    const start = 640_000;
    const expected: TransportFeedback = {
      type: "transport-cc",
      senderSsrc: SENDER,
      mediaSsrc: MEDIA,
      feedbackCount: 9,
      baseSequence: 65_533,
      statusCount: 26,
      received: [
        { sequenceNumber: 65_533, receivedUs: start },
        { sequenceNumber: 65_534, receivedUs: start + 250 },
        { sequenceNumber: 65_535, receivedUs: start + 64_000 },
        { sequenceNumber: 13, receivedUs: start + 65_000 },
        { sequenceNumber: 14, receivedUs: start - 435_000 },
        { sequenceNumber: 20, receivedUs: start - 434_750 },
      ],
    };
    expect(readByUs(new RtcpTransportLayerFeedback({ feedback: theirs }))).toEqual(expected);
  });
});
