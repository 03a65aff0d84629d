import { describe, expect, it } from "vitest";
import { TransportError } from "../../src/errors/errors.ts";
import { ALICE, FakeNetwork, entry, record, registered } from "./fake-network.ts";

const EXCHANGE = { requestId: "q1", connectionId: "c1", link: "media" };
const PLACE = { candidate: "candidate:1", sdpMid: "0", sdpMLineIndex: null, usernameFragment: null };

/** The error a promise rejects with. */
async function errorOf(promise: Promise<unknown>): Promise<TransportError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof TransportError) return error;
  throw new Error(`expected a TransportError, got ${String(error)}`);
}

describe("connecting", () => {
  it("touches no network before connect() and shares one socket among callers", async () => {
    const net = new FakeNetwork();
    const client = net.client();
    expect([net.sockets.length, client.state]).toEqual([0, "idle"]);
    const both = Promise.all([client.connect(), client.connect()]);
    expect([net.sockets.length, client.state]).toEqual([1, "connecting"]);
    net.socket.accept();
    await both;
    await client.connect();
    expect([net.sockets.length, client.state]).toEqual([1, "connected"]);
  });

  it("rejects when the server refuses, naming the URL without its query and the way out", async () => {
    const net = new FakeNetwork();
    const client = net.client({ url: "ws://localhost:8080/x?token=s3cr3t" });
    const failing = client.connect();
    net.socket.end(1006, "ECONNREFUSED");
    const error = await errorOf(failing);
    expect(error.code).toBe("SIGNALING_ERROR");
    expect(error.message).toContain("ws://localhost:8080/x");
    expect(error.message).toContain("ECONNREFUSED");
    expect(error.suggestion).toContain("npx remotemedia-webrtc signaling");
    expect(JSON.stringify([error, net.lines])).not.toContain("s3cr3t");
    expect([client.state, net.clock.pending]).toEqual(["idle", 0]);
  });

  it("rejects within connectTimeoutMs when nothing answers, closes the socket, and can be tried again", async () => {
    const net = new FakeNetwork();
    const client = net.client({ connectTimeoutMs: 3000 });
    const failing = errorOf(client.connect());
    await net.clock.run(2999);
    expect(client.state).toBe("connecting");
    await net.clock.run(1);
    expect((await failing).code).toBe("SIGNALING_ERROR");
    expect([client.state, net.socket.closedWith !== undefined, net.clock.pending]).toEqual(["idle", true, 0]);
    const again = client.connect();
    net.socket.accept();
    await again;
  });

  it("gives a joining caller its own patience", async () => {
    const net = new FakeNetwork();
    const client = net.client();
    const patient = client.connect();
    const error = errorOf(client.connect({ timeoutMs: 100 }));
    await net.clock.run(100);
    expect((await error).code).toBe("SIGNALING_ERROR");
    net.socket.accept();
    await patient;
  });

  it("ends with the caller's signal, and with the last caller the socket", async () => {
    const net = new FakeNetwork();
    const client = net.client();
    const [one, two] = [new AbortController(), new AbortController()];
    const failures = [one, two].map(({ signal }) => errorOf(client.connect({ signal })));
    one.abort("bored");
    expect(client.state).toBe("connecting");
    two.abort("bored");
    expect(client.state).toBe("idle");
    for (const failure of failures) expect(await failure).toMatchObject({ code: "ABORTED", cause: "bored" });
    net.socket.accept();
    expect([client.state, net.clock.pending]).toEqual(["idle", 0]);
    expect((await errorOf(client.connect({ signal: one.signal }))).code).toBe("ABORTED");
    expect(net.sockets).toHaveLength(1);
  });

  it("refuses URLs and timeouts that make no sense", () => {
    const net = new FakeNetwork();
    for (const url of ["localhost", "http://x", "ws://user:pw@x", "ws://x/#y"]) {
      expect(() => net.client({ url })).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }) as Error);
    }
    expect(() => net.client({ requestTimeoutMs: 0 })).toThrow("requestTimeoutMs");
    expect(() => net.client({ connectTimeoutMs: NaN })).toThrow("connectTimeoutMs");
  });
});

