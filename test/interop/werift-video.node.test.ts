// Video with werift, an independent WebRTC in pure TypeScript, over a path that loses packets: our packets as its
// depacketizer reads them, its packets as we do, and each side sends again what the other asks for.
import { afterEach, describe, expect, it } from "vitest";
import {
  MediaStreamTrack,
  PictureLossIndication,
  RtcpPayloadSpecificFeedback,
  RTCPeerConnection,
  RTCRtpCodecParameters,
  RTCRtpHeaderExtensionParameters,
  RtpHeader,
  RtpPacket,
  useNACK,
  usePLI,
  useVP9,
  Vp9RtpPayload,
} from "werift";
import type { RTCIceCandidate, RTCRtpTransceiver } from "werift";
import { readPictureCode } from "../../src/cli/demo/video/picture-code.ts";
import { TestPattern } from "../../src/cli/demo/video/test-pattern.ts";
import { FrameFanOut } from "../../src/media/video/frame-fan-out.ts";
import { VideoMedia } from "../../src/media/video/video-media.ts";
import type { CutFrame, SinkDemand, VideoSink } from "../../src/media/video/video-sink.ts";
import { CAPTURE_TIME_URI } from "../../src/platform/capture-time-extension.ts";
import { createNodePlatform } from "../../src/platform/node/node-platform.ts";
import { createNodeVideoCodecs } from "../../src/platform/node/video/node-video-codecs.ts";
import type { EncodedPicture, VideoCodecs } from "../../src/platform/video-codecs.ts";
import { ImpairmentRelay, impairVideo } from "../../src/testing/node/node.ts";
import { RecordedLink } from "../contract/link-pair.ts";
import { eventually, PATTERN, sleep } from "./video-peer.ts";

const SSRC = 0x1234_5679;
const RTX_SSRC = 0x1234_567b;
const THEIR_SSRC = 0x7654_3211;
const PAYLOAD_TYPE = 98;
const PICTURES = 60;
const SENDER = 5;

/** The other side: sends the packets it is given the payloads of, and keeps what comes. */
class WeriftPeer implements VideoSink {
  readonly peerId = "werift";
  readonly level = "packet";
  readonly codec = "VP9";
  readonly targetKbps = 2_000;
  readonly track = new MediaStreamTrack({ kind: "video" });
  readonly received: RtpPacket[] = [];
  readonly connection = new RTCPeerConnection({
    iceServers: [],
    iceUseIpv6: false,
    iceInterfaceAddresses: { udp4: "127.0.0.1" },
    iceAdditionalHostAddresses: ["127.0.0.1"],
    bundlePolicy: "max-bundle",
    codecs: {
      audio: [],
      video: [
        useVP9({ payloadType: PAYLOAD_TYPE, rtcpFeedback: [useNACK(), usePLI()] }),
        new RTCRtpCodecParameters({
          ...{ mimeType: "video/rtx", clockRate: 90_000, payloadType: PAYLOAD_TYPE + 1 },
          parameters: `apt=${PAYLOAD_TYPE}`,
        }),
      ],
    },
    headerExtensions: { video: [new RTCRtpHeaderExtensionParameters({ id: 3, uri: CAPTURE_TIME_URI })] },
  });
  readonly transceiver: RTCRtpTransceiver;
  /** Of which streams of it. */
  readonly keyframesAsked = new Set<number>();
  #sequence = 0xff_f0;
  readonly #candidates: RTCIceCandidate[] = [];
  #pass: (candidate: RTCIceCandidate) => void = (candidate) => void this.#candidates.push(candidate);

  constructor() {
    this.connection.onIceCandidate.subscribe((candidate) => {
      if (candidate !== undefined) this.#pass(candidate);
    });
    this.transceiver = this.connection.addTransceiver(this.track, { direction: "sendrecv" });
    this.transceiver.onTrack.subscribe((track) =>
      track.onReceiveRtp.subscribe((packet) => this.received.push(packet)),
    );
    // werift takes the sender of feedback for whom it is about, where it knows it: so it comes to the receiver.
    this.transceiver.receiver.onRtcp.subscribe((packet) => {
      if (packet instanceof RtcpPayloadSpecificFeedback && packet.feedback instanceof PictureLossIndication) {
        this.keyframesAsked.add(packet.feedback.mediaSsrc);
      }
    });
  }

