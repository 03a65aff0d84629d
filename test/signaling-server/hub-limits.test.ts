// Deadlines, rates, the hook's pause and other bounds of the hub, in virtual time.
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/runtime/data.ts";
import { HubWorld } from "./hub-world.ts";
import type { HubPeer } from "./hub-world.ts";
import { announce, candidate, description, notify, ok, request, send } from "./raw-peer.ts";

const kindOf = (answer: JsonObject | undefined): unknown =>
  ((answer?.error as JsonObject | undefined)?.data as JsonObject | undefined)?.kind;

const ping = (peer: HubPeer): void => send(peer, { jsonrpc: "2.0", id: 1, method: "server.ping" });

describe("deadlines", () => {
  it("closes a socket that has not announced within 10 s with 4001", () => {
    const hub = new HubWorld();
    const raw = hub.open();
    hub.clock.advance(9_999);
    ping(raw);
    expect(raw.closeCode).toBeUndefined();
    hub.clock.advance(1);
    expect(raw.closeCode).toBe(4001);
    expect(hub.stats().connections).toBe(0);
  });

  it("closes an idle socket after 5 min with 4008, and pongs are no activity", async () => {
    const hub = new HubWorld();
    const alice = hub.open();
    await announce(alice, "alice");
    hub.clock.advance(299_000);
    ping(alice);
    hub.clock.advance(299_999);
    expect(alice.closeCode).toBeUndefined();
    expect(alice.pings).toBeGreaterThan(15);
    hub.clock.advance(1);
    expect(alice.closeCode).toBe(4008);
  });

  it("pings every 30 s and terminates a socket that stays silent to the next", async () => {
    const hub = new HubWorld();
    const [alice, bob] = [hub.open(), hub.open()];
    await announce(alice, "alice");
    await announce(bob, "bob");
    alice.answersPings = false;
    hub.clock.advance(30_000);
    expect([alice.pings, bob.pings, alice.terminated]).toEqual([1, 1, false]);
    hub.clock.advance(30_000);
    expect([alice.pings, bob.pings, alice.terminated, bob.terminated]).toEqual([1, 2, true, false]);
    expect(hub.stats()).toMatchObject({ connections: 1, peers: 2, closed: { 1006: 1 } });
  });

  it("sets no deadline when nobody is there", async () => {
    const hub = new HubWorld();
    const alice = hub.open();
    await announce(alice, "alice");
    alice.vanish();
    hub.clock.advance(120_000);
    expect(hub.clock.pending).toBe(0);
    expect(hub.stats()).toMatchObject({ connections: 0, peers: 0, rooms: 0 });
  });

  it("obeys the deadlines of its configuration", async () => {
    const limits = { announceTimeoutMs: 50, idleTimeoutMs: 200, keepaliveMs: 70 };
    const hub = new HubWorld({ limits });
    const [alice, lazy] = [hub.open(), hub.open()];
    await announce(alice, "alice");
    hub.clock.advance(50);
    expect(lazy.closeCode).toBe(4001);
    hub.clock.advance(150);
    expect([alice.pings, alice.closeCode]).toEqual([2, 4008]);
  });
});

