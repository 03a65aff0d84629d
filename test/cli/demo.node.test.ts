import { existsSync } from "node:fs";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DemoReport } from "../../src/cli/demo/report.ts";
import { Voice } from "../../src/cli/demo/voice.ts";
import { parseWav, toPcm16, wavHeader } from "../../src/cli/demo/wav.ts";
import { processesWith, startCommand } from "./demo-process.ts";
import type { CommandProcess } from "./demo-process.ts";

/** A machine under load may spoil the sound of one run; of a sound demo it does not spoil three. */
const TALK = { timeout: 90_000, retry: 2 };
/** Processes start and end slowly on such a machine. */
const PATIENCE = { timeout: 60_000 };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "demo-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** A voice as a mono 16-bit file at 16 kHz. */
async function writeVoice(path: string, seconds: number): Promise<void> {
  const voice = new Voice(42).next(seconds * 48_000);
  const samples = Float32Array.from({ length: seconds * 16_000 }, (_, i) => {
    const at = 3 * i;
    return ((voice[at] ?? 0) + (voice[at + 1] ?? 0) + (voice[at + 2] ?? 0)) / 3;
  });
  const pcm = toPcm16(samples);
  await writeFile(path, Buffer.concat([wavHeader(pcm.byteLength, 16_000), new Uint8Array(pcm.buffer)]));
}

/** Where each channel of a file of two is loudest in every second of it: its clicks, in samples from the file's start. */
function clicksOf(bytes: Buffer): [number, number][] {
  const pcm = new Int16Array(bytes.buffer.slice(bytes.byteOffset + 44, bytes.byteOffset + bytes.length));
  const found: [number, number][] = [];
  const peak = (channel: number, from: number, to: number): { at: number; level: number } => {
    const best = { at: from, level: 0 };
    for (let i = from; i < to; i++) {
      const level = Math.abs(pcm[2 * i + channel] ?? 0);
      if (level > best.level) Object.assign(best, { at: i, level });
    }
    return best;
  };
  const half = 24_000;
  for (let from = 0; from + 48_000 <= pcm.length / 2; from += 48_000) {
    const first = peak(0, from, from + 48_000);
    const second = peak(1, Math.max(0, first.at - half), first.at + half);
    if (first.level > 0.35 * 0x8000 && second.level > 0.35 * 0x8000) found.push([first.at, second.at]);
  }
  return found;
}

describe("demo --json", () => {
  it("prints one object: every peer heard every other, in time", TALK, async () => {
    const demo = startCommand(["demo", "--json", "--seconds", "5", "--port", "0"]);
    const { code, stdout, stderr } = await demo.ended;
    expect(code, stderr).toBe(0);
    const report = JSON.parse(stdout) as DemoReport;
    expect(stdout.trim().split("\n")).toHaveLength(1);
    expect(report.ok, stdout).toBe(true);
    expect(report.peers.map(({ id }) => id)).toEqual(["alice", "bob", "carol"]);
    for (const { id, received } of report.peers) {
      expect(received.map(({ from }) => from)).toEqual(
        ["alice", "bob", "carol"].filter((name) => name !== id),
      );
      for (const row of received) {
        expect(row.packets).toBeGreaterThan(150);
        expect(row.similarity).toBeGreaterThan(0.9);
        expect(row.similarity).toBeLessThanOrEqual(1);
        expect(row.latencyMsP95).toBeGreaterThan(0);
        expect(row.bufferDelayMs).toBeGreaterThan(0);
      }
    }
    expect(report.setupMs.p50).toBeGreaterThan(0);
    expect(report.setupMs.p95).toBeGreaterThanOrEqual(report.setupMs.p50 ?? Infinity);
    expect(report.rssMb).toBeGreaterThan(20);
    expect(report.cpuPercent).toBeGreaterThan(0);
    expect(report.processes.map(({ peers }) => peers)).toEqual([["alice", "bob", "carol"]]);
    expect(report.alignment).toBeUndefined();
  });

  it("plays WAV files and records what was sent and received, on one clock", TALK, async () => {
    const wav = join(folder, "voice.wav");
    const out = join(folder, "out");
    await writeVoice(wav, 6);
    const args = ["--json", "--peers", "2", "--seconds", "4", "--port=0", "--wav", wav, "--record", out];
    const { code, stdout, stderr } = await startCommand(["demo", ...args]).ended;
    expect(code, stderr).toBe(0);
    expect((JSON.parse(stdout) as DemoReport).ok, stdout).toBe(true);
    const names = (await readdir(out)).sort();
    expect(names).toEqual([
      "received-alice-from-bob.wav",
      "received-bob-from-alice.wav",
      "sent-alice.wav",
      "sent-bob.wav",
    ]);
    const files = await Promise.all(names.map(async (name) => parseWav(await readFile(join(out, name)))));
    for (const { sampleRate, samples } of files) {
      expect(sampleRate).toBe(48_000);
      expect(samples).toHaveLength(files[0]?.samples.length ?? 0);
      expect(samples.length).toBeGreaterThan(4 * 48_000);
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      expect(Math.sqrt(power)).toBeGreaterThan(0.01);
    }
  });
});

