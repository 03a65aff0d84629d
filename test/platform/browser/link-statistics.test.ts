import { expect, it } from "vitest";
import { summarizeStatistics } from "../../../src/platform/browser/link-statistics.ts";

const pair = {
  id: "P",
  type: "candidate-pair",
  currentRoundTripTime: 0.012,
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
    audioOut: null,
  });
});

it("follows the transport to the selected pair and its candidates", () => {
  const other = { ...pair, id: "P2", currentRoundTripTime: 9 };
  expect(summarizeStatistics([other, transport, local, remote, pair, sent])).toEqual({
    bytesSent: 100,
    bytesReceived: 200,
    rttMs: 12,
    localCandidate: "host udp 10.0.0.1:5",
    remoteCandidate: "relay tcp [fe80::1]:6",
    audioOut: { ssrc: 42, packetsSent: 3, bytesSent: 99 },
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
