// The command line of the demo: text in, options or one clear complaint out. Pure.
import { describeError } from "../../errors/errors.ts";
import { parseImpairment } from "../../testing/impairment.ts";
import type { PictureSize, VideoPlan } from "./video/video-plan.ts";

/** Lengths of an Opus frame, ms. */
export type FrameMs = 10 | 20 | 40 | 60;

/** What `demo` was asked to do. */
export interface DemoOptions {
  peers: number;
  /** Who reads all others aligned and mixes them: nobody, the first peer, or every peer. */
  mix: "none" | "first" | "all";
  /** Wall clocks of the peers are off by up to this, ms, either way. */
  clockOffsetMs: number;
  /** Clocks of the peers run fast or slow by up to this, ppm. */
  skewPpm: number;
  clicks: boolean;
  /** Length of the Opus frames that the peers send; undefined: as suits their number. */
  frameMs: FrameMs | undefined;
  /** Network trouble between the peers, as `parseImpairment` reads it; undefined: none. */
  impair: string | undefined;
  lan: boolean;
  /** How long to talk once everybody is connected; undefined: until Ctrl-C. */
  seconds: number | undefined;
  json: boolean;
  /** Files to play, given to the peers in turn; none: synthetic voices. */
  wavs: string[];
  recordDir: string | undefined;
  port: number;
  /** What the peers show; undefined: sound only. */
  video: VideoPlan | undefined;
}

/** Options as they are read: those of video become one. */
interface Reading extends DemoOptions {
  withVideo: boolean;
  size: PictureSize | undefined;
  framerateFps: number | undefined;
  y4ms: string[];
}

/** What the arguments amount to. `fault` names the option and what is expected of it. */
export type ParsedOptions =
  { type: "options"; options: DemoOptions } | { type: "help" } | { type: "fault"; fault: string };

/** A complaint about the command line. */
export class UsageError extends Error {}

const DEFAULT_PORT = 8080;
const DEFAULT_PEERS = 3;
const DEFAULT_FRAME_MS = 20;
/** From so many peers on frames are longer: a small machine cannot send and take 4500 packets a second for all of them. */
const MANY_PEERS = 8;
const MANY_PEERS_FRAME_MS = 60;
const FRAME_LENGTHS_MS: readonly number[] = [10, 20, 40, 60];
/** The most that one mesh of the library holds. */
const MAX_PEERS = 10;
/** Whoever mixes needs two others to mix. */
const MIN_MIX_PEERS = 3;
/** Clocks of a conference are off like this unless it is said otherwise: more than machines on a network are. */
const MIX_CLOCK_OFFSET_MS = 500;
const MIX_SKEW_PPM = 200;
/** A day, in ms. */
const MAX_CLOCK_OFFSET_MS = 86_400_000;
/** Two clocks then differ by 1400 ppm, of the 1500 that the library follows. */
const MAX_SKEW_PPM = 700;
/** A picture of video unless it is said otherwise: what a small machine encodes and decodes for several peers. */
const DEFAULT_SIZE: PictureSize = { width: 320, height: 180 };
const DEFAULT_FPS = 15;
/** Sides of the test pattern, px: the letters in smaller ones cannot be read, and the library has no larger ones. */
const MIN_SIZE: PictureSize = { width: 160, height: 90 };
const MAX_SIZE: PictureSize = { width: 1920, height: 1080 };
const MIN_FPS = 5;
const MAX_FPS = 60;
/** A run that prints only its result must end by itself. */
const DEFAULT_JSON_SECONDS = 15;
/** A day, in seconds: beyond it timers and counters of a demo mean nothing. */
const MAX_SECONDS = 86_400;

