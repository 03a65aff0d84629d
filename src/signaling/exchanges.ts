// Fills in the connection that a relayed message belongs to when its sender left `connection_id` out, as foreign
// peers do: absent means the request_id of the connection's first offer. Holds ids only, a bounded number of them.
import type { Exchange } from "../platform/signaling-channel.ts";

/** Exchanges remembered; the oldest go first. Ten peers with three links and some rounds each fit well. */
const MAX_REMEMBERED = 512;

/** Which connection an exchange with a peer belongs to. */
export class Exchanges {
  readonly #byRequest = new Map<string, string>();
  readonly #byLink = new Map<string, string>();

  /** Note an exchange whose connection is known, sent or received. */
  remember(peerId: string, exchange: Exchange): void {
    put(this.#byRequest, `${peerId}/${exchange.requestId}`, exchange.connectionId);
    put(this.#byLink, `${peerId}/${exchange.link}`, exchange.connectionId);
  }

  /**
   * The connection of a message from `peerId`: its own word, else that of the exchange it names, else that of the
   * link, else the request id itself, which then begins a connection.
   */
  resolve(
    peerId: string,
    exchange: Omit<Exchange, "connectionId"> & { connectionId: string | undefined },
  ): string {
    const known =
      exchange.connectionId ??
      this.#byRequest.get(`${peerId}/${exchange.requestId}`) ??
      this.#byLink.get(`${peerId}/${exchange.link}`) ??
      exchange.requestId;
    this.remember(peerId, { ...exchange, connectionId: known });
    return known;
  }

  /** The connection has ended (all of the peer's when undefined): its next offer begins a new one. */
  forget(peerId: string, connectionId?: string): void {
    for (const map of [this.#byRequest, this.#byLink]) {
      for (const [key, connection] of map) {
        if (!key.startsWith(`${peerId}/`)) continue;
        if (connectionId === undefined || connection === connectionId) map.delete(key);
      }
    }
  }
}

function put(map: Map<string, string>, key: string, connectionId: string): void {
  map.delete(key);
  map.set(key, connectionId);
  if (map.size <= MAX_REMEMBERED) return;
  const oldest = map.keys().next();
  if (oldest.done !== true) map.delete(oldest.value);
}
