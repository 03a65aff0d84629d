import { expect, it } from "vitest";
import { alignedChannels, lineUp, settleMsOf, spread } from "../../../src/cli/demo/lineup.ts";
import { parseOptions } from "../../../src/cli/demo/options.ts";

function peersOf(...args: string[]) {
  const parsed = parseOptions(args);
  if (parsed.type !== "options") throw new Error(`not options: ${args.join(" ")}`);
  return lineUp(parsed.options);
}

it("gives everybody a voice and a true clock unless it is told otherwise", () => {
  const peers = peersOf("--peers", "4");
  expect(peers.map(({ peerId }) => peerId)).toEqual(["alice", "bob", "carol", "dave"]);
  for (const peer of peers) expect(peer).toMatchObject({ bridges: false, mixes: false });
  expect(peers.every(({ offsetMs, skewPpm }) => Math.abs(offsetMs) + Math.abs(skewPpm) === 0)).toBe(true);
});

it("lets the first peer be the bridge of a conference, and with 'all' the others mix too", () => {
  const who = (role: "bridges" | "mixes", ...args: string[]): string[] =>
    peersOf("--peers", "4", ...args)
      .filter((peer) => peer[role])
      .map(({ peerId }) => peerId);
  expect(who("bridges", "--mix")).toEqual(["alice"]);
  expect(who("mixes", "--mix")).toEqual(["alice"]);
  expect(who("bridges", "--mix", "all")).toEqual(["alice"]);
  expect(who("mixes", "--mix", "all")).toEqual(["alice", "bob", "carol", "dave"]);
});

it.each([
  ["5", [], 2, [3, 2]],
  ["5", [], 1, [3, 2]],
  ["10", [], 2, [5, 5]],
  ["10", [], 64, [2, 2, 2, 2, 2]],
  ["10", ["--mix"], 2, [1, 5, 4]],
  ["10", ["--mix"], 4, [1, 2, 3, 2, 2]],
  ["5", ["--mix"], 8, [1, 2, 2]],
] as const)(
  "spreads %s peers %j over %i cores, each once, a bridge by itself",
  (count, args, cores, sizes) => {
    const peers = peersOf("--peers", count, ...args);
    const groups = spread(peers, cores);
    expect(groups.map((group) => group.length)).toEqual(sizes);
    expect(groups.flat()).toEqual(peers);
  },
);

it.each([
  ["2", [], 2, [1, 1]],
  ["3", [], 2, [2, 1]],
  ["4", [], 8, [1, 1, 1, 1]],
  ["10", [], 4, [3, 2, 3, 2]],
  ["3", ["--mix"], 4, [1, 1, 1]],
  ["3", [], 1, []],
] as const)(
  "gives %s peers %j that have video a process each, up to %i cores",
  (count, args, cores, sizes) => {
    const groups = spread(peersOf("--peers", count, ...args), cores, true);
    expect(groups.map((group) => group.length)).toEqual(sizes);
  },
);

it("keeps four peers in one process", () => {
  expect(spread(peersOf("--peers", "4"), 8)).toEqual([]);
});

it("has a channel for every other peer in what a reader records", () => {
  expect(alignedChannels(peersOf("--peers", "3", "--mix"))).toEqual({ alice: ["bob", "carol"] });
  expect(alignedChannels(peersOf("--peers", "3", "--mix", "all")).carol).toEqual(["alice", "bob"]);
});

it("lets capture times settle for ten seconds, or for half of a short run", () => {
  expect([undefined, 60, 20, 8].map(settleMsOf)).toEqual([10_000, 10_000, 10_000, 4_000]);
});
