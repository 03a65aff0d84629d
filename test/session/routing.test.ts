import { describe, expect, it } from "vitest";
import { QUALITY_TIERS } from "../../src/session/quality-tiers.ts";
import type { QualityTier } from "../../src/session/quality-tiers.ts";
import { checkPolicy, checkRoutes, targetsOf } from "../../src/session/routing.ts";
import type { OutputRoute, RoutingPolicy, RoutingSituation } from "../../src/session/routing.ts";
import { SeededRandom } from "../../src/testing/random.ts";

const attached = new Set(["a", "b", "c"]);

function situation(policy: RoutingPolicy, routes: OutputRoute[] = [], more: Partial<RoutingSituation> = {}) {
  return { policy, routes, attached, ...more };
}

function targets(metadata: Record<string, string>, where: RoutingSituation) {
  return targetsOf({ data: { type: "text", text: "" }, metadata }, where);
}

/** Whom an output goes to. */
function peersOf(outputId: string, where: RoutingSituation): string[] {
  return targets({ output_id: outputId }, where).peers;
}

/** Three forms of one source, one in each tier, for everybody. */
const forms = (targetPeers: string[] = []): OutputRoute[] =>
  QUALITY_TIERS.map((qualityTier) => ({ outputId: qualityTier, targetPeers, qualityTier }));

const tiersIn =
  (tiers: Record<string, QualityTier>) =>
  (peerId: string): QualityTier | undefined =>
    tiers[peerId];

describe("a policy", () => {
  it("of broadcast names everybody attached", () => {
    expect(targets({ output_id: "x" }, situation("broadcast"))).toEqual({
      peers: ["a", "b", "c"],
      tiers: new Map(),
    });
  });

  it("of any kind gives way to the peer that an output names", () => {
    const routes = [{ outputId: "x", targetPeers: ["a"] }];
    for (const policy of ["unicast", "broadcast", "selective"] as const) {
      const metadata = { output_id: "x", source_peer: "a", target_peer: "b" };
      expect(targets(metadata, situation(policy, routes)).peers).toEqual(["b"]);
      expect(targets({ target_peer: "z" }, situation(policy, routes))).toMatchObject({
        peers: [],
        reason: "no-match",
      });
    }
  });

  it("of unicast answers who sent the input, and nobody in its place once it has left", () => {
    const where = situation("unicast", [{ outputId: "x", targetPeers: ["b"] }]);
    expect(targets({ output_id: "x", source_peer: "c" }, where).peers).toEqual(["c"]);
    expect(targets({ output_id: "x", source_peer: "z" }, where)).toMatchObject({
      peers: [],
      reason: "no-match",
    });
  });

  it("of unicast sends what nobody caused to the only target of its routes", () => {
    const to = (...targetPeers: string[]): OutputRoute => ({ outputId: "x", targetPeers });
    expect(peersOf("x", situation("unicast", [to("b"), to("b", "z")]))).toEqual(["b"]);
    expect(peersOf("x", situation("unicast", [to()], { attached: new Set(["c"]) }))).toEqual(["c"]);
    for (const routes of [[], [to("a", "b")], [to("a"), to("c")], [to()], [to("z")]]) {
      expect(targets({ output_id: "x" }, situation("unicast", routes))).toMatchObject({
        peers: [],
        reason: "no-match",
      });
    }
  });
});

describe("selective routing", () => {
  it("follows the active routes of the output, those of a higher priority first, each peer once", () => {
    const routes: OutputRoute[] = [
      { outputId: "x", targetPeers: ["c"], priority: 1 },
      { outputId: "x", targetPeers: ["b", "c"] },
      { outputId: "x", targetPeers: [], active: false },
      { outputId: "y", targetPeers: [] },
      { outputId: "x", targetPeers: ["z", "a"], priority: 6 },
    ];
    expect(peersOf("x", situation("selective", routes))).toEqual(["a", "b", "c"]);
    expect(peersOf("y", situation("selective", routes))).toEqual(["a", "b", "c"]);
  });

  it("says so where no route is for anybody attached", () => {
    const routes: OutputRoute[] = [
      { outputId: "x", targetPeers: ["z"] },
      { outputId: "y", targetPeers: [], active: false },
    ];
    for (const outputId of ["x", "y", "w"]) {
      expect(targets({ output_id: outputId }, situation("selective", routes)).reason).toBe("no-match");
    }
    expect(targets({}, situation("selective", routes)).reason).toBe("no-match");
    const alone = situation("selective", routes, { attached: new Set() });
    expect(targets({ output_id: "w" }, alone)).toEqual({ peers: [], tiers: new Map() });
  });
});

