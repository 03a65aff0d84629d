import { describe, expect, it } from "vitest";
import { TransportError } from "../../src/errors/errors.ts";
import type { TransportData } from "../../src/runtime/data.ts";
import { Deliveries } from "../../src/session/deliveries.ts";
import type { DeliveriesInput, DeliveriesOutput, OutputTarget } from "../../src/session/deliveries.ts";
import { SessionCounters } from "../../src/session/session-counters.ts";
import { audio, coded, nameOf, picture, text } from "./session-fakes.ts";

type Deliver = DeliveriesOutput & { readonly type: "deliver" };

const FULL = new TransportError("SEND_BUFFER_FULL", "full");
const GONE = new TransportError("PEER_NOT_FOUND", "gone");

/** Deliveries with a clock that a test turns. */
class Post {
  readonly counters = new SessionCounters();
  readonly machine = new Deliveries(this.counters);
  readonly told: DeliveriesOutput[] = [];
  readonly under: Deliver[] = [];
  nowMs = 0;
  #tickets = 0;

  constructor(...peers: string[]) {
    for (const peer of peers) this.counters.attach(peer);
  }

  handle(input: DeliveriesInput | { type: "timeout" }): void {
    this.machine.handle(input, this.nowMs);
    for (let output = this.machine.poll(); output !== undefined; output = this.machine.poll()) {
      if (output.type === "deliver") this.under.push(output);
      else this.told.push(output);
    }
  }

  /** @returns the ticket */
  send(value: TransportData, ...targets: (string | OutputTarget)[]): number {
    const ticket = ++this.#tickets;
    const groups = targets.map((target) => (typeof target === "string" ? { peers: [target] } : target));
    this.handle({ type: "output", ticket, value, targets: groups });
    return ticket;
  }

  /** Settle the oldest delivery. @returns what it was, as `name>peers` */
  settle(failures: Record<string, TransportError> = {}): string | undefined {
    const next = this.under.shift();
    if (next !== undefined) {
      this.handle({ type: "settled", id: next.id, failures: new Map(Object.entries(failures)) });
    }
    return next && `${nameOf(next.value)}>${next.peers.join("+")}`;
  }

  /** Go on until the next deadline. */
  wait(): number {
    this.nowMs = this.machine.deadlineMs;
    this.handle({ type: "timeout" });
    return this.nowMs;
  }

  of<Type extends DeliveriesOutput["type"]>(type: Type): (DeliveriesOutput & { readonly type: Type })[] {
    return this.told.filter((output) => output.type === type) as never;
  }

  roomFor(ticket: number): boolean {
    return this.of("room").some((room) => room.ticket === ticket);
  }
}

