// What was sent under which transport-wide number, and what feedback says became of it. Holds numbers, no packets;
// bounded, whatever the other side reports.
import type { TransportFeedback } from "../../rtp/rtcp/transport-cc.ts";

/** Packets remembered: 1.6 s at 50 Mbit/s, the highest rate there is, and 40 s at 2 Mbit/s. A power of two. */
const CAPACITY = 8_192;

/** Feedback on a packet older than this says nothing about the path of today, ms. */
const MAX_AGE_MS = 10_000;

/** The reference time of feedback comes round after 2^24 x 64 ms. */
const CIRCLE_US = 2 ** 30 * 1000;

const FREE = 0;
const IN_FLIGHT = 1;
const REPORTED_LOST = 2;
const RECEIVED = 3;

/** What became of one packet. */
export interface PacketOutcome {
  readonly byteLength: number;
  readonly sentMs: number;
  /** On the receiver's clock, with an origin of its own; undefined: it did not come, or not yet. */
  readonly arrivalMs: number | undefined;
  /** The probe cluster it was sent in; undefined for all others. */
  readonly clusterId: number | undefined;
  /** Reported lost by feedback before; has come after all. */
  readonly late: boolean;
}

/** Reports that could not be used, by reason, and feedback that did not come. */
export interface HistoryCounters {
  /** Numbers never sent, or sent so long ago that they are forgotten. */
  readonly unknown: number;
  /** Packets whose arrival was reported before. */
  readonly repeated: number;
  /** Packets that later feedback passed by without a word, as feedback was lost or they were. */
  readonly unreported: number;
  /** Feedback packets that did not come, by their count. */
  readonly feedbackLost: number;
}

/** Remembers the last 8,192 packets, and matches feedback with them. */
export class SendHistory {
  readonly #states = new Uint8Array(CAPACITY);
  readonly #sequences = new Uint16Array(CAPACITY);
  readonly #sentMs = new Float64Array(CAPACITY);
  readonly #byteLengths = new Int32Array(CAPACITY);
  /** 0: none. */
  readonly #clusters = new Int32Array(CAPACITY);
  readonly #counters = { unknown: 0, repeated: 0, unreported: 0, feedbackLost: 0 };
  #newest = -1;
  /** Numbers up to this one have been reported on. */
  #reportedTo = -1;
  #inFlightBytes = 0;
  #lastFeedbackCount = -1;
  #lastWireUs = NaN;
  #lastArrivalMs = 0;

  get counters(): HistoryCounters {
    return { ...this.#counters };
  }

  /** Bytes sent of which nothing has been heard yet. */
  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }

