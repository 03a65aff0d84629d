import { describe, expect, it } from "vitest";
import { TransportError } from "../../../src/errors/errors.ts";
import { readAnswer, readOffer } from "../../../src/platform/node/negotiated-media.ts";
import { CAPTURE_TIME_URI } from "../../../src/platform/capture-time-extension.ts";
import { parseSessionDescription } from "../../../src/platform/node/session-description.ts";
import { BROWSER_OFFER } from "./offers.ts";

const ALL = { audio: true, data: true };

const codeOf = (call: () => unknown): string => {
  try {
    call();
  } catch (error) {
    return error instanceof TransportError ? error.code : `not ours: ${String(error)}`;
  }
  return "returned";
};

const NATIVE_ANSWER = [
  "v=0",
  "o=rtc 1 0 IN IP4 127.0.0.1",
  "s=-",
  "t=0 0",
  "a=group:BUNDLE a d",
  "m=audio 9 UDP/TLS/RTP/SAVPF 109",
  "a=mid:a",
  "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
  "a=mid:d",
  "",
].join("\r\n");

const OUR_OFFER = BROWSER_OFFER.replace(/m=video[\s\S]*?(?=m=audio)/, "").replace(
  "BUNDLE v a d",
  "BUNDLE a d",
);
const THEIR_ANSWER = OUR_OFFER.replaceAll("setup:actpass", "setup:passive");

describe("readOffer", () => {
  it("accepts audio and data, and refuses video in its place", () => {
    const offer = readOffer(BROWSER_OFFER, ALL);
    expect(offer.audio).toEqual({ mid: "a", payloadType: 109, direction: "sendrecv", captureTimeId: 0 });
    expect(offer).toMatchObject({ transportMid: "a", transportIndex: 1, usernameFragment: "uFr4" });
    expect(parseSessionDescription(offer.nativeSdp).media.map(({ kind }) => kind)).toEqual([
      "audio",
      "application",
    ]);
    const answer = parseSessionDescription(offer.completeAnswer(NATIVE_ANSWER));
    expect(answer.media.map(({ kind, rejected }) => [kind, rejected])).toEqual([
      ["video", true],
      ["audio", false],
      ["application", false],
    ]);
  });

  it("shows the native side one audio section, however many are offered", () => {
    const second = BROWSER_OFFER.slice(
      BROWSER_OFFER.indexOf("m=audio"),
      BROWSER_OFFER.indexOf("m=application"),
    );
    const offer = readOffer(BROWSER_OFFER + second.replace("a=mid:a", "a=mid:a2"), ALL);
    const audio = parseSessionDescription(offer.nativeSdp).media.filter(({ kind }) => kind === "audio");
    expect(audio.map(({ mid }) => mid)).toEqual(["a"]);
    expect(
      parseSessionDescription(offer.completeAnswer(NATIVE_ANSWER)).media.map(({ rejected }) => rejected),
    ).toEqual([true, false, false, true]);
  });

  it("takes the second audio section when the first has no Opus", () => {
    const first = "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:x\r\nm=video";
    expect(readOffer(BROWSER_OFFER.replace("m=video", first), ALL).audio?.mid).toBe("a");
  });

  it("leaves the DTLS roles as offered, and is the client where it has the choice", () => {
    expect(readOffer(BROWSER_OFFER, ALL).nativeSdp).toContain("a=setup:actpass\r\n");
    const clientFor = (setup: string): boolean =>
      readOffer(BROWSER_OFFER.replaceAll("actpass", setup), ALL).dtlsClient;
    expect(["actpass", "passive", "active"].map(clientFor)).toEqual([true, true, false]);
  });

  it("turns directions round, and refuses inactive audio", () => {
    const direction = (word: string): string | undefined =>
      readOffer(BROWSER_OFFER.replaceAll("a=sendrecv", `a=${word}`), ALL).audio?.direction;
    expect(direction("sendonly")).toBe("recvonly");
    expect(direction("recvonly")).toBe("sendonly");
    expect(direction("inactive")).toBeUndefined();
  });

  it("accepts what is wanted only", () => {
    expect(readOffer(BROWSER_OFFER, { audio: false, data: true })).toMatchObject({
      audio: undefined,
      transportMid: "d",
      transportIndex: 2,
    });
    expect(readOffer(BROWSER_OFFER, { audio: true, data: false }).nativeSdp).not.toContain("m=application");
    expect(codeOf(() => readOffer(BROWSER_OFFER, { audio: false, data: false }))).toBe("CODEC_MISMATCH");
  });

  it("refuses data on a transport of its own, as all must share one", () => {
    const offer = readOffer(BROWSER_OFFER.replace("BUNDLE v a d", "BUNDLE v a"), ALL);
    expect(offer.nativeSdp).not.toContain("m=application");
  });

  it("names no group in the answer when the offer has none", () => {
    const single = OUR_OFFER.replace("a=group:BUNDLE a d\r\n", "");
    expect(readOffer(single, ALL).completeAnswer(NATIVE_ANSWER)).not.toContain("a=group");
  });

  it("refuses audio without Opus with CODEC_MISMATCH, unless audio is not wanted", () => {
    const foreign = BROWSER_OFFER.replace("opus/48000/2", "speex/16000");
    expect(codeOf(() => readOffer(foreign, ALL))).toBe("CODEC_MISMATCH");
    expect(readOffer(foreign, { audio: false, data: true }).audio).toBeUndefined();
  });

  it("hands the candidates of the description over, unchecked", () => {
    expect(readOffer(BROWSER_OFFER, ALL).candidates).toEqual([
      "candidate:1 1 udp 2113937151 192.0.2.7 50000 typ host generation 0 ufrag uFr4 network-cost 999",
    ]);
  });
});

