import { describe, expect, it } from "vitest";
import { TransportError } from "../../../src/errors/errors.ts";
import {
  bundled,
  insertRefusals,
  joinLines,
  parseSessionDescription,
  transportOf,
  withoutCandidates,
  writeSessionDescription,
} from "../../../src/platform/node/session-description.ts";
import { BROWSER_OFFER, FINGERPRINT } from "./offers.ts";

const codeOf = (call: () => unknown): string => {
  try {
    call();
  } catch (error) {
    return error instanceof TransportError ? error.code : `not ours: ${String(error)}`;
  }
  return "returned";
};

describe("parseSessionDescription", () => {
  it("reads kinds, mids, directions, Opus and SCTP of a browser's offer", () => {
    const { media } = parseSessionDescription(BROWSER_OFFER);
    expect(media.map(({ kind, mid, rejected }) => ({ kind, mid, rejected }))).toEqual([
      { kind: "video", mid: "v", rejected: false },
      { kind: "audio", mid: "a", rejected: false },
      { kind: "application", mid: "d", rejected: false },
    ]);
    expect(media[1]?.opusPayloadType).toBe(109);
    expect(media[1]?.direction).toBe("sendrecv");
    expect(media[2]?.sctpPort).toBe(5000);
    expect(media[2]?.maxMessageSize).toBe(262144);
  });

  it("counts a section with port 0 as rejected, unless it is bundle-only", () => {
    const sdp = "v=0\nm=audio 0 UDP/TLS/RTP/SAVPF 111\nm=audio 0 UDP/TLS/RTP/SAVPF 111\na=bundle-only\n";
    expect(parseSessionDescription(sdp).media.map((section) => section.rejected)).toEqual([true, false]);
  });

  it("takes no Opus whose payload type is not in the section, out of range, or looks like RTCP", () => {
    const opusOf = (payloadType: string, formats: string): number | undefined =>
      parseSessionDescription(`v=0\nm=audio 9 X ${formats}\na=rtpmap:${payloadType} OPUS/48000/2\n`).media[0]
        ?.opusPayloadType;
    expect(opusOf("111", "111")).toBe(111);
    expect(opusOf("35", "35 111")).toBe(35);
    expect(opusOf("96", "111")).toBeUndefined();
    expect(opusOf("72", "72")).toBeUndefined();
    expect(opusOf("200", "200")).toBeUndefined();
  });

  it.each([
    ["no v=0", "o=- 1 1 IN IP4 0.0.0.0\nm=audio 9 X 0\n"],
    ["no section", "v=0\ns=-\n"],
    ["a line without a type", "v=0\nm=audio 9 X 0\ngarbage\n"],
    ["a control character", "v=0\nm=audio 9 X 0\na=mid:\u0007\n"],
    ["a lone carriage return that hides a line", "v=0\nm=audio 9 X 0\na=x\rm=video 9 X 0\n"],
    ["a malformed section", "v=0\nm=audio nine X 0\n"],
    ["a section without formats", "v=0\nm=audio 9 X\n"],
    ["a malformed mid", "v=0\nm=audio 9 X 0\na=mid:a b\n"],
    ["a mid that occurs twice", "v=0\nm=audio 9 X 0\na=mid:a\nm=video 9 X 0\na=mid:a\n"],
    ["too many sections", `v=0\n${"m=audio 9 X 0\n".repeat(65)}`],
    ["too much of it", `v=0\nm=audio 9 X 0\na=x:${"y".repeat(65_536)}\n`],
  ])("refuses %s", (_, sdp) => {
    expect(codeOf(() => parseSessionDescription(sdp))).toBe("SDP_ERROR");
  });
});

