// What comes over the `control` channel: `hello`, `video`, what programs ask of each other, and what is not known yet.
// Pure; a malformed action is told apart from an unknown one and never thrown.
import * as v from "valibot";
import type { JsonObject, JsonValue } from "../runtime/data.ts";
import { ID_PATTERN } from "../runtime/ids.ts";
import { faultPath, members, wholeNumber } from "../runtime/schema.ts";
import type { Capability } from "../platform/signaling-channel.ts";
import { parseControlMessage, requestIdOf } from "./control-actions.ts";
import type { ControlMessage, MalformedAction } from "./control-actions.ts";
import { parseVideoSignal } from "./video-signals.ts";
import type { VideoSignal } from "./video-signals.ts";

/** Version of the messages between peers. */
export const PEER_PROTOCOL_VERSION = 1;

/** Encoder delay assumed of a peer that does not name its own: libopus at 48 kHz, in samples. */
export const DEFAULT_AUDIO_LOOKAHEAD_SAMPLES = 312;

/** Largest encoder delay believed, in samples at 48 kHz: one second. */
const MAX_AUDIO_LOOKAHEAD_SAMPLES = 48_000;

/** Members of a list in `hello`; a longer list is malformed. */
const MAX_LIST = 64;

/** Longest side of a picture (RFC 6386 section 9.1), and most pictures a second, that `hello` may name. */
const MAX_SIDE = 16_383;
const MAX_FPS = 1_000;

/** The largest pictures a peer deals with, and how many a second; upright ones have width and height the other way. */
export interface MaxVideo {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
}

/** The first action of both sides: who is there and what it can do. */
export interface HelloFields {
  /** {@link PEER_PROTOCOL_VERSION} of the sender. */
  protocolVersion: number;
  /** Names one run of the peer's transport: another after a restart under the same peer id. */
  instanceId: string;
  capabilities: Capability[];
  /** Codec names in order of preference, e.g. `opus`. */
  codecs: string[];
  /** Delay of the audio encoder, in samples at 48 kHz, 0 to 48000. */
  audioLookaheadSamples: number;
  /** Absent without video, and of peers that do not say. */
  maxVideo?: MaxVideo;
}

/** What a JSON message on the `control` channel says. */
export type ReceivedControl =
  | { type: "hello"; hello: HelloFields }
  /** A word about the connection for video. */
  | { type: "video"; signal: VideoSignal }
  /** From program to program. */
  | { type: "message"; message: ControlMessage }
  /** An action of a later version; `action` is at most 64 characters of its name. */
  | { type: "unknown"; action: string; requestId: string | undefined }
  | MalformedAction;

const integer = wholeNumber("expected an integer");
const name = v.pipe(v.string(), v.minLength(1), v.maxLength(64));

/** `hello` on the wire; further members are ignored. */
const helloSchema = members({
  protocol_version: v.pipe(integer, v.minValue(1)),
  instance_id: v.pipe(v.string(), v.regex(ID_PATTERN)),
  capabilities: v.pipe(v.array(name), v.maxLength(MAX_LIST)),
  codecs: v.pipe(v.array(name), v.maxLength(MAX_LIST)),
  audio_lookahead_samples: v.optional(
    v.pipe(integer, v.minValue(0), v.maxValue(MAX_AUDIO_LOOKAHEAD_SAMPLES)),
    DEFAULT_AUDIO_LOOKAHEAD_SAMPLES,
  ),
  max_video: v.optional(
    members({
      width: v.pipe(integer, v.minValue(1), v.maxValue(MAX_SIDE)),
      height: v.pipe(integer, v.minValue(1), v.maxValue(MAX_SIDE)),
      fps: v.pipe(v.number(), v.minValue(1), v.maxValue(MAX_FPS)),
    }),
  ),
});

/** The wire form of `hello`. */
export function encodeHello(hello: HelloFields): JsonObject {
  return {
    action: "hello",
    protocol_version: hello.protocolVersion,
    instance_id: hello.instanceId,
    capabilities: [...hello.capabilities],
    codecs: [...hello.codecs],
    audio_lookahead_samples: hello.audioLookaheadSamples,
    ...(hello.maxVideo !== undefined && { max_video: { ...hello.maxVideo } }),
  };
}

/** Read one action. Capabilities not known here are left out: a later version may have more. */
export function parseControl(value: JsonValue): ReceivedControl {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return malformed("not an object");
  const { action } = value;
  if (typeof action !== "string") return malformed("no action");
  if (action === "hello") return parseHello(value);
  if (action === "video") {
    const signal = parseVideoSignal(value);
    return typeof signal === "string" ? malformed(`video: ${signal}`) : { type: "video", signal };
  }
  const message = parseControlMessage(value);
  if (message === undefined) {
    return { type: "unknown", action: action.slice(0, 64), requestId: requestIdOf(value) };
  }
  return message.type === "malformed" ? message : { type: "message", message };
}

function parseHello(value: JsonObject): ReceivedControl {
  const parsed = v.safeParse(helloSchema, value);
  if (!parsed.success) return malformed(`hello: ${parsed.issues.map(faultPath).join(", ")}`);
  const { output } = parsed;
  const hello: HelloFields = {
    protocolVersion: output.protocol_version,
    instanceId: output.instance_id,
    capabilities: output.capabilities.filter(isCapability),
    codecs: output.codecs,
    audioLookaheadSamples: output.audio_lookahead_samples,
    ...(output.max_video !== undefined && { maxVideo: output.max_video }),
  };
  return { type: "hello", hello };
}

function malformed(reason: string): MalformedAction {
  return { type: "malformed", reason, requestId: undefined };
}

function isCapability(text: string): text is Capability {
  return text === "audio" || text === "video" || text === "data";
}
