import { describe, expect, it } from "vitest";
import { FRAME_KINDS } from "../../src/channels/framing.ts";
import type { FrameKind } from "../../src/channels/framing.ts";
import {
  decodeLegacy,
  decodeMessage,
  encodeData,
  encodeMessage,
  isLegacy,
} from "../../src/channels/messages.ts";
import { TransportError } from "../../src/errors/errors.ts";
import type { DataChannelMessage, RuntimeData } from "../../src/runtime/data.ts";
import { SeededRandom } from "../../src/testing/random.ts";

const utf8 = new TextEncoder();

const MESSAGES: DataChannelMessage[] = [
  { type: "json", payload: { operation: "add", operands: [1, 2.5], note: "ä€😀" } },
  { type: "json", payload: null },
  { type: "binary", payload: new Uint8Array([0, 1, 255]) },
  { type: "binary", payload: new Uint8Array() },
  { type: "text", payload: "\uFEFFgrüße" },
  { type: "text", payload: "" },
];

const DATA: RuntimeData[] = [
  { type: "json", value: [1, { a: null }], streamId: "left", timestampUs: 1_767_225_600_000_123 },
  { type: "text", text: "hello", channel: "transcript" },
  { type: "text", text: "" },
  { type: "binary", data: new Uint8Array([9, 8]), mimeType: "image/png", timestampUs: 0 },
  { type: "binary", data: new Uint8Array() },
  { type: "tensor", data: Uint8Array.from({ length: 24 }, (_, i) => i), shape: [2, 1, 3], dtype: "f32" },
  { type: "tensor", data: new Uint8Array(2), shape: [], dtype: "f16", streamId: "scalar" },
  { type: "tensor", data: new Uint8Array(), shape: [0, 7], dtype: "i8" },
  { type: "control", message: "batchHint", value: { count: 3 }, timestampUs: 7 },
];

function codeOf(call: () => unknown): [string, string] {
  try {
    call();
  } catch (error) {
    if (error instanceof TransportError) return [error.code, error.message];
    throw error;
  }
  return ["none", ""];
}

function runtimeData(header: string, body = "null"): Uint8Array {
  const bytes = utf8.encode(`....${header}${body}`);
  new DataView(bytes.buffer).setUint32(0, utf8.encode(header).length);
  return bytes;
}

describe("messages", () => {
  it.each(MESSAGES)("come back as they were sent: %j", (message) => {
    const { kind, payload } = encodeMessage(message);
    expect(decodeMessage(kind, payload)).toEqual({ type: "message", message });
  });

  it("give the receiver bytes of its own", () => {
    const { kind, payload } = encodeMessage({ type: "binary", payload: new Uint8Array([1, 2]) });
    const decoded = decodeMessage(kind, payload);
    payload.fill(0);
    expect(decoded).toEqual({
      type: "message",
      message: { type: "binary", payload: new Uint8Array([1, 2]) },
    });
  });

  it.each<[unknown, string, string]>([
    [{ type: "json", payload: { a: [1n] } }, "SERIALIZATION_ERROR", "message.payload.a[0] is a bigint"],
    [{ type: "json" }, "SERIALIZATION_ERROR", "message.payload is undefined"],
    [{ type: "binary", payload: [1, 2] }, "INVALID_DATA", "message.payload must be a Uint8Array, not object"],
    [{ type: "text", payload: 7 }, "INVALID_DATA", "message.payload must be a string, not 7"],
    [
      { type: "video", payload: "" },
      "INVALID_DATA",
      "message.type must be 'json', 'binary' or 'text', not 'video'",
    ],
    [null, "INVALID_DATA", "message must be an object, not object"],
    ["text", "INVALID_DATA", "message must be an object, not 'text'"],
  ])("are refused when they are wrong: %s", (message, code, text) => {
    expect(codeOf(() => encodeMessage(message as DataChannelMessage))).toEqual([code, text]);
  });

  it.each<[FrameKind, Uint8Array, string]>([
    [FRAME_KINDS.json, utf8.encode("{oops"), "bad-json"],
    [FRAME_KINDS.json, new Uint8Array([0x22, 0xc3, 0x22]), "bad-utf8"],
    [FRAME_KINDS.text, new Uint8Array([0xff]), "bad-utf8"],
    [FRAME_KINDS.runtimeData, new Uint8Array([0, 0, 0]), "bad-header"],
    [FRAME_KINDS.runtimeData, new Uint8Array([0, 0, 0, 9, 0x7b, 0x7d]), "bad-header"],
    [FRAME_KINDS.runtimeData, new Uint8Array([0xff, 0xff, 0xff, 0xff]), "bad-header"],
    [FRAME_KINDS.runtimeData, runtimeData('{"type":"video"}'), "bad-header"],
    [FRAME_KINDS.runtimeData, runtimeData('{"type":"json","stream_id":"a b"}'), "bad-header"],
    [FRAME_KINDS.runtimeData, runtimeData('{"type":"json","sequence":-1}'), "bad-header"],
    [FRAME_KINDS.runtimeData, runtimeData('{"type":"json","metadata":{"a":1}}'), "bad-header"],
    [FRAME_KINDS.runtimeData, runtimeData('{"type":"json"}', "nul"), "bad-json"],
    [FRAME_KINDS.runtimeData, runtimeData('{"type":"control","message":"dance"}', "{}"), "bad-header"],
    [FRAME_KINDS.runtimeData, runtimeData('{"type":"control","message":"cancel"}', "[]"), "bad-json"],
    [FRAME_KINDS.runtimeData, runtimeData('{"type":"tensor","shape":[1],"dtype":"f64"}'), "bad-header"],
    [FRAME_KINDS.runtimeData, runtimeData('{"type":"tensor","shape":["1"],"dtype":"u8"}'), "bad-header"],
    [FRAME_KINDS.runtimeData, runtimeData('{"type":"tensor","shape":[2],"dtype":"f32"}', "1234"), "bad-size"],
    [
      FRAME_KINDS.runtimeData,
      runtimeData('{"type":"tensor","shape":[4294967296,4294967296],"dtype":"u8"}'),
      "bad-size",
    ],
    [
      FRAME_KINDS.runtimeData,
      runtimeData(`{"type":"tensor","shape":[${Array(33).fill(1).join()}],"dtype":"i32"}`),
      "bad-header",
    ],
  ])("of kind %i with wrong bytes are dropped: %#", (kind, payload, reason) => {
    expect(decodeMessage(kind, payload)).toEqual({ type: "fault", reason });
  });
});

