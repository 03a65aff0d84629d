// A jitter buffer as one writes it by hand in plain JavaScript: a binary heap by extended sequence number, every packet
// copied, the same due time from the least transit. A baseline for benches, without the windowed minimum, the limits
// and the probation of the real one.

/** A packet in the heap. */
export interface HeapPacket {
  readonly extended: number;
  readonly rtpTimestamp: number;
  readonly bytes: Uint8Array;
  readonly arrivalMs: number;
}

/** Orders packets by sequence number and hands each out when it is due. */
export class HeapBuffer {
  readonly #heap: HeapPacket[] = [];
  readonly #msPerTick: number;
  readonly #targetMs: number;
  #highest = -1;
  #next = 0;
  #firstTimestamp = 0;
  #leastTransitMs = Infinity;
  lost = 0;
  late = 0;

  constructor(clockRate: number, targetMs: number) {
    this.#msPerTick = 1000 / clockRate;
    this.#targetMs = targetMs;
  }

  /** Copy a packet in. */
  insert(packet: Uint8Array, nowMs: number): void {
    const sequence = ((packet[2] as number) << 8) | (packet[3] as number);
    const rtpTimestamp =
      (((packet[4] as number) << 24) |
        ((packet[5] as number) << 16) |
        ((packet[6] as number) << 8) |
        (packet[7] as number)) >>>
      0;
    if (this.#highest < 0) {
      this.#highest = 0x10000 | sequence;
      this.#next = this.#highest;
      this.#firstTimestamp = rtpTimestamp;
    }
    const extended = this.#highest + (((sequence - this.#highest) << 16) >> 16);
    const transitMs = nowMs - this.#timelineMs(rtpTimestamp);
    if (transitMs < this.#leastTransitMs) this.#leastTransitMs = transitMs;
    if (extended < this.#next) {
      this.late++;
      return;
    }
    if (extended > this.#highest) this.#highest = extended;
    this.#push({ extended, rtpTimestamp, bytes: packet.slice(), arrivalMs: nowMs });
  }

  /** The next packet, if it is due. */
  pop(nowMs: number): HeapPacket | undefined {
    for (;;) {
      const top = this.#heap[0];
      if (top === undefined) return undefined;
      if (top.extended >= this.#next) {
        if (nowMs < this.#timelineMs(top.rtpTimestamp) + this.#leastTransitMs + this.#targetMs)
          return undefined;
        this.#shift();
        this.lost += top.extended - this.#next;
        this.#next = top.extended + 1;
        return top;
      }
      this.#shift(); // a second copy of what has left
    }
  }

  #timelineMs(rtpTimestamp: number): number {
    return ((rtpTimestamp - this.#firstTimestamp) | 0) * this.#msPerTick;
  }

  #push(packet: HeapPacket): void {
    const heap = this.#heap;
    let at = heap.push(packet) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as HeapPacket;
      if (above.extended <= packet.extended) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = packet;
  }

  #shift(): void {
    const heap = this.#heap;
    const last = heap.pop() as HeapPacket;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && right.extended < (heap[child] as HeapPacket).extended) child++;
      const below = heap[child] as HeapPacket;
      if (below.extended >= last.extended) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }
}
