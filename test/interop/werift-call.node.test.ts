// A whole call with werift, an independent WebRTC in pure TypeScript: Opus both ways, and RTCP that each side believes.
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { MediaStreamTrack, RtcpSrPacket, RtpHeader, RtpPacket, RTCPeerConnection, useOPUS } from "werift";
import type { RTCDataChannel, RTCIceCandidate } from "werift";
import { loadOpus } from "../../src/codecs/opus.ts";
import type { OpusCodec, OpusEncoder } from "../../src/codecs/opus.ts";
import { WebRtcTransport } from "../../src/node.ts";
import type {
  AnnounceResult,
  Exchange,
  SignalingChannel,
  SignalingEvents,
  SignalingState,
} from "../../src/platform/signaling-channel.ts";
import { Emitter } from "../../src/runtime/emitter.ts";
import type { PeerStats } from "../../src/transport/stats.ts";
import { VOICE } from "../codecs/voice-encoder.ts";
import { powerAt, tone } from "./tones.ts";

const OURS_HZ = 440;
const THEIRS_HZ = 1_200;
const PAYLOAD_TYPE = 96;
const PATIENCE_MS = 20_000;

/** The other side of the call. Its Opus is encoded with our codec, packed and sent by werift. */
class WeriftPeer {
  readonly connection = new RTCPeerConnection({
    iceServers: [],
    iceUseIpv6: false,
    iceInterfaceAddresses: { udp4: "127.0.0.1" },
    iceAdditionalHostAddresses: ["127.0.0.1"],
    bundlePolicy: "max-bundle",
    codecs: { audio: [useOPUS({ payloadType: PAYLOAD_TYPE })], video: [] },
  });
  readonly track = new MediaStreamTrack({ kind: "audio" });
  readonly received: RtpPacket[] = [];
  readonly senderReports: RtcpSrPacket[] = [];
  readonly channels: RTCDataChannel[];
  readonly #candidates: RTCIceCandidate[] = [];
  #pass: (candidate: RTCIceCandidate) => void = (candidate) => void this.#candidates.push(candidate);
  #sent = 0;

  constructor() {
    this.connection.onIceCandidate.subscribe((candidate) => {
      if (candidate !== undefined) this.#pass(candidate);
    });
    const transceiver = this.connection.addTransceiver(this.track, { direction: "sendrecv" });
    transceiver.onTrack.subscribe((track) =>
      track.onReceiveRtp.subscribe((packet) => this.received.push(packet)),
    );
    transceiver.receiver.onRtcp.subscribe((packet) => {
      if (!(packet instanceof RtcpSrPacket)) return;
      this.senderReports.push(packet);
      // werift gives its sender the blocks of receiver reports only; those of sender reports mean the same.
      transceiver.sender.handleRtcpPacket(packet);
    });
    // A call is up when `control` is; what runs over it does not matter here.
    this.channels = [
      this.connection.createDataChannel("control", { negotiated: true, id: 100 }),
      this.connection.createDataChannel("data", { negotiated: true, id: 102 }),
    ];
  }

  /** Pass candidates on from now on, past ones first. */
  trickle(pass: (candidate: RTCIceCandidate) => void): void {
    this.#pass = pass;
    for (const candidate of this.#candidates.splice(0)) pass(candidate);
  }

  /** Send 20 ms of audio. */
  send(payload: Uint8Array): void {
    this.#sent++;
    const header = new RtpHeader({
      payloadType: PAYLOAD_TYPE,
      sequenceNumber: this.#sent & 0xffff,
      timestamp: this.#sent * 960,
      ssrc: 0x2222_2222,
      marker: false,
    });
    this.track.writeRtp(new RtpPacket(header, Buffer.from(payload)));
  }
}

/** Signaling without a server: our side of it, with the werift peer behind it. */
class DirectSignaling extends Emitter<SignalingEvents & Record<string, unknown>> implements SignalingChannel {
  state: SignalingState = "idle";
  readonly #peer: WeriftPeer;
  readonly #present: boolean;

  /** @param present whether the peer is in the room at first, so that we offer */
  constructor(peer: WeriftPeer, present: boolean) {
    super((error) => {
      throw error;
    });
    this.#peer = peer;
    this.#present = present;
  }

  async connect(): Promise<void> {
    this.state = "connected";
  }

