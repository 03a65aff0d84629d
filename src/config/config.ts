// The transport's options: types, defaults, and validation that lists every fault at once. Pure.
import * as z from "zod/mini";
import { TransportError } from "../errors/errors.ts";
import type { JsonValue } from "../runtime/data.ts";
import { ID_PATTERN } from "../runtime/ids.ts";
import type { Logger, LogLevel } from "../runtime/logger.ts";
import type { SignalingChannel } from "../signaling/signaling-channel.ts";

/** A TURN server (RFC 8656) with its credentials. */
export interface TurnServer {
  /** `turn:` or `turns:` URLs. */
  urls: string | string[];
  username: string;
  credential: string;
}

/** TURN servers, or a function that fetches them; it runs for every new connection. */
export type TurnServers = TurnServer[] | (() => TurnServer[] | Promise<TurnServer[]>);

/** Opus settings (RFC 6716, RFC 7587). */
export interface AudioConfig {
  /** False: no audio is offered, sent or received. */
  enabled: boolean;
  /** Rate the encoder runs at, which bounds the audio bandwidth: 8000, 12000, 16000, 24000 or 48000 Hz. */
  sampleRate: 8000 | 12000 | 16000 | 24000 | 48000;
  /** Channels sent, and asked of the others. */
  channels: 1 | 2;
  /** 16 to 510 kbit/s. */
  bitrateKbps: number;
  /** 0 (cheap) to 10 (best); for the encoder of this library, browsers choose their own. */
  complexity: number;
  /** Length of an encoded frame; for the encoder of this library, browsers choose their own. */
  frameMs: 10 | 20 | 40 | 60;
  /** What the encoder is tuned for; for the encoder of this library, browsers choose their own. */
  application: "voip" | "audio" | "lowdelay";
  /** In-band forward error correction; sets the expected loss to at least 10 %. */
  fec: boolean;
  /** Discontinuous transmission: next to nothing is sent in silence. */
  dtx: boolean;
}

/** Where pages with a strict content security policy keep the scripts that are otherwise inlined. */
export interface AssetConfig {
  /** URL of the package's `dist/worker.js`; without it a `blob:` URL is used. */
  workerUrl?: string;
}

/** All options, resolved. Every one changes behaviour; see {@link WebRtcTransportOptions} for what is required. */
export interface WebRtcTransportConfig {
  /** `ws:` or `wss:` URL of the signaling server. */
  signalingUrl: string;
  /** Used instead of a WebSocket to `signalingUrl`. */
  signaling: SignalingChannel | undefined;
  /** Own id, 1 to 64 letters, digits, `_`, `-`; undefined: `peer-<uuid>`. */
  peerId: string | undefined;
  /** Room to join; undefined: `default`. */
  room: string | undefined;
  /** Connect to everybody in the room at start; by default true when a room is given. */
  autoConnect: boolean;
  /** Sent with each announcement, never in a URL or a log. */
  authToken: string | (() => string | Promise<string>) | undefined;
  /** JSON of at most 1 KiB that the room can see. */
  userData: JsonValue | undefined;
  /** When given, only these peers may connect, in both directions. */
  allowPeers: string[] | undefined;
  /** These peers may not connect, in both directions; wins over `allowPeers`. */
  denyPeers: string[] | undefined;
  /** `internet` uses STUN and TURN, `relay` TURN only, `lan` no server at all. */
  networkMode: "internet" | "relay" | "lan";
  stunServers: string[];
  turnServers: TurnServers;
  /** Local address to gather candidates on (Node only); undefined: all interfaces. */
  bindAddress: string | undefined;
  /** Remote peers at a time, connecting ones included: 1 to 10. */
  maxPeers: number;
  audio: AudioConfig;
  /** False: no data channels, and no `control`. */
  enableDataChannel: boolean;
  /** `unreliable`: unordered, no retransmission; for the `data` channel. */
  dataChannelMode: "reliable" | "unreliable";
  /** Ms a packet is held to give later ones the chance to be in time: 50 to 200. */
  jitterBufferSizeMs: number;
  /** Ms after which a packet is too late to matter, and the most a buffer holds: jitterBufferSizeMs to 500. */
  maxJitterBufferMs: number;
  /** `paced`: each frame at its time; `inOrder`: the next expected frame at once, only gaps wait. */
  jitterRelease: "paced" | "inOrder";
  /** Mean ms between RTCP reports: 1000 to 10000. */
  rtcpIntervalMs: number;
  /** Seconds that ICE and DTLS may take: 5 to 120. */
  iceTimeoutSecs: number;
  logger: Logger | undefined;
  logLevel: LogLevel;
  assets: AssetConfig;
}

