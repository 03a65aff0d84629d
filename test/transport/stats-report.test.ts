import { describe, expect, it } from "vitest";
import type { LinkStatistics } from "../../src/platform/platform.ts";
import { unixUsToNtp } from "../../src/rtp/ntp.ts";
import { NOTHING_RECEIVED } from "../../src/media/engine/receiver-stats.ts";
import { statsReport } from "../../src/transport/stats-report.ts";
import type { PeerMediaStats } from "../../src/media/media-stats.ts";
import type { PeerStatsEntry, ReportSources } from "../../src/transport/stats-report.ts";

const timestamp = 1_767_225_600_123;

const link: LinkStatistics = {
  bytesSent: 1_000,
  bytesReceived: 2_000,
  rttMs: 25,
  localCandidate: "host udp 10.0.0.1:5",
  remoteCandidate: "host udp 10.0.0.2:5",
  availableOutgoingBps: null,
  audioOut: null,
  audioOutRemote: null,
  audioInRemote: null,
  video: null,
};

const inbound = {
  ssrc: 9,
  packetsReceived: 95,
  packetsLost: 5,
  jitterMs: 12,
  bytesReceived: 7_600,
  headerBytesReceived: 1_140,
  totalSamples: 91_200,
  silentConcealedSamples: 0,
  jitterBufferDelayMs: 4_272_000,
  jitterBufferEmittedSamples: 85_440,
  malformed: 0,
  formerStream: 0,
  otherPayload: 0,
  padding: 0,
  duplicates: 2,
  late: 3,
  overruns: 1,
  buffered: 0,
  lost: 5,
  lossRate: 0.05,
  bufferDelayMs: 50,
  targetDelayMs: 50,
  decoded: 89,
  decodeFailures: 0,
  overtaken: 0,
  fecFrames: 1,
  concealedSamples: 4_800,
  comfortSamples: 0,
  restarts: 0,
  insertedSamples: 240,
  removedSamples: 480,
  video: NOTHING_RECEIVED.video,
  syncState: "synced",
  clockOffsetUs: null,
  clockErrorUs: null,
  clockDriftPpm: 0,
  captureErrorUs: null,
} as const;

const audio: PeerMediaStats = {
  inbound,
  outbound: {
    ssrc: 42,
    packetsSent: 100,
    bytesSent: 8_000,
    headerBytesSent: 1_200,
    outdated: 0,
    refused: 0,
    roundTripTimeMs: 30,
    remotePacketLossRate: 0.25,
    remotePacketsLost: 7,
    remoteJitterMs: 4,
  },
  rtcp: {
    packetsSent: 100,
    bytesSent: 8_000,
    reportsSent: 3,
    reportsReceived: 3,
    nackCount: 0,
    pliCount: 0,
    firCount: 0,
    rembCount: 0,
    transportFeedbackCount: 0,
    unknown: 0,
    malformed: 0,
    reception: undefined,
    sending: undefined,
  },
};

const nothing: ReportSources = {
  ...{ timestamp, audio: null, packetLevel: false, channels: null, link: null },
  ...{ video: null, decoding: null, native: null },
};

function entry<Type extends PeerStatsEntry["type"]>(
  sources: Partial<ReportSources>,
  type: Type,
): Extract<PeerStatsEntry, { type: Type }> | undefined {
  const found = statsReport({ ...nothing, ...sources }).filter(
    (each): each is Extract<PeerStatsEntry, { type: Type }> => each.type === type,
  );
  expect(found.length).toBeLessThanOrEqual(1);
  return found[0];
}

const types = (sources: Partial<ReportSources>): string[] =>
  statsReport({ ...nothing, ...sources }).map(({ type }) => type);

