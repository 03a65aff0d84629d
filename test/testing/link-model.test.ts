// What each habit of a path does to a steady stream of packets, and that the same seed repeats it.
import { describe, expect, it } from "vitest";
import { LinkModel } from "../../src/testing/link-model.ts";
import type { LinkModelOptions } from "../../src/testing/link-model.ts";
import { linkPresets } from "../../src/testing/link-presets.ts";

const SEED = 11;
const INTERVAL_MS = 20;

interface Sent {
  readonly sentMs: number;
  readonly arrivals: number[];
}

function stream(options: LinkModelOptions, { packets = 5_000, bytes = 200, seed = SEED } = {}): Sent[] {
  const model = new LinkModel(options, seed);
  return Array.from({ length: packets }, (_, index) => {
    const sentMs = index * INTERVAL_MS;
    const arrivals: number[] = [];
    model.send(bytes, sentMs, (arrivalMs) => arrivals.push(arrivalMs));
    return { sentMs, arrivals };
  });
}

const delays = (sent: readonly Sent[]): number[] =>
  sent.flatMap(({ sentMs, arrivals }) => arrivals.slice(0, 1).map((arrivalMs) => arrivalMs - sentMs));
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
const lossOf = (sent: readonly Sent[]): number =>
  sent.filter(({ arrivals }) => arrivals.length === 0).length / sent.length;