describe("rates and sizes", () => {
  it("takes 400 messages at once and 100 a second after that", () => {
    const hub = new HubWorld();
    const raw = hub.open();
    for (let count = 0; count < 401; count++) ping(raw);
    expect(raw.frames.filter(({ error }) => error !== undefined)).toHaveLength(1);
    expect(raw.frames.at(-1)).toMatchObject({ error: { code: -32010, data: { retry_after_ms: 10 } } });
    hub.clock.advance(1000);
    raw.frames.length = 0;
    for (let count = 0; count < 101; count++) ping(raw);
    expect(raw.frames.filter(({ error }) => error !== undefined)).toHaveLength(1);
  });

  it("counts every member of a batch, refuses a batch as a whole, and stays silent about notifications", () => {
    const hub = new HubWorld({ limits: { burst: 10, messagesPerSecond: 1 } });
    const raw = hub.open();
    const batch = Array.from({ length: 6 }, (_, id) => ({ jsonrpc: "2.0", id, method: "server.ping" }));
    send(raw, batch);
    send(raw, [...batch, { jsonrpc: "2.0", method: "server.ping" }, 5]);
    expect(raw.frames[0]).toHaveLength(6);
    const refused = raw.frames[1] as unknown as JsonObject[];
    expect(refused.map(({ id }) => id)).toEqual([0, 1, 2, 3, 4, 5, null]);
    expect(refused.map(kindOf)).toEqual(Array.from({ length: 7 }, () => "RATE_LIMITED"));
    hub.clock.advance(500);
    for (let count = 0; count < 4; count++) ping(raw);
    raw.frames.length = 0;
    notify(raw, "server.ping");
    expect(raw.frames).toEqual([]);
  });

  it("closes with 4029 a socket that is over its rate for 10 s without a pause", () => {
    const hub = new HubWorld();
    const raw = hub.open();
    const flood = (seconds: number): void => {
      for (let tick = 0; tick < seconds * 10 && raw.closeCode === undefined; tick++) {
        for (let count = 0; count < 15; count++) ping(raw);
        hub.clock.advance(100);
      }
    };
    send(raw, {
      jsonrpc: "2.0",
      id: 0,
      method: "peer.announce",
      params: { peer_id: "a", capabilities: ["data"] },
    });
    flood(15);
    expect(raw.closeCode).toBeUndefined();
    hub.clock.advance(2_000);
    flood(8);
    expect(raw.closeCode).toBeUndefined();
    flood(10);
    expect(raw.closeCode).toBe(4029);
  });

  it("closes sockets beyond 100 from one address", () => {
    const hub = new HubWorld();
    const peers = Array.from({ length: 101 }, () => hub.open("192.0.2.1"));
    expect(peers.map(({ closeCode }) => closeCode).filter((code) => code !== undefined)).toEqual([4029]);
    expect(hub.open("192.0.2.2").closeCode).toBeUndefined();
    peers[0]?.vanish();
    expect(hub.open("192.0.2.1").closeCode).toBeUndefined();
  });

  it("obeys the sizes of its configuration", async () => {
    const limits = {
      frameBytes: 3000,
      sdpBytes: 200,
      candidateBytes: 60,
      userDataBytes: 10,
      authTokenBytes: 4,
    };
    const hub = new HubWorld({ limits: { ...limits, batch: 2, socketsPerIp: 3 } });
    const [alice, bob, big] = [hub.open(), hub.open(), hub.open()];
    const params = { peer_id: "alice", capabilities: ["audio"] };
    for (const wrong of [{ user_data: "123456789" }, { auth_token: "12345" }]) {
      expect(kindOf(await request(alice, "peer.announce", { ...params, ...wrong }))).toBe("INVALID_PARAMS");
    }
    await announce(alice, "alice", { user_data: "12345678", auth_token: "1234" });
    await announce(bob, "bob");
    alice.frames.length = 0;
    const sdp = `v=0\r\nm=audio 9\r\n${"a=x\r\n".repeat(40)}`;
    expect(kindOf(await request(alice, "peer.offer", description("bob", { sdp })))).toBe("OFFER_INVALID");
    const long = candidate("bob", { candidate: `candidate:${"1".repeat(51)}` });
    expect(kindOf(await request(alice, "peer.ice_candidate", long))).toBe("ICE_CANDIDATE_INVALID");
    send(alice, [1, 2, 3]);
    expect(kindOf(await alice.next())).toBe("INVALID_REQUEST");
    big.sendText("ä".repeat(1501));
    expect(big.closeCode).toBe(1009);
  });

  it("survives user data that is nested deeper than can be written", async () => {
    const hub = new HubWorld();
    const raw = hub.open();
    const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
    const params = `{"peer_id":"a","capabilities":["audio"],"user_data":${deep}}`;
    raw.sendText(`{"jsonrpc":"2.0","id":1,"method":"peer.announce","params":${params}}`);
    expect(kindOf(await raw.next())).toBe("INVALID_PARAMS");
    expect(hub.faults).toEqual([]);
  });
});

