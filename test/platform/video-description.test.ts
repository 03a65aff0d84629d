import { describe, expect, it } from "vitest";
import { CAPTURE_TIME_URI } from "../../src/platform/capture-time-extension.ts";
import type { VideoCodecName } from "../../src/platform/video-codecs.ts";
import {
  DEPENDENCY_URI,
  acceptedVideo,
  answeredVideo,
  describedAgreement,
  offeredVideo,
  readVideoLines,
  sourceLines,
  TRANSPORT_CC_URI,
  videoFormats,
  videoLines,
} from "../../src/platform/video-description.ts";
import type { DescribedVideo } from "../../src/platform/video-description.ts";

const ALL: VideoCodecName[] = ["VP9", "H264", "VP8"];

const written = (video: DescribedVideo): string[] => [
  `m=video 9 UDP/TLS/RTP/SAVPF ${videoFormats(video).join(" ")}`,
  ...videoLines(video),
];
const section = (formats: string, ...lines: string[]): DescribedVideo =>
  readVideoLines([`m=video 9 UDP/TLS/RTP/SAVPF ${formats}`, ...lines.map((line) => `a=${line}`)]);
const names = (video: DescribedVideo): string[] => video.codecs.map(({ codec }) => codec);

it("reads back what it writes, in the same order", () => {
  for (const codecs of [ALL, [...ALL].reverse(), ["H264"] as const]) {
    expect(readVideoLines(written(offeredVideo(codecs)))).toEqual(offeredVideo(codecs));
  }
});

it("offers a codec once, however often it is named", () => {
  expect(names(offeredVideo(["VP8", "VP9", "VP8"]))).toEqual(["VP8", "VP9"]);
});

it("declares both streams and that one repeats the other, where something is repeated", () => {
  const sources = { ssrc: 7, rtxSsrc: 8, cname: "c" };
  const [fid, ...own] = ["a=ssrc-group:FID 7 8", "a=ssrc:7 cname:c", "a=ssrc:8 cname:c"];
  expect(sourceLines(offeredVideo(ALL), sources)).toEqual([fid, ...own]);
  const plain = section("96", "rtpmap:96 VP8/90000");
  expect(sourceLines(plain, sources)).toEqual(["a=ssrc:7 cname:c"]);
});

describe("reading", () => {
  it.each<[string, string, string[]]>([
    ["VP9 without a profile is profile 0", "", ["VP9"]],
    ["VP9 of profile 0", "profile-id=0", ["VP9"]],
    ["VP9 of profile 2 is none of ours", "profile-id=2", []],
  ])("%s", (_, parameters, codecs) => {
    const lines = ["rtpmap:98 VP9/90000", ...(parameters === "" ? [] : [`fmtp:98 ${parameters}`])];
    expect(names(section("98", ...lines))).toEqual(codecs);
  });

  it.each<[string, boolean]>([
    ["profile-level-id=42e01f;packetization-mode=1", true],
    ["level-asymmetry-allowed=1; Packetization-Mode=1; profile-level-id=42C028", true],
    ["profile-level-id=42001f;packetization-mode=1", false],
    ["profile-level-id=42e01f;packetization-mode=0", false],
    ["profile-level-id=42e01f", false],
    ["profile-level-id=640c1f;packetization-mode=1", false],
    ["profile-level-id=zz;packetization-mode=1", false],
    ["packetization-mode=1", false],
  ])("takes H.264 with %s: %s", (parameters, taken) => {
    expect(names(section("102", "rtpmap:102 H264/90000", `fmtp:102 ${parameters}`))).toEqual(
      taken ? ["H264"] : [],
    );
  });

  it("keeps to the order and the list of the m= line", () => {
    const lines = ["rtpmap:96 VP8/90000", "rtpmap:98 VP9/90000", "rtpmap:100 VP8/90000"];
    expect(names(section("98 96", ...lines))).toEqual(["VP9", "VP8"]);
  });

  it("knows which payload type repeats which", () => {
    const lines = ["rtpmap:96 VP8/90000", "rtpmap:97 rtx/90000", "fmtp:97 apt=96;rtx-time=3000"];
    expect(section("96 97", ...lines).codecs[0]?.rtxPayloadType).toBe(97);
    expect(section("96", ...lines).codecs[0]?.rtxPayloadType).toBe(0);
    expect(section("96 97", ...lines.slice(0, 2)).codecs[0]?.rtxPayloadType).toBe(0);
  });

  it("takes feedback for one format or for all", () => {
    const feedback = ["rtcp-fb:96 nack", "rtcp-fb:* ccm fir", "rtcp-fb:98 goog-remb"];
    const [codec] = section("96", "rtpmap:96 VP8/90000", ...feedback).codecs;
    expect(codec).toMatchObject({ nack: true, pli: false, fir: true, remb: false });
  });

  it.each(["64", "72", "95", "128", "200", "x", ""])("takes no payload type %s", (format) => {
    expect(section(format, `rtpmap:${format} VP8/90000`).codecs).toEqual([]);
  });

  it("makes nothing of lines that make no sense", () => {
    const lines = [
      "rtpmap",
      "rtpmap:",
      "rtpmap:96",
      "fmtp:96",
      "rtcp-fb:",
      "extmap:x y",
      "rtpmap:96 VP8/8000",
    ];
    expect(section("96", ...lines)).toEqual({
      codecs: [],
      captureTimeId: 0,
      transportCcId: 0,
      dependencyId: 0,
    });
    expect(readVideoLines([])).toEqual({ codecs: [], captureTimeId: 0, transportCcId: 0, dependencyId: 0 });
  });
});

