import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import WebSocket from "ws";
import { encodeBlock } from "../../../src/cli/demo/measure-protocol.ts";
import { MeasureServer } from "../../../src/cli/demo/measure-server.ts";
import type { MeasureEvents } from "../../../src/cli/demo/measure-server.ts";
import { closePage, listenPage } from "../../../src/cli/demo/page-server.ts";

let server: Server;
let port: number;
beforeEach(async () => {
  ({ server, port } = await listenPage(0, "127.0.0.1"));
});
afterEach(() => closePage(server));

describe("the page's server", () => {
  it("takes the next free port when one is busy", async () => {
    const busy = createServer();
    await new Promise<void>((resolve) => busy.listen(0, "127.0.0.1", resolve));
    const taken = (busy.address() as AddressInfo).port;
    const next = await listenPage(taken, "127.0.0.1");
    expect(next.port).toBeGreaterThan(taken);
    await closePage(next.server);
    busy.close();
  });

  it("tells pages whether there is video", async () => {
    const video = { width: 320, height: 180, framerateFps: 15, patterns: true };
    const other = await listenPage(0, "127.0.0.1", { video });
    const runOf = async (at: number): Promise<unknown> =>
      (await fetch(`http://127.0.0.1:${at}/run.json`)).json();
    expect(await runOf(port)).toEqual({ video: null });
    expect(await runOf(other.port)).toEqual({ video });
    await closePage(other.server);
  });

  it("says so when there is no such address", async () => {
    await expect(listenPage(0, "192.0.2.1")).rejects.toThrow(/EADDRNOTAVAIL/);
  });

  it.each(["/nothing", "/../package.json", "/toString", "/%2e%2e/package.json"])(
    "has nothing at %s",
    async (path) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      expect(response.status).toBe(404);
      expect(response.headers.get("cross-origin-opener-policy")).toBe("same-origin");
      expect(response.headers.get("cross-origin-embedder-policy")).toBe("require-corp");
    },
  );

  it("is there for reading only", async () => {
    expect((await fetch(`http://127.0.0.1:${port}/`, { method: "POST" })).status).toBe(405);
  });
});

