// What links with video of a page ask the browser for, and what becomes of codecs that it lacks.
import { afterEach, expect, it, vi } from "vitest";
import { createBrowserPlatform } from "../../../src/platform/browser/browser-platform.ts";
import { CAPTURE_TIME_URI } from "../../../src/platform/capture-time-extension.ts";
import { DEPENDENCY_URI, TRANSPORT_CC_URI } from "../../../src/platform/video-description.ts";
import type { VideoCodecName } from "../../../src/platform/video-codecs.ts";
import { RecordedLink } from "../../contract/link-pair.ts";

const platform = createBrowserPlatform();
await platform.loadVideoCodecs?.();
const opened: RecordedLink[] = [];

afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(opened.splice(0).map(({ link }) => link.close()));
});

function open(...codecs: VideoCodecName[]): RecordedLink {
  const link = new RecordedLink(platform, {
    name: "link",
    iceServers: [],
    iceTransportPolicy: "all",
    video: {
      ...{ ssrc: 1, rtxSsrc: 2, cname: "c", codecs },
      ...{ bitrateKbps: 500, minBitrateKbps: 100, framerateFps: 30 },
    },
    channels: [],
  });
  opened.push(link);
  return link;
}

/** Let the browser send nothing but these from now on. */
function sendsOnly(...types: string[]): void {
  const known = RTCRtpSender.getCapabilities("video");
  const codecs = known?.codecs.filter(({ mimeType }) => types.includes(mimeType)) ?? [];
  vi.spyOn(RTCRtpSender, "getCapabilities").mockReturnValue({ headerExtensions: [], codecs });
}

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "resolved",
    (error: unknown) => (error as { code?: unknown }).code,
  );

it("offers capture times, transport-wide numbers and dependencies, and no extension that only costs bytes", async () => {
  const offer = await open("VP9").link.createOffer();
  const uris = [...offer.matchAll(/^a=extmap:\d+ (\S+)\r$/gm)].map(([, uri]) => uri);
  expect(new Set(uris)).toEqual(
    new Set([CAPTURE_TIME_URI, TRANSPORT_CC_URI, DEPENDENCY_URI, "urn:ietf:params:rtp-hdrext:sdes:mid"]),
  );
});

it("offers what the browser both sends and receives, and answers in it", async () => {
  const a = open("VP9", "VP8");
  const offer = await a.link.createOffer();
  sendsOnly("video/VP8");
  expect(await open("VP9", "VP8").link.createOffer()).not.toContain("VP9/90000");
  const b = open("VP9", "VP8");
  await a.link.acceptAnswer(await b.link.createAnswer(offer));
  expect([a.link.video?.agreement?.codec, b.link.video?.agreement?.codec]).toEqual(["VP8", "VP8"]);
});

it("says NOT_SUPPORTED to an offer of what the browser has not, CODEC_MISMATCH to an answer", async () => {
  const offer = await open("VP9").link.createOffer();
  sendsOnly();
  expect(await codeOf(open("VP9").link.createOffer())).toBe("NOT_SUPPORTED");
  expect(await codeOf(open("VP9").link.createAnswer(offer))).toBe("CODEC_MISMATCH");
});
