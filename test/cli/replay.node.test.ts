// The replay command: in this process for what it prints, as a process of its own for its exit codes.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StreamResult } from "../../src/cli/replay/report.ts";
import { runReplay } from "../../src/cli/replay/replay.ts";
import { captured } from "./captured.ts";
import { startCommand } from "./demo-process.ts";
import { ethernet, ipv4, pcap, rtp, rtpdump, udp } from "./replay/trace-bytes.ts";

let folder = "";
const path = (name: string): string => join(folder, name);

const run = (...args: string[]) => captured(runReplay, args);

/** 100 packets of 20 ms: one lost, one sent twice, one that comes 300 ms late. */
function call(payloadType: number, ssrc: number, ticks: number): { bytes: Uint8Array; atMs: number }[] {
  const sent = Array.from({ length: 100 }, (_, i) => ({
    bytes: rtp(i, { payloadType, ssrc, timestamp: ticks * i }),
    atMs: 20 * i + (i === 40 ? 300 : 0),
  }));
  const [copy] = sent.slice(60, 61).map((packet) => ({ ...packet, atMs: packet.atMs + 1 }));
  const kept = sent.filter((_, i) => i !== 20);
  return [...kept, ...(copy === undefined ? [] : [copy])].sort((a, b) => a.atMs - b.atMs);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "replay-"));
  const both = [...call(0, 7, 160), ...call(111, 8, 960)].sort((a, b) => a.atMs - b.atMs);
  const dump = rtpdump(both);
  const frames = call(0, 9, 160).map(({ bytes, atMs }) => ({
    bytes: ethernet(ipv4(udp(bytes))),
    seconds: Math.floor(atMs / 1000),
    units: (atMs % 1000) * 1000,
  }));
  await writeFile(path("two.rtp"), dump);
  await writeFile(path("one.pcap"), pcap(frames));
  await writeFile(path("cut.rtp"), dump.subarray(0, dump.length - 5));
  await writeFile(path("foreign.txt"), "this is no trace");
  await writeFile(path("empty.pcap"), "");
  await writeFile(path("silent.pcap"), pcap([{ bytes: ethernet(new Uint8Array(40), 0x0806) }]));
});
afterAll(() => rm(folder, { recursive: true }));

