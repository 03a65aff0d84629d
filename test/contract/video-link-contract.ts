// What every platform's links with video must do, whatever they are made of. Platform-free: runs in Node and in browsers.
import { describe, expect, it } from "vitest";
import { CAPTURE_TIME_URI } from "../../src/platform/capture-time-extension.ts";
import type { PeerLinkOptions } from "../../src/platform/platform.ts";
import type { VideoCodecName } from "../../src/platform/video-codecs.ts";
import { DEPENDENCY_URI, TRANSPORT_CC_URI } from "../../src/platform/video-description.ts";
import type { PacketVideoPort, VideoLinkOptions } from "../../src/platform/video-link.ts";
import { buildRtp } from "../../src/rtp/packet.ts";
import { connect, negotiate, until } from "./link-pair.ts";
import type { LinkFixture, RecordedLink } from "./link-pair.ts";
import { agreementOf, codeOf, rejection, RTX_SSRC, SSRC, useVideoLinks } from "./video-pair.ts";
import type { VideoLinks } from "./video-pair.ts";

/** What differs between platforms. */
export interface VideoLinkContractOptions {
  /** Whether video is sent as packets or written as pictures. */
  videoLevel: "packet" | "track";
  /** Gather candidates here, where the platform can. */
  bindAddress?: string;
}

/**
 * Declare the contract suite for the platform behind `makeFixture`, which is called before each test.
 *
 * @param name of the platform, for the reports
 */
