// One link's video at both ends: packets, feedback, reports, and what is asked of whoever encodes.
import { describe, expect, it } from "vitest";
import { VideoMedia } from "../../../src/media/video/video-media.ts";
import { parseRtp } from "../../../src/rtp/packet.ts";
import { buildRtcp, parseRtcp } from "../../../src/rtp/rtcp/packets.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
import { VirtualClock } from "../../../src/testing/virtual-clock.ts";
import { AGREEMENT, MediaPair } from "./media-pair.ts";
import type { Gate } from "./media-pair.ts";

const SEED = 9;

/** Loses the packets of the media stream with these places, counted from 0. */
function losing(places: ReadonlySet<number>): Gate {
  let place = 0;
  return (kind, packet) => {
    const rtp = parseRtp(packet);
    const isMedia = kind === "rtp" && typeof rtp !== "string" && rtp.payloadType === AGREEMENT.payloadType;
    return !isMedia || !places.has(place++);
  };
}

/** Feedback packets of one type. */
function feedbackOf(bytes: Uint8Array, type: string): boolean {
  return parseRtcp(bytes).packets.some((packet) => packet.type === type);
}

describe("video of a link that carries packets", () => {
  it("comes out as it went in, with its times, and is marked once as it leaves", () => {
    const pair = new MediaPair();
    const firstUs = pair.clock.wallNow() * 1_000;
    pair.play(30);
    const { a, b } = pair;
    expect(b.frames).toHaveLength(30);
    expect(b.frames[0]).toMatchObject({ isKeyframe: true, width: 64, height: 36, captureUs: firstUs });
    expect(b.frames.map(({ data }) => data.length)).toEqual(b.frames.map(() => 6_000));
    expect(a.sentMarks.map(({ rtpTimestamp }) => rtpTimestamp)).toEqual(
      b.frames.map(({ rtpTimestamp }) => rtpTimestamp),
    );
    expect(a.sentMarks[0]?.captureUs).toBe(firstUs);
    expect(b.reports.length).toBeGreaterThan(0);
    pair.clock.advance(3_000);
    expect(a.media.stats()).toMatchObject({ codec: "VP9", remote: { lossRate: 0 } });
    expect(a.media.stats().remote?.roundTripTimeMs).toBeCloseTo(40, 0);
    expect(b.media.stats().inbound).toMatchObject({ framesDelivered: 30, lost: 0, nacks: 0, malformed: 0 });
    pair.close();
    expect(pair.clock.pending).toBe(0);
  });

  it.each([0, 99])("sends again all that was lost together (payload type %i)", (rtxPayloadType) => {
    const pair = new MediaPair({ rtxPayloadType });
    const lost = new Set([20, 21, 22, 23, 24, 40, 60, 61, 62]);
    pair.there = losing(lost);
    pair.play(30);
    expect(pair.b.frames).toHaveLength(30);
    const { outbound } = pair.a.media.stats();
    expect(outbound).toMatchObject({ requestedPackets: lost.size, retransmittedPackets: lost.size });
    expect(pair.a.demands.filter(({ type }) => type === "pli")).toEqual([]);
    pair.close();
  });

  it("takes what is sent again off what may be encoded, and gives it back", () => {
    const pair = new MediaPair();
    pair.play(30);
    const before = pair.a.media.targetKbps;
    pair.there = losing(new Set(Array.from({ length: 12 }, (_, i) => 6 * i)));
    pair.play(15);
    const { retransmittedPackets = 0, targetKbps = 0 } = pair.a.media.stats().outbound ?? {};
    expect(retransmittedPackets).toBe(12);
    expect(targetKbps - pair.a.media.targetKbps).toBeGreaterThan(40);
    pair.clock.advance(10_000);
    const { outbound } = pair.a.media.stats();
    expect(pair.a.media.targetKbps).toBeCloseTo(outbound?.targetKbps ?? NaN, 0);
    expect(before).toBeGreaterThan(0);
    pair.close();
  });

  it("asks for a keyframe when what was lost does not come, and for nothing that was not agreed on", () => {
    const pair = new MediaPair({ nack: false });
    pair.there = losing(new Set([20]));
    const asked: Uint8Array[] = [];
    pair.back = (kind, packet) => {
      if (kind === "rtcp") asked.push(packet);
      return true;
    };
    pair.play(30);
    expect(asked.some((bytes) => feedbackOf(bytes, "nack"))).toBe(false);
    expect(pair.a.demands).toContainEqual({ type: "pli" });
    expect(pair.b.frames.length).toBeLessThan(10);
    pair.close();
    const silent = new MediaPair({ nack: false, pli: false });
    silent.there = losing(new Set([20]));
    silent.play(30);
    expect(silent.a.demands.filter(({ type }) => type === "pli")).toEqual([]);
    silent.close();
  });

  it("asks as a reader wishes, and when a decoder fails", () => {
    const pair = new MediaPair();
    pair.play(10);
    const plis = (): number => pair.a.demands.filter(({ type }) => type === "pli").length;
    pair.b.media.wantKeyframe();
    pair.clock.advance(100);
    expect(plis()).toBe(1);
    pair.play(10);
    pair.b.media.undecodable(pair.b.frames.at(-1)?.rtpTimestamp ?? NaN);
    pair.clock.advance(100);
    expect(plis()).toBe(2);
    pair.close();
  });

  it("hands on requests for keyframes that are meant for it alone", () => {
    const pair = new MediaPair();
    pair.play(3);
    const fir = (ssrc: number): void =>
      pair.a.media.receiveRtcp(
        buildRtcp([{ type: "fir", senderSsrc: 5, requests: [{ ssrc, sequenceNumber: 7 }] }]),
        pair.clock.now(),
      );
    fir(0x1000);
    fir(0x1234);
    expect(pair.a.demands.filter(({ type }) => type === "fir")).toEqual([
      { type: "fir", peerId: "not a", senderSsrc: 5, sequenceNumber: 7 },
    ]);
    pair.close();
  });

  it("says whether all pictures have come out that it handed on", () => {
    const pair = new MediaPair();
    pair.play(4);
    const [first, second, third, fourth] = pair.b.frames.map(({ rtpTimestamp }) => rtpTimestamp);
    const { media } = pair.b;
    const follows = (timestamp: number | undefined): boolean => media.follows(timestamp ?? NaN);
    expect([follows(first), follows(third), follows(fourth), follows(second)]).toEqual([
      true,
      false,
      true,
      false,
    ]);
    pair.close();
  });

  it(`survives whatever comes (seed ${SEED})`, () => {
    const pair = new MediaPair();
    const random = new SeededRandom(SEED);
    const spoil: Gate = (_, packet) => {
      if (random.chance(0.2)) packet[random.integer(0, packet.length - 1)] = random.integer(0, 255);
      return !random.chance(0.02);
    };
    pair.there = pair.back = spoil;
    pair.play(300, 3_000);
    for (let i = 0; i < 500; i++) {
      pair.a.media.receiveRtcp(random.bytes(random.integer(0, 60)), pair.clock.now());
      pair.b.media.receiveRtp(random.bytes(random.integer(0, 60)), pair.clock.now());
    }
    pair.clock.advance(5_000);
    pair.close();
    expect(pair.clock.pending).toBe(0);
  });
});

