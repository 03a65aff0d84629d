import { describe, expect, it } from "vitest";
import { Pacer } from "../../../src/media/congestion/pacer.ts";
import type { PacerInput, PacerOutput } from "../../../src/media/congestion/pacer.ts";

type Timed = PacerOutput<string> & { readonly atMs: number };

/** A pacer that is woken whenever it asks for it, and what it did. */
class Driven {
  readonly pacer: Pacer<string>;
  readonly outputs: Timed[] = [];
  #frame = 0;

  constructor(targetKbps: number) {
    this.pacer = new Pacer(targetKbps);
  }

  feed(input: PacerInput<string> | { type: "timeout" }, atMs: number): void {
    this.pacer.handle(input, atMs);
    for (let out = this.pacer.poll(); out !== undefined; out = this.pacer.poll())
      this.outputs.push({ ...out, atMs });
  }

  /** A frame of so many packets of 1000 bytes. */
  frame(name: string, packets: number, atMs: number, isKeyframe = false): void {
    this.#frame++;
    for (let index = 0; index < packets; index++) {
      const packet = { item: name, byteLength: 1_000 };
      this.feed({ type: "media", packet, frame: this.#frame, isKeyframe }, atMs);
    }
  }

  retransmit(item: string, atMs: number): void {
    this.feed({ type: "retransmission", packet: { item, byteLength: 1_000 } }, atMs);
  }

  run(untilMs: number): void {
    while (this.pacer.deadlineMs <= untilMs) this.feed({ type: "timeout" }, this.pacer.deadlineMs);
  }

  get sent(): string[] {
    return this.outputs.flatMap((output) => (output.type === "send" ? output.item : []));
  }

  times(type: Timed["type"]): number[] {
    return this.outputs.filter((output) => output.type === type).map(({ atMs }) => atMs);
  }
}

describe("the pacer", () => {
  it("sends a small frame at once and a key frame at 2.5 times the rate, no more than 5 ms of it at a time", () => {
    const driven = new Driven(1_000);
    driven.frame("small", 1, 0);
    expect(driven.sent).toEqual(["small"]);
    driven.frame("key", 100, 100, true);
    driven.run(1_000);
    const times = driven.times("send").slice(1);
    // 100 packets of 8 kbit at 2500 kbit/s take 320 ms; 5 ms of it are 1.6 packets.
    expect(times).toHaveLength(100);
    expect(times.at(-1)).toBeGreaterThan(100 + 300);
    expect(times.at(-1)).toBeLessThanOrEqual(100 + 320);
    for (const from of times)
      expect(times.filter((at) => at >= from && at < from + 5).length).toBeLessThanOrEqual(3);
  });

  it("makes up for a timer that comes late, for 100 ms of it", () => {
    const driven = new Driven(1_000);
    driven.frame("key", 50, 0, true);
    driven.feed({ type: "timeout" }, 1_000);
    // 100 ms at 2500 kbit/s are 31 packets, and 5 ms are two.
    expect(driven.times("send").filter((at) => at === 1_000)).toHaveLength(33);
    expect(driven.pacer.deadlineMs).toBeGreaterThan(1_000);
  });

  it("saves nothing up while nothing waits", () => {
    const driven = new Driven(1_000);
    driven.frame("small", 1, 0);
    driven.frame("key", 50, 1_000, true);
    expect(driven.times("send").filter((at) => at === 1_000).length).toBeLessThanOrEqual(3);
  });

  it("follows a new rate", () => {
    const driven = new Driven(100);
    driven.frame("key", 50, 0, true);
    driven.feed({ type: "target", kbps: 10_000 }, 1);
    driven.run(40);
    expect(driven.sent).toHaveLength(50);
  });

  it("sends no faster than the rate while a queue stands in the path", () => {
    const driven = new Driven(960);
    driven.feed({ type: "target", kbps: 960, queued: true }, 0);
    driven.frame("key", 50, 0, true);
    driven.run(200);
    expect(driven.sent.length).toBeGreaterThan(18);
    expect(driven.sent.length).toBeLessThan(30);
    driven.feed({ type: "target", kbps: 960, queued: false }, 200);
    driven.run(350);
    expect(driven.sent).toHaveLength(50);
  });

  it("sends retransmissions before what is new", () => {
    const driven = new Driven(1_000);
    driven.frame("new", 10, 0);
    driven.retransmit("again", 1);
    driven.retransmit("again", 1);
    driven.run(100);
    expect(driven.sent).toEqual(["new", "new", "again", "again", ...Array<string>(8).fill("new")]);
  });

  it("holds half a second of retransmissions, and counts those beyond", () => {
    const driven = new Driven(160);
    for (let index = 0; index < 30; index++) driven.retransmit("again", 0);
    // 400 kbit/s: 50 packets a second.
    expect(driven.pacer.queueMs).toBeLessThanOrEqual(520);
    expect(driven.pacer.counters.retransmissionsDropped).toBeGreaterThan(0);
  });

  it("drops what waits when it is more than 2 s, and asks once for a key frame, which goes through", () => {
    const driven = new Driven(160);
    for (let index = 0; index < 12; index++) driven.frame(`delta ${index}`, 10, index);
    expect(driven.pacer.queueMs).toBeLessThan(2_300);
    expect(driven.outputs.filter(({ type }) => type === "keyframe-needed")).toHaveLength(1);
    const before = driven.sent.length;
    driven.frame("key", 3, 50, true);
    driven.frame("after", 1, 60);
    driven.run(1_000);
    expect(driven.sent.slice(before)).toEqual(["key", "key", "key", "after"]);
    expect(driven.pacer.counters.mediaDropped).toBe(120 - before);
  });

  it("lets a key frame leave however large it is, and asks for the next when there is room", () => {
    const driven = new Driven(160);
    driven.frame("key", 150, 0, true);
    driven.frame("delta", 2, 10);
    driven.frame("key 2", 50, 20, true);
    expect(driven.times("keyframe-needed")).toEqual([]);
    driven.run(10_000);
    expect(driven.sent).toEqual(Array<string>(150).fill("key"));
    const [askedMs = 0] = driven.times("keyframe-needed");
    expect(askedMs).toBeGreaterThan(2_000);
    expect(driven.pacer.counters.mediaDropped).toBe(52);
  });

  it("sends a cluster at the rate it asks for: what waits first, then padding", () => {
    const driven = new Driven(100);
    driven.frame("media", 4, 0);
    const cluster = { type: "probe", clusterId: 7, kbps: 1_000, byteLength: 6_000, packets: 5 } as const;
    driven.feed(cluster, 0);
    driven.run(100);
    const probe = driven.outputs.filter((output) => "clusterId" in output && output.clusterId === 7);
    expect(probe.map(({ type }) => type)).toEqual(["send", "send", "send", "padding", "padding", "padding"]);
    // 1000 bytes are 8 ms at 1000 kbit/s.
    expect(probe.map(({ atMs }) => Math.round(atMs)).slice(0, 4)).toEqual([0, 8, 16, 24]);
    expect((probe.at(-1) as Timed).atMs).toBeLessThan(50);
  });

  it("sends clusters one after the other, at least the packets they ask for, and four at most", () => {
    const driven = new Driven(100);
    for (let clusterId = 1; clusterId <= 9; clusterId++) {
      driven.feed({ type: "probe", clusterId, kbps: 800, byteLength: 1_000, packets: 5 }, 0);
    }
    driven.run(1_000);
    const ids = driven.outputs.flatMap((output) => (output.type === "padding" ? output.clusterId : []));
    expect(ids).toEqual([1, 2, 3, 4].flatMap((id) => Array<number>(5).fill(id)));
    expect(driven.times("padding").map((at) => Math.round(at))).toEqual(ids.map((_, index) => index * 2));
  });

  it("sleeps when nothing waits, and goes on at the lowest of rates", () => {
    const driven = new Driven(0);
    expect(driven.pacer.deadlineMs).toBe(Infinity);
    driven.frame("slow", 2, 0);
    expect(driven.pacer.deadlineMs).toBe(800);
  });
});
