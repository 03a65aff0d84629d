// Every row of the protocol's conformance table, against any server: S1 to S26 in order.
import { afterEach, describe, expect, it } from "vitest";
import type { JsonObject, JsonValue } from "../../src/runtime/data.ts";
import { SDP, announce, candidate, description, nextBatch, notify, ok, quiet } from "./raw-peer.ts";
import { request, send } from "./raw-peer.ts";
import type { RawPeer, World, WorldOptions } from "./raw-peer.ts";

/** An error response, as far as it matters. */
function refusal(id: unknown, code: number, kind: string, data: JsonObject = {}): unknown {
  return {
    jsonrpc: "2.0",
    id,
    error: {
      code,
      message: expect.any(String) as string,
      data: expect.objectContaining({ kind, ...data }) as JsonObject,
    },
  };
}

/** Run the table. @param open starts a server with these options */
export function describeConformance(name: string, open: (options?: WorldOptions) => Promise<World>): void {
  describe(name, () => {
    let world: World | undefined;

    afterEach(async () => {
      await world?.stop();
      world = undefined;
    });

    const start = async (options?: WorldOptions): Promise<World> => {
      world = await open(options);
      return world;
    };
    const peer = async (): Promise<RawPeer> => (world ?? (await start())).connect();
    const pair = async (): Promise<[RawPeer, RawPeer]> => {
      const alice = await peer();
      const bob = await peer();
      await announce(alice, "alice");
      await announce(bob, "bob");
      expect(await alice.next()).toMatchObject({ method: "peer.announced", params: { peer_id: "bob" } });
      return [alice, bob];
    };

    it("S1 answers what is not JSON with -32700", async () => {
      const raw = await peer();
      for (const text of ["{", "", "\u0000", "{'a':1}", '{"jsonrpc":"2.0"', "undefined"]) {
        raw.sendText(text);
        expect(await raw.next()).toEqual(refusal(null, -32700, "PARSE_ERROR"));
      }
    });

    it("S2 answers an empty batch and primitives with -32600", async () => {
      const raw = await peer();
      for (const text of ["[]", "1", '"text"', "null", "true"]) {
        raw.sendText(text);
        expect(await raw.next()).toEqual(refusal(null, -32600, "INVALID_REQUEST"));
      }
    });

    it("S3 insists on jsonrpc 2.0, also from notifications, and echoes a usable id", async () => {
      const raw = await peer();
      const cases: [unknown, JsonValue][] = [
        [{ id: "a", method: "server.ping" }, "a"],
        [{ jsonrpc: "1.0", id: 7, method: "server.ping" }, 7],
        [{ jsonrpc: 2, id: [1], method: "server.ping" }, null],
        [{ jsonrpc: "1.0", method: "server.ping" }, null],
      ];
      for (const [message, id] of cases) {
        send(raw, message);
        expect(await raw.next()).toEqual(refusal(id, -32600, "INVALID_REQUEST"));
      }
    });

    it("S4 refuses a method that is no string and primitive params", async () => {
      const raw = await peer();
      const cases: [unknown, JsonValue][] = [
        [{ jsonrpc: "2.0", id: 1, method: 5 }, 1],
        [{ jsonrpc: "2.0", id: "x" }, "x"],
        [{ jsonrpc: "2.0", method: null }, null],
        [{ jsonrpc: "2.0", id: 2, method: "server.ping", params: 3 }, 2],
        [{ jsonrpc: "2.0", id: 3, method: "server.ping", params: null }, 3],
        [{ jsonrpc: "2.0", method: "server.ping", params: "text" }, null],
      ];
      for (const [message, id] of cases) {
        send(raw, message);
        expect(await raw.next()).toEqual(refusal(id, -32600, "INVALID_REQUEST"));
      }
    });

    it("S5 refuses an id that is an object, array or boolean", async () => {
      const raw = await peer();
      for (const id of [{}, [1], true, false]) {
        send(raw, { jsonrpc: "2.0", id, method: "server.ping" });
        expect(await raw.next()).toEqual(refusal(null, -32600, "INVALID_REQUEST"));
      }
    });

    it("S6 takes null, fractional and negative ids and echoes them", async () => {
      const raw = await peer();
      for (const id of [null, 1.5, -3, 0, ""]) {
        expect(await request(raw, "server.ping", {}, id)).toMatchObject({ id, result: {} });
      }
    });

    it("S7 refuses params by position", async () => {
      const raw = await peer();
      for (const method of ["server.ping", "server.info", "peer.announce"]) {
        expect(await request(raw, method, ["alice"])).toEqual(refusal("r", -32602, "INVALID_PARAMS"));
      }
      notify(raw, "peer.announce", ["alice"]);
      await quiet(raw);
    });

    it("S8 names the unknown method, and is silent about notifications", async () => {
      const raw = await peer();
      for (const method of ["peer.fly", "control.pause", "__proto__", "constructor", ""]) {
        expect(await request(raw, method)).toEqual(refusal("r", -32601, "METHOD_NOT_FOUND", { method }));
        notify(raw, method);
      }
      await quiet(raw);
    });

    it("S9 lists all missing and bad members", async () => {
      const raw = await peer();
      const answer = await request(raw, "peer.announce", { capabilities: "audio", room: 5, auth_token: 1 });
      expect(answer).toEqual(refusal("r", -32602, "INVALID_PARAMS"));
      const { errors } = (answer.error as JsonObject).data as { errors: { path: string; reason: string }[] };
      expect(errors.map(({ path }) => path).sort()).toEqual([
        "auth_token",
        "capabilities",
        "peer_id",
        "room",
      ]);
      expect(errors.every(({ reason }) => reason.length > 0)).toBe(true);
      expect(await request(raw, "peer.announce")).toEqual(refusal("r", -32602, "INVALID_PARAMS"));
    });

    it("S10 ignores members it does not know, __proto__ among them", async () => {
      const [alice, bob] = await pair();
      const params = JSON.stringify({ ...description("bob"), extra: { deep: [1] } });
      const poisoned = params.replace("{", '{"__proto__":{"polluted":true},');
      alice.sendText(`{"jsonrpc":"2.0","id":"p","method":"peer.offer","params":${poisoned},"more":1}`);
      expect(await alice.next()).toMatchObject({ id: "p", result: { status: "forwarded" } });
      const forwarded = (await bob.next()).params as JsonObject;
      expect(Object.keys(forwarded).sort()).toEqual(
        ["can_trickle_ice_candidates", "from", "link", "request_id", "sdp", "to"].sort(),
      );
      expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    });

    it("S11 is silent about failing notifications", async () => {
      const [alice, bob] = await pair();
      notify(alice, "peer.announce", {});
      notify(alice, "peer.ice_candidate", candidate("nobody"));
      notify(alice, "peer.ice_candidate", { to: "bob" });
      notify(alice, "peer.disconnect", { to: "bob", reason: "because" });
      notify(alice, "peer.state_changed", { to: 5 });
      await quiet(alice);
      await quiet(bob);
    });

    it("S12 wants an announcement before anything else of peer.*", async () => {
      const raw = await peer();
      for (const method of ["peer.leave", "peer.list", "peer.offer", "peer.answer", "peer.ice_candidate"]) {
        expect(await request(raw, method, {})).toEqual(refusal("r", -32600, "NOT_ANNOUNCED"));
      }
      notify(raw, "peer.disconnect", {});
      notify(raw, "peer.state_changed", {});
      await quiet(raw);
    });

    it("S13, D17 keeps a socket to one identity", async () => {
      const [alice, bob] = await pair();
      for (const other of [{ peer_id: "eve" }, { peer_id: "alice", room: "elsewhere" }]) {
        const params = { capabilities: ["audio"], ...other };
        expect(await request(alice, "peer.announce", params)).toEqual(
          refusal("r", -32600, "ALREADY_ANNOUNCED"),
        );
      }
      await quiet(bob);
      await announce(alice, "alice", { capabilities: ["data"], user_data: { nick: "A" } });
      expect(await bob.next()).toMatchObject({ params: { peer_id: "alice", capabilities: ["data"] } });
    });

    it("S14 refuses a taken id without the right key and leaves its owner alone", async () => {
      const [alice, bob] = await pair();
      const eve = await peer();
      for (const key of [{}, { session_key: "0".repeat(32) }, { session_key: "" }]) {
        const params = { peer_id: "alice", capabilities: ["audio"], ...key };
        const answer = await request(eve, "peer.announce", params);
        expect(answer).toEqual(refusal("r", -32008, "PEER_ID_TAKEN"));
        const { registered_at } = (answer.error as JsonObject).data as JsonObject;
        expect(registered_at).toEqual(expect.any(Number));
      }
      await ok(bob, "peer.offer", description("alice"));
      expect(await alice.next()).toMatchObject({ method: "peer.offer", params: { from: "bob" } });
    });

    it("S15 refuses bad ids, bad capabilities and too much user data", async () => {
      const raw = await peer();
      const cases: JsonObject[] = [
        { peer_id: "" },
        { peer_id: "a b" },
        { peer_id: "ä" },
        { peer_id: "a".repeat(65) },
        { room: "../etc" },
        { capabilities: [] },
        { capabilities: ["smell"] },
        { capabilities: ["audio", "audio"] },
        { user_data: "x".repeat(1023) },
      ];
      for (const wrong of cases) {
        const params = { peer_id: "alice", capabilities: ["audio"], ...wrong };
        const path = Object.keys(wrong)[0];
        const answer = await request(raw, "peer.announce", params);
        expect(answer).toEqual(refusal("r", -32602, "INVALID_PARAMS"));
        const { errors } = (answer.error as JsonObject).data as { errors: { path: string }[] };
        expect(errors[0]?.path.split(".")[0]).toBe(path);
      }
      await announce(raw, "alice", { user_data: "x".repeat(1022) });
    });

    it("S16 tells which protocol versions it speaks", async () => {
      const raw = await peer();
      const params = { peer_id: "alice", capabilities: ["telepathy"], protocol_version: 2 };
      const answer = await request(raw, "peer.announce", params);
      expect(answer).toEqual(refusal("r", -32011, "VERSION_UNSUPPORTED", { supported: [1] }));
    });

    it("S17 refuses unknown targets and oneself", async () => {
      const [alice] = await pair();
      const calls: [string, (to: string) => JsonObject][] = [
        ["peer.offer", description],
        ["peer.answer", description],
        ["peer.ice_candidate", candidate],
        ["peer.disconnect", (to) => ({ to, reason: "timeout" })],
      ];
      for (const [method, params] of calls) {
        const unknown = await request(alice, method, params("nobody"));
        expect(unknown).toEqual(refusal("r", -32000, "PEER_NOT_FOUND", { peer_id: "nobody" }));
        expect(await request(alice, method, params("alice"))).toEqual(refusal("r", -32602, "INVALID_PARAMS"));
      }
    });

    it("S18 forwards nothing under a false name", async () => {
      const [alice, bob] = await pair();
      for (const from of ["bob", "eve", 5, null]) {
        const answer = await request(alice, "peer.offer", { ...description("bob"), from });
        expect(answer).toEqual(refusal("r", -32009, "UNAUTHORIZED"));
        notify(alice, "peer.ice_candidate", { ...candidate("bob"), from });
      }
      await quiet(bob);
      await ok(alice, "peer.offer", { ...description("bob"), from: "alice" });
      expect(await bob.next()).toMatchObject({ params: { from: "alice" } });
    });

    it("S19 refuses descriptions that are none", async () => {
      const [alice, bob] = await pair();
      const cases: [string, string][] = [
        ["o=- 1\r\nm=audio 9\r\n", "missing_v"],
        ["", "missing_v"],
        ["v=1\r\nm=audio 9\r\n", "missing_v"],
        ["v=0\r\ns=-\r\n", "missing_m"],
        [`${SDP}${"a=x\r\n".repeat(13_200)}`, "too_large"],
      ];
      for (const [sdp, reason] of cases) {
        const offer = await request(alice, "peer.offer", description("bob", { sdp }));
        expect(offer).toEqual(refusal("r", -32002, "OFFER_INVALID", { reason }));
        const answer = await request(alice, "peer.answer", description("bob", { sdp }));
        expect(answer).toEqual(refusal("r", -32003, "ANSWER_INVALID", { reason }));
      }
      const text = await request(alice, "peer.offer", description("bob", { sdp: 5 }));
      expect(text).toEqual(refusal("r", -32602, "INVALID_PARAMS"));
      await quiet(bob);
    });

    it("S20 refuses an answer to no offer", async () => {
      const [alice, bob] = await pair();
      const lonely = await request(bob, "peer.answer", description("alice"));
      expect(lonely).toEqual(refusal("r", -32003, "ANSWER_INVALID", { reason: "no_matching_offer" }));
      await ok(alice, "peer.offer", description("bob"));
      await bob.next();
      const other = await request(bob, "peer.answer", description("alice", { request_id: "q2" }));
      expect(other).toEqual(refusal("r", -32003, "ANSWER_INVALID", { reason: "no_matching_offer" }));
      expect(await ok(bob, "peer.answer", description("alice"))).toEqual({
        status: "forwarded",
        request_id: "q1",
      });
      expect(await alice.next()).toMatchObject({ method: "peer.answer", params: { from: "bob" } });
      const twice = await request(bob, "peer.answer", description("alice"));
      expect(twice).toEqual(refusal("r", -32003, "ANSWER_INVALID", { reason: "no_matching_offer" }));
    });

    it("S21 refuses candidates without form or medium, and drops such notifications", async () => {
      const [alice, bob] = await pair();
      const cases: JsonObject[] = [
        candidate("bob", { candidate: "a=candidate:1" }),
        candidate("bob", { candidate: "host" }),
        candidate("bob", { candidate: `candidate:${"1".repeat(1024)}` }),
        { to: "bob", request_id: "q1", candidate: "candidate:1" },
        candidate("bob", { sdp_mid: null }),
      ];
      for (const params of cases) {
        const answer = await request(alice, "peer.ice_candidate", params);
        expect(answer).toEqual(refusal("r", -32004, "ICE_CANDIDATE_INVALID"));
        notify(alice, "peer.ice_candidate", params);
      }
      await quiet(alice);
      await quiet(bob);
      notify(alice, "peer.ice_candidate", candidate("bob", { candidate: "" }));
      await ok(alice, "peer.ice_candidate", { ...candidate("bob"), sdp_mid: null, sdp_m_line_index: 0 });
      expect(await bob.next()).toMatchObject({ method: "peer.ice_candidate", params: { candidate: "" } });
      expect(await bob.next()).toMatchObject({ params: { sdp_m_line_index: 0 } });
    });

    it("S22 works batches off in order and answers with one array", async () => {
      const raw = await peer();
      send(raw, [
        { jsonrpc: "2.0", id: 1, method: "peer.announce", params: { peer_id: "a", capabilities: ["data"] } },
        { jsonrpc: "2.0", method: "peer.state_changed", params: {} },
        7,
        { jsonrpc: "2.0", id: 2, method: "peer.list" },
        { jsonrpc: "2.0", id: "x", result: 5 },
        { jsonrpc: "2.0", id: 3, method: "nope" },
      ]);
      expect(await nextBatch(raw)).toMatchObject([
        { id: 1, result: { status: "registered" } },
        { id: null, error: { code: -32600 } },
        { id: 2, result: { peers: [], count: 0 } },
        { id: 3, error: { code: -32601 } },
      ]);
      send(raw, [{ jsonrpc: "2.0", method: "server.ping" }]);
      await quiet(raw);
      const many = (count: number): unknown[] =>
        Array.from({ length: count }, () => ({ jsonrpc: "2.0", id: 1 }));
      send(raw, many(33));
      expect(await raw.next()).toEqual(refusal(null, -32600, "INVALID_REQUEST"));
      send(raw, many(32));
      expect(await nextBatch(raw)).toHaveLength(32);
    });

    it("S23 ignores responses", async () => {
      const raw = await peer();
      send(raw, { jsonrpc: "2.0", id: 1, result: {} });
      send(raw, { jsonrpc: "2.0", id: 1, error: { code: 1, message: "no" } });
      send(raw, { id: 1, error: null });
      await quiet(raw);
    });

    it("S24 closes for binary frames and for frames over 1 MiB", async () => {
      const raw = await peer();
      raw.sendBinary();
      expect(await raw.closed()).toBe(1003);
      const big = await peer();
      big.sendText(JSON.stringify({ jsonrpc: "2.0", method: "x", params: ["y".repeat(1_048_576)] }));
      expect(await big.closed()).toBe(1009);
      const fits = await peer();
      fits.sendText(" ".repeat(1_048_576));
      expect(await fits.next()).toEqual(refusal(null, -32700, "PARSE_ERROR"));
    });

    it("S25 refuses a full room and a flood, and keeps the socket", async () => {
      await start({ limits: { peersPerRoom: 2, burst: 10, messagesPerSecond: 0.5 } });
      const peers = [await peer(), await peer(), await peer()] as const;
      await announce(peers[0], "a");
      await announce(peers[1], "b");
      const params = { peer_id: "c", capabilities: ["audio"] };
      expect(await request(peers[2], "peer.announce", params)).toEqual(
        refusal("r", -32001, "LIMIT_EXCEEDED"),
      );
      for (let count = 0; count < 9; count++) await ok(peers[2], "server.ping");
      const answer = await request(peers[2], "server.ping");
      expect(answer).toEqual(refusal("r", -32010, "RATE_LIMITED"));
      const { retry_after_ms } = (answer.error as JsonObject).data as JsonObject;
      expect(retry_after_ms).toBeGreaterThan(0);
      peers[2].sendText("garbage");
      expect(await peers[2].next()).toEqual(refusal(null, -32010, "RATE_LIMITED"));
    });

    it("S26 tells nothing of an internal exception", async () => {
      const authenticate = (): boolean => {
        throw new Error("database password is hunter2");
      };
      await start({ authenticate });
      const raw = await peer();
      const answer = await request(raw, "peer.announce", { peer_id: "alice", capabilities: ["audio"] });
      expect(answer).toEqual(refusal("r", -32603, "INTERNAL_ERROR"));
      expect(JSON.stringify(answer)).not.toContain("hunter2");
      await quiet(raw);
    });
  });
}
