// Signaling that leads the connections it negotiates through a relay: candidates of either side are replaced on their
// way. Everything else passes unchanged.
import { describeError } from "../../errors/errors.ts";
import type {
  AnnounceResult,
  Announcement,
  CandidateMessage,
  DescriptionMessage,
  DisconnectReason,
  Exchange,
  PeerEntry,
  SignalingChannel,
  SignalingEvents,
  SignalingState,
} from "../../platform/signaling-channel.ts";
import type { CallOptions } from "../../runtime/call.ts";
import { Emitter } from "../../runtime/emitter.ts";
import type { EventSource } from "../../runtime/emitter.ts";
import { markDescription, stripDescription } from "./candidate.ts";
import type { RelayedConnection } from "./relayed-connection.ts";
import type { ImpairmentRelay } from "./relay.ts";

/** Connections with one peer; the oldest gives way. A replacement makes two, attempts that cross a few more. */
const MAX_CONNECTIONS = 8;

type Candidate = Omit<CandidateMessage, "from" | keyof Exchange>;

/** Events that carry descriptions or candidates. */
const REWRITTEN: ReadonlySet<keyof SignalingEvents> = new Set(["offer", "answer", "iceCandidate"]);

interface Entry {
  readonly connection: RelayedConnection;
  /** Candidates of one connection leave in the order in which they came, each way. */
  order: Promise<void>;
}

/**
 * Lead all connections of a transport through `relay`: hand the result over as its `signaling`. The transport must
 * gather on 127.0.0.1 (`bindAddress`), other candidates are dropped, and those in descriptions are trickled instead.
 *
 * Each direction is impaired exactly once, by the relay of its sender. Where the other side has none (a browser, or a
 * peer whose signaling is as it was), this relay impairs what it sends too. The two sides find out by a line in their
 * descriptions; they may have the same relay or different ones, in one process or in two.
 */
export function impairSignaling(channel: SignalingChannel, relay: ImpairmentRelay): SignalingChannel {
  return new ImpairedSignaling(channel, relay);
}

class ImpairedSignaling implements SignalingChannel {
  readonly #channel: SignalingChannel;
  readonly #relay: ImpairmentRelay;
  readonly #emitter = new Emitter<SignalingEvents>((error, event) => report(error, `a listener of ${event}`));
  /** By remote peer, then by connection and link, oldest first. */
  readonly #entries = new Map<string, Map<string, Entry>>();
  #localId = "";

