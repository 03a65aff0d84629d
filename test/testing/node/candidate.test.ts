// What a relay reads in candidates and descriptions, and how it writes them anew.
import { describe, expect, it } from "vitest";
import {
  loopbackPort,
  markDescription,
  stripDescription,
  withPort,
} from "../../../src/testing/node/candidate.ts";

const CANDIDATE = "candidate:1 1 UDP 2114977791 127.0.0.1 50001 typ host ufrag abcd";
const SDP = [
  "v=0",
  "o=- 1 1 IN IP4 127.0.0.1",
  "s=-",
  "t=0 0",
  "m=audio 9 UDP/TLS/RTP/SAVPF 111",
  "a=mid:sound",
  "a=candidate:1 1 udp 1 127.0.0.1 50001 typ host",
  "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
  "a=candidate:2 1 udp 1 127.0.0.1 50002 typ host",
  "a=end-of-candidates",
  "a=mid:data",
  "",
].join("\r\n");
const BARE = SDP.replace(/a=(candidate|end-of-candidates).*\r\n/g, "");

describe("a candidate", () => {
  it("shows its port and takes another one, the rest as it was", () => {
    expect(loopbackPort(CANDIDATE)).toBe(50_001);
    expect(withPort(CANDIDATE, 6)).toBe("candidate:1 1 UDP 2114977791 127.0.0.1 6 typ host ufrag abcd");
    expect(loopbackPort(`a=${CANDIDATE}`)).toBe(50_001);
  });

  it.each([
    "",
    "nonsense",
    "candidate:1 1 udp 1 192.168.1.5 50001 typ host",
    "candidate:1 1 udp 1 2f1c.local 50001 typ host",
    "candidate:1 1 udp 1 ::1 50001 typ host",
    "candidate:1 1 tcp 1 127.0.0.1 50001 typ host tcptype passive",
    "candidate:1 1 udp 1 127.0.0.1 50001 typ srflx raddr 10.0.0.1 rport 5",
    "candidate:1 1 udp 1 127.0.0.1 99999 typ host",
    "candidate:1 1 udp 1 127.0.0.1 0 typ host",
  ])("%j is none that can be relayed", (candidate) => {
    expect(loopbackPort(candidate)).toBeUndefined();
  });
});

describe("a description", () => {
  it("loses its candidates, which know where they stood", () => {
    expect(stripDescription(SDP)).toEqual({
      sdp: BARE,
      candidates: [
        { candidate: "candidate:1 1 udp 1 127.0.0.1 50001 typ host", sdpMid: "sound", sdpMLineIndex: 0 },
        { candidate: "candidate:2 1 udp 1 127.0.0.1 50002 typ host", sdpMid: "data", sdpMLineIndex: 1 },
      ],
      marked: false,
    });
  });

  it("keeps a mark on the way only", () => {
    const marked = markDescription(BARE);
    expect(marked).toMatch(/\r\na=x-impaired-by-sender\r\nm=audio/);
    expect(stripDescription(marked)).toEqual({ sdp: BARE, candidates: [], marked: true });
    expect(stripDescription(markDescription("v=0\r\n")).marked).toBe(true);
  });
});
