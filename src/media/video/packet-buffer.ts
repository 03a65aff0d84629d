// The packets of one incoming video stream by number. Tells what is new from what came twice, too late or from another
// count; holds packets until they are released. Knows nothing of frames and asks for nothing.
import type { VideoPayload } from "../../rtp/video-payload.ts";
import { sequenceDistance } from "../../wasm/rtp-clock.ts";

/** Numbers that the buffer spans: more than a second of 10 Mbit/s. A power of two. */
export const BUFFER_SPAN = 2048;

/** Bytes of payload held at most; datagrams of usual size fill the span with a third of it. */
const MAX_BYTES = 8 * 1024 * 1024;

/** A step forward up to this is loss; more is a jump that must be confirmed (in the manner of RFC 3550 A.1). */
const MAX_STEP = 1000;

/** A step back up to this is a latecomer; retransmissions come from as far as the buffer spans. */
const MAX_STEP_BACK = BUFFER_SPAN;

/** Two numbers this near to each other agree where the stream has jumped to. */
const AGREEMENT = 16;

/** Before anything is released, packets this far ahead of the first one still belong to the beginning. */
const BEGINNING = 64;

/** A stream that counts a little back looks like one of latecomers only: this many rising ones, for this long, ms. */
const LATECOMERS = 8;
const LATECOMERS_MS = 500;

/** Where extended numbers begin, so that none is negative. */
const ORIGIN = 0x10000;

/** `VideoPacket.frame` while that is unknown. */
export const NO_FRAME = -1;

/** One packet in the buffer. The last four fields are the assembler's. */
export interface VideoPacket {
  /** Sequence number, counted on without wrap; the buffer sets it. */
  number: number;
  /** RTP timestamp, u32. */
  readonly timestamp: number;
  readonly marker: boolean;
  /** Undefined: it holds no media and only fills its number. */
  readonly payload: VideoPayload | undefined;
  readonly byteLength: number;
  /** Local monotonic ms. */
  readonly arrivalMs: number;
  /** Capture time it carries, Unix us. */
  readonly captureUs: number | undefined;
  /** Number of the first packet of its frame once all between are there. */
  frame: number;
  /** The frame ends here, or ended before it if it holds no media. */
  isEnd: boolean;
  /** Of a frame's first packet: one of the frame's says that it needs no other frame. */
  isKeyframe: boolean;
  /** Of a frame's first packet: another frame began before this one ended. */
  torn: boolean;
}

/**
 * What became of a packet: `stray` is far off and kept until another confirms it; with `restarted` everything before is
 * gone and the packets from `first` to `highest` are new.
 */
export type PacketFate = "buffered" | "duplicate" | "late" | "stray" | "restarted";

/** Counters of a {@link PacketBuffer}, in packets. */
export interface PacketBufferCounters {
  /** Had come before. */
  duplicates: number;
  /** Came after their turn. */
  late: number;
  /** Far off the count of the stream, and never confirmed. */
  strays: number;
  /** With media, dropped when the buffer was full or the stream began anew. */
  overruns: number;
}

/** Packets in order of number. At most {@link BUFFER_SPAN} numbers and 8 MiB. */
export class PacketBuffer {
  readonly counters: PacketBufferCounters = { duplicates: 0, late: 0, strays: 0, overruns: 0 };
  readonly #slots: (VideoPacket | undefined)[] = new Array<undefined>(BUFFER_SPAN).fill(undefined);
  /** The number last seen in each slot; it outlives the packet. */
  readonly #seen = new Float64Array(BUFFER_SPAN).fill(-1);
  #first = ORIGIN;
  #highest = ORIGIN - 1;
  #empty = true;
  #released = false;
  #held = 0;
  #bytes = 0;
  #stray: { packet: VideoPacket; sequenceNumber: number } | undefined;
  #latecomers = 0;
  #latecomerNumber = -1;
  #latecomersSinceMs = 0;

  /** The lowest number that has not been released: the one whose turn it is. */
  get first(): number {
    return this.#first;
  }

  /** The highest number seen; below {@link first} when nothing waits. */
  get highest(): number {
    return this.#highest;
  }

  /** Whether nothing has been released since the beginning: earlier numbers may still come. */
  get beginning(): boolean {
    return !this.#released;
  }

  /** Packets with media that wait, and an unconfirmed stray. */
  get held(): number {
    return this.#held + (this.#stray === undefined ? 0 : 1);
  }

  /** Payload bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The packet with this number, if it has come and has not been released. */
  get(number: number): VideoPacket | undefined {
    const packet = this.#slots[number & (BUFFER_SPAN - 1)];
    return packet?.number === number ? packet : undefined;
  }

