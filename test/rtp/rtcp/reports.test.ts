import { describe, expect, it } from "vitest";
import { compactNtp, ntpToUnixUs } from "../../../src/rtp/ntp.ts";
import { buildRtcp, parseRtcp } from "../../../src/rtp/rtcp/packets.ts";
import type { RtcpPacket, SenderReport } from "../../../src/rtp/rtcp/packets.ts";
import { Reports } from "../../../src/rtp/rtcp/reports.ts";
import { transportFeedback } from "../../../src/rtp/rtcp/transport-cc.ts";
import type { ReportsInput, ReportsOptions, ReportsOutput } from "../../../src/rtp/rtcp/reports.ts";
import { SeededRandom } from "../../../src/testing/random.ts";

const WALL_OFFSET_MS = 1_767_225_600_000;

interface Sent {
  atMs: number;
  packets: RtcpPacket[];
}

/** A report machine under a clock that jumps from deadline to deadline. */
class Bench {
  readonly reports: Reports;
  readonly sent: Sent[] = [];
  readonly outputs: ReportsOutput[] = [];
  nowMs = 0;

  constructor(options: Partial<ReportsOptions> = {}) {
    const random = new SeededRandom(3);
    this.reports = new Reports({
      ssrc: 0xa,
      cname: "alice",
      clockRate: 48_000,
      rtcpIntervalMs: 5000,
      wallOffsetMs: WALL_OFFSET_MS,
      random: () => random.next(),
      ...options,
    });
  }

  handle(input: ReportsInput | { type: "timeout" }): void {
    this.reports.handle(input, this.nowMs);
    for (let output = this.reports.poll(); output !== undefined; output = this.reports.poll()) {
      if (output.type === "send") {
        this.sent.push({ atMs: this.nowMs, packets: parseRtcp(output.bytes).packets });
      } else {
        this.outputs.push(output);
      }
    }
  }

  runTo(endMs: number): void {
    while (this.reports.deadlineMs <= endMs) {
      this.nowMs = this.reports.deadlineMs;
      this.handle({ type: "timeout" });
    }
    this.nowMs = endMs;
  }

  media(index: number): void {
    const captureUs = (this.nowMs + WALL_OFFSET_MS) * 1000;
    this.handle({ type: "rtp-sent", rtpTimestamp: (index * 960) >>> 0, captureUs, payloadLength: 80 });
  }
}

function senderReports(bench: Bench): SenderReport[] {
  return bench.sent.flatMap(({ packets }) => packets.filter((packet) => packet.type === "sender-report"));
}

