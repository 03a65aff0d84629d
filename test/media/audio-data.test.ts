import { describe, expect, it } from "vitest";
import { checkAudioData } from "../../src/media/audio-data.ts";
import type { AudioData } from "../../src/runtime/data.ts";

const good: AudioData = { type: "audio", samples: new Float32Array(960), sampleRate: 48_000, channels: 2 };

describe("audio data of a caller", () => {
  it("passes within the limits", () => {
    for (const data of [
      good,
      { ...good, sampleRate: 8000, channels: 1 },
      { ...good, sampleRate: 192_000, timestampUs: 1_767_225_600_000_000 },
      { ...good, samples: new Float32Array(0) },
    ]) {
      expect(() => checkAudioData(data)).not.toThrow();
    }
  });

  it.each([
    ["samples", { samples: [1, 2] as unknown as Float32Array }],
    ["samples.length", { samples: new Float32Array(3) }],
    ["samples[1]", { samples: Float32Array.of(0, NaN) }],
    ["samples[0]", { samples: Float32Array.of(Infinity, 0) }],
    ["sampleRate", { sampleRate: 7999 }],
    ["sampleRate", { sampleRate: 192_001 }],
    ["sampleRate", { sampleRate: 44_100.5 }],
    ["channels", { channels: 0 }],
    ["channels", { channels: 3 }],
    ["timestampUs", { timestampUs: NaN }],
    ["timestampUs", { timestampUs: -1 }],
    ["timestampUs", { timestampUs: 2 ** 60 }],
  ])("is refused for %s", (field, change) => {
    const refused = expect.objectContaining({
      code: "INVALID_DATA",
      message: expect.stringContaining(`audio.${field} must be`) as string,
    }) as Error;
    expect(() => checkAudioData({ ...good, ...change })).toThrow(refused);
  });
});
