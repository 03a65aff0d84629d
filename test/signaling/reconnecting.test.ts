// A socket that is lost and comes back, in virtual time: resuming, keepalive, and what nobody may read.
import { describe, expect, it } from "vitest";
import type { SignalingClient } from "../../src/signaling/signaling.ts";
import {
  ALICE,
  codeOf,
  comeBack,
  entry,
  EXCHANGE,
  FakeNetwork,
  namesOf,
  PLACE,
  record,
  registered,
} from "./fake-network.ts";

describe("coming back", () => {
  it("announces again with the session key and resumes", async () => {
    const net = new FakeNetwork();
    const client = await net.announced();
    const events = record(client);
    net.socket.end(1006, "reset");
    expect(client.state).toBe("reconnecting");
    await comeBack(net);
    expect(client.state).toBe("reconnecting");
    expect(net.socket.last("peer.announce").params).toMatchObject({
      peer_id: "alice",
      session_key: "key-1",
      auth_token: "s3cr3t",
      capabilities: ["audio", "data"],
    });
    net.socket.answer("peer.announce", registered({ resumed: true }));
    expect(events).toMatchObject([
      { name: "stateChange", value: "reconnecting" },
      { name: "disconnected", value: { code: 1006, reason: "reset", willReconnect: true } },
      { name: "stateChange", value: "connected" },
      { name: "reconnected", value: { resumed: true, peers: [{ peerId: "bob" }] } },
    ]);
    expect(client.stats().reconnects).toBe(1);
  });

  it("tells who came and who left meanwhile, when the registration was resumed", async () => {
    const net = new FakeNetwork();
    const client = await net.announced();
    net.socket.notice("peer.announced", entry("carol"));
    net.socket.end(1006);
    await comeBack(net);
    const events = record(client);
    net.socket.answer("peer.announce", registered({ resumed: true, peers: [entry("carol"), entry("dave")] }));
    expect(events.slice(2)).toMatchObject([
      { name: "peerAnnounced", value: { peerId: "dave" } },
      { name: "peerLeft", value: { peerId: "bob", reason: "closed" } },
    ]);
  });

  it("takes nobody for gone after a restart of the server: they come back one by one", async () => {
    const net = new FakeNetwork();
    const client = await net.announced();
    net.socket.end(1001);
    await comeBack(net);
    const events = record(client);
    net.socket.answer("peer.announce", registered({ peers: [], session_key: "key-2" }));
    expect(namesOf(events)).toEqual(["stateChange", "reconnected"]);
    net.socket.end(1006);
    await comeBack(net, 2000);
    expect(net.socket.last("peer.announce").params).toMatchObject({ session_key: "key-2" });
  });

  it("sends the candidates of the gap after resuming, and drops them when there was nothing to resume", async () => {
    const net = new FakeNetwork();
    const client = await net.announced();
    for (const resumed of [true, false]) {
      net.socket.end(1006);
      client.sendIceCandidate("bob", PLACE, EXCHANGE);
      await comeBack(net, 3000);
      client.sendIceCandidate("bob", { ...PLACE, candidate: "" }, EXCHANGE);
      net.socket.answer("peer.announce", registered({ resumed }));
      const kept = net.socket.sent.filter(({ method }) => method === "peer.ice_candidate");
      expect(kept).toHaveLength(resumed ? 2 : 0);
    }
    expect(client.stats().dropped).toEqual({ not_connected: 2 });
  });

  it("keeps at most 100 notices", async () => {
    const net = new FakeNetwork();
    const client = await net.announced();
    net.socket.end(1006);
    for (let count = 0; count < 130; count++) client.sendIceCandidate("bob", PLACE, EXCHANGE);
    expect(client.stats().dropped).toEqual({ not_connected: 30 });
    await net.clock.until(client.close());
    expect(client.stats().dropped).toEqual({ not_connected: 130 });
  });

  it("asks for a fresh token each time, and tries later when there is none", async () => {
    const net = new FakeNetwork();
    const client = await net.connected();
    let tokens = 0;
    const authToken = (): string => {
      tokens += 1;
      if (tokens === 2) throw new Error("offline");
      return `token-${tokens}`;
    };
    const announcing = client.announce({ ...ALICE, authToken });
    await net.clock.run(0);
    net.socket.answer("peer.announce", registered());
    await announcing;
    net.socket.end(1006);
    await comeBack(net);
    expect([net.socket.closedWith, net.socket.sent]).toEqual([4000, []]);
    await comeBack(net, 2000);
    expect(net.socket.last("peer.announce").params).toMatchObject({ auth_token: "token-3" });
    expect(net.lines.join()).not.toContain("token-");
  });

  it("uses a token for the attempt it was asked for, and for no other", async () => {
    const net = new FakeNetwork();
    const client = await net.connected();
    const give: ((token: string) => void)[] = [];
    const authToken = (): Promise<string> => new Promise((resolve) => give.push(resolve));
    const announcing = client.announce({ ...ALICE, authToken });
    give[0]?.("first");
    await net.clock.run(0);
    net.socket.answer("peer.announce", registered());
    await announcing;
    net.socket.end(1006);
    await comeBack(net);
    net.socket.end(1006);
    await comeBack(net, 2000);
    give[1]?.("too late");
    await net.clock.run(0);
    expect(net.socket.sent).toEqual([]);
    give[2]?.("right");
    await net.clock.run(0);
    expect(net.socket.last("peer.announce").params).toMatchObject({ auth_token: "right" });
    net.socket.answer("peer.announce", registered({ resumed: true }));
    net.socket.end(1006);
    await comeBack(net, 3000);
    await client.leave();
    give[3]?.("for nobody");
    await net.clock.run(0);
    expect(net.lines.filter((line) => line.startsWith("signaling connected"))).toHaveLength(3);
  });

  it("tries again when the announcement is refused for now, and when it is not answered", async () => {
    const net = new FakeNetwork();
    const client = await net.announced();
    net.socket.end(1006);
    await comeBack(net);
    net.socket.refuse("peer.announce", -32008, { kind: "PEER_ID_TAKEN" });
    expect([client.state, net.socket.closedWith]).toEqual(["reconnecting", 4000]);
    await comeBack(net, 2000);
    await net.clock.run(10_000);
    expect([client.state, net.socket.closedWith]).toEqual(["reconnecting", 4000]);
    await comeBack(net, 4000);
    net.socket.answer("peer.announce", registered({ resumed: true }));
    expect(client.state).toBe("connected");
  });

  it("gives up when it is no longer welcome", async () => {
    for (const number of [-32009, -32011]) {
      const net = new FakeNetwork();
      const client = await net.announced();
      net.socket.end(1006);
      await comeBack(net);
      const events = record(client);
      const waiting = codeOf(client.connect());
      net.socket.refuse("peer.announce", number);
      expect(await waiting).toBe(number === -32009 ? "UNAUTHORIZED" : "VERSION_UNSUPPORTED");
      expect(events).toMatchObject([
        { name: "stateChange", value: "closed" },
        { name: "disconnected", value: { willReconnect: false } },
      ]);
      expect(net.clock.pending).toBe(0);
    }
  });

  it("leaves without a socket by not coming back, also in the middle of coming back", async () => {
    const net = new FakeNetwork();
    const client = await net.announced();
    net.socket.end(1006);
    await client.leave();
    await comeBack(net);
    expect([client.state, net.socket.sent]).toEqual(["connected", []]);
    const other = await net.announced();
    net.socket.end(1006);
    await comeBack(net);
    await other.leave();
    expect([other.state, net.socket.sent.map(({ method }) => method)]).toEqual([
      "connected",
      ["peer.announce", "peer.leave"],
    ]);
    net.socket.answer("peer.announce", registered());
    expect(other.stats().dropped).toEqual({ unmatched_response: 1 });
  });
});

