import { expect, it } from "vitest";
import { summarizeStatistics } from "../../../src/platform/browser/link-statistics.ts";

const pair = {
  id: "P",
  type: "candidate-pair",
  currentRoundTripTime: 0.012,
  availableOutgoingBitrate: 300_000,
  bytesSent: 7,
  bytesReceived: 8,
  localCandidateId: "L",
  remoteCandidateId: "R",
};
const local = {
  id: "L",
  type: "local-candidate",
  candidateType: "host",
  protocol: "udp",
  address: "10.0.0.1",
  port: 5,
};
const remote = {
  id: "R",
  type: "remote-candidate",
  candidateType: "relay",
  protocol: "tcp",
  address: "fe80::1",
  port: 6,
};
const transport = {
  id: "T",
  type: "transport",
  selectedCandidatePairId: "P",
  bytesSent: 100,
  bytesReceived: 200,
};
const sent = { id: "O", type: "outbound-rtp", kind: "audio", ssrc: 42, packetsSent: 3, bytesSent: 99 };

it("knows nothing of an empty report", () => {
  expect(summarizeStatistics([])).toEqual({
    bytesSent: null,
    bytesReceived: null,
    rttMs: null,
    localCandidate: null,
    remoteCandidate: null,
    availableOutgoingBps: null,
    audioOut: null,
    audioOutRemote: null,
    audioInRemote: null,
    video: null,
  });
});

it("follows the transport to the selected pair and its candidates", () => {
  const other = { ...pair, id: "P2", currentRoundTripTime: 9 };
  expect(summarizeStatistics([other, transport, local, remote, pair, sent])).toMatchObject({
    bytesSent: 100,
    bytesReceived: 200,
    rttMs: 12,
    localCandidate: "host udp 10.0.0.1:5",
    remoteCandidate: "relay tcp [fe80::1]:6",
    availableOutgoingBps: 300_000,
    audioOut: { ssrc: 42, packetsSent: 3, bytesSent: 99, headerBytesSent: null, nackCount: null },
    audioOutRemote: null,
    audioInRemote: null,
  });
});

it("takes what RTCP told the browser of either direction, in milliseconds", () => {
  const report = { id: "RI", type: "remote-inbound-rtp", kind: "audio", ssrc: 42, packetsLost: 4 };
  const received = { ...report, fractionLost: 0.25, jitter: 0.002, roundTripTime: 0.04 };
  const sending = { id: "RO", type: "remote-outbound-rtp", kind: "audio", ssrc: 9, packetsSent: 70 };
  const totals = { totalRoundTripTime: 0.09, roundTripTimeMeasurements: 2 };
  const video = { ...received, id: "RV", kind: "video", packetsLost: 1000 };
  expect(
    summarizeStatistics([
      { ...sent, headerBytesSent: 36, nackCount: 1 },
      video,
      { ...received, ...totals },
      { ...sending, bytesSent: 700, reportsSent: 3, remoteTimestamp: 1_700_000_000_000 },
    ]),
  ).toMatchObject({
    audioOut: { headerBytesSent: 36, nackCount: 1 },
    audioOutRemote: {
      packetsLost: 4,
      fractionLost: 0.25,
      jitterMs: 2,
      roundTripTimeMs: 40,
      totalRoundTripTimeMs: 90,
      roundTripTimes: 2,
    },
    audioInRemote: {
      ssrc: 9,
      packetsSent: 70,
      bytesSent: 700,
      reportsSent: 3,
      remoteTimestampMs: 1_700_000_000_000,
    },
  });
});

it("takes the pair that calls itself selected, and its bytes, where the transport is silent", () => {
  const hidden = { ...remote, address: null };
  const summary = summarizeStatistics([{ ...pair, id: "P0" }, { ...pair, id: "P1", selected: true }, hidden]);
  expect(summary).toMatchObject({
    bytesSent: 7,
    bytesReceived: 8,
    rttMs: 12,
    remoteCandidate: "relay tcp :6",
  });
});

it("ignores video and streams without an SSRC", () => {
  const { ssrc: _, ...unnamed } = sent;
  expect(summarizeStatistics([{ ...sent, kind: "video" }]).audioOut).toBe(null);
  expect(summarizeStatistics([unnamed]).audioOut).toBe(null);
});

it("tells of video what the browser does: coding, sending, receiving, and what both sides report", () => {
  const common = { kind: "video", ssrc: 7 };
  const { video, audioOut } = summarizeStatistics([
    {
      ...{ id: "VO", type: "outbound-rtp", ...common, packetsSent: 9, bytesSent: 900, framesEncoded: 4 },
      ...{ keyFramesEncoded: 1, qpSum: 120, totalEncodeTime: 0.02, targetBitrate: 500_000, pliCount: 2 },
      ...{ frameWidth: 320, frameHeight: 180, framesPerSecond: 29 },
    },
    {
      id: "VR",
      type: "remote-inbound-rtp",
      ...common,
      packetsLost: 3,
      fractionLost: 0.1,
      roundTripTime: 0.05,
    },
    {
      id: "VI",
      type: "inbound-rtp",
      ...common,
      ssrc: 8,
      packetsReceived: 5,
      jitter: 0.004,
      framesReceived: 2,
    },
    { id: "VS", type: "remote-outbound-rtp", ...common, ssrc: 8, reportsSent: 6 },
  ]);
  expect(video?.out).toMatchObject({
    ...{ ssrc: 7, packetsSent: 9, bytesSent: 900, framesEncoded: 4, keyFramesEncoded: 1, qpSum: 120 },
    ...{ encodeMs: 20, targetBps: 500_000, width: 320, height: 180, framerateFps: 29 },
    ...{ pliCount: 2, firCount: null, nackCount: null, retransmittedPacketsSent: null },
  });
  expect(video?.outRemote).toMatchObject({ packetsLost: 3, fractionLost: 0.1, roundTripTimeMs: 50 });
  expect(video?.in).toMatchObject({ ssrc: 8, packetsReceived: 5, jitterMs: 4, framesReceived: 2 });
  expect(video?.inRemote).toMatchObject({ ssrc: 8, reportsSent: 6 });
  expect(audioOut).toBeNull();
});