  constructor(channel: SignalingChannel, relay: ImpairmentRelay) {
    this.#channel = channel;
    this.#relay = relay;
    channel.on("offer", (message) => this.#receive("offer", message));
    channel.on("answer", (message) => this.#receive("answer", message));
    channel.on("iceCandidate", (message) => this.#receiveCandidate(message));
    channel.on("peerDisconnected", ({ from, connectionId }) => this.#end(from, connectionId ?? undefined));
    channel.on("peerLeft", ({ peerId, reason }) => {
      // Who only lost its socket may still be connected.
      if (reason === "left" || reason === "kicked") this.#end(peerId);
    });
  }

  get state(): SignalingState {
    return this.#channel.state;
  }

  on<Name extends keyof SignalingEvents>(
    event: Name,
    listener: (value: SignalingEvents[Name]) => void,
  ): () => void {
    return this.#source(event).on(event, listener);
  }

  once<Name extends keyof SignalingEvents>(
    event: Name,
    listener: (value: SignalingEvents[Name]) => void,
  ): () => void {
    return this.#source(event).once(event, listener);
  }

  connect(options?: CallOptions): Promise<void> {
    return this.#channel.connect(options);
  }

  announce(announcement: Announcement, options?: CallOptions): Promise<AnnounceResult> {
    this.#localId = announcement.peerId;
    return this.#channel.announce(announcement, options);
  }

  listPeers(options?: CallOptions): Promise<PeerEntry[]> {
    return this.#channel.listPeers(options);
  }

  sendOffer(to: string, sdp: string, exchange: Exchange, options?: CallOptions): Promise<void> {
    return this.#send("sendOffer", to, sdp, exchange, options);
  }

  sendAnswer(to: string, sdp: string, exchange: Exchange, options?: CallOptions): Promise<void> {
    return this.#send("sendAnswer", to, sdp, exchange, options);
  }

  sendIceCandidate(to: string, candidate: Candidate, exchange: Exchange): void {
    this.#inOrder(to, exchange, async ({ connection }) => {
      const text = await connection.ownCandidate(candidate.candidate);
      if (text !== undefined) this.#channel.sendIceCandidate(to, { ...candidate, candidate: text }, exchange);
    });
  }

  sendDisconnect(to: string, reason: DisconnectReason, connectionId?: string): void {
    this.#channel.sendDisconnect(to, reason, connectionId);
    this.#end(to, connectionId);
  }

  leave(options?: CallOptions): Promise<void> {
    return this.#channel.leave(options);
  }

  async close(): Promise<void> {
    const entries = [...this.#entries.values()].flatMap((connections) => [...connections.values()]);
    this.#entries.clear();
    await Promise.all([this.#channel.close(), ...entries.map(({ connection }) => connection.close())]);
  }

  #source(event: keyof SignalingEvents): EventSource<SignalingEvents> {
    return REWRITTEN.has(event) ? this.#emitter : this.#channel;
  }

  async #send(
    method: "sendOffer" | "sendAnswer",
    to: string,
    text: string,
    exchange: Exchange,
    options?: CallOptions,
  ): Promise<void> {
    this.#begin(to, exchange);
    const { sdp, candidates } = stripDescription(text);
    await this.#channel[method](to, markDescription(sdp), exchange, options);
    for (const candidate of candidates) {
      this.sendIceCandidate(to, { ...candidate, usernameFragment: null }, exchange);
    }
  }

  #receive(event: "offer" | "answer", message: DescriptionMessage): void {
    const { sdp, candidates, marked } = stripDescription(message.sdp);
    const { from, requestId, connectionId, link } = message;
    this.#begin(from, message).connection.impairsIncoming = !marked;
    this.#emitter.emit(event, { ...message, sdp });
    for (const candidate of candidates) {
      this.#receiveCandidate({ ...candidate, usernameFragment: null, from, requestId, connectionId, link });
    }
  }

  #receiveCandidate(message: CandidateMessage): void {
    this.#inOrder(message.from, message, async ({ connection }) => {
      const candidate = await connection.remoteCandidate(message.candidate);
      if (candidate !== undefined) this.#emitter.emit("iceCandidate", { ...message, candidate });
    });
  }

  /** A candidate of a connection that is not known, or has ended, goes nowhere. */
  #inOrder(peerId: string, exchange: Exchange, action: (entry: Entry) => Promise<void>): void {
    const entry = this.#entries.get(peerId)?.get(keyOf(exchange));
    if (entry === undefined) return;
    entry.order = entry.order
      .then(() => action(entry))
      .catch((error: unknown) => report(error, "a candidate"));
  }

  /** The entry of a connection, made with its first description. */
  #begin(peerId: string, exchange: Exchange): Entry {
    const connections = this.#entries.get(peerId) ?? new Map<string, Entry>();
    this.#entries.set(peerId, connections);
    const key = keyOf(exchange);
    const known = connections.get(key);
    if (known !== undefined) return known;
    const entry = { connection: this.#relay.open(this.#localId, peerId), order: Promise.resolve() };
    connections.set(key, entry);
    const [oldest] = connections.keys();
    if (connections.size > MAX_CONNECTIONS && oldest !== undefined) this.#drop(connections, oldest);
    return entry;
  }

  /** @param connectionId undefined: all connections with that peer */
  #end(peerId: string, connectionId?: string): void {
    const connections = this.#entries.get(peerId);
    if (connections === undefined) return;
    for (const key of [...connections.keys()]) {
      if (connectionId === undefined || key.startsWith(`${connectionId} `)) this.#drop(connections, key);
    }
    if (connections.size === 0) this.#entries.delete(peerId);
  }

  #drop(connections: Map<string, Entry>, key: string): void {
    void connections.get(key)?.connection.close();
    connections.delete(key);
  }
}

function keyOf({ connectionId, link }: Exchange): string {
  return `${connectionId} ${link}`;
}

function report(error: unknown, what: string): void {
  process.emitWarning(`impaired signaling: ${what} failed: ${describeError(error)}`);
}
