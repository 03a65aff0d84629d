// Audio packets of a sender whose clock is wrong by a known amount, over the paths of a drift bench. Seeded.
import { LinkModel } from "../../src/testing/link-model.ts";
import type { LinkModelOptions } from "../../src/testing/link-model.ts";
import { linkPresets } from "../../src/testing/link-presets.ts";
import { SeededRandom } from "../../src/testing/random.ts";

/** RTP ticks per second. */
export const CLOCK_RATE = 48_000;
const PACKET_MS = 20;
const PACKET_BYTES = 120;
const TICKS_PER_PACKET = (CLOCK_RATE * PACKET_MS) / 1000;

/** One packet as it arrives. */
export interface DriftPacket {
  /** u32. */
  readonly rtpTimestamp: number;
  readonly arrivalMs: number;
}

/** The habits of one path, and whether others use it too. */
export interface DriftPath {
  readonly name: string;
  readonly link: LinkModelOptions;
  readonly crossTraffic?: boolean;
}

const BOTTLENECK_KBPS = 2000;

/** Where the figures are taken. */
export const DRIFT_PATHS: readonly DriftPath[] = [
  { name: "lan", link: linkPresets.lan },
  { name: "wifi", link: linkPresets.wifi },
  {
    name: "congested",
    link: { delayMs: 20, jitter: { meanMs: 1 }, rate: { kbps: BOTTLENECK_KBPS, queueMs: 200 } },
    crossTraffic: true,
  },
  {
    name: "route +15 ms",
    link: { ...linkPresets.wifi, route: [{ atMs: 12_000, delayMs: (linkPresets.wifi.delayMs ?? 0) + 15 }] },
  },
];

/** The sender's clock: fast by `ppm`, and by another amount from `stepMs` on if there is a step. */
export interface SenderClock {
  readonly ppm: number;
  readonly step?: { readonly atMs: number; readonly ppm: number };
}

/** Packets by rising arrival. */
export function driftTraffic(
  { link, crossTraffic = false }: DriftPath,
  clock: SenderClock,
  durationMs: number,
  seed: number,
): DriftPacket[] {
  const model = new LinkModel(link, `drift-${seed}`);
  const random = new SeededRandom(`media-${seed}`);
  const others = crossTraffic ? new CrossTraffic(seed) : undefined;
  const firstTimestamp = random.integer(0, 2 ** 32 - 1);
  const packets: DriftPacket[] = [];
  let sentMs = random.next() * PACKET_MS;
  for (let index = 0; sentMs < durationMs; index++) {
    others?.sendUntil(sentMs, model);
    const rtpTimestamp = (firstTimestamp + index * TICKS_PER_PACKET) % 2 ** 32;
    model.send(PACKET_BYTES, sentMs, (arrivalMs) => packets.push({ rtpTimestamp, arrivalMs }));
    const { step } = clock;
    const ppm = step !== undefined && sentMs >= step.atMs ? step.ppm : clock.ppm;
    sentMs += PACKET_MS / (1 + ppm * 1e-6);
  }
  return packets.sort((a, b) => a.arrivalMs - b.arrivalMs);
}

const CROSS_BYTES = 1200;
const BUSY_MEAN_MS = 6000;
const IDLE_MEAN_MS = 4000;
const LEAST_LOAD = 0.5;
const LARGEST_LOAD = 1.1;

/** Transfers that come and go: while one lasts it asks for 50 to 110 % of the bottleneck, in Poisson arrivals. */
class CrossTraffic {
  readonly #random: SeededRandom;
  #nextMs = 0;
  #untilMs = 0;
  #gapMs = 0;

  constructor(seed: number) {
    this.#random = new SeededRandom(`cross-${seed}`);
  }

  sendUntil(nowMs: number, model: LinkModel): void {
    while (this.#nextMs <= nowMs) {
      if (this.#nextMs >= this.#untilMs) this.#pause();
      else {
        model.send(CROSS_BYTES, this.#nextMs, ignore);
        this.#nextMs += this.#exponential(this.#gapMs);
      }
    }
  }

  #pause(): void {
    this.#nextMs += this.#exponential(IDLE_MEAN_MS);
    this.#untilMs = this.#nextMs + this.#exponential(BUSY_MEAN_MS);
    const load = LEAST_LOAD + (LARGEST_LOAD - LEAST_LOAD) * this.#random.next();
    this.#gapMs = (CROSS_BYTES * 8) / BOTTLENECK_KBPS / load;
  }

  #exponential(mean: number): number {
    return -mean * Math.log(1 - this.#random.next());
  }
}

function ignore(): void {
  // Where other people's packets go is not our concern.
}
