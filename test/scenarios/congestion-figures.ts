// What a run of congestion control is judged by: how soon the rate found the limit of the link, how it kept to it, and
// what that cost in loss and delay.
import type { CongestionReport, PacketRecord } from "./congestion-world.ts";

const SAMPLES_PER_SECOND = 20;
const LEAST_SHARE = 0.7;

/** A stretch of time in which the limit does not change. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
  /** What the link leaves to the video. */
  readonly limitKbps: number;
}

/** Of one stretch; shares are 0 to 1, ms are Infinity where nothing came of it. */
export interface CongestionFigures {
  /** From the beginning until the rate, as the mean of a second, lies at 70 to 100 % of the limit. */
  readonly settleMs: number;
  /** Of the time after that: share in which the mean of a second lies at 70 to 100 %, and at 65 to 110 %. */
  readonly keptShare: number;
  readonly nearShare: number;
  /** The mean rate after that, over the limit. */
  readonly rateShare: number;
  /** What arrived after that, over the limit. */
  readonly utilisation: number;
  /** Of the whole stretch. */
  readonly lossRate: number;
  readonly queueP95Ms: number;
}

/** Judge one stretch of a run. */
export function figuresOf(report: CongestionReport, { fromMs, toMs, limitKbps }: Stretch): CongestionFigures {
  const rates = report.samples
    .filter(({ atMs }) => atMs >= fromMs && atMs < toMs)
    .map((each) => each.targetKbps);
  // A second's mean begins with the stretch: what was before the change is not the fault of what is after it.
  const means = rates.map(
    (_, at) => mean(rates.slice(Math.max(0, at - SAMPLES_PER_SECOND + 1), at + 1)) / limitKbps,
  );
  const settledAt = means.findIndex((share) => share >= LEAST_SHARE && share <= 1);
  const after = settledAt < 0 ? [] : means.slice(settledAt);
  const settleMs = settledAt < 0 ? Infinity : (settledAt * 1000) / SAMPLES_PER_SECOND;
  const packets = sentWithin(report.video, fromMs, toMs);
  const settled = sentWithin(packets, fromMs + settleMs, toMs);
  return {
    settleMs,
    keptShare: mean(after.map((share) => Number(share >= LEAST_SHARE && share <= 1))),
    nearShare: mean(after.map((share) => Number(share >= LEAST_SHARE - 0.05 && share <= 1.1))),
    rateShare: mean(rates.slice(Math.max(0, settledAt))) / limitKbps,
    utilisation: arrivedKbits(settled) / limitKbps / ((toMs - fromMs - settleMs) / 1000),
    lossRate: lossRate(packets),
    queueP95Ms: queueMs(packets, 0.95),
  };
}

/** Share of packets that did not arrive; 0 of none. */
export function lossRate(packets: readonly PacketRecord[]): number {
  return mean(packets.map(({ queueMs }) => Number(queueMs === undefined)));
}

/** A quantile of what packets waited on top of propagation, ms. */
export function queueMs(packets: readonly PacketRecord[], quantile: number): number {
  const waits = packets.flatMap(({ queueMs }) => queueMs ?? []).sort((a, b) => a - b);
  return waits[Math.min(waits.length - 1, Math.floor(quantile * waits.length))] ?? Infinity;
}

/** Those that left in this time. */
export function sentWithin(packets: readonly PacketRecord[], fromMs: number, toMs: number): PacketRecord[] {
  return packets.filter(({ sentMs }) => sentMs >= fromMs && sentMs < toMs);
}

function arrivedKbits(packets: readonly PacketRecord[]): number {
  return (
    packets.reduce((sum, { queueMs, byteLength }) => sum + (queueMs === undefined ? 0 : byteLength), 0) / 125
  );
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
