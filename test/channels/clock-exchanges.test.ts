import { expect, it } from "vitest";
import { ClockExchanges } from "../../src/channels/clock-exchanges.ts";
import type { ClockExchangesInput, Exchange } from "../../src/channels/clock-exchanges.ts";
import { parseSyncMessage } from "../../src/channels/sync-messages.ts";
import { unixUsToNtp } from "../../src/rtp/ntp.ts";
import { SeededRandom } from "../../src/testing/random.ts";

const WALL_MS = 1_767_225_600_000;

/** A machine, what it has sent, and time that jumps from deadline to deadline. */
class Side {
  readonly machine: ClockExchanges;
  readonly sent: { seq: number; atMs: number }[] = [];
  readonly replies: Uint8Array[] = [];
  readonly exchanges: Exchange[] = [];
  readonly dropped: string[] = [];

  constructor(wallOffsetMs = WALL_MS, random: () => number = () => 0.5) {
    this.machine = new ClockExchanges({ wallOffsetMs, random });
  }

  handle(input: ClockExchangesInput | { type: "timeout" }, nowMs: number): void {
    this.machine.handle(input, nowMs);
    for (let output = this.machine.poll(); output !== undefined; output = this.machine.poll()) {
      if (output.type === "exchange") this.exchanges.push(output.exchange);
      else if (output.type === "dropped") this.dropped.push(output.reason);
      else {
        const message = parseSyncMessage(output.bytes);
        if (message.type === "request") this.sent.push({ seq: message.seq, atMs: nowMs });
        else this.replies.push(output.bytes);
      }
    }
  }

  runTo(endMs: number): void {
    while (this.machine.deadlineMs <= endMs) this.handle({ type: "timeout" }, this.machine.deadlineMs);
  }
}

const reply = (seq: number, arrivalMs: number, t2Us = 1e15, t3Us = 1e15 + 5): ClockExchangesInput => ({
  type: "reply",
  seq,
  t2Us,
  t3Us,
  arrivalMs,
});

it("says nothing before there is a channel, and nothing after it has gone", () => {
  const side = new Side();
  expect(side.machine.deadlineMs).toBe(Infinity);
  side.handle({ type: "open" }, 0);
  side.handle({ type: "closed" }, 10);
  expect(side.machine.deadlineMs).toBe(Infinity);
  side.handle({ type: "timeout" }, 2_000);
  expect(side.sent).toHaveLength(1);
});

it("asks eight times at once and then each second", () => {
  const side = new Side();
  side.handle({ type: "open" }, 1_000);
  side.runTo(4_600);
  expect(side.sent.map(({ atMs }) => atMs - 1_000)).toEqual([
    ...[0, 75, 150, 225, 300, 375, 450, 525],
    ...[1_525, 2_525, 3_525],
  ]);
  expect(side.sent.map(({ seq }) => seq)).toEqual([...Array(11).keys()]);
});

it("varies the distances a little (seed 4)", () => {
  const random = new SeededRandom(4);
  const side = new Side(WALL_MS, () => random.next());
  side.handle({ type: "open" }, 0);
  side.runTo(60_000);
  const distances = side.sent.map(({ atMs }, index) => atMs - (side.sent[index - 1]?.atMs ?? 0)).slice(1);
  for (const [index, ms] of distances.entries()) {
    const meanMs = index < 7 ? 75 : 1_000;
    expect(Math.abs(ms / meanMs - 1)).toBeLessThanOrEqual(0.2);
  }
  expect(new Set(distances).size).toBe(distances.length);
});

it("does not answer an early timeout", () => {
  const side = new Side();
  side.handle({ type: "open" }, 0);
  side.handle({ type: "timeout" }, 74);
  expect(side.sent).toHaveLength(1);
});

it("puts four stamps together: ours on our wall clock, theirs as they came", () => {
  const side = new Side();
  side.handle({ type: "open" }, 250.25);
  side.handle(reply(0, 261.5), 262);
  expect(side.exchanges).toEqual([
    { t1: WALL_MS * 1_000 + 250_250, t2: 1e15, t3: 1e15 + 5, t4: WALL_MS * 1_000 + 261_500 },
  ]);
});

it("answers at once: when the request came, and when the answer leaves", () => {
  const side = new Side();
  side.handle({ type: "request", seq: 9, t1: { seconds: 5, fraction: 6 }, arrivalMs: 70 }, 70.5);
  const answer = parseSyncMessage(side.replies[0] ?? new Uint8Array());
  expect(answer).toEqual({
    type: "reply",
    seq: 9,
    t2Us: WALL_MS * 1_000 + 70_000,
    t3Us: WALL_MS * 1_000 + 70_500,
  });
});

