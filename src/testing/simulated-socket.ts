// WebSockets of the simulation: two ends that speak over the wire. No handshake but the one that events show.
import type { Socket, SocketEvents } from "../platform/platform.ts";
import type { Clock } from "../runtime/time.ts";
import type { SimulatedWire } from "./simulated-wire.ts";

/** A server on the simulated network. `socket` is the same object in all calls for one connection. */
export interface SimulatedServer {
  /** A client has connected. @param client the platform's name */
  open(socket: Socket, client: string): void;
  message(socket: Socket, text: string): void;
  /** Once, last. */
  close(socket: Socket, code: number, reason: string): void;
}

/** No status code was given (RFC 6455 section 7.4.1). */
const NO_STATUS = 1005;

/** The connection was lost without a closing handshake (RFC 6455 section 7.4.1). */
export const ABNORMAL_CLOSURE = 1006;

/** IPv4, TCP, TLS and WebSocket framing, about. */
const SEGMENT_OVERHEAD_BYTES = 70;

/** One end of a simulated WebSocket. */
export class SimulatedSocket implements Socket {
  readonly name: string;
  /** Where the server listens. */
  readonly url: string;
  readonly #clock: Clock;
  readonly #wire: SimulatedWire;
  readonly #events: SocketEvents;
  #peer: SimulatedSocket | undefined;
  #state: "connecting" | "open" | "closing" | "closed" = "connecting";

  /** @param name the endpoint this end belongs to */
  constructor(name: string, url: string, clock: Clock, wire: SimulatedWire, events: SocketEvents) {
    this.name = name;
    this.url = url;
    this.#clock = clock;
    this.#wire = wire;
    this.#events = events;
  }

  get closed(): boolean {
    return this.#state === "closed";
  }

  /** Start connecting; `find` is asked when the request has arrived. */
  connect(find: () => SimulatedServer | undefined): void {
    const { url } = this;
    this.#carry(url, () => {
      const server = find();
      if (this.#state !== "connecting") return;
      if (server === undefined) {
        return this.#carryBack(url, () => this.#finish(ABNORMAL_CLOSURE, "connection refused"));
      }
      const end: SimulatedSocket = new SimulatedSocket(url, url, this.#clock, this.#wire, {
        open: () => server.open(end, this.name),
        message: (text) => server.message(end, text),
        close: (code, reason) => server.close(end, code, reason),
      });
      end.#peer = this;
      this.#peer = end;
      this.#carryBack(url, () => this.#open());
      end.#open();
    });
  }

  send(text: string): void {
    const peer = this.#peer;
    if (this.#state !== "open" || peer === undefined) return;
    const deliver = (): void => {
      if (peer.#state === "open") peer.#events.message(text);
    };
    this.#carry(peer.name, deliver, text.length + SEGMENT_OVERHEAD_BYTES);
  }

  close(code = NO_STATUS, reason = ""): void {
    const peer = this.#peer;
    if (this.#state === "closing" || this.#state === "closed") return;
    if (this.#state === "connecting" || peer === undefined) return this.sever("closed before it was open");
    this.#state = "closing";
    this.#carry(peer.name, () => {
      peer.#finish(code, reason);
      this.#carryBack(peer.name, () => this.#finish(code, reason));
    });
  }

  /** End the connection as a network failure does: both sides see code 1006. */
  sever(reason: string): void {
    for (const end of [this, this.#peer]) {
      if (end === undefined || end.#state === "closed") continue;
      end.#state = "closing";
      this.#clock.setTimer(this.#clock.now(), () => end.#finish(ABNORMAL_CLOSURE, reason));
    }
  }

  #open(): void {
    if (this.#state !== "connecting") return;
    this.#state = "open";
    this.#events.open();
  }

  #finish(code: number, reason: string): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#events.close(code, reason);
  }

  #carry(to: string, deliver: () => void, byteLength = SEGMENT_OVERHEAD_BYTES): void {
    this.#wire.send({ from: this.name, to, reliable: true, byteLength, deliver });
  }

  #carryBack(from: string, deliver: () => void): void {
    const byteLength = SEGMENT_OVERHEAD_BYTES;
    this.#wire.send({ from, to: this.name, reliable: true, byteLength, deliver });
  }
}
