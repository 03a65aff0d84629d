import { expect, it } from "vitest";
import { countMedia, describedVideo, startingAt } from "../../../src/platform/browser/video-sdp.ts";

const SESSION = ["v=0", "s=-"];
const VIDEO = [
  "m=video 9 UDP/TLS/RTP/SAVPF 98 99 96",
  "a=rtpmap:98 VP9/90000",
  "a=fmtp:98 profile-id=0",
  "a=rtpmap:99 rtx/90000",
  "a=fmtp:99 apt=98",
  "a=rtpmap:96 VP8/90000",
];
const AUDIO = ["m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=rtpmap:111 opus/48000/2"];
const DATA = ["m=application 9 UDP/DTLS/SCTP webrtc-datachannel"];

const sdp = (...sections: string[][]): string => [...SESSION, ...sections.flat(), ""].join("\r\n");

it.each<[string, string[][], number]>([
  ["video alone", [VIDEO], 1],
  ["data beside it", [VIDEO, DATA], 1],
  ["audio beside it", [VIDEO, AUDIO], 2],
  ["rejected audio beside it", [VIDEO, ["m=audio 0 UDP/TLS/RTP/SAVPF 0"]], 1],
  ["bundle-only audio beside it", [VIDEO, ["m=audio 0 UDP/TLS/RTP/SAVPF 0", "a=bundle-only"]], 2],
  ["nothing", [], 0],
])("counts sections of media: %s", (_, sections, count) => {
  expect(countMedia(sdp(...sections))).toBe(count);
});

it.each<[string, string[][], string[]]>([
  ["its codecs", [AUDIO, VIDEO], ["VP9", "VP8"]],
  ["none where it is rejected", [["m=video 0 UDP/TLS/RTP/SAVPF 98", ...VIDEO.slice(1)]], []],
  ["none where it is inactive", [[...VIDEO, "a=inactive"]], []],
  ["none without video", [AUDIO], []],
])("reads of video %s", (_, sections, codecs) => {
  expect(describedVideo(sdp(...sections)).codecs.map(({ codec }) => codec)).toEqual(codecs);
});

it("tells the encoder where to begin, for every codec and nothing else", () => {
  const lines = startingAt(sdp(AUDIO, VIDEO), 1500, 100).split("\r\n");
  const steering = "x-google-start-bitrate=1500;x-google-min-bitrate=100";
  expect(lines).toContain(`a=fmtp:98 profile-id=0;${steering}`);
  expect(lines).toContain(`a=fmtp:96 ${steering}`);
  expect(lines).toContain("a=fmtp:99 apt=98");
  expect(lines.filter((line) => line.includes("x-google"))).toHaveLength(2);
});
