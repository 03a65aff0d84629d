// A native connection of the simulation: descriptions, candidates, connectivity, RTP and data channels between two
// links of one network. Level "packet", as in Node.
import { TransportError } from "../errors/errors.ts";
import type {
  ChannelOptions,
  ChannelPort,
  IceCandidate,
  LinkState,
  LinkStatistics,
  PacketAudioPort,
  PeerLink,
  PeerLinkEvents,
  PeerLinkOptions,
} from "../platform/platform.ts";
import { checkVideoLink } from "../platform/video-description.ts";
import type { PacketVideoPort } from "../platform/video-link.ts";
import type { Clock } from "../runtime/time.ts";
import type { SeededRandom } from "./random.ts";
import { SimulatedChannel } from "./simulated-channel.ts";
import { SimulatedMedia, UNMEASURED } from "./simulated-media.ts";
import {
  countMedia,
  hostCandidate,
  isCandidate,
  makeAnswer,
  makeOffer,
  readDescription,
  sdpError,
  ufragOf,
  writeDescription,
} from "./simulated-sdp.ts";
import type { SimulatedDescription } from "./simulated-sdp.ts";
import type { SimulatedWire } from "./simulated-wire.ts";
import { TimerGroup } from "./timer-group.ts";

/** Ms until a lost path shows as `disconnected`, as measured in Chromium. */
export const DISCONNECTED_AFTER_MS = 5_000;

/** Ms without a path after which a link fails (consent, RFC 7675 section 5.1; about the same before it is up). */
export const FAILED_AFTER_MS = 30_000;

/** Round trips that ICE and DTLS take together. */
const HANDSHAKE_ROUND_TRIPS = 2;

/** Bytes a message may have on a simulated data channel; what node-datachannel announces. */
const MAX_MESSAGE_SIZE = 262_144;

/** IPv4, UDP and the tags of SRTP or DTLS, about. */
const DATAGRAM_OVERHEAD_BYTES = 50;

/** A datagram that only says something about the connection. */
const CONTROL_BYTES = 100;

/** What links share. */
export interface LinkNetwork {
  /** The endpoint's own. */
  readonly clock: Clock;
  readonly wire: SimulatedWire;
  /** Open links by ICE user name fragment. */
  readonly links: Map<string, SimulatedLink>;
  /** Endpoints without usable addresses. */
  readonly blocked: ReadonlySet<string>;
  /** Rejects when a test wants this operation of the endpoint to fail. */
  checkFault(endpoint: string, operation: LinkOperation): void;
}

/** Methods of a link that a test can make fail. */
export type LinkOperation = "createOffer" | "createAnswer" | "acceptAnswer" | "addCandidate";

/** See the header. */
export class SimulatedLink implements PeerLink {
  readonly endpoint: string;
  readonly ufrag: string;
  readonly channels: ReadonlyMap<string, ChannelPort>;
  readonly #network: LinkNetwork;
  readonly #options: PeerLinkOptions;
  readonly #events: PeerLinkEvents;
  readonly #fingerprint: Uint8Array;
  readonly #channelsById = new Map<number, SimulatedChannel>();
  readonly #timers: TimerGroup;
  /** What happens unless a path is found. */
  readonly #lossTimers: TimerGroup;
  readonly #traffic = { bytesSent: 0, bytesReceived: 0 };
  #state: LinkState = "new";
  #offering = false;
  #remote: SimulatedDescription | undefined;
  #remoteCandidate: string | undefined;
  #peer: SimulatedLink | undefined;
  readonly #media: SimulatedMedia;