describe("demo --mix", () => {
  it("aligns peers whose clocks are off, mixes them, and records what clicked at once", TALK, async () => {
    const out = join(folder, "out");
    const args = ["--json", "--mix", "--clicks", "--seconds", "12", "--port=0", "--record", out];
    const { code, stdout, stderr } = await startCommand(["demo", ...args]).ended;
    expect(code, stderr).toBe(0);
    const report = JSON.parse(stdout) as DemoReport;
    expect(report.ok, stdout).toBe(true);
    expect(report.alignment?.sets).toBeGreaterThan(15);
    expect(report.alignment?.errorMsP95).toBeLessThan(20);
    for (const { received } of report.peers) {
      for (const row of received) expect(row.captureErrorUs).toBeLessThan(20_000);
    }
    expect(JSON.parse(await readFile(join(out, "channels.json"), "utf8"))).toEqual({
      "aligned-alice.wav": ["bob", "carol"],
    });
    const names = await readdir(out);
    expect(names).not.toContain("sent-alice.wav");
    const clicks = clicksOf(await readFile(join(out, "aligned-alice.wav")));
    expect(clicks.length).toBeGreaterThan(4);
    const apart = clicks.map(([bob, carol]) => Math.abs(bob - carol) / 48).sort((a, b) => a - b);
    expect(apart[Math.floor(apart.length / 2)], String(apart)).toBeLessThan(20);
  });

  it("spreads five peers over processes, each other mixing too with 'all'", TALK, async () => {
    // Long frames, since other tests run beside it and five peers that mix take more than a core as it is.
    const args = ["--json", "--peers", "5", "--mix", "all", "--seconds", "12", "--frame-ms=60", "--port=0"];
    const { code, stdout, stderr } = await startCommand(["demo", ...args]).ended;
    expect(code, stderr).toBe(0);
    // How well it sounds is said by tests of fewer peers: on a small machine five that mix take all there is.
    const report = JSON.parse(stdout) as DemoReport;
    for (const { received } of report.peers) {
      expect(received).toHaveLength(4);
      for (const { packets, similarity } of received) {
        expect(packets, stdout).toBeGreaterThan(150);
        expect(similarity, stdout).toBeGreaterThan(0.5);
      }
    }
    expect(report.processes.map(({ peers }) => peers)).toEqual([
      [],
      ["alice"],
      ["bob", "carol"],
      ["dave", "erin"],
    ]);
    expect(report.alignment?.sets).toBeGreaterThan(5 * 15);
  });
});

