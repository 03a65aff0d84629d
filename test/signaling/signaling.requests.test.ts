// Requests of a signaling client: which answer is theirs, how they end without one, and what is refused before it is sent.
import { describe, expect, it } from "vitest";
import type { TransportError } from "../../src/errors/errors.ts";
import { ALICE, entry, errorOf, EXCHANGE, FakeNetwork, PLACE } from "./fake-network.ts";

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
