import { expect, it } from "vitest";
import { energy } from "../../../src/cli/demo/correlate.ts";
import { lineUp } from "../../../src/cli/demo/lineup.ts";
import { parseOptions } from "../../../src/cli/demo/options.ts";
import { Signals } from "../../../src/cli/demo/signals.ts";
import { Talk } from "../../../src/cli/demo/talk.ts";

/** Two seconds that everybody has said, but the bridge. */
async function conference(): Promise<Signals> {
  const parsed = parseOptions(["--mix", "--skew-ppm", "0", "--clicks"]);
  if (parsed.type !== "options") throw new Error("not options");
  const peers = lineUp(parsed.options);
  const signals = new Signals(peers, await Talk.open([], peers.length), false);
  const blocks = Array.from({ length: 100 }, (_, number) => [number, number * 20, number * 20 + 20]).flat();
  for (const peerId of ["alice", "bob", "carol"]) signals.sent({ peerId, blocks });
  return signals;
}

const sum = (...parts: Float32Array[]): Float32Array =>
  Float32Array.from(parts[0] ?? [], (_, i) => parts.reduce((total, part) => total + (part[i] as number), 0));

it("knows what each peer says, and lets a bridge say what all the others do but the listener", async () => {
  const signals = await conference();
  const [bob, carol] = ["bob", "carol"].map((from) => signals.reference(from, "alice").read(24_000, 960));
  if (bob === undefined || carol === undefined) throw new Error("nothing is read");
  expect(energy(bob)).toBeGreaterThan(0.01);
  expect(bob).not.toEqual(carol);
  expect(signals.reference("alice", "bob").read(24_000, 960)).toEqual(carol);
  expect(signals.reference("alice", "carol").read(24_000, 960)).toEqual(bob);
});

it("puts pages into the mixes of others until they leave", async () => {
  const signals = await conference();
  signals.page("guest").push(new Float32Array(96_000).fill(0.125), 0);
  const carol = signals.reference("carol", "bob").read(24_000, 960);
  const guest = signals.reference("guest", "bob").read(24_000, 960);
  expect(signals.reference("alice", "bob").read(24_000, 960)).toEqual(sum(carol, guest));
  expect(signals.reference("alice", "guest").read(24_000, 3)).toHaveLength(3);
  signals.forget("guest");
  expect(signals.reference("alice", "bob").read(24_000, 960)).toEqual(carol);
});

it("puts speakers into a mix as late as the bridge found them at the time", async () => {
  const signals = await conference();
  signals.lagged({ labelMs: 500, lagsMs: { carol: 2 } });
  signals.lagged({ labelMs: 1_000, lagsMs: { carol: 4 } });
  const mix = signals.reference("alice", "bob");
  const carol = signals.reference("carol", "bob");
  // Labels of the middles of what is read: 100, 750 and 1500 ms.
  for (const [start, lagMs] of [
    [4_320, 2],
    [35_520, 3],
    [71_520, 4],
  ] as const) {
    expect(mix.read(start, 960)).toEqual(carol.read(start + lagMs * 48, 960));
  }
});
