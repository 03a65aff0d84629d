// The readers of the protocol: exact on what is right, and never surprised by what is not.
import { describe, expect, it } from "vitest";
import { Exchanges } from "../../src/signaling/exchanges.ts";
import { readAnnounceResult, readFailure, readListResult, readNotice } from "../../src/signaling/protocol.ts";
import { RPC_ERRORS, rpcErrorKind, toErrorCode } from "../../src/signaling/rpc-errors.ts";
import { errorResponse, jsonBytes, parseFrame, utf8Bytes } from "../../src/signaling/rpc.ts";
import { HubWorld } from "../signaling-server/hub-world.ts";
import type { HubPeer } from "../signaling-server/hub-world.ts";
import { SDP } from "../signaling-server/raw-peer.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { FakeNetwork, entry, registered } from "./fake-network.ts";

/** Failures name it; the same seed gives the same frames on every platform. */
const SEED = 20_260_101;
const ROUNDS = 4000;

describe("a frame", () => {
  it("is read member by member", () => {
    expect(parseFrame('{"jsonrpc":"2.0","id":null,"method":"a","params":[1]}', 3)).toEqual({
      type: "single",
      members: [{ type: "request", id: null, method: "a", params: [1] }],
    });
    const batch =
      '[{"jsonrpc":"2.0","method":"a"},{"id":1,"result":2},{"id":2,"error":{"code":5}},{"error":3},4]';
    expect(parseFrame(batch, 5)).toMatchObject({
      type: "batch",
      members: [
        { type: "notification", method: "a" },
        { type: "result", id: 1, result: 2 },
        { type: "error", id: 2, error: { code: 5 } },
        { type: "error", id: null },
        { type: "invalid", id: null },
      ],
    });
    expect(parseFrame("[1,2,3]", 2)).toMatchObject({ type: "unreadable", kind: "INVALID_REQUEST" });
  });

  it("does not quote the input in its fault", () => {
    expect(JSON.stringify(parseFrame('{"auth_token":"s3cr3t"', 1))).not.toContain("s3cr3t");
  });

  it("is measured in bytes of UTF-8", () => {
    for (const text of ["", "abc", "ä", "€", "😀", "a\ud800b", "日本語😀é"]) {
      expect(utf8Bytes(text)).toBe(new TextEncoder().encode(text).length);
    }
    expect(jsonBytes({ a: "ä" })).toBe(10);
    expect(jsonBytes(undefined)).toBe(0);
    const cycle: Record<string, never> = {};
    cycle.self = cycle as never;
    expect(jsonBytes(cycle)).toBe(Infinity);
  });
});

describe("errors on the wire", () => {
  it("carry their name, which outranks the number", () => {
    expect(errorResponse(1, { kind: "RATE_LIMITED", message: "m", data: { kind: "other", x: 1 } })).toEqual({
      jsonrpc: "2.0",
      id: 1,
      error: { code: -32010, message: "m", data: { kind: "RATE_LIMITED", x: 1 } },
    });
    expect(rpcErrorKind(-32600, "NOT_ANNOUNCED")).toBe("NOT_ANNOUNCED");
    expect(rpcErrorKind(-32000, "toString")).toBe("PEER_NOT_FOUND");
    expect(rpcErrorKind("-32000", undefined)).toBeUndefined();
    for (const kind of Object.keys(RPC_ERRORS)) {
      expect(toErrorCode(rpcErrorKind(undefined, kind))).toMatch(/^[A-Z_]+$/);
    }
  });

  it("are shortened, however long the server talks", () => {
    const failure = readFailure("peer.offer", { code: -32000, message: "x".repeat(5000), data: null });
    expect(failure.message.length).toBeLessThan(260);
    expect(readFailure("peer.offer", { code: {}, message: {}, data: 5 }).code).toBe("SIGNALING_ERROR");
  });
});

describe("exchanges", () => {
  it("are remembered in a bounded number, the newest longest", () => {
    const exchanges = new Exchanges();
    const ask = (requestId: string): string =>
      exchanges.resolve("bob", { requestId, connectionId: undefined, link: requestId });
    for (let count = 0; count < 600; count++) {
      exchanges.remember("bob", { requestId: `q${count}`, connectionId: `c${count}`, link: `q${count}` });
    }
    expect(ask("q599")).toBe("c599");
    expect(ask("q0")).toBe("q0");
  });
});

const CORPUS = [
  {
    jsonrpc: "2.0",
    id: "1",
    method: "peer.announce",
    params: { peer_id: "a", capabilities: ["audio"], room: "r" },
  },
  {
    jsonrpc: "2.0",
    id: 2,
    method: "peer.offer",
    params: { to: "b", request_id: "q", sdp: SDP, can_trickle_ice_candidates: true },
  },
  {
    jsonrpc: "2.0",
    id: 3,
    method: "peer.answer",
    params: { from: "b", to: "b", request_id: "q", sdp: SDP, can_trickle_ice_candidates: true },
  },
  {
    jsonrpc: "2.0",
    method: "peer.ice_candidate",
    params: { from: "b", to: "b", request_id: "q", candidate: "candidate:1", sdp_mid: "0" },
  },
  { jsonrpc: "2.0", method: "peer.disconnected", params: { from: "b", reason: "timeout" } },
  { jsonrpc: "2.0", method: "peer.announced", params: entry("carol") },
  { jsonrpc: "2.0", method: "peer.left", params: { peer_id: "b", reason: "left" } },
  { jsonrpc: "2.0", id: "x", result: registered() },
  { jsonrpc: "2.0", id: "x", error: { code: -32000, message: "m", data: { kind: "PEER_NOT_FOUND" } } },
  [
    { jsonrpc: "2.0", id: 1, method: "server.info" },
    { jsonrpc: "2.0", id: 2, method: "peer.list" },
  ],
].map((value) => JSON.stringify(value));

