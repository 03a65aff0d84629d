import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/runtime/data.ts";
import type { SignalingLimits } from "../../src/signaling-server/limits.ts";
import { HubWorld } from "./hub-world.ts";
import type { HubPeer } from "./hub-world.ts";
import { announce, candidate, description, notify, ok, quiet, request, send } from "./raw-peer.ts";

const world = (limits: Partial<SignalingLimits> = {}): HubWorld => new HubWorld({ limits });

/** Two announced peers with nothing unread. */
async function pair(hub: HubWorld): Promise<[HubPeer, HubPeer, JsonObject]> {
  const alice = hub.open();
  const bob = hub.open();
  const registration = await announce(alice, "alice");
  await announce(bob, "bob");
  alice.frames.length = 0;
  return [alice, bob, registration];
}

const errorOf = (answer: JsonObject): JsonObject => answer.error as JsonObject;
const dataOf = (answer: JsonObject): JsonObject => errorOf(answer).data as JsonObject;

describe("rooms", () => {
  it("tells a newcomer who is there, and those who are there of the newcomer", async () => {
    const hub = world();
    const alice = hub.open();
    const first = await announce(alice, "alice", { user_data: { nick: "A" } });
    expect(first).toMatchObject({
      status: "registered",
      room: "default",
      protocol_version: 1,
      resumed: false,
    });
    expect(first).toMatchObject({
      peers: [],
      server_time: "2026-01-01T00:00:00.000Z",
      limits: { batch: 32 },
    });
    const bob = hub.open();
    hub.clock.advance(1500);
    const second = await announce(bob, "bob", { capabilities: ["video", "data"] });
    expect(second.peers).toEqual([
      {
        peer_id: "alice",
        capabilities: ["audio"],
        user_data: { nick: "A" },
        announced_at: hub.clock.wallNow() - 1500,
      },
    ]);
    expect(await alice.next()).toEqual({
      jsonrpc: "2.0",
      method: "peer.announced",
      params: {
        peer_id: "bob",
        capabilities: ["video", "data"],
        user_data: null,
        announced_at: hub.clock.wallNow(),
      },
    });
    expect(await ok(alice, "peer.list")).toMatchObject({ count: 1, peers: [{ peer_id: "bob" }] });
  });

  it("keeps rooms apart: equal ids, no presence, no messages, no list of ids in errors", async () => {
    const hub = world();
    const [here, there] = [hub.open(), hub.open()];
    await announce(here, "alice", { room: "one" });
    await announce(there, "alice", { room: "two" });
    const bob = hub.open();
    await announce(bob, "bob", { room: "two" });
    await there.next();
    expect(here.frames).toEqual([]);
    const answer = await request(here, "peer.offer", description("bob"));
    expect(errorOf(answer).code).toBe(-32000);
    expect(Object.keys(dataOf(answer)).sort()).toEqual(["kind", "peer_id"]);
    expect(await ok(here, "peer.list")).toEqual({ peers: [], count: 0 });
    await quiet(bob);
  });

  it("passes a candidate on with the sender's id and no unknown members", async () => {
    const [alice, bob] = await pair(world());
    notify(
      alice,
      "peer.ice_candidate",
      candidate("bob", { link: "video", connection_id: "c1", user_fragment: "uf" }),
    );
    expect(await bob.next()).toEqual({
      jsonrpc: "2.0",
      method: "peer.ice_candidate",
      params: {
        from: "alice",
        to: "bob",
        request_id: "q1",
        connection_id: "c1",
        link: "video",
        candidate: "candidate:1 1 udp 1 127.0.0.1 9 typ host",
        sdp_mid: "0",
        user_fragment: "uf",
      },
    });
  });

  it("passes the end of a connection to exactly the peer it concerns", async () => {
    const hub = world();
    const [alice, bob] = await pair(hub);
    const carol = hub.open();
    await announce(carol, "carol");
    alice.frames.length = bob.frames.length = 0;
    notify(alice, "peer.disconnect", {
      to: "bob",
      reason: "replaced",
      details: "newer",
      connection_id: "c1",
    });
    expect(await bob.next()).toMatchObject({
      method: "peer.disconnected",
      params: { from: "alice", reason: "replaced", details: "newer", connection_id: "c1" },
    });
    await quiet(carol);
  });

  it("says once that a peer left, and frees the id", async () => {
    const hub = world();
    const [alice, bob] = await pair(hub);
    expect(await ok(alice, "peer.leave")).toEqual({ status: "left" });
    expect(await bob.next()).toMatchObject({
      method: "peer.left",
      params: { peer_id: "alice", reason: "left" },
    });
    alice.vanish();
    hub.clock.advance(60_000);
    expect(bob.frames).toEqual([]);
    await announce(hub.open(), "alice");
  });

  it("lets a socket announce again after leaving, also under another id", async () => {
    const hub = world();
    const [alice, bob] = await pair(hub);
    await ok(alice, "peer.leave");
    expect(errorOf(await request(alice, "peer.list")).code).toBe(-32600);
    await announce(alice, "alicia");
    expect(bob.frames.map(({ method }) => method)).toEqual(["peer.left", "peer.announced"]);
  });

  it("removes a kicked peer at once and for good", async () => {
    const hub = world();
    const [alice, bob] = await pair(hub);
    hub.feed({ type: "kick", room: "default", peerId: "alice" });
    hub.feed({ type: "kick", room: "default", peerId: "nobody" });
    expect(alice.closeCode).toBe(4010);
    expect(await bob.next()).toMatchObject({ method: "peer.left", params: { reason: "kicked" } });
    expect(hub.stats()).toMatchObject({ peers: 1, connections: 1, closed: { 4010: 1 } });
  });

  it("frees a room with its last peer", async () => {
    const hub = world({ rooms: 1 });
    const [alice, bob] = [hub.open(), hub.open()];
    await announce(alice, "alice", { room: "one" });
    const params = { peer_id: "bob", capabilities: ["audio"], room: "two" };
    expect(dataOf(await request(bob, "peer.announce", params)).kind).toBe("LIMIT_EXCEEDED");
    await ok(alice, "peer.leave");
    await announce(bob, "bob", { room: "two" });
    expect(hub.stats().rooms).toBe(1);
  });
});

