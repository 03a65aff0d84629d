// Turns the negotiation machine of one kind of connection to one peer and carries out what it asks on native connections
// and by signals. Knows neither what runs over the connections nor which way the signals take.
import { describeError, toTransportError } from "../errors/errors.ts";
import type { ErrorCode } from "../errors/codes.ts";
import type { IceCandidate, LinkState, PeerLink } from "../platform/platform.ts";
import { Driver } from "../runtime/driver.ts";
import type { Clock } from "../runtime/time.ts";
import { Negotiation } from "./negotiation.ts";
import type {
  EndReason,
  Ids,
  NegotiationCounters,
  NegotiationInput,
  NegotiationOutput,
  NegotiationState,
} from "./negotiation-io.ts";

/** A native connection with what runs over it. */
export interface Live {
  readonly link: PeerLink;
  /** Idempotent; resolves when the native side has let go. */
  close(): Promise<void>;
}

/** What a native connection tells those who negotiate it. */
export interface LiveReports {
  candidate(candidate: IceCandidate): void;
  state(state: LinkState): void;
  /** It can be used. */
  ready(): void;
}

/** The way of the signals to the other side. */
export interface Signals {
  /** @returns resolves when it is under way, rejects when it cannot be: the attempt ends with that error */
  sendOffer(sdp: string, ids: Ids): Promise<unknown>;
  /** As {@link Signals.sendOffer}. */
  sendAnswer(sdp: string, ids: Ids): Promise<unknown>;
  sendCandidate(candidate: IceCandidate, ids: Ids): void;
  sendDisconnect(reason: EndReason, connectionId: string): void;
}

/** What a {@link Connector} tells. */
export interface ConnectorEvents<Connection extends Live> {
  stateChange(state: NegotiationState): void;
  /** This connection carries the traffic from now on. */
  connected(live: Connection, connectionId: string): void;
  /** An attempt has failed; what was connected before it stays. */
  failed(code: ErrorCode, message: string): void;
  /** What was connected is no more. */
  ended(reason: EndReason): void;
  fault(error: unknown): void;
}

/** What a {@link Connector} stands on. */
export interface ConnectorOptions<Connection extends Live> {
  clock: Clock;
  localId: string;
  remoteId: string;
  /** Read at each attempt. */
  iceTimeoutMs: () => number;
  signals: Signals;
  /** Open a native connection; a rejection ends the attempt. */
  open: (reports: LiveReports, connectionId: string) => Promise<Connection>;
}

interface Entry<Connection> {
  live: Connection | undefined;
  closed: boolean;
  /** Native calls of one connection run one after the other. */
  chain: Promise<void>;
}

/** See the header. */
export class Connector<Connection extends Live> {
  readonly #options: ConnectorOptions<Connection>;
  readonly #events: ConnectorEvents<Connection>;
  readonly #negotiation: Negotiation;
  readonly #driver: Driver<NegotiationInput, NegotiationOutput>;
  readonly #entries = new Map<string, Entry<Connection>>();
  readonly #closing = new Set<Promise<void>>();

  constructor(options: ConnectorOptions<Connection>, events: ConnectorEvents<Connection>) {
    this.#options = options;
    this.#events = events;
    const { localId, remoteId, iceTimeoutMs, clock } = options;
    this.#negotiation = new Negotiation({ localId, remoteId, iceTimeoutMs });
    this.#driver = new Driver(this.#negotiation, clock, (output) => this.#effect(output));
  }

  get state(): NegotiationState {
    return this.#negotiation.state;
  }

  /** Whether nothing is connected and nothing under way. */
  get idle(): boolean {
    return this.#negotiation.idle;
  }

  /** Whether an attempt of ours is under way. */
  get offering(): boolean {
    return this.#negotiation.offering;
  }

  /** What was dropped in negotiation and why. */
  get counters(): Readonly<NegotiationCounters> {
    return this.#negotiation.counters;
  }

