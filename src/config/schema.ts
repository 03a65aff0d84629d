// What each option must be, one schema per set of options; messages say what was expected. Pure.
import * as v from "valibot";
import type { JsonValue } from "../runtime/data.ts";
import { ID_PATTERN } from "../runtime/ids.ts";
import type { Logger } from "../runtime/logger.ts";
import { members, onlyMembers } from "../runtime/schema.ts";
import type { SignalingChannel } from "../platform/signaling-channel.ts";
import { RESOLUTION_NAMES, isSize } from "./resolution.ts";
import type { VideoResolution } from "./resolution.ts";

const USER_DATA_MAX_BYTES = 1024;
const TOKEN = "expected a token or a function that returns one";

const integer = (minimum: number, maximum: number) => {
  const message = `expected an integer from ${minimum} to ${maximum}`;
  return v.custom<number>(
    (value) => typeof value === "number" && Number.isInteger(value) && value >= minimum && value <= maximum,
    message,
  );
};
const flag = v.boolean("expected true or false");
const choice = <const Values extends readonly (string | number)[]>(...values: Values) =>
  v.picklist(values, `expected one of ${values.join(", ")}`);
const matching = (accept: (value: string) => boolean, message: string) =>
  v.pipe(v.string(message), v.check(accept, message));
const id = matching((value) => ID_PATTERN.test(value), "expected 1 to 64 letters, digits, '_' or '-'");
const nonEmpty = (message: string) => matching((value) => value.length > 0, message);
const objectWith = <T>(methods: (keyof T & string)[], message: string) =>
  v.custom<T>(
    (value) =>
      typeof value === "object" &&
      value !== null &&
      methods.every((name) => typeof (value as Record<string, unknown>)[name] === "function"),
    message,
  );

const serverUrl = (schemes: string[]) =>
  matching(
    (value) => schemes.some((scheme) => value.startsWith(`${scheme}:`) && value.length > scheme.length + 1),
    `expected a URL that begins with ${schemes.map((scheme) => `${scheme}:`).join(" or ")}`,
  );
const TURN_URLS = "expected one or more URLs that begin with turn: or turns:";
const turnUrl = serverUrl(["turn", "turns"]);
const turnServer = members({
  urls: v.union([turnUrl, v.pipe(v.array(turnUrl), v.minLength(1, TURN_URLS))], TURN_URLS),
  username: nonEmpty("expected the TURN user name"),
  credential: nonEmpty("expected the TURN password"),
});

const audioSchema = onlyMembers({
  enabled: flag,
  sampleRate: choice(8000, 12000, 16000, 24000, 48000),
  channels: choice(1, 2),
  bitrateKbps: integer(16, 510),
  complexity: integer(0, 10),
  frameMs: choice(10, 20, 40, 60),
  application: choice("voip", "audio", "lowdelay"),
  fec: flag,
  dtx: flag,
});

const MIN_VIDEO_KBPS = 16;
const MAX_VIDEO_KBPS = 50_000;
const videoKbps = integer(MIN_VIDEO_KBPS, MAX_VIDEO_KBPS);
const framerate = integer(10, 60);
const resolution = v.custom<VideoResolution>(
  isResolution,
  `expected one of ${RESOLUTION_NAMES.join(", ")}, or {width, height}: even, 160 to 3840, 16:9 or 4:3`,
);
const CODECS = "expected one or more of VP9, H264, VP8, none twice";
const videoSchema = onlyMembers({
  enabled: flag,
  codecs: v.pipe(
    v.array(choice("VP9", "H264", "VP8"), CODECS),
    v.check((names) => names.length > 0 && new Set(names).size === names.length, CODECS),
  ),
  resolution,
  framerateFps: framerate,
  bitrateKbps: videoKbps,
  minBitrateKbps: videoKbps,
  keyframeInterval: integer(1, 600),
});

