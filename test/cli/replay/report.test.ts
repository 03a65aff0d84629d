import { describe, expect, it } from "vitest";
import { parseReplayOptions } from "../../../src/cli/replay/options.ts";
import type { ReplayOptions } from "../../../src/cli/replay/options.ts";
import type { PlaybackReport } from "../../../src/cli/replay/playback-report.ts";
import { jsonReport, textReport } from "../../../src/cli/replay/report.ts";
import type { PlayedFile } from "../../../src/cli/replay/report.ts";
import type { Stream } from "../../../src/cli/replay/streams.ts";

const parsed = parseReplayOptions(["a.pcap"]);
const options = (parsed.type === "options" ? parsed.options : undefined) as ReplayOptions;

const report: PlaybackReport = {
  packets: 5,
  malformed: 0,
  played: 3,
  lost: 1,
  reordered: 2,
  duplicates: 1,
  late: 1,
  latePercent: 33.333333,
  delayMs: { mean: 60.12345, p95: 99.99999 },
  concealedMs: 20,
  timeScaledMs: { stretched: 1.5, shrunk: 2.5 },
  samples: [
    { atMs: 0, targetMs: 20, delayMs: 50 },
    { atMs: 10, targetMs: 80, delayMs: 60 },
    { atMs: 4000, targetMs: 40, delayMs: 70 },
  ],
};
const main = { payloadType: 111, packets: 4, clockRate: 48_000, source: "estimated" } as const;

function played(stream: Partial<Stream>, played: Partial<PlaybackReport> = {}): PlayedFile {
  return {
    file: "a.pcap",
    trace: {
      format: "pcap",
      packets: [
        { packet: new Uint8Array(), arrivalMs: 0 },
        { packet: new Uint8Array(), arrivalMs: 4000 },
      ],
      skipped: { rtcp: 3, fragment: 1 },
      snapped: 2,
      backwards: 1,
    },
    streams: [
      {
        stream: { ssrc: 0xfffffff0, payloadTypes: [main], packets: [], clockChanges: 0, ...stream },
        report: { ...report, ...played },
      },
    ],
  };
}

describe("the report of a replay", () => {
  it("says what was left out, and how the target went", () => {
    const text = textReport([played({})], options).join("\n");
    expect(text).toContain(
      "a.pcap (pcap): 2 RTP packets in 4.0 s; played with an adaptive target delay, 50 ms at first",
    );
    expect(text).toContain("3 RTCP left out; 1 IP fragments left out; 2 packets of which the capture kept");
    expect(text).toContain("1 packets out of the order of time, put in order");
    // Where nothing is played the target stays what it was: at its peak, until the last packet.
    expect(text).toContain(`target ${"█".repeat(39)}▅ 20 to 80 ms, 47 on average, 40 at the end`);
    expect(text).toMatch(/0xfffffff0 +111 +48000\* +5 +1 +2 +1 +1 +33\.33 +60\.1 +100\.0 +20 +2 +3/);
  });

  it("says what became of changes of the payload type", () => {
    const other = { payloadType: 0, packets: 1, clockRate: 8_000, source: "standard" } as const;
    const changed = textReport([played({ payloadTypes: [main, other], clockChanges: 2 })], options).join(
      "\n",
    );
    expect(changed).toContain(
      "0xfffffff0: the clock changes 2 times (payload types 111 at 48000 Hz, 0 at 8000 Hz); each change is taken to leave the delay as it was",
    );
    const same = textReport(
      [played({ payloadTypes: [main, { ...other, clockRate: 48_000 }] })],
      options,
    ).join("\n");
    expect(same).toContain(
      "0xfffffff0: payload types 111, 0 share one clock of 48000 Hz and are played as one stream",
    );
  });

  it("tells a guess from an estimate", () => {
    const guess = textReport([played({ payloadTypes: [{ ...main, source: "guessed" }] })], options).join(
      "\n",
    );
    expect(guess).toContain("* payload type 111: 48000 Hz is a guess, the times of the trace do not tell");
  });

  it("holds for a stream of which nothing was played", () => {
    const files = [played({}, { samples: [], played: 0 })];
    expect(textReport(files, options).join("\n")).toContain("target: nothing was played");
    expect(jsonReport(files).streams[0]?.target).toEqual({
      minMs: 0,
      meanMs: 0,
      maxMs: 0,
      finalMs: 0,
      trace: [],
    });
  });

  it("has three digits in JSON", () => {
    expect(jsonReport([played({})]).streams[0]).toMatchObject({
      ssrc: 0xfffffff0,
      payloadType: 111,
      clockRate: 48_000,
      clockRateEstimated: true,
      latePercent: 33.333,
      delayMs: { mean: 60.123, p95: 100 },
      concealedMs: 20,
      timeScaledMs: { stretched: 1.5, shrunk: 2.5 },
      target: { minMs: 20, meanMs: 46.667, maxMs: 80, finalMs: 40 },
    });
  });
});
