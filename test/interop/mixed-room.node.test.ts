// A room of two members in Node, one of them with a wrong clock, and two pages of Chromium, one of which comes late and
// goes first. Everybody hears everybody, and what was captured at the same instant comes out together.
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Page } from "playwright";
import { WebRtcTransport } from "../../src/node.ts";
import { createNodeClock } from "../../src/platform/node/node-clock.ts";
import { SignalingServer } from "../../src/signaling-server/server.ts";
import { SkewedClock } from "../../src/testing/skewed-clock.ts";
import { describeUnless, NO_CHROMIUM } from "../needs.ts";
import { openBrowserPage } from "./browser-harness.ts";
import type { BrowserPage } from "./browser-harness.ts";
import { Member, NAMES } from "./room-member.ts";
import type { Judgement, PeerReport, Report } from "./room-member.ts";

const WARM_UP_MS = 7_000;
const RECORDED_MS = 7_000;
/** The last page comes this long after the others have begun. */
const LATE_MS = 5_000;
/** What was captured so shortly before the end may not have come. */
const ON_ITS_WAY_MS = 700;
const CONNECTED_TIMEOUT_MS = 90_000;
/** A match is as fine as a sample, and the clocks are compared by whole milliseconds of the system's. */
const MEASURING_US = 150;

const PAGE = `
  import { WebRtcTransport } from "../../src/browser.ts";
  import { Member } from "./room-member.ts";
  export let member;
  export async function join(signalingUrl, name) {
    const transport = new WebRtcTransport({ signalingUrl, room: "mixed", peerId: name, networkMode: "lan" });
    transport.on("error", (error) => console.error(String(error)));
    member = new Member({ name, transport, wallNow: () => performance.timeOrigin + performance.now() });
    await member.join();
    void member.speak();
  }
  export const readNarrow = (name) => void member.readNarrow(name);
`;

/** What the page exports. */
interface PageApi {
  join(url: string, name: string): Promise<void>;
  readNarrow(name: string): void;
  member: Member;
}

declare const page: PageApi;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function eventually(what: string, check: () => boolean): Promise<void> {
  const endMs = performance.now() + 20_000;
  while (!check()) {
    if (performance.now() > endMs) throw new Error(`never happened: ${what}`);
    await sleep(50);
  }
}

function nodeMembers(signalingUrl: string): [Member, Member] {
  const clock = createNodeClock();
  const offsetMs = clock.wallNow() - clock.now();
  const wrong = new SkewedClock(clock, { offsetMs: 300, skewPpm: 100 });
  const member = (name: string, own: typeof clock, rightMs?: (wallMs: number) => number): Member => {
    const transport = new WebRtcTransport(
      {
        ...{ signalingUrl, room: "mixed", peerId: name, networkMode: "lan", bindAddress: "127.0.0.1" },
        audio: { application: "audio", complexity: 5, fec: false },
      },
      { clock: own },
    );
    return new Member({ name, transport, wallNow: () => own.wallNow(), ...(rightMs && { rightMs }) });
  };
  return [member("node-a", clock), member("node-b", wrong, (wallMs) => wrong.trueAtWall(wallMs) + offsetMs)];
}

