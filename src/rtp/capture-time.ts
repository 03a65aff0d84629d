// The header extension abs-capture-time: when the first sample of a packet was captured, on the clock of whoever
// captured it. Never throws on what the network brings.
import { readExtensions } from "./extensions.ts";
import { isZeroNtp, ntpToUnixUs, unixUsToNtp } from "./ntp.ts";
import type { RtpPacket } from "./packet.ts";

/** What the extension says. */
export interface CaptureTime {
  /** Unix microseconds on the capture clock, whole. */
  readonly captureUs: number;
  /** Capture clock minus the clock of the packet's sender, whole microseconds; a sender that captures leaves it out. */
  readonly clockOffsetUs?: number;
}

/** Bytes of the NTP timestamp (UQ32.32), and of the clock offset (signed Q32.32) that may follow it. */
const TIMESTAMP_BYTES = 8;
const FULL_BYTES = 16;

const TWO_32 = 2 ** 32;
const US_PER_S = 1_000_000;

/** What 64-bit NTP can express around the era that begins in 2036: Unix microseconds, the end excluded. */
const FIRST_US = -61_505_152 * US_PER_S;
const END_US = 4_233_462_144 * US_PER_S;

/**
 * Read the extension element.
 *
 * @returns undefined when the length is neither 8 nor 16 bytes, or the timestamp is zero: "unknown"
 */
export function readCaptureTime(data: Uint8Array): CaptureTime | undefined {
  if (data.length !== TIMESTAMP_BYTES && data.length !== FULL_BYTES) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const ntp = { seconds: view.getUint32(0), fraction: view.getUint32(4) };
  if (isZeroNtp(ntp)) return undefined;
  const captureUs = ntpToUnixUs(ntp);
  if (data.length === TIMESTAMP_BYTES) return { captureUs };
  const fractionUs = Math.floor((view.getUint32(12) * US_PER_S) / TWO_32);
  return { captureUs, clockOffsetUs: view.getInt32(8) * US_PER_S + fractionUs };
}

/**
 * Write the extension element; {@link readCaptureTime} returns the very same microseconds.
 *
 * @returns 8 bytes, or 16 with a clock offset; undefined when the time lies outside 1968 to 2104, is the one moment of
 *   2036 that stands for "unknown", or when the offset is beyond 68 years
 */
export function buildCaptureTime(time: CaptureTime): Uint8Array | undefined {
  const { clockOffsetUs } = time;
  const captureUs = Math.round(time.captureUs);
  if (!(captureUs >= FIRST_US && captureUs < END_US)) return undefined;
  const ntp = unixUsToNtp(captureUs);
  if (isZeroNtp(ntp)) return undefined;
  const data = new Uint8Array(clockOffsetUs === undefined ? TIMESTAMP_BYTES : FULL_BYTES);
  const view = new DataView(data.buffer);
  view.setUint32(0, ntp.seconds);
  view.setUint32(4, ntp.fraction);
  if (clockOffsetUs === undefined) return data;
  const offsetUs = Math.round(clockOffsetUs);
  const seconds = Math.floor(offsetUs / US_PER_S);
  if (!(seconds >= -(2 ** 31) && seconds < 2 ** 31)) return undefined;
  view.setInt32(8, seconds);
  view.setUint32(12, Math.ceil(((offsetUs - seconds * US_PER_S) * TWO_32) / US_PER_S));
  return data;
}

/**
 * The capture time that a packet carries.
 *
 * @param packet with its header extension in the one-byte or the two-byte form
 * @param extensionId as negotiated; 0 when it is not
 * @returns undefined when it carries none
 */
export function captureTimeOf(
  packet: Pick<RtpPacket, "extension">,
  extensionId: number,
): CaptureTime | undefined {
  if (packet.extension === undefined || extensionId === 0) return undefined;
  const element = readExtensions(packet.extension).find(({ id }) => id === extensionId);
  return element && readCaptureTime(element.data);
}