  async announce(): Promise<AnnounceResult> {
    const peers = this.#present ? await this.listPeers() : [];
    return { resumed: false, peers, serverTime: new Date(0).toISOString(), limits: {} };
  }

  async listPeers(): Promise<AnnounceResult["peers"]> {
    return [{ peerId: "werift", capabilities: ["audio", "data"], userData: null, announcedAt: 0 }];
  }

  async sendOffer(_to: string, sdp: string, exchange: Exchange): Promise<void> {
    const { connection } = this.#peer;
    await connection.setRemoteDescription({ type: "offer", sdp });
    await connection.setLocalDescription(await connection.createAnswer());
    this.#describe("answer", exchange);
  }

  async sendAnswer(_to: string, sdp: string): Promise<void> {
    await this.#peer.connection.setRemoteDescription({ type: "answer", sdp });
  }

  /** Let werift call us. */
  async call(): Promise<void> {
    const { connection } = this.#peer;
    await connection.setLocalDescription(await connection.createOffer());
    this.#describe("offer", { requestId: "request-1", connectionId: "connection-1", link: "media" });
  }

  sendIceCandidate(_to: string, { candidate, sdpMid, sdpMLineIndex }: SignalingEvents["iceCandidate"]): void {
    if (candidate === "") return;
    void this.#peer.connection.addIceCandidate({
      candidate,
      ...(sdpMid === null ? {} : { sdpMid }),
      ...(sdpMLineIndex === null ? {} : { sdpMLineIndex }),
    });
  }

  sendDisconnect(): void {
    // werift notices the end by itself.
  }

  async leave(): Promise<void> {
    this.state = "connected";
  }

  async close(): Promise<void> {
    this.state = "closed";
  }

  #describe(type: "offer" | "answer", exchange: Exchange): void {
    const sdp = this.#peer.connection.localDescription?.sdp ?? "";
    this.emit(type, { from: "werift", sdp, canTrickle: true, ...exchange });
    this.#peer.trickle(({ candidate, sdpMid, sdpMLineIndex }) =>
      this.emit("iceCandidate", {
        from: "werift",
        ...exchange,
        candidate,
        sdpMid: sdpMid ?? null,
        sdpMLineIndex: sdpMLineIndex ?? null,
        usernameFragment: null,
      }),
    );
  }
}

