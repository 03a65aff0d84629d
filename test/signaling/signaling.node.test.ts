// The client against a real server over real sockets: rooms, errors, a restart of the server, and coming back.
import { afterEach, describe, expect, it } from "vitest";
import { createNodeClock } from "../../src/platform/node/node-clock.ts";
import { openNodeSocket } from "../../src/platform/node/websocket.ts";
import { SignalingClient } from "../../src/signaling/signaling.ts";
import type { SignalingEvents } from "../../src/platform/signaling-channel.ts";
import { SignalingServer } from "../../src/signaling-server/server.ts";
import type { SignalingServerOptions } from "../../src/signaling-server/server.ts";
import { SDP } from "../signaling-server/raw-peer.ts";
import { SocketPeer } from "../signaling-server/socket-world.ts";

const EXCHANGE = { requestId: "q1", connectionId: "c1", link: "media" };
const PLACE = { candidate: "candidate:1", sdpMid: "0", sdpMLineIndex: null, usernameFragment: null };
const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function startServer(
  options: SignalingServerOptions = {},
): Promise<{ server: SignalingServer; url: string; port: number }> {
  const server = new SignalingServer({ port: 0, ...options });
  cleanups.push(() => server.close());
  return { server, ...(await server.start()) };
}

function newClient(url: string): SignalingClient {
  const client = new SignalingClient({
    url,
    platform: {
      clock: createNodeClock(),
      openSocket: openNodeSocket,
      randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    },
  });
  cleanups.push(() => client.close());
  return client;
}

const identity = (peerId: string): { peerId: string; room: string; capabilities: ["audio"] } => ({
  peerId,
  room: "default",
  capabilities: ["audio"],
});

async function join(url: string, peerId: string): Promise<SignalingClient> {
  const client = newClient(url);
  await client.connect();
  await client.announce(identity(peerId));
  return client;
}

function next<Name extends keyof SignalingEvents>(
  client: SignalingClient,
  name: Name,
): Promise<SignalingEvents[Name]> {
  return new Promise((resolve) => client.once(name, resolve));
}

describe("a client and a server", () => {
  it("carry an offer, its answer, candidates and the end of a connection between two peers", async () => {
    const { url } = await startServer();
    const alice = await join(url, "alice");
    const announced = next(alice, "peerAnnounced");
    const bob = await join(url, "bob");
    expect(await announced).toMatchObject({ peerId: "bob", capabilities: ["audio"] });
    expect(await bob.listPeers()).toMatchObject([{ peerId: "alice" }]);
    const offer = next(bob, "offer");
    await alice.sendOffer("bob", SDP, EXCHANGE);
    expect(await offer).toEqual({ from: "alice", sdp: SDP, canTrickle: true, ...EXCHANGE });
    const answer = next(alice, "answer");
    await bob.sendAnswer("alice", SDP, EXCHANGE);
    expect(await answer).toMatchObject({ from: "bob", ...EXCHANGE });
    const candidate = next(bob, "iceCandidate");
    alice.sendIceCandidate("bob", PLACE, EXCHANGE);
    expect(await candidate).toEqual({ from: "alice", ...PLACE, ...EXCHANGE });
    const disconnected = next(alice, "peerDisconnected");
    bob.sendDisconnect("alice", "user_requested", "c1");
    expect(await disconnected).toEqual({
      from: "bob",
      reason: "user_requested",
      details: null,
      connectionId: "c1",
    });
    const left = next(alice, "peerLeft");
    await bob.leave();
    expect(await left).toEqual({ peerId: "bob", reason: "left" });
  });

  it("free an id when its owner closes", async () => {
    const { url } = await startServer();
    const alice = await join(url, "alice");
    await expect(join(url, "alice")).rejects.toMatchObject({ code: "PEER_ID_TAKEN" });
    await alice.close();
    await join(url, "alice");
  });

  it("name what is wrong", async () => {
    const { url } = await startServer({ authenticate: (token) => token === "good" });
    const client = newClient(url);
    await client.connect();
    const refused = client.announce({ ...identity("alice"), authToken: "bad" });
    const ended = next(client, "disconnected");
    await expect(refused).rejects.toMatchObject({ code: "UNAUTHORIZED" });
    expect(await ended).toMatchObject({ code: 4003, willReconnect: false });
    await client.connect();
    await client.announce({ ...identity("alice"), authToken: async () => "good" });
    await expect(client.sendOffer("nobody", SDP, EXCHANGE)).rejects.toMatchObject({
      code: "PEER_NOT_FOUND",
      peerId: "nobody",
    });
    await expect(client.sendAnswer("nobody", "v=0", EXCHANGE)).rejects.toMatchObject({ code: "SDP_ERROR" });
  });

  it("say in time that nothing listens", async () => {
    const { url, server } = await startServer();
    await server.close();
    const failing = newClient(url).connect({ timeoutMs: 5000 });
    await expect(failing).rejects.toMatchObject({ code: "SIGNALING_ERROR", details: { url } });
  });
});