it("tells of a reply in the next request, once", () => {
  const asked: ReturnType<typeof parseSyncMessage>[] = [];
  const machine = new ClockExchanges({ wallOffsetMs: WALL_MS, random: () => 0.5 });
  const step = (input: ClockExchangesInput | { type: "timeout" }, nowMs: number): void => {
    machine.handle(input, nowMs);
    for (let output = machine.poll(); output !== undefined; output = machine.poll()) {
      if (output.type === "send") asked.push(parseSyncMessage(output.bytes));
    }
  };
  step({ type: "open" }, 0);
  step(reply(0, 20, 1e15, 1e15 + 5), 20);
  step({ type: "timeout" }, 75);
  step({ type: "timeout" }, 150);
  expect(asked.map((message) => (message.type === "request" ? message.receipt : message))).toEqual([
    undefined,
    { leftUs: 1e15 + 5, cameUs: WALL_MS * 1_000 + 20_000 },
    undefined,
  ]);
});

it("makes an exchange of its own reply and the request that tells when it came", () => {
  const side = new Side();
  const wallUs = WALL_MS * 1_000;
  const t1 = unixUsToNtp(wallUs + 500_000);
  side.handle({ type: "request", seq: 1, t1, arrivalMs: 70 }, 70);
  const receipt = { leftUs: wallUs + 70_000, cameUs: wallUs + 480_000 };
  const next: ClockExchangesInput = { type: "request", seq: 2, t1, receipt, arrivalMs: 110 };
  side.handle(next, 110);
  const exchange = { t1: wallUs + 70_000, t2: wallUs + 480_000, t3: wallUs + 500_000, t4: wallUs + 110_000 };
  expect(side.exchanges).toEqual([exchange]);
  // Told again, or of what was never sent, or without a time of its own, it is nothing.
  side.handle(next, 120);
  side.handle({ ...next, receipt: { ...receipt, leftUs: 5 } }, 121);
  side.handle(
    { ...next, t1: { seconds: 0, fraction: 0 }, receipt: { ...receipt, leftUs: wallUs + 110_000 } },
    122,
  );
  expect(side.exchanges).toHaveLength(1);
  expect(side.replies).toHaveLength(5);
});

it("forgets the replies of a channel that has gone", () => {
  const side = new Side();
  const t1 = unixUsToNtp(WALL_MS * 1_000);
  side.handle({ type: "request", seq: 1, t1, arrivalMs: 70 }, 70);
  side.handle({ type: "closed" }, 71);
  const receipt = { leftUs: WALL_MS * 1_000 + 70_000, cameUs: WALL_MS * 1_000 };
  side.handle({ type: "request", seq: 2, t1, receipt, arrivalMs: 80 }, 80);
  expect(side.exchanges).toEqual([]);
});

it("asks more often while round trips differ a lot, and no more when they do not", () => {
  const side = new Side();
  side.handle({ type: "open" }, 0);
  // One way in three takes 1 ms, the others 40; from 5 s on all do.
  for (let seq = 0; side.machine.deadlineMs <= 20_000; seq++) {
    const atMs = side.sent[seq]?.atMs ?? 0;
    side.handle(reply(seq, atMs + (seq % 3 === 0 && atMs < 5_000 ? 1 : 40)), atMs + 40);
    side.handle({ type: "timeout" }, side.machine.deadlineMs);
  }
  const distances = side.sent.map(({ atMs }, index) => atMs - (side.sent[index - 1]?.atMs ?? 0)).slice(9);
  expect(distances.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 400));
  expect(distances.slice(-5)).toEqual(Array.from({ length: 5 }, () => 1_000));
});

it("believes one reply to each request, and none to what it has not asked", () => {
  const side = new Side();
  side.handle({ type: "open" }, 0);
  side.handle(reply(0, 5), 5);
  side.handle(reply(0, 6), 6);
  side.handle(reply(1, 7), 7);
  side.handle({ type: "closed" }, 8);
  side.handle({ type: "open" }, 9);
  side.handle({ type: "closed" }, 10);
  side.handle(reply(1, 11), 11);
  expect(side.exchanges).toHaveLength(1);
  expect(side.dropped).toEqual(["unmatched-reply", "unmatched-reply", "unmatched-reply"]);
});

it("forgets the oldest of what is never answered, and counts beyond 16 bits", () => {
  const side = new Side();
  side.handle({ type: "open" }, 0);
  side.runTo(70_000_000);
  const { seq, atMs } = side.sent.at(-1) ?? { seq: -1, atMs: 0 };
  expect(side.sent.length).toBeGreaterThan(65_536);
  expect(side.sent.some((one, index) => index > 0 && one.seq === 0)).toBe(true);
  side.handle(reply((seq - 16) & 0xffff, atMs), atMs);
  expect(side.exchanges).toHaveLength(0);
  side.handle(reply((seq - 15) & 0xffff, atMs), atMs);
  expect(side.exchanges).toHaveLength(1);
});

it("answers at most 50 requests a second", () => {
  const side = new Side();
  for (let i = 0; i < 2_000; i++) {
    const arrivalMs = i; // for two seconds
    side.handle({ type: "request", seq: i, t1: { seconds: 1, fraction: 1 }, arrivalMs }, arrivalMs);
  }
  expect(side.replies).toHaveLength(100);
  expect(side.dropped).toHaveLength(1_900);
  expect(new Set(side.dropped)).toEqual(new Set(["surplus-request"]));
});
