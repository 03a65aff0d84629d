// The command line of the replay: text in, options or one clear complaint out. Pure.
import { parseArgs } from "node:util";
import { describeError } from "../../errors/errors.ts";

/** What `replay` was asked to do. */
export interface ReplayOptions {
  /** At least one. */
  files: string[];
  json: boolean;
  mode: "fixed" | "adaptive";
  /** Ms: the target when fixed, the first one when adaptive. */
  delayMs: number;
  /** Hz by payload type. */
  clockRates: ReadonlyMap<number, number>;
  /** Path of the drawing. */
  plot: string | undefined;
}

/** What the arguments amount to. `fault` names the option and what is expected of it, in one line. */
export type ParsedReplay =
  { type: "options"; options: ReplayOptions } | { type: "help" } | { type: "fault"; fault: string };

const DEFAULT_DELAY_MS = 50;
/** The longest target delay of the buffer as the replay makes it. */
export const MAX_DELAY_MS = 200;
const MAX_PAYLOAD_TYPE = 127;
const MIN_CLOCK_RATE = 1_000;
const MAX_CLOCK_RATE = 384_000;

/** Text of `replay --help`. */
export const REPLAY_HELP = `Usage: remotemedia-webrtc replay FILE... [options]

Plays recorded RTP through the jitter buffer, without a network, and prints for each stream what
was lost, late and concealed, and how long packets waited. Files: rtpdump, pcap, pcapng.

Options:
  --mode MODE          adaptive: the buffer finds the delay it needs (default); fixed: it keeps --delay
  --delay MS           target delay, 0 to ${MAX_DELAY_MS} (default ${DEFAULT_DELAY_MS}); when adaptive, the first one
  --clock-rate PT=HZ   clock rate of a payload type; may be repeated (default: RFC 3551 for static types,
                       estimated from the trace for others)
  --json               print one JSON object and nothing else on stdout
  --plot FILE          draw delay and target delay over time as SVG
  --help               show this text

Exit codes: 0 played, 1 could not write the plot, 2 wrong usage, a file that cannot be read, or no RTP in it.`;

/** Understand the arguments that follow `replay`. */
export function parseReplayOptions(args: readonly string[]): ParsedReplay {
  if (args.includes("--help") || args.includes("-h")) return { type: "help" };
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: "boolean", default: false },
        mode: { type: "string", default: "adaptive" },
        delay: { type: "string", default: String(DEFAULT_DELAY_MS) },
        "clock-rate": { type: "string", multiple: true, default: [] },
        plot: { type: "string" },
      },
    });
    const { mode, plot } = values;
    if (positionals.length === 0) return fault("a file is missing: name one or more traces to play");
    if (positionals.includes("")) return fault("a file has an empty name");
    if (mode !== "fixed" && mode !== "adaptive") {
      return fault(`--mode must be fixed or adaptive, not ${JSON.stringify(mode)}`);
    }
    const delayMs = /^\d+(\.\d+)?$/.test(values.delay) ? Number(values.delay) : NaN;
    if (!(delayMs <= MAX_DELAY_MS)) {
      return fault(
        `--delay must be a number of ms from 0 to ${MAX_DELAY_MS}, not ${JSON.stringify(values.delay)}`,
      );
    }
    if (plot === "") return fault("--plot must be the path of a file to write");
    const clockRates = parseClockRates(values["clock-rate"]);
    if (typeof clockRates === "string") return fault(clockRates);
    return {
      type: "options",
      options: { files: positionals, json: values.json, mode, delayMs, clockRates, plot },
    };
  } catch (error) {
    // parseArgs names the option it does not know, or the value that is missing; sometimes it goes on to explain.
    return fault(describeError(error).split(/\n|\. /, 1)[0] ?? "");
  }
}

/** `PT=HZ` pairs, or what is wrong with one. */
function parseClockRates(pairs: readonly string[]): ReadonlyMap<number, number> | string {
  const rates = new Map<number, number>();
  for (const pair of pairs) {
    const [, payloadType, rate] = (/^(\d{1,3})=(\d{1,6})$/.exec(pair) ?? []).map(Number);
    if (
      payloadType === undefined ||
      rate === undefined ||
      payloadType > MAX_PAYLOAD_TYPE ||
      rate < MIN_CLOCK_RATE ||
      rate > MAX_CLOCK_RATE
    ) {
      const expected = `PT=HZ, as in 111=48000, with 0 to ${MAX_PAYLOAD_TYPE} and ${MIN_CLOCK_RATE} to ${MAX_CLOCK_RATE}`;
      return `--clock-rate must be ${expected}, not ${JSON.stringify(pair)}`;
    }
    rates.set(payloadType, rate);
  }
  return rates;
}

function fault(text: string): ParsedReplay {
  return { type: "fault", fault: text };
}