/** Text of `demo --help`. */
export const DEMO_HELP = `Usage: remotemedia-webrtc demo [options]

Peers talk to each other over WebRTC; a table shows how well each hears each.
A web page on the same port lets browsers join with their microphone.

Options:
  --peers N      peers, 2 to ${MAX_PEERS} (default ${DEFAULT_PEERS}); from 5 on they are spread over several processes
  --mix [all]    hold a conference: the first peer says nothing of its own, reads all others aligned on one clock,
                 mixes them and sends each listener the mix of everybody but itself; with 'all' every other peer
                 reads and mixes too, for its own ear
  --clock-offset-ms N  put the peers' wall clocks up to N ms off, either way (default 0; ${MIX_CLOCK_OFFSET_MS} with --mix)
  --skew-ppm N   let the peers' clocks and microphones run up to N ppm fast or slow (default 0; ${MIX_SKEW_PPM} with --mix)
  --frame-ms N   length of the Opus frames: 10, 20, 40 or 60 (default ${DEFAULT_FRAME_MS}; ${MANY_PEERS_FRAME_MS} from ${MANY_PEERS} peers on)
  --clicks       every peer clicks at the same true instants, once a second
  --impair TEXT  lose, delay and reorder packets between the peers, e.g. loss=0.05,jitterMs=30,reorder=0.05,seed=7
  --video        show a test pattern that moves, with a clock and a code in each picture, and measure what is seen
  --size WxH     pixels of the test pattern, ${MIN_SIZE.width}x${MIN_SIZE.height} to ${MAX_SIZE.width}x${MAX_SIZE.height} (default ${DEFAULT_SIZE.width}x${DEFAULT_SIZE.height}); turns video on
  --fps N        pictures of it a second, ${MIN_FPS} to ${MAX_FPS} (default ${DEFAULT_FPS}); turns video on
  --y4m FILE     show this Y4M file in a loop instead, in its own size and at its own rate; may be repeated;
                 turns video on
  --lan          use all network interfaces and serve the page to other machines (default: loopback only)
  --seconds N    end after N seconds of talk (default: run until Ctrl-C; ${DEFAULT_JSON_SECONDS} with --json)
  --json         print one JSON object with the result and nothing else on stdout
  --wav FILE     play this WAV file in a loop instead of a synthetic voice; may be repeated (first 10 minutes)
  --record DIR   write what was sent and received as WAV files: sent-<peer>.wav, received-<peer>-from-<peer>.wav,
                 of peers that mix aligned-<peer>.wav, a channel for each other peer as channels.json says, and
                 of those that mix for their own ear mix-<peer>.wav; of pictures sent-<peer>.y4m and
                 received-<peer>-from-<peer>.y4m
  --port N       port of the page and the signaling server (default ${DEFAULT_PORT}; a busy one means the next free)
  --help         show this text

All is measured by content: what a peer was given is looked for in what the others sent. Of a mix, similarity compares
with the sum of the others' voices. Alignment error is the spread of the true capture times of samples that a mixing
peer was given as simultaneous; it counts 10 s after the last connection (or half of --seconds, if that is less).

Video has a process for each peer, up to the cores of the machine. Three peers with pictures of ${DEFAULT_SIZE.width}x${DEFAULT_SIZE.height}, ${DEFAULT_FPS} a
second, keep two cores busy, and each further one takes most of a core. With --impair only packets of
sound and messages are in trouble.

Exit codes: 0 ended by --seconds or Ctrl-C, 1 could not run, 2 wrong usage. How well it went is in the result (ok).`;