  /**
   * Take a packet in, whole.
   *
   * @param sequenceNumber u16
   * @param resent sent again on request, and known to be: such a one moves nothing
   * @param nowMs local monotonic ms
   */
  insert(packet: VideoPacket, sequenceNumber: number, resent: boolean, nowMs: number): PacketFate {
    if (this.#empty) return this.#begin(packet, ORIGIN + sequenceNumber);
    const step = sequenceDistance(sequenceNumber, this.#highest & 0xffff);
    const number = this.#highest + step;
    if (step > MAX_STEP || step < -MAX_STEP_BACK) {
      return resent ? this.#tooLate() : this.#doubt(packet, sequenceNumber);
    }
    if (number < this.#first) {
      const isEarlier = !this.#released && number >= this.#first - BEGINNING;
      if (!isEarlier) return this.#pass(packet, number, resent, nowMs);
      this.#first = number;
    } else if (this.#wasSeen(number)) {
      this.counters.duplicates++;
      return "duplicate";
    }
    const isFull = number - this.#first >= BUFFER_SPAN || this.#bytes + packet.byteLength > MAX_BYTES;
    if (isFull) return this.#restart(packet, number);
    this.#latecomers = 0;
    this.#store(packet, number);
    return "buffered";
  }

  /** Let the first number go, whether its packet has come or not. */
  release(): void {
    const packet = this.get(this.#first);
    if (packet !== undefined) {
      this.#slots[this.#first & (BUFFER_SPAN - 1)] = undefined;
      this.#bytes -= packet.byteLength;
      if (packet.payload !== undefined) this.#held--;
    }
    this.#first++;
    this.#released = true;
  }

  /** Drop all that waits before `number`, which has come; it is first now. */
  skipTo(number: number): void {
    while (this.#first < number) {
      if (this.get(this.#first)?.payload !== undefined) this.counters.overruns++;
      this.release();
    }
  }

  /** Drop everything: the next packet begins another stream. */
  clear(): void {
    this.#forget();
    this.#dropStray();
    this.#empty = true;
  }

  #begin(packet: VideoPacket, number: number): PacketFate {
    this.#empty = false;
    this.#released = false;
    this.#first = number;
    this.#highest = number - 1;
    this.#latecomers = 0;
    this.#store(packet, number);
    return "restarted";
  }

  #restart(packet: VideoPacket, number: number): PacketFate {
    this.#forget();
    return this.#begin(packet, number);
  }

  #store(packet: VideoPacket, number: number): void {
    const at = number & (BUFFER_SPAN - 1);
    packet.number = number;
    this.#slots[at] = packet;
    this.#seen[at] = number;
    this.#bytes += packet.byteLength;
    if (packet.payload !== undefined) this.#held++;
    if (number > this.#highest) this.#highest = number;
  }

  /** A number whose turn has passed. */
  #pass(packet: VideoPacket, number: number, resent: boolean, nowMs: number): PacketFate {
    if (!resent && this.#isNewCount(number, nowMs)) return this.#restart(packet, number);
    if (!this.#wasSeen(number)) return this.#tooLate();
    this.counters.duplicates++;
    return "duplicate";
  }

  #tooLate(): PacketFate {
    this.counters.late++;
    return "late";
  }

  /** Whether nothing but rising latecomers has come for a while. */
  #isNewCount(number: number, nowMs: number): boolean {
    if (this.#latecomers > 0 && number <= this.#latecomerNumber) return false;
    if (this.#latecomers === 0) this.#latecomersSinceMs = nowMs;
    this.#latecomers++;
    this.#latecomerNumber = number;
    return this.#latecomers >= LATECOMERS && nowMs - this.#latecomersSinceMs >= LATECOMERS_MS;
  }

  /** One packet may have any number by mistake or malice; two that agree are a stream. */
  #doubt(packet: VideoPacket, sequenceNumber: number): PacketFate {
    const doubted = this.#stray;
    const apart = doubted === undefined ? 0 : sequenceDistance(sequenceNumber, doubted.sequenceNumber);
    if (doubted === undefined || apart === 0 || Math.abs(apart) > AGREEMENT) {
      this.#dropStray();
      this.#stray = { packet, sequenceNumber };
      return "stray";
    }
    this.#stray = undefined;
    this.#forget();
    this.#begin(doubted.packet, ORIGIN + doubted.sequenceNumber);
    const number = doubted.packet.number + apart;
    if (number < this.#first) this.#first = number;
    this.#store(packet, number);
    return "restarted";
  }

  #dropStray(): void {
    if (this.#stray !== undefined) this.counters.strays++;
    this.#stray = undefined;
  }

  #forget(): void {
    this.counters.overruns += this.#held;
    this.#slots.fill(undefined);
    this.#seen.fill(-1);
    this.#held = 0;
    this.#bytes = 0;
  }

  #wasSeen(number: number): boolean {
    return this.#seen[number & (BUFFER_SPAN - 1)] === number;
  }
}
