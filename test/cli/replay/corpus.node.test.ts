// Recorded traces, each read, played, and broken in every way.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { playTrace } from "../../../src/cli/replay/playback.ts";
import { findStreams } from "../../../src/cli/replay/streams.ts";
import { TraceError } from "../../../src/cli/replay/trace-error.ts";
import { readTrace } from "../../../src/cli/replay/trace.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
import { describeUnless } from "../../needs.ts";
import { lacksRecordings, recordings } from "../../recordings.ts";

const files = recordings("rtp", "pcap", "pcapng");
const missing = files.length > 0 ? undefined : lacksRecordings("recorded trace");

/** What is known of the recordings by their names: packets, losses in the network, clock rates. */
const KNOWN: Record<string, { packets: number; lost: number; clockRate: number; payloadTypes: number[] }> = {
  "stereo_pcmu_jitter.rtp": { packets: 2009, lost: 53, clockRate: 8_000, payloadTypes: [125] },
  "stereo_g729_jitter.rtp": { packets: 2009, lost: 53, clockRate: 8_000, payloadTypes: [18] },
  "stereo_pcmu.rtp": { packets: 2062, lost: 0, clockRate: 8_000, payloadTypes: [125] },
  "stereo_g729.rtp": { packets: 2062, lost: 0, clockRate: 8_000, payloadTypes: [18] },
  "hrtf_g722_1C_48.rtp": { packets: 1192, lost: 0, clockRate: 32_000, payloadTypes: [125] },
  "toggling_stereo_g729_pt18_pt125.rtp": {
    packets: 13_934,
    lost: 0,
    clockRate: 8_000,
    payloadTypes: [18, 125],
  },
  "vp9.pcap": { packets: 316, lost: 279, clockRate: 90_000, payloadTypes: [98] },
};

describeUnless(missing, "recorded traces", { timeout: 60_000 }, () => {
  it("are read and played, each as it is known to be", { timeout: 60_000 }, () => {
    for (const name of files) {
      const trace = readTrace(readFileSync(name));
      for (const { packets, payloadTypes } of findStreams(trace.packets, new Map())) {
        const [{ clockRate }] = payloadTypes;
        const report = playTrace(packets, { clockRate, mode: "fixed", delayMs: 50, kind: "video" });
        expect(report.packets, name).toBe(packets.length);
        const known = KNOWN[name.replace(/^.*[/\\]/, "")];
        if (known === undefined) continue;
        const types = payloadTypes.map(({ payloadType }) => payloadType);
        expect({ packets: report.packets, lost: report.lost, clockRate, payloadTypes: types }, name).toEqual(
          known,
        );
      }
    }
  });

  it(
    "are refused with a place inside them, or read, when bytes are changed or missing (seed 22)",
    { timeout: 60_000 },
    () => {
      const random = new SeededRandom(22);
      for (const name of files) {
        const original = readFileSync(name);
        for (let round = 0; round < 20; round++) {
          const bytes = Uint8Array.from(original.subarray(0, random.integer(0, original.length)));
          for (let change = 0; change < 20 && bytes.length > 0; change++) {
            bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
          }
          try {
            findStreams(readTrace(bytes).packets, new Map());
          } catch (error) {
            if (!(error instanceof TraceError))
              expect.fail(`${name}, seed 22, round ${round}: ${String(error)}`);
            expect(error.byteOffset, name).toBeLessThanOrEqual(bytes.length);
          }
        }
      }
    },
  );
});
