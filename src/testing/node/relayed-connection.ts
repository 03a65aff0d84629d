// One connection between a peer of this program and another one, led through sockets of the relay: each side sees a
// port of the relay in place of the other side's.
import type { LinkModel } from "../link-model.ts";
import { LOOPBACK, loopbackPort, withPort } from "./candidate.ts";
import { LoopbackSocket } from "./loopback-socket.ts";
import type { Address } from "./loopback-socket.ts";

/** Sockets of one side of a connection; peers on one machine have a few candidates at most. */
const MAX_SOCKETS = 32;

/** Decides about a datagram and calls `deliver` when it arrives, once for every copy. */
export type Carry = (path: LinkModel, byteLength: number, deliver: () => void) => void;

/** The two directions, seen from the peer of this program. */
export interface Paths {
  readonly outgoing: LinkModel;
  readonly incoming: LinkModel;
}

/** A relayed pair of peers. For signaling of one's own; `impairSignaling` does all of it. */
export class RelayedConnection {
  /**
   * Whether what the other side sends is impaired here. False once it is known that a relay of its own does it.
   * Default true.
   */
  impairsIncoming = true;
  readonly #carry: Carry;
  readonly #paths: Paths;
  readonly #ended: () => void;
  /** By the port of our own peer: what the other side sees. */
  readonly #outer = new Map<number, LoopbackSocket>();
  /** By the address of the other side: what our own peer sees. */
  readonly #inner = new Map<string, LoopbackSocket>();
  #closing: Promise<void> | undefined;

  /** @param ended called once, when it closes */
  constructor(carry: Carry, paths: Paths, ended: () => void) {
    this.#carry = carry;
    this.#paths = paths;
    this.#ended = ended;
  }

  /**
   * A candidate of our own peer, as the other side may see it.
   *
   * @returns undefined when the other side must not see it: it is no UDP host candidate on 127.0.0.1, there is no
   *   socket for it, or the connection is closed. The empty candidate, the end of them, comes back as it is.
   */
  ownCandidate(candidate: string): Promise<string | undefined> {
    return this.#rewritten(candidate, (port) => this.#outerFor(port));
  }

  /** A candidate of the other side, as our own peer may see it; as {@link ownCandidate}. */
  remoteCandidate(candidate: string): Promise<string | undefined> {
    return this.#rewritten(candidate, (port) => this.#innerFor({ address: LOOPBACK, port }));
  }

  /** Close all sockets; what is under way is lost. Idempotent, never rejects. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  // Peers are answered where they come from (RFC 8445 section 7.3.1.3), known by a candidate or not: sockets are made
  // for either, and nobody ever learns an address that does not lead through here.

  #outerFor(ownPort: number): LoopbackSocket | undefined {
    return this.#socketFor(this.#outer, ownPort, (datagram, sender) => {
      const inner = this.#innerFor(sender);
      const deliver = (): void => inner?.send(datagram, { address: LOOPBACK, port: ownPort });
      if (this.impairsIncoming) this.#carry(this.#paths.incoming, datagram.length, deliver);
      else deliver();
    });
  }

  #innerFor(remote: Address): LoopbackSocket | undefined {
    const { address, port } = remote;
    return this.#socketFor(this.#inner, `${address}:${port}`, (datagram, sender) => {
      const outer = this.#outerFor(sender.port);
      this.#carry(this.#paths.outgoing, datagram.length, () => outer?.send(datagram, { address, port }));
    });
  }

  #socketFor<Key>(
    sockets: Map<Key, LoopbackSocket>,
    key: Key,
    receive: (datagram: Uint8Array, sender: Address) => void,
  ): LoopbackSocket | undefined {
    const known = sockets.get(key);
    if (known !== undefined || this.#closing !== undefined || sockets.size >= MAX_SOCKETS) return known;
    const socket = new LoopbackSocket(receive);
    sockets.set(key, socket);
    return socket;
  }

  async #rewritten(
    candidate: string,
    socketFor: (port: number) => LoopbackSocket | undefined,
  ): Promise<string | undefined> {
    if (candidate === "") return candidate;
    const port = loopbackPort(candidate);
    const ours = port === undefined ? undefined : await socketFor(port)?.port;
    return ours === undefined || this.#closing !== undefined ? undefined : withPort(candidate, ours);
  }

  async #close(): Promise<void> {
    const sockets = [...this.#outer.values(), ...this.#inner.values()];
    this.#outer.clear();
    this.#inner.clear();
    this.#ended();
    await Promise.all(sockets.map((socket) => socket.close()));
  }
}
