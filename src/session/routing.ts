// Which peers get an output: policies, routes, and which of several forms of one source is for whom. Pure; it sends
// nothing and measures nobody.
import { TransportError } from "../errors/errors.ts";
import type { TransportData } from "../runtime/data.ts";
import { isId } from "../runtime/ids.ts";
import { isMembers } from "../runtime/schema.ts";
import { QUALITY_TIERS } from "./quality-tiers.ts";
import type { QualityTier } from "./quality-tiers.ts";

/** Who gets outputs: who sent what they were made of, everybody attached, or whom routes name. */
export type RoutingPolicy = "unicast" | "broadcast" | "selective";

const POLICIES: readonly RoutingPolicy[] = ["unicast", "broadcast", "selective"];

const DEFAULT_PRIORITY = 5;

/** Where one output goes. Several routes may name the same output. */
export interface OutputRoute {
  /** `metadata.output_id` of what it is for: the id of the node that made it. */
  outputId: string;
  /** Peer ids; empty: all that are attached. */
  targetPeers: readonly string[];
  /** The output is for those of its targets that are in this tier; default: for all of them. See {@link targetsOf}. */
  qualityTier?: QualityTier | undefined;
  /**
   * Routes with a tier and the same `tierSet` carry forms of the same source, of which each peer gets one. Needed only
   * where several sources come in different tiers; default: all are of one set.
   */
  tierSet?: string | undefined;
  /** Any finite number; those of a higher one come first. Default 5. */
  priority?: number | undefined;
  /** Default true. */
  active?: boolean | undefined;
}

const ROUTE_FIELDS: readonly string[] = [
  "outputId",
  "targetPeers",
  "qualityTier",
  "tierSet",
  "priority",
  "active",
] satisfies (keyof OutputRoute)[];

/** What bears on where an output goes. */
export interface RoutingSituation {
  readonly policy: RoutingPolicy;
  /** Checked by {@link checkRoutes}. */
  readonly routes: readonly OutputRoute[];
  /** Peer ids; nobody else gets anything. */
  readonly attached: ReadonlySet<string>;
  /** The tier a peer is in now; where nothing is known of it: high, as then nothing speaks against that. */
  readonly tierOf?: ((peerId: string) => QualityTier | undefined) | undefined;
}

/** Where an output goes. */
export interface OutputTargets {
  /** Each peer once, those of routes with a higher priority first. */
  readonly peers: string[];
  /** By peer, the tier of the route by which it gets the output; peers that get it in no particular tier are not here. */
  readonly tiers: ReadonlyMap<string, QualityTier>;
  /** Peers are attached, and the output is for none of them, whatever tier they are in. */
  readonly reason?: "no-match";
}

/**
 * Refuse what is no policy.
 * @throws TransportError `INVALID_DATA`
 */
export function checkPolicy(policy: unknown): RoutingPolicy {
  const known = POLICIES.find((each) => each === policy);
  return known ?? refuse("policy", POLICIES.join(", "), policy);
}

/**
 * Check routes as a program hands them in.
 *
 * @param outputIds what the pipeline puts out, if it is to be checked that routes name nothing else
 * @returns copies, frozen, in the same order, with defaults filled in
 * @throws TransportError `INVALID_DATA` naming the field, as `routes[1].targetPeers[0]`, and what was expected
 */
export function checkRoutes(routes: unknown, outputIds?: Iterable<string>): readonly OutputRoute[] {
  if (!Array.isArray(routes)) return refuse("routes", "an array", routes);
  const known = outputIds === undefined ? undefined : [...outputIds];
  return Object.freeze(routes.map((route: unknown, index) => checkRoute(route, `routes[${index}]`, known)));
}

/**
 * Say who gets an output.
 *
 * `metadata.target_peer` overrides any policy and any tier. `broadcast`: everybody attached. `unicast`:
 * `metadata.source_peer`; an output without one goes to the only target of its routes. `selective`: the targets of its
 * active routes.
 *
 * Tiers: several outputs may be forms of one source, e.g. in three sizes, each with a route in its own tier. Of all active
 * routes with a tier that have a peer among their targets, those of one tier serve it: the one the peer is in; where none
 * is of that tier, the nearest lower one, and without a lower one the lowest above. So each peer gets one form, and some
 * form as long as there is a route, however tiers and routes change; outputs that are routed in the same tier come
 * together, and what is routed without a tier comes besides. Forms of different sources are told apart by `tierSet`.
 */
export function targetsOf({ metadata }: TransportData, situation: RoutingSituation): OutputTargets {
  const { policy, attached } = situation;
  const target = metadata["target_peer"];
  if (target !== undefined) return addressed([target], attached);
  if (policy === "broadcast") return addressed(attached, attached);
  const source = metadata["source_peer"];
  if (policy === "unicast" && source !== undefined) return addressed([source], attached);
  const active = situation.routes.filter((route) => route.active !== false);
  const routes = active.filter(({ outputId }) => outputId === metadata["output_id"]).sort(byPriority);
  if (policy === "unicast") {
    const sole = new Set(routes.flatMap((route) => audienceOf(route, attached)));
    if (sole.size !== 1) return addressed([], attached);
  }
  return byRoutes(routes, active, situation);
}