export function describeVideoLink(
  name: string,
  makeFixture: () => LinkFixture | Promise<LinkFixture>,
  options: VideoLinkContractOptions,
): void {
  describe(`links with video of ${name}`, { timeout: 30_000 }, () => {
    const links = useVideoLinks(makeFixture, options.bindAddress);

    describe("agreeing", () => {
      it("has no agreement before the answer, and the same on both sides afterwards", async () => {
        const [a, b] = links.pair();
        expect([a.link.video?.level, a.link.video?.agreement]).toEqual([options.videoLevel, undefined]);
        await negotiate(a, b);
        expect(agreementOf(a)).toEqual(agreementOf(b));
        expect(agreementOf(a)).toMatchObject({
          ...{ codec: "VP9", nack: true, pli: true, fir: true, remb: true, transportCc: true },
        });
        expect(a.link.audio).toBeUndefined();
      });

      it("numbers payloads, retransmissions and extensions apart", async () => {
        const [a, b] = links.pair();
        await negotiate(a, b);
        const { payloadType, rtxPayloadType, captureTimeId, transportCcId } = agreementOf(a);
        const payloadTypes = [payloadType, rtxPayloadType];
        const ids = [captureTimeId, transportCcId];
        for (const one of payloadTypes) expect(one > 0 && one < 128 && (one < 64 || one > 95)).toBe(true);
        for (const id of ids) expect(id > 0 && id < 15).toBe(true);
        expect([new Set(payloadTypes).size, new Set(ids).size]).toEqual([2, 2]);
      });

      it.each<[string, VideoCodecName[], VideoCodecName[], VideoCodecName]>([
        ["prefers the offerer's order", ["VP8", "VP9"], ["VP9", "VP8"], "VP8"],
        ["falls to the next where the other side lacks one", ["VP9", "H264", "VP8"], ["VP8"], "VP8"],
        ["agrees on what only the answerer lists first", ["VP8"], ["VP9", "VP8"], "VP8"],
        ["agrees on H.264", ["H264"], ["VP8", "H264"], "H264"],
      ])("%s", async (_, offered, answered, codec) => {
        const [a, b] = links.pair({ codecs: offered }, { codecs: answered });
        await negotiate(a, b);
        expect([agreementOf(a).codec, agreementOf(b).codec]).toEqual([codec, codec]);
      });

      it("answers with that one codec and its retransmissions alone", async () => {
        const [a, b] = links.pair();
        const answer = await b.link.createAnswer(await a.link.createOffer());
        const { payloadType, rtxPayloadType } = agreementOf(b);
        expect(answer).toMatch(new RegExp(`^m=video \\d+ [A-Z/]+ ${payloadType} ${rtxPayloadType}\\r$`, "m"));
        expect(answer.match(/^m=/gm)).toHaveLength(1);
      });

      it("offers codecs in the order of its options, each with retransmissions, and its extensions", async () => {
        const offer = await links.open("left", { codecs: ["H264", "VP8", "VP9"] }).link.createOffer();
        const names = [...offer.matchAll(/^a=rtpmap:(\d+) (\w+)\/90000\r$/gm)].map(([, , codec]) => codec);
        expect(names).toEqual(["H264", "rtx", "VP8", "rtx", "VP9", "rtx"]);
        expect(offer).toContain(CAPTURE_TIME_URI);
        expect(offer).toContain(TRANSPORT_CC_URI);
        expect(offer).toContain(DEPENDENCY_URI);
        expect(offer.match(/^a=ssrc-group:FID \d+ \d+\r$/gm)).toHaveLength(1);
      });

      it("does without what the offer does not have", async () => {
        const [a, b] = links.pair({ codecs: ["VP8"] });
        const offer = (await a.link.createOffer())
          .replace(/^a=(extmap:|rtcp-fb:.*(transport-cc|goog-remb|fir)|ssrc|.*apt=).*\r\n/gm, "")
          .replace(/^a=rtpmap:\d+ rtx.*\r\n/gm, "");
        await b.link.createAnswer(offer);
        expect(agreementOf(b)).toMatchObject({
          ...{ codec: "VP8", rtxPayloadType: 0, captureTimeId: 0, transportCcId: 0, dependencyId: 0 },
          ...{ nack: true, pli: true, fir: false, remb: false, transportCc: false },
        });
      });
    });

    describe("refusing", () => {
      it("says CODEC_MISMATCH when no codec is in common", async () => {
        const [a, b] = links.pair({ codecs: ["VP9", "H264"] }, { codecs: ["VP8"] });
        expect(await rejection(b.link.createAnswer(await a.link.createOffer()))).toBe("CODEC_MISMATCH");
      });

      it("says CODEC_MISMATCH to an answer in a codec that was not offered", async () => {
        const [a, b] = links.pair({ codecs: ["VP8"] }, { codecs: ["VP8"] });
        const answer = await b.link.createAnswer(await a.link.createOffer());
        const other = answer.replaceAll("VP8/90000", "VP7/90000");
        expect(await rejection(a.link.acceptAnswer(other))).toBe("CODEC_MISMATCH");
      });

      it("says CODEC_MISMATCH to an offer without video", async () => {
        const data = links.open("left", {}, { video: undefined as never, channels: [CHANNEL] });
        const offer = await data.link.createOffer();
        expect(await rejection(links.open("right").link.createAnswer(offer))).toBe("CODEC_MISMATCH");
      });

      it("says SDP_ERROR to an offer that holds a second section of media", async () => {
        const [a, b] = links.pair();
        const offer = await a.link.createOffer();
        const [, mid = ""] = /^a=mid:(.*)\r$/m.exec(offer) ?? [];
        const section = offer.slice(offer.indexOf("m=video"));
        const twice = offer.replace(/^a=group:BUNDLE.*$/m, `a=group:BUNDLE ${mid} second\r`) + section;
        const at = twice.lastIndexOf(`a=mid:${mid}`);
        const second = `${twice.slice(0, at)}a=mid:second${twice.slice(at + `a=mid:${mid}`.length)}`;
        expect(await rejection(b.link.createAnswer(second))).toBe("SDP_ERROR");
      });

      it.each<[string, Partial<VideoLinkOptions>, Partial<PeerLinkOptions>]>([
        ["no codec", { codecs: [] }, {}],
        ["an SSRC of 0", { ssrc: 0 }, {}],
        ["one SSRC for both streams", { rtxSsrc: SSRC.left }, {}],
        ["a CNAME that would add a line", { cname: "a\r\na=x" }, {}],
        ["a channel beside it", {}, { channels: [{ label: "data", id: 1, ordered: true }] }],
        [
          "audio beside it",
          {},
          { audio: { ssrc: 5, cname: "c", channels: 1, fec: true, dtx: false, bitrateKbps: 32 } },
        ],
      ])("refuses options with %s", (_, video, rest) => {
        expect(codeOf(() => links.open("left", video, rest))).toBe("INVALID_DATA");
      });
    });

    if (options.videoLevel === "packet") {
      describe("carrying", () => carriesPackets(links));
    }
  });
}

