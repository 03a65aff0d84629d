import { describe, expect, it } from "vitest";
import { TransportError } from "../../src/errors/errors.ts";
import { checkInput } from "../../src/session/input-check.ts";

const AUDIO = { type: "audio", samples: new Float32Array(4), sampleRate: 48_000, channels: 2 };
const PICTURE = { type: "video", data: new Uint8Array(12), width: 3, height: 2, format: "I420" };
const CODED = { ...PICTURE, data: new Uint8Array(1), format: "encoded", codec: "VP9", isKeyframe: true };
const TENSOR = { type: "tensor", data: new Uint8Array(24), shape: [2, 3], dtype: "f32" };

function check(data: unknown, envelope: object = {}): void {
  checkInput({ data, metadata: {}, ...envelope } as never);
}

describe("checkInput", () => {
  const good: Record<string, object> = {
    audio: AUDIO,
    "no samples": { ...AUDIO, samples: new Float32Array(0) },
    I420: { ...PICTURE, data: new Uint8Array(6 + 2 * 2) },
    NV12: { ...PICTURE, data: new Uint8Array(6 + 2 * 2), format: "NV12", rotation: 90 },
    RGB24: { ...PICTURE, data: new Uint8Array(18), format: "RGB24" },
    RGBA: { ...PICTURE, data: new Uint8Array(24), format: "RGBA" },
    BGRX: { ...PICTURE, data: new Uint8Array(24), format: "BGRX" },
    GRAY8: { ...PICTURE, data: new Uint8Array(6), format: "GRAY8", frameNumber: 0 },
    "coded pictures": CODED,
    tensor: TENSOR,
    scalar: { ...TENSOR, data: new Uint8Array(2), shape: [], dtype: "f16" },
    json: { type: "json", value: null, streamId: "s", timestampUs: 1.5 },
    text: { type: "text", text: "", channel: "c" },
    binary: { type: "binary", data: new Uint8Array(0), mimeType: "m" },
    control: { type: "control", message: "cancel", value: {} },
  };
  for (const [name, data] of Object.entries(good)) {
    it(`takes ${name}`, () => {
      expect(() => check(data, { sequence: 0 })).not.toThrow();
    });
  }

  const bad: readonly (readonly [string, unknown])[] = [
    ["data", null],
    ["data.type", { type: "smell" }],
    ["data.type", { type: "toString" }],
    ["data.samples", { ...AUDIO, samples: [0, 0] }],
    ["data.samples[1]", { ...AUDIO, samples: Float32Array.of(0, NaN) }],
    ["data.samples[3]", { ...AUDIO, samples: Float32Array.of(0, 0, 0, Infinity) }],
    ["data.samples.length", { ...AUDIO, samples: new Float32Array(3) }],
    ["data.sampleRate", { ...AUDIO, sampleRate: 7_999 }],
    ["data.sampleRate", { ...AUDIO, sampleRate: 192_001 }],
    ["data.channels", { ...AUDIO, channels: 0 }],
    ["data.channels", { ...AUDIO, channels: 33 }],
    ["data.data.length", PICTURE],
    ["data.data", { ...CODED, data: [1] }],
    ["data.width", { ...PICTURE, width: 0 }],
    ["data.height", { ...PICTURE, height: 16_384 }],
    ["data.format", { ...PICTURE, format: "YUYV" }],
    ["data.format", { ...PICTURE, format: "constructor" }],
    ["data.rotation", { ...PICTURE, rotation: 45 }],
    ["data.frameNumber", { ...CODED, frameNumber: -1 }],
    ["data.codec", { ...CODED, codec: "AV1" }],
    ["data.isKeyframe", { ...CODED, isKeyframe: undefined }],
    ["data.data.length", { ...TENSOR, shape: [2, 2] }],
    ["data.shape", { ...TENSOR, shape: [2, -3] }],
    ["data.dtype", { ...TENSOR, dtype: "f64" }],
    ["data.value", { type: "json" }],
    ["data.text", { type: "text", text: 1 }],
    ["data.channel", { type: "text", text: "", channel: 1 }],
    ["data.data", { type: "binary", data: "bytes" }],
    ["data.mimeType", { type: "binary", data: new Uint8Array(0), mimeType: 1 }],
    ["data.message", { type: "control", message: "stop", value: {} }],
    ["data.value", { type: "control", message: "cancel", value: [] }],
    ["data.streamId", { type: "text", text: "", streamId: 1 }],
    ["data.timestampUs", { type: "text", text: "", timestampUs: -1 }],
  ];
  for (const [index, [field, data]] of bad.entries()) {
    it(`refuses a wrong ${field} (${index})`, () => {
      expect(fieldOf(() => check(data))).toBe(field);
    });
  }

  it("refuses a wrong envelope", () => {
    const text = { type: "text", text: "" };
    expect(fieldOf(() => checkInput(null as never))).toBe("input");
    expect(fieldOf(() => check(text, { sequence: 0.5 }))).toBe("sequence");
    expect(fieldOf(() => check(text, { metadata: undefined }))).toBe("metadata");
    expect(fieldOf(() => check(text, { metadata: { a: 1 } }))).toBe("metadata.a");
  });
});

/** What an INVALID_DATA names. */
function fieldOf(call: () => void): string | undefined {
  try {
    call();
  } catch (error) {
    if (error instanceof TransportError && error.code === "INVALID_DATA") return error.message.split(" ")[0];
    throw error;
  }
  return undefined;
}
