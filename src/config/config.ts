// The transport's options: types, defaults, and validation that lists every fault at once. Pure.
import * as v from "valibot";
import { TransportError } from "../errors/errors.ts";
import type { AuthorizeControl } from "../runtime/control-action.ts";
import type { JsonValue } from "../runtime/data.ts";
import type { Logger, LogLevel } from "../runtime/logger.ts";
import { faultPath } from "../runtime/schema.ts";
import type { SignalingChannel } from "../platform/signaling-channel.ts";
import type { VideoCodecName } from "../platform/video-codecs.ts";
import type { VideoResolution } from "./resolution.ts";
import { configSchema, optionsSchema } from "./schema.ts";

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

/** Video settings (RFC 9628, RFC 6184, RFC 7741). */
export interface VideoConfig {
  /** False: no video is offered, sent or received. */
  enabled: boolean;
  /** What may be agreed on with a peer, the preferred one first; none twice. */
  codecs: VideoCodecName[];
  /** The largest picture that is sent; larger ones are made smaller and keep their aspect. It turns with upright ones. */
  resolution: VideoResolution;
  /** 10 to 60: pictures that come faster are left out. */
  framerateFps: number;
  /** Most that is spent on pictures, 16 to 50000 kbit/s. */
  bitrateKbps: number;
  /** Least, however bad the path: 16 kbit/s to bitrateKbps. An encoder in Node that falls to it stays up to a tenth below. */
  minBitrateKbps: number;
  /** Seconds after which a keyframe is sent that nobody asked for, 1 to 600; browsers choose their own. */
  keyframeInterval: number;
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
  /**
   * Asked for each `reconfigure`, `pause`, `resume` and `getStatus` of a peer; `ping` and `custom` need no leave.
   * Undefined: everybody gets a status, nobody anything else.
   */
  authorizeControl: AuthorizeControl | undefined;
  /** `internet` uses STUN and TURN, `relay` TURN only, `lan` no server at all. */
  networkMode: "internet" | "relay" | "lan";
  stunServers: string[];
  turnServers: TurnServers;
  /** Local address to gather candidates on (Node only); undefined: all interfaces. */
  bindAddress: string | undefined;
  /** Remote peers at a time, connecting ones included: 1 to 10. */
  maxPeers: number;
  /** Sessions at a time: 1 to 64. */
  maxSessions: number;
  audio: AudioConfig;
  video: VideoConfig;
  /**
   * False: video is encoded at its full bitrate whatever the path carries; for the encoder of this library, browsers
   * always adapt.
   */
  adaptiveBitrate: boolean;
  /** False: no data channels, and no `control`. */
  enableDataChannel: boolean;
  /** `unreliable`: unordered, no retransmission; for the `data` channel. */
  dataChannelMode: "reliable" | "unreliable";
  /**
   * Ms a packet is held to give later ones the chance to be in time, 50 to 200; in adaptive mode where the delay
   * begins.
   */
  jitterBufferSizeMs: number;
  /** Ms after which a packet is too late to matter, and the most a buffer holds: jitterBufferSizeMs to 500. */
  maxJitterBufferMs: number;
  /** Least delay of adaptive mode, ms: 10 to jitterBufferSizeMs. */
  minJitterBufferMs: number;
  /** `adaptive`: the delay follows the path; `fixed`: it stays at jitterBufferSizeMs. */
  jitterBufferMode: "fixed" | "adaptive";
  /** `paced`: each frame at its time; `inOrder`: the next expected frame at once, only gaps wait. */
  jitterRelease: "paced" | "inOrder";
  /** Ms an aligned block waits for the slowest peer, after its end: 50 to 2000. */
  maxAlignDelayMs: number;
  /** False: received audio is never resampled or time-scaled, however far the sender's clock runs away. */
  driftCorrection: boolean;
  /** Mean ms between RTCP reports: 1000 to 10000; beacons of capture times leave ten times as often. */
  rtcpIntervalMs: number;
  /** Seconds that ICE and DTLS may take: 5 to 120. */
  iceTimeoutSecs: number;
  /**
   * Where received audio is buffered, decoded and aligned: in the thread of the program, or in a worker, which spares
   * that thread most of the work and costs some memory and a copy of the codec. `auto` is `inline`. Where a worker
   * cannot be had, a warning is logged and the engine runs inline.
   */
  mediaEngine: "auto" | "inline" | "worker";
  logger: Logger | undefined;
  logLevel: LogLevel;
  assets: AssetConfig;
}

