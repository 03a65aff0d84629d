import { describe, expect, it } from "vitest";
import { crc32 } from "../../src/channels/crc32.ts";
import { TransportError } from "../../src/errors/errors.ts";
import type { RuntimeData } from "../../src/runtime/data.ts";
import { encodeEnd, encodeHeader, encodeInput, RecordingParser } from "../../src/session/recording-format.ts";
import type { RecordedInput } from "../../src/session/recording-format.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { joined as join } from "./session-fakes.ts";

const HEADER = { sessionId: "s1", startedAtMs: 1_767_225_600_000.5, manifest: { version: "v1", nodes: [] } };

const DATA: RuntimeData[] = [
  {
    type: "audio",
    samples: Float32Array.of(0, -0.5, 1, 1e-9),
    sampleRate: 44_100,
    channels: 2,
    streamId: "left",
    timestampUs: 1_767_225_600_000_123,
  },
  { type: "video", data: Uint8Array.of(1, 2, 3, 4), width: 2, height: 2, format: "GRAY8", rotation: 90 },
  {
    type: "video",
    data: Uint8Array.of(9),
    width: 2,
    height: 2,
    format: "encoded",
    codec: "VP8",
    isKeyframe: false,
    frameNumber: 7,
  },
  { type: "tensor", data: new Uint8Array(4), shape: [2, 1], dtype: "f16" },
  { type: "json", value: { a: [1, null, "ä"] } },
  { type: "json", value: null },
  { type: "text", text: "\uFEFFgrüße 😀", channel: "transcript" },
  { type: "binary", data: Uint8Array.of(0, 255), mimeType: "image/png" },
  { type: "control", message: "deadline", value: { at_ms: 5 } },
];

const INPUTS: RecordedInput[] = DATA.map((data, index) => ({
  input: { data, sequence: index, metadata: { source_peer: "alice" } },
  peerId: index % 2 === 0 ? "alice" : undefined,
  atMs: index * 1.25,
}));

const joined = (...chunks: Uint8Array[]): Uint8Array => join(chunks);

const RECORDING = joined(encodeHeader(HEADER), ...INPUTS.map(encodeInput), encodeEnd());

/** Read all, in pieces of a length. */
function readAll(bytes: Uint8Array, pieceBytes = bytes.length) {
  const parser = new RecordingParser();
  const inputs: RecordedInput[] = [];
  let error: TransportError | undefined;
  try {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      parser.push(bytes.subarray(at, at + pieceBytes));
      for (let input = parser.next(); input !== undefined; input = parser.next()) inputs.push(input);
    }
    parser.finish();
  } catch (fault) {
    if (!(fault instanceof TransportError)) throw fault;
    error = fault;
  }
  return { parser, inputs, error };
}

/** A record as a hostile writer might make it, with a checksum that is right. */
function record(json: string, bulk: Uint8Array = new Uint8Array(), jsonBytes?: number): Uint8Array {
  const head = new TextEncoder().encode(json);
  const body = joined(new Uint8Array(4), head, bulk);
  new DataView(body.buffer).setUint32(0, jsonBytes ?? head.length);
  const frame = new Uint8Array(8);
  new DataView(frame.buffer).setUint32(0, body.length);
  new DataView(frame.buffer).setUint32(4, crc32(body));
  return joined(frame, body);
}