describe("runtime data", () => {
  it.each(DATA)("comes back as it was sent: %j", (data) => {
    const { kind, payload } = encodeData(data, { sequence: 5, metadata: { source_peer: "alice" } });
    expect(kind).toBe(FRAME_KINDS.runtimeData);
    const envelope = { sequence: 5, metadata: { source_peer: "alice" } };
    expect(decodeMessage(kind, payload)).toEqual({ type: "data", data, envelope });
  });

  it("has empty metadata and no sequence unless told", () => {
    const { kind, payload } = encodeData({ type: "text", text: "x" });
    expect(decodeMessage(kind, payload)).toMatchObject({ envelope: { metadata: {} } });
  });

  it("is u32 length, JSON header in snake case, raw bytes", () => {
    const data: RuntimeData = {
      type: "binary",
      data: new Uint8Array([1, 2]),
      streamId: "s",
      mimeType: "a/b",
    };
    const { payload } = encodeData(data);
    const length = new DataView(payload.buffer).getUint32(0);
    const header: unknown = JSON.parse(new TextDecoder().decode(payload.subarray(4, 4 + length)));
    expect(header).toEqual({ type: "binary", stream_id: "s", mime_type: "a/b" });
    expect(payload.subarray(4 + length)).toEqual(new Uint8Array([1, 2]));
  });

  it("ignores further header members and a __proto__ among them", () => {
    const payload = runtimeData(
      '{"type":"json","shape":[1],"__proto__":{"a":1},"metadata":{"__proto__":"x"}}',
    );
    expect(decodeMessage(FRAME_KINDS.runtimeData, payload)).toEqual({
      type: "data",
      data: { type: "json", value: null },
      envelope: { metadata: {} },
    });
  });

  it.each<[unknown, string, RegExp]>([
    [{ type: "audio", samples: new Float32Array(1) }, "INVALID_DATA", /data\.type .* not 'audio'/],
    [{ type: "text", text: 1 }, "INVALID_DATA", /data\.text/],
    [{ type: "text", text: "", channel: 1 }, "INVALID_DATA", /data\.channel/],
    [{ type: "binary", data: "x" }, "INVALID_DATA", /data\.data/],
    [{ type: "binary", data: new Uint8Array(), mimeType: 1 }, "INVALID_DATA", /data\.mimeType/],
    [{ type: "json", value: NaN }, "SERIALIZATION_ERROR", /^data\.value is NaN/],
    [{ type: "json", value: 1, streamId: "a b" }, "INVALID_STREAM_ID", /data\.streamId/],
    [{ type: "json", value: 1, timestampUs: NaN }, "INVALID_DATA", /data\.timestampUs/],
    [{ type: "json", value: 1, timestampUs: -1 }, "INVALID_DATA", /data\.timestampUs/],
    [{ type: "tensor", data: new Uint8Array(8), shape: [2], dtype: "f64" }, "INVALID_DATA", /data\.dtype/],
    [{ type: "tensor", data: new Uint8Array(8), shape: 8, dtype: "u8" }, "INVALID_DATA", /data\.shape/],
    [{ type: "tensor", data: new Uint8Array(8), shape: [-8], dtype: "u8" }, "INVALID_DATA", /data\.shape/],
    [{ type: "tensor", data: new Uint8Array(9), shape: [2], dtype: "f32" }, "INVALID_DATA", /8 bytes/],
    [{ type: "tensor", data: [0], shape: [1], dtype: "u8" }, "INVALID_DATA", /data\.data/],
    [{ type: "control", message: "dance", value: {} }, "INVALID_DATA", /data\.message/],
    [{ type: "control", message: "cancel", value: [] }, "INVALID_DATA", /data\.value/],
    [{ type: "text", text: "", channel: "x".repeat(70_000) }, "MESSAGE_TOO_LARGE", /channel/],
    [undefined, "INVALID_DATA", /data must be an object/],
  ])("is refused when it is wrong: %#", (data, code, text) => {
    const [found, message] = codeOf(() => encodeData(data as RuntimeData));
    expect(found).toBe(code);
    expect(message).toMatch(text);
  });

  it.each([{ sequence: 1.5 }, { sequence: -1 }, { metadata: { a: 1 as unknown as string } }])(
    "is refused with a wrong envelope: %j",
    (envelope) => {
      expect(codeOf(() => encodeData({ type: "text", text: "" }, envelope))[0]).toBe("INVALID_DATA");
    },
  );
});

