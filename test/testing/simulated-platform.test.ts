import { describe, expect, it } from "vitest";
import { TransportError } from "../../src/errors/errors.ts";
import type {
  ChannelOptions,
  PeerLink,
  PeerLinkEvents,
  PeerLinkOptions,
  Platform,
} from "../../src/platform/platform.ts";
import { DISCONNECTED_AFTER_MS, FAILED_AFTER_MS } from "../../src/testing/simulated-link.ts";
import { SimulatedNetwork } from "../../src/testing/simulated-platform.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

const RELIABLE: ChannelOptions = { label: "data", id: 102, ordered: true };
const LOSSY: ChannelOptions = { label: "lossy", id: 103, ordered: false, maxRetransmits: 0 };

function setUp(delayMs = 10) {
  const clock = new VirtualClock();
  const network = new SimulatedNetwork({ clock, seed: 7, link: { delayMs } });
  return { clock, network, alice: network.platform("alice"), bob: network.platform("bob") };
}

interface Side {
  link: PeerLink;
  log: string[];
  faults: unknown[];
  rtp: [Uint8Array, number][];
  messages: Uint8Array[];
}

function openLink(
  platform: Platform,
  other: () => Side | undefined,
  overrides: Partial<PeerLinkOptions> = {},
): Side {
  const side = { log: [], faults: [], rtp: [], messages: [] } as unknown as Side;
  const events: PeerLinkEvents = {
    candidate: (candidate) => void other()?.link.addCandidate(candidate),
    state: (state) => side.log.push(state),
    rtp: (packet, arrivalMs) => side.rtp.push([packet, arrivalMs]),
    rtcp: () => undefined,
    frame: () => undefined,
    sent: () => undefined,
    channel: () => undefined,
    fault: (error) => side.faults.push(error),
  };
  const audio = { ssrc: 1, cname: "me", channels: 1 as const, fec: true, dtx: false, bitrateKbps: 64 };
  side.link = platform.openPeerLink(
    {
      name: "link",
      iceServers: [],
      iceTransportPolicy: "all",
      audio,
      channels: [RELIABLE, LOSSY],
      ...overrides,
    },
    events,
  );
  for (const port of side.link.channels.values()) {
    port.listen({
      open: () => side.log.push(`${port.label} open`),
      close: () => side.log.push(`${port.label} closed`),
      message: (message) => side.messages.push(message as Uint8Array),
    });
  }
  return side;
}

async function negotiated(
  overrides: Partial<PeerLinkOptions> = {},
  prepare?: (network: SimulatedNetwork) => void,
) {
  const { clock, network, alice, bob } = setUp();
  prepare?.(network);
  let b: Side | undefined = undefined;
  const a: Side = openLink(alice, () => b, overrides);
  b = openLink(bob, () => a, overrides);
  await a.link.acceptAnswer(await b.link.createAnswer(await a.link.createOffer()));
  return { clock, network, a, b };
}

async function connected() {
  const pair = await negotiated();
  await pair.clock.run(200);
  expect([pair.a.link.state, pair.b.link.state]).toEqual(["connected", "connected"]);
  return pair;
}

const packet = (fill: number): Uint8Array => new Uint8Array(20).fill(fill);
const sendRtp = (side: Side, fill: number): boolean | undefined =>
  side.link.audio?.level === "packet" ? side.link.audio.sendRtp(packet(fill)) : undefined;
const send = (side: Side, label: string, fill: number): void =>
  side.link.channels.get(label)?.send(new Uint8Array([fill]));

