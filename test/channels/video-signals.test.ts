// The words in which two peers agree on the connection of their video: as written, as read, and as nonsense.
import { describe, expect, it } from "vitest";
import { encodeVideoSignal, parseVideoSignal } from "../../src/channels/video-signals.ts";
import type { VideoSignal } from "../../src/channels/video-signals.ts";
import type { JsonObject } from "../../src/runtime/data.ts";
import { SeededRandom } from "../../src/testing/random.ts";

const SEED = 12;
const IDS = { connectionId: "link-1", requestId: "request-1" };
const CANDIDATE = {
  candidate: "candidate:1 1 UDP 2122317823 127.0.0.1 5000 typ host",
  sdpMid: "0",
  sdpMLineIndex: 0,
  usernameFragment: "f00d",
};

const SIGNALS: VideoSignal[] = [
  { kind: "offer", sdp: "v=0\r\n", ...IDS },
  { kind: "answer", sdp: "v=0\r\n", ...IDS },
  { kind: "candidate", candidate: CANDIDATE, ...IDS },
  { kind: "disconnect", connectionId: "link-1", reason: "network_error" },
];

const wire = (signal: VideoSignal | undefined, changes: JsonObject = {}): JsonObject => ({
  ...encodeVideoSignal(signal as VideoSignal),
  ...changes,
});

describe("a word about the connection of video", () => {
  it.each(SIGNALS.map((signal) => [signal.kind, signal] as const))(
    "%s comes back as it was sent",
    (_, signal) => {
      expect(parseVideoSignal(JSON.parse(JSON.stringify(wire(signal))) as JsonObject)).toEqual(signal);
      expect(wire(signal)).toMatchObject({ action: "video", connection_id: "link-1" });
    },
  );

  it("may leave out where a candidate belongs", () => {
    const { sdp_mid: _mid, sdp_m_line_index: _index, user_fragment: _user, ...rest } = wire(SIGNALS[2]);
    const nowhere = {
      candidate: CANDIDATE.candidate,
      sdpMid: null,
      sdpMLineIndex: null,
      usernameFragment: null,
    };
    expect(parseVideoSignal(rest)).toEqual({ kind: "candidate", candidate: nowhere, ...IDS });
  });

  it("ends for an unknown reason where a later version has a new one", () => {
    expect(parseVideoSignal(wire(SIGNALS[3], { reason: "full_moon" }))).toMatchObject({ reason: "unknown" });
  });

  it("may be as long as it has to be, and no longer", () => {
    const longest = wire(SIGNALS[0], { sdp: "x".repeat(65_536) });
    expect(parseVideoSignal(longest)).toMatchObject({ kind: "offer" });
    expect(parseVideoSignal({ ...longest, sdp: "x".repeat(65_537) })).toBe("sdp");
  });

  it.each<[string, number, JsonObject]>([
    ["kind", 0, { kind: "question" }],
    ["kind", 0, { kind: null }],
    ["connection_id", 0, { connection_id: "" }],
    ["connection_id", 3, { connection_id: "a b" }],
    ["request_id", 1, { request_id: 7 }],
    ["sdp", 1, { sdp: null }],
    ["candidate", 2, { candidate: "x".repeat(1025) }],
    ["sdp_mid", 2, { sdp_mid: "x".repeat(65) }],
    ["sdp_m_line_index", 2, { sdp_m_line_index: -1 }],
    ["sdp_m_line_index", 2, { sdp_m_line_index: 0.5 }],
    ["user_fragment", 2, { user_fragment: "x".repeat(257) }],
    ["connection_id, request_id", 0, { connection_id: [], request_id: {} }],
  ])("with a wrong %s is named so", (path, index, changes) => {
    expect(parseVideoSignal(wire(SIGNALS[index], changes))).toBe(path);
  });

  it(`is nothing that throws, whatever came (seed ${SEED})`, () => {
    const random = new SeededRandom(SEED);
    const values = [null, true, -1, 1e300, "", "offer", [], {}, { sdp: 1 }];
    const any = (): unknown => values[random.integer(0, values.length - 1)];
    for (let i = 0; i < 2_000; i++) {
      const whole = wire(SIGNALS[i % SIGNALS.length]);
      const keys = Object.keys(whole);
      const key = keys[random.integer(0, keys.length - 1)] as string;
      const parsed = parseVideoSignal({ ...whole, [key]: any() } as JsonObject);
      expect(["string", "object"]).toContain(typeof parsed);
    }
  });
});