/** Options that take a value, and how it is understood; a returned string is the complaint. */
const VALUES: Record<string, (value: string, options: Reading) => string | undefined> = {
  "--peers": (value, options) => {
    options.peers = wholeNumber(value);
    return inRange(options.peers, 2, MAX_PEERS) ? undefined : `a whole number from 2 to ${MAX_PEERS}`;
  },
  "--seconds": (value, options) => {
    options.seconds = decimal(value);
    return inRange(options.seconds, 1, MAX_SECONDS) ? undefined : `a number from 1 to ${MAX_SECONDS}`;
  },
  "--clock-offset-ms": (value, options) => {
    options.clockOffsetMs = decimal(value);
    return inRange(options.clockOffsetMs, 0, MAX_CLOCK_OFFSET_MS)
      ? undefined
      : `a number from 0 to ${MAX_CLOCK_OFFSET_MS}`;
  },
  "--skew-ppm": (value, options) => {
    options.skewPpm = decimal(value);
    return inRange(options.skewPpm, 0, MAX_SKEW_PPM) ? undefined : `a number from 0 to ${MAX_SKEW_PPM}`;
  },
  "--frame-ms": (value, options) => {
    const frameMs = wholeNumber(value);
    if (!FRAME_LENGTHS_MS.includes(frameMs)) return `one of ${FRAME_LENGTHS_MS.join(", ")}`;
    options.frameMs = frameMs as FrameMs;
    return undefined;
  },
  "--size": (value, options) => {
    options.size = sizeOf(value);
    if (options.size !== undefined) return undefined;
    return `width and height in pixels, ${MIN_SIZE.width}x${MIN_SIZE.height} to ${MAX_SIZE.width}x${MAX_SIZE.height}`;
  },
  "--fps": (value, options) => {
    options.framerateFps = wholeNumber(value);
    return inRange(options.framerateFps, MIN_FPS, MAX_FPS)
      ? undefined
      : `a whole number from ${MIN_FPS} to ${MAX_FPS}`;
  },
  "--y4m": (value, options) => {
    options.y4ms.push(value);
    return value === "" ? "the path of a Y4M file" : undefined;
  },
  "--impair": (value, options) => {
    options.impair = value;
    try {
      parseImpairment(value);
      return undefined;
    } catch (error) {
      return `network trouble that is understood (${describeError(error)})`;
    }
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

/** Options that stand alone. */
const FLAGS: Record<string, (options: Reading) => void> = {
  "--lan": (options) => {
    options.lan = true;
  },
  "--json": (options) => {
    options.json = true;
  },
  "--clicks": (options) => {
    options.clicks = true;
  },
  "--video": (options) => {
    options.withVideo = true;
  },
};

/** Understand the arguments that follow `demo`. Both `--name value` and `--name=value` are taken. */
export function parseOptions(args: readonly string[]): ParsedOptions {
  if (args.includes("--help") || args.includes("-h")) return { type: "help" };
  const read: Reading = {
    peers: DEFAULT_PEERS,
    mix: "none",
    clockOffsetMs: NaN,
    skewPpm: NaN,
    clicks: false,
    frameMs: undefined,
    impair: undefined,
    lan: false,
    seconds: undefined,
    json: false,
    wavs: [],
    recordDir: undefined,
    port: DEFAULT_PORT,
    video: undefined,
    withVideo: false,
    size: undefined,
    framerateFps: undefined,
    y4ms: [],
  };
  const rest = [...args];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    const fault = take(argument, rest, read);
    if (fault !== undefined) return { type: "fault", fault };
  }
  const { withVideo, size, framerateFps, y4ms, ...options } = read;
  if (withVideo || size !== undefined || framerateFps !== undefined || y4ms.length > 0) {
    options.video = { ...(size ?? DEFAULT_SIZE), framerateFps: framerateFps ?? DEFAULT_FPS, files: y4ms };
  }
  if (options.json) options.seconds ??= DEFAULT_JSON_SECONDS;
  const mixes = options.mix !== "none";
  if (Number.isNaN(options.clockOffsetMs)) options.clockOffsetMs = mixes ? MIX_CLOCK_OFFSET_MS : 0;
  if (Number.isNaN(options.skewPpm)) options.skewPpm = mixes ? MIX_SKEW_PPM : 0;
  const fault = conflict(read);
  return fault === undefined ? { type: "options", options } : { type: "fault", fault };
}

/** Take one argument, and its value from the rest. @returns the complaint, if there is one */
function take(argument: string, rest: string[], options: Reading): string | undefined {
  const equals = argument.startsWith("--") ? argument.indexOf("=") : -1;
  const name = equals < 0 ? argument : argument.slice(0, equals);
  const attached = equals < 0 ? undefined : argument.slice(equals + 1);
  if (name === "--mix") return setMix(attached ?? (rest[0] === "all" ? rest.shift() : undefined), options);
  if (Object.hasOwn(FLAGS, name)) {
    if (attached !== undefined) return `${name} takes no value`;
    FLAGS[name]?.(options);
    return undefined;
  }
  return setValue(name, attached, rest, options);
}

function setMix(value: string | undefined, options: DemoOptions): string | undefined {
  if (value !== undefined && value !== "all")
    return `--mix must be followed by 'all' or nothing, not ${JSON.stringify(value)}`;
  options.mix = value ?? "first";
  return undefined;
}

function setValue(
  name: string,
  attached: string | undefined,
  rest: string[],
  options: Reading,
): string | undefined {
  const set = Object.hasOwn(VALUES, name) ? VALUES[name] : undefined;
  if (set === undefined) return `unknown option ${JSON.stringify(name)}`;
  const value = attached ?? rest.shift();
  if (value === undefined) return `${name} needs a value`;
  const expected = set(value, options);
  return expected === undefined ? undefined : `${name} must be ${expected}, not ${JSON.stringify(value)}`;
}

/** How long the frames of a run are. */
export function frameMsOf({ frameMs, peers }: DemoOptions): FrameMs {
  return frameMs ?? (peers < MANY_PEERS ? DEFAULT_FRAME_MS : MANY_PEERS_FRAME_MS);
}

/** What does not go together. */
function conflict({ mix, peers, impair, lan, size, framerateFps, y4ms }: Reading): string | undefined {
  if (mix !== "none" && peers < MIN_MIX_PEERS)
    return `--mix needs at least ${MIN_MIX_PEERS} peers, not ${peers}`;
  if (impair !== undefined && lan) return "--impair works on loopback only, not with --lan";
  if (y4ms.length > 0 && (size !== undefined || framerateFps !== undefined))
    return "--y4m shows files as they are: --size and --fps are for the test pattern";
  return undefined;
}

/** WxH within what is allowed; undefined otherwise. */
function sizeOf(value: string): PictureSize | undefined {
  const sides = /^(\d{1,4})x(\d{1,4})$/.exec(value);
  const [width, height] = [Number(sides?.[1]), Number(sides?.[2])];
  const isAllowed =
    inRange(width, MIN_SIZE.width, MAX_SIZE.width) && inRange(height, MIN_SIZE.height, MAX_SIZE.height);
  return isAllowed ? { width, height } : undefined;
}

function decimal(value: string): number {
  return /^\d+(\.\d+)?$/.test(value) ? Number(value) : NaN;
}

function wholeNumber(value: string): number {
  return /^\d+$/.test(value) ? Number(value) : NaN;
}

function inRange(value: number, low: number, high: number): boolean {
  return value >= low && value <= high;
}
