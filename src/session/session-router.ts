// What goes where in one session: which inputs come next, who gets an output, and what is counted on the way. Holds what
// is under way; waits for nothing and reads no clock.
import type { TransportData } from "../runtime/data.ts";
import { Deliveries } from "./deliveries.ts";
import type { OutputTarget } from "./deliveries.ts";
import type { QualityTier } from "./quality-tiers.ts";
import { checkPolicy, checkRoutes, targetsOf } from "./routing.ts";
import type { OutputRoute, RoutingPolicy } from "./routing.ts";
import { SessionCounters } from "./session-counters.ts";
import { SessionInputs } from "./session-inputs.ts";
import { SessionOutputs } from "./session-outputs.ts";

/** What a {@link SessionRouter} goes by. */
export interface SessionRouterOptions {
  readonly sessionId: string;
  /** The quality a peer can take now. */
  readonly tierOf?: ((peerId: string) => QualityTier | undefined) | undefined;
}

/** An output and who gets it. */
export interface RoutedOutput {
  /** With `session_id`. */
  readonly value: TransportData;
  /** Groups of the same tier; each peer is in one. */
  readonly targets: readonly OutputTarget[];
  /** The output's id, when nobody gets it and this has not been said before. */
  readonly unrouted?: string | undefined;
}

/** Outputs whose being unrouted has been said; ids may be anything. */
const MAX_TOLD = 256;

/** See the header. */
export class SessionRouter {
  readonly counters = new SessionCounters();
  readonly inputs: SessionInputs;
  readonly outputs: SessionOutputs;
  readonly deliveries = new Deliveries(this.counters);
  readonly #options: SessionRouterOptions;
  readonly #attached = new Set<string>();
  readonly #told = new Set<string>();
  #policy: RoutingPolicy = "broadcast";
  #routes: readonly OutputRoute[] = [];

  constructor(options: SessionRouterOptions) {
    this.#options = options;
    this.inputs = new SessionInputs(options.sessionId, this.counters);
    this.outputs = new SessionOutputs(this.counters);
  }

  /** Peers, in the order in which they were attached. */
  get attached(): readonly string[] {
    return [...this.#attached];
  }

  /** Whether there are any peers. */
  get populated(): boolean {
    return this.#attached.size > 0;
  }

  has(peerId: string): boolean {
    return this.#attached.has(peerId);
  }

  /** @returns false when it is attached already */
  attach(peerId: string): boolean {
    if (this.#attached.has(peerId)) return false;
    this.#attached.add(peerId);
    this.counters.attach(peerId);
    this.inputs.attach(peerId);
    return true;
  }

  /** @returns false when it is not attached */
  detach(peerId: string): boolean {
    if (!this.#attached.delete(peerId)) return false;
    this.counters.detach(peerId);
    this.inputs.detach(peerId);
    return true;
  }

  /** @throws TransportError `INVALID_DATA`, and everything stays as it was */
  setRouting(policy: RoutingPolicy, routes?: readonly OutputRoute[]): void {
    const checkedPolicy = checkPolicy(policy);
    if (routes !== undefined) this.#routes = checkRoutes(routes);
    this.#policy = checkedPolicy;
    this.#told.clear();
  }

  /**
   * Say who gets an output, and count it.
   * @param kept whether the program gets it in any case
   */
  route({ data, sequence, metadata }: TransportData, kept: boolean): RoutedOutput {
    this.counters.output(data.type);
    const value = { data, sequence, metadata: { ...metadata, session_id: this.#options.sessionId } };
    const { peers, tiers, reason } = targetsOf(value, {
      policy: this.#policy,
      routes: this.#routes,
      attached: this.#attached,
      tierOf: this.#options.tierOf,
    });
    if (reason === undefined || kept) return { value, targets: groups(peers, tiers) };
    this.counters.dropped("unrouted", data.type);
    const outputId = metadata["output_id"] ?? "";
    if (this.#told.has(outputId) || this.#told.size >= MAX_TOLD) return { value, targets: [] };
    this.#told.add(outputId);
    return { value, targets: [], unrouted: outputId };
  }
}

/** Peers of the same tier together, in the order of the first of each. */
function groups(peers: readonly string[], tiers: ReadonlyMap<string, QualityTier>): OutputTarget[] {
  const byTier = new Map<QualityTier | undefined, string[]>();
  for (const peerId of peers) {
    const tier = tiers.get(peerId);
    const group = byTier.get(tier);
    if (group === undefined) byTier.set(tier, [peerId]);
    else group.push(peerId);
  }
  return [...byTier].map(([tier, members]) => ({ peers: members, tier }));
}
