// The peers of one transport: who may be here, how many, and who is. Pure bookkeeping.
import { TransportError } from "../errors/errors.ts";

/** How many ids of departed peers are remembered, so that disconnecting one twice is no error. */
const MAX_REMEMBERED = 1_024;

/** Who may be here. */
export interface PeerManagerOptions {
  /** Remote peers at a time, connecting ones included. */
  maxPeers: number;
  /** Undefined: everybody. */
  allowPeers: readonly string[] | undefined;
  denyPeers: readonly string[] | undefined;
}

/** Holds one `Peer` per id, up to `maxPeers`. */
export class PeerManager<Peer> {
  readonly #options: PeerManagerOptions;
  readonly #peers = new Map<string, Peer>();
  readonly #seen = new Set<string>();

  constructor(options: PeerManagerOptions) {
    this.#options = options;
  }

  /** How many peers are held. */
  get size(): number {
    return this.#peers.size;
  }

  /**
   * Check that a peer that is not here yet may be added.
   *
   * @throws TransportError `PEER_REJECTED` for a denied or not allowed peer, `MAX_PEERS_EXCEEDED` when full
   */
  admit(peerId: string): void {
    const { maxPeers, allowPeers, denyPeers } = this.#options;
    const denied = denyPeers?.includes(peerId) === true;
    if (denied || (allowPeers !== undefined && !allowPeers.includes(peerId))) {
      throw new TransportError(
        "PEER_REJECTED",
        `peer "${peerId}" is kept out by ${denied ? "denyPeers" : "allowPeers"}`,
        {
          peerId,
          suggestion: "Change allowPeers or denyPeers of this transport.",
        },
      );
    }
    if (this.#peers.size >= maxPeers) {
      throw new TransportError("MAX_PEERS_EXCEEDED", `peer "${peerId}" would exceed maxPeers (${maxPeers})`, {
        peerId,
        details: { maxPeers },
      });
    }
  }

  /** Add a peer that `admit` let in; replaces one of the same id. */
  addPeer(peerId: string, peer: Peer): void {
    this.#peers.set(peerId, peer);
    this.#seen.delete(peerId); // to the end: the oldest is forgotten first
    this.#seen.add(peerId);
    const [oldest] = this.#seen;
    if (this.#seen.size > MAX_REMEMBERED && oldest !== undefined) this.#seen.delete(oldest);
  }

  /** Forget `peer`, unless another has taken its id meanwhile. */
  removePeer(peerId: string, peer: Peer): void {
    if (this.#peers.get(peerId) === peer) this.#peers.delete(peerId);
  }

  getPeer(peerId: string): Peer | undefined {
    return this.#peers.get(peerId);
  }

  /** Whether this id is or was here. */
  hasSeen(peerId: string): boolean {
    return this.#seen.has(peerId);
  }

  /** All peers, in order of arrival. */
  listPeers(): Peer[] {
    return [...this.#peers.values()];
  }
}
