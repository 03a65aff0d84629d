import { describe, expect, it } from "vitest";
import { SimulatedNetwork } from "../../src/testing/simulated-platform.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

const URL = "ws://signaling.test:8080";

function setUp(delayMs = 10) {
  const clock = new VirtualClock();
  const network = new SimulatedNetwork({ clock, seed: 7, link: { delayMs } });
  return { clock, network, alice: network.platform("alice"), bob: network.platform("bob") };
}

function socketLog(log: string[], name: string) {
  return {
    open: () => void log.push(`${name} open`),
    message: (text: string) => void log.push(`${name} got ${text}`),
    close: (code: number, reason: string) => void log.push(`${name} closed ${code} ${reason}`.trim()),
  };
}

function serverLog(log: string[]) {
  const sockets: { send(text: string): void; close(code?: number, reason?: string): void }[] = [];
  return {
    sockets,
    open: (socket: (typeof sockets)[0], client: string) => {
      sockets.push(socket);
      log.push(`server open ${client}`);
    },
    message: (_: unknown, text: string) => void log.push(`server got ${text}`),
    close: (_: unknown, code: number, reason: string) =>
      void log.push(`server closed ${code} ${reason}`.trim()),
  };
}

describe("sockets", () => {
  it("open, carry text both ways in order and close with the other side's words", () => {
    const { clock, network, alice } = setUp();
    const log: string[] = [];
    const server = serverLog(log);
    network.listen(`${URL}/`, server);
    const socket = alice.openSocket(URL, socketLog(log, "alice"));
    socket.send("too early");
    clock.advance(20);
    expect(log).toEqual(["server open alice", "alice open"]);
    socket.send("1");
    socket.send("2");
    server.sockets[0]?.send("3");
    clock.advance(9);
    expect(log).toHaveLength(2);
    clock.advance(1);
    expect(log.slice(2).sort()).toEqual(["alice got 3", "server got 1", "server got 2"]);
    server.sockets[0]?.close(4010, "kicked");
    clock.advance(20);
    socket.send("too late");
    socket.close();
    clock.advance(100);
    expect(log.slice(5)).toEqual(["alice closed 4010 kicked", "server closed 4010 kicked"]);
    expect(clock.pending).toBe(0);
  });

  it("give what a server sends at once only after open", () => {
    const { clock, network, alice } = setUp();
    const log: string[] = [];
    network.listen(URL, {
      open: (socket) => socket.send("welcome"),
      message: () => undefined,
      close: () => undefined,
    });
    alice.openSocket(URL, socketLog(log, "alice"));
    clock.advance(20);
    expect(log).toEqual(["alice open", "alice got welcome"]);
  });

  it("close with 1006 where nobody listens, and no longer listens", () => {
    const { clock, network, alice } = setUp();
    const log: string[] = [];
    const stop = network.listen(URL, serverLog([]));
    stop();
    alice.openSocket(URL, socketLog(log, "alice"));
    clock.advance(20);
    expect(log).toEqual(["alice closed 1006 connection refused"]);
  });

  it("close with 1005 when no code is given, and once when both sides close", () => {
    const { clock, network, alice } = setUp();
    const log: string[] = [];
    const server = serverLog(log);
    network.listen(URL, server);
    const socket = alice.openSocket(URL, socketLog(log, "alice"));
    clock.advance(20);
    log.length = 0;
    socket.close();
    server.sockets[0]?.close(1001, "shutdown");
    clock.advance(100);
    expect(log.sort()).toEqual(["alice closed 1001 shutdown", "server closed 1005"]);
  });

  it("can be closed before they are open", () => {
    const { clock, network, alice } = setUp();
    const log: string[] = [];
    network.listen(URL, serverLog(log));
    alice.openSocket(URL, socketLog(log, "alice")).close();
    clock.advance(100);
    expect(log).toEqual(["alice closed 1006 closed before it was open"]);
  });

  it("wait through a cut and deliver afterwards", () => {
    const { clock, network, alice } = setUp();
    const log: string[] = [];
    network.listen(URL, serverLog(log));
    const socket = alice.openSocket(URL, socketLog(log, "alice"));
    clock.advance(20);
    network.partition("alice", URL);
    socket.send("1");
    socket.send("2");
    clock.advance(5_000);
    expect(log).toHaveLength(2);
    network.heal("alice", URL);
    clock.advance(10);
    expect(log.slice(2)).toEqual(["server got 1", "server got 2"]);
  });

  it("break on both sides with 1006 when they are severed", () => {
    const { clock, network, alice, bob } = setUp();
    const log: string[] = [];
    network.listen(URL, serverLog(log));
    alice.openSocket(URL, socketLog(log, "alice"));
    bob.openSocket(URL, socketLog(log, "bob"));
    clock.advance(20);
    log.length = 0;
    network.severSockets("alice");
    clock.advance(20);
    expect(log).toEqual(["alice closed 1006 connection lost", "server closed 1006 connection lost"]);
    network.severSockets(URL);
    clock.advance(20);
    expect(log).toHaveLength(4);
  });
});