  /**
   * Note a packet as it leaves.
   *
   * @param sequenceNumber u16, one more than that of the packet before
   * @param byteLength as on the wire
   * @param clusterId 1 or more; undefined outside of probes
   */
  add(sequenceNumber: number, byteLength: number, sentMs: number, clusterId: number | undefined): void {
    const slot = sequenceNumber & (CAPACITY - 1);
    if (this.#states[slot] === IN_FLIGHT) this.#giveUp(slot);
    this.#states[slot] = IN_FLIGHT;
    this.#sequences[slot] = sequenceNumber;
    this.#sentMs[slot] = sentMs;
    this.#byteLengths[slot] = byteLength;
    this.#clusters[slot] = clusterId ?? 0;
    this.#inFlightBytes += byteLength;
    if (this.#newest < 0) this.#reportedTo = (sequenceNumber - 1) & 0xffff;
    this.#newest = sequenceNumber;
  }

  /**
   * What feedback newly tells, in the order in which the packets were sent. A packet is told lost once at most, and
   * come once at most; what is told twice or cannot be is counted.
   */
  match(feedback: TransportFeedback, nowMs: number): PacketOutcome[] {
    const outcomes: PacketOutcome[] = [];
    this.#countFeedback(feedback.feedbackCount);
    const { baseSequence, received } = feedback;
    const arrivals = this.#unwrap(received);
    if (this.#newest < 0) {
      this.#counters.unknown += received.length;
      return outcomes;
    }
    this.#passBy(baseSequence);
    let next = 0;
    const statusCount = Math.min(feedback.statusCount, CAPACITY);
    for (let offset = 0; offset < statusCount; offset++) {
      const sequence = (baseSequence + offset) & 0xffff;
      const arrival = received[next];
      const came = arrival?.sequenceNumber === sequence;
      const outcome = this.#settle(sequence, came ? arrivals[next] : undefined, nowMs);
      if (came) next++;
      if (outcome !== undefined) outcomes.push(outcome);
    }
    this.#counters.unknown += received.length - next;
    this.#advance((baseSequence + statusCount - 1) & 0xffff);
    return outcomes;
  }

  #settle(sequence: number, arrivalMs: number | undefined, nowMs: number): PacketOutcome | undefined {
    const slot = sequence & (CAPACITY - 1);
    const state = this.#states[slot];
    const sentMs = this.#sentMs[slot] as number;
    const known = state !== FREE && this.#sequences[slot] === sequence && nowMs - sentMs <= MAX_AGE_MS;
    if (!known || state === RECEIVED || (state === REPORTED_LOST && arrivalMs === undefined)) {
      if (arrivalMs !== undefined) this.#counters[known ? "repeated" : "unknown"]++;
      return undefined;
    }
    const byteLength = this.#byteLengths[slot] as number;
    if (state === IN_FLIGHT) this.#inFlightBytes -= byteLength;
    this.#states[slot] = arrivalMs === undefined ? REPORTED_LOST : RECEIVED;
    const clusterId = this.#clusters[slot] === 0 ? undefined : this.#clusters[slot];
    return { byteLength, sentMs, arrivalMs, clusterId, late: state === REPORTED_LOST };
  }

  /** Packets before this feedback that none reported on: whether they came will stay unknown, so they are no loss. */
  #passBy(baseSequence: number): void {
    const gap = (baseSequence - this.#reportedTo - 1) & 0xffff;
    const sent = (this.#newest - this.#reportedTo) & 0xffff;
    if (gap > sent) return;
    for (let offset = 1; offset <= gap; offset++) {
      const sequence = (this.#reportedTo + offset) & 0xffff;
      const slot = sequence & (CAPACITY - 1);
      if (this.#states[slot] === IN_FLIGHT && this.#sequences[slot] === sequence) this.#giveUp(slot);
    }
  }

  #giveUp(slot: number): void {
    this.#states[slot] = FREE;
    this.#inFlightBytes -= this.#byteLengths[slot] as number;
    this.#counters.unreported++;
  }

  #advance(sequence: number): void {
    const step = (sequence - this.#reportedTo) & 0xffff;
    if (step <= ((this.#newest - this.#reportedTo) & 0xffff)) this.#reportedTo = sequence;
  }

  #countFeedback(count: number): void {
    const step = (count - this.#lastFeedbackCount) & 0xff;
    // A step back is feedback that was overtaken: it was counted as lost, wrongly.
    if (this.#lastFeedbackCount >= 0 && step >= 0x80) {
      this.#counters.feedbackLost = Math.max(0, this.#counters.feedbackLost - 1);
      return;
    }
    if (this.#lastFeedbackCount >= 0 && step > 1) this.#counters.feedbackLost += step - 1;
    this.#lastFeedbackCount = count & 0xff;
  }

  /** Arrival times without the jumps of the wire's circle, ms. */
  #unwrap(received: TransportFeedback["received"]): number[] {
    return received.map(({ receivedUs }) => {
      let stepUs = (receivedUs - this.#lastWireUs) % CIRCLE_US;
      if (Number.isNaN(stepUs)) stepUs = 0;
      if (stepUs > CIRCLE_US / 2) stepUs -= CIRCLE_US;
      else if (stepUs < -CIRCLE_US / 2) stepUs += CIRCLE_US;
      this.#lastWireUs = receivedUs;
      this.#lastArrivalMs += stepUs / 1000;
      return this.#lastArrivalMs;
    });
  }
}
