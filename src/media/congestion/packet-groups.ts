// Gathers packets that left together into groups and tells how the distance between groups changed on the way: the
// delay gradient that congestion control works on (draft-ietf-rmcat-gcc-02 section 5.2). Pure numbers.

/** Packets that left within this time are one group: the pacer releases as much at once, ms. */
const GROUP_MS = 5;

/** A group held up with others somewhere arrives as one burst; no burst is longer than this, ms. */
const MAX_BURST_MS = 100;

/** Arrivals that go back this often in a row mean that the receiver's clock was set, not that packets overtook. */
const MAX_BACKWARDS = 3;

/** No path holds a group this long: the receiver's clock was set, ms. */
const MAX_STEP_MS = 3_000;

/** How the distance between two groups changed. */
export interface GroupDelta {
  /** Arrival distance minus sending distance: > 0 when the later group was delayed more, ms. */
  readonly delayMs: number;
  /** When the later group had arrived, on the receiver's clock. */
  readonly arrivalMs: number;
}

interface Group {
  readonly firstSentMs: number;
  readonly firstArrivalMs: number;
  sentMs: number;
  arrivalMs: number;
}

/** Compares each group with the one before. */
export class PacketGroups {
  #previous: Group | undefined;
  #current: Group | undefined;
  #backwards = 0;

  /**
   * Feed packets that arrived, in the order in which they were sent.
   *
   * @returns the change between the two groups before the one that this packet begins; undefined within a group
   */
  add(sentMs: number, arrivalMs: number): GroupDelta | undefined {
    const group = this.#current;
    if (group === undefined) return this.#begin(sentMs, arrivalMs);
    // One that was overtaken belongs to groups that are judged already.
    if (sentMs < group.firstSentMs) return undefined;
    if (belongs(group, sentMs, arrivalMs)) {
      group.sentMs = Math.max(group.sentMs, sentMs);
      group.arrivalMs = Math.max(group.arrivalMs, arrivalMs);
      return undefined;
    }
    const delta = this.#compare(group);
    if (this.#current !== undefined) this.#previous = group;
    this.#begin(sentMs, arrivalMs);
    return delta;
  }

  /** Forget all: what comes next has nothing to do with what was. */
  reset(): void {
    this.#previous = undefined;
    this.#current = undefined;
    this.#backwards = 0;
  }

  #begin(sentMs: number, arrivalMs: number): undefined {
    this.#current = { firstSentMs: sentMs, firstArrivalMs: arrivalMs, sentMs, arrivalMs };
  }

  #compare(group: Group): GroupDelta | undefined {
    const previous = this.#previous;
    if (previous === undefined) return undefined;
    const arrivedMs = group.arrivalMs - previous.arrivalMs;
    const sentMs = group.sentMs - previous.sentMs;
    if (Math.abs(arrivedMs - sentMs) > MAX_STEP_MS) {
      this.reset();
      return undefined;
    }
    if (arrivedMs < 0) {
      if (++this.#backwards >= MAX_BACKWARDS) this.reset();
      return undefined;
    }
    this.#backwards = 0;
    return { delayMs: arrivedMs - sentMs, arrivalMs: group.arrivalMs };
  }
}

function belongs(group: Group, sentMs: number, arrivalMs: number): boolean {
  if (sentMs - group.firstSentMs <= GROUP_MS) return true;
  // Came right behind the group although it left later: both waited for the same thing.
  const gapMs = arrivalMs - group.arrivalMs;
  const caughtUp = gapMs < sentMs - group.sentMs;
  return caughtUp && gapMs <= GROUP_MS && arrivalMs - group.firstArrivalMs < MAX_BURST_MS;
}
