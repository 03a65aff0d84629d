// Recorded and hostile RTCP packets, as they are and broken in every way.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { buildRtcp, parseRtcp } from "../../../src/rtp/rtcp/packets.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
import { describeUnless } from "../../needs.ts";
import { lacksRecordings, recordings } from "../../recordings.ts";

const files = recordings("rtcp");
const missing = files.length > 0 ? undefined : lacksRecordings("recorded RTCP");

describeUnless(missing, "recorded RTCP packets", { timeout: 10_000 }, () => {
  it("are read without a throw, each with a count for what it held", () => {
    let understood = 0;
    for (const name of files) {
      const result = parseRtcp(readFileSync(name));
      understood += result.packets.length;
      expect(result.packets.length + result.unknown + result.malformed.length, name).toBeGreaterThan(0);
    }
    expect(understood).toBeGreaterThan(0);
  });

  it("are written again so that they mean the same", () => {
    for (const name of files) {
      const { packets } = parseRtcp(readFileSync(name));
      if (packets.length === 0) continue;
      const again = parseRtcp(buildRtcp(packets));
      expect(again, name).toEqual({ packets, unknown: 0, malformed: [] });
    }
  });

  it("are read without a throw when bytes of them are changed or missing", () => {
    const seed = 99;
    const random = new SeededRandom(seed);
    for (const name of files) {
      const original = readFileSync(name);
      for (let round = 0; round < 200; round++) {
        const bytes = Uint8Array.from(original.subarray(0, random.integer(0, original.length)));
        if (bytes.length > 0) bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
        try {
          parseRtcp(bytes);
        } catch (error) {
          expect.fail(`${name}, seed ${seed}, round ${round}: ${String(error)}`);
        }
      }
    }
  });
});
