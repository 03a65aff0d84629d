import { describe, expect, it } from "vitest";
import { TransportError } from "../../../src/errors/errors.ts";
import { readAnswer, readOffer } from "../../../src/platform/node/negotiated-media.ts";
import { parseSessionDescription } from "../../../src/platform/node/session-description.ts";
import type { VideoCodecName } from "../../../src/platform/video-codecs.ts";
import { BROWSER_OFFER } from "./offers.ts";

/** Of the browser's offer, VP8 alone, in its own group. */
const OFFER = BROWSER_OFFER.replace(/m=audio[\s\S]*$/, "").replace("BUNDLE v a d", "BUNDLE v");
const ANSWER = OFFER.replaceAll("setup:actpass", "setup:passive");
const AUDIO = BROWSER_OFFER.slice(BROWSER_OFFER.indexOf("m=audio"), BROWSER_OFFER.indexOf("m=application"));
const DATA = BROWSER_OFFER.slice(BROWSER_OFFER.indexOf("m=application"));

const wanting = (...video: VideoCodecName[]) => ({ audio: false, data: false, video });

const codeOf = (call: () => unknown): string => {
  try {
    call();
  } catch (error) {
    return error instanceof TransportError ? error.code : `not ours: ${String(error)}`;
  }
  return "returned";
};

describe("an offer", () => {
  it("is taken with the codec that both have, under its numbers", () => {
    expect(readOffer(OFFER, wanting("VP9", "VP8")).video).toEqual({
      ...{ mid: "v", direction: "sendrecv" },
      agreement: {
        ...{
          codec: "VP8",
          payloadType: 96,
          rtxPayloadType: 97,
          captureTimeId: 0,
          transportCcId: 0,
          dependencyId: 0,
        },
        ...{ nack: false, pli: true, fir: false, remb: false, transportCc: false },
      },
    });
  });

  it("shows the native side that codec and nothing of their lines", () => {
    const other = OFFER.replace("96 97", "100 96 97").replace(
      "a=rtpmap:96",
      "a=rtpmap:100 VP9/90000\r\na=rtpmap:96",
    );
    const { nativeSdp } = readOffer(other, wanting("VP8"));
    expect(nativeSdp).toContain("m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n");
    expect(nativeSdp).not.toMatch(/VP9|rtcp-fb|ssrc|extmap|fmtp/);
  });

  it.each([
    ["sendonly", "recvonly"],
    ["recvonly", "sendonly"],
  ])("that says %s is answered %s", (theirs, ours) => {
    const offer = readOffer(OFFER.replace("a=sendrecv", `a=${theirs}`), wanting("VP8"));
    expect(offer.video?.direction).toBe(ours);
  });

  it("has its data refused in its place", () => {
    const offer = readOffer(OFFER + DATA, wanting("VP8"));
    const answer = parseSessionDescription(offer.completeAnswer(ANSWER));
    expect(answer.media.map(({ kind, rejected }) => [kind, rejected])).toEqual([
      ["video", false],
      ["application", true],
    ]);
  });

  it.each<[string, string, string]>([
    ["without a codec of ours", OFFER.replace("VP8/90000", "VP7/90000"), "CODEC_MISMATCH"],
    ["of data alone", `${OFFER.slice(0, OFFER.indexOf("m=video"))}${DATA}`, "CODEC_MISMATCH"],
    ["whose video is inactive", OFFER.replace("a=sendrecv", "a=inactive"), "CODEC_MISMATCH"],
    ["whose video is rejected", OFFER.replace("m=video 9", "m=video 0"), "CODEC_MISMATCH"],
    ["of audio alone", BROWSER_OFFER.replace(/m=video[\s\S]*?(?=m=audio)/, ""), "CODEC_MISMATCH"],
    ["with audio beside it", OFFER + AUDIO, "SDP_ERROR"],
    [
      "with a second video",
      OFFER + OFFER.slice(OFFER.indexOf("m=video")).replace("mid:v", "mid:w"),
      "SDP_ERROR",
    ],
  ])("%s is refused", (_, sdp, code) => {
    expect(codeOf(() => readOffer(sdp, wanting("VP8")))).toBe(code);
  });

  it("has its video refused where none is wanted", () => {
    expect(readOffer(BROWSER_OFFER, { audio: true, data: true }).video).toBeUndefined();
  });
});

describe("an answer", () => {
  it("is taken with its first codec that was offered", () => {
    expect(readAnswer(ANSWER, OFFER)).toMatchObject({
      ...{ audio: undefined, transportMid: "v" },
      video: { mid: "v", direction: "sendrecv", agreement: { codec: "VP8", payloadType: 96 } },
    });
  });

  it.each<[string, string]>([
    ["in another codec", ANSWER.replace("VP8/90000", "VP9/90000")],
    ["that is inactive", ANSWER.replace("a=sendrecv", "a=inactive")],
    ["that rejects the video", ANSWER.replace("m=video 9", "m=video 0")],
  ])("%s is refused with CODEC_MISMATCH", (_, sdp) => {
    expect(codeOf(() => readAnswer(sdp, OFFER))).toBe("CODEC_MISMATCH");
  });
});
