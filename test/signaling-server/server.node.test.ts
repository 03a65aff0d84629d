// The server's door on real sockets: listening, attaching, closing, and what only a network can do to it.
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/runtime/data.ts";
import type { Logger } from "../../src/runtime/logger.ts";
import { SERVER_NAME, SERVER_VERSION, SignalingServer } from "../../src/signaling-server/server.ts";
import type { SignalingServerOptions } from "../../src/signaling-server/server.ts";
import { announce, ok, quiet, request } from "./raw-peer.ts";
import { SocketPeer } from "./socket-world.ts";

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(
  options: SignalingServerOptions = {},
): Promise<{ server: SignalingServer; url: string; port: number }> {
  const server = new SignalingServer({ port: 0, ...options });
  cleanups.push(() => server.close());
  return { server, ...(await server.start()) };
}

async function open(url: string, headers?: Record<string, string>): Promise<SocketPeer> {
  const peer = new SocketPeer(url, headers);
  cleanups.push(async () => peer.vanish());
  await peer.opened();
  return peer;
}

async function httpServer(): Promise<Server> {
  const http = createServer((_request, response) => response.end("mine"));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => new Promise((resolve) => http.close(resolve).closeAllConnections()));
  return http;
}

/** A logger that remembers all it was told as text. */
function memoryLogger(): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const log = (message: string, fields: JsonObject): void => {
    lines.push(`${message} ${JSON.stringify(fields)}`);
  };
  return { logger: { debug: log, info: log, warn: log, error: log }, lines };
}

describe("starting", () => {
  it("listens on a free port and tells the URL", async () => {
    const { url, port } = await start();
    expect(url).toBe(`ws://127.0.0.1:${port}`);
    const info = await ok(await open(url), "server.info");
    expect(info).toMatchObject({ name: SERVER_NAME, version: SERVER_VERSION, protocol_versions: [1] });
    expect(info.limits).toMatchObject({
      frame_bytes: 1_048_576,
      sdp_bytes: 65_536,
      messages_per_second: 100,
    });
  });

  it("tells the version of the package", () => {
    const manifest = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
    expect(SERVER_VERSION).toBe((JSON.parse(manifest) as JsonObject).version);
  });

  it("names a busy port, and can be started when it is free", async () => {
    const { port, server } = await start();
    const second = new SignalingServer({ port });
    cleanups.push(() => second.close());
    const failure = second.start();
    await expect(failure).rejects.toMatchObject({ code: "SIGNALING_ERROR", details: { port } });
    await expect(failure).rejects.toThrow(String(port));
    await server.close();
    await second.start();
  });

  it("rejects a host that is not of this machine", async () => {
    const server = new SignalingServer({ port: 0, host: "192.0.2.1" });
    await expect(server.start()).rejects.toMatchObject({ code: "SIGNALING_ERROR" });
  });

  it("starts once, and not after it was closed", async () => {
    const { server } = await start();
    await expect(server.start()).rejects.toMatchObject({ code: "ALREADY_STARTED" });
    await server.close();
    await expect(server.start()).rejects.toMatchObject({ code: "ALREADY_SHUTDOWN" });
  });

  it("does not start when it is closed while starting", async () => {
    const server = new SignalingServer({ port: 0 });
    const starting = server.start();
    const closing = server.close();
    await expect(starting).rejects.toMatchObject({ code: "ALREADY_SHUTDOWN" });
    await closing;
  });

  it("throws for wrong options", () => {
    expect(() => new SignalingServer({ port: -1 })).toThrow("port");
  });
});

