// What every platform's peer links must do, whatever they are made of. Platform-free: runs in Node and in browsers.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TransportError } from "../../src/errors/errors.ts";
import { CAPTURE_TIME_URI } from "../../src/platform/capture-time-extension.ts";
import type { AudioLinkOptions, PeerLinkOptions } from "../../src/platform/platform.ts";
import { CHANNELS, describeChannels } from "./channels-contract.ts";
import {
  captureTimePacket,
  packetAudio,
  receiverReport,
  rtpPacket,
  sendUntilHeard,
  writeUntilHeard,
} from "./link-audio.ts";
import { codeOf, connect, negotiate, pass, RecordedChannel, RecordedLink, until } from "./link-pair.ts";
import type { LinkFixture } from "./link-pair.ts";

/** What differs between platforms. */
export interface PeerLinkContractOptions {
  /** Whether audio is sent as packets or written as samples. */
  audioLevel: "packet" | "track";
  /** Gather candidates here, where the platform can. */
  bindAddress?: string;
  /** Per test, in ms. */
  timeoutMs?: number;
}

const OPUS_RTP = "opus/48000/2";

/**
 * Declare the contract suite for the platform behind `makeFixture`, which is called before each test.
 *
 * @param name of the platform, for the reports
 */
export function describePeerLink(
  name: string,
  makeFixture: () => LinkFixture | Promise<LinkFixture>,
  options: PeerLinkContractOptions,
): void {
  describe(`peer links of ${name}`, { timeout: options.timeoutMs ?? 20_000 }, () => {
    let fixture: LinkFixture;
    const opened: RecordedLink[] = [];

    beforeEach(async () => {
      fixture = await makeFixture();
    });
    afterEach(async () => {
      const closing = opened.splice(0).map(({ link }) => link.close());
      let closed = false;
      void Promise.all(closing).then(() => (closed = true));
      await until(fixture, "all links are closed", () => closed);
      await fixture.dispose?.();
    });

    const open = (side: "left" | "right", overrides: Partial<PeerLinkOptions> = {}): RecordedLink => {
      const ssrc = side === "left" ? 0x1111_1111 : 0x2222_2222;
      const link = new RecordedLink(fixture[side], { ...linkOptions(side, ssrc, options), ...overrides });
      opened.push(link);
      return link;
    };
    const pair = (overrides: Partial<PeerLinkOptions> = {}): [RecordedLink, RecordedLink] => [
      open("left", overrides),
      open("right", overrides),
    ];

    describe("connecting", () => {
      it("connects by offer, answer and trickled candidates", async () => {
        const [a, b] = pair();
        await connect(fixture, a, b);
        expect(a.states.at(-1)).toBe("connected");
        expect(b.states.at(-1)).toBe("connected");
      });

      it("trickles candidates that name a section and end with the empty one", async () => {
        const [a, b] = pair();
        await connect(fixture, a, b);
        await until(fixture, "candidates have ended", () => a.candidates.at(-1)?.candidate === "");
        for (const { candidate, sdpMid, sdpMLineIndex } of a.candidates) {
          expect(candidate).toMatch(/^(candidate:.+)?$/);
          expect(sdpMid ?? sdpMLineIndex).not.toBeNull();
        }
      });

      it("gives no candidate away before its description was returned", async () => {
        const a = open("left");
        const b = open("right");
        await pass(fixture, 20);
        expect(a.candidates).toEqual([]);
        const offer = a.link.createOffer();
        expect(a.candidates).toEqual([]);
        const answer = b.link.createAnswer(await offer);
        expect(b.candidates).toEqual([]);
        await answer;
      });

      it("connects with data channels alone", async () => {
        const a = new RecordedLink(fixture.left, withoutAudio(linkOptions("left", 1, options)));
        const b = new RecordedLink(fixture.right, withoutAudio(linkOptions("right", 2, options)));
        opened.push(a, b);
        await connect(fixture, a, b);
        expect(a.link.audio).toBeUndefined();
      });

      it("connects with audio alone", async () => {
        const [a, b] = pair({ channels: [] });
        await connect(fixture, a, b);
        expect(a.link.channels.size).toBe(0);
      });

      it("takes an offer without audio and connects its data channels", async () => {
        const a = new RecordedLink(fixture.left, withoutAudio(linkOptions("left", 1, options)));
        const b = open("right");
        opened.push(a);
        await connect(fixture, a, b);
        expect(b.link.audio).toBeUndefined();
      });

      it("has no audio when its own offer of audio is refused", async () => {
        const a = open("left");
        const b = new RecordedLink(fixture.right, withoutAudio(linkOptions("right", 2, options)));
        opened.push(b);
        await connect(fixture, a, b);
        expect(a.link.audio).toBeUndefined();
      });

      it("knows which candidates it uses and how many bytes went over", async () => {
        const [a, b] = pair();
        await connect(fixture, a, b);
        a.channel("data").send(new Uint8Array(1000));
        const inbox = new RecordedChannel(b.channel("data"));
        await until(fixture, "the message has come", () => inbox.messages.length === 1);
        const sender = await a.link.statistics();
        const receiver = await b.link.statistics();
        for (const count of [sender.bytesSent, receiver.bytesReceived]) {
          expect(count === null || count >= 1000).toBe(true);
        }
        for (const text of [sender.localCandidate, sender.remoteCandidate]) {
          expect(text === null || text.length > 0).toBe(true);
        }
        expect(sender.rttMs === null || sender.rttMs >= 0).toBe(true);
      });
    });

    describe("audio", () => {
      if (options.audioLevel === "packet") {
        it("carries RTP packets both ways, byte for byte", async () => {
          const [a, b] = pair();
          await connect(fixture, a, b);
          await sendUntilHeard(fixture, a, b);
          await sendUntilHeard(fixture, b, a);
          expect(b.rtp.at(-1)).toEqual(rtpPacket(a, 0));
          expect(a.rtp.at(-1)).toEqual(rtpPacket(b, 0));
          expect(b.arrivals.every((atMs) => atMs <= fixture.right.clock.now())).toBe(true);
        });

        it("tells RTCP from RTP and delivers each packet once", async () => {
          const [a, b] = pair();
          await connect(fixture, a, b);
          await sendUntilHeard(fixture, a, b);
          const before = b.rtp.length;
          const report = receiverReport(0x1111_1111);
          packetAudio(a).sendRtcp(report);
          await until(fixture, "RTCP has come", () => b.rtcp.length > 0);
          await pass(fixture, 50);
          expect(b.rtcp).toEqual([report]);
          expect(b.rtp.length).toBe(before);
        });

        it("agrees on abs-capture-time, and carries what says it byte for byte", async () => {
          const [a, b] = pair();
          expect(packetAudio(a).captureTimeId).toBe(0);
          await connect(fixture, a, b);
          const id = packetAudio(a).captureTimeId;
          expect(id).toBeGreaterThanOrEqual(1);
          expect(id).toBeLessThanOrEqual(14);
          expect(packetAudio(b).captureTimeId).toBe(id);
          await sendUntilHeard(fixture, a, b);
          await sendUntilHeard(fixture, b, a);
          const heard = { a: a.rtp.length, b: b.rtp.length };
          for (const link of [a, b]) packetAudio(link).sendRtp(captureTimePacket(link, id));
          await until(fixture, "both have come", () => a.rtp.length > heard.a && b.rtp.length > heard.b);
          expect(b.rtp.at(-1)).toEqual(captureTimePacket(a, id));
          expect(a.rtp.at(-1)).toEqual(captureTimePacket(b, id));
        });

        it("does without abs-capture-time when the offer has none", async () => {
          const [a, b] = pair();
          const offer = await a.link.createOffer();
          expect(offer).toContain(CAPTURE_TIME_URI);
          const answer = await b.link.createAnswer(offer.replace(/a=extmap:.*\r\n/g, ""));
          expect(answer).not.toContain("a=extmap");
          await a.link.acceptAnswer(answer);
          expect(packetAudio(a).payloadType).toBeGreaterThan(0);
          expect([packetAudio(a).captureTimeId, packetAudio(b).captureTimeId]).toEqual([0, 0]);
        });

        it("says false to packets before it is connected", async () => {
          const [a, b] = pair();
          expect(packetAudio(a).sendRtp(rtpPacket(a, 0))).toBe(false);
          await negotiate(a, b);
          expect(packetAudio(a).payloadType).toBeGreaterThan(0);
          expect(packetAudio(a).payloadType).toBe(packetAudio(b).payloadType);
        });
      } else {
        it("carries written samples both ways as encoded frames", async () => {
          const [a, b] = pair();
          await connect(fixture, a, b);
          await writeUntilHeard(fixture, a, b);
          await writeUntilHeard(fixture, b, a);
          const frame = b.frames.find(({ payload }) => payload.length > 0);
          expect(frame?.payloadType).toBeGreaterThan(0);
          expect(frame?.arrivalMs).toBeLessThanOrEqual(fixture.right.clock.now());
        });
      }
    });

    describeChannels({ fixture: () => fixture, open, pair });

    describe("closing", () => {
      it("is idempotent, ends in state closed and closes the channels", async () => {
        const [a, b] = pair();
        await connect(fixture, a, b);
        const channel = new RecordedChannel(a.channel("data"));
        await closed(fixture, a);
        await closed(fixture, a);
        expect(a.link.state).toBe("closed");
        expect(a.states.filter((state) => state === "closed").length).toBeLessThanOrEqual(1);
        await until(fixture, "the channel is told", () => channel.closed === 1);
        expect(a.channel("data").open).toBe(false);
      });

      it("is seen by the other side", async () => {
        const [a, b] = pair();
        await connect(fixture, a, b);
        const channel = new RecordedChannel(b.channel("control"));
        await closed(fixture, a);
        await until(fixture, "the other side's channel is closed", () => channel.closed === 1);
      });

      it("works on links that never negotiated, and in the middle of it", async () => {
        const [a, b] = pair();
        await closed(fixture, a);
        expect(a.link.state).toBe("closed");
        const c = open("left");
        const answering = b.link.createAnswer(await c.link.createOffer()).catch(() => undefined);
        await Promise.all([closed(fixture, c), closed(fixture, b)]);
        await answering;
        expect(b.link.state).toBe("closed");
      });

      it("leaves methods that reject with CONNECTION_FAILED or do nothing", async () => {
        const [a, b] = pair();
        await connect(fixture, a, b);
        const audio = a.link.audio;
        const faults = a.faults.length;
        await closed(fixture, a);
        for (const call of [
          () => a.link.createOffer(),
          () => a.link.createAnswer("v=0"),
          () => a.link.acceptAnswer("v=0"),
        ]) {
          expect(await rejection(call())).toBe("CONNECTION_FAILED");
        }
        await a.link.addCandidate({ candidate: "candidate:nonsense", sdpMid: "0", sdpMLineIndex: 0 });
        await a.link.statistics();
        if (audio?.level === "packet") expect(audio.sendRtp(rtpPacket(a, 1))).toBe(false);
        if (audio?.level === "track") audio.write(new Float32Array(480), 1, 0);
        expect(codeOf(() => a.channel("data").send(new Uint8Array(1)))).toBe("DATA_CHANNEL_ERROR");
        expect(a.channel("data").bufferedAmount).toBeGreaterThanOrEqual(0);
        a.channel("data").close();
        expect(a.faults.length).toBe(faults);
      });
    });

    describe("bad input", () => {
      it.each([
        ["nothing", ""],
        ["prose", "hello"],
        ["a description without sections", "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"],
        [
          "a section without transport",
          "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sctp-port:5000\r\n",
        ],
      ])("rejects %s as offer and as answer with SDP_ERROR", async (_, sdp) => {
        expect(await rejection(open("left").link.createAnswer(sdp))).toBe("SDP_ERROR");
        const offerer = open("left");
        await offerer.link.createOffer();
        expect(await rejection(offerer.link.acceptAnswer(sdp))).toBe("SDP_ERROR");
      });

      it("rejects an answer to no offer with SDP_ERROR", async () => {
        const [a, b] = pair();
        const answer = await b.link.createAnswer(await a.link.createOffer());
        expect(await rejection(open("left").link.acceptAnswer(answer))).toBe("SDP_ERROR");
      });

      it("rejects an offer of audio without Opus with CODEC_MISMATCH", async () => {
        const [a, b] = pair();
        const offer = await a.link.createOffer();
        expect(offer).toContain(OPUS_RTP);
        const foreign = offer.replaceAll(OPUS_RTP, "G7221/16000").replace(/a=rtpmap:(?!.*G7221).*\r\n/g, "");
        expect(await rejection(b.link.createAnswer(foreign))).toBe("CODEC_MISMATCH");
      });

      it("reports candidates that make no sense as faults and connects nevertheless", async () => {
        const [a, b] = pair();
        await negotiate(a, b);
        const before = b.faults.length;
        const nonsense = ["candidate:nonsense", "candidate:1 1 UDP x 127.0.0.1 9 typ host", "\u0000"];
        for (const candidate of nonsense)
          await b.link.addCandidate({ candidate, sdpMid: "0", sdpMLineIndex: 0 });
        await until(fixture, "each is a fault", () => b.faults.length >= before + nonsense.length);
        await until(fixture, "it connects", () => b.link.state === "connected");
      });

      it("reports a candidate before the remote description as fault", async () => {
        const a = open("left");
        await a.link.createOffer();
        await a.link.addCandidate({
          candidate: "candidate:1 1 UDP 2114977791 127.0.0.1 9 typ host",
          sdpMid: "0",
          sdpMLineIndex: 0,
        });
        await until(fixture, "it is a fault", () => a.faults.length === 1);
      });
    });
  });
}

function linkOptions(side: string, ssrc: number, options: PeerLinkContractOptions): PeerLinkOptions {
  const audio: AudioLinkOptions = { ssrc, cname: side, channels: 1, fec: true, dtx: false, bitrateKbps: 64 };
  return {
    name: side,
    iceServers: [],
    iceTransportPolicy: "all",
    ...(options.bindAddress === undefined ? {} : { bindAddress: options.bindAddress }),
    audio,
    channels: CHANNELS,
  };
}

function withoutAudio(options: PeerLinkOptions): PeerLinkOptions {
  const { audio: _, ...rest } = options;
  return rest;
}

async function closed(fixture: LinkFixture, link: RecordedLink): Promise<void> {
  let done = false;
  void link.link.close().then(() => (done = true));
  await until(fixture, "the link is closed", () => done);
}

/** The code a promise rejects with, or how it misbehaves. */
async function rejection(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return error instanceof TransportError ? error.code : `not a TransportError: ${String(error)}`;
  }
  return "resolved";
}
