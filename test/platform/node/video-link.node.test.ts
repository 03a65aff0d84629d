// What the Node platform's links with video do beyond the contract.
import { afterEach, describe, expect, it } from "vitest";
import { createNodePlatform } from "../../../src/platform/node/node-platform.ts";
import type { PacketVideoPort, VideoLinkOptions } from "../../../src/platform/video-link.ts";
import { buildRtp } from "../../../src/rtp/packet.ts";
import { connect, RecordedLink, until } from "../../contract/link-pair.ts";
import type { LinkFixture } from "../../contract/link-pair.ts";

const platform = createNodePlatform();
const fixture: LinkFixture = { left: platform, right: platform };
const VIDEO: VideoLinkOptions = {
  ...{ ssrc: 7, rtxSsrc: 8, cname: "cname", codecs: ["VP9", "VP8"] },
  ...{ bitrateKbps: 1_000, minBitrateKbps: 100, framerateFps: 30 },
};

describe("links with video of the Node platform", { timeout: 20_000 }, () => {
  const opened: RecordedLink[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map(({ link }) => link.close()));
  });

  const open = (): RecordedLink => {
    const link = new RecordedLink(platform, {
      name: "link",
      iceServers: [],
      iceTransportPolicy: "all",
      bindAddress: "127.0.0.1",
      video: VIDEO,
      channels: [],
    });
    opened.push(link);
    return link;
  };
  const port = ({ link }: RecordedLink): PacketVideoPort => link.video as PacketVideoPort;
  const packet = (link: RecordedLink, sequenceNumber: number): Uint8Array =>
    buildRtp({
      ...{ ssrc: 7, payloadType: port(link).agreement?.payloadType ?? 0, sequenceNumber, timestamp: 0 },
      payload: new Uint8Array(20),
    });

  it("offers one section that says all, and nothing twice", async () => {
    const link = open();
    const sdp = await link.link.createOffer();
    const section = sdp.slice(sdp.indexOf("m=video")).split("\r\n");
    expect(section[0]).toBe("m=video 9 UDP/TLS/RTP/SAVPF 98 99 96 97");
    const attributes = section.filter((line) => !/^a=(setup|ice-|mid|rtcp-mux|sendrecv)/.test(line)).slice(2);
    expect(attributes).toEqual([
      "a=msid:remotemedia video",
      "a=rtcp-rsize",
      "a=extmap:3 http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
      "a=extmap:4 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
      "a=extmap:5 https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
      "a=rtpmap:98 VP9/90000",
      ...["nack", "nack pli", "ccm fir", "goog-remb", "transport-cc"].map((kind) => `a=rtcp-fb:98 ${kind}`),
      "a=fmtp:98 profile-id=0",
      "a=rtpmap:99 rtx/90000",
      "a=fmtp:99 apt=98",
      "a=rtpmap:96 VP8/90000",
      ...["nack", "nack pli", "ccm fir", "goog-remb", "transport-cc"].map((kind) => `a=rtcp-fb:96 ${kind}`),
      "a=rtpmap:97 rtx/90000",
      "a=fmtp:97 apt=96",
      "a=ssrc-group:FID 7 8",
      "a=ssrc:7 cname:cname",
      "a=ssrc:8 cname:cname",
      "",
    ]);
  });

  it("answers under the numbers of the offer", async () => {
    const offer = (await open().link.createOffer())
      // Fingerprints and passwords may hold these numbers too.
      .replaceAll(/^(?:m=video|a=(?:rtpmap|fmtp|rtcp-fb):).*$/gm, (line) =>
        line.replaceAll(/\b98\b/g, "120").replaceAll(/\b99\b/g, "121"),
      )
      .replace("extmap:3", "extmap:11");
    const answerer = open();
    const answer = await answerer.link.createAnswer(offer);
    expect(port(answerer).agreement).toMatchObject({
      payloadType: 120,
      rtxPayloadType: 121,
      captureTimeId: 11,
    });
    expect(answer).toContain("m=video 9 UDP/TLS/RTP/SAVPF 120 121\r\n");
    expect(answer).toContain("a=extmap:11 ");
  });

  it("goes on after a source description that is malformed", async () => {
    const [a, b] = [open(), open()];
    await connect(fixture, a, b);
    const malformed = [0x81, 0xca, 0, 3, 0, 0, 0, 1, 1, 0xc8, ...Array<number>(6).fill(0x41)];
    await until(fixture, "packets come", () => port(a).sendRtp(packet(a, 1)) && b.rtp.length > 0);
    for (let count = 0; count < 3; count++) {
      malformed[15] = count;
      port(a).sendRtcp(Uint8Array.from(malformed));
    }
    const before = b.rtp.length;
    for (let count = 0; count < 20; count++) port(a).sendRtp(packet(a, 100 + count));
    await until(fixture, "all packets have come", () => b.rtp.length >= before + 20);
    expect(b.rtcp).toHaveLength(3);
  });
});