describe("closing", () => {
  it("tells clients 1001, refuses new ones, and may be repeated", async () => {
    const { server, url, port } = await start();
    const alice = await open(url);
    await announce(alice, "alice");
    await Promise.all([server.close(), server.close()]);
    expect(await alice.closed()).toBe(1001);
    await expect(open(url)).rejects.toThrow();
    const refused = new Promise((resolve) => connect(port, "127.0.0.1").once("error", resolve));
    expect(await refused).toMatchObject({ code: "ECONNREFUSED" });
    await server.close();
  });

  it("does not wait for a client that ignores the closing handshake", async () => {
    const { server, port } = await start();
    const socket = connect(port, "127.0.0.1");
    cleanups.push(async () => socket.destroy());
    const upgraded = new Promise((resolve) => socket.once("data", resolve));
    socket.write(
      "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    );
    await upgraded;
    const began = performance.now();
    await server.close();
    expect(performance.now() - began).toBeLessThan(4_000);
  });

  it("disposes of itself", async () => {
    const server = new SignalingServer({ port: 0 });
    const { url } = await server.start();
    await server[Symbol.asyncDispose]();
    await expect(open(url)).rejects.toThrow();
  });
});

describe("over HTTP", () => {
  it("tells its health and sends everything else to the WebSocket", async () => {
    const { url } = await start();
    const http = url.replace("ws:", "http:");
    await announce(await open(url), "alice");
    const health = await fetch(`${http}/health`);
    expect(await health.json()).toMatchObject({ status: "ok", connections: 1, peers: 1, rooms: 1 });
    expect((await fetch(http)).status).toBe(426);
  });

  it("attaches to a server at a path, leaves others alone, and leaves the server open", async () => {
    const http = await httpServer();
    const { port } = http.address() as AddressInfo;
    const { server, url } = await start({ server: http, path: "/signaling" });
    expect(url).toBe(`ws://127.0.0.1:${port}/signaling`);
    await announce(await open(`${url}?token=x`), "alice");
    await expect(open(`ws://127.0.0.1:${port}/other`)).rejects.toThrow("404");
    await server.close();
    expect(http.listenerCount("upgrade")).toBe(0);
    expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe("mine");
  });

  it("leaves another path to whoever else listens for upgrades", async () => {
    const http = await httpServer();
    const { port } = http.address() as AddressInfo;
    await start({ server: http, path: "/one" });
    const { url } = await start({ server: http, path: "/two" });
    await announce(await open(url), "alice");
    expect(url).toBe(`ws://127.0.0.1:${port}/two`);
  });

  it("wants a server that listens", async () => {
    const server = new SignalingServer({ server: createServer() });
    await expect(server.start()).rejects.toMatchObject({ code: "INVALID_CONFIG" });
  });
});

describe("who may come in", () => {
  it("asks the hook with token, id, room and origin, and waits for its promise", async () => {
    const asked: unknown[] = [];
    const { url } = await start({
      authenticate: async (...question) => {
        asked.push(question);
        return question[0] === "secret";
      },
    });
    const alice = await open(url, { origin: "https://example.org" });
    await announce(alice, "alice", { auth_token: "secret", room: "r" });
    expect(asked).toEqual([["secret", "alice", "r", "https://example.org"]]);
    const eve = await open(url);
    const answer = await request(eve, "peer.announce", { peer_id: "eve", capabilities: ["audio"] });
    expect(answer).toMatchObject({ error: { code: -32009, data: { kind: "UNAUTHORIZED" } } });
    expect(await eve.closed()).toBe(4003);
  });

  it("logs faults and closes, and never a token or a description", async () => {
    const { logger, lines } = memoryLogger();
    const authenticate = (token: string | undefined): boolean => {
      if (token === "s3cr3t") return true;
      throw new Error("directory is down");
    };
    const { url, server } = await start({ logger, authenticate });
    const alice = await open(url);
    await announce(alice, "alice", { auth_token: "s3cr3t" });
    await request(await open(url), "peer.announce", {
      peer_id: "b",
      capabilities: ["data"],
      auth_token: "t0k3n",
    });
    alice.sendBinary();
    await alice.closed();
    await server.close();
    const text = lines.join("\n");
    expect(text).toContain("directory is down");
    expect(text).toContain("1003");
    expect(text).not.toContain("s3cr3t");
    expect(text).not.toContain("t0k3n");
  });

  it("closes pages of other origins", async () => {
    const { url } = await start({ allowedOrigins: ["https://example.org"] });
    expect(await (await open(url, { origin: "https://evil.example" })).closed()).toBe(4003);
    await quiet(await open(url, { origin: "https://example.org" }));
  });

  it("kicks", async () => {
    const { url, server } = await start();
    const alice = await open(url);
    await announce(alice, "alice");
    server.kick("default", "alice");
    expect(await alice.closed()).toBe(4010);
    expect(server.stats().peers).toBe(0);
  });
});

describe("a hostile network", () => {
  it("survives sockets that vanish in the middle of everything", async () => {
    const { url, server } = await start();
    for (let count = 0; count < 20; count++) {
      const peer = await open(url);
      peer.sendText(
        '{"jsonrpc":"2.0","id":1,"method":"peer.announce","params":{"peer_id":"p","capabilities":["audio"]}}',
      );
      peer.vanish();
    }
    const alice = await open(url);
    await announce(alice, "alice");
    expect(server.stats().peers).toBeGreaterThanOrEqual(1);
  });

  it("terminates a reader that is too slow, and nobody else", async () => {
    const { url, server } = await start({ limits: { burst: 10_000, messagesPerSecond: 10_000 } });
    const [slow, fast] = [await open(url), await open(url)];
    await announce(slow, "slow");
    await announce(fast, "fast");
    await slow.next();
    slow.socket.pause();
    const sdp = `v=0\r\nm=audio 9\r\n${"a=x\r\n".repeat(12_000)}`;
    const gone = new Promise<void>((resolve) => slow.socket.once("close", () => resolve()));
    for (let count = 0; count < 400 && server.stats().connections === 2; count++) {
      const params = { to: "slow", request_id: `q${count}`, sdp, can_trickle_ice_candidates: true };
      await request(fast, "peer.offer", params);
    }
    expect(server.stats().connections).toBe(1);
    slow.socket.resume();
    await gone;
    await quiet(fast);
  });

  it("counts text that is no UTF-8 as the end of a socket", async () => {
    const { url, server } = await start();
    const peer = await open(url);
    peer.socket.send(Buffer.from([0xff, 0xfe]), { binary: false });
    expect(await peer.closed()).toBe(1007);
    await quiet(await open(url));
    expect(server.stats().connections).toBe(1);
  });
});