describe.skipIf(!existsSync("/proc/self/environ"))("the processes of the demo", () => {
  const mark = { DEMO_TEST: String(process.pid) };
  const left = (): unknown[] => processesWith(mark);

  /** A demo of five peers, and the processes that carry them. */
  async function startSpread(...args: string[]): Promise<{ demo: CommandProcess; children: number[] }> {
    const demo = startCommand(["demo", "--peers", "5", "--port", "0", ...args], mark);
    await demo.said(/pairs connected/);
    const children = processesWith(mark).filter(({ command }) => command.includes("demo-peers"));
    expect(children).toHaveLength(2);
    return { demo, children: children.map(({ pid }) => pid) };
  }

  it.each(["SIGINT", "SIGKILL"] as const)("all end when the first one gets %s", PATIENCE, async (signal) => {
    const { demo } = await startSpread();
    demo.interrupt(signal);
    await demo.ended;
    await expect.poll(left, { timeout: 20_000 }).toEqual([]);
  });

  it("are missed when one dies, and the rest goes on to its end", PATIENCE, async () => {
    const { demo, children } = await startSpread("--json", "--seconds", "4");
    process.kill(children[0] ?? NaN, "SIGKILL");
    const { code, stdout, stderr } = await demo.ended;
    expect(code).toBe(0);
    expect(stderr).toMatch(/the process of [\w, ]+ has ended \(SIGKILL\)/);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false });
    expect(left()).toEqual([]);
  });
});

describe("demo", () => {
  it(
    "shows a table, takes the next port when one is busy, and ends with 0 on Ctrl-C",
    { timeout: 60_000 },
    async () => {
      const first = startCommand(["demo", "--peers", "2", "--port", "0"]);
      const [, port = ""] = await first.said(/http:\/\/localhost:(\d+)\//);
      const second = startCommand(["demo", "--peers", "2", "--port", port]);
      const [, next = ""] = await second.said(/is busy, using (\d+)/);
      expect(Number(next)).toBeGreaterThan(Number(port));
      const page = await fetch(`http://127.0.0.1:${next}/`);
      expect(page.status).toBe(200);
      expect(page.headers.get("cross-origin-opener-policy")).toBe("same-origin");
      expect(await page.text()).toContain("page.js");
      for (const file of ["page.js", "capture.js", "style.css"]) {
        expect((await fetch(`http://127.0.0.1:${next}/${file}`)).status).toBe(200);
      }
      await first.said(/alice +bob +\d+ +\d+/);
      first.interrupt();
      second.interrupt();
      for (const demo of [first, second]) {
        const { code, stderr } = await demo.ended;
        expect(code, stderr).toBe(0);
        expect(stderr).toBe("");
      }
    },
  );

  it("ends with 0 on Ctrl-C while it is still starting", { timeout: 60_000 }, async () => {
    const demo = startCommand(["demo", "--json", "--port", "0"]);
    await demo.said(/join with your microphone/);
    demo.interrupt();
    const { code, stdout } = await demo.ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false });
  });

  it.each([
    [["--peers", "1"], /--peers must be a whole number from 2 to 10/],
    [["--volume", "11"], /unknown option "--volume"/],
    [["--wav", "/nowhere/voice.wav"], /--wav \/nowhere\/voice\.wav: .*ENOENT/],
    [["--wav", import.meta.filename], /--wav .*: not a WAV file/],
    [["--record", import.meta.filename], /--record .*: .*EEXIST/],
    [["--seconds", "-1"], /--seconds must be a number/],
  ])("refuses %j with exit code 2, naming the option", async (args, complaint) => {
    const { code, stdout, stderr } = await startCommand(["demo", "--json", ...args]).ended;
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(complaint);
  });
});

describe("the command", () => {
  it.each([
    [["--help"], 0, /Usage: remotemedia-webrtc <command>/],
    [["demo", "--help"], 0, /Usage: remotemedia-webrtc demo/],
    [["--version"], 0, /^\d+\.\d+\.\d+\n$/],
  ])("answers %j", async (args, wanted, text) => {
    const { code, stdout } = await startCommand(args).ended;
    expect(code).toBe(wanted);
    expect(stdout).toMatch(text);
  });

  it.each([
    [[], /a command is missing/],
    [["dance"], /unknown command "dance"/],
  ] as [string[], RegExp][])("refuses %j", async (args, complaint) => {
    const { code, stderr } = await startCommand(args).ended;
    expect(code).toBe(2);
    expect(stderr).toMatch(complaint);
  });
});
