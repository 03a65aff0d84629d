// What a signaling client tells without waiting, and what it is told.
import { describe, expect, it } from "vitest";
import { entry, EXCHANGE, FakeNetwork, PLACE, record } from "./fake-network.ts";

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