describe("the replay command", () => {
  it("prints one JSON object with a stream for each SSRC of each file", async () => {
    const { code, out, err } = await run(path("two.rtp"), path("one.pcap"), "--json", "--mode", "fixed");
    expect([code, err]).toEqual([0, ""]);
    const result = JSON.parse(out) as { streams: StreamResult[] };
    expect(Object.keys(result)).toEqual(["streams"]);
    expect(result.streams.map(({ ssrc }) => ssrc)).toEqual([7, 8, 9]);
    for (const stream of result.streams) {
      expect(stream).toMatchObject({ packets: 100, lost: 1, reordered: 1, duplicates: 1, late: 1 });
      expect(stream.latePercent).toBeCloseTo(100 / 99, 2);
      expect(stream.delayMs).toEqual({ mean: 50, p95: 50 });
      expect(stream.target).toMatchObject({ minMs: 50, meanMs: 50, maxMs: 50, finalMs: 50 });
      expect(stream.target.trace).toHaveLength(40);
    }
    expect(result.streams[0]).toMatchObject({
      payloadType: 0,
      clockRate: 8_000,
      clockRateEstimated: false,
      payloadTypes: [{ payloadType: 0, clockRate: 8_000, source: "standard", packets: 100 }],
      file: path("two.rtp"),
    });
    expect(result.streams[1]).toMatchObject({
      payloadType: 111,
      clockRate: 48_000,
      clockRateEstimated: true,
    });
  });

  it("prints a table, and marks what it has estimated", async () => {
    const { code, out } = await run(path("two.rtp"), path("one.pcap"), "--delay", "80", "--mode=fixed");
    expect(code).toBe(0);
    expect(out).toContain(
      `${path("two.rtp")} (rtpdump): 200 RTP packets in 2.0 s; played with a fixed target delay of 80 ms`,
    );
    expect(out).toMatch(/^0x00000007 +0 +8000 +100 +1 +1 +1 +1 +1\.01 +80\.0 +80\.0/m);
    expect(out).toMatch(/^0x00000008 +111 +48000\* /m);
    expect(out).toMatch(/^ {2}target █{40} 80 to 80 ms, 80 on average, 80 at the end$/m);
    expect(out).toMatch(/^\* payload type 111: 48000 Hz is estimated/m);
    expect(out).not.toMatch(/^\* payload type 0/m);
    expect(out).toContain(`${path("one.pcap")} (pcap)`);
  });

  it("takes clock rates and modes at their word", async () => {
    const fixed = await run(path("two.rtp"), "--clock-rate", "111=24000", "--mode", "fixed", "--json");
    const [, stream] = (JSON.parse(fixed.out) as { streams: StreamResult[] }).streams;
    expect(stream).toMatchObject({ clockRate: 24_000, clockRateEstimated: false });
  });

  it("draws a panel for each stream", async () => {
    const { code } = await run(
      path("two.rtp"),
      path("one.pcap"),
      "--plot",
      path("out.svg"),
      "--mode",
      "fixed",
    );
    expect(code).toBe(0);
    const svg = await readFile(path("out.svg"), "utf8");
    expect(svg.startsWith("<svg ")).toBe(true);
    expect(svg.match(/class="panel-title"/g)).toHaveLength(3);
    for (const text of [">time (s)<", ">delay (ms)<", ">late (1)<", ">target<", "0x00000008"]) {
      expect(svg).toContain(text);
    }
    // One cross in the legend and one for the late packet.
    expect(svg.match(/class="crosses"[^>]* d="M/g)).toHaveLength(6);
  });

  it("fails with exit code 1 when the plot cannot be written", async () => {
    const { code, err } = await run(path("one.pcap"), "--plot", join(folder, "nowhere", "out.svg"));
    expect(code).toBe(1);
    expect(err).toMatch(/--plot: .* cannot be written: there is no such file or folder/);
  });

  it.each([
    ["cut.rtp", /an rtpdump record is cut off: .* \(at byte \d+\)/],
    ["foreign.txt", /the file is no trace: expected rtpdump .* \(at byte 0\)/],
    ["empty.pcap", /the file is empty: .* \(at byte 0\)/],
    ["silent.pcap", /there is no RTP in this pcap file \(1 frames without UDP\)/],
    ["missing.pcap", /cannot be read: there is no such file or folder/],
    [".", /cannot be read: it is a directory/],
  ])("says in one line what is wrong with %s, with exit code 2, and plays nothing", async (name, fault) => {
    const { code, out, err } = await run(path("one.pcap"), path(name), "--json");
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(fault);
    expect(err).toContain(path(name));
    expect(err.trimEnd()).not.toContain("\n");
  });

  it("says in one line what is wrong with the options, with exit code 2", async () => {
    const { code, out, err } = await run(path("one.pcap"), "--delay", "500");
    expect([code, out]).toEqual([2, ""]);
    expect(err).toBe(
      'remotemedia-webrtc replay: --delay must be a number of ms from 0 to 200, not "500" (replay --help lists the options)\n',
    );
  });

  it("shows its options", async () => {
    const { code, out } = await run("--help");
    expect(code).toBe(0);
    for (const option of ["--mode", "--delay", "--clock-rate", "--json", "--plot"])
      expect(out).toContain(option);
  });
});

describe("as a process", () => {
  it("prints JSON alone on stdout and ends with 0", async () => {
    const { code, stdout } = await startCommand(["replay", path("one.pcap"), "--json"]).ended;
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as { streams: unknown[] }).streams).toHaveLength(1);
  });

  it.each([[[]], [["--nonsense"]], [["no-such-file"]]])("ends with 2 after %j", async (args) => {
    const { code, stdout, stderr } = await startCommand(["replay", ...args]).ended;
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });
});