it("bounds the rate as it is told", () => {
  const pair = new MediaPair();
  pair.a.media.bound(150, 400);
  expect(pair.a.media.targetKbps).toBeLessThanOrEqual(400);
  pair.close();
});

it("reports as often as it is told, from one moment to the next", () => {
  const pair = new MediaPair();
  const reportsIn10s = (): number => {
    const before = pair.b.reports.length;
    pair.play(300);
    return pair.b.reports.length - before;
  };
  reportsIn10s(); // the first ones come early
  expect(reportsIn10s()).toBeGreaterThan(5);
  pair.a.media.configure({ rtcpIntervalMs: 10_000 });
  reportsIn10s();
  expect(reportsIn10s()).toBeLessThan(4);
  pair.close();
});

it("leaves packets to a browser, tells it each rate once, and reports what it refuses", async () => {
  const rates: number[] = [];
  const faults: unknown[] = [];
  let keyframes = 0;
  const clock = new VirtualClock();
  const media = new VideoMedia({
    ...{ peerId: "bob", clock, agreement: AGREEMENT, ssrc: 1, rtxSsrc: 2, cname: "c" },
    ...{ rtcpIntervalMs: 1_000, random: () => 4, rates: { minKbps: 150, startKbps: 500, maxKbps: 2_000 } },
    port: {
      level: "track",
      agreement: AGREEMENT,
      write: () => undefined,
      useTrack: () => Promise.resolve(),
      setBitrate: (kbps) => {
        rates.push(kbps);
        return kbps === 700 ? Promise.reject(new Error("no")) : Promise.resolve();
      },
      requestKeyframe: () => void keyframes++,
    },
    ...{ onFrame: () => undefined, onSenderReport: () => undefined, onSent: () => undefined },
    ...{ onDemand: () => undefined, onFault: (error) => void faults.push(error) },
  });
  for (const kbps of [2_000, 700, 700, 900]) media.setBitrate(kbps);
  await Promise.resolve();
  expect(rates).toEqual([700, 900]);
  expect(faults).toEqual([new Error("no")]);
  expect(media.targetKbps).toBe(900);
  media.wantKeyframe();
  media.undecodable(5);
  expect(keyframes, "more often than it can answer").toBe(1);
  clock.advance(500);
  media.undecodable(5);
  expect(keyframes).toBe(2);
  media.receiveRtp(Uint8Array.of(0x80), 1);
  expect(media.stats()).toMatchObject({ inbound: null, outbound: null });
  media.close();
});
