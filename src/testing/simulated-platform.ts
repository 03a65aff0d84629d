// A network of simulated platforms: the port implemented without sockets, real time or real randomness. Tests
// put servers on it, cut it, and make its parts fail.
import { TransportError } from "../errors/errors.ts";
import type {
  PeerLink,
  PeerLinkEvents,
  PeerLinkOptions,
  Platform,
  Socket,
  SocketEvents,
} from "../platform/platform.ts";
import type { Clock } from "../runtime/time.ts";
import type { LinkModelOptions } from "./link-model.ts";
import { SeededRandom } from "./random.ts";
import { SimulatedLink } from "./simulated-link.ts";
import type { LinkNetwork, LinkOperation } from "./simulated-link.ts";
import { SimulatedSocket } from "./simulated-socket.ts";
import type { SimulatedServer } from "./simulated-socket.ts";
import { SimulatedVideoCodecs } from "./simulated-video-codecs.ts";
import type { SimulatedVideoCodecsOptions } from "./simulated-video-codecs.ts";
import { SimulatedWire } from "./simulated-wire.ts";
import { SkewedClock } from "./skewed-clock.ts";
import type { ClockError } from "./skewed-clock.ts";

/** What a test can make fail once. */
export type FaultyOperation = LinkOperation | "openPeerLink";

/** What a {@link SimulatedNetwork} is made with. */
export interface SimulatedNetworkOptions {
  /** A VirtualClock, or any other: the network itself never waits. */
  clock: Clock;
  /** Equal seeds give equal identifiers and equal behaviour. */
  seed?: number | string;
  /** Every direction between two endpoints; {@link SimulatedNetwork.setLink} makes exceptions. Default 1 ms of delay. */
  link?: LinkModelOptions;
}

/** See the header. Endpoints are the names given to {@link platform} and the URLs given to {@link listen}. */
export class SimulatedNetwork {
  readonly #clock: Clock;
  readonly #seed: number | string;
  readonly #wire: SimulatedWire;
  readonly #servers = new Map<string, SimulatedServer>();
  readonly #platforms = new Map<string, Platform>();
  readonly #links = new Map<string, SimulatedLink>();
  readonly #sockets = new Set<SimulatedSocket>();
  readonly #blocked = new Set<string>();
  readonly #codecs = new Map<string, Omit<SimulatedVideoCodecsOptions, "clock">>();
  readonly #loadedCodecs = new Map<string, SimulatedVideoCodecs>();
  readonly #faults: { endpoint: string; operation: FaultyOperation; error: TransportError }[] = [];

  constructor({ clock, seed = 1, link = { delayMs: 1 } }: SimulatedNetworkOptions) {
    this.#clock = clock;
    this.#seed = seed;
    this.#wire = new SimulatedWire(clock, link, seed);
  }

  /** Native connections that have not been closed: 0 when everything has been tidied up. */
  get openLinks(): number {
    return this.#links.size;
  }

  /**
   * The platform of one program; the same name gives the same platform.
   * @param clockError how its machine's clocks differ from true time; only the first call for a name may say so
   * @throws TransportError `INVALID_CONFIG` for a clock error of a platform that exists
   */
  platform(name: string, clockError?: ClockError): Platform {
    const known = this.#platforms.get(name);
    if (known !== undefined && clockError !== undefined) {
      throw new TransportError("INVALID_CONFIG", `clockError must come with the first call for '${name}'`);
    }
    const platform = known ?? this.#makePlatform(name, clockError);
    this.#platforms.set(name, platform);
    return platform;
  }

  /**
   * Give one direction of a path other habits, from now on. Names as of {@link platform} or URLs as of {@link listen}.
   * @param medium only the connections of video, which go a way of their own from then on
   */
  setLink(from: string, to: string, link: LinkModelOptions, medium?: "video"): void {
    this.#wire.setLink(normalized(from), normalized(to), link, medium);
  }

  /** What video codecs an endpoint has, and how fast they are, when it loads them next. */
  setVideoCodecs(endpoint: string, options: Omit<SimulatedVideoCodecsOptions, "clock">): void {
    this.#codecs.set(endpoint, options);
  }

  /** The codecs an endpoint has loaded last; undefined before. */
  videoCodecs(endpoint: string): SimulatedVideoCodecs | undefined {
    return this.#loadedCodecs.get(endpoint);
  }

