// Settings of a jitter buffer: their defaults, their ranges and the ring they ask for. Pure.
import { TransportError } from "../errors/errors.ts";
import type { JsonObject, JsonValue } from "../runtime/data.ts";
import type { Arena } from "./arena.ts";

/** 340 packets of 160 bytes: seconds of audio. */
const AUDIO_RING_BYTES = 64 * 1024;
/** 200 ms at 15 Mbit/s with a quarter of the ring kept free; doubled for a longer maximum delay. */
const VIDEO_RING_BYTES = 512 * 1024;
const VIDEO_RING_MS = 200;
/** The largest `maxJitterBufferMs` of the configuration. */
const MAX_DELAY_LIMIT_MS = 500;
/** Of an adaptive target: one frame of most audio. */
const DEFAULT_MIN_DELAY_MS = 20;
const MIN_CLOCK_RATE = 1000;
const MAX_CLOCK_RATE = 384_000;

/** Settings of a `JitterBuffer`. */
export interface JitterBufferOptions {
  /** Ticks a second of the RTP timestamps, 1000 to 384,000: 48000 for Opus, 90000 for video. */
  clockRate: number;
  /**
   * `fixed`: the target delay is what it was set to. `adaptive`: it follows the distribution of the packets' transits,
   * up at once and down by 1 ms in 20. Default `fixed`.
   */
  mode?: "fixed" | "adaptive";
  /** Ms a packet with the least transit waits, 0 to `maxDelayMs`; with `adaptive` in the beginning. Default 50. */
  targetDelayMs?: number;
  /** Adaptive only: the target never falls below; 0 to `targetDelayMs`. Default 20, or `targetDelayMs` if that is less. */
  minDelayMs?: number;
  /**
   * Bound of the buffered span, and of being overdue on arrival; `targetDelayMs` to 500. Default 200. An adaptive target
   * never rises above, and a packet is overdue from the moment that highest target allows.
   */
  maxDelayMs?: number;
  /**
   * `paced`: every packet waits until it is due. `inOrder`: the next expected one leaves at once, only gaps wait.
   * Default `paced`.
   */
  release?: "paced" | "inOrder";
  /** Sizes the ring: 64 KiB for audio; 512 KiB for video, 1 MiB when `maxDelayMs` is over 200. Default `audio`. */
  kind?: "audio" | "video";
  /** Let a `PacketWriter` in another thread put packets in. Needs `SharedArrayBuffer`. Default false. */
  shared?: boolean;
  /** Where the buffer lives; must be as `shared` as the buffer. Default: a pool of this realm, or a memory of its own when shared. */
  arena?: Arena;
}

/** {@link JitterBufferOptions} with every default filled in. */
export interface ResolvedBufferOptions {
  readonly clockRate: number;
  readonly adaptive: boolean;
  readonly targetDelayMs: number;
  /** Without meaning unless adaptive. */
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  readonly inOrder: boolean;
  readonly ringBytes: number;
  readonly shared: boolean;
  readonly arena: Arena | undefined;
}

/**
 * Fill in defaults.
 * @throws TransportError `INVALID_CONFIG` with every fault in `details.issues`
 */
export function resolveBufferOptions(options: JitterBufferOptions): ResolvedBufferOptions {
  const {
    clockRate,
    mode = "fixed",
    targetDelayMs = 50,
    maxDelayMs = 200,
    release = "paced",
    kind = "audio",
    arena,
  } = options;
  const minDelayMs = options.minDelayMs ?? Math.min(DEFAULT_MIN_DELAY_MS, targetDelayMs);
  const shared = options.shared ?? arena?.shared ?? false;
  const issues: JsonObject[] = [];
  const messages: string[] = [];
  const expect = (holds: boolean, path: string, message: string, value: unknown): void => {
    if (holds) return;
    messages.push(`${path} must be ${message}`);
    issues.push({ path, message: `${path} must be ${message}`, value: asJson(value) });
  };
  const rateInRange = clockRate >= MIN_CLOCK_RATE && clockRate <= MAX_CLOCK_RATE;
  const rates = `an integer from ${MIN_CLOCK_RATE} to ${MAX_CLOCK_RATE}`;
  expect(Number.isInteger(clockRate) && rateInRange, "clockRate", rates, clockRate);
  const maxFits = maxDelayMs > 0 && maxDelayMs <= MAX_DELAY_LIMIT_MS;
  expect(maxFits, "maxDelayMs", `a number above 0, at most ${MAX_DELAY_LIMIT_MS}`, maxDelayMs);
  const targetFits = isTargetDelay(targetDelayMs, maxDelayMs);
  expect(targetFits, "targetDelayMs", "a number from 0 to maxDelayMs", targetDelayMs);
  expect(mode === "fixed" || mode === "adaptive", "mode", `"fixed" or "adaptive"`, mode);
  const minFits = mode === "adaptive" && isTargetDelay(minDelayMs, targetDelayMs);
  const floor = mode === "adaptive" ? "a number from 0 to targetDelayMs" : "left out unless mode is adaptive";
  expect(options.minDelayMs === undefined || minFits, "minDelayMs", floor, minDelayMs);
  expect(release === "paced" || release === "inOrder", "release", `"paced" or "inOrder"`, release);
  expect(kind === "audio" || kind === "video", "kind", `"audio" or "video"`, kind);
  expect(arena === undefined || arena.shared === shared, "shared", "what arena.shared is", shared);
  if (issues.length > 0) {
    const message = messages.join("; ");
    throw new TransportError("INVALID_CONFIG", message, { details: { issues } });
  }
  const ringBytes = ringBytesFor(kind, maxDelayMs);
  const adaptive = mode === "adaptive";
  const inOrder = release === "inOrder";
  return { clockRate, adaptive, targetDelayMs, minDelayMs, maxDelayMs, inOrder, ringBytes, shared, arena };
}

/** Whether a target delay is a number from 0 to the maximum. */
export function isTargetDelay(targetDelayMs: number, maxDelayMs: number): boolean {
  return typeof targetDelayMs === "number" && targetDelayMs >= 0 && targetDelayMs <= maxDelayMs;
}

function ringBytesFor(kind: "audio" | "video", maxDelayMs: number): number {
  if (kind === "audio") return AUDIO_RING_BYTES;
  return maxDelayMs > VIDEO_RING_MS ? 2 * VIDEO_RING_BYTES : VIDEO_RING_BYTES;
}

// JSON knows neither NaN nor undefined nor functions; in an error they are better named than dropped.
function asJson(value: unknown): JsonValue {
  const plain =
    value === null || typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
  if (plain) return value as JsonValue;
  return typeof value === "number" ? `${value}` : typeof value;
}
