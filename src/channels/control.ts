// Actions on the `control` channel as JSON: `hello`, `video` and what is not known yet. Pure; a malformed action is told
// apart from an unknown one and never thrown.
import * as v from "valibot";
import type { JsonObject, JsonValue } from "../runtime/data.ts";
import { ID_PATTERN } from "../runtime/ids.ts";
import { faultPath, members, wholeNumber } from "../runtime/schema.ts";
import type { Capability } from "../platform/signaling-channel.ts";
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
}

/** What a JSON message on the `control` channel says. */
export type ControlAction =
  | { type: "hello"; hello: HelloFields }
  /** A word about the connection for video. */
  | { type: "video"; signal: VideoSignal }
  /** An action of a later version; `action` is at most 64 characters of its name. */
  | { type: "unknown"; action: string }
  | { type: "malformed"; reason: string };

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
  };
}

/** Read one action. Capabilities not known here are left out: a later version may have more. */
export function parseControl(value: JsonValue): ControlAction {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { type: "malformed", reason: "not an object" };
  }
  if (typeof value.action !== "string") return { type: "malformed", reason: "no action" };
  if (value.action === "video") {
    const signal = parseVideoSignal(value);
    if (typeof signal === "string") return { type: "malformed", reason: `video: ${signal}` };
    return { type: "video", signal };
  }
  if (value.action !== "hello") return { type: "unknown", action: value.action.slice(0, 64) };
  const parsed = v.safeParse(helloSchema, value);
  if (!parsed.success) {
    const where = parsed.issues.map(faultPath).join(", ");
    return { type: "malformed", reason: `hello: ${where}` };
  }
  const hello: HelloFields = {
    protocolVersion: parsed.output.protocol_version,
    instanceId: parsed.output.instance_id,
    capabilities: parsed.output.capabilities.filter(isCapability),
    codecs: parsed.output.codecs,
    audioLookaheadSamples: parsed.output.audio_lookahead_samples,
  };
  return { type: "hello", hello };
}

function isCapability(text: string): text is Capability {
  return text === "audio" || text === "video" || text === "data";
}
