// What travels on the `data` channel: messages and runtime data, to and from payload bytes. Pure; what cannot be
// sent is refused to the caller, what cannot be read is dropped with a reason.
import * as v from "valibot";
import { TransportError } from "../errors/errors.ts";
import type { DataChannelMessage, JsonObject, JsonValue, RuntimeData, TensorData } from "../runtime/data.ts";
import { ID_PATTERN, isId } from "../runtime/ids.ts";
import { isMembers, wholeNumber } from "../runtime/schema.ts";
import { FRAME_KINDS, MAX_MESSAGE_BYTES } from "./framing.ts";
import type { FrameKind } from "./framing.ts";
import { decodeJson, encodeJson } from "./json.ts";
import { MAX_TENSOR_AXES, TENSOR_ELEMENTS, tensorBytes } from "./tensor-bytes.ts";

/** What accompanies runtime data from one pipeline to the next. */
export interface DataEnvelope {
  /** Position in its stream, a whole number from 0. */
  sequence?: number;
  /** Names and values, e.g. `source_peer`; empty when absent. */
  metadata?: Record<string, string>;
}

/** Bytes with what they are. */
export interface EncodedMessage {
  kind: FrameKind;
  payload: Uint8Array;
}

/** What a payload holds. */
export type Decoded =
  | { type: "message"; message: DataChannelMessage }
  | { type: "data"; data: RuntimeData; envelope: DataEnvelope }
  | { type: "fault"; reason: MessageFault };

/** Why a payload was dropped. */
export type MessageFault =
  "bad-utf8" | "bad-json" | "bad-base64" | "bad-header" | "bad-legacy" | "bad-size" | "oversize";

/** Bytes of the length field before the JSON header of runtime data. */
const HEADER_LENGTH_BYTES = 4;

/** Largest JSON header of runtime data that is read, in bytes. */
const MAX_HEADER_BYTES = 65_536;

/** What a word to whoever works on a stream can be. */
const CONTROL_WORDS = ["cancel", "batchHint", "deadline"] as const;

/** Largest text in the original's JSON form: base64 makes four characters of three bytes, and some room around. */
const MAX_LEGACY_CHARACTERS = Math.ceil(MAX_MESSAGE_BYTES / 3) * 4 + 1024;

const utf8 = new TextEncoder();
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The bytes of a message.
 * @throws TransportError `INVALID_DATA` for a message of the wrong shape, `SERIALIZATION_ERROR` for a JSON payload
 *   that JSON cannot represent
 */
export function encodeMessage(message: DataChannelMessage): EncodedMessage {
  const { type, payload } = asObject(message, "message") as { type: unknown; payload: unknown };
  switch (type) {
    case "json":
      return { kind: FRAME_KINDS.json, payload: utf8.encode(encodeJson(payload, "message.payload")) };
    case "binary":
      return { kind: FRAME_KINDS.binary, payload: asBytes(payload, "message.payload") };
    case "text":
      return { kind: FRAME_KINDS.text, payload: utf8.encode(asText(payload, "message.payload")) };
    default:
      throw invalid("message.type", "'json', 'binary' or 'text'", type);
  }
}

/**
 * The bytes of runtime data but audio and video: u32 length, JSON header, then the value, text or bytes.
 * @throws TransportError `INVALID_DATA`, `INVALID_STREAM_ID`, `SERIALIZATION_ERROR`
 */
export function encodeData(data: RuntimeData, envelope: DataEnvelope = {}): EncodedMessage {
  asObject(data, "data");
  const header: JsonObject = { type: data.type, ...placeOf(data), ...encodeEnvelope(envelope) };
  let body: Uint8Array;
  switch (data.type) {
    case "json":
      body = utf8.encode(encodeJson(data.value, "data.value"));
      break;
    case "text":
      body = utf8.encode(asText(data.text, "data.text"));
      if (data.channel !== undefined) header.channel = asText(data.channel, "data.channel");
      break;
    case "binary":
      body = asBytes(data.data, "data.data");
      if (data.mimeType !== undefined) header.mime_type = asText(data.mimeType, "data.mimeType");
      break;
    case "tensor":
      body = asTensor(data);
      header.shape = [...data.shape];
      header.dtype = data.dtype;
      break;
    case "control":
      if (!CONTROL_WORDS.includes(data.message)) {
        throw invalid("data.message", "'cancel', 'batchHint' or 'deadline'", data.message);
      }
      if (!isMembers(data.value)) throw invalid("data.value", "an object", data.value);
      body = utf8.encode(encodeJson(data.value, "data.value"));
      header.message = data.message;
      break;
    default:
      throw invalid(
        "data.type",
        "'json', 'text', 'binary', 'tensor' or 'control' on a data channel",
        (data as RuntimeData).type,
      );
  }
  const headerBytes = utf8.encode(JSON.stringify(header));
  if (headerBytes.length > MAX_HEADER_BYTES) {
    throw new TransportError("MESSAGE_TOO_LARGE", "metadata, channel and mimeType are too long together", {
      details: { maxBytes: MAX_HEADER_BYTES },
    });
  }
  const payload = new Uint8Array(HEADER_LENGTH_BYTES + headerBytes.length + body.length);
  new DataView(payload.buffer).setUint32(0, headerBytes.length);
  payload.set(headerBytes, HEADER_LENGTH_BYTES);
  payload.set(body, HEADER_LENGTH_BYTES + headerBytes.length);
  return { kind: FRAME_KINDS.runtimeData, payload };
}