describe("links", () => {
  it("write descriptions that look like any other", async () => {
    const { alice, bob } = setUp();
    const a = openLink(alice, () => undefined);
    const offer = await a.link.createOffer();
    const answer = await openLink(bob, () => undefined).link.createAnswer(offer);
    for (const sdp of [offer, answer]) {
      expect(sdp.startsWith("v=0\r\n")).toBe(true);
      expect(sdp).toMatch(/m=audio 9 UDP\/TLS\/RTP\/SAVPF 111\r\n/);
      expect(sdp).toMatch(/a=rtpmap:111 opus\/48000\/2\r\n/);
      expect(sdp).toMatch(/a=ssrc:1 cname:me\r\n/);
      expect(sdp).toMatch(/m=application 9 UDP\/DTLS\/SCTP webrtc-datachannel\r\n/);
    }
    expect([offer.includes("a=setup:actpass"), answer.includes("a=setup:active")]).toEqual([true, true]);
  });

  it("connect after the round trips of ICE and DTLS, then open their channels", async () => {
    const { clock, a } = await negotiated();
    expect(a.log).toEqual(["connecting"]);
    await clock.run(39);
    expect(a.link.state).toBe("connecting");
    await clock.run(1);
    expect(a.link.state).toBe("connected");
    await clock.run(20);
    expect(a.log).toEqual(["connecting", "connected", "data open", "lossy open"]);
    await expect(a.link.statistics()).resolves.toMatchObject({ rttMs: 20, audioOut: null });
  });

  it("behave the same for the same seed", async () => {
    const first = setUp();
    const second = setUp();
    const bytes = first.alice.randomBytes(8);
    expect(second.alice.randomBytes(8)).toEqual(bytes);
    expect(first.bob.randomBytes(8)).not.toEqual(bytes);
    const offers = [first, second].map(({ alice }) => openLink(alice, () => undefined).link.createOffer());
    expect(await offers[0]).toBe(await offers[1]);
  });

  it("do not connect without candidates, and fail after 30 s", async () => {
    const { clock, a, b } = await negotiated({}, (net) => net.blockCandidates("alice"));
    await clock.run(FAILED_AFTER_MS - 1);
    expect([a.link.state, b.link.state]).toEqual(["connecting", "connecting"]);
    await clock.run(1);
    expect([a.link.state, b.link.state]).toEqual(["failed", "failed"]);
    expect(a.log).toEqual(["connecting", "data closed", "lossy closed", "failed"]);
  });

  it("need a TURN server under the relay policy", async () => {
    const without = await negotiated({ iceTransportPolicy: "relay" });
    await without.clock.run(1_000);
    expect(without.a.link.state).toBe("connecting");
    const iceServers = [{ urls: ["turn:relay.test"], username: "u", credential: "c" }];
    const through = await negotiated({ iceTransportPolicy: "relay", iceServers });
    await through.clock.run(1_000);
    expect((await through.a.link.statistics()).remoteCandidate).toContain("typ relay");
  });

  it("find candidates in the description of a peer that does not trickle", async () => {
    const { clock, alice, bob } = setUp();
    const [a, b] = [openLink(alice, () => undefined), openLink(bob, () => undefined)];
    const candidate = "a=candidate:1 1 UDP 1 10.0.0.1 9 typ host\r\n";
    const offer = (await a.link.createOffer()) + candidate;
    await a.link.acceptAnswer((await b.link.createAnswer(offer)) + candidate);
    await clock.run(100);
    expect(a.link.state).toBe("connected");
  });

  it("refuse candidates of another connection", async () => {
    const { a } = await negotiated();
    const candidate = "candidate:1 1 UDP 1 10.0.0.1 9 typ host ufrag other";
    await a.link.addCandidate({ candidate, sdpMid: "0", sdpMLineIndex: 0 });
    expect(a.faults).toMatchObject([{ code: "ICE_CANDIDATE_ERROR" }]);
  });

  it("deliver packets after the delay, in order, and count them", async () => {
    const { clock, a, b } = await connected();
    const sentMs = clock.now();
    for (const fill of [1, 2, 3]) expect(sendRtp(a, fill)).toBe(true);
    await clock.run(9);
    expect(b.rtp).toEqual([]);
    await clock.run(1);
    expect(b.rtp).toEqual([1, 2, 3].map((fill) => [packet(fill), sentMs + 10]));
    expect((await a.link.statistics()).bytesSent).toBe(60);
    expect((await b.link.statistics()).bytesReceived).toBe(60);
  });

  it("refuse packets that are too short to be any", async () => {
    const { a } = await connected();
    const { audio } = a.link;
    if (audio?.level !== "packet") throw new Error("packets expected");
    expect([audio.sendRtp(new Uint8Array(11)), audio.sendRtcp(new Uint8Array(7))]).toEqual([false, false]);
  });

  it("close a single channel on both sides", async () => {
    const { clock, a, b } = await connected();
    a.link.channels.get("data")?.close();
    await clock.run(10);
    expect(a.log.at(-1)).toBe("data closed");
    expect(b.log.at(-1)).toBe("data closed");
    expect(b.link.channels.get("lossy")?.open).toBe(true);
  });

  it("show the other side's close after the delay, and leave nothing behind", async () => {
    const { clock, network, a, b } = await connected();
    await a.link.close();
    expect(a.log.slice(-3)).toEqual(["data closed", "lossy closed", "closed"]);
    await clock.run(9);
    expect(b.link.state).toBe("connected");
    await clock.run(1);
    expect(b.link.state).toBe("closed");
    expect([network.openLinks, clock.pending]).toEqual([0, 0]);
  });

  it("that close while connecting leave the other side to fail by itself", async () => {
    const { clock, network, a, b } = await negotiated();
    await clock.run(5);
    await a.link.close();
    await clock.run(FAILED_AFTER_MS);
    expect(b.link.state).toBe("failed");
    await b.link.close();
    expect([b.link.state, network.openLinks, clock.pending]).toEqual(["closed", 0, 0]);
  });
});

