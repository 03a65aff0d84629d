// NTP timestamps (RFC 5905 section 6) and Unix microseconds. Two 32-bit words: one JavaScript number cannot
// hold all 64 bits, and a bigint per frame costs too much.
import { TransportError } from "../errors/errors.ts";

/** A 64-bit NTP timestamp: seconds since 1900 modulo 2^32, and 2^-32 fractions of a second. */
export interface NtpTimestamp {
  readonly seconds: number;
  readonly fraction: number;
}

/** Seconds from 1900 to 1970. */
const NTP_UNIX_OFFSET_S = 2_208_988_800;

const TWO_32 = 2 ** 32;
const US_PER_S = 1_000_000;

/**
 * The instant of an NTP timestamp in Unix microseconds, rounded down. A clear top bit means the era that begins
 * in February 2036, so 1968 to 2104 are covered.
 *
 * @throws TransportError `INVALID_TIMESTAMP` for zero, which stands for "unknown" on the wire
 */
export function ntpToUnixUs(ntp: NtpTimestamp): number {
  if (isZeroNtp(ntp)) throw new TransportError("INVALID_TIMESTAMP", "NTP timestamp 0 means no time at all");
  const era = ntp.seconds < 2 ** 31 ? TWO_32 : 0;
  const us = Math.floor((ntp.fraction * US_PER_S) / TWO_32);
  return (ntp.seconds + era - NTP_UNIX_OFFSET_S) * US_PER_S + us;
}

/**
 * The NTP timestamp of a Unix time in whole microseconds. Fractions are rounded up, so that
 * {@link ntpToUnixUs} returns the very same microsecond.
 *
 * @throws TransportError `INVALID_TIMESTAMP` outside 1968 to 2104
 */
export function unixUsToNtp(unixUs: number): NtpTimestamp {
  const us = Math.round(unixUs);
  const unixSeconds = Math.floor(us / US_PER_S);
  const seconds = unixSeconds + NTP_UNIX_OFFSET_S;
  if (!(seconds >= 2 ** 31 && seconds < TWO_32 + 2 ** 31)) {
    throw new TransportError("INVALID_TIMESTAMP", `Unix time ${unixUs} us is outside 1968 to 2104`);
  }
  return { seconds: seconds >>> 0, fraction: Math.ceil(((us - unixSeconds * US_PER_S) * TWO_32) / US_PER_S) };
}

/** Whether the timestamp is zero: "unknown" on the wire. */
export function isZeroNtp(ntp: NtpTimestamp): boolean {
  return ntp.seconds === 0 && ntp.fraction === 0;
}

/** Both words as one 64-bit integer, as the public types carry it. */
export function ntpToBigInt(ntp: NtpTimestamp): bigint {
  return (BigInt(ntp.seconds >>> 0) << 32n) | BigInt(ntp.fraction >>> 0);
}

/**
 * The instant of a 64-bit NTP time, as sender reports carry it, in Unix microseconds, rounded down.
 *
 * @throws TransportError `INVALID_TIMESTAMP` for zero
 */
export function ntpToUs(ntp: bigint): number {
  return ntpToUnixUs(ntpFromBigInt(ntp));
}

/** The two words of a 64-bit NTP timestamp. */
export function ntpFromBigInt(ntp: bigint): NtpTimestamp {
  return { seconds: Number((ntp >> 32n) & 0xffffffffn), fraction: Number(ntp & 0xffffffffn) };
}

/** The middle 32 bits, in 1/65536 s: the form of LSR in report blocks (RFC 3550 section 6.4.1). */
export function compactNtp(ntp: NtpTimestamp): number {
  return (((ntp.seconds & 0xffff) << 16) | (ntp.fraction >>> 16)) >>> 0;
}