describe("losses", () => {
  it("resume after the socket broke: nobody sees alice leave, and nothing is lost", async () => {
    const { url, server } = await startServer();
    const proxy = await breakable(url);
    const alice = await join(proxy.url, "alice");
    const bob = await join(url, "bob");
    const seen: string[] = [];
    bob.on("peerLeft", ({ peerId }) => seen.push(peerId));
    bob.on("peerAnnounced", ({ peerId }) => seen.push(peerId));
    const lost = next(alice, "disconnected");
    const back = next(alice, "reconnected");
    proxy.breakAll();
    expect(await lost).toMatchObject({ willReconnect: true });
    const offer = next(alice, "offer");
    await bob.sendOffer("alice", SDP, EXCHANGE);
    expect(await back).toMatchObject({ resumed: true, peers: [{ peerId: "bob" }] });
    expect(await offer).toMatchObject({ from: "bob" });
    expect([seen, server.stats().peers]).toEqual([[], 2]);
  });

  it("come back to a server that restarted, with a new registration", async () => {
    const first = await startServer();
    const [alice, bob] = [await join(first.url, "alice"), await join(first.url, "bob")];
    const back = Promise.all([next(alice, "reconnected"), next(bob, "reconnected")]);
    await first.server.close();
    await startServer({ port: first.port });
    expect(await back).toMatchObject([{ resumed: false }, { resumed: false }]);
    const offer = next(bob, "offer");
    await alice.sendOffer("bob", SDP, EXCHANGE);
    expect(await offer).toMatchObject({ from: "alice" });
  });

  it("do not bring back a client whose registration went on elsewhere", async () => {
    const { url, server } = await startServer();
    const alice = await join(url, "alice");
    const ended = next(alice, "disconnected");
    server.kick("default", "alice");
    expect(await ended).toMatchObject({ code: 4010, willReconnect: false });
    expect(alice.state).toBe("closed");
  });
});

/** A server in between that knows no protocol and can drop its sockets. */
async function breakable(target: string): Promise<{ url: string; breakAll: () => void }> {
  const { createServer, connect } = await import("node:net");
  const { port } = new URL(target);
  const sockets = new Set<{ destroy: () => unknown }>();
  const proxy = createServer((incoming) => {
    const outgoing = connect(Number(port), "127.0.0.1");
    for (const [from, to] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => to.destroy());
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => proxy.close(resolve));
  });
  const place = proxy.address();
  if (place === null || typeof place === "string") throw new Error("the proxy does not listen");
  return {
    url: `ws://127.0.0.1:${place.port}`,
    breakAll: () => {
      for (const socket of sockets) socket.destroy();
      sockets.clear();
    },
  };
}

describe("a raw socket next to a client", () => {
  it("cannot disturb it with garbage", async () => {
    const { url } = await startServer();
    const alice = await join(url, "alice");
    const raw = new SocketPeer(url);
    await raw.opened();
    for (const text of ["", "[]", '{"method":5}', "x".repeat(1000)]) raw.sendText(text);
    raw.sendBinary();
    expect(await raw.closed()).toBe(1003);
    expect(await alice.listPeers()).toEqual([]);
  });
});
