// Real transports in a room of a real signaling server, led through relays: what the network does shows in their
// figures, once in each direction, and nothing finds a way around.
import { afterEach, describe, expect, it } from "vitest";
import type { SignalingChannel, SignalingEvents } from "../../../src/platform/signaling-channel.ts";
import { SignalingClient, WebRtcTransport } from "../../../src/node.ts";
import { Emitter } from "../../../src/runtime/emitter.ts";
import { SignalingServer } from "../../../src/signaling-server/server.ts";
import { ImpairmentRelay, impairSignaling } from "../../../src/testing/node/node.ts";
import type { Impairment } from "../../../src/testing/node/node.ts";
import { loopbackPort, markDescription } from "../../../src/testing/node/candidate.ts";

const BLOCK = { type: "audio", samples: new Float32Array(960), sampleRate: 48_000, channels: 1 } as const;
const WAIT_MS = 15_000;

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function eventually(what: string, check: () => boolean): Promise<void> {
  const endMs = performance.now() + WAIT_MS;
  while (!check()) {
    if (performance.now() > endMs) throw new Error(`never happened: ${what}`);
    await sleep(20);
  }
}

async function openServer(): Promise<string> {
  const server = new SignalingServer({ port: 0, host: "127.0.0.1" });
  cleanups.push(() => server.close());
  return (await server.start()).url;
}

function makeRelay(impairment: Impairment): ImpairmentRelay {
  const relay = new ImpairmentRelay(impairment);
  cleanups.push(() => relay.close());
  return relay;
}

function makePeer(url: string, peerId: string, relay?: ImpairmentRelay): WebRtcTransport {
  const client = new SignalingClient({ url });
  const transport = new WebRtcTransport({
    signaling: relay === undefined ? client : impairSignaling(client, relay),
    peerId,
    room: "demo",
    networkMode: "lan",
    bindAddress: "127.0.0.1",
    rtcpIntervalMs: 1_000,
    logLevel: "silent",
  });
  cleanups.push(() => transport.shutdown());
  return transport;
}

/** Two peers that have begun to connect; the second one offers. */
async function startPair(relays: readonly (ImpairmentRelay | undefined)[]) {
  const url = await openServer();
  const peers = [makePeer(url, "alice", relays[0]), makePeer(url, "bob", relays[1])] as const;
  for (const peer of peers) await peer.start();
  return peers;
}

const connected = (peers: readonly WebRtcTransport[]): boolean =>
  peers.every((peer) => peer.listPeers().length === 1);

/** What a peer has received of the other one's audio. */
function received(peer: WebRtcTransport): { packets: number; lost: number } {
  const inbound = peer.stats().peers[0]?.audio?.inbound;
  return { packets: inbound?.packetsReceived ?? 0, lost: inbound?.packetsLost ?? 0 };
}

/** Both talk until the function that comes back is called. */
function talk(peers: readonly WebRtcTransport[]): () => void {
  const timer = setInterval(() => {
    for (const peer of peers) void peer.broadcast(BLOCK).catch(() => undefined);
  }, 20);
  cleanups.push(async () => clearInterval(timer));
  return () => clearInterval(timer);
}

