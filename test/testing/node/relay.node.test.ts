// The relay between two plain UDP sockets that stand for peers: nothing but the relay moves their datagrams.
import { createSocket } from "node:dgram";
import type { Socket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import type { TransportError } from "../../../src/errors/errors.ts";
import { loopbackPort } from "../../../src/testing/node/candidate.ts";
import { ImpairmentRelay } from "../../../src/testing/node/node.ts";
import type { Impairment, RelayedConnection } from "../../../src/testing/node/node.ts";

const HOST = "127.0.0.1";

const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A socket that keeps what it gets. */
class End {
  readonly texts: string[] = [];
  readonly senders = new Set<number>();
  readonly #socket: Socket = createSocket("udp4");

  async open(): Promise<this> {
    this.#socket.on("message", (datagram, { port }) => {
      this.texts.push(datagram.toString());
      this.senders.add(port);
    });
    this.#socket.bind(0, HOST);
    await once(this.#socket, "listening");
    cleanups.push(() => void this.#socket.close());
    return this;
  }

  get candidate(): string {
    return candidateAt(this.#socket.address().port);
  }

  send(port: number, ...texts: string[]): void {
    for (const text of texts) this.#socket.send(text, port, HOST);
  }
}

const candidateAt = (port: number): string => `candidate:1 1 UDP 2114977791 ${HOST} ${port} typ host`;
const portOf = (candidate: string | undefined): number => loopbackPort(candidate ?? "") ?? 0;
const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index));

async function socketsOpen(): Promise<number> {
  // The event loop counts a closed socket until its turn has ended, which is after the immediates.
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
  return process.getActiveResourcesInfo().filter((name) => name === "UDPWrap").length;
}

