// A session's inputs as bytes: eight bytes of magic, then records, each with its length and a checksum. Numbers of the
// format are big-endian as in all our messages, samples and elements little-endian as in memory.
import { crc32 } from "../channels/crc32.ts";
import { decodeJson, encodeJson } from "../channels/json.ts";
import { TransportError } from "../errors/errors.ts";
import type { ManifestSource } from "../pipeline/manifest.ts";
import type { JsonObject, RuntimeData, TransportData } from "../runtime/data.ts";
import { isId } from "../runtime/ids.ts";
import { isMembers } from "../runtime/schema.ts";
import { checkInput } from "./input-check.ts";

/** The first record. */
export interface RecordingHeader {
  readonly sessionId: string;
  /** Unix ms of the beginning. */
  readonly startedAtMs: number;
  /** What the session ran then, as it had been given. */
  readonly manifest: ManifestSource;
}

/** An input as it went into the pipeline. */
export interface RecordedInput {
  readonly input: TransportData;
  /** Whom it came from; undefined for the program. */
  readonly peerId: string | undefined;
  /** Its arrival, ms after the beginning; not always in order, as peers take turns. */
  readonly atMs: number;
}

/** "RMSESS", version 1, newline. */
const MAGIC = Uint8Array.of(0x52, 0x4d, 0x53, 0x45, 0x53, 0x53, 1, 0x0a);

/** Before a record: its length in bytes and the CRC-32 of its body; of the last one both are 0. */
const FRAME_BYTES = 8;
/** Before the JSON part of a body: its length. */
const LENGTH_BYTES = 4;

/** Largest body; a picture of 4096x4096 pixels in RGBA and what belongs to it. */
const MAX_BODY_BYTES = 64 * 1024 * 1024 + 1024 * 1024;
/** Largest JSON part: a manifest has at most 1 MiB. */
const MAX_JSON_BYTES = 2 * 1024 * 1024;

/** Members besides `type` and bytes, for each kind. */
const MEMBERS = {
  audio: ["sampleRate", "channels"],
  video: ["width", "height", "format", "codec", "isKeyframe", "frameNumber", "rotation"],
  tensor: ["shape", "dtype"],
  json: [],
  text: ["channel"],
  binary: ["mimeType"],
  control: ["message"],
} as const satisfies Record<RuntimeData["type"], readonly string[]>;
const COMMON_MEMBERS = ["streamId", "timestampUs"] as const;

const utf8 = new TextEncoder();
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The beginning of a recording. @throws TransportError `SERIALIZATION_ERROR`, `MESSAGE_TOO_LARGE` */
export function encodeHeader(header: RecordingHeader): Uint8Array {
  const record = encodeRecord({ ...header, manifest: header.manifest as JsonObject }, new Uint8Array());
  const bytes = new Uint8Array(MAGIC.length + record.length);
  bytes.set(MAGIC);
  bytes.set(record, MAGIC.length);
  return bytes;
}

/** One input. @throws TransportError `SERIALIZATION_ERROR`, `MESSAGE_TOO_LARGE` */
export function encodeInput({ input, peerId, atMs }: RecordedInput): Uint8Array {
  const { data, sequence, metadata } = input;
  const json: JsonObject = { type: data.type, atMs, metadata: { ...metadata } };
  if (peerId !== undefined) json.peerId = peerId;
  if (sequence !== undefined) json.sequence = sequence;
  const values = data as unknown as JsonObject;
  for (const name of [...COMMON_MEMBERS, ...MEMBERS[data.type]]) {
    const value = values[name];
    if (value !== undefined) json[name] = value;
  }
  return encodeRecord(json, bytesOf(data));
}

/** The end of a recording: without it the recording is not complete. */
export function encodeEnd(): Uint8Array {
  return new Uint8Array(FRAME_BYTES);
}

/** Reads a recording as its bytes come. */
export class RecordingParser {
  #chunks: Uint8Array[] = [];
  #available = 0;
  /** Bytes of the recording before what is available. */
  #offset = 0;
  #header: RecordingHeader | undefined;
  #ended = false;

  /** Undefined until it has been read. */
  get header(): RecordingHeader | undefined {
    return this.#header;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Append bytes, which are kept until they have been read: do not change them. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#available += chunk.length;
  }