describe("agreeing", () => {
  it.each<[VideoCodecName[], VideoCodecName[], VideoCodecName | undefined]>([
    [["VP9", "VP8"], ["VP8", "VP9"], "VP9"],
    [["VP9", "VP8"], ["VP8"], "VP8"],
    [["VP9"], ["VP8"], undefined],
  ])("answers an offer of %s, having %s, with %s", (offered, own, codec) => {
    const agreement = answeredVideo(offeredVideo(offered), own);
    expect(agreement?.codec).toBe(codec);
    if (agreement === undefined) return;
    expect(acceptedVideo(describedAgreement(agreement), offeredVideo(offered))).toEqual(agreement);
  });

  it("takes numbers from the answer, and extensions under the offer's ids only", () => {
    const answer = section(
      "120",
      "rtpmap:120 VP8/90000",
      "rtcp-fb:120 transport-cc",
      `extmap:3 ${CAPTURE_TIME_URI}`,
      `extmap:9 ${TRANSPORT_CC_URI}`,
      `extmap:12 ${DEPENDENCY_URI}`,
    );
    expect(acceptedVideo(answer, offeredVideo(ALL))).toMatchObject({
      ...{ codec: "VP8", payloadType: 120, rtxPayloadType: 0 },
      ...{ captureTimeId: 3, transportCcId: 0, dependencyId: 0, transportCc: false },
    });
  });

  it("takes the first codec of an answer that was offered", () => {
    const answer = section("98 96", "rtpmap:98 VP9/90000", "rtpmap:96 VP8/90000");
    expect(acceptedVideo(answer, offeredVideo(["VP8", "H264"]))?.codec).toBe("VP8");
    expect(acceptedVideo(answer, offeredVideo(["H264"]))).toBeUndefined();
  });

  it("has transport-wide numbers only together with their feedback", () => {
    const map = ["rtpmap:96 VP8/90000", `extmap:4 ${TRANSPORT_CC_URI}`];
    expect(answeredVideo(section("96", ...map), ALL)).toMatchObject({ transportCcId: 0, transportCc: false });
    const both = section("96", ...map, "rtcp-fb:96 transport-cc");
    expect(answeredVideo(both, ALL)).toMatchObject({ transportCcId: 4, transportCc: true });
  });
});