describe("a call with werift", { timeout: 60_000 }, () => {
  let codec: OpusCodec;
  let transport: WebRtcTransport;
  let peer: WeriftPeer;
  let stopSpeaking: () => void = () => undefined;

  beforeAll(async () => {
    codec = await loadOpus();
  }, 60_000);

  afterEach(async () => {
    stopSpeaking();
    await transport.shutdown();
    await peer.connection.close();
  });

  const connect = async (who: "we" | "they"): Promise<void> => {
    peer = new WeriftPeer();
    const signaling = new DirectSignaling(peer, who === "we");
    transport = new WebRtcTransport({
      signaling,
      peerId: "ours",
      room: "room",
      networkMode: "lan",
      bindAddress: "127.0.0.1",
      logLevel: "silent",
      rtcpIntervalMs: 1_000,
    });
    const connected = new Promise((resolve) => transport.once("peerConnected", resolve));
    await transport.start();
    if (who === "they") await signaling.call();
    await connected;
  };

  const stats = (): PeerStats => {
    const [found] = transport.stats().peers;
    if (found === undefined) throw new Error("no peer");
    return found;
  };

  const until = async (what: string, condition: () => boolean): Promise<void> => {
    const endMs = performance.now() + PATIENCE_MS;
    while (!condition()) {
      if (performance.now() > endMs) expect.fail(`not in time: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  it.each(["we", "they"] as const)("exchanges Opus and reports when %s offer", async (who) => {
    await connect(who);
    const heard: Float32Array[] = [];
    void (async () => {
      for await (const frame of transport.frames()) heard.push(frame.samples.slice());
    })();
    const encoder = await codec.createEncoder(VOICE);
    stopSpeaking = speakBoth(transport, peer, encoder);
    await until("two reports of each side, and round trips on both", () => {
      const { audio } = stats();
      return (
        peer.senderReports.length >= 2 &&
        audio?.inbound.syncState !== "unsynced" &&
        audio?.outbound.roundTripTimeMs !== undefined &&
        roundTripOf(peer) !== undefined &&
        heard.length > 100
      );
    });
    const { audio, report } = stats();

    // Our reports, as werift reads them.
    const ours = peer.senderReports.at(-1);
    expect(ours?.ssrc).toBe(audio?.outbound.ssrc);
    expect(ours?.senderInfo.packetCount).toBeGreaterThan(20);
    const [first, last] = [peer.senderReports[0], ours];
    if (first === undefined || last === undefined) throw new Error("no sender report");
    const seconds = Number(last.senderInfo.ntpTimestamp - first.senderInfo.ntpTimestamp) / 2 ** 32;
    const ticks = (last.senderInfo.rtpTimestamp - first.senderInfo.rtpTimestamp) | 0;
    // Media time and wall clock of the reports advance together: within 5 ms, whatever the load did to the packets.
    expect(Math.abs(ticks / 48_000 - seconds)).toBeLessThan(0.005);
    expect(roundTripOf(peer)).toBeLessThan(5);

    // Their reports, as we read them.
    expect(audio?.rtcp).toMatchObject({ malformed: 0, unknown: 0 });
    expect(audio?.rtcp.reportsReceived).toBeGreaterThan(1);
    expect(audio?.outbound.roundTripTimeMs).toBeLessThan(5_000);
    expect(audio?.outbound.remotePacketsLost).toBeLessThan(10);
    expect(transport.getConnectionMetrics("werift").latencyMs).toBeLessThan(5_000);
    const inbound = report.find((entry) => entry.type === "inbound-rtp");
    expect(inbound).toMatchObject({ kind: "audio", ssrc: audio?.inbound.ssrc });
    expect(report.find((entry) => entry.type === "outbound-rtp")?.packetsSent).toBeGreaterThan(50);
    const remoteOut = report.find((entry) => entry.type === "remote-outbound-rtp");
    expect(remoteOut?.ssrc).toBe(audio?.inbound.ssrc);
    expect(remoteOut?.packetsSent).toBeGreaterThan(0);
    expect(report.find((entry) => entry.type === "remote-inbound-rtp")?.roundTripTime).toBeLessThan(5);

    // What was said, on either side.
    const spoken = await decoded(codec, peer.received);
    expectTone(concatenated(heard), THEIRS_HZ, OURS_HZ);
    expectTone(spoken, OURS_HZ, THEIRS_HZ);
  });
});

/** Let both sides speak in real time. @returns ends it */
function speakBoth(transport: WebRtcTransport, peer: WeriftPeer, encoder: OpusEncoder): () => void {
  const startMs = performance.now();
  let index = 0;
  const timer = setInterval(() => {
    for (; index * 20 <= performance.now() - startMs; index++) {
      const samples = tone(OURS_HZ, index);
      void transport
        .broadcast({ type: "audio", samples, sampleRate: 48_000, channels: 1 })
        .catch(() => undefined);
      peer.send(encoder.encode(tone(THEIRS_HZ, index)));
    }
  }, 10);
  return () => {
    clearInterval(timer);
    encoder.free();
  };
}

/** The round trip that werift has measured by our reports, in seconds. */
function roundTripOf(peer: WeriftPeer): number | undefined {
  const [sender] = peer.connection.getSenders();
  return (sender as unknown as { rtt?: number } | undefined)?.rtt;
}

async function decoded(codec: OpusCodec, packets: readonly RtpPacket[]): Promise<Float32Array> {
  const decoder = await codec.createDecoder({ sampleRate: 48_000, channels: 1 });
  const blocks = packets.map(({ payload }) => decoder.decode(payload).slice());
  decoder.free();
  return concatenated(blocks);
}

function concatenated(blocks: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(blocks.reduce((sum, block) => sum + block.length, 0));
  let at = 0;
  for (const block of blocks) {
    all.set(block, at);
    at += block.length;
  }
  return all;
}

/** A second from the middle holds the one tone, loud, and the other 20 dB below it. */
function expectTone(samples: Float32Array, hz: number, otherHz: number): void {
  const start = Math.max(0, Math.floor(samples.length / 2) - 24_000);
  const power = powerAt(samples.subarray(start, start + 9_600), [hz, otherHz]);
  expect(power[hz]).toBeGreaterThan(0.01);
  expect(power[hz]).toBeGreaterThan(100 * (power[otherHz] ?? 0));
}
