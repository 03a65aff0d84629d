// How a session is opened: the options of `WebRtcTransport.stream()`, checked before anything of the session exists.
import * as v from "valibot";
import { TransportError } from "../errors/errors.ts";
import { isId } from "../runtime/ids.ts";
import { faultPath, onlyMembers } from "../runtime/schema.ts";
import { QUALITY_TIERS } from "../session/quality-tiers.ts";
import type { TierDefinition } from "../session/quality-tiers.ts";
import type { SessionAudioFormat } from "./session-feed.ts";

/** How a session is opened; see `WebRtcTransport.stream()`. */
export interface StreamOptions {
  /** Whose media is an input and who may get outputs: all present and later peers, or these. Default `all`. */
  peers?: "all" | readonly string[] | undefined;
  /** The audio of peers as the pipeline gets it. Default: live frames of 20 ms at 48000 Hz. */
  audio?: SessionAudioFormat | undefined;
  /**
   * What the `qualityTier` of routes stands for, the best first, none with a higher `minKbps` than the one before. Default:
   * 1080p, 720p and 480p.
   */
  tiers?: readonly TierDefinition[] | undefined;
}

/** Hz. */
const MIN_RATE = 8_000;
const MAX_RATE = 48_000;
/** kbit/s that encoders take. */
const MIN_KBPS = 16;
const MAX_KBPS = 50_000;
/** Pixels. */
const MAX_SIDE = 16_384;

const within = (min: number, max: number, unit: string) =>
  v.custom<number>(
    (value) => typeof value === "number" && value >= min && value <= max,
    `expected ${min} to ${max} ${unit}`,
  );

const oneOf = (...values: readonly (string | number)[]) =>
  v.custom((value) => values.includes(value as never), `expected one of ${values.join(", ")}`);

const tier = onlyMembers({
  tier: oneOf(...QUALITY_TIERS),
  kbps: within(MIN_KBPS, MAX_KBPS, "kbit/s"),
  width: within(2, MAX_SIDE, "pixels"),
  height: within(2, MAX_SIDE, "pixels"),
  minKbps: within(0, MAX_KBPS, "kbit/s"),
});

const audio = v.pipe(
  onlyMembers({
    sampleRate: v.optional(within(MIN_RATE, MAX_RATE, "Hz")),
    frameMs: v.optional(oneOf(10, 20, 30, 40, 60)),
    channels: v.optional(oneOf(1, 2)),
    aligned: v.optional(v.boolean("expected true or false")),
  }),
  v.check(
    ({ sampleRate = MAX_RATE, frameMs = 20 }) => (sampleRate * Number(frameMs)) % 1000 === 0,
    "expected a sampleRate of which frameMs are a whole number of samples",
  ),
);

const schema = v.object({
  peers: v.optional(
    v.custom(
      (peers) => peers === "all" || (Array.isArray(peers) && peers.every(isId)),
      'expected "all" or an array of peer ids',
    ),
  ),
  audio: v.optional(audio),
  tiers: v.optional(
    v.pipe(
      v.array(tier, "expected an array of tiers"),
      v.minLength(1, "expected at least one tier"),
      v.check(
        (tiers) => areFalling(tiers as unknown as TierDefinition[]),
        "expected the best tier first, each once, minKbps never rising",
      ),
    ),
  ),
});

/** @throws TransportError `INVALID_DATA` naming the option and what was expected */
export function checkStreamOptions(options: StreamOptions): void {
  const [issue] = v.safeParse(schema, options).issues ?? [];
  if (issue === undefined) return;
  throw new TransportError("INVALID_DATA", `stream(): ${faultPath(issue) || "options"}: ${issue.message}`);
}

function areFalling(tiers: readonly TierDefinition[]): boolean {
  return tiers.every(({ tier: name, minKbps }, index, all) => {
    const better = all[index - 1];
    if (better === undefined) return true;
    return QUALITY_TIERS.indexOf(name) > QUALITY_TIERS.indexOf(better.tier) && minKbps <= better.minKbps;
  });
}