describe(`a link model (seed ${SEED})`, () => {
  it("only delays when it has no other habit", () => {
    expect(delays(stream({ delayMs: 30 })).every((delayMs) => delayMs === 30)).toBe(true);
  });

  it("repeats itself with the same seed and does something else with another", () => {
    const once = stream(linkPresets.lossyWifi);
    expect(stream(linkPresets.lossyWifi)).toEqual(once);
    expect(stream(linkPresets.lossyWifi, { seed: SEED + 1 })).not.toEqual(once);
  });

  it("adds independent jitter with the mean asked for", () => {
    const found = delays(stream({ delayMs: 10, jitter: { meanMs: 4 } }, { packets: 20_000 }));
    expect(Math.min(...found)).toBeGreaterThanOrEqual(10);
    expect(mean(found)).toBeGreaterThan(13.7);
    expect(mean(found)).toBeLessThan(14.6);
  });

  it("lets delay wander slowly: neighbours resemble each other, distant packets do not", () => {
    const found = delays(stream({ delayMs: 0, jitter: { wander: { stdMs: 20, correlationMs: 2_000 } } }));
    const average = mean(found);
    const correlation = (lag: number): number => {
      const pairs = found
        .slice(lag)
        .map((value, index) => (value - average) * ((found[index] as number) - average));
      return mean(pairs) / mean(found.map((value) => (value - average) ** 2));
    };
    expect(correlation(1)).toBeGreaterThan(0.9);
    expect(Math.abs(correlation(1_000))).toBeLessThan(0.3);
  });

  it("holds packets back in a stall and lets them go at once", () => {
    const sent = stream({ delayMs: 5, jitter: { stalls: { everyMs: 2_000, leastMs: 100, mostMs: 200 } } });
    const found = delays(sent);
    expect(Math.max(...found)).toBeGreaterThan(100);
    expect(Math.max(...found)).toBeLessThanOrEqual(205);
    const together = sent.filter(
      ({ arrivals }, index) => index > 0 && arrivals[0] === sent[index - 1]?.arrivals[0],
    );
    expect(together.length).toBeGreaterThan(50);
    expect(found.filter((delayMs) => delayMs === 5).length).toBeGreaterThan(sent.length * 0.8);
  });

  it("keeps the order but for packets it means to reorder", () => {
    const inOrder = (sent: readonly Sent[]): boolean =>
      sent.every(({ arrivals: [own] }, index) => {
        const before = sent[index - 1]?.arrivals[0];
        return own === undefined || before === undefined || own >= before;
      });
    const { reorder: _none, ...wifi } = linkPresets.wifi;
    expect(inOrder(stream(wifi))).toBe(true);
    expect(inOrder(stream({ delayMs: 10, reorder: { probability: 0.05, extraMs: 50 } }))).toBe(false);
  });

  it("loses at random as often as asked", () => {
    const loss = lossOf(stream({ delayMs: 1, loss: 0.05 }, { packets: 20_000 }));
    expect(loss).toBeGreaterThan(0.045);
    expect(loss).toBeLessThan(0.055);
  });

  it("loses in bursts of the mean length asked for", () => {
    const sent = stream({ delayMs: 1, loss: { enter: 0.01, leave: 0.25 } }, { packets: 50_000 });
    const bursts = sent.filter(
      ({ arrivals }, index) => arrivals.length === 0 && sent[index - 1]?.arrivals.length === 1,
    ).length;
    const meanBurst = (lossOf(sent) * sent.length) / bursts;
    expect(meanBurst).toBeGreaterThan(3.6);
    expect(meanBurst).toBeLessThan(4.4);
  });

  it("queues at a bottleneck and drops what would wait too long", () => {
    const narrow = { delayMs: 0, rate: { kbps: 64, queueMs: 100 } };
    const fits = delays(stream(narrow, { bytes: 100 }));
    expect(fits.every((delayMs) => Math.abs(delayMs - 12.5) < 1e-9)).toBe(true);
    const model = new LinkModel(narrow, SEED);
    for (let packet = 0; packet < 1_000; packet++) model.send(200, packet * INTERVAL_MS, () => undefined);
    const { sent, delivered, overflowed } = model.counters;
    expect(sent).toBe(1_000);
    expect(delivered + overflowed).toBe(1_000);
    // 25 ms of work come every 20 ms.
    expect(overflowed).toBeGreaterThan(180);
    expect(overflowed).toBeLessThan(210);
    const slow = delays(stream(narrow, { bytes: 200 }));
    expect(Math.max(...slow)).toBeLessThanOrEqual(125);
  });

  it("loses everything in an outage and changes its delay with the route", () => {
    const sent = stream({
      delayMs: 20,
      outages: [{ fromMs: 1_000, toMs: 2_000 }],
      route: [
        { atMs: 4_000, delayMs: 50 },
        { atMs: 6_000, delayMs: 10 },
      ],
    });
    const at = (ms: number): number[] =>
      (sent[ms / INTERVAL_MS] as Sent).arrivals.map((arrivalMs) => arrivalMs - ms);
    expect([at(980), at(1_000), at(1_980), at(2_000)]).toEqual([[20], [], [], [20]]);
    expect([at(3_980), at(4_000)]).toEqual([[20], [50]]);
    // In order, so what leaves right after the shorter route opens waits for what is still on the longer one.
    expect(at(6_000)).toEqual([30]);
    expect(at(6_100)).toEqual([10]);
  });

  it("duplicates as often as asked, close behind, and its counters add up", () => {
    const model = new LinkModel({ ...linkPresets.lossyWifi, duplication: 0.1 }, SEED);
    const copies: number[][] = [];
    for (let packet = 0; packet < 5_000; packet++) {
      const arrivals: number[] = [];
      model.send(200, packet * INTERVAL_MS, (arrivalMs) => arrivals.push(arrivalMs));
      copies.push(arrivals);
    }
    const twice = copies.filter(({ length }) => length === 2);
    expect(twice.length).toBeGreaterThan(400);
    expect(twice.every(([first = 0, second = 0]) => second >= first && second - first <= 5)).toBe(true);
    const { sent, delivered, lost, overflowed, duplicated } = model.counters;
    expect(duplicated).toBe(twice.length);
    expect(sent + duplicated).toBe(delivered + lost + overflowed);
    expect(delivered).toBe(copies.flat().length);
  });

  it("counts what it reordered", () => {
    const model = new LinkModel({ delayMs: 10, reorder: { probability: 0.1, extraMs: 50 } }, SEED);
    let overtaken = 0;
    for (let packet = 0; packet < 1_000; packet++) {
      const sentMs = packet * INTERVAL_MS;
      model.send(200, sentMs, (arrivalMs) => (overtaken += arrivalMs - sentMs === 60 ? 1 : 0));
    }
    expect(overtaken).toBeGreaterThan(50);
    expect(model.counters.reordered).toBe(overtaken);
  });

  it("takes other habits on the way, and keeps order and chance", () => {
    const lossy = new LinkModel({ delayMs: 100, loss: 0.5 }, SEED);
    const changed = new LinkModel({ delayMs: 100, loss: 0.5 }, SEED);
    const arrivals = new Map<LinkModel, number[]>([
      [lossy, []],
      [changed, []],
    ]);
    for (let packet = 0; packet < 200; packet++) {
      if (packet === 100) changed.change({ delayMs: 10, loss: 0.5 });
      for (const [model, found] of arrivals) {
        model.send(200, packet * INTERVAL_MS, (arrivalMs) => found.push(arrivalMs));
      }
    }
    const found = arrivals.get(changed) as number[];
    // What follows the change waits for what is still on the longer way, and the same packets are lost.
    expect(found).toEqual([...found].sort((a, b) => a - b));
    expect(found.at(-1)).toBe((arrivals.get(lossy)?.at(-1) as number) - 90);
    expect(changed.counters).toEqual(lossy.counters);
  });

  it.each(Object.entries(linkPresets))(
    "%s delivers most packets not long after its delay",
    (_name, preset) => {
      const sent = stream(preset);
      const found = delays(sent).sort((a, b) => a - b);
      expect(lossOf(sent)).toBeLessThan(0.08);
      expect(found[0]).toBeGreaterThanOrEqual(preset.delayMs);
      expect(found[found.length >> 1]).toBeLessThan(preset.delayMs + 40);
    },
  );
});