describe("Deliveries", () => {
  it("sends media once for all peers of a tier, and other data to each peer", () => {
    const post = new Post("a", "b", "c");
    post.send(picture(1), { peers: ["a", "b"], tier: "high" }, { peers: ["c"], tier: "low" });
    post.send(text("t"), { peers: ["a", "b"] });
    expect(post.under.map(({ value, peers, tier }) => [nameOf(value), peers, tier])).toEqual([
      ["v1", ["a", "b"], "high"],
      ["v1", ["c"], "low"],
      ["t", ["a"], undefined],
      ["t", ["b"], undefined],
    ]);
    for (let i = 0; i < 4; i++) post.settle();
    expect(post.counters.snapshot().peers).toMatchObject({
      a: { framesOut: 2 },
      b: { framesOut: 2 },
      c: { framesOut: 1 },
    });
    expect(post.machine.length).toBe(0);
    expect(post.of("idle")).toHaveLength(1);
  });

  it("keeps the order for a peer, and lets others go on", () => {
    const post = new Post("a", "b");
    for (const name of ["1", "2", "3"]) post.send(text(name), "a");
    post.send(text("4"), "b");
    expect([post.settle(), post.settle(), post.settle(), post.settle(), post.settle()]).toEqual([
      "1>a",
      "4>b",
      "2>a",
      "3>a",
      undefined,
    ]);
  });

  it("lets media go back to one peer while another's does not move", () => {
    const post = new Post("a", "b");
    const from = (peer: string, value: TransportData): TransportData => ({
      ...value,
      metadata: { ...value.metadata, source_peer: peer },
    });
    for (let i = 0; i < 20; i++) post.send(from("a", picture(i)), "a");
    post.send(from("b", picture(100)), "b");
    expect(post.under.map(({ peers }) => peers)).toEqual([["a"], ["b"]]);
    expect(post.counters.snapshot().peers).toMatchObject({
      a: { framesDropped: 15 },
      b: { framesDropped: 0 },
    });
  });

  it("has room until 16 outputs wait, and again when fewer do", () => {
    const post = new Post("a", "b");
    const tickets = Array.from({ length: 17 }, (_, i) => post.send(text(`${i}`), "a"));
    expect(tickets.map((ticket) => post.roomFor(ticket)).indexOf(false)).toBe(16);
    expect(post.roomFor(post.send(text("other"), "b"))).toBe(true);
    post.settle();
    expect(post.roomFor(tickets[16] as number)).toBe(true);
  });

  it("drops the oldest media where 64 blocks, or 4 pictures, wait", () => {
    const post = new Post("a");
    for (let i = 0; i < 70; i++) post.send(audio(20, i / 100), "a");
    for (let i = 0; i < 7; i++) post.send(picture(i), "a");
    const sent: (string | undefined)[] = [];
    while (post.under.length > 0) sent.push(post.settle());
    expect(sent).toHaveLength(65 + 5);
    expect(sent.filter((name) => name?.startsWith("v"))).toEqual(["v0>a", "v3>a", "v4>a", "v5>a", "v6>a"]);
    expect(post.counters.snapshot()).toMatchObject({
      drops: { full: 7 },
      peers: { a: { framesDropped: 7 } },
    });
  });

  it("sends no coded pictures that build on one that was dropped", () => {
    const post = new Post("a");
    for (let i = 0; i < 6; i++) post.send(coded(i, i === 0), "a");
    post.send(coded(6, true), "a");
    expect([post.settle(), post.settle(), post.settle()]).toEqual(["v0>a", "v6>a", undefined]);
    expect(post.counters.snapshot().drops).toMatchObject({ full: 1, awaitingKeyframe: 4 });
  });

  it("tries other data 3 times, after 100 and 200 ms, when trying again may help", () => {
    const post = new Post("a");
    post.send(text("1"), "a");
    post.send(text("2"), "a");
    post.settle({ a: FULL });
    expect(post.under).toEqual([]);
    expect(post.wait()).toBe(100);
    post.settle({ a: FULL });
    expect(post.wait()).toBe(300);
    post.settle({ a: FULL });
    expect(post.of("failed")).toEqual([{ type: "failed", peerId: "a", error: FULL, suspended: false }]);
    expect(post.settle()).toBe("2>a");
    expect(post.counters.snapshot()).toMatchObject({
      drops: { undelivered: 1 },
      peers: { a: { framesOut: 1, framesDropped: 1 } },
    });
  });

  it("tries no media again, and nothing where it cannot help", () => {
    const post = new Post("a", "b");
    post.send(audio(20), { peers: ["a", "b"] });
    post.settle({ a: FULL });
    post.send(text("1"), "a");
    post.settle({ a: GONE });
    expect(post.machine.length).toBe(0);
    expect(post.counters.snapshot().peers).toMatchObject({
      a: { framesOut: 0, framesDropped: 2 },
      b: { framesOut: 1 },
    });
    expect(post.of("failed").map(({ error }) => error.code)).toEqual(["SEND_BUFFER_FULL"]);
  });

  it("gives a peer up after 5 failures, but for media, and tries again after 30 s", () => {
    const post = new Post("a");
    for (let i = 0; i < 5; i++) {
      post.send(text(`${i}`), "a");
      post.settle({ a: GONE });
    }
    expect(post.of("failed").map(({ suspended }) => suspended)).toEqual([false, true]);
    post.send(text("lost"), "a");
    post.send(audio(20), "a");
    expect(post.settle()).toBe("a0.00>a");
    expect(post.settle()).toBeUndefined();
    expect(post.counters.snapshot().drops.undelivered).toBe(6);
    post.nowMs = 30_000;
    post.send(text("again"), "a");
    expect(post.settle()).toBe("again>a");
  });

  it("sends to a peer at once when it has recovered", () => {
    const post = new Post("a");
    for (let i = 0; i < 5; i++) {
      post.send(text(`${i}`), "a");
      post.settle({ a: GONE });
    }
    post.handle({ type: "recovered", peerId: "a" });
    post.send(text("again"), "a");
    expect(post.settle()).toBe("again>a");
  });

  it("gives a peer up that takes nothing for 10 s, with all that waits for it", () => {
    const post = new Post("a");
    for (let i = 0; i < 30; i++) post.send(text(`${i}`), "a");
    const [hanging] = post.under.splice(0);
    expect(post.wait()).toBe(10_000);
    expect(post.of("failed")).toMatchObject([{ error: { code: "OPERATION_TIMEOUT" }, suspended: true }]);
    expect(post.machine.length).toBe(0);
    expect(post.of("room")).toHaveLength(30);
    expect(post.counters.snapshot().drops.undelivered).toBe(30);
    post.handle({ type: "settled", id: (hanging as Deliver).id, failures: new Map() });
    expect(post.counters.snapshot().peers["a"]?.framesOut).toBe(0);
  });

  it("gives long audio the time it lasts besides", () => {
    const post = new Post("a");
    post.send(audio(5_000), "a");
    expect(post.machine.deadlineMs).toBe(15_000);
  });

  it("drops what waits for a peer that is released, and everything when it is cleared, counted", () => {
    const post = new Post("a", "b");
    for (const name of ["1", "2"]) post.send(text(name), "a", "b");
    post.handle({ type: "release", peerId: "a" });
    expect(post.machine.length).toBe(2);
    post.handle({ type: "clear" });
    expect(post.machine.length).toBe(0);
    expect(post.machine.deadlineMs).toBe(Infinity);
    expect(post.counters.snapshot().drops.ended).toBe(4);
  });

  it("sends nothing more to a peer that has left, and tells nothing of it", () => {
    const post = new Post("a", "b");
    for (let i = 0; i < 3; i++) post.send(audio(20, i / 10), { peers: ["a", "b"] });
    post.counters.detach("a");
    post.handle({ type: "release", peerId: "a" });
    expect(post.settle({ a: GONE })).toBe("a0.00>a+b");
    expect(post.settle()).toBe("a0.10>b");
    post.counters.detach("b");
    post.settle();
    expect(post.machine.length).toBe(0);
    expect(post.of("failed")).toEqual([]);
    expect(post.counters.snapshot().drops).toMatchObject({ undelivered: 1, ended: 0 });
  });

  it("holds nothing of streams that have come to rest", () => {
    const post = new Post("a");
    for (let i = 0; i < 1_000; i++) {
      post.send({ ...audio(1), metadata: { output_id: `o${i}` } }, "a");
      post.settle();
    }
    expect(post.machine.length).toBe(0);
    expect(post.of("idle")).toHaveLength(1_000);
  });
});
