// What the Node platform's links do beyond the contract: their limits, their refusals, and their native side's quirks.
import { afterEach, describe, expect, it } from "vitest";
import { TransportError } from "../../../src/errors/errors.ts";
import { CAPTURE_TIME_URI } from "../../../src/platform/capture-time-extension.ts";
import { collectGarbage } from "../../../src/platform/node/garbage.ts";
import { createNodePlatform } from "../../../src/platform/node/node-platform.ts";
import type { AudioLinkOptions, PeerLinkOptions } from "../../../src/platform/platform.ts";
import { connect, pass, RecordedChannel, RecordedLink, until } from "../../contract/link-pair.ts";
import type { LinkFixture } from "../../contract/link-pair.ts";
import { RawPeer } from "./raw-peer.ts";

const platform = createNodePlatform();
const fixture: LinkFixture = { left: platform, right: platform };
const AUDIO: AudioLinkOptions = {
  ssrc: 7,
  cname: "cname",
  channels: 2,
  fec: false,
  dtx: true,
  bitrateKbps: 64,
};

const codesOf = (errors: readonly unknown[]): string[] =>
  errors.map((error) => (error instanceof TransportError ? error.code : String(error)));

const codeOf = (call: () => unknown): string => {
  try {
    call();
  } catch (error) {
    return codesOf([error])[0] ?? "";
  }
  return "returned";
};

