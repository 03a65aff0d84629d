import { describe, expect, it } from "vitest";
import { TransportError } from "../../../src/errors/errors.ts";
import { checkedCandidate } from "../../../src/platform/node/ice-candidate.ts";
import { nativeIceServers } from "../../../src/platform/node/ice-servers.ts";

const check = (candidate: string, usernameFragment: string | null = null): string | undefined =>
  checkedCandidate({ candidate, sdpMid: "0", sdpMLineIndex: 0, usernameFragment }, "uFr4");

const codeOf = (call: () => unknown): string => {
  try {
    call();
  } catch (error) {
    return error instanceof TransportError ? error.code : `not ours: ${String(error)}`;
  }
  return "returned";
};

describe("checkedCandidate", () => {
  it.each([
    "candidate:1 1 UDP 2114977791 127.0.0.1 43651 typ host",
    "candidate:842163049 1 udp 1677729535 192.0.2.1 40678 typ srflx raddr 0.0.0.0 rport 0 generation 0 ufrag uFr4",
    "candidate:2 1 UDP 2122255103 2001:db8::1 9 typ relay raddr :: rport 0",
    "candidate:3 1 udp 1 4f3b0a5e-2f52-4f9b-8a55-000000000000.local 50000 typ host",
  ])("passes %s", (line) => {
    expect(check(line)).toBe(line);
    expect(check(`a=${line}`)).toBe(line);
  });

  it.each([
    ["the end of candidates", ""],
    ["TCP", "candidate:1 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active"],
    ["a second component", "candidate:1 2 UDP 2114977790 192.0.2.1 43652 typ host"],
  ])("has nothing to do for %s", (_, line) => {
    expect(check(line)).toBeUndefined();
  });

  it.each([
    ["prose", "candidate:nonsense"],
    ["a priority that is no number", "candidate:1 1 UDP x 127.0.0.1 9 typ host"],
    ["a priority of 33 bits", "candidate:1 1 UDP 4294967296 127.0.0.1 9 typ host"],
    ["a port beyond 65535", "candidate:1 1 UDP 1 127.0.0.1 65536 typ host"],
    ["an octet beyond 255", "candidate:1 1 UDP 1 127.0.0.256 9 typ host"],
    ["a host name, which would make us ask DNS", "candidate:1 1 UDP 1 internal.example.com 9 typ host"],
    ["an unknown type", "candidate:1 1 UDP 1 127.0.0.1 9 typ local"],
    ["a second line", "candidate:1 1 UDP 1 127.0.0.1 9 typ host\r\na=mid:x"],
    ["too much of it", `candidate:1 1 UDP 1 127.0.0.1 9 typ host ${"x".repeat(1024)}`],
    ["another generation in its text", "candidate:1 1 UDP 1 127.0.0.1 9 typ host ufrag other"],
  ])("refuses %s", (_, line) => {
    expect(codeOf(() => check(line))).toBe("ICE_CANDIDATE_ERROR");
  });

  it("refuses a candidate of another generation", () => {
    const line = "candidate:1 1 UDP 1 127.0.0.1 9 typ host";
    expect(check(line, "uFr4")).toBe(line);
    expect(codeOf(() => check(line, "other"))).toBe("ICE_CANDIDATE_ERROR");
  });
});

describe("nativeIceServers", () => {
  it("translates STUN and TURN with their default port", () => {
    expect(
      nativeIceServers([
        { urls: ["stun:stun.example.com", "stun:[2001:db8::1]:19302"] },
        { urls: ["turn:192.0.2.1:3479?transport=udp"], username: "u", credential: "p@:" },
      ]),
    ).toEqual({
      servers: [
        { hostname: "stun.example.com", port: 3478 },
        { hostname: "2001:db8::1", port: 19302 },
        { hostname: "192.0.2.1", port: 3479, username: "u", password: "p@:", relayType: "TurnUdp" },
      ],
      unsupported: [],
    });
  });

  it("names what its ICE agent cannot reach", () => {
    const urls = ["stuns:a.example", "turns:a.example", "turn:a.example?transport=tcp"];
    expect(nativeIceServers([{ urls, username: "u", credential: "p" }])).toEqual({
      servers: [],
      unsupported: urls,
    });
  });

  it.each(["http://x", "stun:", "stun:host:0", "stun:host:70000", "stun:a b", "turn:host"])(
    "refuses %s",
    (url) => {
      expect(codeOf(() => nativeIceServers([{ urls: [url] }]))).toBe("INVALID_CONFIG");
    },
  );
});