describe("keepalive", () => {
  const pings = (net: FakeNetwork): number =>
    net.socket.sent.filter(({ method }) => method === "server.ping").length;

  it("pings after 30 s of silence in either direction", async () => {
    const net = new FakeNetwork();
    const client: SignalingClient = await net.announced();
    await net.clock.run(20_000);
    client.sendDisconnect("bob", "timeout");
    await net.clock.run(9_999);
    expect(pings(net)).toBe(0);
    await net.clock.run(1);
    expect(pings(net)).toBe(1);
    net.socket.answer("server.ping", { server_time: "now" });
    await net.clock.run(20_000);
    net.socket.notice("peer.left", { peer_id: "x", reason: "left" });
    await net.clock.run(10_000);
    expect(pings(net)).toBe(2);
    expect(client.state).toBe("connected");
  });

  it("takes a socket without an answer to its ping for dead", async () => {
    const net = new FakeNetwork();
    const client = await net.announced();
    await net.clock.run(39_999);
    expect(client.state).toBe("connected");
    await net.clock.run(1);
    expect([client.state, net.socket.closedWith]).toEqual(["reconnecting", 4000]);
    const dead = net.socket;
    await comeBack(net);
    dead.notice("peer.left", { peer_id: "bob", reason: "left" });
    dead.end(1000);
    net.socket.answer("peer.announce", registered({ resumed: true }));
    expect(client.state).toBe("connected");
  });

  it("does without when too many requests are in flight", async () => {
    const net = new FakeNetwork();
    const client = await net.announced();
    const many = Array.from({ length: 256 }, () => codeOf(client.listPeers({ timeoutMs: 40_000 })));
    await net.clock.run(30_000);
    expect(pings(net)).toBe(0);
    await net.clock.run(10_000);
    expect(new Set(await Promise.all(many))).toEqual(new Set(["OPERATION_TIMEOUT"]));
    expect(client.state).toBe("connected");
  });
});

describe("the token", () => {
  it("never appears in a log or an error, even when the server repeats it", async () => {
    const net = new FakeNetwork();
    const client = await net.connected();
    const errors: unknown[] = [];
    const announcing = client.announce(ALICE).catch((error: unknown) => errors.push(error));
    await net.clock.run(0);
    const echo = { kind: "UNAUTHORIZED", reason: "token s3cr3t", peer_id: "s3cr3t" };
    net.socket.refuse("peer.announce", -32009, echo, "bad token: s3cr3t");
    await announcing;
    const events = record(client);
    net.socket.end(4003, "s3cr3t is wrong");
    expect(errors).toMatchObject([{ code: "UNAUTHORIZED" }]);
    expect(JSON.stringify([errors, events, net.lines])).not.toContain("s3cr3t");
    expect((errors[0] as Error).message).not.toContain("s3cr3t");
  });
});