describe("offers and answers", () => {
  it("lets both peers offer at once: glare is their own affair", async () => {
    const [alice, bob] = await pair(world());
    await ok(alice, "peer.offer", description("bob", { request_id: "a" }));
    bob.frames.length = 0;
    await ok(bob, "peer.offer", description("alice", { request_id: "b" }));
    alice.frames.length = 0;
    await ok(alice, "peer.answer", description("bob", { request_id: "b" }));
    bob.frames.length = 0;
    await ok(bob, "peer.answer", description("alice", { request_id: "a" }));
  });

  it("refuses a request_id that still waits, and takes it again when it was answered", async () => {
    const [alice, bob] = await pair(world());
    await ok(alice, "peer.offer", description("bob"));
    const again = await request(alice, "peer.offer", description("bob"));
    expect(errorOf(again)).toMatchObject({ code: -32005, data: { kind: "NEGOTIATION_IN_PROGRESS" } });
    bob.frames.length = 0;
    await ok(bob, "peer.answer", description("alice"));
    alice.frames.length = 0;
    await ok(alice, "peer.offer", description("bob"));
  });

  it("replaces an offer by a newer one of the same link, and only of that", async () => {
    const [alice, bob] = await pair(world());
    await ok(alice, "peer.offer", description("bob", { request_id: "old" }));
    await ok(alice, "peer.offer", description("bob", { request_id: "other", link: "video" }));
    await ok(alice, "peer.offer", description("bob", { request_id: "new" }));
    bob.frames.length = 0;
    const stale = await request(bob, "peer.answer", description("alice", { request_id: "old" }));
    expect(dataOf(stale).reason).toBe("no_matching_offer");
    await ok(bob, "peer.answer", description("alice", { request_id: "new" }));
    await ok(bob, "peer.answer", description("alice", { request_id: "other", link: "video" }));
  });

  it("forgets an offer after 30 s", async () => {
    const hub = world();
    const [alice, bob] = await pair(hub);
    await ok(alice, "peer.offer", description("bob", { request_id: "a" }));
    hub.clock.advance(29_999);
    await ok(alice, "peer.offer", description("bob", { request_id: "b", link: "video" }));
    bob.frames.length = 0;
    await ok(bob, "peer.answer", description("alice", { request_id: "a" }));
    hub.clock.advance(30_000);
    const late = await request(bob, "peer.answer", description("alice", { request_id: "b" }));
    expect(dataOf(late).reason).toBe("no_matching_offer");
    alice.frames.length = 0;
    await ok(alice, "peer.offer", description("bob", { request_id: "b", link: "video" }));
  });

  it("lets nobody else answer under an id that was taken over", async () => {
    const hub = world();
    const [alice, bob] = await pair(hub);
    await ok(alice, "peer.offer", description("bob"));
    bob.frames.length = 0;
    await ok(bob, "peer.leave");
    const other = hub.open();
    await announce(other, "bob");
    const answer = await request(other, "peer.answer", description("alice"));
    expect(dataOf(answer).reason).toBe("no_matching_offer");
    alice.frames.length = 0;
    await ok(alice, "peer.offer", description("bob"));
  });

  it("bounds the offers of one peer that wait", async () => {
    const hub = world({ pendingOffers: 2, offerMs: 5000 });
    const [alice] = await pair(hub);
    await ok(alice, "peer.offer", description("bob", { link: "a" }));
    await ok(alice, "peer.offer", description("bob", { link: "b" }));
    const third = await request(alice, "peer.offer", description("bob", { link: "c" }));
    expect(dataOf(third).kind).toBe("LIMIT_EXCEEDED");
    hub.clock.advance(5000);
    await ok(alice, "peer.offer", description("bob", { link: "c" }));
  });
});

