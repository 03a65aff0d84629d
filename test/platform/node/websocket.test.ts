import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";
import { createNodePlatform } from "../../../src/platform/node/node-platform.ts";
import type { Socket } from "../../../src/platform/platform.ts";

interface Recorded {
  socket: Socket;
  opened: Promise<void>;
  closed: Promise<{ code: number; reason: string }>;
  messages: string[];
  message: () => Promise<string>;
}

const platform = createNodePlatform();

function open(url: string): Recorded {
  const messages: string[] = [];
  const waiting: ((text: string) => void)[] = [];
  let resolveOpen: () => void = () => undefined;
  let resolveClose: (value: { code: number; reason: string }) => void = () => undefined;
  const opened = new Promise<void>((resolve) => (resolveOpen = resolve));
  const closed = new Promise<{ code: number; reason: string }>((resolve) => (resolveClose = resolve));
  const socket = platform.openSocket(url, {
    open: resolveOpen,
    message: (text) => {
      messages.push(text);
      waiting.shift()?.(text);
    },
    close: (code, reason) => resolveClose({ code, reason }),
  });
  return { socket, opened, closed, messages, message: () => new Promise((resolve) => waiting.push(resolve)) };
}

describe("sockets of the Node platform", () => {
  const servers: { close(): unknown }[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  const serve = async (onConnection: (socket: WebSocket) => void): Promise<string> => {
    const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
    servers.push(server);
    server.on("connection", onConnection);
    await new Promise((resolve) => server.once("listening", resolve));
    return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  };

  it("carries text both ways", async () => {
    const url = await serve((socket) =>
      socket.on("message", (data, binary) => socket.send(`${binary}:${(data as Buffer).toString()}`)),
    );
    const { socket, opened, message, closed } = open(url);
    socket.send("dropped, as it is not open yet");
    await opened;
    const echo = message();
    socket.send("grüße");
    expect(await echo).toBe("false:grüße");
    socket.close(1000, "done");
    expect(await closed).toEqual({ code: 1000, reason: "done" });
    socket.send("dropped");
    socket.close();
  });

  it("reports the server's words when it closes", async () => {
    const url = await serve((socket) => socket.close(4009, "replaced"));
    expect(await open(url).closed).toEqual({ code: 4009, reason: "replaced" });
  });

  it("reports 1006 with the network's error when there is no server", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const { code, reason } = await open(`ws://127.0.0.1:${port}`).closed;
    expect(code).toBe(1006);
    expect(reason).toContain("ECONNREFUSED");
  });

  it("reports 1006 for what is no WebSocket URL, instead of throwing", async () => {
    const { socket, closed } = open("http//nonsense");
    socket.send("x");
    socket.close();
    expect((await closed).code).toBe(1006);
  });

  it("closes with 1003 on a binary frame", async () => {
    const url = await serve((socket) => socket.send(new Uint8Array([1])));
    const { closed, messages } = open(url);
    expect((await closed).code).toBe(1003);
    expect(messages).toEqual([]);
  });

  it("can be closed while it opens", async () => {
    const url = await serve(() => undefined);
    const { socket, closed } = open(url);
    socket.close();
    expect((await closed).code).toBe(1006);
  });

  it("takes codes and reasons that may not be sent without throwing", async () => {
    for (const [code, reason] of [
      [1006, "x"],
      [99.5, "x"],
      [4000, "ü".repeat(100)],
    ] as const) {
      const url = await serve(() => undefined);
      const { socket, opened, closed } = open(url);
      await opened;
      socket.close(code, reason);
      expect([1005, 4000]).toContain((await closed).code);
    }
  });

  it("gives up on a server that never answers the closing handshake", async () => {
    const url = await serve((socket) => {
      // Not reading any more: the close frame stays unanswered.
      socket.pause();
    });
    const { socket, opened, closed } = open(url);
    await opened;
    socket.close(1000);
    expect((await closed).code).toBe(1006);
  });

  it("gives random bytes of their own memory", () => {
    const bytes = platform.randomBytes(16);
    expect(bytes.buffer.byteLength).toBe(16);
    expect(platform.randomBytes(16)).not.toEqual(bytes);
  });
});