describe("abs-capture-time", () => {
  const mapped = (sdp: string, ...values: string[]): string =>
    sdp.replace("a=mid:a\r\n", ["a=mid:a", ...values.map((value) => `a=extmap:${value}`), ""].join("\r\n"));
  const idOffered = (...values: string[]): number | undefined =>
    readOffer(mapped(BROWSER_OFFER, ...values), ALL).audio?.captureTimeId;

  it("is accepted under the offer's id", () => {
    expect(idOffered(`9 ${CAPTURE_TIME_URI}`)).toBe(9);
    expect(idOffered(`9/sendrecv ${CAPTURE_TIME_URI}`)).toBe(9);
  });

  it("is left alone when it cannot be used both ways or the line is malformed", () => {
    const values = ["9/sendonly", "9/recvonly", "15", "1", "x", "9 "].map(
      (id) => `${id} ${CAPTURE_TIME_URI}`,
    );
    expect([...values, "9", "x y"].map((value) => idOffered(value))).toEqual(Array(8).fill(0));
  });

  it("is not read from a video section", () => {
    const video = BROWSER_OFFER.replace("a=mid:v\r\n", `a=mid:v\r\na=extmap:9 ${CAPTURE_TIME_URI}\r\n`);
    expect(readOffer(video, ALL).audio?.captureTimeId).toBe(0);
  });

  it("is agreed when the answer maps the id that was offered", () => {
    const idAgreed = (offered: string[], answered: string[]): number | undefined =>
      readAnswer(mapped(THEIR_ANSWER, ...answered), mapped(OUR_OFFER, ...offered)).audio?.captureTimeId;
    const [three, four] = [`3 ${CAPTURE_TIME_URI}`, `4 ${CAPTURE_TIME_URI}`];
    expect(idAgreed([three], [three])).toBe(3);
    expect(idAgreed([three], [four])).toBe(0);
    expect(idAgreed([three], [])).toBe(0);
    expect(idAgreed([], [three])).toBe(0);
    expect(idAgreed([three], [`3/recvonly ${CAPTURE_TIME_URI}`])).toBe(0);
  });

  it("never reaches the native side as their line", () => {
    const offer = mapped(BROWSER_OFFER, `9 ${CAPTURE_TIME_URI}`);
    expect(readOffer(offer, ALL).nativeSdp).not.toContain("extmap");
  });
});

describe("readAnswer", () => {
  it("takes the payload type of the answer, which may differ from the offer's", () => {
    const answer = readAnswer(THEIR_ANSWER.replaceAll("109", "96"), OUR_OFFER);
    expect(answer.audio).toEqual({ mid: "a", payloadType: 96, direction: "sendrecv", captureTimeId: 0 });
    expect(answer.dtlsClient).toBe(true);
  });

  it("has no audio when the answer refuses it or makes it inactive", () => {
    const refused = THEIR_ANSWER.replace("m=audio 9", "m=audio 0");
    expect(readAnswer(refused, OUR_OFFER)).toMatchObject({ audio: undefined, transportMid: "d" });
    expect(readAnswer(refused, OUR_OFFER).nativeSdp).toContain("m=audio 0 ");
    expect(readAnswer(THEIR_ANSWER.replaceAll("a=sendrecv", "a=inactive"), OUR_OFFER).audio).toBeUndefined();
  });

  it.each([
    ["other sections", THEIR_ANSWER.replace("m=audio", "m=video")],
    ["one section more", `${THEIR_ANSWER}m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:x\r\n`],
    ["another mid", THEIR_ANSWER.replace("a=mid:a\r\n", "a=mid:z\r\n")],
    ["no DTLS role", OUR_OFFER],
  ])("refuses an answer with %s", (_, sdp) => {
    expect(codeOf(() => readAnswer(sdp, OUR_OFFER))).toBe("SDP_ERROR");
  });

  it("refuses audio without Opus, and an answer that refuses everything, with CODEC_MISMATCH", () => {
    expect(codeOf(() => readAnswer(THEIR_ANSWER.replace("opus/48000/2", "speex/16000"), OUR_OFFER))).toBe(
      "CODEC_MISMATCH",
    );
    const nothing = THEIR_ANSWER.replace("m=audio 9", "m=audio 0").replace(
      "m=application 9",
      "m=application 0",
    );
    expect(codeOf(() => readAnswer(nothing, OUR_OFFER))).toBe("CODEC_MISMATCH");
  });
});