describe("a cut between two peers", () => {
  it("loses packets and lossy messages, and holds reliable ones back", async () => {
    const { clock, network, a, b } = await connected();
    network.partition("alice", "bob");
    expect(sendRtp(a, 1)).toBe(true);
    send(a, "lossy", 2);
    send(a, "data", 3);
    send(a, "data", 4);
    await clock.run(1_000);
    expect([b.rtp, b.messages]).toEqual([[], []]);
    expect(a.link.channels.get("data")?.bufferedAmount).toBe(2);
    expect(a.link.channels.get("lossy")?.bufferedAmount).toBe(0);
    network.heal("bob", "alice");
    await clock.run(10);
    expect(b.messages).toEqual([new Uint8Array([3]), new Uint8Array([4])]);
    expect(a.link.channels.get("data")?.bufferedAmount).toBe(0);
    expect(a.log).not.toContain("disconnected");
  });

  it("shows as disconnected, and heals", async () => {
    const { clock, network, a } = await connected();
    network.partition("alice", "bob");
    await clock.run(DISCONNECTED_AFTER_MS);
    expect(a.link.state).toBe("disconnected");
    network.heal("alice", "bob");
    expect(a.link.state).toBe("connected");
    await clock.run(FAILED_AFTER_MS);
    expect(a.link.state).toBe("connected");
  });

  it("ends in failure on both sides", async () => {
    const { clock, network, a, b } = await connected();
    network.partition("alice", "bob");
    await clock.run(FAILED_AFTER_MS);
    expect([a.link.state, b.link.state]).toEqual(["failed", "failed"]);
    await expect(a.link.createOffer()).rejects.toMatchObject({ code: "CONNECTION_FAILED" });
    network.heal("alice", "bob");
    await clock.run(1_000);
    expect(a.link.state).toBe("failed");
  });

  it("hides the other side's close", async () => {
    const { clock, network, a, b } = await connected();
    network.partition("alice", "bob");
    await a.link.close();
    network.heal("alice", "bob");
    await clock.run(DISCONNECTED_AFTER_MS);
    expect(b.link.state).toBe("disconnected");
    await clock.run(FAILED_AFTER_MS);
    expect(b.link.state).toBe("failed");
  });

  it("keeps a connection from coming up until it heals, in the middle of the handshake too", async () => {
    const { clock, network, a } = await negotiated({}, (net) => net.partition("alice", "bob"));
    await clock.run(1_000);
    expect(a.link.state).toBe("connecting");
    network.heal("alice", "bob");
    await clock.run(20);
    network.partition("alice", "bob");
    await clock.run(1_000);
    expect(a.link.state).toBe("connecting");
    network.heal("alice", "bob");
    await clock.run(60);
    expect(a.log).toEqual(["connecting", "connected", "data open", "lossy open"]);
  });
});

describe("failures on demand", () => {
  it("hit the next call of the operation at that endpoint, once", async () => {
    const { network, alice, bob } = setUp();
    network.failNext("alice", "createOffer");
    network.failNext("bob", "createAnswer", new TransportError("CODEC_MISMATCH", "no codec"));
    const a = openLink(alice, () => undefined);
    await expect(a.link.createOffer()).rejects.toMatchObject({ code: "SDP_ERROR" });
    const offer = await a.link.createOffer();
    const b = openLink(bob, () => undefined);
    await expect(b.link.createAnswer(offer)).rejects.toMatchObject({ code: "CODEC_MISMATCH" });
    network.failNext("bob", "openPeerLink");
    expect(() => openLink(bob, () => undefined)).toThrow("openPeerLink was made to fail");
  });

  it("contain callbacks that throw, even the one that reports them", async () => {
    const { clock, alice } = setUp();
    const fail = (): never => {
      throw new Error("callback failed");
    };
    const link = alice.openPeerLink(
      { name: "x", iceServers: [], iceTransportPolicy: "all", channels: [RELIABLE] },
      {
        candidate: fail,
        state: fail,
        rtp: fail,
        rtcp: fail,
        frame: fail,
        sent: fail,
        channel: fail,
        fault: fail,
      },
    );
    await link.createOffer();
    await clock.run(10);
    await link.close();
    expect(link.state).toBe("closed");
  });
});
