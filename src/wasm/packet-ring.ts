// The producer's end of a shared packet ring: another thread copies packets in, the jitter buffer's thread takes them
// out, and no message passes between them. Needs no WebAssembly instance; never waits and never allocates.
import {
  MAX_RECORD_SHIFT,
  READ_POS,
  RECORD_ARRIVAL,
  RECORD_HEADER,
  RECORD_LENGTH,
  RECORD_STATE,
  REFUSED,
  RING_BASE,
  RING_MASK,
  STATE_LIVE,
  STATE_PAD,
  WRITE_POS,
} from "./generated/layout.ts";

/** Where a shared packet ring lies. May be sent to another thread as it is. */
export interface PacketRing {
  readonly buffer: SharedArrayBuffer;
  /** Address of the stream's region in `buffer`. */
  readonly address: number;
}

/** The longest packet a ring of `ringBytes` takes, bytes. */
export function maxPacketBytes(ringBytes: number): number {
  return (ringBytes >> MAX_RECORD_SHIFT) - RECORD_HEADER;
}

/** Writes RTP packets into a shared ring. There may be one writer for a ring, in one thread. */
export class PacketWriter {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #doubles: Float64Array;
  readonly #stream: number;
  readonly #ringBase: number;
  readonly #capacity: number;

  /** @param ring from `JitterBuffer.ring` */
  constructor({ buffer, address }: PacketRing) {
    this.#words = new Int32Array(buffer);
    this.#bytes = new Uint8Array(buffer);
    this.#doubles = new Float64Array(buffer);
    this.#stream = address;
    this.#ringBase = this.#words[(address + RING_BASE) >> 2] as number;
    this.#capacity = (this.#words[(address + RING_MASK) >> 2] as number) + 1;
  }

  /**
   * Copy one RTP packet into the ring and publish it.
   * @param arrivalMs local monotonic ms at which it came
   * @returns false when it did not fit: the consumer lags, or it is longer than an eighth of the ring. It is counted.
   */
  write(packet: Uint8Array, arrivalMs: number): boolean {
    const words = this.#words;
    const capacity = this.#capacity;
    const need = (RECORD_HEADER + packet.length + 15) & ~15;
    let write = words[(this.#stream + WRITE_POS) >> 2] as number;
    const used = (write - Atomics.load(words, (this.#stream + READ_POS) >> 2)) | 0;
    const untilEnd = capacity - (write & (capacity - 1));
    const pad = need > untilEnd ? untilEnd : 0;
    if (
      packet.length > maxPacketBytes(capacity) ||
      used + pad + need > capacity ||
      !Number.isFinite(arrivalMs)
    ) {
      const refused = (this.#stream + REFUSED) >> 2;
      words[refused] = (words[refused] as number) + 1;
      return false;
    }
    if (pad > 0) {
      this.#describe(write, pad, STATE_PAD);
      write = (write + pad) | 0;
    }
    const record = this.#describe(write, packet.length, STATE_LIVE);
    this.#doubles[(record + RECORD_ARRIVAL) >> 3] = arrivalMs;
    this.#bytes.set(packet, record + RECORD_HEADER);
    Atomics.store(words, (this.#stream + WRITE_POS) >> 2, (write + need) | 0);
    return true;
  }

  #describe(position: number, length: number, state: number): number {
    const record = this.#ringBase + (position & (this.#capacity - 1));
    this.#words[(record + RECORD_LENGTH) >> 2] = length;
    this.#words[(record + RECORD_STATE) >> 2] = state;
    return record;
  }
}
