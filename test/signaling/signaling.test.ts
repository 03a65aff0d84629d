// The life of a signaling client: connecting, announcing, leaving and closing, in virtual time.
import { describe, expect, it } from "vitest";
import { ALICE, entry, errorOf, FakeNetwork, registered } from "./fake-network.ts";

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