describe("transports with impaired signaling", () => {
  it("connect through 10 % loss, 100 ms delay and 50 ms jitter", async () => {
    const relay = makeRelay({ loss: 0.1, delayMs: 100, jitterMs: 50, seed: 5 });
    const peers = await startPair([relay, relay]);
    await eventually("both are connected", () => connected(peers));
    expect(relay.counters.passed).toBeGreaterThan(10);
    expect(relay.counters.lost).toBeGreaterThan(0);
  });

  it.each([
    ["with one relay for both sides", (relay: ImpairmentRelay) => [relay, relay] as const],
    ["with one relay each", (relay: ImpairmentRelay) => [relay, makeRelay({ loss: 0.3, seed: 4 })] as const],
    ["with a relay on the answering side only", (relay: ImpairmentRelay) => [relay] as const],
    ["with a relay on the offering side only", (relay: ImpairmentRelay) => [undefined, relay] as const],
  ])("lose what was asked for once in each direction, %s", async (_name, relays) => {
    const relay = makeRelay({ seed: 3 });
    const used = relays(relay);
    for (const each of used) each?.set({ loss: 0 });
    const peers = await startPair(used);
    await eventually("both are connected", () => connected(peers));
    for (const each of used) each?.set({ loss: 0.3 });
    const stop = talk(peers);
    await eventually("each has been sent 200 packets", () =>
      peers.every((peer) => received(peer).packets + received(peer).lost >= 200),
    );
    stop();
    for (const peer of peers) {
      const { packets, lost } = received(peer);
      console.log(`${lost} of ${lost + packets} packets lost`);
      // Impaired twice, it would be 0.51; not at all, 0.
      expect(lost / (packets + lost)).toBeGreaterThan(0.18);
      expect(lost / (packets + lost)).toBeLessThan(0.42);
    }
  });

  it.each([
    ["on both sides", [true, true]],
    ["on the answering side only", [true, false]],
    ["on the offering side only", [false, true]],
  ])("find no way around a relay %s: they connect only once it passes something", async (_name, wrapped) => {
    const relays = wrapped.map((each) => (each ? makeRelay({ loss: 1 }) : undefined));
    const inUse = relays.filter((relay) => relay !== undefined);
    const peers = await startPair(relays);
    await eventually("each relay was tried", () => inUse.every(({ counters }) => counters.lost >= 2));
    await sleep(1_000);
    for (const { counters } of inUse) expect(counters.passed).toBe(0);
    expect(peers.map((peer) => peer.listPeers().length)).toEqual([0, 0]);
    for (const relay of inUse) relay.set({ loss: 0 });
    await eventually("both are connected", () => connected(peers));
  });

  it("hear nothing in an outage, and each other again after it", async () => {
    const relay = makeRelay({ delayMs: 10 });
    const peers = await startPair([relay]);
    await eventually("both are connected", () => connected(peers));
    talk(peers);
    await eventually("both hear", () => peers.every((peer) => received(peer).packets > 20));
    relay.outage(1_500);
    await eventually("what was under way has arrived", () => relay.counters.queued === 0);
    await sleep(50);
    const [before, lostBefore] = [peers.map((peer) => received(peer).packets), relay.counters.lost];
    await eventually("a second of both is lost", () => relay.counters.lost >= lostBefore + 50);
    expect(peers.map((peer) => received(peer).packets)).toEqual(before);
    await eventually("both hear again", () =>
      peers.every((peer, index) => received(peer).packets > (before[index] ?? 0) + 20),
    );
    expect(connected(peers)).toBe(true);
  });

  it("leave no socket behind, neither when a peer goes nor at the end", async () => {
    const sockets = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === "UDPWrap").length;
    const url = await openServer();
    const relay = makeRelay({ delayMs: 5 });
    const peers = ["alice", "bob", "carol"].map((peerId) => makePeer(url, peerId, relay));
    for (const peer of peers) await peer.start();
    await eventually("all are connected", () => peers.every((peer) => peer.listPeers().length === 2));
    const [alice, bob, carol] = peers as [WebRtcTransport, WebRtcTransport, WebRtcTransport];
    const atMost = sockets();
    expect(atMost).toBeGreaterThanOrEqual(12);
    await carol.shutdown();
    await eventually("those for carol are gone", () => sockets() <= atMost - 8);
    expect(connected([alice, bob])).toBe(true);
    await alice.disconnectPeer("bob");
    await eventually("all are gone", () => sockets() === 0);
    await Promise.all([alice.shutdown(), bob.shutdown()]);
  });
});