  trickleTo(link: RecordedLink): void {
    this.#pass = ({ candidate, sdpMid, sdpMLineIndex }) =>
      void link.link.addCandidate({
        ...{ candidate, sdpMid: sdpMid ?? null, sdpMLineIndex: sdpMLineIndex ?? null },
      });
    for (const candidate of this.#candidates) this.#pass(candidate);
  }

  transmit({ payloads, position }: CutFrame): void {
    for (const [index, payload] of payloads.entries()) {
      const header = new RtpHeader({
        ...{ payloadType: PAYLOAD_TYPE, ssrc: THEIR_SSRC, timestamp: position >>> 0 },
        ...{ sequenceNumber: this.#sequence++ & 0xffff, marker: index === payloads.length - 1 },
      });
      this.track.writeRtp(new RtpPacket(header, Buffer.from(payload)));
    }
  }

  write(): void {
    throw new Error("werift takes packets");
  }

  setBitrate(): void {
    throw new Error("werift takes packets");
  }

  askForKeyframe(): Promise<void> {
    return this.transceiver.receiver.sendRtcpPLI(SSRC);
  }

  /** The frames in what came, as werift's depacketizer reads them: only whole ones, by timestamp. */
  frames(): EncodedPicture[] {
    const packets = [
      ...new Map(this.received.map((packet) => [packet.header.sequenceNumber, packet])).values(),
    ];
    const byTimestamp = new Map<number, RtpPacket[]>();
    for (const packet of packets) {
      const { timestamp } = packet.header;
      byTimestamp.set(timestamp, [...(byTimestamp.get(timestamp) ?? []), packet]);
    }
    const inOrder = [...byTimestamp].sort(([a], [b]) => (a - b) | 0);
    return inOrder.flatMap(([timestamp, group]) => {
      group.sort((a, b) => ((a.header.sequenceNumber - b.header.sequenceNumber) << 16) >> 16);
      const parts = group
        .filter(({ payload }) => payload.length > 0)
        .map(({ payload }) => Vp9RtpPayload.deSerialize(payload));
      const [first, last] = [parts[0], parts.at(-1)];
      const numbers = group.map(({ header }) => header.sequenceNumber);
      const isWhole = numbers.every(
        (number, i) => i === 0 || number === (((numbers[i - 1] ?? 0) + 1) & 0xffff),
      );
      if (first?.bBit !== 1 || last?.eBit !== 1 || !isWhole) return [];
      const data = Uint8Array.from(Buffer.concat(parts.map(({ payload }) => payload)));
      return [{ data, isKeyframe: first.pBit === 0, width: 0, height: 0, position: timestamp }];
    });
  }
}

// Codecs in WebAssembly need their share of the machine in time: on a busy one a try may miss what is asked of it.
describe("video with werift", { timeout: 90_000, retry: 2 }, () => {
  const closing: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function connect(): Promise<{ link: RecordedLink; peer: WeriftPeer }> {
    const relay = new ImpairmentRelay({ delayMs: 10, seed: 6 });
    const platform = impairVideo(createNodePlatform(), relay);
    const peer = new WeriftPeer();
    const link = new RecordedLink(platform, {
      ...{ name: "ours->werift", iceServers: [], iceTransportPolicy: "all", bindAddress: "127.0.0.1" },
      video: {
        ...{ ssrc: SSRC, rtxSsrc: RTX_SSRC, cname: "ours", codecs: ["VP9"] },
        ...{ bitrateKbps: 2_000, minBitrateKbps: 100, framerateFps: PATTERN.framerateFps },
      },
      channels: [],
    });
    closing.push(
      () => relay.close(),
      () => peer.connection.close(),
      () => link.link.close(),
    );
    await peer.connection.setRemoteDescription({ type: "offer", sdp: await link.link.createOffer() });
    await peer.connection.setLocalDescription(await peer.connection.createAnswer());
    await link.link.acceptAnswer(peer.connection.localDescription?.sdp ?? "");
    link.onCandidate = ({ candidate, sdpMid, sdpMLineIndex }) => {
      if (candidate === "") return;
      void peer.connection.addIceCandidate({
        candidate,
        ...(sdpMid !== null && { sdpMid }),
        ...(sdpMLineIndex !== null && { sdpMLineIndex }),
      });
    };
    for (const candidate of link.candidates) link.onCandidate(candidate);
    peer.trickleTo(link);
    await eventually(
      "connected",
      () => link.link.state === "connected" && peer.connection.connectionState === "connected",
    );
    // Only now: werift does not repeat a packet of its handshake that is lost.
    relay.set({ loss: 0.04 });
    return { link, peer };
  }

  it("goes both ways, and both send again what was lost", async () => {
    const { link, peer } = await connect();
    const platform = createNodePlatform();
    const port = link.link.video;
    if (port?.level !== "packet" || port.agreement === undefined) throw new Error("nothing is agreed on");
    expect(port.agreement).toMatchObject({ codec: "VP9", payloadType: PAYLOAD_TYPE, nack: true, pli: true });
    const arrived: EncodedPicture[] = [];
    const demands: SinkDemand["type"][] = [];
    const media = new VideoMedia({
      ...{ peerId: "werift", clock: platform.clock, port, agreement: port.agreement },
      ...{ ssrc: SSRC, rtxSsrc: RTX_SSRC, cname: "ours", rtcpIntervalMs: 1_000 },
      random: () => new DataView(platform.randomBytes(4).buffer).getUint32(0),
      rates: { minKbps: 100, startKbps: 1_500, maxKbps: 2_000 },
      onFrame: ({ data, isKeyframe, rtpTimestamp }) =>
        arrived.push({ data, isKeyframe, width: 0, height: 0, position: rtpTimestamp }),
      onSenderReport: () => undefined,
      onSent: () => undefined,
      onDemand: ({ type }) => demands.push(type),
      onFault: (error) => expect.fail(String(error)),
    });
    closing.push(() => media.close());
    // What the link has told so far is of no use; from now on it goes to its media.
    const timer = setInterval(() => {
      for (const packet of link.rtp.splice(0)) media.receiveRtp(packet, platform.clock.now());
      for (const packet of link.rtcp.splice(0)) media.receiveRtcp(packet, platform.clock.now());
    }, 2);
    closing.push(() => clearInterval(timer));

    const codecs = createNodeVideoCodecs();
    closing.push(() => codecs.close());
    await sendPictures(codecs, [media, peer]);
    await eventually("keyframes are asked for on both sides", async () => {
      media.wantKeyframe();
      await peer.askForKeyframe();
      await sleep(100);
      return peer.keyframesAsked.size > 0 && demands.includes("pli");
    });
    const { inbound, outbound } = media.stats();
    const theirs = await numbersOf(codecs, peer.frames());
    const ours = await numbersOf(codecs, arrived);
    // Pictures from the first one on, in order; all that came whole were read.
    for (const numbers of [theirs, ours]) {
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      expect(new Set(numbers).size).toBe(numbers.length);
      // Where the machine is busy the encoder leaves some out.
      expect(numbers.length).toBeGreaterThan(PICTURES * 0.4);
    }
    expect(outbound?.retransmittedPackets).toBeGreaterThan(0);
    expect(inbound?.recovered).toBeGreaterThan(0);
    expect(inbound).toMatchObject({ malformed: 0, unreadable: 0, decodeFailures: 0 });
    expect([...peer.keyframesAsked]).toEqual([inbound?.ssrc]);
    expect(link.faults).toEqual([]);
  });
});

/** Encode the pattern once and give it to both sinks, a picture at a time. */
async function sendPictures(codecs: VideoCodecs, sinks: readonly VideoSink[]): Promise<void> {
  const pattern = new TestPattern({ ...PATTERN, sender: SENDER, name: "werift" });
  const fanOut = new FrameFanOut("VP9", 77);
  let done = 0;
  const encoder = await codecs.createEncoder(
    { codec: "VP9", bitrateKbps: 800, ...PATTERN },
    {
      encoded: (picture) => {
        done++;
        fanOut.send({ ...picture, captureUs: 1_790_000_000_000_000 + (picture.position * 100) / 9 }, sinks);
      },
      failed: (error) => expect.fail(error.message),
    },
  );
  fanOut.join(sinks, 0);
  for (let number = 0; number < PICTURES; number++) {
    encoder.encode(pattern.draw(number), number * 6_000, number === 0 || number === PICTURES / 2);
    await sleep(1000 / PATTERN.framerateFps);
    await eventually("it is encoded", () => done > number);
  }
  encoder.close();
}

/** What the codes of these coded pictures say, decoded in the order in which they are. */
async function numbersOf(codecs: VideoCodecs, coded: readonly EncodedPicture[]): Promise<number[]> {
  const numbers: number[] = [];
  const decoder = await codecs.createDecoder("VP9", {
    picture: ({ planes, width, height }) => {
      const code = readPictureCode(planes[0], width, height);
      if (code?.sender === SENDER) numbers.push(code.frameNumber);
    },
    undecodable: () => undefined,
    failed: (error) => expect.fail(error.message),
  });
  for (const picture of coded) decoder.decode({ ...picture, data: picture.data.slice() });
  await eventually("all is decoded", () => decoder.pending === 0);
  decoder.close();
  return numbers;
}