/** Read the payload of a message; binary results are copies. `ack` holds no message and is not to be passed. */
export function decodeMessage(kind: FrameKind, payload: Uint8Array): Decoded {
  if (kind === FRAME_KINDS.runtimeData) return decodeData(payload);
  if (kind === FRAME_KINDS.binary)
    return { type: "message", message: { type: "binary", payload: payload.slice() } };
  const text = decodeUtf8(payload);
  if (text === undefined) return fault("bad-utf8");
  if (kind === FRAME_KINDS.text) return { type: "message", message: { type: "text", payload: text } };
  const json = decodeJson(text);
  return json === undefined ? fault("bad-json") : jsonMessage(json.value);
}

/** Whether a received frame is in the original crate's JSON form, which begins with `{`. */
export function isLegacy(frame: Uint8Array | string): boolean {
  return typeof frame === "string" ? frame.startsWith("{") : frame[0] === 0x7b;
}

/** Read the original's JSON form: `{"type":"Json"|"Binary"|"Text","payload":...}`, binary in base64. */
export function decodeLegacy(frame: Uint8Array | string): Decoded {
  if (!isLegacy(frame)) return fault("bad-legacy");
  if (frame.length > MAX_LEGACY_CHARACTERS) return fault("oversize");
  const text = typeof frame === "string" ? frame : decodeUtf8(frame);
  if (text === undefined) return fault("bad-utf8");
  const json = decodeJson(text);
  if (json === undefined) return fault("bad-json");
  const { type, payload } = json.value as JsonObject;
  if (type === "Json" && payload !== undefined) return jsonMessage(payload);
  if (typeof payload !== "string") return fault("bad-legacy");
  if (type === "Text") return { type: "message", message: { type: "text", payload } };
  if (type !== "Binary") return fault("bad-legacy");
  const bytes = decodeBase64(payload);
  if (bytes === undefined) return fault("bad-base64");
  return { type: "message", message: { type: "binary", payload: bytes } };
}

const place = {
  stream_id: v.optional(v.pipe(v.string(), v.regex(ID_PATTERN))),
  timestamp_us: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER))),
  sequence: v.optional(v.pipe(wholeNumber("expected an integer"), v.minValue(0))),
  metadata: v.optional(v.custom<Record<string, string>>(areTexts)),
};

/** The JSON header of runtime data; further members are ignored. */
const dataHeader = v.variant("type", [
  v.object({ type: v.literal("json"), ...place }),
  v.object({ type: v.literal("text"), channel: v.optional(v.string()), ...place }),
  v.object({ type: v.literal("binary"), mime_type: v.optional(v.string()), ...place }),
  v.object({
    type: v.literal("tensor"),
    shape: v.pipe(v.array(v.number()), v.maxLength(MAX_TENSOR_AXES)),
    dtype: v.picklist(TENSOR_ELEMENTS),
    ...place,
  }),
  v.object({ type: v.literal("control"), message: v.picklist(CONTROL_WORDS), ...place }),
]);
type DataHeader = v.InferOutput<typeof dataHeader>;

function decodeData(payload: Uint8Array): Decoded {
  if (payload.length < HEADER_LENGTH_BYTES) return fault("bad-header");
  const length = new DataView(payload.buffer, payload.byteOffset).getUint32(0);
  const end = HEADER_LENGTH_BYTES + length;
  if (length > MAX_HEADER_BYTES || end > payload.length) return fault("bad-header");
  const headerText = decodeUtf8(payload.subarray(HEADER_LENGTH_BYTES, end));
  const header = v.safeParse(
    dataHeader,
    headerText === undefined ? undefined : decodeJson(headerText)?.value,
  );
  if (!header.success) return fault("bad-header");
  const body = payload.subarray(end);
  const { stream_id: streamId, timestamp_us: timestampUs, sequence, metadata } = header.output;
  const value = decodeBody(header.output, body);
  if (typeof value === "string") return fault(value);
  const data: RuntimeData = {
    ...value,
    ...(streamId === undefined ? {} : { streamId }),
    ...(timestampUs === undefined ? {} : { timestampUs }),
  };
  const envelope: DataEnvelope = {
    ...(sequence === undefined ? {} : { sequence }),
    metadata: metadata ?? {},
  };
  return { type: "data", data, envelope };
}