describe("announcing", () => {
  it("sends what the wire wants and returns the room", async () => {
    const net = new FakeNetwork();
    const client = await net.connected();
    const announcing = client.announce({ ...ALICE, userData: { nick: "A" } });
    await net.clock.run(0);
    expect(net.socket.last("peer.announce").params).toEqual({
      peer_id: "alice",
      room: "default",
      capabilities: ["audio", "data"],
      protocol_version: 1,
      user_data: { nick: "A" },
      auth_token: "s3cr3t",
    });
    net.socket.answer("peer.announce", registered({ peers: [entry("bob"), { peer_id: "!" }, 5] }));
    expect(await announcing).toEqual({
      resumed: false,
      peers: [{ peerId: "bob", capabilities: ["audio"], userData: null, announcedAt: 5 }],
      serverTime: "2026-01-01T00:00:00.000Z",
      limits: { batch: 32 },
    });
  });

  it("asks a function for the token, within the call's time", async () => {
    const net = new FakeNetwork();
    const client = await net.connected();
    const slow = new Promise<string>(() => undefined);
    const late = errorOf(client.announce({ ...ALICE, authToken: () => slow }));
    await net.clock.run(10_000);
    expect((await late).code).toBe("OPERATION_TIMEOUT");
    const failing = client.announce({ ...ALICE, authToken: () => Promise.reject(new Error("no network")) });
    expect((await errorOf(failing)).code).toBe("UNAUTHORIZED");
    const wrong = client.announce({ ...ALICE, authToken: () => 5 as unknown as string });
    expect((await errorOf(wrong)).code).toBe("INVALID_DATA");
    expect(net.socket.sent).toEqual([]);
    const good = client.announce({ ...ALICE, authToken: () => "fresh" });
    await net.clock.run(0);
    expect(net.socket.last("peer.announce").params).toMatchObject({ auth_token: "fresh" });
    net.socket.answer("peer.announce", registered());
    await good;
  });

  it("names the field that is wrong before anything is sent", async () => {
    const net = new FakeNetwork();
    const client = await net.connected();
    const cases: [string, object][] = [
      ["peerId", { peerId: "a b" }],
      ["room", { room: "" }],
      ["capabilities", { capabilities: [] }],
      ["capabilities", { capabilities: ["smell"] }],
      ["userData", { userData: "x".repeat(1024) }],
      ["authToken", { authToken: "x".repeat(4097) }],
    ];
    for (const [field, wrong] of cases) {
      const error = await errorOf(client.announce({ ...ALICE, ...wrong }));
      expect(error.code).toBe("INVALID_DATA");
      expect(error.message).toContain(field);
    }
    expect(net.socket.sent).toEqual([]);
  });

  it("takes back an announcement that nobody waits for any more", async () => {
    const net = new FakeNetwork();
    const client = await net.connected();
    const abort = new AbortController();
    const aborted = errorOf(client.announce(ALICE, { signal: abort.signal }));
    await net.clock.run(0);
    abort.abort();
    expect((await aborted).code).toBe("ABORTED");
    expect(net.socket.sent.at(-1)).toEqual({ jsonrpc: "2.0", method: "peer.leave", params: {} });
    const late = errorOf(client.announce(ALICE, { timeoutMs: 50 }));
    await net.clock.run(50);
    expect((await late).code).toBe("OPERATION_TIMEOUT");
    expect(net.socket.sent.at(-1)?.method).toBe("peer.leave");
    net.socket.answer("peer.announce", registered());
    expect(client.stats().dropped).toEqual({ unmatched_response: 1 });
  });

  it("says so when the answer makes no sense", async () => {
    const net = new FakeNetwork();
    const client = await net.connected();
    const announcing = errorOf(client.announce(ALICE));
    await net.clock.run(0);
    net.socket.answer("peer.announce", { status: "registered" });
    expect((await announcing).code).toBe("SIGNALING_ERROR");
  });
});

