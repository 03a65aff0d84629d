import { describe, expect, it } from "vitest";
import { channelBalanceNode } from "../../../src/pipeline/nodes/channel-balance.ts";
import { blocks, reports, runNode } from "./run-node.ts";

const TIME_US = 1_700_000_000_000_000;

/** 100 ms of square waves, one level in dBFS for each channel. */
function channels(...levels: readonly number[]): Float32Array {
  return Float32Array.from({ length: 4800 * levels.length }, (_, i) => {
    const sign = Math.floor(i / levels.length / 10) % 2 === 0 ? 1 : -1;
    return sign * 10 ** ((levels[i % levels.length] as number) / 20);
  });
}

async function balanceOf(levels: readonly number[], params = {}) {
  const inputs = blocks(channels(...levels), 20, { channels: levels.length });
  return reports(await runNode(channelBalanceNode, params, inputs));
}

describe("ChannelBalance", () => {
  it("compares the levels of the channels", async () => {
    expect(await balanceOf([-20, -26])).toEqual([
      { imbalance_db: 6, balanced: true, silent_channels: [], levels_db: [-20, -26] },
    ]);
    expect(await balanceOf([-20, -31, -25])).toMatchObject([{ imbalance_db: 11, balanced: false }]);
    expect(await balanceOf([-20, -26], { imbalanceDb: 3 })).toMatchObject([{ balanced: false }]);
  });

  it("names silent channels, and counts them as just silent", async () => {
    expect(await balanceOf([-20, -Infinity, -61])).toEqual([
      { imbalance_db: 40, balanced: false, silent_channels: [1, 2], levels_db: [-20, -127, -61] },
    ]);
    expect(await balanceOf([-90, -70])).toMatchObject([
      { imbalance_db: 0, balanced: true, silent_channels: [0, 1] },
    ]);
    expect(await balanceOf([-90, -70], { silenceDb: -80 })).toMatchObject([
      { imbalance_db: 10, silent_channels: [0] },
    ]);
  });

  it("finds mono balanced", async () => {
    expect(await balanceOf([-20])).toMatchObject([{ imbalance_db: 0, balanced: true }]);
  });

  it("reports every 100 ms of media time, with the time of their beginning", async () => {
    const samples = Float32Array.from([...channels(-20, -20), ...channels(-20, -50), ...channels(0, 0)]);
    const inputs = blocks(samples.subarray(0, 24_000), 30, { channels: 2, timestampUs: TIME_US, peer: "a" });
    const outputs = await runNode(channelBalanceNode, {}, inputs);
    expect(reports(outputs).map(({ imbalance_db }) => imbalance_db)).toEqual([0, 30, 0]);
    expect(outputs.map(({ data }) => (data.timestampUs ?? 0) - TIME_US)).toEqual([0, 100_000, 200_000]);
    expect(outputs[0]?.metadata).toEqual({ source_peer: "a" });
  });
});
