// Links of the Node platform with werift, an independent WebRTC in pure TypeScript: what our SDP, RTP and data
// channels mean to somebody who does not share our native side.
import { afterEach, describe, expect, it } from "vitest";
import {
  MediaStreamTrack,
  RTCPeerConnection,
  RTCRtpCodecParameters,
  RTCRtpHeaderExtensionParameters,
  useOPUS,
  useVP8,
} from "werift";
import type { RTCDataChannel, RTCIceCandidate, RtpPacket } from "werift";
import { TransportError } from "../../src/errors/errors.ts";
import { createNodePlatform } from "../../src/platform/node/node-platform.ts";
import { CAPTURE_TIME_URI } from "../../src/platform/capture-time-extension.ts";
import type { PacketAudioPort, PeerLinkOptions } from "../../src/platform/platform.ts";
import { buildCaptureTime, captureTimeOf } from "../../src/rtp/capture-time.ts";
import type { CaptureTime } from "../../src/rtp/capture-time.ts";
import { buildExtensions } from "../../src/rtp/extensions.ts";
import { buildRtp, parseRtp } from "../../src/rtp/packet.ts";
import { RecordedChannel, RecordedLink, until } from "../contract/link-pair.ts";
import type { LinkFixture } from "../contract/link-pair.ts";

const platform = createNodePlatform();
const fixture: LinkFixture = { left: platform, right: platform };

const OUR_SSRC = 0x1111_1111;

/** A werift peer with audio, optionally video, and our data channel under its negotiated id. */
class WeriftPeer {
  readonly connection: RTCPeerConnection;
  readonly track = new MediaStreamTrack({ kind: "audio" });
  readonly received: RtpPacket[] = [];
  readonly messages: (string | Buffer)[] = [];
  readonly data: RTCDataChannel;
  readonly inband: RTCDataChannel;
  readonly #candidates: RTCIceCandidate[] = [];
  #pass: (candidate: RTCIceCandidate) => void = (candidate) => void this.#candidates.push(candidate);

  constructor(
    kinds: readonly ("audio" | "video")[],
    codec: RTCRtpCodecParameters = useOPUS({ payloadType: 96 }),
    extensions: readonly string[] = [],
  ) {
    this.connection = new RTCPeerConnection({
      iceServers: [],
      iceUseIpv6: false,
      iceInterfaceAddresses: { udp4: "127.0.0.1" },
      iceAdditionalHostAddresses: ["127.0.0.1"],
      bundlePolicy: "max-bundle",
      codecs: { audio: [codec], video: [useVP8()] },
      headerExtensions: {
        audio: extensions.map((uri, index) => new RTCRtpHeaderExtensionParameters({ id: index + 1, uri })),
      },
    });
    this.connection.onIceCandidate.subscribe((candidate) => {
      if (candidate !== undefined) this.#pass(candidate);
    });
    for (const kind of kinds) {
      const transceiver =
        kind === "audio"
          ? this.connection.addTransceiver(this.track, { direction: "sendrecv" })
          : this.connection.addTransceiver("video", { direction: "sendrecv" });
      transceiver.onTrack.subscribe((track) =>
        track.onReceiveRtp.subscribe((packet) => this.received.push(packet)),
      );
    }
    this.data = this.connection.createDataChannel("data", { negotiated: true, id: 102 });
    this.data.onMessage.subscribe((message) => this.messages.push(message));
    this.inband = this.connection.createDataChannel("theirs");
  }