describe("requests", () => {
  it("correlates answers by id, in any order, and drops what it did not ask for", async () => {
    const net = new FakeNetwork();
    const client = await net.announced();
    const first = client.sendOffer("bob", "v=0", EXCHANGE);
    const firstId = net.socket.last("peer.offer").id;
    const second = client.listPeers();
    expect(net.socket.last("peer.list").id).not.toBe(firstId);
    for (const id of ["nobody", 1, null, undefined]) net.socket.frame({ jsonrpc: "2.0", id, result: {} });
    net.socket.answer("peer.list", { peers: [entry("bob"), "junk"], count: 2 });
    expect(await second).toHaveLength(1);
    net.socket.answer("peer.offer", { status: "forwarded" });
    await first;
    net.socket.answer("peer.offer", { status: "forwarded" });
    expect(client.stats().dropped).toEqual({ unmatched_response: 5 });
  });

  it("times out after 10 s, or when the caller says", async () => {
    const net = new FakeNetwork();
    const client = await net.announced();
    const slow = errorOf(client.sendAnswer("bob", "v=0", EXCHANGE));
    const quick = errorOf(client.listPeers({ timeoutMs: 100 }));
    await net.clock.run(100);
    expect((await quick).code).toBe("OPERATION_TIMEOUT");
    await net.clock.run(9_900);
    expect((await slow).code).toBe("OPERATION_TIMEOUT");
    expect(client.state).toBe("connected");
  });

  it("ends with the caller's signal and forgets the request", async () => {
    const net = new FakeNetwork();
    const client = await net.announced();
    const abort = new AbortController();
    const listing = errorOf(client.listPeers({ signal: abort.signal }));
    abort.abort(new Error("enough"));
    expect((await listing).code).toBe("ABORTED");
    net.socket.answer("peer.list", { peers: [] });
    expect(client.stats().dropped).toEqual({ unmatched_response: 1 });
  });

  it("rejects what is in flight when the socket is lost, and what is asked without one", async () => {
    const net = new FakeNetwork();
    const client = await net.announced();
    const listing = errorOf(client.listPeers());
    net.socket.end(1006, "reset");
    expect(await listing).toMatchObject({ code: "SIGNALING_ERROR", details: { closeCode: 1006 } });
    expect((await errorOf(client.sendOffer("bob", "v=0", EXCHANGE))).code).toBe("SIGNALING_ERROR");
    expect((await errorOf(net.client().announce(ALICE))).code).toBe("SIGNALING_ERROR");
  });

  it.each([
    [-32700, "PARSE_ERROR", "SIGNALING_ERROR"],
    [-32600, "NOT_ANNOUNCED", "SIGNALING_ERROR"],
    [-32601, "METHOD_NOT_FOUND", "SIGNALING_ERROR"],
    [-32602, "INVALID_PARAMS", "SIGNALING_ERROR"],
    [-32603, "INTERNAL_ERROR", "SIGNALING_ERROR"],
    [-32000, "PEER_NOT_FOUND", "PEER_NOT_FOUND"],
    [-32001, "LIMIT_EXCEEDED", "LIMIT_EXCEEDED"],
    [-32002, "OFFER_INVALID", "SDP_ERROR"],
    [-32003, "ANSWER_INVALID", "SDP_ERROR"],
    [-32004, "ICE_CANDIDATE_INVALID", "ICE_CANDIDATE_ERROR"],
    [-32005, "NEGOTIATION_IN_PROGRESS", "NEGOTIATION_IN_PROGRESS"],
    [-32006, "OPERATION_TIMEOUT", "OPERATION_TIMEOUT"],
    [-32007, "CODEC_MISMATCH", "CODEC_MISMATCH"],
    [-32008, "PEER_ID_TAKEN", "PEER_ID_TAKEN"],
    [-32009, "UNAUTHORIZED", "UNAUTHORIZED"],
    [-32010, "RATE_LIMITED", "RATE_LIMITED"],
    [-32011, "VERSION_UNSUPPORTED", "VERSION_UNSUPPORTED"],
    [-1, "WHO_KNOWS", "SIGNALING_ERROR"],
  ])("turns %i %s into %s", async (number, kind, code) => {
    const net = new FakeNetwork();
    const client = await net.announced();
    for (const data of [{ kind, retry_after_ms: 70, peer_id: "bob", reason: "why" }, undefined]) {
      const failing = errorOf(client.sendOffer("bob", "v=0", EXCHANGE));
      net.socket.refuse("peer.offer", number, data);
      const error = await failing;
      expect(error.code).toBe(code);
      if (data === undefined) continue;
      expect(error.details).toMatchObject({ rpcCode: number, retryAfterMs: 70, reason: "why" });
      expect(error.peerId).toBe("bob");
    }
  });

  it("bounds the requests in flight", async () => {
    const net = new FakeNetwork();
    const client = await net.announced();
    const many = Array.from({ length: 257 }, () => errorOf(client.listPeers()));
    expect((await (many[256] as Promise<TransportError>)).code).toBe("RATE_LIMITED");
    net.socket.end(1006);
    expect((await Promise.all(many)).filter(({ code }) => code === "SIGNALING_ERROR")).toHaveLength(256);
    const connects = Array.from({ length: 257 }, () => errorOf(client.connect()));
    expect((await (connects[256] as Promise<TransportError>)).code).toBe("RATE_LIMITED");
    await net.clock.until(client.close());
    await Promise.all(connects);
  });

  it("checks descriptions, candidates and ids at the call", async () => {
    const net = new FakeNetwork();
    const client = await net.announced();
    const bad: [string, Promise<void>][] = [
      ["to", client.sendOffer("b b", "v=0", EXCHANGE)],
      ["sdp", client.sendOffer("bob", "", EXCHANGE)],
      ["sdp", client.sendAnswer("bob", "x".repeat(65_537), EXCHANGE)],
      ["requestId", client.sendAnswer("bob", "v=0", { ...EXCHANGE, requestId: "" })],
      ["connectionId", client.sendOffer("bob", "v=0", { ...EXCHANGE, connectionId: "?" })],
      ["link", client.sendOffer("bob", "v=0", { ...EXCHANGE, link: "a/b" })],
    ];
    for (const [field, failing] of bad) {
      const error = await errorOf(failing);
      expect([error.code, error.message.startsWith(`${field}:`)]).toEqual(["INVALID_DATA", true]);
    }
    expect(() => client.sendIceCandidate("bob", { ...PLACE, sdpMid: null }, EXCHANGE)).toThrow("sdpMid");
    expect(() => client.sendIceCandidate("bob", { ...PLACE, candidate: 5 as never }, EXCHANGE)).toThrow(
      "candidate",
    );
    expect(() => client.sendDisconnect("", "timeout")).toThrow("to");
    expect(() => client.sendDisconnect("bob", "timeout", "")).toThrow("connectionId");
  });
});

