// Arithmetic on RTP's circles for TypeScript: 16-bit sequence numbers and 32-bit timestamps, as the kernels do it.
// Knows no time of day and keeps no state.
import { TransportError } from "../errors/errors.ts";
import { arithmeticKernels } from "./instantiate.ts";

const TIMESTAMP_OFFSET = 4; // RFC 3550 section 5.1
const FIXED_HEADER_BYTES = 12;
const US_PER_MS = 1000;

/** Signed steps from sequence number `from` to `to`, -32768 to 32767; positive when `to` is newer. */
export function sequenceDistance(to: number, from: number): number {
  return arithmeticKernels().sequenceDistance(to, from);
}

/**
 * The extended sequence number nearest to `highest` whose low 16 bits are `sequence` (RFC 3550 appendix A.1).
 * @param highest the highest extended number seen, u32
 * @returns u32; compare two of them by their difference `| 0`
 */
export function extendSequence(highest: number, sequence: number): number {
  return arithmeticKernels().extendSequence(highest, sequence) >>> 0;
}

/** Signed ticks from RTP timestamp `from` to `to`; right while they are less than 2^31 ticks apart. */
export function tickDistance(to: number, from: number): number {
  return arithmeticKernels().tickDistance(to, from);
}

/** Milliseconds of a signed number of ticks (within 2^31) at `clockRate` Hz. */
export function ticksToMs(ticks: number, clockRate: number): number {
  return arithmeticKernels().ticksToMs(ticks, clockRate);
}

/** The nearest whole number of ticks in `ms` at `clockRate` Hz, as a signed distance on the circle. */
export function msToTicks(ms: number, clockRate: number): number {
  return arithmeticKernels().msToTicks(ms, clockRate);
}

/** A moment known on both clocks of a sender: an RTP timestamp and the wall clock at it. */
export interface WallClockReference {
  readonly rtpTimestamp: number;
  /** Unix microseconds. */
  readonly wallClockUs: number;
  /** Ticks a second of the RTP clock. */
  readonly clockRate: number;
}

/** An RTP timestamp: 32 bits that wrap. Immutable. */
export class RtpTimestamp {
  /** 0 to 2^32 - 1. */
  readonly value: number;

  /** @param value any integer; taken modulo 2^32 */
  constructor(value: number) {
    this.value = value >>> 0;
  }

  /**
   * Read the timestamp of an RTP packet.
   * @throws TransportError `INVALID_DATA` when `packet` is shorter than the fixed header of 12 bytes
   */
  static fromRtpHeader(packet: Uint8Array): RtpTimestamp {
    if (packet.length < FIXED_HEADER_BYTES) {
      throw new TransportError("INVALID_DATA", `packet must have 12 bytes or more, got ${packet.length}`);
    }
    const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
    return new RtpTimestamp(view.getUint32(TIMESTAMP_OFFSET));
  }

  /** The timestamp `ticks` later, or earlier when negative. */
  increment(ticks: number): RtpTimestamp {
    return new RtpTimestamp(this.value + ticks);
  }

  /** Signed ticks since `earlier`; right within 2^31 ticks. */
  ticksSince(earlier: RtpTimestamp): number {
    return tickDistance(this.value, earlier.value);
  }

  /** Unix microseconds of this timestamp on the clock of `reference`, which must be less than 2^31 ticks away. */
  toWallClock(reference: WallClockReference): number {
    const ticks = tickDistance(this.value, reference.rtpTimestamp);
    return reference.wallClockUs + ticksToMs(ticks, reference.clockRate) * US_PER_MS;
  }
}