describe("forms of one source", () => {
  it("go each to the peers of its tier, and tell which that is", () => {
    const where = situation("selective", forms(), {
      tierOf: tiersIn({ a: "high", b: "medium", c: "low" }),
    });
    expect(QUALITY_TIERS.map((tier) => peersOf(tier, where))).toEqual([["a"], ["b"], ["c"]]);
    expect(targets({ output_id: "medium" }, where).tiers).toEqual(new Map([["b", "medium"]]));
  });

  it("for nobody at the moment are no mistake", () => {
    const where = situation("selective", forms(), { tierOf: () => "low" });
    expect(targets({ output_id: "high" }, where)).toEqual({ peers: [], tiers: new Map() });
  });

  it("are served by the nearest lower tier, else by the lowest above", () => {
    const [high, medium, low] = forms() as [OutputRoute, OutputRoute, OutputRoute];
    const cases: [OutputRoute[], QualityTier, string][] = [
      [[medium, low], "high", "medium"],
      [[high, low], "medium", "low"],
      [[high, medium], "low", "medium"],
      [[high, { ...medium, active: false }], "low", "high"],
      [[low], "high", "low"],
      [[high, { ...low, targetPeers: ["b"] }], "low", "high"],
    ];
    for (const [routes, tier, served] of cases) {
      const where = situation("selective", routes, { tierOf: () => tier });
      const got = QUALITY_TIERS.filter((outputId) => peersOf(outputId, where).includes("a"));
      expect(got, `${tier} of ${routes.map(({ outputId }) => outputId).join()}`).toEqual([served]);
    }
  });

  it("come beside what is routed in no tier", () => {
    const routes = [...forms(), { outputId: "sound", targetPeers: [] }];
    const where = situation("selective", routes, { tierOf: () => "medium" });
    expect(peersOf("sound", where)).toEqual(["a", "b", "c"]);
    const both = situation("selective", [...routes, { outputId: "high", targetPeers: ["a"] }], {
      tierOf: () => "medium",
    });
    expect(peersOf("high", both)).toEqual(["a"]);
    expect(targets({ output_id: "high" }, both).tiers.size).toBe(0);
  });

  it("may be the same output in two tiers", () => {
    const routes: OutputRoute[] = [
      { outputId: "full", targetPeers: [], qualityTier: "high" },
      { outputId: "full", targetPeers: [], qualityTier: "medium" },
      { outputId: "small", targetPeers: [], qualityTier: "low" },
    ];
    const where = situation("selective", routes, {
      tierOf: tiersIn({ a: "high", b: "medium", c: "low" }),
    });
    expect(targets({ output_id: "full" }, where).tiers).toEqual(
      new Map([
        ["a", "high"],
        ["b", "medium"],
      ]),
    );
    expect(peersOf("small", where)).toEqual(["c"]);
  });

  it("of another source stand for themselves when told apart", () => {
    const screen: OutputRoute = { outputId: "screen", targetPeers: [], qualityTier: "high" };
    const where = (routes: OutputRoute[]) => situation("selective", routes, { tierOf: () => "low" });
    expect(peersOf("screen", where([...forms(), screen]))).toEqual([]);
    expect(peersOf("screen", where([...forms(), { ...screen, tierSet: "screen" }]))).toEqual(["a", "b", "c"]);
  });

  it("are the best where nothing is known of a peer", () => {
    const routes = situation("selective", forms());
    expect(QUALITY_TIERS.map((tier) => peersOf(tier, routes).length)).toEqual([3, 0, 0]);
    const unknown = situation("selective", forms(), { tierOf: tiersIn({ b: "low" }) });
    expect(QUALITY_TIERS.map((tier) => peersOf(tier, unknown))).toEqual([["a", "c"], [], ["b"]]);
  });

  it("reach each peer that a route is for exactly once, whatever routes and tiers there are", () => {
    const seed = 11;
    const random = new SeededRandom(seed);
    const peers = [..."abcdef"];
    const some = () => peers.filter(() => random.chance(0.5));
    for (let run = 0; run < 500; run++) {
      const routes = QUALITY_TIERS.filter(() => random.chance(0.7)).map((qualityTier) => ({
        outputId: qualityTier,
        targetPeers: random.chance(0.3) ? [] : some(),
        qualityTier,
        priority: random.integer(0, 9),
        active: random.chance(0.8),
      }));
      const here = new Set(some());
      const tiers = new Map(peers.map((peer) => [peer, QUALITY_TIERS[random.integer(0, 2)] as QualityTier]));
      const where = situation("selective", routes, { attached: here, tierOf: (peer) => tiers.get(peer) });
      const got = QUALITY_TIERS.flatMap((outputId) => peersOf(outputId, where)).sort();
      const expected = [...here].filter((peer) =>
        routes.some(
          ({ active, targetPeers }) => active && (targetPeers.length === 0 || targetPeers.includes(peer)),
        ),
      );
      expect(got, `seed ${seed}, run ${run}`).toEqual(expected.sort());
    }
  });
});