describe("the format of recordings", () => {
  it("gives back every kind of data as it was", () => {
    const { parser, inputs, error } = readAll(RECORDING);
    expect(error).toBeUndefined();
    expect(parser.ended).toBe(true);
    expect(parser.header).toEqual(HEADER);
    expect(inputs).toEqual(INPUTS);
  });

  it("reads pieces of any length", () => {
    for (const pieceBytes of [1, 7, 64]) expect(readAll(RECORDING, pieceBytes).inputs).toEqual(INPUTS);
  });

  it("holds samples of a part of a buffer, and no more", () => {
    const samples = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
    const data: RuntimeData = { type: "audio", samples, sampleRate: 8_000, channels: 1 };
    const bytes = encodeInput({ input: { data, metadata: {} }, peerId: undefined, atMs: 0 });
    const [input] = readAll(joined(encodeHeader(HEADER), bytes, encodeEnd())).inputs;
    expect(input?.input).toEqual({ data: { ...data, samples: Float32Array.of(1, 2) }, metadata: {} });
  });

  it("reads everything up to where it breaks off, and says where", () => {
    for (let length = 0; length < RECORDING.length; length += 13) {
      const { inputs, error } = readAll(RECORDING.slice(0, length));
      expect(inputs).toEqual(INPUTS.slice(0, inputs.length));
      expect(error?.code).toBe("INVALID_DATA");
      expect(error?.details).toEqual({ offset: length });
    }
  });

  it("notices every changed bit, reads what is before it, and never throws anything else", () => {
    const random = new SeededRandom(6);
    for (let i = 0; i < 300; i++) {
      const bytes = RECORDING.slice();
      const at = Math.floor(random.next() * bytes.length);
      bytes[at] = (bytes[at] as number) ^ (1 << Math.floor(random.next() * 8));
      const { inputs, error } = readAll(bytes);
      expect(error?.code, `byte ${at}`).toBe("INVALID_DATA");
      expect(inputs).toEqual(INPUTS.slice(0, inputs.length));
    }
  });

  it("believes no length that a record cannot have, before any of it has come", () => {
    for (const length of [1, 3, 66 * 1024 * 1024, 0xffff_ffff]) {
      const frame = new Uint8Array(8);
      new DataView(frame.buffer).setUint32(0, length);
      const { error } = readAll(joined(encodeHeader(HEADER), frame));
      expect(error?.message).toContain(`a record cannot have ${length} bytes`);
    }
  });

  const hostile: Record<string, Uint8Array> = {
    "JSON that is longer than its record": record("{}", undefined, 500),
    "JSON that is none": record("{"),
    "JSON that is no object": record("[]"),
    "an unknown kind": record('{"type":"toString","atMs":0,"metadata":{}}'),
    "no time": record('{"type":"text","metadata":{}}'),
    "a time before the beginning": record('{"type":"text","atMs":-1,"metadata":{}}'),
    "a peer that is none": record('{"type":"text","atMs":0,"peerId":"no id!","metadata":{}}'),
    "no metadata": record('{"type":"text","atMs":0}'),
    "text that is no UTF-8": record('{"type":"text","atMs":0,"metadata":{}}', Uint8Array.of(0xff)),
    "a value that is no JSON": record('{"type":"json","atMs":0,"metadata":{}}', Uint8Array.of(0x7b)),
    "half a sample": record(
      '{"type":"audio","atMs":0,"metadata":{},"sampleRate":8000,"channels":1}',
      new Uint8Array(3),
    ),
    "a picture of another size": record(
      '{"type":"video","atMs":0,"metadata":{},"width":9000,"height":9000,"format":"RGBA"}',
      new Uint8Array(3),
    ),
    "bytes behind the end": joined(encodeEnd(), Uint8Array.of(1)),
  };
  for (const [name, bytes] of Object.entries(hostile)) {
    it(`refuses ${name}`, () => {
      const { inputs, error } = readAll(
        joined(encodeHeader(HEADER), encodeInput(INPUTS[0] as RecordedInput), bytes),
      );
      expect(error?.code).toBe("INVALID_DATA");
      expect(inputs).toHaveLength(1);
    });
  }

  it("refuses a header without session, time or manifest", () => {
    const magic = RECORDING.slice(0, 8);
    for (const missing of ["sessionId", "startedAtMs", "manifest"]) {
      const bytes = joined(magic, record(JSON.stringify({ ...HEADER, [missing]: undefined })));
      expect(readAll(bytes).error?.message).toContain(missing);
    }
  });

  it("refuses what is no recording at the first bytes", () => {
    expect(readAll(new TextEncoder().encode("RIFF....WAVE")).error?.message).toContain("no recording");
  });

  it("refuses to write what it would not read", () => {
    const large: RuntimeData = { type: "binary", data: new Uint8Array(66 * 1024 * 1024) };
    const write = (): unknown => encodeInput({ input: { data: large, metadata: {} }, peerId: "a", atMs: 0 });
    expect(write).toThrow(expect.objectContaining({ code: "MESSAGE_TOO_LARGE" }) as Error);
  });
});
