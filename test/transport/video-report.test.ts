import { describe, expect, it } from "vitest";
import { NOTHING_COUNTED } from "../../src/media/video/video-receiver-counters.ts";
import type { VideoMediaStats } from "../../src/media/video/video-media.ts";
import type { NativeVideo } from "../../src/platform/video-link.ts";
import { videoEntries } from "../../src/transport/video-report.ts";
import type { VideoReportSources } from "../../src/transport/video-report.ts";

const timestamp = 1_767_225_600_000;
const NOTHING: VideoReportSources = { timestamp, video: null, decoding: null, native: null };

const decoding = {
  ...{ received: 100, unwanted: 4, skipped: 3, overruns: 2, decoded: 90, undecodable: 1, lost: 0 },
  decodeMs: 450,
};

const inbound = {
  ...NOTHING_COUNTED,
  ...{ packetsReceived: 300, bytesReceived: 90_000, headerBytesReceived: 9_000, keyframes: 2 },
  ...{
    padding: 0,
    duplicates: 0,
    late: 0,
    strays: 0,
    overruns: 0,
    incomplete: 0,
    undecodable: 0,
    delivered: 300,
  },
  ...{ buffered: 0, recovered: 7, lost: 1, framesAssembled: 101, framesDelivered: 100, framesDropped: 1 },
  ...{ framesWaiting: 0, nacks: 5, packetsRequested: 8, plis: 1, jitterMs: 3, ssrc: 7 },
};

const outbound = {
  ...{
    packetsSent: 200,
    bytesSent: 60_000,
    headerBytesSent: 5_000,
    framesSent: 80,
    outdated: 0,
    refused: 0,
    gaps: 0,
  },
  ...{ targetKbps: 640, retransmittedPackets: 6, retransmittedBytes: 1_800, requestedPackets: 9 },
  ...{ probePackets: 12, droppedPackets: 0 },
};

const video: VideoMediaStats = {
  codec: "VP9",
  inbound,
  outbound,
  ssrc: 42,
  packetsLost: 8,
  jitterMs: 12,
  remote: {
    ...{ roundTripTimeMs: 40, totalRoundTripTimeMs: 400, roundTripTimes: 10, lossRate: 0.25 },
    ...{ cumulativeLost: 11, jitterMs: 5, atMs: 1 },
  },
  ...{ nackCount: 3, pliCount: 2, firCount: 0 },
};

const told: NativeVideo = {
  out: {
    ...{ ssrc: 42, packetsSent: 200, bytesSent: 60_000, headerBytesSent: null, retransmittedPacketsSent: 6 },
    ...{ framesEncoded: 80, keyFramesEncoded: 2, qpSum: 900, encodeMs: 300, targetBps: 640_000 },
    ...{ width: 320, height: 180, framerateFps: 15, nackCount: 3, pliCount: 2, firCount: 0 },
  },
  outRemote: {
    ...{ packetsLost: 11, fractionLost: 0.25, jitterMs: 5, roundTripTimeMs: 40 },
    ...{ totalRoundTripTimeMs: 400, roundTripTimes: 10 },
  },
  in: {
    ...{ ssrc: 7, packetsReceived: 300, bytesReceived: 90_000, packetsLost: 8, jitterMs: 12 },
    ...{ framesReceived: 100, nackCount: 5, pliCount: 1, firCount: 0 },
  },
  inRemote: null,
};

const THEIRS = { id: "inbound-rtp-7", timestamp, type: "inbound-rtp", kind: "video", ssrc: 7 };
const OURS = { id: "outbound-rtp-42", timestamp, type: "outbound-rtp", kind: "video", ssrc: 42 };
const REMOTE = {
  ...{ id: "remote-inbound-rtp-42", timestamp, type: "remote-inbound-rtp", kind: "video", ssrc: 42 },
  ...{ localId: OURS.id, packetsLost: 11, fractionLost: 0.25, jitter: 0.005, roundTripTime: 0.04 },
};

describe("the report of a peer's video", () => {
  it("is empty where there is none, or nothing has come or gone", () => {
    expect(videoEntries(NOTHING)).toEqual([]);
    const idle = { ...video, inbound: null, outbound: null, remote: undefined };
    expect(videoEntries({ ...NOTHING, video: idle })).toEqual([]);
  });

  it("tells what this library counts, in seconds and bit/s", () => {
    expect(videoEntries({ ...NOTHING, video, decoding })).toEqual([
      {
        ...THEIRS,
        ...{
          packetsReceived: 300,
          packetsLost: 8,
          jitter: 0.012,
          bytesReceived: 90_000,
          headerBytesReceived: 9_000,
        },
        ...{ retransmittedPacketsReceived: 7, framesReceived: 100, nackCount: 5, pliCount: 1 },
        ...{ framesDecoded: 90, framesDropped: 10, totalDecodeTime: 0.45 },
      },
      {
        ...OURS,
        ...{ remoteId: REMOTE.id, packetsSent: 200, bytesSent: 60_000, headerBytesSent: 5_000 },
        ...{
          retransmittedPacketsSent: 6,
          retransmittedBytesSent: 1_800,
          framesSent: 80,
          targetBitrate: 640_000,
        },
        ...{ nackCount: 3, pliCount: 2, firCount: 0 },
      },
      REMOTE,
    ]);
  });

  it("tells what a browser counts, and leaves out what it does not", () => {
    const theirs = { ...video, inbound: null, outbound: null, remote: undefined };
    expect(videoEntries({ ...NOTHING, video: theirs, decoding, native: told })).toEqual([
      {
        ...THEIRS,
        ...{
          packetsReceived: 300,
          packetsLost: 8,
          jitter: 0.012,
          bytesReceived: 90_000,
          framesReceived: 100,
        },
        ...{ nackCount: 5, pliCount: 1, firCount: 0 },
        ...{ framesDecoded: 90, framesDropped: 10, totalDecodeTime: 0.45 },
      },
      {
        ...OURS,
        ...{ remoteId: REMOTE.id, packetsSent: 200, bytesSent: 60_000, retransmittedPacketsSent: 6 },
        ...{
          framesEncoded: 80,
          keyFramesEncoded: 2,
          qpSum: 900,
          totalEncodeTime: 0.3,
          targetBitrate: 640_000,
        },
        ...{ frameWidth: 320, frameHeight: 180, framesPerSecond: 15, nackCount: 3, pliCount: 2, firCount: 0 },
      },
      REMOTE,
    ]);
  });
});