describe("the report of a peer", () => {
  it("is empty for a peer of whom nothing is known, and frozen", () => {
    expect(statsReport(nothing)).toEqual([]);
    const report = statsReport({ ...nothing, audio, link, packetLevel: true });
    expect(Object.isFrozen(report)).toBe(true);
    for (const each of report) expect(Object.isFrozen(each), each.type).toBe(true);
  });

  it("names the incoming stream's figures as the W3C does, in seconds, and leaves out the unmeasured", () => {
    expect(entry({ audio }, "inbound-rtp")).toEqual({
      id: "inbound-rtp-9",
      timestamp,
      type: "inbound-rtp",
      kind: "audio",
      ssrc: 9,
      packetsReceived: 95,
      packetsLost: 5,
      jitter: 0.012,
      bytesReceived: 7_600,
      headerBytesReceived: 1_140,
      totalSamplesReceived: 91_200,
      silentConcealedSamples: 0,
      jitterBufferDelay: 4_272,
      jitterBufferEmittedCount: 85_440,
      packetsDiscarded: 4,
      concealedSamples: 4_800,
      insertedSamplesForDeceleration: 240,
      removedSamplesForAcceleration: 480,
    });
    expect(types({ audio: { ...audio, inbound: { ...inbound, ssrc: undefined } } })).toEqual([]);
  });

  it("knows no header bytes where the platform hides packets", () => {
    const hidden = { ...audio, inbound: { ...inbound, headerBytesReceived: 0 } };
    expect(entry({ audio: hidden }, "inbound-rtp")).not.toHaveProperty("headerBytesReceived");
  });

  it("joins each stream with what the other side says of it", () => {
    const ntp = unixUsToNtp(1_767_225_599_000_000);
    const rtcp = {
      ...audio.rtcp,
      reception: {
        roundTripTimeMs: 30,
        totalRoundTripTimeMs: 90,
        roundTripTimes: 3,
        lossRate: 0.25,
        cumulativeLost: 7,
        jitterMs: 4,
        atMs: 0,
      },
      sending: { ntp, packetCount: 101, octetCount: 8_080, reports: 4, arrivalMs: 0 },
    };
    const sources = { audio: { ...audio, rtcp }, packetLevel: true };
    expect(entry(sources, "outbound-rtp")).toEqual({
      id: "outbound-rtp-42",
      timestamp,
      type: "outbound-rtp",
      kind: "audio",
      ssrc: 42,
      remoteId: "remote-inbound-rtp-42",
      packetsSent: 100,
      bytesSent: 8_000,
      headerBytesSent: 1_200,
      nackCount: 0,
    });
    expect(entry(sources, "remote-inbound-rtp")).toEqual({
      id: "remote-inbound-rtp-42",
      timestamp,
      type: "remote-inbound-rtp",
      kind: "audio",
      ssrc: 42,
      localId: "outbound-rtp-42",
      packetsLost: 7,
      fractionLost: 0.25,
      jitter: 0.004,
      roundTripTime: 0.03,
      totalRoundTripTime: 0.09,
      roundTripTimeMeasurements: 3,
    });
    expect(entry(sources, "inbound-rtp")).toMatchObject({ remoteId: "remote-outbound-rtp-9" });
    expect(entry(sources, "remote-outbound-rtp")).toEqual({
      id: "remote-outbound-rtp-9",
      timestamp,
      type: "remote-outbound-rtp",
      kind: "audio",
      ssrc: 9,
      localId: "inbound-rtp-9",
      packetsSent: 101,
      bytesSent: 8_080,
      reportsSent: 4,
      remoteTimestamp: 1_767_225_599_000,
    });
  });

  it("takes the browser's own word where the browser sends and does RTCP", () => {
    const audioOut = { ssrc: 7, packetsSent: 5, bytesSent: 400, headerBytesSent: 60, nackCount: null };
    const audioOutRemote = {
      packetsLost: 1,
      fractionLost: 0.5,
      jitterMs: 3,
      roundTripTimeMs: 40,
      totalRoundTripTimeMs: null,
      roundTripTimes: null,
    };
    const audioInRemote = {
      ssrc: 9,
      packetsSent: 50,
      bytesSent: null,
      reportsSent: 2,
      remoteTimestampMs: 1_767_225_500_000,
    };
    const sources = { audio, link: { ...link, audioOut, audioOutRemote, audioInRemote } };
    expect(entry(sources, "outbound-rtp")).toEqual({
      id: "outbound-rtp-7",
      timestamp,
      type: "outbound-rtp",
      kind: "audio",
      ssrc: 7,
      remoteId: "remote-inbound-rtp-7",
      packetsSent: 5,
      bytesSent: 400,
      headerBytesSent: 60,
    });
    expect(entry(sources, "remote-inbound-rtp")).toEqual({
      id: "remote-inbound-rtp-7",
      timestamp,
      type: "remote-inbound-rtp",
      kind: "audio",
      ssrc: 7,
      localId: "outbound-rtp-7",
      packetsLost: 1,
      fractionLost: 0.5,
      jitter: 0.003,
      roundTripTime: 0.04,
    });
    expect(entry(sources, "remote-outbound-rtp")).toMatchObject({
      packetsSent: 50,
      reportsSent: 2,
      remoteTimestamp: 1_767_225_500_000,
    });
    expect(types({ audio, link: { ...link, audioOut } })).not.toContain("remote-inbound-rtp");
    expect(types({ audio, link })).not.toContain("outbound-rtp");
  });

  it("describes the pair of candidates in use", () => {
    expect(entry({ link: { ...link, availableOutgoingBps: 300_000 } }, "candidate-pair")).toEqual({
      id: "candidate-pair",
      timestamp,
      type: "candidate-pair",
      state: "succeeded",
      nominated: true,
      bytesSent: 1_000,
      bytesReceived: 2_000,
      currentRoundTripTime: 0.025,
      availableOutgoingBitrate: 300_000,
    });
    const silent = entry({ link: { ...link, rttMs: null, bytesSent: null } }, "candidate-pair");
    expect(Object.keys(silent ?? {})).not.toContain("currentRoundTripTime");
    expect(Object.keys(silent ?? {})).not.toContain("bytesSent");
    expect(types({ link: { ...link, localCandidate: null } })).toEqual([]);
  });

  it("has an entry for each data channel", () => {
    const traffic = { messagesSent: 1, bytesSent: 10, messagesReceived: 2, bytesReceived: 20 };
    const channels = {
      control: { ...traffic, state: "open" as const },
      data: { ...traffic, messagesSent: 3, state: "closed" as const },
    };
    expect(statsReport({ ...nothing, channels: { channels } })).toEqual([
      {
        id: "data-channel-control",
        timestamp,
        type: "data-channel",
        label: "control",
        state: "open",
        ...traffic,
      },
      {
        id: "data-channel-data",
        timestamp,
        type: "data-channel",
        label: "data",
        state: "closed",
        ...traffic,
        messagesSent: 3,
      },
    ]);
  });
});