describe("notices", () => {
  it("sends candidates and disconnects without waiting", async () => {
    const net = new FakeNetwork();
    const client = await net.announced();
    client.sendIceCandidate("bob", { ...PLACE, sdpMLineIndex: 1, usernameFragment: "uf" }, EXCHANGE);
    client.sendIceCandidate("bob", { ...PLACE, candidate: "", sdpMid: null }, EXCHANGE);
    client.sendDisconnect("bob", "user_requested");
    client.sendDisconnect("bob", "replaced", "c1");
    const common = { to: "bob", request_id: "q1", connection_id: "c1", link: "media" };
    expect(net.socket.sent.slice(1).map(({ params }) => params)).toEqual([
      { ...common, candidate: "candidate:1", sdp_mid: "0", sdp_m_line_index: 1, user_fragment: "uf" },
      { ...common, candidate: "", sdp_m_line_index: 0 },
      { to: "bob", reason: "user_requested" },
      { to: "bob", reason: "replaced", connection_id: "c1" },
    ]);
    expect(net.socket.sent.slice(1).every(({ id }) => id === undefined)).toBe(true);
  });

  it("emits what the server tells", async () => {
    const net = new FakeNetwork();
    const client = await net.announced();
    const events = record(client);
    const exchange = { from: "bob", request_id: "q1", connection_id: "c1", link: "video" };
    const api = { from: "bob", requestId: "q1", connectionId: "c1", link: "video" };
    net.socket.notice("peer.announced", { ...entry("carol"), user_data: { x: 1 } });
    net.socket.notice("peer.offer", { ...exchange, sdp: "v=0", can_trickle_ice_candidates: false });
    net.socket.notice("peer.answer", { ...exchange, sdp: "v=0", can_trickle_ice_candidates: true });
    net.socket.notice("peer.ice_candidate", { ...exchange, candidate: "", sdp_mid: "0" });
    net.socket.notice("peer.disconnected", { from: "bob", reason: "new_reason", details: "why" });
    net.socket.notice("peer.left", { peer_id: "bob", reason: "timeout" });
    expect(events).toEqual([
      {
        name: "peerAnnounced",
        value: { peerId: "carol", capabilities: ["audio"], userData: { x: 1 }, announcedAt: 5 },
      },
      { name: "offer", value: { ...api, sdp: "v=0", canTrickle: false } },
      { name: "answer", value: { ...api, sdp: "v=0", canTrickle: true } },
      {
        name: "iceCandidate",
        value: { ...api, candidate: "", sdpMid: "0", sdpMLineIndex: null, usernameFragment: null },
      },
      {
        name: "peerDisconnected",
        value: { from: "bob", reason: "unknown", details: "why", connectionId: null },
      },
      { name: "peerLeft", value: { peerId: "bob", reason: "timeout" } },
    ]);
  });

  it("fills in the connection that a foreign peer leaves out", async () => {
    const net = new FakeNetwork();
    const client = await net.announced();
    const ids: string[] = [];
    client.on("offer", ({ connectionId }) => ids.push(connectionId));
    client.on("answer", ({ connectionId }) => ids.push(connectionId));
    const description = { from: "bob", sdp: "v=0", can_trickle_ice_candidates: true };
    net.socket.notice("peer.offer", { ...description, request_id: "first" });
    net.socket.notice("peer.offer", { ...description, request_id: "second" });
    net.socket.notice("peer.disconnected", { from: "bob", reason: "timeout" });
    net.socket.notice("peer.offer", { ...description, request_id: "third" });
    client.sendDisconnect("bob", "timeout", "third");
    const offering = client.sendOffer("bob", "v=0", {
      requestId: "ours",
      connectionId: "mine",
      link: "media",
    });
    net.socket.answer("peer.offer", {});
    await offering;
    net.socket.notice("peer.answer", { ...description, request_id: "ours" });
    net.socket.notice("peer.left", { peer_id: "bob", reason: "left" });
    net.socket.notice("peer.offer", { ...description, request_id: "fifth" });
    expect(ids).toEqual(["first", "first", "third", "mine", "fifth"]);
  });

  it("counts what makes no sense, and nothing of it throws", async () => {
    const net = new FakeNetwork();
    const client = await net.announced();
    const events = record(client);
    for (const text of ["", "{", "[]", "5", "null", '{"jsonrpc":"2.0"}', '[{"id":{}}]'])
      net.socket.text(text);
    for (const method of ["peer.offer", "peer.answer", "peer.ice_candidate", "peer.left", "peer.announced"]) {
      net.socket.notice(method, { from: 5 });
      net.socket.notice(method, [1]);
    }
    net.socket.notice("peer.disconnected", undefined);
    net.socket.notice("server.party", {});
    net.socket.frame({ jsonrpc: "2.0", id: 1, method: "peer.offer", params: {} });
    net.socket.text(`"${"x".repeat(1_048_576)}"`);
    expect(events).toEqual([]);
    expect(client.stats()).toEqual({
      state: "connected",
      reconnects: 0,
      dropped: { malformed: 18, unknown_method: 2, too_large: 1 },
    });
  });

  it("reports a listener that throws and goes on", async () => {
    const net = new FakeNetwork();
    const client = await net.announced();
    client.once("peerLeft", () => {
      throw new Error("listener's fault");
    });
    const events = record(client);
    net.socket.notice("peer.left", { peer_id: "bob", reason: "left" });
    expect(events).toHaveLength(1);
    expect(net.lines.join()).toContain("listener's fault");
  });
});