// What follows the header; bytes are copied: the frame they came in is not ours.
function decodeBody(header: DataHeader, body: Uint8Array): RuntimeData | MessageFault {
  if (header.type === "binary") {
    const { mime_type: mimeType } = header;
    return { type: "binary", data: body.slice(), ...(mimeType === undefined ? {} : { mimeType }) };
  }
  if (header.type === "tensor") {
    const { shape, dtype } = header;
    if (tensorBytes(dtype, shape) !== body.length) return "bad-size";
    return { type: "tensor", data: body.slice(), shape, dtype };
  }
  const text = decodeUtf8(body);
  if (text === undefined) return "bad-utf8";
  if (header.type === "text") {
    const { channel } = header;
    return { type: "text", text, ...(channel === undefined ? {} : { channel }) };
  }
  const json = decodeJson(text);
  if (json === undefined) return "bad-json";
  if (header.type === "json") return { type: "json", value: json.value };
  return isMembers(json.value) ? { type: "control", message: header.message, value: json.value } : "bad-json";
}

function areTexts(value: unknown): boolean {
  return isMembers(value) && Object.values(value).every((text) => typeof text === "string");
}

function placeOf({ streamId, timestampUs }: RuntimeData): JsonObject {
  const header: JsonObject = {};
  if (streamId !== undefined) {
    if (!isId(streamId)) {
      throw new TransportError(
        "INVALID_STREAM_ID",
        "data.streamId must be 1 to 64 letters, digits, '_' or '-'",
      );
    }
    header.stream_id = streamId;
  }
  if (timestampUs !== undefined) {
    if (!(timestampUs >= 0 && timestampUs <= Number.MAX_SAFE_INTEGER)) {
      throw invalid("data.timestampUs", "microseconds since 1970, from 0 to 2^53 - 1", timestampUs);
    }
    header.timestamp_us = timestampUs;
  }
  return header;
}

function encodeEnvelope({ sequence, metadata }: DataEnvelope): JsonObject {
  const header: JsonObject = {};
  if (sequence !== undefined) {
    if (!(Number.isSafeInteger(sequence) && sequence >= 0)) {
      throw invalid("sequence", "a whole number from 0", sequence);
    }
    header.sequence = sequence;
  }
  if (metadata !== undefined) {
    for (const [key, value] of Object.entries(metadata)) asText(value, `metadata.${key}`);
    header.metadata = { ...metadata };
  }
  return header;
}

function jsonMessage(payload: JsonValue): Decoded {
  return { type: "message", message: { type: "json", payload } };
}

function fault(reason: MessageFault): Decoded {
  return { type: "fault", reason };
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined; // not UTF-8: the caller counts it
  }
}

function decodeBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined; // not base64: the caller counts it
  }
}

function asObject<T>(value: T, name: string): T & object {
  if (typeof value === "object" && value !== null) return value;
  throw invalid(name, "an object", value);
}

function asBytes(value: unknown, name: string): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw invalid(name, "a Uint8Array", value);
}

function asTensor({ data, shape, dtype }: TensorData): Uint8Array {
  if (!TENSOR_ELEMENTS.includes(dtype)) {
    throw invalid("data.dtype", `one of ${TENSOR_ELEMENTS.join(", ")}`, dtype);
  }
  const bytes = Array.isArray(shape) ? tensorBytes(dtype, shape) : NaN;
  if (Number.isNaN(bytes)) {
    throw invalid("data.shape", `at most ${MAX_TENSOR_AXES} whole numbers from 0`, JSON.stringify(shape));
  }
  if (asBytes(data, "data.data").length === bytes) return data;
  throw invalid("data.data", `${bytes} bytes long, as its shape says`, data.length);
}

function asText(value: unknown, name: string): string {
  if (typeof value === "string") return value;
  throw invalid(name, "a string", value);
}

function invalid(name: string, expected: string, value: unknown): TransportError {
  const found =
    typeof value === "string" ? `'${value.slice(0, 64)}'` : typeof value === "number" ? value : typeof value;
  return new TransportError("INVALID_DATA", `${name} must be ${expected}, not ${found}`);
}
