// Settings of a SyncManager: types, defaults, and validation that lists every fault at once. Pure.
import * as v from "valibot";
import { TransportError } from "../errors/errors.ts";
import { faultPath, onlyMembers } from "../runtime/schema.ts";
import type { Arena } from "../wasm/arena.ts";

/** Settings of a `SyncManager`, all resolved. Every one changes behaviour. */
export interface SyncConfig {
  /** Ticks a second of audio RTP timestamps and samples a second: 48000, as Opus has it (RFC 7587 section 4.1). */
  audioClockRate: 48000;
  /** Ticks a second of video RTP timestamps: 90000 for every video format (RFC 3551 section 5). */
  videoClockRate: 90000;
  /** Ms a frame with the least transit waits; in adaptive mode where that delay starts. 50 to 200. */
  jitterBufferSizeMs: number;
  /** Bound of the delay, of what is held, and of being overdue on arrival, ms: jitterBufferSizeMs to 500. */
  maxJitterBufferMs: number;
  /** Floor of the adaptive delay, ms: 10 to jitterBufferSizeMs. */
  minJitterBufferMs: number;
  /** False: samples are never resampled, whatever the sender's clock does. */
  enableClockDriftCorrection: boolean;
  /** Where `recommendedAction` says `adjust`; it labels only. 10 to 1000 ppm. */
  driftCorrectionThresholdPpm: number;
  /** How often the sender reports, ms: after three silent ones the mapping counts as stale. 1000 to 10000. */
  rtcpIntervalMs: number;
  /** `fixed`: the delay stays at jitterBufferSizeMs. `adaptive`: it follows the path. */
  mode: "fixed" | "adaptive";
  /** `paced`: each frame at its time. `inOrder`: the next expected frame at once, only gaps wait. */
  release: "paced" | "inOrder";
}

/** What a caller passes: anything left out, or undefined, takes its default. */
export type SyncOptions = { [Key in keyof SyncConfig]?: SyncConfig[Key] | undefined };

/** Delay of an Opus encoder at 48 kHz in its usual modes (RFC 7845 section 4.2); assumed of senders that tell none. */
export const DEFAULT_LOOKAHEAD_SAMPLES = 312;

/** What a `SyncManager` may be told about its surroundings. */
export interface SyncManagerOptions {
  /** Wall clock minus local monotonic clock of this host, ms; constant, since neither is ever stepped. Default 0. */
  wallOffsetMs?: number;
  /** Where buffers and kernels live; the realm's pool by default. */
  arena?: Arena;
  /** Delay of the sender's audio encoder, samples at 48 kHz. Default 312. */
  senderLookaheadSamples?: number;
}

const integer = (minimum: number, maximum: number) =>
  v.custom<number>(
    (value) => Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum,
    `expected an integer from ${minimum} to ${maximum}`,
  );
const choice = <const Values extends readonly (string | number)[]>(...values: Values) =>
  v.picklist(values, `expected ${values.join(" or ")}`);
const flag = v.boolean("expected true or false");

const schema = onlyMembers({
  audioClockRate: choice(48000),
  videoClockRate: choice(90000),
  jitterBufferSizeMs: integer(50, 200),
  maxJitterBufferMs: integer(50, 500),
  minJitterBufferMs: integer(10, 200),
  enableClockDriftCorrection: flag,
  driftCorrectionThresholdPpm: integer(10, 1000),
  rtcpIntervalMs: integer(1000, 10000),
  mode: choice("fixed", "adaptive"),
  release: choice("paced", "inOrder"),
});

const DEFAULT_MIN_MS = 20;
const DEFAULT_SIZE_MS = 50;
const DEFAULT_MAX_MS = 200;

/**
 * Fill in defaults and check.
 * @throws TransportError `INVALID_CONFIG` with all faults in `details.issues`, `{path, message, value}` each
 */
export function resolveSyncConfig(options: SyncOptions = {}): SyncConfig {
  const jitterBufferSizeMs = options.jitterBufferSizeMs ?? DEFAULT_SIZE_MS;
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const config = {
    audioClockRate: 48000,
    videoClockRate: 90000,
    jitterBufferSizeMs,
    maxJitterBufferMs: Math.max(DEFAULT_MAX_MS, jitterBufferSizeMs),
    minJitterBufferMs: DEFAULT_MIN_MS,
    enableClockDriftCorrection: true,
    driftCorrectionThresholdPpm: 100,
    rtcpIntervalMs: 5000,
    mode: "adaptive",
    release: "paced",
    ...Object.fromEntries(given),
  } as SyncConfig;
  const issues = issuesOf(config);
  if (issues.length === 0) return Object.freeze(config);
  const list = issues.map(({ path, message }) => `${path}: ${message}`).join("; ");
  throw new TransportError("INVALID_CONFIG", `invalid configuration: ${list}`, {
    details: { issues: issues.map((issue) => ({ ...issue })) },
  });
}

interface Issue {
  readonly path: string;
  readonly message: string;
  readonly value: string;
}

function issuesOf(config: SyncConfig): Issue[] {
  const { jitterBufferSizeMs, maxJitterBufferMs, minJitterBufferMs } = config;
  const issues = (v.safeParse(schema, config).issues ?? []).map((issue) =>
    fault(faultPath(issue), issue.message, issue.input),
  );
  if (maxJitterBufferMs < jitterBufferSizeMs) {
    const message = `expected at least jitterBufferSizeMs (${jitterBufferSizeMs})`;
    issues.push(fault("maxJitterBufferMs", message, maxJitterBufferMs));
  }
  if (minJitterBufferMs > jitterBufferSizeMs) {
    const message = `expected at most jitterBufferSizeMs (${jitterBufferSizeMs})`;
    issues.push(fault("minJitterBufferMs", message, minJitterBufferMs));
  }
  return issues;
}

// As JSON text: NaN, functions and the like have no JSON and are named instead.
function fault(path: string, message: string, value: unknown): Issue {
  const isPlain = typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
  const text = isPlain ? JSON.stringify(value) : typeof value === "number" ? `${value}` : typeof value;
  return { path, message, value: text };
}
