// The command line of the demo: text in, options or one clear complaint out. Pure.

/** What `demo` was asked to do. */
export interface DemoOptions {
  peers: number;
  lan: boolean;
  /** How long to talk once everybody is connected; undefined: until Ctrl-C. */
  seconds: number | undefined;
  json: boolean;
  /** Files to play, given to the peers in turn; none: synthetic voices. */
  wavs: string[];
  recordDir: string | undefined;
  port: number;
}

/** What the arguments amount to. `fault` names the option and what is expected of it. */
export type ParsedOptions =
  { type: "options"; options: DemoOptions } | { type: "help" } | { type: "fault"; fault: string };

const DEFAULT_PORT = 8080;
const DEFAULT_PEERS = 3;
/** Most peers in this process, the most that one mesh of the library holds. */
const MAX_PEERS = 10;
/** A run that prints only its result must end by itself. */
const DEFAULT_JSON_SECONDS = 15;
/** A day, in seconds: beyond it timers and counters of a demo mean nothing. */
const MAX_SECONDS = 86_400;

/** Text of `demo --help`. */
export const DEMO_HELP = `Usage: remotemedia-webrtc demo [options]

Peers in this process talk to each other over WebRTC; a table shows how well each hears each.
A web page on the same port lets browsers join with their microphone.

Options:
  --peers N      peers in this process, 2 to ${MAX_PEERS} (default ${DEFAULT_PEERS})
  --lan          use all network interfaces and serve the page to other machines (default: loopback only)
  --seconds N    end after N seconds of talk (default: run until Ctrl-C; ${DEFAULT_JSON_SECONDS} with --json)
  --json         print one JSON object with the result and nothing else on stdout
  --wav FILE     play this WAV file in a loop instead of a synthetic voice; may be repeated (first 10 minutes)
  --record DIR   write what was sent and received as WAV files: sent-<peer>.wav, received-<peer>-from-<peer>.wav
  --port N       port of the page and the signaling server (default ${DEFAULT_PORT}; a busy one means the next free)
  --help         show this text

Exit codes: 0 ended by --seconds or Ctrl-C, 1 could not run, 2 wrong usage. How well it went is in the result (ok).`;

/** Options that take a value, and how it is understood; a returned string is the complaint. */
const VALUES: Record<string, (value: string, options: DemoOptions) => string | undefined> = {
  "--peers": (value, options) => {
    options.peers = wholeNumber(value);
    return inRange(options.peers, 2, MAX_PEERS) ? undefined : `a whole number from 2 to ${MAX_PEERS}`;
  },
  "--seconds": (value, options) => {
    options.seconds = /^\d+(\.\d+)?$/.test(value) ? Number(value) : NaN;
    return inRange(options.seconds, 1, MAX_SECONDS) ? undefined : `a number from 1 to ${MAX_SECONDS}`;
  },
  "--wav": (value, options) => {
    options.wavs.push(value);
    return value === "" ? "the path of a WAV file" : undefined;
  },
  "--record": (value, options) => {
    options.recordDir = value;
    return value === "" ? "the path of a directory" : undefined;
  },
  "--port": (value, options) => {
    options.port = wholeNumber(value);
    return inRange(options.port, 0, 65_535) ? undefined : "a port number from 0 to 65535 (0: any free one)";
  },
};

/** Understand the arguments that follow `demo`. Both `--name value` and `--name=value` are taken. */
export function parseOptions(args: readonly string[]): ParsedOptions {
  if (args.includes("--help") || args.includes("-h")) return { type: "help" };
  const options: DemoOptions = {
    peers: DEFAULT_PEERS,
    lan: false,
    seconds: undefined,
    json: false,
    wavs: [],
    recordDir: undefined,
    port: DEFAULT_PORT,
  };
  for (let i = 0; i < args.length; i++) {
    const argument = args[i] ?? "";
    const equals = argument.startsWith("--") ? argument.indexOf("=") : -1;
    const name = equals < 0 ? argument : argument.slice(0, equals);
    const fault =
      name === "--lan" || name === "--json"
        ? setFlag(name, equals >= 0, options)
        : setValue(name, equals < 0 ? args[++i] : argument.slice(equals + 1), options);
    if (fault !== undefined) return { type: "fault", fault };
  }
  if (options.json) options.seconds ??= DEFAULT_JSON_SECONDS;
  return { type: "options", options };
}

function setFlag(name: "--lan" | "--json", hasValue: boolean, options: DemoOptions): string | undefined {
  if (hasValue) return `${name} takes no value`;
  if (name === "--lan") options.lan = true;
  else options.json = true;
  return undefined;
}

function setValue(name: string, value: string | undefined, options: DemoOptions): string | undefined {
  const set = Object.hasOwn(VALUES, name) ? VALUES[name] : undefined;
  if (set === undefined) return `unknown option ${JSON.stringify(name)}`;
  if (value === undefined) return `${name} needs a value`;
  const expected = set(value, options);
  return expected === undefined ? undefined : `${name} must be ${expected}, not ${JSON.stringify(value)}`;
}

function wholeNumber(value: string): number {
  return /^\d+$/.test(value) ? Number(value) : NaN;
}

function inRange(value: number, low: number, high: number): boolean {
  return value >= low && value <= high;
}
