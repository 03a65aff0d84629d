// Paths people sit behind, as link models of one direction. The figures are typical ones, not those of any one network.
import type { LinkModelOptions } from "./link-model.ts";

/** The names of {@link linkPresets}. */
export type LinkPreset = "lan" | "wifi" | "mobile" | "lossyWifi" | "satellite";

/** One direction of a path each; both directions together make twice the delay. */
export const linkPresets: Readonly<Record<LinkPreset, LinkModelOptions>> = {
  /** A wired network: next to nothing happens. */
  lan: { delayMs: 0.5, jitter: { meanMs: 0.1 } },
  /** A home: contention at every packet, a scan or a retransmission train every few seconds. */
  wifi: {
    delayMs: 10,
    jitter: {
      meanMs: 3,
      wander: { stdMs: 3, correlationMs: 500 },
      stalls: { everyMs: 4_000, leastMs: 10, mostMs: 60 },
    },
    loss: { enter: 0.001, leave: 0.4 },
    reorder: { probability: 0.002, extraMs: 8 },
    rate: { kbps: 20_000, queueMs: 200 },
  },
  /** A moving telephone: scheduling grants, cell load that comes and goes, handovers. */
  mobile: {
    delayMs: 35,
    jitter: {
      meanMs: 6,
      wander: { stdMs: 20, correlationMs: 1_500 },
      stalls: { everyMs: 8_000, leastMs: 40, mostMs: 200 },
    },
    loss: { enter: 0.003, leave: 0.3 },
    reorder: { probability: 0.001, extraMs: 20 },
    rate: { kbps: 3_000, queueMs: 400 },
  },
  /** A crowded cafe: the wifi of above with losses in bursts. */
  lossyWifi: {
    delayMs: 15,
    jitter: {
      meanMs: 5,
      wander: { stdMs: 8, correlationMs: 600 },
      stalls: { everyMs: 2_500, leastMs: 20, mostMs: 120 },
    },
    loss: { enter: 0.015, leave: 0.3, good: 0.005 },
    reorder: { probability: 0.01, extraMs: 12 },
    duplication: 0.002,
    rate: { kbps: 8_000, queueMs: 250 },
  },
  /** A geostationary hop: far, steady, with rain. */
  satellite: {
    delayMs: 280,
    jitter: { meanMs: 2, wander: { stdMs: 5, correlationMs: 3_000 } },
    loss: { enter: 0.002, leave: 0.15 },
    rate: { kbps: 5_000, queueMs: 500 },
  },
};