function byRoutes(
  routes: readonly OutputRoute[],
  active: readonly OutputRoute[],
  { attached, tierOf }: RoutingSituation,
): OutputTargets {
  const peers = new Set<string>();
  const tiers = new Map<string, QualityTier>();
  let isMatch = attached.size === 0;
  for (const route of routes) {
    const { qualityTier } = route;
    for (const peer of audienceOf(route, attached)) {
      isMatch = true;
      if (peers.has(peer)) continue;
      if (qualityTier !== undefined) {
        if (servingTier(route, active, peer, tierOf?.(peer) ?? "high") !== qualityTier) continue;
        tiers.set(peer, qualityTier);
      }
      peers.add(peer);
    }
  }
  return { peers: [...peers], tiers, ...(!isMatch && { reason: "no-match" }) };
}

/** Of the tiers that routes of the same set have for a peer, the one it is served by. */
function servingTier(
  { tierSet }: OutputRoute,
  active: readonly OutputRoute[],
  peer: string,
  tier: QualityTier,
): QualityTier | undefined {
  const offered = new Set<QualityTier | undefined>();
  for (const route of active) {
    if (route.tierSet === tierSet && isFor(route, peer)) offered.add(route.qualityTier);
  }
  const at = QUALITY_TIERS.indexOf(tier);
  const below = QUALITY_TIERS.slice(at);
  const above = QUALITY_TIERS.slice(0, at).reverse();
  return [...below, ...above].find((each) => offered.has(each));
}

function isFor({ targetPeers }: OutputRoute, peer: string): boolean {
  return targetPeers.length === 0 || targetPeers.includes(peer);
}

function audienceOf({ targetPeers }: OutputRoute, attached: ReadonlySet<string>): string[] {
  return targetPeers.length === 0 ? [...attached] : targetPeers.filter((peer) => attached.has(peer));
}

function addressed(wanted: Iterable<string>, attached: ReadonlySet<string>): OutputTargets {
  const peers = [...wanted].filter((peer) => attached.has(peer));
  const isMatch = peers.length > 0 || attached.size === 0;
  return { peers, tiers: new Map(), ...(!isMatch && { reason: "no-match" }) };
}

function byPriority(a: OutputRoute, b: OutputRoute): number {
  return (b.priority ?? DEFAULT_PRIORITY) - (a.priority ?? DEFAULT_PRIORITY);
}

function checkRoute(route: unknown, where: string, outputIds: readonly string[] | undefined): OutputRoute {
  if (!isMembers(route)) return refuse(where, "an object", route);
  const other = Object.keys(route).find((name) => !ROUTE_FIELDS.includes(name));
  if (other !== undefined) refuse(`${where}.${other}`, `one of ${ROUTE_FIELDS.join(", ")}`, "another name");
  const { outputId, targetPeers, qualityTier, tierSet, priority, active } = route;
  if (typeof outputId !== "string" || outputId === "") {
    return refuse(`${where}.outputId`, "the id of an output", outputId);
  }
  if (outputIds !== undefined && !outputIds.includes(outputId)) {
    refuse(`${where}.outputId`, `an output of the pipeline (${outputIds.join(", ")})`, outputId);
  }
  if (!Array.isArray(targetPeers)) return refuse(`${where}.targetPeers`, "an array of peer ids", targetPeers);
  targetPeers.forEach((peer: unknown, index) => {
    if (isId(peer)) return;
    refuse(`${where}.targetPeers[${index}]`, "1 to 64 letters, digits, '_' or '-'", peer);
  });
  const tier = QUALITY_TIERS.find((each) => each === qualityTier);
  if (qualityTier !== undefined && tier === undefined) {
    refuse(`${where}.qualityTier`, QUALITY_TIERS.join(", "), qualityTier);
  }
  if (tierSet !== undefined && typeof tierSet !== "string") refuse(`${where}.tierSet`, "a string", tierSet);
  if (priority !== undefined && !(typeof priority === "number" && Number.isFinite(priority))) {
    refuse(`${where}.priority`, "a finite number", priority);
  }
  if (active !== undefined && typeof active !== "boolean") {
    refuse(`${where}.active`, "true or false", active);
  }
  return Object.freeze({
    outputId,
    targetPeers: Object.freeze([...(targetPeers as string[])]),
    ...(tier !== undefined && { qualityTier: tier }),
    ...(tierSet !== undefined && { tierSet }),
    priority: priority ?? DEFAULT_PRIORITY,
    active: active ?? true,
  });
}

function refuse(field: string, expected: string, actual: unknown): never {
  const given =
    typeof actual === "string" || typeof actual === "number" ? JSON.stringify(actual) : typeOf(actual);
  throw new TransportError("INVALID_DATA", `${field}: expected ${expected}, got ${given}`);
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : typeof value;
}
