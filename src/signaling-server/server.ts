// The server's door: listens, gives every WebSocket a number, and carries text between sockets and hub. Node only.
import { randomBytes } from "node:crypto";
import { STATUS_CODES, createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { performance } from "node:perf_hooks";
import type { Duplex } from "node:stream";
import WebSocket, { WebSocketServer } from "ws";
import { TransportError, toTransportError } from "../errors/errors.ts";
import { Driver } from "../runtime/driver.ts";
import { ScopedLogger } from "../runtime/logger.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Clock } from "../runtime/time.ts";
import type { AuthQuestion, AuthVerdict } from "./auth.ts";
import { Hub } from "./hub.ts";
import type { HubInput, HubOutput, HubStats } from "./hub-io.ts";
import type { SignalingLimits } from "./limits.ts";
import { checkOptions } from "./server-options.ts";
import type { Address } from "./server-options.ts";

export type { HubStats } from "./hub-io.ts";
export type { SignalingLimits } from "./limits.ts";

/** As told by `server.info`. */
export const SERVER_NAME = "remotemedia-webrtc";
/** As told by `server.info` and `GET /health`: the package's version. */
export const SERVER_VERSION = "0.1.0";

/** How long sockets may take for the closing handshake, in ms. */
const CLOSE_TIMEOUT_MS = 1_000;

/** Bytes a socket may leave unread; a reader that slow is terminated and may resume. */
const MAX_UNSENT_BYTES = 4 * 1_048_576;

/** RFC 6455 section 7.4.1. */
const CLOSE_GOING_AWAY = 1001;
const CLOSE_INTERNAL = 1011;

/**
 * Decides who may announce. `token` is what the client sent as `auth_token`; never log it. False refuses; a throw is
 * a fault of the server, told to the client as such.
 */
export type Authenticate = (
  token: string | undefined,
  peerId: string,
  room: string,
  origin: string | undefined,
) => boolean | Promise<boolean>;

/** Options of a {@link SignalingServer}; all may be left out. */
export interface SignalingServerOptions {
  /** 0: any free one; 8080 by default. Not used with `server`. */
  port?: number | undefined;
  /** Address to listen on; 127.0.0.1 by default. Not used with `server`. */
  host?: string | undefined;
  /** A listening HTTP or HTTPS server to attach to; it stays open when the signaling server closes. */
  server?: Server | undefined;
  /** Path of the WebSocket, e.g. `/signaling`; every path by default. */
  path?: string | undefined;
  /** Those left out keep their defaults. */
  limits?: Partial<SignalingLimits> | undefined;
  authenticate?: Authenticate | undefined;
  /** Origins of pages that may connect, e.g. `https://example.org`; all by default. */
  allowedOrigins?: readonly string[] | undefined;
  /** Silent by default. Tokens and session descriptions are never logged. */
  logger?: Logger | undefined;
}

/** What {@link SignalingServer.stats} counts. */
export type SignalingServerStats = HubStats;

/**
 * A signaling server: rooms of peers that find each other and exchange descriptions. Speaks JSON-RPC 2.0 over
 * WebSockets, and `GET /health` when it listens itself.
 */
export class SignalingServer {
  readonly #options: SignalingServerOptions;
  readonly #address: Address;
  readonly #hub: Hub;
  readonly #driver: Driver<HubInput, HubOutput>;
  readonly #sockets = new Map<number, WebSocket>();
  readonly #webSockets: WebSocketServer;
  readonly #log: ScopedLogger | undefined;
  readonly #upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void =>
    this.#upgraded(request, socket, head);
  #state: "idle" | "starting" | "started" | "closed" = "idle";
  #http: Server | undefined;
  #closing: Promise<void> | undefined;
  #lastId = 0;

  /** No socket is opened before `start()`. @throws TransportError `INVALID_CONFIG` with every fault */
  constructor(options: SignalingServerOptions = {}) {
    const { address, limits } = checkOptions(options);
    this.#options = options;
    this.#address = address;
    const { logger } = options;
    this.#log =
      logger === undefined ? undefined : new ScopedLogger(logger, "debug", { part: "signaling-server" });
    this.#hub = new Hub({
      limits,
      name: SERVER_NAME,
      version: SERVER_VERSION,
      randomBytes,
      wallOffsetMs: performance.timeOrigin,
      authenticates: options.authenticate !== undefined,
      allowedOrigins: options.allowedOrigins?.map((origin) => origin.toLowerCase()),
    });
    this.#driver = new Driver(this.#hub, clock, (output) => this.#effect(output));
    this.#webSockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: limits.frameBytes,
    });
  }

  /**
   * Listen, or attach to `options.server`.
   *
   * @returns the URL for clients, with the port that was taken
   * @throws TransportError `SIGNALING_ERROR` when the port is busy or the host unknown, `INVALID_CONFIG` when
   *   `options.server` does not listen, `ALREADY_STARTED`, `ALREADY_SHUTDOWN`
   */
  async start(): Promise<{ url: string; port: number }> {
    if (this.#state === "closed")
      throw new TransportError("ALREADY_SHUTDOWN", "the signaling server was closed");
    if (this.#state !== "idle")
      throw new TransportError("ALREADY_STARTED", "the signaling server has started");
    this.#state = "starting";
    try {
      const http = this.#options.server ?? (await this.#listen());
      const place = http.address();
      if (place === null || typeof place === "string") {
        throw new TransportError("INVALID_CONFIG", "server: expected an HTTP server that listens on a port");
      }
      if (this.#closing !== undefined) {
        if (http !== this.#options.server) http.close();
        throw new TransportError("ALREADY_SHUTDOWN", "the signaling server was closed while it started");
      }
      this.#http = http;
      http.on("upgrade", this.#upgrade);
      this.#state = "started";
      this.#log?.info("signaling server started", { port: place.port });
      return { url: this.#url(place, "setSecureContext" in http), port: place.port };
    } catch (error) {
      this.#state = this.#closing === undefined ? "idle" : "closed";
      throw error;
    }
  }

  /** Close every socket with 1001 and stop listening. Idempotent, never rejects, at most a second or so. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Remove a peer: its socket closes with 4010, the room hears `kicked`, and a client stays away. */
  kick(room: string, peerId: string): void {
    this.#driver.handle({ type: "kick", room, peerId });
  }

  /** A snapshot of the counters. */
  stats(): SignalingServerStats {
    return this.#hub.stats();
  }

  #listen(): Promise<Server> {
    const { port, host } = this.#address;
    const http = createServer((request, response) => this.#plainRequest(request, response));
    return new Promise((resolve, reject) => {
      http.on("error", (error: NodeJS.ErrnoException) => {
        this.#log?.warn("http server error", { error: error.message });
        const busy = error.code === "EADDRINUSE";
        reject(
          new TransportError("SIGNALING_ERROR", `cannot listen on ${host} port ${port}: ${error.message}`, {
            suggestion: busy
              ? `Port ${port} is in use: stop the program that uses it, or choose another port (0 takes a free one).`
              : `Check host and port: ${host} must be an address of this machine.`,
            details: { host, port },
            cause: error,
          }),
        );
      });
      http.listen(port, host, () => resolve(http));
    });
  }

  #url({ address, port, family }: AddressInfo, secure: boolean): string {
    const anywhere = address === "0.0.0.0" || address === "::";
    const host = anywhere ? "localhost" : family === "IPv6" ? `[${address}]` : address;
    return `${secure ? "wss" : "ws"}://${host}:${port}${this.#address.path ?? ""}`;
  }

  async #close(): Promise<void> {
    this.#state = "closed";
    this.#driver.close();
    this.#http?.off("upgrade", this.#upgrade);
    const sockets = [...this.#sockets.values()];
    const gone = sockets.map((socket) => new Promise((resolve) => socket.once("close", resolve)));
    for (const socket of sockets) endSocket(socket, CLOSE_GOING_AWAY, "server shutdown");
    await Promise.all(gone);
    const own = this.#options.server === undefined ? this.#http : undefined;
    if (own === undefined) return;
    await new Promise((resolve) => {
      own.close(resolve);
      own.closeAllConnections();
    });
    this.#log?.info("signaling server closed", {});
  }

  #plainRequest(request: IncomingMessage, response: ServerResponse): void {
    if (request.method === "GET" && pathOf(request) === "/health") {
      const { connections, peers, rooms } = this.#hub.stats();
      response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" });
      response.end(JSON.stringify({ status: "ok", version: SERVER_VERSION, connections, peers, rooms }));
      return;
    }
    response.writeHead(426, { "content-type": "text/plain", upgrade: "websocket" });
    response.end("This is a signaling server: connect with a WebSocket.\n");
  }

  #upgraded(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { path } = this.#address;
    if (path !== undefined && pathOf(request) !== path) {
      // On a shared HTTP server another listener may be responsible for this path.
      if ((this.#http?.listenerCount("upgrade") ?? 0) <= 1) refuseUpgrade(socket, 404);
      return;
    }
    this.#webSockets.handleUpgrade(request, socket, head, (accepted) => this.#accepted(accepted, request));
  }

  #accepted(socket: WebSocket, request: IncomingMessage): void {
    this.#lastId += 1;
    const connection = this.#lastId;
    this.#sockets.set(connection, socket);
    socket.on("message", (data, binary) => {
      if (binary) this.#feed({ type: "binary", connection });
      else this.#feed({ type: "message", connection, text: textOf(data) });
    });
    socket.on("pong", () => this.#feed({ type: "pong", connection }));
    // A frame that is too large or no UTF-8 ends the socket by itself: 1009 or 1007 follow as close.
    socket.on("error", (error) => {
      this.#log?.debug("socket error", { connection, error: error.message });
      terminateSoon(socket);
    });
    socket.on("close", (code) => {
      this.#sockets.delete(connection);
      this.#feed({ type: "close", connection, code });
    });
    const { origin } = request.headers;
    this.#feed({ type: "open", connection, ip: request.socket.remoteAddress ?? "unknown", origin });
  }

  /** The hub guards its methods itself; should it fail all the same, that costs one socket and not the process. */
  #feed(input: HubInput & { connection: number }): void {
    try {
      this.#driver.handle(input);
    } catch (error) {
      this.#fault(error);
      const socket = this.#sockets.get(input.connection);
      if (socket !== undefined) endSocket(socket, CLOSE_INTERNAL, "internal error");
    }
  }

  #effect(output: HubOutput): void {
    switch (output.type) {
      case "send":
        return this.#send(output.connection, output.text);
      case "ping":
        return this.#sockets.get(output.connection)?.ping();
      case "close": {
        const socket = this.#sockets.get(output.connection);
        if (socket !== undefined) endSocket(socket, output.code, output.reason);
        return;
      }
      case "terminate":
        return this.#sockets.get(output.connection)?.terminate();
      case "authenticate":
        return this.#ask(output.ticket, output.question);
      case "fault":
        return this.#fault(output.error);
      case "log":
        return this.#log?.debug(output.message, output.fields);
    }
  }

  #send(connection: number, text: string): void {
    const socket = this.#sockets.get(connection);
    if (socket === undefined) return;
    if (socket.bufferedAmount > MAX_UNSENT_BYTES) return socket.terminate();
    // A write that fails later is followed by the close event, which tells all there is to tell.
    socket.send(text, () => undefined);
  }

  #ask(ticket: number, { token, peerId, room, origin }: AuthQuestion): void {
    const answer = (verdict: AuthVerdict): void =>
      this.#driver.handle({ type: "authenticated", ticket, verdict });
    const ask = async (): Promise<unknown> => this.#options.authenticate?.(token, peerId, room, origin);
    ask().then(
      (allowed) => answer(allowed === true ? "allowed" : "refused"),
      (error: unknown) => {
        this.#fault(error);
        answer("failed");
      },
    );
  }

  #fault(error: unknown): void {
    const { message, code } = toTransportError(error, "INTERNAL_ERROR", "signaling server");
    this.#log?.error("internal error", { message, code });
  }
}

const clock: Clock = {
  now: () => performance.now(),
  wallNow: () => performance.timeOrigin + performance.now(),
  setTimer(atMs, callback) {
    // Deadlines are minutes at most; a timeout that fires early is asked for again by the driver.
    const timer = setTimeout(callback, Math.max(0, Math.ceil(atMs - performance.now())));
    return () => clearTimeout(timer);
  },
};

/** Close, and do not wait for a client that leaves the closing handshake unanswered. */
function endSocket(socket: WebSocket, code: number, reason: string): void {
  socket.close(code, reason);
  terminateSoon(socket);
}

function terminateSoon(socket: WebSocket): void {
  if (socket.readyState === WebSocket.CLOSED) return;
  const timer = setTimeout(() => socket.terminate(), CLOSE_TIMEOUT_MS);
  socket.once("close", () => clearTimeout(timer));
}

function refuseUpgrade(socket: Duplex, status: number): void {
  // Whoever hangs up instead of reading the refusal has got what it wanted.
  socket.on("error", () => undefined);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
  );
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? "/").replace(/\?.*$/s, "");
}

function textOf(data: WebSocket.RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString("utf8");
  return Buffer.isBuffer(data) ? data.toString("utf8") : Buffer.from(data).toString("utf8");
}