describe("RTCP reports", () => {
  it("begin with the first media, follow twice within two seconds, then keep the interval", () => {
    const bench = new Bench();
    bench.runTo(10_000);
    expect(bench.sent).toEqual([]);
    for (let i = 0; i < 3000; i++) {
      bench.media(i);
      bench.runTo(bench.nowMs + 20);
    }
    const times = bench.sent.map(({ atMs }) => atMs - 10_000);
    expect(times[0]).toBe(0);
    expect(times[2]).toBeLessThanOrEqual(2000);
    const distances = times.slice(3).map((time, index) => time - (times[index + 2] ?? 0));
    expect(distances.length).toBeGreaterThan(6);
    for (const distance of distances) {
      expect(distance).toBeGreaterThanOrEqual(2500);
      expect(distance).toBeLessThanOrEqual(7500);
    }
    expect(new Set(distances).size).toBe(distances.length);
  });

  it("name the source in every compound and say goodbye at the end, once", () => {
    const bench = new Bench();
    bench.media(0);
    bench.runTo(3000);
    bench.handle({ type: "close" });
    bench.handle({ type: "close" });
    bench.media(1);
    for (const { packets } of bench.sent) {
      expect(packets[1]).toEqual({ type: "source-description", chunks: [{ ssrc: 0xa, cname: "alice" }] });
    }
    const goodbyes = bench.sent.filter(({ packets }) => packets.at(-1)?.type === "goodbye");
    expect(goodbyes).toHaveLength(1);
    expect(bench.reports.deadlineMs).toBe(Infinity);
  });

  it("pair the instant of the report with the media clock at that instant", () => {
    const bench = new Bench();
    bench.media(0);
    bench.runTo(5000);
    const reports = senderReports(bench);
    expect(reports.length).toBeGreaterThan(1);
    for (const report of reports) {
      const mediaUs = ntpToUnixUs(report.ntp) - WALL_OFFSET_MS * 1000;
      expect(report.rtpTimestamp).toBe(Math.round(mediaUs * 0.048));
      expect(report).toMatchObject({ packetCount: 1, octetCount: 80 });
    }
  });

  it("become receiver reports when no media left for two intervals, and sender reports again", () => {
    const bench = new Bench();
    bench.media(0);
    bench.runTo(60_000);
    expect(bench.sent.at(-1)?.packets[0]?.type).toBe("receiver-report");
    bench.media(3000);
    bench.runTo(70_000);
    expect(senderReports(bench).at(-1)?.packetCount).toBe(2);
  });

  it("report what comes in, from the first packet on", () => {
    const bench = new Bench();
    for (let i = 0; i < 50; i++) {
      const input = { ssrc: 0xb, sequenceNumber: i * 2, rtpTimestamp: i * 960, arrivalMs: bench.nowMs };
      bench.handle({ type: "rtp-received", ...input });
      bench.runTo(bench.nowMs + 20);
    }
    const first = bench.sent[0]?.packets[0];
    if (first?.type !== "receiver-report") throw new Error("no receiver report");
    expect(first.blocks[0]).toMatchObject({ ssrc: 0xb });
    expect(first.blocks[0]?.fractionLost).toBeGreaterThan(100);
    expect(bench.reports.reception(0xb)?.lost).toBe(49);
    expect(bench.reports.reception(0xc)).toBeUndefined();
  });

  it("let both sides measure the round trip", () => {
    const alice = new Bench({ ssrc: 0xa, wallOffsetMs: WALL_OFFSET_MS });
    // Bob's clock is an hour off: it must not matter.
    const bob = new Bench({ ssrc: 0xb, wallOffsetMs: WALL_OFFSET_MS + 3_600_000 });
    const oneWayMs = 40;
    for (let i = 0; i < 500; i++) {
      const nowMs = i * 20;
      for (const [from, to] of [
        [alice, bob],
        [bob, alice],
      ] as const) {
        from.runTo(nowMs);
        from.media(i);
        const ssrc = from === alice ? 0xa : 0xb;
        to.nowMs = nowMs;
        to.handle({ type: "rtp-received", ssrc, sequenceNumber: i, rtpTimestamp: i * 960, arrivalMs: nowMs });
        for (const sent of from.sent.splice(0)) {
          const arrivalMs = sent.atMs + oneWayMs;
          to.handle({ type: "rtcp-received", bytes: buildRtcp(sent.packets), arrivalMs });
        }
      }
    }
    expect(alice.reports.remote?.roundTripTimeMs).toBeGreaterThan(79);
    expect(alice.reports.remote?.roundTripTimeMs).toBeLessThan(81);
    expect(bob.reports.remote?.roundTripTimeMs).toBeGreaterThan(79);
    expect(alice.outputs.some(({ type }) => type === "sender-report")).toBe(true);
  });

  it("count the round trips and their sum", () => {
    const bench = new Bench();
    bench.media(0);
    const [report] = senderReports(bench);
    if (report === undefined) throw new Error("no sender report");
    const block = { ssrc: 0xa, fractionLost: 0, cumulativeLost: 0, extendedHighestSequence: 0, jitter: 0 };
    const lastSenderReport = compactNtp(report.ntp);
    const receive = (arrivalMs: number, delayMs: number, lsr = lastSenderReport): void => {
      const delaySinceLastSenderReport = Math.round(delayMs * 65.536);
      const told = { ...block, lastSenderReport: lsr, delaySinceLastSenderReport };
      const bytes = buildRtcp([{ type: "receiver-report", ssrc: 0xb, blocks: [told] }]);
      bench.handle({ type: "rtcp-received", bytes, arrivalMs });
    };
    receive(150, 100);
    receive(200, 130);
    receive(250, 0, 0);
    expect(bench.reports.remote?.roundTripTimeMs).toBeCloseTo(70, 1);
    expect(bench.reports.remote?.totalRoundTripTimeMs).toBeCloseTo(120, 1);
    expect(bench.reports.remote?.roundTripTimes).toBe(2);
  });

  it("read loss from the block about our stream, but no round trip from a report that was never sent", () => {
    const bench = new Bench();
    bench.media(0);
    const block = {
      ssrc: 0xa,
      fractionLost: 64,
      cumulativeLost: 9,
      extendedHighestSequence: 100,
      jitter: 480,
      lastSenderReport: 0x12345678,
      delaySinceLastSenderReport: 0,
    };
    const bytes = buildRtcp([
      { type: "receiver-report", ssrc: 0xb, blocks: [{ ...block, ssrc: 0xdd }, block] },
    ]);
    bench.handle({ type: "rtcp-received", bytes, arrivalMs: 0 });
    expect(bench.reports.remote).toEqual({
      roundTripTimeMs: undefined,
      totalRoundTripTimeMs: 0,
      roundTripTimes: 0,
      lossRate: 0.25,
      cumulativeLost: 9,
      jitterMs: 10,
      atMs: 0,
    });
  });

  it("count what is malformed or unknown and go on", () => {
    const bench = new Bench();
    const bytes = Uint8Array.of(0x80, 207, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0x81, 202, 0, 0);
    bench.handle({ type: "rtcp-received", bytes, arrivalMs: 0 });
    expect(bench.reports.counters).toMatchObject({ unknown: 1, malformed: 1, reportsReceived: 0 });
  });

  it("hand on feedback and count it by its kind, alone in a datagram as well", () => {
    const bench = new Bench();
    const nack: RtcpPacket = { type: "nack", senderSsrc: 0xb, mediaSsrc: 0xa, sequenceNumbers: [1, 2] };
    const receive = (...packets: RtcpPacket[]): void =>
      bench.handle({ type: "rtcp-received", bytes: buildRtcp(packets), arrivalMs: 0 });
    receive(nack);
    receive(
      { type: "pli", senderSsrc: 0xb, mediaSsrc: 0xa },
      { type: "fir", senderSsrc: 0xb, requests: [{ ssrc: 0xa, sequenceNumber: 1 }] },
      nack,
      { type: "remb", senderSsrc: 0xb, bitrateBps: 1e6, ssrcs: [0xa] },
      ...transportFeedback([{ sequenceNumber: 3, receivedUs: 250 }], {
        senderSsrc: 0xb,
        mediaSsrc: 0xa,
        feedbackCount: 0,
        baseSequence: 0,
      }),
    );
    expect(bench.reports.counters).toMatchObject({
      nackCount: 2,
      pliCount: 1,
      firCount: 1,
      rembCount: 1,
      transportFeedbackCount: 1,
      unknown: 0,
      malformed: 0,
      reportsReceived: 0,
    });
    const kinds = bench.outputs.map((output) => output.type === "feedback" && output.packet.type);
    expect(kinds).toEqual(["nack", "pli", "fir", "nack", "remb", "transport-cc"]);
    expect(bench.outputs[0]).toEqual({ type: "feedback", packet: nack, arrivalMs: 0 });
  });

  it("keep what a sender says of its stream", () => {
    const bench = new Bench();
    const report: RtcpPacket = {
      type: "sender-report",
      ssrc: 0xb,
      ntp: { seconds: 0xe0000000, fraction: 0 },
      rtpTimestamp: 0,
      packetCount: 7,
      octetCount: 700,
      blocks: [],
    };
    const bytes = buildRtcp([report]);
    bench.handle({ type: "rtcp-received", bytes, arrivalMs: 5 });
    bench.handle({ type: "rtp-received", ssrc: 0xb, sequenceNumber: 1, rtpTimestamp: 0, arrivalMs: 6 });
    expect(bench.reports.reception(0xb)?.remote).toBeUndefined();
    bench.handle({ type: "rtcp-received", bytes, arrivalMs: 7 });
    expect(bench.reports.reception(0xb)?.remote).toEqual({
      ntp: report.ntp,
      packetCount: 7,
      octetCount: 700,
      reports: 1,
      arrivalMs: 7,
    });
  });

  it("forget a source that says goodbye, and the oldest when there are too many", () => {
    const bench = new Bench();
    const arrive = (ssrc: number): void =>
      bench.handle({ type: "rtp-received", ssrc, sequenceNumber: 1, rtpTimestamp: 0, arrivalMs: 0 });
    arrive(1);
    const bytes = buildRtcp([{ type: "goodbye", ssrcs: [1], reason: undefined }]);
    bench.handle({ type: "rtcp-received", bytes, arrivalMs: 0 });
    expect(bench.reports.reception(1)).toBeUndefined();
    expect(bench.outputs).toEqual([{ type: "goodbye", ssrcs: [1] }]);
    for (const ssrc of [2, 3, 4, 5, 6]) arrive(ssrc);
    expect(bench.reports.reception(2)).toBeUndefined();
    expect(bench.reports.reception(6)).toBeDefined();
  });

  it("follow a new interval at once", () => {
    const bench = new Bench({ rtcpIntervalMs: 10_000 });
    for (let i = 0; i < 500; i++) {
      bench.media(i);
      bench.runTo(bench.nowMs + 20);
    }
    const before = bench.sent.length;
    bench.handle({ type: "configure", rtcpIntervalMs: 1000 });
    for (let i = 500; i < 1000; i++) {
      bench.media(i);
      bench.runTo(bench.nowMs + 20);
    }
    expect(bench.sent.length - before).toBeGreaterThanOrEqual(6);
  });
});