describe("the original's JSON form", () => {
  it.each<[string, DataChannelMessage]>([
    ['{"type":"Json","payload":{"a":[1]}}', { type: "json", payload: { a: [1] } }],
    ['{"type":"Json","payload":null}', { type: "json", payload: null }],
    ['{"type":"Text","payload":"hällo"}', { type: "text", payload: "hällo" }],
    ['{"type":"Binary","payload":"AAH/"}', { type: "binary", payload: new Uint8Array([0, 1, 255]) }],
  ])("is read from text and from bytes: %s", (frame, message) => {
    expect(isLegacy(frame) && isLegacy(utf8.encode(frame))).toBe(true);
    expect(decodeLegacy(frame)).toEqual({ type: "message", message });
    expect(decodeLegacy(utf8.encode(frame))).toEqual({ type: "message", message });
  });

  it.each([
    ["{", "bad-json"],
    ["{}", "bad-legacy"],
    ['{"type":"Json"}', "bad-legacy"],
    ['{"type":"Text","payload":1}', "bad-legacy"],
    ['{"type":"Video","payload":""}', "bad-legacy"],
    ['{"type":"Binary","payload":"%"}', "bad-base64"],
    [`{${" ".repeat(23_000_000)}}`, "oversize"],
  ])("is dropped when it is wrong: %#", (frame, reason) => {
    expect(decodeLegacy(frame)).toEqual({ type: "fault", reason });
  });

  it("is dropped when its bytes are no UTF-8", () => {
    expect(decodeLegacy(new Uint8Array([0x7b, 0xff]))).toEqual({ type: "fault", reason: "bad-utf8" });
  });

  it("is not taken for a fragment, nor the other way round", () => {
    expect(isLegacy("R")).toBe(false);
    expect(isLegacy(new Uint8Array([0x52]))).toBe(false);
    expect(isLegacy(new Uint8Array())).toBe(false);
  });
});

describe("mutated payloads", () => {
  it("never throw and give values of the announced kinds", () => {
    const random = new SeededRandom("messages");
    const corpus = [
      ...MESSAGES.map((message) => encodeMessage(message)),
      ...DATA.map((data) => encodeData(data)),
    ];
    for (let round = 0; round < 5_000; round++) {
      const { kind, payload } = corpus[random.integer(0, corpus.length - 1)] as (typeof corpus)[0];
      const bytes = payload.slice(0, random.integer(0, payload.length));
      for (let at = random.integer(0, 3); at > 0 && bytes.length > 0; at--) {
        bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
      }
      for (const decode of [() => decodeMessage(kind, bytes), () => decodeLegacy(bytes)]) {
        try {
          const { type } = decode();
          if (!["message", "data", "fault"].includes(type)) throw new Error(`a result of type ${type}`);
        } catch (error) {
          throw new Error(`round ${round}, kind ${kind}, bytes ${bytes.join(" ")}`, { cause: error });
        }
      }
    }
  });
});