function carriesPackets(links: VideoLinks): void {
  it("carries packets of both payload types and streams, and RTCP, both ways, byte for byte", async () => {
    const [a, b] = links.pair();
    await connect(links.fixture, a, b);
    for (const [from, to, side] of [
      [a, b, "left"],
      [b, a, "right"],
    ] as const) {
      await sendUntilHeard(links.fixture, from, to);
      const port = packetVideo(from);
      const sent = [
        packet(agreementOf(from).payloadType, SSRC[side], 7),
        packet(agreementOf(from).rtxPayloadType, RTX_SSRC[side], 8),
      ];
      for (const bytes of sent) expect(port.sendRtp(bytes)).toBe(true);
      expect(port.sendRtcp(pictureLoss(SSRC[side]))).toBe(true);
      await until(links.fixture, "all have come", () => contains(to.rtp, sent) && to.rtcp.length > 0);
      expect(to.rtcp).toEqual([pictureLoss(SSRC[side])]);
    }
  });

  it("says false to packets before it is connected, and once it is closed", async () => {
    const [a, b] = links.pair();
    const port = packetVideo(a);
    expect(port.sendRtp(packet(96, SSRC.left, 1))).toBe(false);
    await connect(links.fixture, a, b);
    await sendUntilHeard(links.fixture, a, b);
    let closed = false;
    void a.link.close().then(() => (closed = true));
    await until(links.fixture, "it is closed", () => closed);
    expect(port.sendRtp(packet(96, SSRC.left, 2))).toBe(false);
    expect(port.sendRtcp(pictureLoss(SSRC.left))).toBe(false);
  });

  it("counts the bytes, and leaves all else to those who make the packets", async () => {
    const [a, b] = links.pair();
    await connect(links.fixture, a, b);
    await sendUntilHeard(links.fixture, a, b);
    const [sender, receiver] = [await a.link.statistics(), await b.link.statistics()];
    expect(Math.min(sender.bytesSent ?? 0, receiver.bytesReceived ?? 0)).toBeGreaterThan(50);
    expect(sender.video).toBeNull();
  });
}

const CHANNEL = { label: "data", id: 100, ordered: true };

function packetVideo({ link }: RecordedLink): PacketVideoPort {
  if (link.video?.level !== "packet") throw new Error("the link has no packet video");
  return link.video;
}

function packet(payloadType: number, ssrc: number, sequenceNumber: number): Uint8Array {
  const payload = Uint8Array.from({ length: 60 }, (_, index) => index * 7 + sequenceNumber);
  return buildRtp({ payloadType, ssrc, sequenceNumber, timestamp: 90_000, payload });
}

/** RFC 4585 section 6.3.1. */
function pictureLoss(ssrc: number): Uint8Array {
  const bytes = new Uint8Array([0x81, 206, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
  new DataView(bytes.buffer).setUint32(4, ssrc);
  return bytes;
}

/** The far side may still be finishing its handshake when ours is done. */
async function sendUntilHeard(fixture: LinkFixture, from: RecordedLink, to: RecordedLink): Promise<void> {
  const before = to.rtp.length;
  let sequenceNumber = 1000;
  await until(fixture, "a first packet has come", () => {
    packetVideo(from).sendRtp(packet(agreementOf(from).payloadType, 5, sequenceNumber++));
    return to.rtp.length > before;
  });
}

function contains(received: readonly Uint8Array[], sent: readonly Uint8Array[]): boolean {
  const texts = new Set(received.map(String));
  return sent.every((bytes) => texts.has(String(bytes)));
}
