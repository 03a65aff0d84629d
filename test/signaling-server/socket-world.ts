// A real server with real WebSockets, behind the same face as the hub's world. Node only.
import WebSocket from "ws";
import type { JsonObject } from "../../src/runtime/data.ts";
import { SignalingServer } from "../../src/signaling-server/server.ts";
import type { RawPeer, World, WorldOptions } from "./raw-peer.ts";

/** How long a frame or a close may take before a test gives up on it. */
const PATIENCE_MS = 5_000;

/** A raw client on a real socket. */
export class SocketPeer implements RawPeer {
  readonly socket: WebSocket;
  readonly #frames: JsonObject[] = [];
  readonly #readers: ((frame: JsonObject) => void)[] = [];
  readonly #closeCode: Promise<number>;

  constructor(url: string, headers: Record<string, string> = {}) {
    this.socket = new WebSocket(url, { headers });
    this.socket.on("message", (data) => {
      const frame = JSON.parse((data as Buffer).toString("utf8")) as JsonObject;
      const reader = this.#readers.shift();
      if (reader === undefined) this.#frames.push(frame);
      else reader(frame);
    });
    this.#closeCode = new Promise((resolve) => this.socket.on("close", resolve));
    this.socket.on("error", () => undefined);
  }

  opened(): Promise<void> {
    return inTime(
      "open",
      new Promise((resolve, reject) => {
        this.socket.on("open", resolve);
        this.socket.on("error", reject);
      }),
    );
  }

  sendText(text: string): void {
    this.socket.send(text);
  }

  sendBinary(): void {
    this.socket.send(new Uint8Array([1, 2, 3]));
  }

  next(): Promise<JsonObject> {
    const frame = this.#frames.shift();
    if (frame !== undefined) return Promise.resolve(frame);
    return inTime("a frame", new Promise((resolve) => this.#readers.push(resolve)));
  }

  closed(): Promise<number> {
    return inTime("close", this.#closeCode);
  }

  vanish(): void {
    this.socket.terminate();
  }
}

export class SocketWorld implements World {
  readonly server: SignalingServer;
  readonly url: string;
  readonly #peers: SocketPeer[] = [];

  constructor(server: SignalingServer, url: string) {
    this.server = server;
    this.url = url;
  }

  async connect(): Promise<RawPeer> {
    const peer = new SocketPeer(this.url);
    this.#peers.push(peer);
    await peer.opened();
    return peer;
  }

  async stop(): Promise<void> {
    await this.server.close();
    for (const peer of this.#peers) peer.vanish();
  }
}

export async function socketWorld(options: WorldOptions = {}): Promise<SocketWorld> {
  const server = new SignalingServer({ port: 0, limits: options.limits, authenticate: options.authenticate });
  const { url } = await server.start();
  return new SocketWorld(server, url);
}

function inTime<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come`)), PATIENCE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
