// The room as the server's notices paint it: who is there and which connection a message belongs to. Turns
// notices into the channel's events; knows no socket.
import { Exchanges } from "./exchanges.ts";
import type { ClientNotice, ClientRequest, Notice } from "./protocol.ts";
import type {
  AnnounceResult,
  PeerEntry,
  PeerLeftReason,
  SignalingEvents,
} from "../platform/signaling-channel.ts";

/** Peers remembered; a server's room holds far fewer. */
const MAX_ROSTER = 1024;

/** One event of the channel. */
export type ClientEvent = {
  [Name in keyof SignalingEvents]: { readonly name: Name; readonly value: SignalingEvents[Name] };
}[keyof SignalingEvents];

/** What this client knows of its room. */
export class Presence {
  readonly #roster = new Map<string, PeerEntry>();
  readonly #exchanges = new Exchanges();

  /** Note which connection our own message belongs to, or ends. */
  sent(message: ClientNotice | ClientRequest): void {
    if (message.type === "list" || message.type === "leave") return;
    if (message.type === "disconnect") this.#exchanges.forget(message.to, message.connectionId);
    else this.#exchanges.remember(message.to, message.exchange);
  }

  /** The event a notice amounts to. */
  received(notice: Exclude<Notice, { type: "unknown" | "malformed" }>): ClientEvent {
    switch (notice.type) {
      case "announced":
        this.#add(notice.peer);
        return { name: "peerAnnounced", value: notice.peer };
      case "left":
        return this.#left(notice.peerId, notice.reason);
      case "offer":
      case "answer": {
        const connectionId = this.#exchanges.resolve(notice.message.from, notice.message);
        return { name: notice.type, value: { ...notice.message, connectionId } };
      }
      case "candidate": {
        const connectionId = this.#exchanges.resolve(notice.message.from, notice.message);
        return { name: "iceCandidate", value: { ...notice.message, connectionId } };
      }
      case "disconnected":
        this.#exchanges.forget(notice.message.from, notice.message.connectionId ?? undefined);
        return { name: "peerDisconnected", value: notice.message };
    }
  }

  /** The room at an announcement of the caller's: nothing to tell, the result says it. */
  entered(peers: readonly PeerEntry[]): void {
    this.#roster.clear();
    for (const peer of peers) this.#add(peer);
  }

  /**
   * The room after a loss. Peers unknown before are announced; peers missing now have left, but only in a resumed
   * room: after a restart of the server the others come back one by one.
   */
  returned(result: AnnounceResult): ClientEvent[] {
    const gone = new Set(this.#roster.keys());
    const added = result.peers.filter((peer) => !gone.delete(peer.peerId));
    this.entered(result.peers);
    const events: ClientEvent[] = added.map((peer) => ({ name: "peerAnnounced", value: peer }));
    if (result.resumed) for (const peerId of gone) events.push(this.#left(peerId, "closed"));
    return events;
  }

  /** Out of the room. */
  left(): void {
    this.#roster.clear();
  }

  #add(peer: PeerEntry): void {
    if (this.#roster.size < MAX_ROSTER || this.#roster.has(peer.peerId)) this.#roster.set(peer.peerId, peer);
  }

  #left(peerId: string, reason: PeerLeftReason): ClientEvent {
    this.#roster.delete(peerId);
    this.#exchanges.forget(peerId);
    return { name: "peerLeft", value: { peerId, reason } };
  }
}
