import { describe, expect, it } from "vitest";
import { audioLevelNode } from "../../../src/pipeline/nodes/audio-level.ts";
import { audio, blocks, reports, runNode } from "./run-node.ts";

const RATE = 48_000;
const TIME_US = 1_700_000_000_000_000;

/** A sine with a peak of `db` dBFS. */
function sine(db: number, ms: number): Float32Array {
  return Float32Array.from(
    { length: (ms * RATE) / 1000 },
    (_, i) => 10 ** (db / 20) * Math.sin((Math.PI * i) / 24),
  );
}

async function levelOf(samples: Float32Array, params = {}) {
  return reports(await runNode(audioLevelNode, params, [audio(samples)]))[0];
}

describe("AudioLevel", () => {
  it("says rms and peak of a tone, and what to make of them", async () => {
    expect(await levelOf(sine(-6, 100))).toEqual({
      rms_db: -9.01,
      peak_db: -6,
      is_low_volume: false,
      is_silence: false,
      health: 1,
    });
    expect(await levelOf(sine(-30, 100))).toMatchObject({
      is_low_volume: true,
      is_silence: false,
      health: 0.5,
    });
    expect(await levelOf(sine(-70, 100))).toMatchObject({ is_low_volume: true, is_silence: true, health: 0 });
    expect(await levelOf(new Float32Array(4800))).toMatchObject({ rms_db: -127, peak_db: -127, health: 0 });
    expect(await levelOf(sine(-30, 100), { lowDb: -40 })).toMatchObject({ is_low_volume: false, health: 1 });
  });

  it("takes health from what is clipped: half for half a percent at full scale, all for one", async () => {
    const loud = (clipped: number): Float32Array =>
      Float32Array.from({ length: 1000 }, (_, i) => (i < clipped ? -1 : 0.5));
    expect((await levelOf(loud(0)))?.health).toBe(1);
    expect((await levelOf(loud(5)))?.health).toBeCloseTo(0.5, 9);
    expect((await levelOf(loud(10)))?.health).toBe(0);
    expect((await levelOf(loud(900)))?.health).toBe(0);
  });

  it("reports every interval of media time with the time of its beginning, however the input is cut", async () => {
    const samples = Float32Array.from([...sine(-6, 100), ...sine(-40, 100), ...sine(-80, 50)]);
    for (const blockMs of [1, 20, 30, 250]) {
      const inputs = blocks(samples, blockMs, { timestampUs: TIME_US, streamId: "mic", peer: "a" });
      const outputs = await runNode(audioLevelNode, {}, inputs);
      expect(outputs.map(({ data }) => (data.timestampUs ?? 0) - TIME_US)).toEqual([0, 100_000, 200_000]);
      expect(reports(outputs).map(({ peak_db }) => peak_db)).toEqual([-6, -40, -80]);
      expect(outputs[1]).toMatchObject({
        metadata: { source_peer: "a" },
        sequence: Math.floor(100 / blockMs),
        data: { streamId: "mic" },
      });
    }
  });

  it("counts all channels", async () => {
    const stereo = Float32Array.from({ length: 9600 }, (_, i) => (i % 2 === 0 ? 0.5 : 0));
    const [report] = reports(await runNode(audioLevelNode, {}, [audio(stereo, { channels: 2 })]));
    expect(report).toMatchObject({ rms_db: -9.03, peak_db: -6.02 });
  });

  it("ends an interval at a gap in the capture times", async () => {
    const outputs = await runNode(audioLevelNode, {}, [
      audio(sine(-6, 60), { timestampUs: TIME_US }),
      audio(sine(-40, 60), { timestampUs: TIME_US + 500_000 }),
    ]);
    expect(reports(outputs).map(({ peak_db }) => peak_db)).toEqual([-6, -40]);
    expect(outputs.map(({ data }) => (data.timestampUs ?? 0) - TIME_US)).toEqual([0, 500_000]);
  });

  it("wants silence to be no louder than low sound", () => {
    const params = { lowDb: -50, silenceDb: -40, intervalMs: 100 };
    expect(audioLevelNode.check?.(params)).toEqual({ silenceDb: "no more than low_db" });
    expect(audioLevelNode.check?.({ ...params, silenceDb: -50 })).toEqual({});
  });
});
