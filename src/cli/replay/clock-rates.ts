// How fast the RTP timestamps of a payload type tick: by the user's word, by the standard, or as the trace itself tells.
// Pure.

/** Where a clock rate comes from. `guessed`: the times of the trace do not tell either. */
export type ClockRateSource = "given" | "standard" | "estimated" | "guessed";

/** A clock rate and how sure it is. */
export interface ClockRate {
  /** Hz. */
  readonly clockRate: number;
  readonly source: ClockRateSource;
}

/** What the estimate looks at: packets of one SSRC in the order of arrival. */
export interface TimedPacket {
  readonly payloadType: number;
  /** 32 bits. */
  readonly timestamp: number;
  readonly arrivalMs: number;
}

/** Static payload types (RFC 3551 section 6, tables 4 and 5). G.722 says 8000 although it samples at 16000. */
const STATIC_RATES: Readonly<Record<number, number>> = {
  0: 8_000, // PCMU
  3: 8_000, // GSM
  4: 8_000, // G723
  5: 8_000, // DVI4
  6: 16_000, // DVI4
  7: 8_000, // LPC
  8: 8_000, // PCMA
  9: 8_000, // G722
  10: 44_100, // L16, two channels
  11: 44_100, // L16
  12: 8_000, // QCELP
  13: 8_000, // CN
  14: 90_000, // MPA
  15: 8_000, // G728
  16: 11_025, // DVI4
  17: 22_050, // DVI4
  18: 8_000, // G729
  25: 90_000, // CelB
  26: 90_000, // JPEG
  28: 90_000, // nv
  31: 90_000, // H261
  32: 90_000, // MPV
  33: 90_000, // MP2T
  34: 90_000, // H263
};

/** What codecs in use tick at. */
const COMMON_RATES = [8_000, 16_000, 32_000, 44_100, 48_000, 90_000] as const;
const VIDEO_RATE = 90_000;
const AUDIO_RATE = 48_000;
/** A measured rate further than this factor from every common one is not believed. */
const MAX_DISTANCE = 1.5;

/** Packets are compared over this span: long enough for jitter to be small beside it. */
const WINDOW_MS = 1_000;
/** Shorter spans, at the end of a run of one payload type, say too little. */
const MIN_WINDOW_MS = 100;

/**
 * The clock rate of one payload type.
 * @param packets all of the SSRC, in order of arrival
 * @param given rates by payload type, as the user said
 */
export function findClockRate(
  payloadType: number,
  packets: readonly TimedPacket[],
  given: ReadonlyMap<number, number>,
): ClockRate {
  const said = given.get(payloadType);
  if (said !== undefined) return { clockRate: said, source: "given" };
  const standard = STATIC_RATES[payloadType];
  if (standard !== undefined) return { clockRate: standard, source: "standard" };
  const measured = measureRate(payloadType, packets);
  const nearest = COMMON_RATES.reduce((best, rate) =>
    distance(rate, measured) < distance(best, measured) ? rate : best,
  );
  if (distance(nearest, measured) <= MAX_DISTANCE) return { clockRate: nearest, source: "estimated" };
  return { clockRate: looksLikeVideo(payloadType, packets) ? VIDEO_RATE : AUDIO_RATE, source: "guessed" };
}

/** By what factor two rates differ; infinite when one is none. */
function distance(rate: number, measured: number): number {
  return measured > 0 ? Math.max(rate / measured, measured / rate) : Infinity;
}

/**
 * Ticks a second, as the median over windows of about a second, shorter ones counting less: a sender that paused or
 * began anew spoils one window only. 0 when the trace is too short to tell.
 */
function measureRate(payloadType: number, packets: readonly TimedPacket[]): number {
  const windows: { rate: number; weight: number }[] = [];
  let first: TimedPacket | undefined;
  let last: TimedPacket | undefined;
  const close = (minMs: number): boolean => {
    if (first === undefined || last === undefined) return false;
    const ms = last.arrivalMs - first.arrivalMs;
    if (ms < minMs) return false;
    windows.push({
      rate: (((last.timestamp - first.timestamp) | 0) * 1000) / ms,
      weight: Math.min(ms, WINDOW_MS),
    });
    return true;
  };
  for (const packet of packets) {
    if (packet.payloadType !== payloadType) {
      close(MIN_WINDOW_MS);
      first = last = undefined;
      continue;
    }
    last = packet;
    first ??= packet;
    if (close(WINDOW_MS)) first = packet;
  }
  close(MIN_WINDOW_MS);
  windows.sort((a, b) => a.rate - b.rate);
  let half = windows.reduce((sum, { weight }) => sum + weight, 0) / 2;
  for (const { rate, weight } of windows) {
    half -= weight;
    if (half <= 0) return rate;
  }
  return 0;
}

/** Frames of video take several packets, which share a timestamp. */
function looksLikeVideo(payloadType: number, packets: readonly TimedPacket[]): boolean {
  const own = packets.filter((packet) => packet.payloadType === payloadType);
  return new Set(own.map(({ timestamp }) => timestamp)).size < 0.75 * own.length;
}
