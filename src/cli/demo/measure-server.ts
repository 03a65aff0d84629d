// The measuring sockets: pages tell what they sent and received, and get the table. Garbage is counted and ends
// nothing but its own socket.
import type { IncomingMessage, Server } from "node:http";
import { WebSocketServer } from "ws";
import type { RawData, WebSocket } from "ws";
import { decodeBlock, MAX_BLOCK_SAMPLES, MEASURE_PATH, parsePageMessage } from "./measure-protocol.ts";
import type { DemoMessage, PageCounters, PageMessage, SeenPictures } from "./measure-protocol.ts";
import { fromPcm16 } from "./wav.ts";

/** Pages measured at a time; no room holds more. */
const MAX_PAGES = 10;
/** A second of audio and its header. */
const MAX_MESSAGE_BYTES = 2 * MAX_BLOCK_SAMPLES + 1024;
/** A page that does not read its table is cut off beyond this. */
const MAX_BUFFERED_BYTES = 1_048_576;
/** A socket that sends this much nonsense is closed. */
const MAX_GARBAGE = 100;
/** Close codes: policy violation, try again later (RFC 6455 section 7.4.1 and its registry). */
const CLOSE_POLICY = 1008;
const CLOSE_FULL = 1013;
/** A page's clock is estimated; blocks further from now than this, in ms, are wrong. */
const MAX_CLOCK_ERROR_MS = 10_000;

/** What pages tell. Times are ms of the run; samples are mono at 48 kHz and belong to the callee. */
export interface MeasureEvents {
  /** Whether a page may call itself this; false for ids of this process. */
  joined(peerId: string): boolean;
  left(peerId: string): void;
  sent(peerId: string, samples: Float32Array, calledMs: number, missing: number): void;
  received(from: string, to: string, samples: Float32Array, deliveredMs: number, missing: number): void;
  /** Number, when it was handed over, and when captured, of pictures that the page sent. */
  shown(peerId: string, pictures: number[]): void;
  saw(peerId: string, seen: SeenPictures): void;
  counted(from: string, to: string, counters: PageCounters): void;
}

/** Sockets of all pages. */
export class MeasureServer {
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES });
  readonly #pages = new Map<WebSocket, { peerId: string | undefined; garbage: number }>();
  readonly #nowMs: () => number;
  readonly #events: MeasureEvents;

  /** Takes the upgrades of `server` that ask for the measuring path and leaves the others alone. */
  constructor(server: Server, nowMs: () => number, events: MeasureEvents) {
    this.#nowMs = nowMs;
    this.#events = events;
    server.on("upgrade", (request, socket, head) => {
      if (request.url !== MEASURE_PATH) return;
      if (!isSameOrigin(request)) {
        socket.on("error", () => undefined); // gone before it was told
        socket.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n");
        return;
      }
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) => this.#accept(webSocket));
    });
  }

  /** Whether a page of this name measures. */
  has(peerId: string): boolean {
    return [...this.#pages.values()].some((page) => page.peerId === peerId);
  }

  /** Send a message to every page that has said hello. */
  publish(message: DemoMessage): void {
    const text = JSON.stringify(message);
    for (const [socket, { peerId }] of this.#pages) {
      if (socket.bufferedAmount > MAX_BUFFERED_BYTES) socket.terminate();
      else if (peerId !== undefined) socket.send(text);
    }
  }

  /** End every socket. */
  close(): void {
    for (const socket of this.#pages.keys()) socket.terminate();
    this.#sockets.close();
  }

  #accept(socket: WebSocket): void {
    if (this.#pages.size >= MAX_PAGES) {
      socket.close(CLOSE_FULL, "too many pages");
      return;
    }
    this.#pages.set(socket, { peerId: undefined, garbage: 0 });
    // An error is always followed by the close that is handled below.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      const peerId = this.#pages.get(socket)?.peerId;
      this.#pages.delete(socket);
      if (peerId !== undefined) this.#events.left(peerId);
    });
    socket.on("message", (data, isBinary) => {
      const understood = isBinary ? this.#takeBlock(socket, data) : this.#takeMessage(socket, data);
      const page = this.#pages.get(socket);
      if (understood || page === undefined) return;
      page.garbage++;
      if (page.garbage > MAX_GARBAGE) socket.close(CLOSE_POLICY, "too much that makes no sense");
    });
  }

  #takeBlock(socket: WebSocket, data: RawData): boolean {
    const peerId = this.#pages.get(socket)?.peerId;
    const block = decodeBlock(bytesOf(data));
    if (peerId === undefined || block === undefined) return false;
    if (Math.abs(block.runMs - this.#nowMs()) > MAX_CLOCK_ERROR_MS || block.missing > MAX_BLOCK_SAMPLES) {
      return false;
    }
    const samples = fromPcm16(block.pcm);
    if (block.kind === "sent") this.#events.sent(peerId, samples, block.runMs, block.missing);
    else this.#events.received(block.from, peerId, samples, block.runMs, block.missing);
    return true;
  }

  #takeMessage(socket: WebSocket, data: RawData): boolean {
    const message = parsePageMessage(new TextDecoder().decode(bytesOf(data)));
    return message === undefined ? false : this.#obey(socket, message);
  }

  #obey(socket: WebSocket, message: PageMessage): boolean {
    const page = this.#pages.get(socket);
    if (page === undefined) return true;
    if (message.type === "ping") {
      socket.send(JSON.stringify({ type: "pong", pageMs: message.pageMs, runMs: this.#nowMs() }));
      return true;
    }
    if (message.type === "hello") {
      if (page.peerId !== undefined || this.has(message.peerId)) return false;
      if (!this.#events.joined(message.peerId)) return false;
      page.peerId = message.peerId;
      return true;
    }
    const { peerId } = page;
    if (peerId === undefined) return false;
    if (message.type === "shown" || message.type === "seen") return this.#takePictures(peerId, message);
    for (const { from, ...counters } of message.rows) this.#events.counted(from, peerId, counters);
    return true;
  }

  #takePictures(peerId: string, message: Extract<PageMessage, { type: "shown" | "seen" }>): boolean {
    if (message.type === "shown") {
      const { pictures } = message;
      const timesMs = pictures.filter((_, i) => i % 3 !== 0);
      if (!arePresent(timesMs, this.#nowMs())) return false;
      this.#events.shown(peerId, pictures);
      return true;
    }
    const { from, pictures } = message;
    const timesMs = pictures.map(({ receivedMs }) => receivedMs);
    if (!arePresent(timesMs, this.#nowMs())) return false;
    this.#events.saw(peerId, { from, pictures });
    return true;
  }
}

/** Whether all times are near the present, as those of pages whose clock is estimated are. */
function arePresent(timesMs: readonly number[], nowMs: number): boolean {
  return timesMs.every((timeMs) => Math.abs(timeMs - nowMs) <= MAX_CLOCK_ERROR_MS);
}

/** Whether a page of this very server asks; other web sites may not look on. */
function isSameOrigin({ headers }: IncomingMessage): boolean {
  const { origin, host } = headers;
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}