describe("transportOf", () => {
  const transport = (lines: string): ReturnType<typeof transportOf> => {
    const description = parseSessionDescription(`v=0\n${lines}`);
    const [section] = description.media;
    if (section === undefined) throw new Error("no section");
    return transportOf(description, section);
  };
  const credentials = `a=ice-ufrag:abcd\na=ice-pwd:${"p".repeat(22)}\n`;

  it("prefers the section's own attributes to the session's", () => {
    const found = transport(
      `a=ice-ufrag:session\n${`a=fingerprint:${FINGERPRINT}\n`}m=audio 9 X 0\n${credentials}a=setup:passive\n`,
    );
    expect(found).toMatchObject({ usernameFragment: "abcd", setup: "passive", fingerprint: FINGERPRINT });
  });

  it("takes a bundle-only section's transport from the section that carries it", () => {
    const description = parseSessionDescription(
      `v=0\na=fingerprint:${FINGERPRINT}\nm=video 9 X 0\n${credentials}m=audio 0 X 0\na=bundle-only\n`,
    );
    const audio = description.media[1];
    expect(audio && transportOf(description, audio).usernameFragment).toBe("abcd");
  });

  it("prefers a SHA-256 fingerprint", () => {
    const weak = `sha-1 ${"AB:".repeat(19)}AB`;
    const lines = `${credentials}a=fingerprint:${weak}\na=fingerprint:${FINGERPRINT}\n`;
    expect(transport(`m=audio 9 X 0\n${lines}`).fingerprint).toBe(FINGERPRINT);
  });

  it.each([
    ["credentials", `a=fingerprint:${FINGERPRINT}\n`],
    ["a long enough password", `a=ice-ufrag:abcd\na=ice-pwd:short\na=fingerprint:${FINGERPRINT}\n`],
    ["a fingerprint", credentials],
    ["a known setup", `${credentials}a=fingerprint:${FINGERPRINT}\na=setup:holdconn\n`],
  ])("refuses a description without %s", (_, lines) => {
    expect(codeOf(() => transport(`m=audio 9 X 0\n${lines}`))).toBe("SDP_ERROR");
  });
});

describe("bundled", () => {
  it("is true for members of one BUNDLE group only", () => {
    const description = parseSessionDescription(
      "v=0\na=group:LS a b\na=group:BUNDLE a c\nm=audio 9 X 0\na=mid:a\nm=video 9 X 0\na=mid:b\nm=video 9 X 0\na=mid:c\n",
    );
    const [a, b, c] = description.media;
    if (a === undefined || b === undefined || c === undefined) throw new Error("sections missing");
    expect(bundled(description, a, b)).toBe(false);
    expect(bundled(description, a, c)).toBe(true);
  });
});

describe("writing", () => {
  it("writes nothing but what was understood", () => {
    const description = parseSessionDescription(BROWSER_OFFER);
    const [, audio, data] = description.media;
    if (audio === undefined || data === undefined) throw new Error("sections missing");
    const sdp = writeSessionDescription(transportOf(description, audio), [audio, data]);
    expect(sdp).not.toContain("video");
    expect(sdp).not.toContain("extmap");
    expect(sdp).toContain("m=audio 9 UDP/TLS/RTP/SAVPF 109\r\n");
    expect(parseSessionDescription(sdp).media.map(({ mid }) => mid)).toEqual(["a", "d"]);
  });

  it("takes candidates and addresses out of a native description", () => {
    const lines = withoutCandidates(
      "v=0\r\na=group:LS 0\r\nm=audio 4711 X 0\r\nc=IN IP4 127.0.0.1\r\na=candidate:1 1 UDP 1 127.0.0.1 4711 typ host\r\na=end-of-candidates\r\nm=video 0 X 0\r\n",
    );
    expect(lines).toEqual(["v=0", "m=audio 9 X 0", "c=IN IP4 0.0.0.0", "m=video 0 X 0"]);
  });

  it("puts refusals where the offer has the sections, at both ends too", () => {
    const { media } = parseSessionDescription(BROWSER_OFFER);
    const [video, , data] = media;
    if (video === undefined || data === undefined) throw new Error("sections missing");
    const lines = insertRefusals(
      ["v=0", "m=audio 9 X 109", "a=mid:a"],
      new Map([
        [0, video],
        [2, data],
      ]),
    );
    const answer = parseSessionDescription(joinLines(lines));
    expect(answer.media.map(({ kind, mid, rejected }) => [kind, mid, rejected])).toEqual([
      ["video", "v", true],
      ["audio", "a", false],
      ["application", "d", true],
    ]);
  });
});