  constructor(
    endpoint: string,
    network: LinkNetwork,
    random: SeededRandom,
    options: PeerLinkOptions,
    events: PeerLinkEvents,
  ) {
    checkVideoLink(options);
    this.endpoint = endpoint;
    this.#network = network;
    this.#timers = new TimerGroup(network.clock);
    this.#lossTimers = new TimerGroup(network.clock);
    this.#options = options;
    this.#events = events;
    this.ufrag = Array.from(random.bytes(4), (byte) => byte.toString(16).padStart(2, "0")).join("");
    this.#fingerprint = random.bytes(32);
    for (const channel of options.channels) this.#channelsById.set(channel.id, this.#makeChannel(channel));
    this.channels = new Map([...this.#channelsById.values()].map((channel) => [channel.label, channel]));
    this.#media = this.#makeMedia();
    network.links.set(this.ufrag, this);
  }

  get state(): LinkState {
    return this.#state;
  }

  get audio(): PacketAudioPort | undefined {
    return this.#media.audio;
  }

  get video(): PacketVideoPort | undefined {
    return this.#media.video;
  }

  /** Between which endpoints it carries video; undefined when it carries none, or to nobody. */
  get videoBetween(): readonly string[] | undefined {
    if (this.#options.video === undefined || this.#peer === undefined) return undefined;
    return [this.endpoint, this.#peer.endpoint];
  }

  /** Lose the path for good, as when consent has expired (RFC 7675). */
  fail(): void {
    this.#end("failed");
  }

  async createOffer(): Promise<string> {
    this.#check("createOffer", this.#state === "new" && !this.#offering);
    const { audio, video, channels } = this.#options;
    if (audio === undefined && video === undefined && channels.length === 0)
      throw sdpError("there is nothing to offer");
    this.#offering = true;
    this.#gather();
    const offer = makeOffer(this.#options, this.ufrag, MAX_MESSAGE_SIZE);
    return writeDescription(offer, this.#fingerprint);
  }

  async createAnswer(offerSdp: string): Promise<string> {
    this.#check("createAnswer", this.#state === "new" && !this.#offering);
    const offer = readDescription(offerSdp);
    if (offer?.role !== "offer") throw sdpError("this is not an offer");
    if (this.#options.video !== undefined && countMedia(offerSdp) > 1) {
      throw sdpError("a link with video takes one section of media");
    }
    const media = this.#media.answer(offer);
    this.#acceptRemote(offer);
    this.#gather();
    const answer = makeAnswer(offer, media, this.#options, this.ufrag, MAX_MESSAGE_SIZE);
    return writeDescription(answer, this.#fingerprint);
  }

  async acceptAnswer(answerSdp: string): Promise<void> {
    this.#check("acceptAnswer", this.#offering && this.#remote === undefined);
    const answer = readDescription(answerSdp);
    if (answer?.role !== "answer") throw sdpError("this is not an answer");
    this.#media.accept(answer);
    this.#acceptRemote(answer);
  }

  async addCandidate({ candidate }: IceCandidate): Promise<void> {
    if (this.#hasEnded()) return;
    this.#network.checkFault(this.endpoint, "addCandidate");
    if (this.#remote === undefined) return this.#refuse(candidate, "came before the remote description");
    if (candidate === "") return;
    if (!isCandidate(candidate)) return this.#refuse(candidate, "is none");
    const ufrag = ufragOf(candidate) ?? this.#remote.iceUfrag;
    if (ufrag !== this.#remote.iceUfrag) return this.#refuse(candidate, "belongs to another connection");
    this.#remoteCandidate ??= candidate;
    this.#tryToConnect();
  }

  async statistics(): Promise<LinkStatistics> {
    const connected = this.#state === "connected";
    const localCandidate = this.#peer === undefined ? undefined : this.#peer.#remoteCandidate;
    return {
      ...this.#traffic,
      rttMs: connected ? this.#roundTripMs() : null,
      localCandidate: connected ? (localCandidate ?? null) : null,
      remoteCandidate: connected ? (this.#remoteCandidate ?? null) : null,
      ...UNMEASURED,
    };
  }

  async close(): Promise<void> {
    if (this.#state === "closed") return;
    const peer = this.#peer;
    const wasUp = this.#isUp();
    this.#end("closed");
    if (peer === undefined) return;
    if (!wasUp) return peer.#forget(this);
    // The closing alert of DTLS is a datagram: cut off, the other side finds out by itself.
    this.#send(peer, false, CONTROL_BYTES, () => peer.#end("closed"));
    peer.reachabilityChanged();
  }

  /** The path to the other side has been cut or has healed, or the other side is gone. */
  reachabilityChanged(): void {
    if (!this.#isUp()) return this.#tryToConnect();
    if (this.#isReachable()) {
      this.#lossTimers.cancel();
      this.#become("connected");
    } else if (this.#lossTimers.size === 0) {
      this.#lossTimers.after(DISCONNECTED_AFTER_MS, () => this.#become("disconnected"));
      this.#lossTimers.after(FAILED_AFTER_MS, () => this.#end("failed"));
    }
  }

  #acceptRemote(remote: SimulatedDescription): void {
    this.#remote = remote;
    const data = remote.data;
    if (data !== undefined && data !== "rejected") {
      for (const channel of this.#channelsById.values()) channel.maxMessageSize = data.maxMessageSize;
    }
    this.#remoteCandidate = remote.candidates[0];
    this.#become("connecting");
    this.#lossTimers.after(FAILED_AFTER_MS, () => this.#end("failed"));
    this.#tryToConnect();
  }

  /** Connect when both sides know each other's description and a candidate, and a path exists. */
  #tryToConnect(): void {
    const peer = this.#network.links.get(this.#remote?.iceUfrag ?? "");
    if (peer === undefined || peer.#remoteUfrag() !== this.ufrag || this.#peer !== undefined) return;
    if (this.#hasEnded() || peer.#hasEnded()) return;
    if (this.#remoteCandidate === undefined || peer.#remoteCandidate === undefined) return;
    if (!this.#network.wire.reachable(this.endpoint, peer.endpoint)) return;
    const sides = [this, peer];
    this.#peer = peer;
    peer.#peer = this;
    const handshakeMs = HANDSHAKE_ROUND_TRIPS * this.#roundTripMs();
    this.#timers.after(handshakeMs, () => {
      if (sides.every((side) => side.#isReachable())) return sides.forEach((side) => side.#connected());
      for (const side of sides) side.#peer = undefined;
    });
  }

  #connected(): void {
    this.#lossTimers.cancel();
    this.#become("connected");
    const data = this.#remote?.data;
    if (data === undefined || data === "rejected") return;
    // The association is set up inside the connection: one more round trip.
    this.#timers.after(this.#roundTripMs(), () => {
      for (const channel of this.#channelsById.values()) channel.start();
    });
  }

  #isReachable(): boolean {
    const peer = this.#peer;
    if (peer === undefined || peer.#hasEnded()) return false;
    return this.#network.wire.reachable(this.endpoint, peer.endpoint);
  }

  #isUp(): boolean {
    return this.#state === "connected" || this.#state === "disconnected";
  }

  #hasEnded(): boolean {
    return this.#state === "closed" || this.#state === "failed";
  }

  #remoteUfrag(): string | undefined {
    return this.#remote?.iceUfrag;
  }

  #refuse(candidate: string, why: string): void {
    this.#fault(new TransportError("ICE_CANDIDATE_ERROR", `the candidate '${candidate}' ${why}`));
  }

  /** The other side went away before the connection was up. */
  #forget(peer: SimulatedLink): void {
    if (this.#peer === peer) this.#peer = undefined;
  }

  #makeMedia(): SimulatedMedia {
    return new SimulatedMedia(this.#options, (packet, medium) => {
      const peer = this.#peer;
      if (!this.#isUp() || peer === undefined) return false;
      this.#carry(peer, packet, false, (copy) => peer.#events[medium](copy, peer.#network.clock.now()));
      return true;
    });
  }

  #makeChannel(options: ChannelOptions): SimulatedChannel {
    return new SimulatedChannel(options, MAX_MESSAGE_SIZE, {
      transmit: (channel, message, departed) => {
        const peer = this.#peer;
        const reliable = options.maxRetransmits === undefined;
        if (peer === undefined) return departed();
        const deliver = (copy: Uint8Array): void => peer.#channelsById.get(channel.options.id)?.receive(copy);
        this.#carry(peer, message, reliable, deliver, departed);
      },
      closing: (channel) => {
        const peer = this.#peer;
        if (peer === undefined || !channel.open) return;
        const deliver = (): void => peer.#channelsById.get(channel.options.id)?.finish();
        this.#send(peer, true, CONTROL_BYTES, deliver);
      },
      guard: (callback) => this.#guard(callback),
    });
  }

  #carry(
    peer: SimulatedLink,
    bytes: Uint8Array,
    reliable: boolean,
    receive: (copy: Uint8Array) => void,
    depart: () => void = () => undefined,
  ): void {
    const copy = bytes.slice();
    this.#traffic.bytesSent += copy.length;
    const deliver = (): void => {
      if (peer.#hasEnded()) return;
      peer.#traffic.bytesReceived += copy.length;
      peer.#guard(() => receive(copy));
    };
    this.#send(peer, reliable, copy.length + DATAGRAM_OVERHEAD_BYTES, deliver, depart);
  }

  #send(
    peer: SimulatedLink,
    reliable: boolean,
    byteLength: number,
    deliver: () => void,
    depart?: () => void,
  ): void {
    const medium = this.#options.video && ("video" as const);
    const path = { from: this.endpoint, to: peer.endpoint, medium };
    this.#network.wire.send({ ...path, reliable, byteLength, deliver, ...(depart && { depart }) });
  }

  #roundTripMs(): number {
    return this.#peer === undefined ? 0 : this.#network.wire.roundTripMs(this.endpoint, this.#peer.endpoint);
  }

  #gather(): void {
    // A turn of the event loop after the description: by then its caller has it.
    this.#timers.after(0, () => {
      const usable = !this.#network.blocked.has(this.endpoint);
      const candidate = usable ? hostCandidate(this.ufrag, this.#options) : undefined;
      for (const text of candidate === undefined ? [""] : [candidate, ""]) {
        const event = { candidate: text, sdpMid: "0", sdpMLineIndex: 0, usernameFragment: this.ufrag };
        this.#guard(() => this.#events.candidate(event));
      }
    });
  }

  #check(operation: LinkOperation, allowed: boolean): void {
    if (this.#hasEnded()) {
      throw new TransportError(
        "CONNECTION_FAILED",
        `${operation} came after the connection had ${this.#state}`,
      );
    }
    if (!allowed) throw sdpError(`${operation} is not possible now`);
    this.#network.checkFault(this.endpoint, operation);
  }

  /** Let go of everything, with the state that says why. */
  #end(state: "closed" | "failed"): void {
    if (this.#state === "closed" || this.#state === state) return;
    this.#state = state;
    this.#timers.cancel();
    this.#lossTimers.cancel();
    if (state === "closed") this.#network.links.delete(this.ufrag);
    for (const channel of this.#channelsById.values()) channel.finish();
    queueMicrotask(() => this.#guard(() => this.#events.state(state)));
  }

  #become(state: LinkState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#guard(() => this.#events.state(state));
  }

  #guard(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.#fault(error);
    }
  }

  #fault(error: unknown): void {
    try {
      this.#events.fault(error);
    } catch {
      // Adapters keep exceptions of callbacks away from the native side; one here has nowhere left to go.
    }
  }
}
