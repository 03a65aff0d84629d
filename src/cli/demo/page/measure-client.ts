// The page's end of the measuring socket: streams what was sent and received, and hands out the table. A lost
// socket is opened again; what could not be sent meanwhile is not measured.
import { encodeBlock, MEASURE_PATH, parseDemoMessage } from "../measure-protocol.ts";
import type { DemoMessage, PageMessage, SeenByPage } from "../measure-protocol.ts";
import { toPcm16 } from "../wav.ts";
import { ClockEstimate } from "./clock-estimate.ts";

/** Pings come fast at first, so that measuring can begin. */
const FAST_PING_MS = 50;
const PING_MS = 1_000;
const FAST_PINGS = 8;
const REOPEN_MS = 1_000;
/** A socket that takes no more, e.g. over a slow line: blocks are left out beyond this. */
const MAX_BUFFERED_BYTES = 1_048_576;
/** Pictures are told of this often, ms, and at most so many of one peer at a time. */
const PICTURES_MS = 100;
const MAX_PICTURES = 60;

/** What the page is told. */
export interface MeasureClientEvents {
  table(table: Extract<DemoMessage, { type: "table" }>): void;
  /** Whether the demo can be reached. */
  reachable(reachable: boolean): void;
}

/** See the header. */
export class MeasureClient {
  readonly #peerId: string;
  readonly #events: MeasureClientEvents;
  #clock = new ClockEstimate();
  #socket: WebSocket | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pings = 0;
  readonly #pictureTimer: ReturnType<typeof setInterval>;
  #shown: number[] = [];
  #seen = new Map<string, SeenByPage[]>();
  #closed = false;

  /** Opens the socket at once. @param peerId how the page calls itself in the room */
  constructor(peerId: string, events: MeasureClientEvents) {
    this.#peerId = peerId;
    this.#events = events;
    this.#pictureTimer = setInterval(() => this.#tellPictures(), PICTURES_MS);
    this.#open();
  }

  /** Note what the microphone gave, now. */
  sent(samples: Float32Array): void {
    this.#block("sent", "", samples, 0);
  }

  /** Note what was delivered of `from`, now. */
  received(from: string, samples: Float32Array, missing: number): void {
    this.#block("received", from, samples, missing);
  }

  /** Note a picture that was sent. Times are those of `performance.now()`. */
  shown(number: number, sentMs: number, captureMs: number): void {
    if (this.#shown.length < 3 * MAX_PICTURES) this.#shown.push(number, sentMs, captureMs);
  }

  /** Note a picture that came of `from`. `receivedMs` is of `performance.now()`. */
  seen(from: string, picture: SeenByPage): void {
    const pictures = this.#seen.get(from) ?? [];
    if (pictures.length < MAX_PICTURES) pictures.push(picture);
    this.#seen.set(from, pictures);
  }

  /** Pass on what the transport counts. */
  counted(rows: Extract<PageMessage, { type: "counters" }>["rows"]): void {
    this.#say({ type: "counters", rows });
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#pictureTimer);
    this.#socket?.close();
  }

  #open(): void {
    const socket = new WebSocket(new URL(MEASURE_PATH, location.href.replace(/^http/, "ws")));
    this.#socket = socket;
    this.#clock = new ClockEstimate();
    this.#pings = 0;
    socket.onopen = (): void => {
      this.#events.reachable(true);
      this.#say({ type: "hello", peerId: this.#peerId });
      this.#ping();
    };
    socket.onmessage = ({ data }: MessageEvent<unknown>): void => {
      if (typeof data === "string") this.#take(parseDemoMessage(data));
    };
    socket.onclose = (): void => {
      clearTimeout(this.#timer);
      if (this.#closed) return;
      this.#events.reachable(false);
      this.#timer = setTimeout(() => this.#open(), REOPEN_MS);
    };
  }

  #take(message: DemoMessage | undefined): void {
    if (message?.type === "table") this.#events.table(message);
    if (message?.type === "pong") this.#clock.add(message.pageMs, performance.now(), message.runMs);
  }

  #ping(): void {
    this.#say({ type: "ping", pageMs: performance.now() });
    this.#pings++;
    this.#timer = setTimeout(() => this.#ping(), this.#pings < FAST_PINGS ? FAST_PING_MS : PING_MS);
  }

  #tellPictures(): void {
    // What waits for the clock is told as soon as that is known.
    if (this.#clock.toRunMs(0) === undefined) return;
    const toRunMs = (pageMs: number): number => this.#clock.toRunMs(pageMs) ?? 0;
    const shown = this.#shown.map((value, i) => (i % 3 === 0 ? value : toRunMs(value)));
    if (shown.length > 0) this.#say({ type: "shown", pictures: shown });
    for (const [from, pictures] of this.#seen) {
      const seen = pictures.map((picture) => ({ ...picture, receivedMs: toRunMs(picture.receivedMs) }));
      this.#say({ type: "seen", from, pictures: seen });
    }
    this.#shown = [];
    this.#seen = new Map();
  }

  #block(kind: "sent" | "received", from: string, samples: Float32Array, missing: number): void {
    const runMs = this.#clock.toRunMs(performance.now());
    const socket = this.#socket;
    if (runMs === undefined || socket?.readyState !== WebSocket.OPEN) return;
    if (socket.bufferedAmount > MAX_BUFFERED_BYTES) return;
    socket.send(encodeBlock({ kind, from, runMs, missing, pcm: toPcm16(samples) }));
  }

  #say(message: PageMessage): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}