const FRAGMENTS = [
  "null",
  "[]",
  "{}",
  '"__proto__"',
  "1e999",
  "-0",
  '"\\ud800"',
  "[[[[",
  "true",
  ":",
  ",",
  "\u0000",
  "2.0",
];

/** A frame of the corpus with some characters changed, cut, doubled, or replaced by something nasty. */
function mutate(random: SeededRandom): string {
  let text = CORPUS[random.integer(0, CORPUS.length - 1)] as string;
  for (let count = random.integer(1, 6); count > 0; count--) {
    const at = random.integer(0, text.length);
    const length = random.integer(0, 12);
    const fragment = FRAGMENTS[random.integer(0, FRAGMENTS.length - 1)] as string;
    const middle = random.chance(0.5) ? fragment : text.slice(at, at + length).repeat(random.integer(0, 2));
    text = text.slice(0, at) + middle + text.slice(at + length);
  }
  return text;
}

/** A structurally valid frame in which one value somewhere became another. */
function swapValue(random: SeededRandom): string {
  const values = [null, 0, -1, 1.5, "", "b", "x".repeat(70), [], {}, [1], true, { "": [] }, "candidate:"];
  const value = JSON.parse(CORPUS[random.integer(0, CORPUS.length - 1)] as string) as Record<string, unknown>;
  let place = value;
  for (;;) {
    const keys = Object.keys(place);
    const key = keys[random.integer(0, keys.length - 1)] as string;
    const inner = place[key];
    if (typeof inner === "object" && inner !== null && Object.keys(inner).length > 0 && random.chance(0.8)) {
      place = inner as Record<string, unknown>;
      continue;
    }
    place[key] = values[random.integer(0, values.length - 1)];
    return JSON.stringify(value);
  }
}

/** Run `use` on many bad frames; what it throws names seed, round and frame. */
function fuzz(use: (text: string, random: SeededRandom) => void): void {
  const random = new SeededRandom(SEED);
  for (let round = 0; round < ROUNDS; round++) {
    const text = random.chance(0.5) ? mutate(random) : swapValue(random);
    try {
      use(text, random);
    } catch (cause) {
      throw new Error(`seed ${SEED}, round ${round}: ${JSON.stringify(text)}`, { cause });
    }
  }
}

describe("bad input", () => {
  it("is a value, never an exception, to the readers", () => {
    fuzz((text) => {
      const frame = parseFrame(text, 8);
      if (frame.type === "unreadable") return;
      for (const member of frame.members) {
        if (member.type === "notification" || member.type === "request") {
          expect(readNotice(member.method, member.params).type).toBeTypeOf("string");
        }
        if (member.type === "result") {
          readAnnounceResult(member.result);
          readListResult(member.result);
        }
        if (member.type === "error") expect(readFailure("m", member.error).code).toBeTypeOf("string");
      }
    });
  });

  it("costs the hub nothing: no fault inside, no reply that is not JSON-RPC, others undisturbed", () => {
    const hub = new HubWorld({ limits: { burst: 1e9, messagesPerSecond: 1e6 } });
    const bob = hub.open();
    bob.sendText(
      '{"jsonrpc":"2.0","id":1,"method":"peer.announce","params":{"peer_id":"b","capabilities":["audio"]}}',
    );
    let raw: HubPeer = hub.open();
    fuzz((text, random) => {
      if (raw.closeCode !== undefined || random.chance(0.01)) {
        raw.vanish();
        raw = hub.open();
      }
      raw.sendText(text);
      expect(hub.faults).toEqual([]);
      expect(bob.closeCode).toBeUndefined();
      for (const frame of [...raw.frames.splice(0), ...bob.frames.splice(0)].flat()) {
        expect(frame).toMatchObject({ jsonrpc: "2.0" });
      }
      hub.clock.advance(random.integer(0, 20));
      if (bob.closeCode === undefined) bob.sendText('{"jsonrpc":"2.0","method":"server.ping"}');
    });
    expect(hub.stats().connections).toBeLessThanOrEqual(2);
  });

  it("leaves the client connected, and every frame is an event, an answer or counted", async () => {
    const net = new FakeNetwork();
    const client = await net.announced();
    fuzz((text) => net.socket.text(text));
    expect(client.state).toBe("connected");
    const listing = client.listPeers();
    net.socket.answer("peer.list", { peers: [] });
    expect(await listing).toEqual([]);
  });
});