/** Every option but the rules between options. */
export const configSchema = onlyMembers({
  signalingUrl: matching(
    isSignalingUrl,
    "expected an absolute ws: or wss: URL without user name, password or fragment",
  ),
  signaling: v.optional(
    objectWith<SignalingChannel>(["connect", "announce", "on"], "expected a SignalingChannel"),
  ),
  peerId: v.optional(id),
  room: v.optional(id),
  autoConnect: flag,
  authToken: v.optional(v.union([nonEmpty(TOKEN), v.function()], TOKEN)),
  userData: v.optional(
    v.custom<JsonValue>(
      (value) => jsonBytes(value) <= USER_DATA_MAX_BYTES,
      `expected JSON of at most ${USER_DATA_MAX_BYTES} bytes`,
    ),
  ),
  allowPeers: v.optional(v.array(id, "expected an array of peer ids")),
  denyPeers: v.optional(v.array(id, "expected an array of peer ids")),
  authorizeControl: v.optional(v.function("expected a function that returns true or false")),
  networkMode: choice("internet", "relay", "lan"),
  stunServers: v.array(serverUrl(["stun", "stuns"]), "expected an array of stun: or stuns: URLs"),
  turnServers: v.union(
    [v.array(turnServer), v.function()],
    "expected an array of TURN servers {urls, username, credential}, or a function that returns one",
  ),
  bindAddress: v.optional(nonEmpty("expected a local IP address")),
  maxPeers: integer(1, 10),
  maxSessions: integer(1, 64),
  audio: audioSchema,
  video: videoSchema,
  adaptiveBitrate: flag,
  enableDataChannel: flag,
  dataChannelMode: choice("reliable", "unreliable"),
  jitterBufferSizeMs: integer(50, 200),
  maxJitterBufferMs: integer(50, 500),
  minJitterBufferMs: integer(10, 200),
  jitterBufferMode: choice("fixed", "adaptive"),
  jitterRelease: choice("paced", "inOrder"),
  maxAlignDelayMs: integer(50, 2000),
  driftCorrection: flag,
  rtcpIntervalMs: integer(1000, 10000),
  iceTimeoutSecs: integer(5, 120),
  mediaEngine: choice("auto", "inline", "worker"),
  logger: v.optional(
    objectWith<Logger>(["debug", "info", "warn", "error"], "expected the methods debug, info, warn, error"),
  ),
  logLevel: choice("debug", "info", "warn", "error", "silent"),
  assets: onlyMembers({ workerUrl: v.optional(nonEmpty("expected a URL")) }),
});

/** What `configure()` takes. */
export const optionsSchema = onlyMembers({
  audioBitrateKbps: v.optional(integer(16, 510)),
  targetBitrateKbps: v.optional(videoKbps),
  videoFramerateFps: v.optional(framerate),
  maxVideoResolution: v.optional(resolution),
  adaptiveBitrateEnabled: v.optional(flag),
  jitterBufferSizeMs: v.optional(integer(50, 200)),
  rtcpIntervalMs: v.optional(integer(1000, 10000)),
  iceTimeoutSecs: v.optional(integer(5, 120)),
});

function isResolution(value: unknown): value is VideoResolution {
  if (typeof value === "string") return (RESOLUTION_NAMES as readonly string[]).includes(value);
  if (typeof value !== "object" || value === null) return false;
  const { width, height } = value as Record<string, unknown>;
  return typeof width === "number" && typeof height === "number" && isSize({ width, height });
}

function isSignalingUrl(text: string): boolean {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return false; // not a URL at all: the issue's message says what was expected
  }
  const plain = url.username === "" && url.password === "" && url.hash === "" && !text.includes("#");
  return (url.protocol === "ws:" || url.protocol === "wss:") && plain;
}

function jsonBytes(value: unknown): number {
  try {
    const text = JSON.stringify(value) as string | undefined;
    return text === undefined ? Infinity : new TextEncoder().encode(text).length;
  } catch {
    return Infinity; // cycles and BigInt have no JSON
  }
}