type Optional<T> = { [Key in keyof T]?: T[Key] | undefined };

/** What a caller passes: anything left out takes its default. */
export type WebRtcTransportOptions = Optional<Omit<WebRtcTransportConfig, "audio">> & {
  audio?: Optional<AudioConfig> | undefined;
};

/** What `configure()` changes on a running transport; live connections follow within a second. */
export interface ConfigOptions {
  /** 16 to 510. */
  audioBitrateKbps?: number | undefined;
  /** 50 to 200. */
  jitterBufferSizeMs?: number | undefined;
  /** 1000 to 10000. */
  rtcpIntervalMs?: number | undefined;
  /** 5 to 120; for the next attempt to connect. */
  iceTimeoutSecs?: number | undefined;
}

/** One fault of a configuration. */
export interface ConfigIssue {
  /** Option, with dots: `audio.bitrateKbps`. */
  path: string;
  message: string;
  /** The value as JSON text, or its type where JSON has none. */
  value: string;
}

const USER_DATA_MAX_BYTES = 1024;
const DEFAULT_STUN_SERVER = "stun:stun.l.google.com:19302";

const integer = (minimum: number, maximum: number) => {
  const error = `expected an integer from ${minimum} to ${maximum}`;
  return z
    .number({ error })
    .check(z.refine((value) => Number.isInteger(value) && value >= minimum && value <= maximum, { error }));
};
const flag = z.boolean({ error: "expected true or false" });
const choice = <const Values extends readonly (string | number)[]>(...values: Values) =>
  z.literal(values, { error: `expected one of ${values.join(", ")}` });
const matching = (accept: (value: string) => boolean, error: string) =>
  z.string({ error }).check(z.refine(accept, { error }));
const id = matching((value) => ID_PATTERN.test(value), "expected 1 to 64 letters, digits, '_' or '-'");
const functionOf = (error: string) =>
  z.custom<(...values: never[]) => unknown>((v) => typeof v === "function", { error });
const objectWith = <T>(methods: (keyof T & string)[], error: string) =>
  z.custom<T>(
    (value) =>
      typeof value === "object" &&
      value !== null &&
      methods.every((name) => typeof (value as Record<string, unknown>)[name] === "function"),
    { error },
  );

const serverUrl = (schemes: string[]) =>
  matching(
    (value) => schemes.some((scheme) => value.startsWith(`${scheme}:`) && value.length > scheme.length + 1),
    `expected a URL that begins with ${schemes.map((scheme) => `${scheme}:`).join(" or ")}`,
  );
const turnServer = z.object({
  urls: z.union([serverUrl(["turn", "turns"]), z.array(serverUrl(["turn", "turns"])).check(z.minLength(1))], {
    error: "expected one or more URLs that begin with turn: or turns:",
  }),
  username: z
    .string({ error: "expected the TURN user name" })
    .check(z.minLength(1, "expected the TURN user name")),
  credential: z
    .string({ error: "expected the TURN password" })
    .check(z.minLength(1, "expected the TURN password")),
});

