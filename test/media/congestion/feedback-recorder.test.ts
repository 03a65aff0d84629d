import { describe, expect, it } from "vitest";
import { FeedbackRecorder } from "../../../src/media/congestion/feedback-recorder.ts";
import { buildTransportFeedback } from "../../../src/rtp/rtcp/transport-cc.ts";
import type { TransportFeedback } from "../../../src/rtp/rtcp/transport-cc.ts";
import { SeededRandom } from "../../../src/testing/random.ts";

interface Sent {
  readonly atMs: number;
  readonly packet: TransportFeedback;
}

/** Feed `[number, ms]` in order of time, with timeouts when they are due, and half a second more. */
function record(
  arrivals: readonly (readonly [number, number])[],
  byteLength = 1_200,
  recorder = new FeedbackRecorder({ senderSsrc: 1, mediaSsrc: 2 }),
): Sent[] {
  const sent: Sent[] = [];
  const drain = (atMs: number): void => {
    for (let packet = recorder.poll(); packet; packet = recorder.poll()) sent.push({ atMs, packet });
  };
  const wait = (untilMs: number): void => {
    while (recorder.deadlineMs <= untilMs) {
      const atMs = recorder.deadlineMs;
      recorder.handle({ type: "timeout" }, atMs);
      drain(atMs);
    }
  };
  for (const [sequenceNumber, atMs] of arrivals) {
    wait(atMs);
    recorder.handle({ type: "packet", sequenceNumber, byteLength }, atMs);
    drain(atMs);
  }
  wait((arrivals.at(-1)?.[1] ?? 0) + 500);
  return sent;
}

/** `count` packets from `first` on, one every `everyMs`. */
function steady(first: number, count: number, everyMs = 10): [number, number][] {
  return Array.from({ length: count }, (_, index) => [(first + index) & 0xffff, 1_000 + index * everyMs]);
}

/** Numbers told to have come, with their ms, and told to be lost. */
function told(sent: readonly Sent[]): { came: Map<number, number>; lost: Set<number> } {
  const came = new Map<number, number>();
  const lost = new Set<number>();
  for (const { packet } of sent) {
    for (const { sequenceNumber, receivedUs } of packet.received) came.set(sequenceNumber, receivedUs / 1000);
    for (let offset = 0; offset < packet.statusCount; offset++)
      lost.add((packet.baseSequence + offset) & 0xffff);
  }
  for (const number of came.keys()) lost.delete(number);
  return { came, lost };
}

describe("the recorder of arrivals", () => {
  it("reports every packet once, with its time, every 50 to 100 ms", () => {
    const sent = record(steady(0, 300));
    expect(sent.flatMap(({ packet }) => packet.received.map(({ sequenceNumber }) => sequenceNumber))).toEqual(
      Array.from({ length: 300 }, (_, number) => number),
    );
    expect(told(sent).came.get(123)).toBe(2_230);
    const gaps = sent.slice(1).map(({ atMs }, index) => atMs - (sent[index] as Sent).atMs);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(50);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(100);
    expect(sent.map(({ packet }) => packet.feedbackCount)).toEqual(sent.map((_, index) => index & 0xff));
  });

  it("says nothing while nothing comes", () => {
    const recorder = new FeedbackRecorder({ senderSsrc: 1, mediaSsrc: 2 });
    expect(recorder.deadlineMs).toBe(Infinity);
    record(steady(0, 10), 1_200, recorder);
    expect(recorder.deadlineMs).toBe(Infinity);
  });

  it.each([
    [1_200, 3],
    [300, 20],
    [120, 40],
  ])("takes a twentieth at most of packets of %i bytes every %i ms", (bytes, everyMs) => {
    const sent = record(steady(0, 2_000, everyMs), bytes);
    const feedbackBytes = sent.reduce(
      (sum, { packet }) => sum + buildTransportFeedback(packet).byteLength + 42,
      0,
    );
    const allowed = Math.max(0.06 * 2_000 * bytes, (2_000 * everyMs * 80) / 250);
    expect(feedbackBytes).toBeLessThan(allowed);
    expect(told(sent).came.size).toBe(2_000);
  });

  it("goes on over the wrap of the numbers", () => {
    const { came, lost } = told(record(steady(65_400, 400)));
    expect([came.size, lost.size]).toEqual([400, 0]);
  });

  it("tells what is lost and, when it comes late, that it came", () => {
    const arrivals = steady(0, 100).filter(([number]) => number !== 30 && number !== 50);
    arrivals.push([30, 1_495]);
    arrivals.sort((a, b) => a[1] - b[1]);
    const sent = record(arrivals);
    const { came, lost } = told(sent);
    expect([...lost]).toEqual([50]);
    expect(came.get(30)).toBe(1_495);
    // What was reported since is repeated with it: left out, it would be told lost.
    const again = sent.find(({ packet }) => packet.received[0]?.sequenceNumber === 30)?.packet;
    expect(again?.received.map(({ sequenceNumber }) => sequenceNumber).slice(0, 5)).toEqual([
      30, 31, 32, 33, 34,
    ]);
  });

  it("counts what came twice, too late, or from nowhere", () => {
    const recorder = new FeedbackRecorder({ senderSsrc: 1, mediaSsrc: 2 });
    const arrivals = steady(0, 200);
    arrivals.push([199, 3_000], [5, 3_001], [30_000, 3_002], [200, 3_003]);
    const { came } = told(record(arrivals, 1_200, recorder));
    expect(recorder.counters).toMatchObject({ duplicate: 1, late: 1, stray: 1, reported: 201 });
    expect(came.has(200)).toBe(true);
    expect(came.has(30_000)).toBe(false);
  });

  it("follows a sender that counts from elsewhere, from its second packet on", () => {
    const there = steady(40_000, 50).map(([number, ms]): [number, number] => [number, ms + 5_000]);
    const { came, lost } = told(record([...steady(0, 50), ...there]));
    expect([came.size, lost.size]).toEqual([99, 0]);
  });

  it("stays bounded and whole whatever numbers come", () => {
    const seed = 77;
    const random = new SeededRandom(seed);
    const recorder = new FeedbackRecorder({ senderSsrc: 1, mediaSsrc: 2 });
    const arrivals = Array.from({ length: 20_000 }, (_, index): [number, number] => [
      random.chance(0.5) ? random.integer(0, 0xffff) : (index * 2_500) & 0xffff,
      1_000 + index * 0.1,
    ]);
    for (const { packet } of record(arrivals, 100, recorder)) {
      expect(buildTransportFeedback(packet).byteLength, `seed ${seed}`).toBeLessThanOrEqual(1_204);
    }
    const { reported, duplicate, late, stray } = recorder.counters;
    expect(reported + duplicate + late + stray, `seed ${seed}`).toBe(20_000);
  });
});