describe("links of the Node platform", { timeout: 20_000 }, () => {
  const opened: RecordedLink[] = [];
  const raws: RawPeer[] = [];
  afterEach(async () => {
    await Promise.all([
      ...opened.splice(0).map(({ link }) => link.close()),
      ...raws.splice(0).map((raw) => raw.close()),
    ]);
  });

  const open = (overrides: Partial<PeerLinkOptions> = {}): RecordedLink => {
    const link = new RecordedLink(platform, {
      name: "link",
      iceServers: [],
      iceTransportPolicy: "all",
      bindAddress: "127.0.0.1",
      audio: AUDIO,
      channels: [{ label: "data", id: 102, ordered: true }],
      ...overrides,
    });
    opened.push(link);
    return link;
  };
  const openRaw = async (link: RecordedLink): Promise<RawPeer> => {
    const raw = new RawPeer(["audio"]);
    raws.push(raw);
    await raw.connectTo(link);
    return raw;
  };

  it("offers what the options say, on the address they name", async () => {
    const link = open();
    const sdp = await link.link.createOffer();
    expect(sdp).toContain("a=rtpmap:111 opus/48000/2\r\n");
    expect(sdp).toContain("a=fmtp:111 minptime=10;useinbandfec=0;stereo=1;usedtx=1\r\n");
    expect(sdp).toContain("a=ssrc:7 cname:cname\r\n");
    expect(sdp).not.toContain("a=candidate");
    const answerer = open();
    await answerer.link.createAnswer(sdp);
    await until(fixture, "candidates have come", () => answerer.candidates.length > 0);
    expect(answerer.candidates[0]?.candidate).toContain(" 127.0.0.1 ");
  });

  it("answers abs-capture-time under the offer's id, and no line that is malformed", async () => {
    const offer = await open().link.createOffer();
    const line = `a=extmap:3 ${CAPTURE_TIME_URI}`;
    expect(offer).toContain(`${line}\r\n`);
    for (const [offered, id] of [
      [line.replace("3", "11"), 11],
      [line.replace("3", "3/recvonly"), 0],
      [line.replace("3", "200"), 0],
      ["a=extmap:x y", 0],
      ["a=extmap:", 0],
      ["a=extmap", 0],
    ] as const) {
      const answerer = open();
      const answer = await answerer.link.createAnswer(offer.replace(line, offered));
      expect(answer.match(/a=extmap.*/g)).toEqual(id === 0 ? null : [`a=extmap:${id} ${CAPTURE_TIME_URI}`]);
      expect(answerer.link.audio).toMatchObject({ captureTimeId: id });
    }
  });

  it("stamps arrivals with the platform's clock, and gives each packet memory of its own", async () => {
    const clock = { ...platform.clock, now: () => 12_345 };
    const link = new RecordedLink(createNodePlatform({ clock }), {
      name: "link",
      iceServers: [],
      iceTransportPolicy: "all",
      bindAddress: "127.0.0.1",
      audio: AUDIO,
      channels: [{ label: "data", id: 102, ordered: true }],
    });
    opened.push(link);
    const raw = await openRaw(link);
    const packet = Buffer.alloc(40);
    packet.writeUInt16BE(0x806f, 0);
    raw.sendRtp(packet);
    await until(fixture, "it has come", () => link.rtp.length === 1);
    expect(link.arrivals).toEqual([12_345]);
    expect(link.rtp[0]?.buffer.byteLength).toBe(40);
  });

  it.each([
    ["an SSRC of 0", { audio: { ...AUDIO, ssrc: 0 } }, "INVALID_DATA"],
    ["a CNAME that would add a line", { audio: { ...AUDIO, cname: "a\r\na=x" } }, "INVALID_DATA"],
    ["a server that is no URL", { iceServers: [{ urls: ["nonsense"] }] }, "INVALID_CONFIG"],
    [
      "a channel id beyond 1023",
      { channels: [{ label: "x", id: 1024, ordered: true }] },
      "CONNECTION_FAILED",
    ],
  ])("refuses %s", (_, overrides, code) => {
    expect(codeOf(() => open(overrides))).toBe(code);
  });

  it("reports servers it cannot use, and goes on without them", async () => {
    const iceServers = [{ urls: ["turns:127.0.0.1"], username: "u", credential: "p" }];
    const link = open({ iceServers });
    expect(link.faults).toEqual([]);
    await until(fixture, "it is told", () => link.faults.length === 1);
    expect(codesOf(link.faults)).toEqual(["NOT_SUPPORTED"]);
  });

  it("negotiates once, and only in order", async () => {
    const [a, b] = [open(), open()];
    await connect(fixture, a, b);
    for (const link of [a.link, b.link]) {
      await expect(link.createOffer()).rejects.toMatchObject({ code: "SDP_ERROR" });
      await expect(link.createAnswer("v=0")).rejects.toMatchObject({ code: "SDP_ERROR" });
      await expect(link.acceptAnswer("v=0")).rejects.toMatchObject({ code: "SDP_ERROR" });
    }
    await expect(open({ channels: [], audio: undefined as never }).link.createOffer()).rejects.toMatchObject({
      code: "SDP_ERROR",
    });
  });

  it("can take a good offer after a bad one", async () => {
    const [a, b] = [open(), open()];
    await expect(b.link.createAnswer("nonsense")).rejects.toMatchObject({ code: "SDP_ERROR" });
    await connect(fixture, a, b);
  });

  it("gives its address away only when it can be connected to: after the answer", async () => {
    const [a, b] = [open(), open()];
    const answer = await b.link.createAnswer(await a.link.createOffer());
    await until(
      fixture,
      "the answerer's candidates are complete",
      () => b.candidates.at(-1)?.candidate === "",
    );
    expect(a.candidates).toEqual([]);
    await a.link.acceptAnswer(answer);
    await until(fixture, "the offerer's are, too", () => a.candidates.at(-1)?.candidate === "");
  });

  it("lets the offerer check first when it answers, and tries itself when nothing comes", async () => {
    const [a, b] = [open(), open()];
    await a.link.acceptAnswer(await b.link.createAnswer(await a.link.createOffer()));
    // Only the answerer learns of candidates: whether it connects depends on its own checks.
    a.trickleTo(b);
    await pass(fixture, 30);
    expect(b.link.state).not.toBe("connected");
    await until(fixture, "it has connected all the same", () => {
      return a.link.state === "connected" && b.link.state === "connected";
    });
  });

  it("takes no more than 256 candidates", async () => {
    const [a, b] = [open(), open()];
    await connect(fixture, a, b);
    for (let index = 0; index < 300; index++) {
      await b.link.addCandidate({
        candidate: `candidate:${index} 1 UDP 1 127.0.0.1 ${10_000 + index} typ host`,
        sdpMid: "0",
        sdpMLineIndex: 0,
      });
    }
    expect(b.faults.length).toBeGreaterThanOrEqual(44);
    expect(new Set(codesOf(b.faults))).toEqual(new Set(["ICE_CANDIDATE_ERROR"]));
  });

  it("closes a channel nobody listens to before it fills the memory", async () => {
    const [a, b] = [open(), open()];
    await connect(fixture, a, b);
    for (let count = 0; count < 20; count++) a.channel("data").send(new Uint8Array(64 * 1024));
    await until(fixture, "the channel is closed", () => !b.channel("data").open);
    expect(codesOf(b.faults)).toEqual(["DATA_CHANNEL_ERROR"]);
    const late = new RecordedChannel(b.channel("data"));
    await until(fixture, "the late listener is told", () => late.closed === 1);
    expect(late.messages.length).toBe(16);
    expect(b.link.state).toBe("connected");
  });

  it("closes one channel and keeps the link", async () => {
    const [a, b] = [open(), open()];
    await connect(fixture, a, b);
    const inboxes = [new RecordedChannel(a.channel("data")), new RecordedChannel(b.channel("data"))];
    a.channel("data").close();
    a.channel("data").close();
    await until(fixture, "both sides know", () => inboxes.every((inbox) => inbox.closed === 1));
    expect([a.link.state, b.link.state]).toEqual(["connected", "connected"]);
  });

  it("hands over channels that a foreign peer opens, and tells its text from its bytes", async () => {
    const link = open();
    const raw = await openRaw(link);
    const theirs = raw.openChannel("theirs");
    await until(fixture, "it has come", () => link.inband.some(({ label }) => label === "theirs"));
    const port = link.inband.find(({ label }) => label === "theirs");
    if (port === undefined) throw new Error("no channel");
    expect(port.open).toBe(true);
    const inbox = new RecordedChannel(port);
    theirs.sendMessage("grüße");
    theirs.sendMessageBinary(Buffer.from([1]));
    await until(fixture, "both have come", () => inbox.messages.length === 2);
    expect(inbox.messages).toEqual(["grüße", new Uint8Array([1])]);
  });

  it("counts RTP and RTCP among its bytes", async () => {
    const link = open();
    const raw = await openRaw(link);
    const before = await link.link.statistics();
    const packet = Buffer.alloc(500);
    packet.writeUInt16BE(0x806f, 0);
    raw.sendRtp(packet);
    await until(fixture, "it has come", () => link.rtp.length === 1);
    const after = await link.link.statistics();
    expect((after.bytesReceived ?? 0) - (before.bytesReceived ?? 0)).toBeGreaterThanOrEqual(500);
    expect(after.localCandidate).toContain("127.0.0.1");
  });

  it("takes packets of any size, or says false", async () => {
    const [a, b] = [open(), open()];
    await connect(fixture, a, b);
    const audio = a.link.audio;
    if (audio?.level !== "packet") throw new Error("no packet audio");
    expect(audio.sendRtp(new Uint8Array(0))).toBe(false);
    expect(audio.sendRtp(new Uint8Array(3))).toBe(false);
    const packet = new Uint8Array(1_400);
    packet.set([0x80, 111]);
    await until(fixture, "a large one has come", () => {
      packet[3] = (packet[3] ?? 0) + 1;
      audio.sendRtp(packet);
      return b.rtp.length > 0;
    });
    expect(b.rtp[0]?.length).toBe(1_400);
  });

  it("collects what was lost", async () => {
    let collected = false;
    const registry = new FinalizationRegistry(() => (collected = true));
    registry.register({}, undefined);
    collectGarbage();
    collectGarbage();
    await until(fixture, "it is collected", () => collected);
  });
});
