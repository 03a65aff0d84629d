// A UDP socket on a free port of 127.0.0.1. Loses datagrams silently, as the network does; never throws.
import { createSocket } from "node:dgram";
import { LOOPBACK } from "./candidate.ts";

/** Room for a burst while the event loop is busy; the system may grant less. */
const RECEIVE_BUFFER_BYTES = 1 << 20;

/** Where a datagram came from, or goes to. */
export interface Address {
  readonly address: string;
  readonly port: number;
}

/** See the header. */
export class LoopbackSocket {
  /** Settles once: the port, or undefined when there is none to be had or the socket was closed first. */
  readonly port: Promise<number | undefined>;
  readonly #socket = createSocket({
    type: "udp4",
    recvBufferSize: RECEIVE_BUFFER_BYTES,
    // Addresses here are numbers: asking the resolver would put every datagram off to a later turn.
    lookup: (address, _options, done) => done(null, address, 4),
  });
  readonly #closed: Promise<void>;
  #open = true;

  /** @param receive the datagram is the callee's */
  constructor(receive: (datagram: Uint8Array, sender: Address) => void) {
    const socket = this.#socket;
    this.#closed = new Promise((resolve) => socket.once("close", resolve));
    this.port = new Promise((resolve) => {
      socket.once("listening", () => resolve(this.#open ? socket.address().port : undefined));
      // Before `listening` there is no socket to be had; later it is about one datagram, which counts as lost.
      socket.on("error", () => resolve(undefined));
      socket.once("close", () => resolve(undefined));
    });
    socket.on("message", receive);
    socket.bind({ port: 0, address: LOOPBACK, exclusive: true });
  }

  /** Before the port is known, datagrams wait for it. */
  send(datagram: Uint8Array, to: Address): void {
    if (this.#open) this.#socket.send(datagram, to.port, to.address, () => undefined);
  }

  /** Idempotent; resolves when the system has let go. */
  close(): Promise<void> {
    if (this.#open) this.#socket.close();
    this.#open = false;
    return this.#closed;
  }
}
