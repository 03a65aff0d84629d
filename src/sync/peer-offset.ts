// Two peers' capture clocks against each other: through ours when it was compared with both, else through what their
// media tells. Pure.
import { TransportError } from "../errors/errors.ts";
import type { ClockOffset } from "./clock-offset.ts";
import type { SyncState, TimestampOffset } from "./sync-types.ts";

/** Frames whose capture and arrival are compared. */
const DELAYS = 20;
/** Values in a row that must agree, and how closely, us. */
const STABLE_VALUES = 5;
const STABLE_US = 5000;
const US_PER_MS = 1000;
/** Arrivals contain the path: half the word of an exchange. */
const ARRIVAL_CONFIDENCE = 0.5;
const EXCHANGE_CONFIDENCE = { unsynced: 0, syncing: 0.8, synced: 1 } as const;

/** Capture minus arrival of the last 20 frames: a clock's offset, less the way. */
export class CaptureDelays {
  readonly #values = new Float64Array(DELAYS);
  #count = 0;

  /** @param delayUs capture time on the sender's clock minus arrival on ours, us */
  add(delayUs: number): void {
    this.#values[this.#count++ % DELAYS] = delayUs;
  }

  /** NaN before the first. */
  get medianUs(): number {
    const sorted = this.#values.slice(0, Math.min(this.#count, DELAYS)).sort();
    return sorted[sorted.length >> 1] ?? Number.NaN;
  }

  /** The last values, at most five. */
  get recentUs(): readonly number[] {
    const count = Math.min(this.#count, STABLE_VALUES);
    return Array.from({ length: count }, (_, i) => this.#values[(this.#count - 1 - i) % DELAYS] as number);
  }

  /** Another timeline begins. */
  reset(): void {
    this.#count = 0;
  }
}

/** What is known of one peer's clock. */
export interface OffsetFacts {
  readonly peerId: string;
  readonly state: SyncState;
  readonly clock: ClockOffset;
  readonly delays: CaptureDelays;
}

/**
 * How far the other's clock is ahead of one's own.
 * @throws TransportError `SYNC_ERROR` while either is unsynced, or has sent no audio and exchanged no clock
 */
export function offsetBetween(own: OffsetFacts, other: OffsetFacts): TimestampOffset {
  for (const { state, peerId } of [own, other]) if (state === "unsynced") throw unsynced(peerId);
  const atUs = Math.max(own.clock.lastUs, other.clock.lastUs);
  const [ownUs, otherUs] = [own.clock.offsetUs(atUs), other.clock.offsetUs(atUs)];
  if (ownUs !== null && otherUs !== null) {
    const confidence = Math.min(EXCHANGE_CONFIDENCE[own.state], EXCHANGE_CONFIDENCE[other.state]);
    const isStable = isSteady(own.clock.recentOffsetsUs) && isSteady(other.clock.recentOffsetsUs);
    return { offsetMs: (otherUs - ownUs) / US_PER_MS, confidence, isStable };
  }
  const differenceUs = other.delays.medianUs - own.delays.medianUs;
  if (Number.isNaN(differenceUs))
    throw unsynced(Number.isNaN(own.delays.medianUs) ? own.peerId : other.peerId);
  const isStable = isSteady(own.delays.recentUs) && isSteady(other.delays.recentUs);
  return { offsetMs: differenceUs / US_PER_MS, confidence: ARRIVAL_CONFIDENCE, isStable };
}

function isSteady(valuesUs: readonly number[]): boolean {
  return valuesUs.length === STABLE_VALUES && Math.max(...valuesUs) - Math.min(...valuesUs) <= STABLE_US;
}

function unsynced(peerId: string): TransportError {
  return new TransportError("SYNC_ERROR", `the capture clock of ${peerId} is not known yet`, { peerId });
}