describe("who may come in", () => {
  const open = (): HubWorld => new HubWorld({ undecided: true, limits: { authenticateTimeoutMs: 3000 } });
  const ask = (peer: HubPeer, id: number, token?: string): void => {
    const params = { peer_id: "alice", capabilities: ["audio"], auth_token: token };
    send(peer, { jsonrpc: "2.0", id, method: "peer.announce", params });
  };

  it("keeps everything that follows in order while the hook decides", () => {
    const hub = open();
    const alice = hub.open();
    ask(alice, 1);
    ping(alice);
    alice.sendText("garbage");
    send(alice, [{ jsonrpc: "2.0", id: 2, method: "peer.list" }]);
    expect(alice.frames).toEqual([]);
    hub.decide("allowed");
    expect(alice.frames).toMatchObject([
      { id: 1, result: { status: "registered" } },
      { id: 1, result: {} },
      { id: null, error: { code: -32700 } },
      [{ id: 2, result: { count: 0 } }],
    ]);
  });

  it("goes on within a batch after the decision", () => {
    const hub = open();
    const alice = hub.open();
    const params = { peer_id: "alice", capabilities: ["audio"] };
    send(alice, [
      { jsonrpc: "2.0", id: 1, method: "peer.announce", params },
      { jsonrpc: "2.0", id: 2, method: "peer.announce", params },
      { jsonrpc: "2.0", id: 3, method: "peer.list" },
    ]);
    hub.decide("allowed");
    expect(alice.frames).toEqual([]);
    hub.decide("allowed");
    expect(alice.frames).toMatchObject([
      [
        { id: 1, result: {} },
        { id: 2, result: {} },
        { id: 3, result: {} },
      ],
    ]);
  });

  it("refuses with UNAUTHORIZED, closes with 4003 and says nothing of who is there", () => {
    const hub = open();
    const [alice, eve] = [hub.open(), hub.open()];
    ask(alice, 1);
    hub.decide("allowed");
    ask(eve, 2, "wrong");
    hub.decide("refused");
    expect(eve.frames).toMatchObject([{ id: 2, error: { code: -32009, data: { kind: "UNAUTHORIZED" } } }]);
    expect([eve.closeCode, alice.closeCode]).toEqual([4003, undefined]);
    expect(alice.frames).toHaveLength(1);
  });

  it("ends the registration of a socket that is refused when it announces again", async () => {
    const hub = open();
    const [alice, bob] = [hub.open(), hub.open()];
    ask(alice, 1);
    hub.decide("allowed");
    send(bob, {
      jsonrpc: "2.0",
      id: 1,
      method: "peer.announce",
      params: { peer_id: "bob", capabilities: ["data"] },
    });
    hub.decide("allowed");
    bob.frames.length = 0;
    ask(alice, 2, "revoked");
    hub.decide("refused");
    expect(alice.closeCode).toBe(4003);
    expect(await bob.next()).toMatchObject({ method: "peer.left", params: { reason: "kicked" } });
  });

  it("answers INTERNAL_ERROR when the hook fails and OPERATION_TIMEOUT when it is late", () => {
    const hub = open();
    const alice = hub.open();
    ask(alice, 1);
    hub.decide("failed");
    ask(alice, 2);
    hub.clock.advance(2_999);
    expect(alice.frames).toHaveLength(1);
    hub.clock.advance(1);
    expect(alice.frames.map(kindOf)).toEqual(["INTERNAL_ERROR", "OPERATION_TIMEOUT"]);
    hub.decide("allowed");
    expect(hub.stats().peers).toBe(0);
    expect(alice.frames).toHaveLength(2);
  });

  it("forgets the question of a socket that went away", () => {
    const hub = open();
    const alice = hub.open();
    ask(alice, 1);
    alice.vanish();
    hub.decide("allowed");
    expect(hub.stats()).toMatchObject({ peers: 0, connections: 0 });
  });

  it("bounds what waits for the hook, by number and by bytes", () => {
    const hub = open();
    const alice = hub.open();
    ask(alice, 1);
    for (let count = 0; count < 65; count++) ping(alice);
    expect(alice.frames).toMatchObject([{ error: { code: -32010, data: { retry_after_ms: 1000 } } }]);
    const bob = hub.open();
    ask(bob, 1);
    for (const id of [2, 3])
      send(bob, { jsonrpc: "2.0", id, method: "x", params: { x: "y".repeat(600_000) } });
    expect(bob.frames).toMatchObject([{ id: 3, error: { code: -32010 } }]);
    hub.decide("allowed");
    hub.decide("allowed");
    expect(alice.frames).toHaveLength(66);
    expect(bob.frames).toMatchObject([{ id: 3 }, { id: 1 }, { id: 2, error: { code: -32601 } }]);
  });

  it("refuses pages of other origins and does not hold a missing origin against a client", () => {
    const hub = new HubWorld({ allowedOrigins: ["https://example.org"] });
    expect(hub.open("10.0.0.1", "https://evil.example").closeCode).toBe(4003);
    expect(hub.open("10.0.0.1", "https://EXAMPLE.org").closeCode).toBeUndefined();
    expect(hub.open("10.0.0.1").closeCode).toBeUndefined();
  });

  it("answers INTERNAL_ERROR when its own parts fail, and tells the operator why", async () => {
    const broken = new Error("no entropy");
    const hub = new HubWorld({
      randomBytes: () => {
        throw broken;
      },
    });
    const alice = hub.open();
    const answer = await request(alice, "peer.announce", { peer_id: "alice", capabilities: ["audio"] });
    expect(kindOf(answer)).toBe("INTERNAL_ERROR");
    expect(hub.faults).toEqual([broken]);
    await ok(alice, "server.ping");
  });
});

describe("counters", () => {
  it("explain every message", async () => {
    const hub = new HubWorld();
    const [alice, bob] = [hub.open(), hub.open()];
    await announce(alice, "alice");
    await announce(bob, "bob");
    notify(alice, "peer.ice_candidate", {});
    notify(alice, "nope");
    send(alice, { jsonrpc: "2.0", id: 1, result: 1 });
    send(alice, 5);
    expect(hub.stats()).toEqual({
      connections: 2,
      peers: 2,
      rooms: 1,
      received: 6,
      sent: 4,
      ignored: 1,
      refused: { INVALID_PARAMS: 1, METHOD_NOT_FOUND: 1, INVALID_REQUEST: 1 },
      closed: {},
    });
  });

  it("ignore what is said of connections that are gone", () => {
    const hub = new HubWorld();
    hub.feed({ type: "message", connection: 99, text: "{}" });
    hub.feed({ type: "authenticated", ticket: 99, verdict: "allowed" });
    expect(hub.stats().received).toBe(0);
  });
});