  /** Put a server at a `ws:` or `wss:` URL. @returns a function that takes it away; open sockets stay */
  listen(url: string, server: SimulatedServer): () => void {
    const { href } = new URL(url);
    this.#servers.set(href, server);
    return () => {
      if (this.#servers.get(href) === server) this.#servers.delete(href);
    };
  }

  /**
   * Cut the path between two endpoints, both ways. Datagrams are lost; what TCP and reliable channels carry waits.
   * Links show it as `disconnected` after 5 s and `failed` after 30 s.
   */
  partition(a: string, b: string): void {
    this.#wire.cut(normalized(a), normalized(b));
    this.#reachabilityChanged();
  }

  /** Undo {@link partition}. */
  heal(a: string, b: string): void {
    this.#wire.heal(normalized(a), normalized(b));
    this.#reachabilityChanged();
  }

  /** Let the links of an endpoint that gather from now on find no candidate; `false` undoes it. */
  blockCandidates(endpoint: string, blocked = true): void {
    if (blocked) this.#blocked.add(endpoint);
    else this.#blocked.delete(endpoint);
  }

  /** Break every socket of a client or server, as a network failure does (code 1006). */
  severSockets(endpoint: string): void {
    const name = normalized(endpoint);
    for (const socket of this.#openSockets()) {
      if (socket.name === name || socket.url === name) socket.sever("connection lost");
    }
  }

  /** Let the connections of video between two endpoints fail at once; all others live. @returns how many ends did */
  failVideo(a: string, b: string): number {
    const ends = [...this.#links.values()].filter(({ videoBetween }) =>
      [a, b].every((name) => videoBetween?.includes(name) === true),
    );
    for (const end of ends) end.fail();
    return ends.length;
  }

  /** Let the next call of `operation` at this endpoint fail. */
  failNext(endpoint: string, operation: FaultyOperation, error = defaultFault(operation)): void {
    this.#faults.push({ endpoint, operation, error });
  }

  #makePlatform(name: string, clockError: ClockError | undefined): Platform {
    const clock = clockError === undefined ? this.#clock : new SkewedClock(this.#clock, clockError);
    const random = new SeededRandom(`${this.#seed}/${name}`); // whoever else there is, in whatever order
    return {
      name: "simulated",
      clock,
      canBind: true,
      randomBytes: (length) => random.bytes(length),
      openSocket: (url, events) => this.#openSocket(name, url, events),
      openPeerLink: (options, events) => this.#openPeerLink(name, clock, random, options, events),
      loadVideoCodecs: async () => {
        const codecs = new SimulatedVideoCodecs({ clock, ...this.#codecs.get(name) });
        this.#loadedCodecs.set(name, codecs);
        return codecs;
      },
    };
  }

  #openSocket(name: string, url: string, events: SocketEvents): Socket {
    const href = normalized(url);
    const socket = new SimulatedSocket(name, href, this.#clock, this.#wire, events);
    this.#openSockets();
    this.#sockets.add(socket);
    socket.connect(() => this.#servers.get(href));
    return socket;
  }

  #openPeerLink(
    name: string,
    clock: Clock,
    random: SeededRandom,
    options: PeerLinkOptions,
    events: PeerLinkEvents,
  ): PeerLink {
    this.#checkFault(name, "openPeerLink");
    const network: LinkNetwork = {
      clock,
      wire: this.#wire,
      links: this.#links,
      blocked: this.#blocked,
      checkFault: (endpoint, operation) => this.#checkFault(endpoint, operation),
    };
    return new SimulatedLink(name, network, random, options, events);
  }

  #openSockets(): Set<SimulatedSocket> {
    for (const socket of this.#sockets) if (socket.closed) this.#sockets.delete(socket);
    return this.#sockets;
  }

  #checkFault(endpoint: string, operation: FaultyOperation): void {
    const at = this.#faults.findIndex(
      (fault) => fault.endpoint === endpoint && fault.operation === operation,
    );
    const [fault] = at < 0 ? [] : this.#faults.splice(at, 1);
    if (fault !== undefined) throw fault.error;
  }

  #reachabilityChanged(): void {
    for (const link of [...this.#links.values()]) link.reachabilityChanged();
  }
}

function defaultFault(operation: FaultyOperation): TransportError {
  const code = operation === "openPeerLink" ? "CONNECTION_FAILED" : "SDP_ERROR";
  return new TransportError(code, `${operation} was made to fail`);
}

/** URLs in the form that comparing needs; platform names as they are. */
function normalized(endpoint: string): string {
  return URL.canParse(endpoint) ? new URL(endpoint).href : endpoint;
}