describe("the measuring socket", () => {
  const log = vi.fn<(...what: unknown[]) => void>();
  let measure: MeasureServer;
  const sockets: WebSocket[] = [];

  beforeEach(() => {
    log.mockClear();
    const events: MeasureEvents = {
      joined: (peerId) => peerId !== "alice",
      left: (peerId) => log("left", peerId),
      sent: (peerId, samples, ms, missing) => log("sent", peerId, [...samples], ms, missing),
      received: (from, to, samples, ms, missing) => log("received", from, to, [...samples], ms, missing),
      shown: (peerId, pictures) => log("shown", peerId, pictures),
      saw: (peerId, { from, pictures }) => log("saw", peerId, from, pictures),
      counted: (from, to, counters) => log("counted", from, to, counters),
    };
    measure = new MeasureServer(server, () => 5_000, events);
  });
  afterEach(() => {
    measure.close();
    for (const socket of sockets.splice(0)) socket.terminate();
  });

  function connect(options: WebSocket.ClientOptions = {}): WebSocket {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/measure`, options);
    socket.on("error", () => undefined);
    sockets.push(socket);
    return socket;
  }
  const event = (socket: WebSocket, name: "open" | "message" | "close"): Promise<unknown[]> =>
    new Promise((resolve) => socket.once(name, (...values: unknown[]) => resolve(values)));
  const said = (socket: WebSocket, message: unknown): void => socket.send(JSON.stringify(message));
  /** A pong means that everything sent before has been taken. */
  async function settled(socket: WebSocket): Promise<unknown> {
    const answer = event(socket, "message");
    said(socket, { type: "ping", pageMs: 1 });
    const [data] = await answer;
    return JSON.parse(String(data));
  }

  it("passes on what a page measures, tells it the time and the table", async () => {
    const socket = connect();
    await event(socket, "open");
    said(socket, { type: "hello", peerId: "guest" });
    socket.send(
      encodeBlock({ kind: "sent", from: "", runMs: 4_990, missing: 0, pcm: Int16Array.of(16_384) }),
    );
    const pcm = Int16Array.of(-16_384);
    socket.send(encodeBlock({ kind: "received", from: "alice", runMs: 4_995, missing: 960, pcm }));
    const counters = { packets: 1, lost: 0, concealed: 0, bufferDelayMs: 40, driftPpm: -12.5 };
    said(socket, { type: "counters", rows: [{ from: "alice", ...counters }] });
    expect(await settled(socket)).toEqual({ type: "pong", pageMs: 1, runMs: 5_000 });
    expect(log.mock.calls).toEqual([
      ["sent", "guest", [0.5], 4_990, 0],
      ["received", "alice", "guest", [-0.5], 4_995, 960],
      ["counted", "alice", "guest", counters],
    ]);
    expect(measure.has("guest")).toBe(true);

    const table = event(socket, "message");
    measure.publish({
      type: "table",
      rows: [],
      video: [],
      alignments: [],
      elapsedMs: 1,
      rssMb: 2,
      cpuPercent: 3,
    });
    expect(JSON.parse(String((await table)[0]))).toMatchObject({ type: "table", rssMb: 2 });

    socket.close();
    await event(socket, "close");
    await vi.waitFor(() => expect(log).toHaveBeenLastCalledWith("left", "guest"));
  });

  it("passes on what a page showed and saw, unless it was at another time", async () => {
    const socket = connect();
    await event(socket, "open");
    said(socket, { type: "hello", peerId: "guest" });
    const picture = { code: { frameNumber: 7, sender: 0 }, isKeyframe: true, psnrDb: 35.5, avOffsetMs: null };
    for (const atMs of [5_100, 60_000]) {
      said(socket, { type: "shown", pictures: [7, atMs, atMs - 3] });
      said(socket, { type: "seen", from: "alice", pictures: [{ ...picture, receivedMs: atMs }] });
    }
    await settled(socket);
    expect(log.mock.calls).toEqual([
      ["shown", "guest", [7, 5_100, 5_097]],
      ["saw", "guest", "alice", [{ ...picture, receivedMs: 5_100 }]],
    ]);
    socket.close();
    await vi.waitFor(() => expect(log).toHaveBeenLastCalledWith("left", "guest"));
  });

  it("takes nothing from a page that has not said who it is, or says it is somebody else", async () => {
    const socket = connect();
    await event(socket, "open");
    const block = encodeBlock({ kind: "sent", from: "", runMs: 5_000, missing: 0, pcm: Int16Array.of(1) });
    socket.send(block);
    said(socket, { type: "counters", rows: [] });
    said(socket, { type: "hello", peerId: "alice" });
    socket.send(block);
    await settled(socket);
    expect(log).not.toHaveBeenCalled();
    expect(measure.has("alice")).toBe(false);
  });

  it("leaves out blocks of an impossible time", async () => {
    const socket = connect();
    await event(socket, "open");
    said(socket, { type: "hello", peerId: "guest" });
    socket.send(encodeBlock({ kind: "sent", from: "", runMs: 60_000, missing: 0, pcm: Int16Array.of(1) }));
    await settled(socket);
    expect(log).not.toHaveBeenCalled();
  });

  it("closes a socket that keeps talking nonsense", async () => {
    const socket = connect();
    await event(socket, "open");
    for (let i = 0; i <= 100; i++) socket.send("nonsense");
    expect((await event(socket, "close"))[0]).toBe(1008);
  });

  it("refuses other web sites", async () => {
    const socket = connect({ origin: "http://elsewhere.example" });
    expect((await event(socket, "close"))[0]).toBe(1006);
    const own = connect({ origin: `http://127.0.0.1:${port}` });
    await event(own, "open");
  });

  it("has room for ten pages", async () => {
    const pages = Array.from({ length: 10 }, () => connect());
    await Promise.all(pages.map((socket) => event(socket, "open")));
    expect((await event(connect(), "close"))[0]).toBe(1013);
  });
});