  /** Pass candidates on: past and future ones, as a link takes none before the description. */
  trickleTo(link: RecordedLink): void {
    const pass = ({ candidate, sdpMid, sdpMLineIndex }: RTCIceCandidate): void => {
      void link.link.addCandidate({
        candidate,
        sdpMid: sdpMid ?? null,
        sdpMLineIndex: sdpMLineIndex ?? null,
      });
    };
    for (const candidate of this.#candidates.splice(0)) pass(candidate);
    this.#pass = pass;
  }
}

function openLink(): RecordedLink {
  const options: PeerLinkOptions = {
    name: "ours",
    iceServers: [],
    iceTransportPolicy: "all",
    bindAddress: "127.0.0.1",
    audio: { ssrc: OUR_SSRC, cname: "ours", channels: 2, fec: true, dtx: true, bitrateKbps: 64 },
    channels: [{ label: "data", id: 102, ordered: true }],
  };
  return new RecordedLink(platform, options);
}

function packetAudio(link: RecordedLink): PacketAudioPort {
  const audio = link.link.audio;
  if (audio?.level !== "packet") throw new Error("no packet audio");
  return audio;
}

function trickle(link: RecordedLink, peer: WeriftPeer): void {
  link.onCandidate = ({ candidate, sdpMid, sdpMLineIndex }) => {
    if (candidate === "") return;
    void peer.connection.addIceCandidate({
      candidate,
      ...(sdpMid === null ? {} : { sdpMid }),
      ...(sdpMLineIndex === null ? {} : { sdpMLineIndex }),
    });
  };
  for (const candidate of link.candidates) link.onCandidate(candidate);
}

/** RFC 3550 section 5.1: a header and eight bytes. */
function rtp(payloadType: number, sequenceNumber: number, ssrc: number): Buffer {
  const packet = Buffer.alloc(20, 0x5a);
  packet.writeUInt8(0x80, 0);
  packet.writeUInt8(payloadType, 1);
  packet.writeUInt16BE(sequenceNumber, 2);
  packet.writeUInt32BE(sequenceNumber * 960, 4);
  packet.writeUInt32BE(ssrc, 8);
  return packet;
}

describe("the Node platform with werift", { timeout: 20_000 }, () => {
  const opened: { link: RecordedLink; peer: WeriftPeer }[] = [];
  afterEach(async () => {
    for (const { link, peer } of opened.splice(0)) {
      await link.link.close();
      await peer.connection.close();
    }
  });
  const both = (link: RecordedLink, peer: WeriftPeer): void => void opened.push({ link, peer });

  const weOffer = async (
    extensions: readonly string[] = [],
  ): Promise<{ link: RecordedLink; peer: WeriftPeer }> => {
    const link = openLink();
    const peer = new WeriftPeer(["audio"], undefined, extensions);
    both(link, peer);
    await peer.connection.setRemoteDescription({ type: "offer", sdp: await link.link.createOffer() });
    const answer = await peer.connection.createAnswer();
    await peer.connection.setLocalDescription(answer);
    await link.link.acceptAnswer(peer.connection.localDescription?.sdp ?? "");
    peer.trickleTo(link);
    trickle(link, peer);
    return { link, peer };
  };

  const theyOffer = async (
    kinds: readonly ("audio" | "video")[],
    extensions: readonly string[] = [],
  ): Promise<{ link: RecordedLink; peer: WeriftPeer; answer: string }> => {
    const link = openLink();
    const peer = new WeriftPeer(kinds, undefined, extensions);
    both(link, peer);
    await peer.connection.setLocalDescription(await peer.connection.createOffer());
    const answer = await link.link.createAnswer(peer.connection.localDescription?.sdp ?? "");
    await peer.connection.setRemoteDescription({ type: "answer", sdp: answer });
    peer.trickleTo(link);
    trickle(link, peer);
    return { link, peer, answer };
  };

  /** Twenty packets each way, with the payload type that was agreed. */
  const exchangeRtp = async (link: RecordedLink, peer: WeriftPeer): Promise<void> => {
    await until(fixture, "both are connected", () => {
      return link.link.state === "connected" && peer.connection.connectionState === "connected";
    });
    const audio = packetAudio(link);
    let sequenceNumber = 0;
    await until(fixture, "twenty packets have come each way", () => {
      sequenceNumber++;
      audio.sendRtp(rtp(audio.payloadType, sequenceNumber, OUR_SSRC));
      peer.track.writeRtp(rtp(audio.payloadType, sequenceNumber, 0x2222_2222));
      return link.rtp.length >= 20 && peer.received.length >= 20;
    });
    expect(peer.received[0]?.header.ssrc).toBe(OUR_SSRC);
    expect(peer.received[0]?.header.payloadType).toBe(audio.payloadType);
    expect((link.rtp[0]?.[1] ?? 0) & 0x7f).toBe(audio.payloadType);
    expect(link.faults).toEqual([]);
    expect(Buffer.from(link.rtp[0]?.subarray(-8) ?? [])).toEqual(Buffer.alloc(8, 0x5a));
  };

  it("carries RTP both ways when we offer", async () => {
    const { link, peer } = await weOffer();
    await exchangeRtp(link, peer);
  });

  it("carries RTP both ways when they offer, under their payload type", async () => {
    const { link, peer } = await theyOffer(["audio"]);
    expect(link.link.audio).toMatchObject({ payloadType: 96 });
    await exchangeRtp(link, peer);
  });

  it.each([
    ["we", 3],
    ["they", 2],
  ])("speaks abs-capture-time both ways when %s offer it, under id %i", async (who, id) => {
    const known = ["urn:ietf:params:rtp-hdrext:ssrc-audio-level", CAPTURE_TIME_URI];
    const { link, peer } = await (who === "we" ? weOffer(known) : theyOffer(["audio"], known));
    await exchangeRtp(link, peer);
    const audio = packetAudio(link);
    expect(audio.captureTimeId).toBe(id);
    const time = { captureUs: 1_790_000_000_123_457, clockOffsetUs: -250_000 };
    const data = buildCaptureTime(time) ?? new Uint8Array(0);
    const packet = buildRtp({
      ssrc: OUR_SSRC,
      payloadType: audio.payloadType,
      sequenceNumber: 5000,
      timestamp: 0,
      extension: buildExtensions([{ id, data }]),
    });
    audio.sendRtp(packet);
    peer.track.writeRtp(Buffer.from(packet));
    const toThem = (): (Buffer | undefined)[] =>
      peer.received.flatMap(({ header }) => header.extensions.map((extension) => extension.payload));
    const toUs = (): CaptureTime[] =>
      link.rtp.flatMap((bytes) => {
        const parsed = parseRtp(bytes);
        return typeof parsed === "string" ? [] : (captureTimeOf(parsed, id) ?? []);
      });
    await until(fixture, "both have come", () => toThem().length > 0 && toUs().length > 0);
    expect(toThem()).toEqual([Buffer.from(data)]);
    expect(toUs()).toEqual([time]);
  });

  it.each(["we", "they"])(
    "does without abs-capture-time when %s offer and they do not know it",
    async (who) => {
      const { link, peer } = await (who === "we" ? weOffer() : theyOffer(["audio"]));
      await exchangeRtp(link, peer);
      expect(packetAudio(link).captureTimeId).toBe(0);
    },
  );

  it("refuses their video and connects audio all the same", async () => {
    const { link, peer, answer } = await theyOffer(["video", "audio"]);
    expect(answer).toMatch(/m=video 0 /);
    await exchangeRtp(link, peer);
  });

  it("hears their sender reports as RTCP", async () => {
    const { link, peer } = await theyOffer(["audio"]);
    await exchangeRtp(link, peer);
    await until(fixture, "RTCP has come", () => link.rtcp.length > 0);
    expect(link.rtcp[0]?.[1]).toBeGreaterThanOrEqual(200);
  });

  it.each(["we", "they"])(
    "tells their text from their bytes, on both kinds of channels, when %s offer",
    async (who) => {
      const { link, peer } = await (who === "we" ? weOffer() : theyOffer(["audio"]));
      await until(fixture, "the channels are open", () => {
        return link.channel("data").open && peer.data.readyState === "open" && link.inband.length === 1;
      });
      const negotiated = new RecordedChannel(link.channel("data"));
      const inband = link.inband[0];
      if (inband === undefined) throw new Error("no in-band channel");
      expect(inband.label).toBe("theirs");
      expect(inband.open).toBe(true);
      const theirs = new RecordedChannel(inband);
      for (const channel of [peer.data, peer.inband]) {
        channel.send("grüße");
        channel.send(Buffer.from([1, 2, 3]));
      }
      link.channel("data").send(new Uint8Array([4, 5]));
      await until(fixture, "all have come", () => {
        return negotiated.messages.length === 2 && theirs.messages.length === 2 && peer.messages.length === 1;
      });
      expect(negotiated.messages).toEqual(["grüße", new Uint8Array([1, 2, 3])]);
      expect(theirs.messages).toEqual(negotiated.messages);
      expect(peer.messages).toEqual([Buffer.from([4, 5])]);
    },
  );

  it("refuses their offer when it holds no Opus", async () => {
    const pcmu = new RTCRtpCodecParameters({
      mimeType: "audio/PCMU",
      clockRate: 8000,
      payloadType: 0,
      channels: 1,
    });
    const peer = new WeriftPeer(["audio"], pcmu);
    const link = openLink();
    both(link, peer);
    await peer.connection.setLocalDescription(await peer.connection.createOffer());
    const refusal = await link.link.createAnswer(peer.connection.localDescription?.sdp ?? "").catch(String);
    expect(refusal).toContain("opus/48000/2");
    await expect(link.link.createAnswer(peer.connection.localDescription?.sdp ?? "")).rejects.toBeInstanceOf(
      TransportError,
    );
  });
});
