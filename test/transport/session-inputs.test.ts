import { describe, expect, it } from "vitest";
import type { AudioFrame, PictureFrame } from "../../src/runtime/data.ts";
import type { AlignedBlock } from "../../src/sync/aligned-blocks.ts";
import { checkInput } from "../../src/session/input-check.ts";
import { alignedInputs, audioInput, pictureInput } from "../../src/transport/session-inputs.ts";

const SAMPLES = Float32Array.from({ length: 960 }, (_, index) => index / 960);

describe("frames as inputs", () => {
  it("say whose audio it is and when it was captured, with the same samples", () => {
    const frame = {
      ...{ peerId: "alice", streamId: "mic", samples: SAMPLES, sampleRate: 48_000, channels: 1 },
      ...{ wallClockTimestampUs: 1_700_000_000_123_456.7, wallClockErrorUs: 900 },
    } as Partial<AudioFrame> as AudioFrame;
    const { peerId, input } = audioInput(frame);
    expect(peerId).toBe("alice");
    expect(input.data).toMatchObject({ type: "audio", timestampUs: 1_700_000_000_123_457, streamId: "mic" });
    expect((input.data as { samples: Float32Array }).samples).toBe(SAMPLES);
    expect(() => checkInput(input)).not.toThrow();
  });

  it("put the planes of a picture together, whatever arrays they lie in", () => {
    // Odd sides: chroma is rounded up, so 3x3 pixels of luma and 2x2 of each chroma.
    const whole = Uint8Array.from({ length: 32 }, (_, index) => index);
    const planes = [whole.subarray(4, 13), whole.subarray(20, 24), whole.subarray(0, 4)] as const;
    const frame = {
      ...{ peerId: "bob", streamId: "camera", planes, width: 3, height: 3, rotation: 90, format: "I420" },
      wallClockTimestampUs: 5,
    } as unknown as PictureFrame;
    const { peerId, input } = pictureInput(frame);
    expect(peerId).toBe("bob");
    const expected = { type: "video", format: "I420", width: 3, height: 3, rotation: 90, timestampUs: 5 };
    expect(input.data).toMatchObject(expected);
    const { data } = input.data as { data: Uint8Array };
    expect([...data]).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12, 20, 21, 22, 23, 0, 1, 2, 3]);
    // Planes belong to the reader and may be used again; the input keeps its own.
    whole.fill(255);
    expect(data[0]).toBe(4);
    expect(() => checkInput(input)).not.toThrow();
  });

  it("take of an aligned block who had sound in it, all with the same time", () => {
    const block = {
      captureUs: 40_000.4,
      missing: ["carol"],
      peers: [
        { peerId: "alice", samples: SAMPLES, mask: new Uint8Array(960) },
        { peerId: "bob", samples: new Float32Array(1920), mask: new Uint8Array(960) },
        { peerId: "carol", samples: new Float32Array(960), mask: new Uint8Array(960) },
      ],
    } as unknown as AlignedBlock;
    const inputs = alignedInputs(block, 48_000);
    expect(inputs.map(({ peerId }) => peerId)).toEqual(["alice", "bob"]);
    expect(inputs.map(({ input }) => input.data)).toMatchObject([
      { channels: 1, timestampUs: 40_000, sampleRate: 48_000 },
      { channels: 2, timestampUs: 40_000, sampleRate: 48_000 },
    ]);
    for (const { input } of inputs) expect(() => checkInput(input)).not.toThrow();
  });

  it("have a time that data may have, even where the clock says one before 1970", () => {
    const frame = { peerId: "alice", samples: SAMPLES, sampleRate: 48_000, channels: 1 } as AudioFrame;
    const { input } = audioInput({ ...frame, wallClockTimestampUs: -3 });
    expect(input.data).toMatchObject({ timestampUs: 0 });
  });
});