describe("leaving and closing", () => {
  it("leaves the room and keeps the socket", async () => {
    const net = new FakeNetwork();
    const client = await net.announced();
    const leaving = client.leave();
    net.socket.answer("peer.leave", { status: "left" });
    await leaving;
    await client.leave();
    expect(net.socket.sent.filter(({ method }) => method === "peer.leave")).toHaveLength(1);
    net.socket.end(1006);
    await net.clock.run(1000);
    net.socket.accept();
    expect([client.state, net.socket.sent]).toEqual(["connected", []]);
  });

  it("closes with 1000, rejects what is in flight, leaves no timer, and may be repeated", async () => {
    const net = new FakeNetwork();
    const client = await net.announced();
    const listing = errorOf(client.listPeers());
    const closing = client.close();
    expect([net.socket.closedWith, client.state]).toEqual([1000, "closed"]);
    expect((await listing).code).toBe("SIGNALING_ERROR");
    net.socket.end(1000);
    await closing;
    await client.close();
    expect(net.clock.pending).toBe(0);
  });

  it("does not wait longer than a second for a server that ignores the close", async () => {
    const net = new FakeNetwork();
    const client = await net.announced();
    await net.clock.until(client[Symbol.asyncDispose]());
    expect([net.clock.now(), net.clock.pending]).toEqual([1000, 0]);
  });

  it("closes while connecting and while coming back", async () => {
    const net = new FakeNetwork();
    const client = net.client();
    const connecting = errorOf(client.connect());
    await net.clock.until(client.close());
    expect((await connecting).code).toBe("SIGNALING_ERROR");
    const again = client.connect();
    net.socket.accept();
    await again;
    net.socket.end(1006);
    expect(client.state).toBe("reconnecting");
    await net.clock.until(client.close());
    await net.clock.run(60_000);
    expect([client.state, net.sockets.length, net.clock.pending]).toEqual(["closed", 2, 0]);
  });
});