describe("routes handed in", () => {
  it("get their defaults, and are copies that do not change", () => {
    const given: OutputRoute[] = [{ outputId: "x", targetPeers: ["a"], qualityTier: "low", tierSet: "cam" }];
    const checked = checkRoutes(given);
    given[0] = { ...(given[0] as OutputRoute), outputId: "y" };
    expect(checked).toEqual([
      { outputId: "x", targetPeers: ["a"], qualityTier: "low", tierSet: "cam", priority: 5, active: true },
    ]);
    expect(Object.isFrozen(checked[0])).toBe(true);
    expect(checkRoutes([{ outputId: "x", targetPeers: [], priority: -1.5, active: false }], ["x"])).toEqual([
      { outputId: "x", targetPeers: [], priority: -1.5, active: false },
    ]);
  });

  it.each<[unknown, string]>([
    [{}, "routes: expected an array"],
    [[null], "routes[0]: expected an object, got null"],
    [[{ targetPeers: [] }], "routes[0].outputId: expected the id of an output, got undefined"],
    [[{ outputId: "q", targetPeers: [] }], "routes[0].outputId: expected an output of the pipeline (x, y)"],
    [[{ outputId: "x" }], "routes[0].targetPeers: expected an array of peer ids"],
    [[{ outputId: "x", targetPeers: ["a", "b c"] }], "routes[0].targetPeers[1]: expected 1 to 64 letters"],
    [[{ outputId: "x", targetPeers: [], qualityTier: "best" }], "qualityTier: expected high, medium, low"],
    [[{ outputId: "x", targetPeers: [], tierSet: 3 }], "routes[0].tierSet: expected a string, got 3"],
    [[{ outputId: "x", targetPeers: [], priority: NaN }], "routes[0].priority: expected a finite number"],
    [[{ outputId: "x", targetPeers: [], active: "yes" }], 'active: expected true or false, got "yes"'],
    [
      [
        { outputId: "x", targetPeers: [] },
        { outputId: "y", targetPeers: [], quality_tier: "low" },
      ],
      "routes[1].quality_tier",
    ],
  ])("are refused when they are %j", (routes, message) => {
    expect(() => checkRoutes(routes, ["x", "y"])).toThrow(
      expect.objectContaining({ code: "INVALID_DATA", message: expect.stringContaining(message) as string }),
    );
  });

  it("follow a policy there is", () => {
    expect(checkPolicy("selective")).toBe("selective");
    expect(() => checkPolicy("anycast")).toThrow(
      'policy: expected unicast, broadcast, selective, got "anycast"',
    );
  });
});