/** The value that the given share of the others does not exceed; NaN of none. */
function percentile(values: readonly (number | null)[], share: number): number {
  const sorted = values.filter((value) => value !== null).sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** By how much two peers' sound is apart in each window in which both are recognized, us. */
function apartUs(a: PeerReport | undefined, b: PeerReport | undefined): number[] {
  return (a?.aligned ?? []).flatMap(({ at, errorUs }) => {
    const other = b?.aligned.find((window) => window.at === at)?.errorUs ?? null;
    return errorUs === null || other === null ? [] : [Math.abs(errorUs - other)];
  });
}

type States = Record<string, string | null>;

const ms = (us: number): string => (us / 1000).toFixed(2);

function figures(judged: readonly Judgement[]): string {
  const similarity = percentile(
    judged.map((each) => each.similarity),
    0.5,
  );
  const errors = judged.map(({ errorUs }) => errorUs);
  const bounds = judged.map(({ boundUs }) => boundUs);
  return (
    `${judged.length} windows, similarity ${similarity.toFixed(3)}, label off by ` +
    `${[0.05, 0.5, 0.95].map((share) => ms(percentile(errors, share))).join("/")} ms, ` +
    `bound ${[0.5, 0.95].map((share) => ms(percentile(bounds, share))).join("/")} ms`
  );
}

/** Everything that was measured, for whoever reads of a failure. Percentiles: 5/50/95 of labels, else 50/95. */
function table(reports: Record<string, Report>, states: Record<string, States>): string {
  const lines: string[] = [];
  for (const [to, { peers, rows, narrow, systemOffsetMs }] of Object.entries(reports)) {
    lines.push(`${to}: the system's clock is ${systemOffsetMs.toFixed(3)} ms ahead`);
    for (const [from, { live, aligned }] of Object.entries(peers)) {
      lines.push(
        `  from ${from}, ${states[to]?.[from] ?? "unknown"}; live: ${figures(live)}; aligned: ${figures(aligned)}`,
      );
    }
    for (const [a, b] of pairsOf(Object.keys(peers))) {
      const apart = apartUs(peers[a], peers[b]);
      lines.push(
        `  ${a} and ${b} apart: ${ms(percentile(apart, 0.5))}/${ms(percentile(apart, 0.95))} ms (${apart.length})`,
      );
    }
    const shares = Object.keys(peers).map((name) => `${name} in ${rowsWith(rows, name)}`);
    const spreads = rows.map(({ spreadUs }) => spreadUs);
    lines.push(`  ${rows.length} rows, ${shares.join(", ")}; spread ${ms(percentile(spreads, 0.95))} ms`);
    if (narrow.length > 0) lines.push(`  16 kHz: ${figures(narrow)}`);
  }
  return `\n${lines.join("\n")}\n`;
}

function rowsWith(rows: Report["rows"], name: string): number {
  return rows.filter(({ peers }) => peers.includes(name)).length;
}

function pairsOf(names: readonly string[]): [string, string][] {
  return names.flatMap((a, i) => names.slice(i + 1).map((b): [string, string] => [a, b]));
}

/** What `node-a` saw of the page that comes late; on its wall clock, ms. */
interface Presence {
  connectedMs: number;
  /** Capture of the first of its sound, see {@link Member.firstHeardMs}. */
  live: number;
  aligned: number;
  /** Members of the last block after it had gone. */
  remaining: string[];
}

describeUnless(NO_CHROMIUM, "a room of Node and Chromium", { timeout: 30_000 }, () => {
  const server = new SignalingServer({ port: 0, host: "127.0.0.1" });
  const reports: Record<string, Report> = {};
  const presence: Presence = {
    connectedMs: NaN,
    live: NaN,
    aligned: NaN,
    remaining: [],
  };
  let members: Member[] = [];
  let browser: BrowserPage;
  let pages: [Page, Page];
  let measured = "";
  /** Of the page that comes late. */
  const log: string[] = [];

  async function connected(names: readonly string[]): Promise<void> {
    const endMs = performance.now() + CONNECTED_TIMEOUT_MS;
    for (;;) {
      const inNode = members.map(({ transport }) => transport.listPeers().length);
      const inPages = pages
        .slice(0, names.length - members.length)
        .map((each) => each.evaluate(() => page.member.transport.listPeers().length));
      const counts = [...inNode, ...(await Promise.all(inPages))];
      if (counts.every((count) => count === names.length - 1)) return;
      if (performance.now() > endMs) throw new Error(`connections of ${names.join()}: ${counts.join()}`);
      await sleep(200);
    }
  }

  const inPages = <T, A>(call: (argument: A) => T, argument?: A): Promise<Awaited<T>[]> =>
    Promise.all(pages.map((each) => each.evaluate<Awaited<T>, A>(call as never, argument as A)));

  async function run(): Promise<void> {
    const { url } = await server.start();
    browser = await openBrowserPage({ source: PAGE, resolveDir: import.meta.dirname });
    const late = await browser.page.context().newPage();
    late.on("console", (message) => log.push(`${message.type()}: ${message.text()}`));
    late.on("pageerror", (error) => log.push(`uncaught: ${error.stack ?? error.message}`));
    await late.goto(browser.url);
    pages = [browser.page, late];
    members = nodeMembers(url);
    const [reader] = members as [Member, Member];
    reader.transport.on("peerConnected", ({ peerId }) => {
      if (peerId === "page-b") presence.connectedMs = performance.timeOrigin + performance.now();
    });
    for (const member of members) await member.join();
    for (const member of members) void member.speak();
    await pages[0].evaluate(([to]) => page.join(to!, "page-a"), [url]);
    await connected(["node-a", "node-b", "page-a"]);
    await pages[0].evaluate(() => page.readNarrow("node-a"));
    await sleep(LATE_MS);
    await late.evaluate(([to]) => page.join(to!, "page-b"), [url]);
    await connected(NAMES);
    await sleep(WARM_UP_MS);
    const fromMs = Date.now();
    await sleep(RECORDED_MS);
    const toMs = Date.now() - ON_ITS_WAY_MS;
    Object.assign(presence, reader.firstHeardMs("page-b"));
    const states = [
      ...members.map((member) => member.states()),
      ...(await inPages(() => page.member.states())),
    ];
    const judged = [
      ...(await inPages(([from, to]) => page.member.report(from!, to!), [fromMs, toMs])),
      ...members.map((member) => member.report(fromMs, toMs)),
    ];
    // The pages judge at the same time, and first: this process would make them wait.
    for (const [i, name] of [...NAMES.slice(members.length), ...NAMES.slice(0, members.length)].entries()) {
      reports[name] = judged[i] as Report;
    }
    measured = table(reports, Object.fromEntries(NAMES.map((name, i) => [name, states[i] ?? {}])));
    await late.evaluate(() => page.member.leave());
    await eventually("page-b has gone", () => reader.transport.listPeers().length === 2);
    const blocks = reader.blocks.length;
    await eventually("blocks without page-b", () => reader.blocks.length > blocks + 50);
    presence.remaining = reader.blocks.at(-1)?.peers.map(({ peerId }) => peerId) ?? [];
  }

  beforeAll(() => run(), 240_000);

  afterAll(async () => {
    await Promise.all(members.map((member) => member.leave()));
    await browser?.close();
    await server.close();
  }, 30_000);

  it("has one time", () => {
    // All clocks of the machine are one, but for the error that a member has on purpose.
    for (const { systemOffsetMs } of Object.values(reports)) expect(Math.abs(systemOffsetMs)).toBeLessThan(5);
  });

  it("hears everybody", () => {
    for (const to of NAMES) {
      for (const from of NAMES.filter((name) => name !== to)) {
        const { live, aligned } = reports[to]?.peers[from] ?? { live: [], aligned: [] };
        for (const judged of [live, aligned]) {
          const similarities = judged.map(({ similarity }) => similarity);
          expect(percentile(similarities, 0.5), `${from} to ${to}: ${measured}`).toBeGreaterThan(0.9);
        }
      }
    }
  });

  it("hears together what was captured at the same instant", () => {
    for (const to of NAMES) {
      for (const [a, b] of pairsOf(NAMES.filter((name) => name !== to))) {
        const apart = apartUs(reports[to]?.peers[a], reports[to]?.peers[b]);
        const which = `${a} and ${b} at ${to}: ${measured}`;
        expect(apart.length, which).toBeGreaterThan(4);
        expect(percentile(apart, 0.9), which).toBeLessThan(20_000);
      }
    }
  });

  it("says how wrong its labels can be", () => {
    for (const to of NAMES) {
      for (const from of NAMES.filter((name) => name !== to)) {
        const which = `${from} to ${to}: ${measured}`;
        const judged = (reports[to]?.peers[from]?.aligned ?? []).filter(({ errorUs }) => errorUs !== null);
        expect(judged.length, which).toBeGreaterThan(8);
        const honest = judged.filter(
          ({ errorUs, boundUs }) => boundUs !== null && Math.abs(errorUs ?? 0) <= boundUs + MEASURING_US,
        );
        expect(honest.length / judged.length, which).toBeGreaterThan(0.8);
      }
    }
  });

  it("is read at 16 kHz, in frames of 10 ms, by a page", () => {
    const narrow = reports["page-a"]?.narrow ?? [];
    expect(narrow.length, measured).toBeGreaterThan(8);
    const similarities = narrow.map(({ similarity }) => similarity);
    expect(percentile(similarities, 0.5), measured).toBeGreaterThan(0.9);
  });

  it("is collected in rows", () => {
    const frames = (RECORDED_MS - ON_ITS_WAY_MS) / 20;
    for (const { rows, peers } of Object.values(reports)) {
      for (const name of Object.keys(peers)) {
        expect(rowsWith(rows, name), `${name}: ${measured}`).toBeGreaterThan(frames / 2);
      }
      // Half a frame: who is further away fits another row better. While labels move after a stall, a whole one.
      const spreads = rows.map(({ spreadUs }) => spreadUs).sort((a, b) => a - b);
      expect(spreads[Math.floor(0.95 * spreads.length)], measured).toBeLessThanOrEqual(10_000);
      expect(spreads.at(-1), measured).toBeLessThanOrEqual(20_000);
    }
  });

  it("has a latecomer in its blocks within three seconds, and not after it has gone", () => {
    // From when its sound comes at all: a busy machine may let a page wait before it speaks.
    const { connectedMs, live, aligned } = presence;
    const waitedMs = aligned - Math.max(connectedMs, live);
    expect(waitedMs, JSON.stringify(presence) + measured).toBeLessThan(3_000);
    expect(presence.remaining.sort()).toEqual(["node-b", "page-a"]);
  });

  it("has no errors in its pages", () => {
    expect([...browser.log, ...log].filter((line) => /^(uncaught|error)/.test(line))).toEqual([]);
  });
});