describe("resuming", () => {
  const resume = (peer: HubPeer, key: unknown, more: JsonObject = {}): Promise<JsonObject> =>
    announce(peer, "alice", { session_key: key as string, ...more });

  it("keeps a registration without socket for 30 s and lets it go then", async () => {
    const hub = world();
    const [alice, bob] = await pair(hub);
    alice.vanish();
    hub.clock.advance(29_999);
    expect(bob.frames).toEqual([]);
    expect(await ok(bob, "peer.list")).toMatchObject({ count: 1 });
    hub.clock.advance(1);
    expect(await bob.next()).toMatchObject({ method: "peer.left", params: { reason: "timeout" } });
    expect(hub.stats().peers).toBe(1);
  });

  it("goes on with the key: no broadcast, and what was sent meanwhile follows the reply in order", async () => {
    const hub = world();
    const [alice, bob, { session_key }] = await pair(hub);
    alice.vanish();
    for (const id of ["1", "2", "3"])
      await ok(bob, "peer.offer", description("alice", { request_id: id, link: id }));
    hub.clock.advance(20_000);
    const back = hub.open();
    const result = await resume(back, session_key);
    expect(result).toMatchObject({ resumed: true, session_key, peers: [{ peer_id: "bob" }] });
    expect(back.frames.map(({ params }) => (params as JsonObject).request_id)).toEqual(["1", "2", "3"]);
    await quiet(bob);
    hub.clock.advance(60_000);
    expect(bob.frames).toEqual([]);
  });

  it("sends what was kept after the replies of a batch", async () => {
    const hub = world();
    const [alice, bob, { session_key }] = await pair(hub);
    alice.vanish();
    notify(bob, "peer.ice_candidate", candidate("alice"));
    const back = hub.open();
    const params = { peer_id: "alice", capabilities: ["audio"], session_key };
    send(back, [
      { jsonrpc: "2.0", id: 1, method: "peer.announce", params },
      { jsonrpc: "2.0", id: 2, method: "peer.list" },
    ]);
    expect(back.frames).toMatchObject([[{ id: 1 }, { id: 2 }], { method: "peer.ice_candidate" }]);
  });

  it("closes the old socket with 4009 when the key is used on another", async () => {
    const hub = world();
    const [alice, bob, { session_key }] = await pair(hub);
    const back = hub.open();
    await resume(back, session_key);
    expect(alice.closeCode).toBe(4009);
    alice.vanish();
    notify(bob, "peer.ice_candidate", candidate("alice"));
    expect(back.frames).toHaveLength(1);
    hub.clock.advance(60_000);
    expect(bob.frames).toEqual([]);
  });

  it("keeps offers over the change of sockets", async () => {
    const hub = world();
    const [alice, bob, { session_key }] = await pair(hub);
    await ok(alice, "peer.offer", description("bob"));
    alice.vanish();
    const back = hub.open();
    await resume(back, session_key);
    bob.frames.length = 0;
    await ok(bob, "peer.answer", description("alice"));
    expect(back.frames).toMatchObject([{ method: "peer.answer" }]);
  });

  it("starts anew with a key that is no longer known", async () => {
    const hub = world();
    const [alice, , { session_key }] = await pair(hub);
    alice.vanish();
    hub.clock.advance(30_000);
    const result = await resume(hub.open(), session_key);
    expect(result.resumed).toBe(false);
    expect(result.session_key).not.toBe(session_key);
  });

  it("keeps 100 messages and then tells the sender that nobody is there", async () => {
    const hub = world();
    const [alice, bob, { session_key }] = await pair(hub);
    alice.vanish();
    for (let count = 0; count < 100; count++) await ok(bob, "peer.ice_candidate", candidate("alice"));
    const full = await request(bob, "peer.ice_candidate", candidate("alice"));
    expect(errorOf(full).code).toBe(-32000);
    const back = hub.open();
    await resume(back, session_key);
    expect(back.frames).toHaveLength(100);
    await ok(bob, "peer.ice_candidate", candidate("alice"));
  });

  it("keeps 256 KiB", async () => {
    const hub = world();
    const [alice, bob] = await pair(hub);
    alice.vanish();
    const sdp = `${(description("x").sdp as string) + "a=x\r\n".repeat(12_000)}`;
    const kinds: string[] = [];
    for (let count = 0; count < 5; count++) {
      const answer = await request(bob, "peer.offer", description("alice", { sdp, request_id: `q${count}` }));
      kinds.push(answer.error === undefined ? "kept" : (dataOf(answer).kind as string));
    }
    // 12 000 lines with both line ends escaped are 84 kB of JSON.
    expect(kinds).toEqual(["kept", "kept", "kept", "PEER_NOT_FOUND", "PEER_NOT_FOUND"]);
  });

  it.each([1000, 1001])(
    "ends the registration at once when the client says goodbye with %i",
    async (code) => {
      const hub = world();
      const [alice, bob] = await pair(hub);
      alice.vanish(code);
      expect(await bob.next()).toMatchObject({ method: "peer.left", params: { reason: "closed" } });
    },
  );

  it.each([1005, 1006, 1009, 4000])("keeps the registration after %i", async (code) => {
    const hub = world();
    const [alice, bob] = await pair(hub);
    alice.vanish(code);
    expect(bob.frames).toEqual([]);
  });

  it("lets nothing overtake the reply to a resuming batch that waits for the hook", () => {
    const hub = new HubWorld({ undecided: true });
    const [alice, bob, back] = [hub.open(), hub.open(), hub.open()];
    const enter = (id: number, peerId: string, more: JsonObject = {}): JsonObject => {
      const params = { peer_id: peerId, capabilities: ["audio"], ...more };
      return { jsonrpc: "2.0", id, method: "peer.announce", params };
    };
    for (const [peer, id] of [
      [alice, "alice"],
      [bob, "bob"],
    ] as const) {
      send(peer, enter(1, id));
      hub.decide("allowed");
    }
    const { session_key } = alice.frames[0]?.result as JsonObject;
    send(back, [enter(2, "alice", { session_key: session_key as string }), enter(3, "alice")]);
    hub.decide("allowed");
    notify(bob, "peer.ice_candidate", candidate("alice"));
    expect(back.frames).toEqual([]);
    hub.decide("allowed");
    expect(back.frames).toMatchObject([[{ id: 2 }, { id: 3 }], { method: "peer.ice_candidate" }]);
  });

  it("obeys other limits of its configuration", async () => {
    const hub = world({ resumeMs: 100, resumeMessages: 1, resumeBytes: 10_000 });
    const [alice, bob] = await pair(hub);
    alice.vanish();
    await ok(bob, "peer.ice_candidate", candidate("alice"));
    expect(errorOf(await request(bob, "peer.ice_candidate", candidate("alice"))).code).toBe(-32000);
    hub.clock.advance(100);
    expect(bob.frames).toMatchObject([{ method: "peer.left" }]);
  });
});