async function eventually(what: string, check: () => boolean): Promise<void> {
  const endMs = performance.now() + 10_000;
  while (!check()) {
    if (performance.now() > endMs) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function open(impairment: Impairment): { relay: ImpairmentRelay; connection: RelayedConnection } {
  const relay = new ImpairmentRelay(impairment);
  cleanups.push(() => relay.close());
  return { relay, connection: relay.open("own", "other") };
}

/** Two ends that know each other through the relay only. */
async function pair(impairment: Impairment) {
  const { relay, connection } = open(impairment);
  const own = await new End().open();
  const other = await new End().open();
  const ownSeen = portOf(await connection.ownCandidate(own.candidate));
  const otherSeen = portOf(await connection.remoteCandidate(other.candidate));
  return { relay, connection, own, other, ownSeen, otherSeen };
}

describe("a relay", () => {
  it("passes both ways, each end seeing a port of the relay in place of the other end", async () => {
    const { relay, own, other, ownSeen, otherSeen } = await pair({});
    own.send(otherSeen, "to the other");
    other.send(ownSeen, "to our own");
    await eventually("both have arrived", () => own.texts.length + other.texts.length === 2);
    expect(other.texts).toEqual(["to the other"]);
    expect(own.texts).toEqual(["to our own"]);
    expect([...other.senders]).toEqual([ownSeen]);
    expect([...own.senders]).toEqual([otherSeen]);
    expect(relay.counters).toMatchObject({ passed: 2, lost: 0, overflowed: 0, queued: 0 });
  });

  it("stands between ends that it knows no candidate of", async () => {
    const { connection } = open({});
    const own = await new End().open();
    const stranger = await new End().open();
    const ownSeen = portOf(await connection.ownCandidate(own.candidate));
    stranger.send(ownSeen, "request");
    await eventually("the request has arrived", () => own.texts.length === 1);
    const [strangerSeen = 0] = own.senders;
    expect(strangerSeen).not.toBe(portOf(stranger.candidate));
    own.send(strangerSeen, "response");
    await eventually("the response has arrived", () => stranger.texts.length === 1);
    expect([...stranger.senders]).toEqual([ownSeen]);
    // Its candidate comes late and means the socket there is.
    expect(portOf(await connection.remoteCandidate(stranger.candidate))).toBe(strangerSeen);
  });

  it("passes nothing at a loss of 1, and all again when that is taken back", async () => {
    const { relay, own, other, ownSeen, otherSeen } = await pair({ loss: 1 });
    own.send(otherSeen, ...numbers(20));
    other.send(ownSeen, ...numbers(20));
    await eventually("all are lost", () => relay.counters.lost === 40);
    expect(relay.counters.passed).toBe(0);
    relay.set({ loss: undefined });
    own.send(otherSeen, "now");
    await eventually("it passes", () => other.texts.length === 1);
    expect([other.texts, own.texts]).toEqual([["now"], []]);
  });

  it("leaves the incoming direction alone when the other side has its own relay", async () => {
    const { relay, connection, own, other, ownSeen, otherSeen } = await pair({ loss: 1 });
    connection.impairsIncoming = false;
    own.send(otherSeen, "lost");
    other.send(ownSeen, "passed");
    await eventually("one passes, one is lost", () => own.texts.length + relay.counters.lost === 2);
    expect([own.texts, other.texts]).toEqual([["passed"], []]);
  });

  it("delays in order, and counts what is under way", async () => {
    const { relay, own, other, otherSeen } = await pair({ delayMs: 100, jitterMs: 20 });
    own.send(otherSeen, ...numbers(50));
    await eventually("all are under way", () => relay.counters.queued + relay.counters.passed === 50);
    await eventually("all have arrived", () => other.texts.length === 50);
    expect(other.texts).toEqual(numbers(50));
    expect(relay.counters).toMatchObject({ passed: 50, queued: 0, reordered: 0 });
  });

  it("loses, duplicates and reorders by its seed: the same datagrams share the same fate", async () => {
    const impairment = { loss: 0.2, duplicate: 0.2, reorder: 0.2, delayMs: 5, seed: 7 };
    const arrived: string[][] = [];
    for (let run = 0; run < 2; run++) {
      const { relay, own, other, otherSeen } = await pair(impairment);
      own.send(otherSeen, ...numbers(100));
      await eventually("all are decided", () => {
        const { passed, lost, duplicated } = relay.counters;
        return passed + lost === 100 + duplicated && other.texts.length === passed;
      });
      const { lost, duplicated, reordered } = relay.counters;
      for (const count of [lost, duplicated, reordered]) expect(count).toBeGreaterThan(5);
      for (const count of [lost, duplicated, reordered]) expect(count).toBeLessThan(40);
      expect(new Set(other.texts).size).toBe(100 - lost);
      expect(other.texts).not.toEqual([...other.texts].sort((a, b) => Number(a) - Number(b)));
      arrived.push([...other.texts].sort());
    }
    expect(arrived[1]).toEqual(arrived[0]);
  });

  it("drops what a bottleneck has no queue for", async () => {
    const { relay, own, otherSeen } = await pair({ rateKbps: 80 });
    // 200 ms at 80 kbit/s are 2000 bytes: one datagram leaves, one waits, the third has to wait longer than that.
    own.send(otherSeen, ..."abc".split("").map((letter) => letter.repeat(1_100)));
    await eventually("one is dropped", () => relay.counters.overflowed === 1);
    await eventually("two pass", () => relay.counters.passed === 2);
  });

  it("loses everything in an outage and goes on afterwards", async () => {
    const { relay, own, other, otherSeen } = await pair({});
    relay.outage(300);
    own.send(otherSeen, ...numbers(10));
    await eventually("all are lost", () => relay.counters.lost === 10);
    await eventually("one passes again", () => {
      own.send(otherSeen, "back");
      return other.texts.length > 0;
    });
    expect(new Set(other.texts)).toEqual(new Set(["back"]));
  });

  it("makes nothing of candidates it cannot relay, and passes their end", async () => {
    const { connection } = open({});
    expect(await connection.remoteCandidate("")).toBe("");
    for (const address of [
      "192.168.1.5 5000 typ host",
      "abc.local 5000 typ host",
      "127.0.0.1 5000 typ srflx",
    ]) {
      expect(await connection.remoteCandidate(`candidate:1 1 udp 1 ${address}`)).toBeUndefined();
    }
    expect(await socketsOpen()).toBe(0);
  });

  it("opens a bounded number of sockets for one connection", async () => {
    const { connection } = open({});
    const seen = new Set<number>();
    for (let port = 40_000; port < 40_100; port++) {
      seen.add(portOf(await connection.remoteCandidate(candidateAt(port))));
    }
    expect(seen.delete(0)).toBe(true);
    expect(seen.size).toBe(await socketsOpen());
    expect(seen.size).toBeLessThanOrEqual(32);
  });

  it("closes every socket, of one connection or of all, and opens none after that", async () => {
    const { relay, connection, own, other, otherSeen } = await pair({ delayMs: 50 });
    const ends = 2;
    const second = relay.open("own", "third");
    await second.remoteCandidate(candidateAt(40_000));
    expect(await socketsOpen()).toBe(ends + 3);
    own.send(otherSeen, "under way");
    await eventually("it is under way", () => relay.counters.queued === 1);
    await connection.close();
    expect(await socketsOpen()).toBe(ends + 1);
    await relay.close();
    await relay.close();
    expect(await socketsOpen()).toBe(ends);
    expect(await connection.ownCandidate(own.candidate)).toBeUndefined();
    expect(await relay.open("own", "late").ownCandidate(own.candidate)).toBeUndefined();
    expect(await socketsOpen()).toBe(ends);
    expect(other.texts).toEqual([]);
  });

  it("closes in the very moment in which it opens", async () => {
    const { relay, connection } = open({});
    const candidate = connection.remoteCandidate(candidateAt(40_000));
    await relay.close();
    expect(await candidate).toBeUndefined();
    expect(await socketsOpen()).toBe(0);
  });

  it("keeps what it had when a change is wrong", () => {
    const { relay } = open({ loss: 0.1, seed: 3 });
    const wrong = (action: () => void): string => {
      try {
        action();
      } catch (error) {
        return (error as TransportError).message;
      }
      return "";
    };
    expect(wrong(() => relay.set({ loss: 2 }))).toContain("loss: expected a probability");
    expect(wrong(() => relay.set({ seed: 4 } as Impairment))).toContain("seed: expected when");
    expect(wrong(() => relay.outage(NaN))).toContain("durationMs");
    expect(wrong(() => new ImpairmentRelay({ loss: -1 }))).toContain("loss: expected a probability");
    relay.set({ delayMs: 5 });
    expect(relay.impairment).toEqual({ loss: 0.1, seed: 3, delayMs: 5 });
  });
});