  /**
   * The next input; undefined when more bytes are needed, or the end has been reached.
   * @throws TransportError `INVALID_DATA` with `details.offset`, where the fault is
   */
  next(): RecordedInput | undefined {
    if (this.#header === undefined && !this.#readHeader()) return undefined;
    const body = this.#nextBody();
    return body === undefined ? undefined : this.#decode(body, decodeInput);
  }

  /** No more bytes follow. @throws TransportError `INVALID_DATA` when the end is missing */
  finish(): void {
    if (!this.#ended) throw this.#fault("the recording breaks off", this.#offset + this.#available);
  }

  #readHeader(): boolean {
    if (this.#offset === 0) {
      if (this.#available < MAGIC.length) return false;
      const magic = this.#peek(MAGIC.length);
      if (!MAGIC.every((byte, i) => magic[i] === byte))
        throw this.#fault("this is no recording of version 1");
      this.#consume(MAGIC.length);
    }
    const body = this.#nextBody();
    if (body === undefined) return false;
    this.#header = this.#decode(body, decodeHeader);
    return true;
  }

  #nextBody(): Uint8Array | undefined {
    if (this.#ended) {
      if (this.#available > 0) throw this.#fault("there are bytes behind the end");
      return undefined;
    }
    if (this.#available < FRAME_BYTES) return undefined;
    const frame = viewOf(this.#peek(FRAME_BYTES));
    const length = frame.getUint32(0);
    const checksum = frame.getUint32(4);
    if (length === 0 && checksum === 0 && this.#header !== undefined) {
      this.#consume(FRAME_BYTES);
      this.#ended = true;
      return this.#nextBody();
    }
    if (length < LENGTH_BYTES || length > MAX_BODY_BYTES) {
      throw this.#fault(`a record cannot have ${length} bytes`);
    }
    if (this.#available < FRAME_BYTES + length) return undefined;
    const body = this.#peek(FRAME_BYTES + length).subarray(FRAME_BYTES);
    if (crc32(body) !== checksum) throw this.#fault("a record has been changed: its checksum differs");
    return body;
  }

  #decode<T>(body: Uint8Array, decode: (json: JsonObject, bulk: Uint8Array) => T): T {
    const length = viewOf(body).getUint32(0);
    const end = LENGTH_BYTES + length;
    if (length > MAX_JSON_BYTES || end > body.length) throw this.#fault("the JSON of a record is too long");
    let result: T;
    try {
      const json = decodeJson(strictUtf8.decode(body.subarray(LENGTH_BYTES, end)))?.value;
      if (!isMembers(json)) throw new TransportError("INVALID_DATA", "its JSON is no object");
      result = decode(json, body.subarray(end));
    } catch (cause) {
      throw this.#fault(`a record cannot be read: ${(cause as Error).message}`, this.#offset, cause);
    }
    this.#consume(FRAME_BYTES + body.length);
    return result;
  }

  /** The first bytes of what is available, in one piece. */
  #peek(length: number): Uint8Array {
    const [first] = this.#chunks as [Uint8Array];
    if (first.length >= length) return first.subarray(0, length);
    const whole = new Uint8Array(this.#available);
    let at = 0;
    for (const chunk of this.#chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    this.#chunks = [whole];
    return whole.subarray(0, length);
  }

  #consume(length: number): void {
    const rest = this.#peek(length) && (this.#chunks[0] as Uint8Array).subarray(length);
    if (rest.length > 0) this.#chunks[0] = rest;
    else this.#chunks.shift();
    this.#available -= length;
    this.#offset += length;
  }

  #fault(message: string, offset = this.#offset, cause?: unknown): TransportError {
    return new TransportError("INVALID_DATA", `${message} (byte ${offset})`, { details: { offset }, cause });
  }
}

function encodeRecord(json: JsonObject, bulk: Uint8Array): Uint8Array {
  const head = utf8.encode(encodeJson(json, "recording"));
  const length = LENGTH_BYTES + head.length + bulk.length;
  if (head.length > MAX_JSON_BYTES || length > MAX_BODY_BYTES) {
    throw new TransportError("MESSAGE_TOO_LARGE", `an input of ${length} bytes cannot be recorded`, {
      details: { maxBytes: MAX_BODY_BYTES },
    });
  }
  const record = new Uint8Array(FRAME_BYTES + length);
  const body = record.subarray(FRAME_BYTES);
  viewOf(body).setUint32(0, head.length);
  body.set(head, LENGTH_BYTES);
  body.set(bulk, LENGTH_BYTES + head.length);
  const frame = viewOf(record);
  frame.setUint32(0, length);
  frame.setUint32(4, crc32(body));
  return record;
}

function bytesOf(data: RuntimeData): Uint8Array {
  switch (data.type) {
    case "audio":
      return new Uint8Array(data.samples.buffer, data.samples.byteOffset, data.samples.byteLength);
    case "json":
    case "control":
      return utf8.encode(encodeJson(data.value, "data.value"));
    case "text":
      return utf8.encode(data.text);
    default:
      return data.data;
  }
}

function decodeHeader(json: JsonObject): RecordingHeader {
  const { sessionId, startedAtMs, manifest } = json;
  if (typeof sessionId !== "string") refuse("sessionId", "a string");
  if (typeof startedAtMs !== "number") refuse("startedAtMs", "a number");
  if (typeof manifest !== "string" && !isMembers(manifest)) refuse("manifest", "a text or an object");
  return { sessionId, startedAtMs, manifest };
}

function decodeInput(json: JsonObject, bulk: Uint8Array): RecordedInput {
  const { type, atMs, peerId, sequence, metadata } = json;
  if (typeof type !== "string" || !Object.hasOwn(MEMBERS, type)) refuse("type", "a kind of data");
  if (typeof atMs !== "number" || atMs < 0) refuse("atMs", "a number from 0");
  if (peerId !== undefined && !isId(peerId)) refuse("peerId", "a peer's id");
  const kind = type as RuntimeData["type"];
  const fields: JsonObject = { type };
  for (const name of [...COMMON_MEMBERS, ...MEMBERS[kind]]) {
    const member = json[name];
    if (member !== undefined) fields[name] = member;
  }
  const data = { ...fields, ...valueOf(kind, bulk) } as unknown as RuntimeData;
  const input = { data, ...(sequence === undefined ? {} : { sequence }), metadata } as TransportData;
  checkInput(input);
  return { input, peerId, atMs };
}

function valueOf(kind: RuntimeData["type"], bulk: Uint8Array): object {
  switch (kind) {
    case "audio":
      if (bulk.length % 4 !== 0) refuse("samples", "of four bytes each");
      return { samples: new Float32Array(bulk.slice().buffer) };
    case "json":
    case "control": {
      const json = decodeJson(strictUtf8.decode(bulk));
      if (json === undefined) refuse("value", "JSON");
      return { value: json.value };
    }
    case "text":
      return { text: strictUtf8.decode(bulk) };
    default:
      return { data: bulk.slice() };
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

function refuse(field: string, expected: string): never {
  throw new TransportError("INVALID_DATA", `${field} must be ${expected}`);
}