type Optional<T> = { [Key in keyof T]?: T[Key] | undefined };

/** What a caller passes: anything left out takes its default. */
export type WebRtcTransportOptions = Optional<Omit<WebRtcTransportConfig, "audio" | "video">> & {
  audio?: Optional<AudioConfig> | undefined;
  video?: Optional<VideoConfig> | undefined;
};

/** What `configure()` changes on a running transport; live connections follow within a second. */
export interface ConfigOptions {
  /** 16 to 510. */
  audioBitrateKbps?: number | undefined;
  /** `video.bitrateKbps`: video.minBitrateKbps to 50000. */
  targetBitrateKbps?: number | undefined;
  /** `video.framerateFps`: 10 to 60. */
  videoFramerateFps?: number | undefined;
  /** `video.resolution`. */
  maxVideoResolution?: VideoResolution | undefined;
  /** `adaptiveBitrate`. */
  adaptiveBitrateEnabled?: boolean | undefined;
  /** 50 to 200, at most maxJitterBufferMs. */
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

const DEFAULT_STUN_SERVER = "stun:stun.l.google.com:19302";
const DEFAULT_VIDEO_KBPS = 2000;
const DEFAULT_MIN_VIDEO_KBPS = 150;

/** `options` with every gap filled by its default; nothing is checked here. */
export function resolveConfig(options: WebRtcTransportOptions = {}): WebRtcTransportConfig {
  const { audio, video, ...rest } = options;
  const networkMode = options.networkMode ?? "internet";
  const jitterBufferSizeMs = options.jitterBufferSizeMs ?? 50;
  const bitrateKbps = video?.bitrateKbps ?? DEFAULT_VIDEO_KBPS;
  const videoDefaults: VideoConfig = {
    enabled: false,
    codecs: ["VP9", "H264", "VP8"],
    resolution: "720p",
    framerateFps: 30,
    bitrateKbps,
    // Whoever asks for little means it.
    minBitrateKbps: Math.min(DEFAULT_MIN_VIDEO_KBPS, bitrateKbps),
    keyframeInterval: 60,
  };
  return {
    signaling: undefined,
    peerId: undefined,
    room: undefined,
    authToken: undefined,
    userData: undefined,
    allowPeers: undefined,
    denyPeers: undefined,
    authorizeControl: undefined,
    bindAddress: undefined,
    logger: undefined,
    ...withDefaults(rest, {
      signalingUrl: "ws://localhost:8080",
      autoConnect: options.room !== undefined,
      networkMode,
      stunServers: networkMode === "internet" ? [DEFAULT_STUN_SERVER] : [],
      turnServers: [],
      maxPeers: 10,
      maxSessions: 10,
      adaptiveBitrate: true,
      enableDataChannel: true,
      dataChannelMode: "reliable",
      jitterBufferSizeMs,
      maxJitterBufferMs: Math.max(200, jitterBufferSizeMs),
      minJitterBufferMs: 20,
      jitterBufferMode: "adaptive",
      jitterRelease: "paced",
      maxAlignDelayMs: 300,
      driftCorrection: true,
      rtcpIntervalMs: 5000,
      iceTimeoutSecs: 30,
      mediaEngine: "auto",
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
    video: withDefaults(video ?? {}, videoDefaults),
  };
}

/**
 * Check a resolved configuration.
 *
 * @returns warnings: settings that work and that a caller may regret
 * @throws TransportError `INVALID_CONFIG` with all faults in `details.issues`, {@link ConfigIssue} each
 */
export function validateConfig(config: WebRtcTransportConfig): { warnings: string[] } {
  const issues = [...issuesOf(configSchema, config), ...crossIssues(config)];
  if (issues.length > 0) throw invalidConfig(issues);
  return { warnings: warnings(config) };
}

/**
 * Apply what is passed to `configure()`, all or nothing.
 *
 * @param config changed in place; those who read it later see the new values
 * @throws TransportError `INVALID_CONFIG` with all faults in `details.issues`
 */
export function changeConfig(config: WebRtcTransportConfig, options: ConfigOptions): void {
  const issues = issuesOf(optionsSchema, options);
  if (issues.length > 0) throw invalidConfig(issues);
  const { audioBitrateKbps, jitterBufferSizeMs, rtcpIntervalMs, iceTimeoutSecs } = options;
  const { targetBitrateKbps } = options;
  const { minBitrateKbps } = config.video;
  if (targetBitrateKbps !== undefined && targetBitrateKbps < minBitrateKbps) {
    const message = `expected at least video.minBitrateKbps (${minBitrateKbps})`;
    throw invalidConfig([{ path: "targetBitrateKbps", message, value: describe(targetBitrateKbps) }]);
  }
  if (jitterBufferSizeMs !== undefined && jitterBufferSizeMs > config.maxJitterBufferMs) {
    // The buffers of live connections were made for that much.
    const message = `expected at most maxJitterBufferMs (${config.maxJitterBufferMs})`;
    throw invalidConfig([{ path: "jitterBufferSizeMs", message, value: describe(jitterBufferSizeMs) }]);
  }
  if (audioBitrateKbps !== undefined) config.audio.bitrateKbps = audioBitrateKbps;
  changeVideo(config, options);
  if (jitterBufferSizeMs !== undefined) config.jitterBufferSizeMs = jitterBufferSizeMs;
  if (rtcpIntervalMs !== undefined) config.rtcpIntervalMs = rtcpIntervalMs;
  if (iceTimeoutSecs !== undefined) config.iceTimeoutSecs = iceTimeoutSecs;
}

function changeVideo(config: WebRtcTransportConfig, options: ConfigOptions): void {
  const { targetBitrateKbps, videoFramerateFps, maxVideoResolution, adaptiveBitrateEnabled } = options;
  if (targetBitrateKbps !== undefined) config.video.bitrateKbps = targetBitrateKbps;
  if (videoFramerateFps !== undefined) config.video.framerateFps = videoFramerateFps;
  if (maxVideoResolution !== undefined) config.video.resolution = maxVideoResolution;
  if (adaptiveBitrateEnabled !== undefined) config.adaptiveBitrate = adaptiveBitrateEnabled;
}

function withDefaults<T extends object, D extends object>(given: T, defaults: D): T & D {
  const present = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(present) } as T & D;
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
  if (config.minJitterBufferMs > config.jitterBufferSizeMs) {
    add("minJitterBufferMs", `expected at most jitterBufferSizeMs (${config.jitterBufferSizeMs})`);
  }
  const { bitrateKbps, minBitrateKbps } = config.video ?? {};
  if (minBitrateKbps > bitrateKbps) {
    const message = `expected at most video.bitrateKbps (${bitrateKbps})`;
    issues.push({ path: "video.minBitrateKbps", message, value: describe(minBitrateKbps) });
  }
  if (config.video?.enabled === true && !config.enableDataChannel) {
    add("enableDataChannel", "expected true for video.enabled: its connections are agreed on over it");
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

function issuesOf(schema: v.GenericSchema, options: object): ConfigIssue[] {
  return (v.safeParse(schema, options).issues ?? []).map((issue) => ({
    path: faultPath(issue),
    message: issue.message,
    value: describe(issue.input),
  }));
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