  /** Connections that are open or opening. */
  get lives(): Connection[] {
    return [...this.#entries.values()].flatMap(({ live }) => (live === undefined ? [] : [live]));
  }

  /** Tell the negotiation of a wish or of a signal from the other side. */
  handle(input: Extract<NegotiationInput, Wish>): void {
    this.#driver.handle(input);
  }

  /** Resolves when every native connection that was told to close has closed. */
  async settled(): Promise<void> {
    await Promise.all(this.#closing);
  }

  /** Stop for good after a disconnect: no timer is left. */
  dispose(): void {
    this.#driver.close();
  }

  #effect(output: NegotiationOutput): void {
    const { signals } = this.#options;
    switch (output.type) {
      case "open-link":
        return this.#open(output.connectionId);
      case "create-offer":
        return this.#native(output.connectionId, async ({ link }) => {
          const sdp = await link.createOffer();
          this.#driver.handle({ type: "local-offer", connectionId: output.connectionId, sdp });
        });
      case "create-answer":
        return this.#native(output.connectionId, async ({ link }) => {
          const sdp = await link.createAnswer(output.sdp);
          this.#driver.handle({ type: "local-answer", connectionId: output.connectionId, sdp });
        });
      case "accept-answer":
        return this.#native(output.connectionId, async ({ link }) => {
          await link.acceptAnswer(output.sdp);
          this.#driver.handle({ type: "answer-accepted", connectionId: output.connectionId });
        });
      case "add-candidate":
        return this.#native(output.connectionId, ({ link }) => link.addCandidate(output.candidate));
      case "send-offer":
        return this.#forward(output.connectionId, signals.sendOffer(output.sdp, idsOf(output)));
      case "send-answer":
        return this.#forward(output.connectionId, signals.sendAnswer(output.sdp, idsOf(output)));
      case "send-candidate":
        return signals.sendCandidate(output.candidate, idsOf(output));
      case "send-disconnect":
        return signals.sendDisconnect(output.reason, output.connectionId);
      case "close-link":
        return this.#close(output.connectionId);
      case "state":
        return this.#events.stateChange(output.state);
      case "connected": {
        const live = this.#entries.get(output.connectionId)?.live;
        if (live !== undefined) this.#events.connected(live, output.connectionId);
        return;
      }
      case "failed":
        return this.#events.failed(output.code, output.message);
      case "ended":
        return this.#events.ended(output.reason);
    }
  }

  #open(connectionId: string): void {
    const entry: Entry<Connection> = { live: undefined, closed: false, chain: Promise.resolve() };
    this.#entries.set(connectionId, entry);
    const input = (event: NegotiationInput): void => this.#driver.handle(event);
    const reports: LiveReports = {
      candidate: (candidate) => input({ type: "local-candidate", connectionId, candidate }),
      state: (state) => input({ type: "link-state", connectionId, state }),
      ready: () => input({ type: "ready", connectionId }),
    };
    // Opened in a later turn: what fails at once is an attempt that failed, too.
    entry.chain = Promise.resolve()
      .then(() => this.#options.open(reports, connectionId))
      .then((live) => {
        entry.live = live;
      })
      .catch((error: unknown) => this.#attemptFailed(connectionId, error));
  }

  // Run a native call after those before it; whatever goes wrong ends the attempt, not the process.
  #native(connectionId: string, call: (live: Connection) => Promise<void>): void {
    const entry = this.#entries.get(connectionId);
    if (entry === undefined) return;
    entry.chain = entry.chain
      .then(() => (entry.live === undefined || entry.closed ? undefined : call(entry.live)))
      .catch((error: unknown) => {
        if (!entry.closed) this.#attemptFailed(connectionId, error);
      });
  }

  #forward(connectionId: string, sent: Promise<unknown>): void {
    sent.then(
      () => this.#driver.handle({ type: "description-forwarded", connectionId }),
      (error: unknown) => this.#attemptFailed(connectionId, error),
    );
  }

  #attemptFailed(connectionId: string, error: unknown): void {
    const { code } = toTransportError(error, "CONNECTION_FAILED", "native connection");
    this.#driver.handle({ type: "attempt-failed", connectionId, code, message: describeError(error) });
  }

  #close(connectionId: string): void {
    const entry = this.#entries.get(connectionId);
    if (entry === undefined) return;
    entry.closed = true;
    this.#entries.delete(connectionId);
    // A link that is still being opened closes as soon as it exists.
    const closed = (entry.live === undefined ? entry.chain : Promise.resolve())
      .then(() => entry.live?.close())
      .catch((error: unknown) => this.#events.fault(error));
    this.#closing.add(closed);
    void closed.then(() => this.#closing.delete(closed));
  }
}

/** What a connector's owner tells it: wishes and signals. */
interface Wish {
  type: "connect" | "offer" | "answer" | "candidate" | "disconnect" | "remote-disconnect";
}

function idsOf({ connectionId, requestId }: Ids): Ids {
  return { connectionId, requestId };
}
