// How long a client waits before it tries a lost socket again, and when it stays away.
import { describe, expect, it } from "vitest";
import { codeOf, comeBack, FakeNetwork, namesOf, record, registered } from "./fake-network.ts";

describe("backoff", () => {
  /** Waits before each of `count` failing attempts, ms. */
  async function waits(net: FakeNetwork, count: number, code = 1006): Promise<number[]> {
    const delays: number[] = [];
    for (let attempt = 0; attempt < count; attempt++) {
      net.socket.end(code);
      const lostMs = net.clock.now();
      const sockets = net.sockets.length;
      while (net.sockets.length === sockets) await net.clock.run(10);
      delays.push(net.clock.now() - lostMs);
    }
    return delays;
  }

  it("doubles from half a second to half a minute, with jitter, without limit", async () => {
    const net = new FakeNetwork();
    const client = await net.announced();
    const events = record(client);
    const delays = await waits(net, 14);
    for (const [attempt, delayMs] of delays.entries()) {
      const fullMs = Math.min(500 * 2 ** attempt, 30_000);
      expect(delayMs).toBeGreaterThanOrEqual(fullMs / 2);
      expect(delayMs).toBeLessThanOrEqual(fullMs + 10);
    }
    expect(new Set(delays.slice(-6)).size).toBeGreaterThan(1);
    expect(namesOf(events)).toEqual(["stateChange", "disconnected"]);
    expect(client.state).toBe("reconnecting");
  });

  it("gives an attempt connectTimeoutMs", async () => {
    const net = new FakeNetwork();
    const client = await net.announced({ connectTimeoutMs: 2000 });
    net.socket.end(1006);
    await net.clock.run(500);
    expect(net.sockets).toHaveLength(2);
    await net.clock.run(2000);
    expect(net.sockets[1]?.closedWith).toBe(4000);
    expect(client.state).toBe("reconnecting");
  });

  it("starts from the beginning after a connection that lasted, and only then", async () => {
    const net = new FakeNetwork();
    await net.announced();
    await waits(net, 5);
    net.socket.accept();
    await net.clock.run(0);
    net.socket.answer("peer.announce", registered({ resumed: true }));
    const [short] = await waits(net, 1);
    expect(short).toBeGreaterThan(7000);
    net.socket.accept();
    await net.clock.run(0);
    net.socket.answer("peer.announce", registered({ resumed: true }));
    await net.clock.run(10_000);
    const [fresh] = await waits(net, 1);
    expect(fresh).toBeLessThanOrEqual(510);
  });

  it("starts from the beginning after close() and connect()", async () => {
    const net = new FakeNetwork();
    const client = await net.announced();
    await waits(net, 5);
    await net.clock.until(client.close());
    const again = client.connect();
    net.socket.accept();
    await again;
    expect((await waits(net, 1))[0]).toBeLessThanOrEqual(510);
  });

  it("waits at least 30 s after 4029, and connect() does not cut that short", async () => {
    const net = new FakeNetwork();
    const client = await net.announced();
    net.socket.end(4029);
    const waiting = codeOf(client.connect({ timeoutMs: 25_000 }));
    await net.clock.run(29_999);
    expect([net.sockets.length, await waiting]).toEqual([1, "SIGNALING_ERROR"]);
    await net.clock.run(600);
    expect(net.sockets).toHaveLength(2);
  });

  it("is cut short by connect(), which fails with that attempt or waits for the announcement", async () => {
    const net = new FakeNetwork();
    const client = await net.announced();
    await waits(net, 6);
    net.socket.end(1006);
    const sockets = net.sockets.length;
    const failing = codeOf(client.connect());
    expect(net.sockets.length).toBe(sockets + 1);
    net.socket.end(1006);
    expect([await failing, client.state]).toEqual(["SIGNALING_ERROR", "reconnecting"]);
    const working = client.connect();
    net.socket.accept();
    await net.clock.run(0);
    net.socket.answer("peer.announce", registered({ resumed: true }));
    await working;
  });

  it.each([1000, 4003, 4009, 4010])("stays away after %i", async (code) => {
    const net = new FakeNetwork();
    const client = await net.announced();
    const events = record(client);
    net.socket.end(code, "bye");
    await net.clock.run(120_000);
    expect(events).toEqual([
      { name: "stateChange", value: "closed" },
      { name: "disconnected", value: { code, reason: "bye", willReconnect: false } },
    ]);
    expect([net.sockets.length, net.clock.pending]).toEqual([1, 0]);
    const again = client.connect();
    net.socket.accept();
    await again;
    expect(net.socket.sent).toEqual([]);
  });

  it.each([1001, 1003, 1009, 1011, 4001, 4008, 1005])("comes back after %i", async (code) => {
    const net = new FakeNetwork();
    await net.announced();
    net.socket.end(code);
    await comeBack(net);
  });

  it("comes back to a socket without a registration when there was none", async () => {
    const net = new FakeNetwork();
    const client = await net.connected();
    net.socket.end(1006);
    await comeBack(net);
    expect([client.state, net.socket.sent]).toEqual(["connected", []]);
  });
});