const audioSchema = z.strictObject({
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

const configSchema = z.strictObject({
  signalingUrl: matching(
    isSignalingUrl,
    "expected an absolute ws: or wss: URL without user name, password or fragment",
  ),
  signaling: z.optional(
    objectWith<SignalingChannel>(["connect", "announce", "on"], "expected a SignalingChannel"),
  ),
  peerId: z.optional(id),
  room: z.optional(id),
  autoConnect: flag,
  authToken: z.optional(
    z.union([z.string().check(z.minLength(1)), functionOf("")], {
      error: "expected a token or a function that returns one",
    }),
  ),
  userData: z.optional(
    z.custom<JsonValue>((value) => jsonBytes(value) <= USER_DATA_MAX_BYTES, {
      error: `expected JSON of at most ${USER_DATA_MAX_BYTES} bytes`,
    }),
  ),
  allowPeers: z.optional(z.array(id, { error: "expected an array of peer ids" })),
  denyPeers: z.optional(z.array(id, { error: "expected an array of peer ids" })),
  networkMode: choice("internet", "relay", "lan"),
  stunServers: z.array(serverUrl(["stun", "stuns"]), { error: "expected an array of stun: or stuns: URLs" }),
  turnServers: z.union([z.array(turnServer), functionOf("")], {
    error: "expected an array of TURN servers {urls, username, credential}, or a function that returns one",
  }),
  bindAddress: z.optional(matching((value) => value.length > 0, "expected a local IP address")),
  maxPeers: integer(1, 10),
  audio: audioSchema,
  enableDataChannel: flag,
  dataChannelMode: choice("reliable", "unreliable"),
  jitterBufferSizeMs: integer(50, 200),
  maxJitterBufferMs: integer(50, 500),
  jitterRelease: choice("paced", "inOrder"),
  rtcpIntervalMs: integer(1000, 10000),
  iceTimeoutSecs: integer(5, 120),
  logger: z.optional(
    objectWith<Logger>(["debug", "info", "warn", "error"], "expected the methods debug, info, warn, error"),
  ),
  logLevel: choice("debug", "info", "warn", "error", "silent"),
  assets: z.strictObject({ workerUrl: z.optional(matching((value) => value.length > 0, "expected a URL")) }),
});

const optionsSchema = z.strictObject({
  audioBitrateKbps: z.optional(integer(16, 510)),
  jitterBufferSizeMs: z.optional(integer(50, 200)),
  rtcpIntervalMs: z.optional(integer(1000, 10000)),
  iceTimeoutSecs: z.optional(integer(5, 120)),
});

/** `options` with every gap filled by its default; nothing is checked here. */
export function resolveConfig(options: WebRtcTransportOptions = {}): WebRtcTransportConfig {
  const { audio, ...rest } = options;
  const networkMode = options.networkMode ?? "internet";
  const jitterBufferSizeMs = options.jitterBufferSizeMs ?? 50;
  return {
    signaling: undefined,
    peerId: undefined,
    room: undefined,
    authToken: undefined,
    userData: undefined,
    allowPeers: undefined,
    denyPeers: undefined,
    bindAddress: undefined,
    logger: undefined,
    ...withDefaults(rest, {
      signalingUrl: "ws://localhost:8080",
      autoConnect: options.room !== undefined,
      networkMode,
      stunServers: networkMode === "internet" ? [DEFAULT_STUN_SERVER] : [],
      turnServers: [],
      maxPeers: 10,
      enableDataChannel: true,
      dataChannelMode: "reliable",
      jitterBufferSizeMs,
      maxJitterBufferMs: Math.max(200, jitterBufferSizeMs),
      jitterRelease: "paced",
      rtcpIntervalMs: 5000,
      iceTimeoutSecs: 30,
      logLevel: "warn",
      assets: {},
    } as const),
    audio: withDefaults(audio ?? {}, {
      enabled: true,
      sampleRate: 48000,
      channels: 1,
      bitrateKbps: 64,
      complexity: 10,
      frameMs: 20,
      application: "voip",
      fec: true,
      dtx: false,
    } as const),
  } as WebRtcTransportConfig;
}

/**
 * Check a resolved configuration.
 *
 * @returns warnings: settings that work and that a caller may regret
 * @throws TransportError `INVALID_CONFIG` with all faults in `details.issues`, {@link ConfigIssue} each
 */
export function validateConfig(config: WebRtcTransportConfig): { warnings: string[] } {
  const parsed = configSchema.safeParse(config);
  const issues = parsed.success ? [] : parsed.error.issues.flatMap((issue) => toIssues(issue, config));
  issues.push(...crossIssues(config));
  if (issues.length > 0) throw invalidConfig(issues);
  return { warnings: warnings(config) };
}

/**
 * Check what is passed to `configure()`.
 *
 * @throws TransportError `INVALID_CONFIG` with all faults in `details.issues`
 */
export function validateOptions(options: ConfigOptions): void {
  const parsed = optionsSchema.safeParse(options);
  if (!parsed.success) throw invalidConfig(parsed.error.issues.flatMap((issue) => toIssues(issue, options)));
}

function withDefaults<T extends object, D extends object>(given: T, defaults: D): T & D {
  const present = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(present) } as T & D;
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

// Rules between options, which no single schema sees.
function crossIssues(config: WebRtcTransportConfig): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  const add = (path: keyof WebRtcTransportConfig, message: string): void => {
    issues.push({ path, message, value: describe(config[path]) });
  };
  const turnIsEmpty = Array.isArray(config.turnServers) && config.turnServers.length === 0;
  const stunIsEmpty = Array.isArray(config.stunServers) && config.stunServers.length === 0;
  if (config.networkMode === "internet" && stunIsEmpty) {
    add("stunServers", "expected at least one STUN server; networkMode 'lan' is the way to use none");
  }
  if (config.networkMode === "relay" && turnIsEmpty) {
    add("turnServers", "expected at least one TURN server for networkMode 'relay'");
  }
  if (config.networkMode === "lan" && !stunIsEmpty) add("stunServers", "expected none for networkMode 'lan'");
  if (config.networkMode === "lan" && !turnIsEmpty) add("turnServers", "expected none for networkMode 'lan'");
  if (config.maxJitterBufferMs < config.jitterBufferSizeMs) {
    add("maxJitterBufferMs", `expected at least jitterBufferSizeMs (${config.jitterBufferSizeMs})`);
  }
  if (config.audio?.enabled === false && !config.enableDataChannel) {
    add("enableDataChannel", "expected true, or audio.enabled: a peer that can do nothing is of no use");
  }
  return issues;
}

function warnings(config: WebRtcTransportConfig): string[] {
  const found: string[] = [];
  const url = new URL(config.signalingUrl);
  const loopback = ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  if (config.signaling === undefined && url.protocol === "ws:" && !loopback) {
    found.push("signalingUrl: ws: to another machine is neither private nor authentic; use wss:");
  }
  if (config.audio.fec && config.audio.application === "lowdelay") {
    found.push(
      "audio.fec: has no effect with application 'lowdelay', whose codec mode has no error correction",
    );
  }
  return found;
}

function toIssues(issue: z.core.$ZodIssue, config: object): ConfigIssue[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      return { path: path.join("."), message: "unknown option", value: describe(valueAt(config, path)) };
    });
  }
  return [
    { path: issue.path.join("."), message: issue.message, value: describe(valueAt(config, issue.path)) },
  ];
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | undefined)?.[key];
  return value;
}

const SECRET = "(hidden)";

function describe(value: unknown): string {
  if (typeof value === "function" || value === undefined || typeof value === "symbol") return typeof value;
  try {
    // Credentials and tokens must not travel into logs by way of an error.
    return JSON.stringify(value, (key, part: unknown) => (key === "credential" ? SECRET : part));
  } catch {
    return typeof value; // BigInt or a cycle
  }
}

function invalidConfig(issues: ConfigIssue[]): TransportError {
  const list = issues.map((issue) => `${issue.path}: ${issue.message}`).join("; ");
  return new TransportError("INVALID_CONFIG", `invalid configuration: ${list}`, {
    details: { issues: issues.map((issue) => ({ ...issue })) },
  });
}