describe("messages of impaired signaling", () => {
  const EXCHANGE = { requestId: "r1", connectionId: "c1", link: "media" };
  const PLACE = { sdpMid: "0", sdpMLineIndex: 0, usernameFragment: null };
  const SDP = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n";
  const candidateAt = (port: number): string => `candidate:1 1 UDP 9 127.0.0.1 ${port} typ host`;

  /** A channel that only notes what is sent, and the wrapped one with what it has told. */
  function wrap() {
    const emitter = new Emitter<SignalingEvents>((error) => {
      throw error;
    });
    const sent: { to: string; text: string }[] = [];
    const told: { event: string; text: string }[] = [];
    const send = async (to: string, text: string): Promise<void> => void sent.push({ to, text });
    const channel = {
      state: "connected",
      on: emitter.on.bind(emitter),
      once: emitter.once.bind(emitter),
      sendOffer: send,
      sendAnswer: send,
      sendIceCandidate: (to: string, { candidate }: { candidate: string }) => void send(to, candidate),
      sendDisconnect: () => undefined,
    } as unknown as SignalingChannel;
    const signaling = impairSignaling(channel, makeRelay({}));
    for (const event of ["offer", "answer"] as const) {
      signaling.on(event, ({ sdp }) => told.push({ event, text: sdp }));
    }
    signaling.on("iceCandidate", ({ candidate }) => told.push({ event: "iceCandidate", text: candidate }));
    return { emitter, signaling, sent, told };
  }

  it("carry candidates of descriptions behind them, replaced, and their end last", async () => {
    const { emitter, signaling, sent, told } = wrap();
    const withCandidate = `${SDP}a=${candidateAt(20_001)}\r\na=end-of-candidates\r\n`;
    await signaling.sendOffer("bob", withCandidate, EXCHANGE);
    signaling.sendIceCandidate("bob", { ...PLACE, candidate: candidateAt(20_002) }, EXCHANGE);
    signaling.sendIceCandidate("bob", { ...PLACE, candidate: "" }, EXCHANGE);
    emitter.emit("answer", {
      ...EXCHANGE,
      from: "bob",
      sdp: markDescription(withCandidate),
      canTrickle: true,
    });
    emitter.emit("iceCandidate", { ...EXCHANGE, ...PLACE, from: "bob", candidate: "" });
    await eventually("all have passed", () => sent.length === 4 && told.length === 3);
    expect(sent.map(({ to }) => to)).toEqual(["bob", "bob", "bob", "bob"]);
    expect(sent[0]?.text).toBe(markDescription(SDP));
    expect(sent.slice(1).map(({ text }) => text.replace(/ .*/, ""))).toEqual([
      "candidate:1",
      "candidate:1",
      "",
    ]);
    expect(told.map(({ event }) => event)).toEqual(["answer", "iceCandidate", "iceCandidate"]);
    expect(told[0]?.text).toBe(SDP);
    const ports = [...sent, ...told]
      .map(({ text }) => loopbackPort(text))
      .filter((port) => port !== undefined);
    expect(new Set(ports).size).toBe(3);
    for (const own of [20_001, 20_002]) expect(ports).not.toContain(own);
  });

  it("carry no candidate of a connection that is unknown or has ended", async () => {
    const { emitter, signaling, sent, told } = wrap();
    const both = (): void => {
      signaling.sendIceCandidate("bob", { ...PLACE, candidate: candidateAt(20_001) }, EXCHANGE);
      emitter.emit("iceCandidate", { ...EXCHANGE, ...PLACE, from: "bob", candidate: candidateAt(20_002) });
    };
    both();
    emitter.emit("offer", { ...EXCHANGE, from: "bob", sdp: SDP, canTrickle: true });
    signaling.sendDisconnect("bob", "user_requested", EXCHANGE.connectionId);
    both();
    emitter.emit("offer", { ...EXCHANGE, connectionId: "c2", from: "bob", sdp: SDP, canTrickle: true });
    emitter.emit("peerLeft", { peerId: "bob", reason: "left" });
    both();
    await sleep(50);
    expect(sent).toEqual([]);
    expect(told.map(({ event }) => event)).toEqual(["offer", "offer"]);
  });

  it("keep a bounded number of connections with a peer that never ends one", async () => {
    const { emitter, told } = wrap();
    for (let index = 0; index < 20; index++) {
      const exchange = { ...EXCHANGE, connectionId: `c${index}` };
      emitter.emit("offer", { ...exchange, from: "bob", sdp: SDP, canTrickle: true });
    }
    for (let index = 0; index < 20; index++) {
      const exchange = { ...EXCHANGE, connectionId: `c${index}` };
      emitter.emit("iceCandidate", { ...exchange, ...PLACE, from: "bob", candidate: candidateAt(20_001) });
    }
    await eventually("those of the last eight are told", () => told.length === 28);
    await sleep(50);
    expect(told.length).toBe(28);
  });
});
