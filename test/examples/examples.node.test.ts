// The programs of examples/, run as their readers would run them: against the built package.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { WebRtcTransport } from "../../src/node.ts";
import { SignalingServer } from "../../src/signaling-server/server.ts";
import { powerAt, tone } from "../interop/tones.ts";

const ROOT = join(import.meta.dirname, "../..");
const TIMEOUT_MS = 30_000;
const TONE_HZ = 700;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const running: ChildProcess[] = [];

afterEach(() => {
  for (const child of running.splice(0)) if (child.exitCode === null) child.kill("SIGKILL");
});

function run(name: string, ...args: string[]): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, [join(ROOT, "examples", name), ...args], { cwd: ROOT });
  running.push(child);
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
  return { child, output: () => text };
}

it(
  "data-channel asks, gets its answer, and exits by itself",
  async () => {
    const { child, output } = run("data-channel.mjs");
    const [code] = (await once(child, "exit")) as [number];
    expect(output()).toContain("{ sum: 42 }");
    expect(code).toBe(0);
  },
  TIMEOUT_MS,
);

it(
  "echo says hello, sends a voice back, and leaves on SIGINT",
  async () => {
    const server = new SignalingServer({ port: 0, host: "127.0.0.1" });
    const { url } = await server.start();
    const speaker = new WebRtcTransport({
      signalingUrl: url,
      peerId: "speaker",
      room: "demo",
      networkMode: "lan",
      bindAddress: "127.0.0.1",
    });
    await speaker.start();
    const hello = new Promise((resolve) => speaker.once("dataChannelMessage", resolve));
    const { child, output } = run("echo.mjs", url, "echo");
    expect(await hello).toEqual({ peerId: "echo", message: { type: "text", payload: "hello" } });

    const left = new Promise((resolve) => speaker.once("peerDisconnected", resolve));
    let index = 0;
    const speaking = setInterval(() => {
      const block = {
        type: "audio",
        samples: tone(TONE_HZ, index++),
        sampleRate: 48_000,
        channels: 1,
      } as const;
      speaker.sendToPeer("echo", block).catch(() => undefined); // it may have left already
    }, 20);
    let clear = 0;
    for await (const { samples } of speaker.frames({ peerId: "echo" })) {
      if ((powerAt(samples, [TONE_HZ])[TONE_HZ] ?? 0) > 0.01) clear++;
      if (clear === 25) break;
    }
    clearInterval(speaking);
    child.kill("SIGINT");
    const [code] = (await once(child, "exit")) as [number];
    expect(code, output()).toBe(0);
    expect(await left).toEqual({ peerId: "echo", reason: "user_requested" });
    await speaker.shutdown();
    await server.close();
  },
  TIMEOUT_MS,
);

it(
  "mixer sends each peer the others and not itself",
  async () => {
    const server = new SignalingServer({ port: 0, host: "127.0.0.1" });
    const { url } = await server.start();
    const { child, output } = run("mixer.mjs", url);
    const HZ: Record<string, number> = { low: 440, middle: 880, high: 1320 };
    // Only the mixer is heard: the three do not connect to each other.
    const speakers = Object.keys(HZ).map(
      (peerId) =>
        new WebRtcTransport({
          signalingUrl: url,
          peerId,
          room: "demo",
          networkMode: "lan",
          bindAddress: "127.0.0.1",
          allowPeers: ["mixer"],
          autoConnect: false,
          audio: { application: "audio", fec: false },
          logLevel: "silent",
        }),
    );
    const enter = async (speaker: WebRtcTransport): Promise<void> => {
      await speaker.start();
      while (!speaker.listRoom().some(({ peerId }) => peerId === "mixer")) await pause(50);
      await speaker.connectPeer("mixer");
    };
    await Promise.all(speakers.map(enter));
    let index = 0;
    const speaking = setInterval(() => {
      for (const speaker of speakers) {
        const samples = tone(HZ[speaker.peerId] ?? 0, index);
        speaker.broadcast({ type: "audio", samples, sampleRate: 48_000, channels: 1 }).catch(() => undefined);
      }
      index++;
    }, 20);
    for (const speaker of speakers) {
      const others = Object.entries(HZ).flatMap(([peerId, hz]) => (peerId === speaker.peerId ? [] : [hz]));
      const own = HZ[speaker.peerId] ?? 0;
      let clear = 0;
      for await (const { samples } of speaker.frames({ peerId: "mixer" })) {
        const power = powerAt(samples, [...others, own]);
        const hears = others.every((hz) => (power[hz] ?? 0) > 0.003);
        clear = hears && (power[own] ?? 1) < 0.0003 ? clear + 1 : 0;
        if (clear === 25) break;
      }
    }
    clearInterval(speaking);
    child.kill("SIGINT");
    const [code] = (await once(child, "exit")) as [number];
    expect(code, output()).toBe(0);
    expect(output()).toMatch(/speaks (?:low|middle|high)/);
    await Promise.all(speakers.map((speaker) => speaker.shutdown()));
    await server.close();
  },
  2 * TIMEOUT_MS,
);

it(
  "clock-drift finds the 150 ppm of its sender",
  async () => {
    const { child, output } = run("clock-drift.mjs");
    const [code] = (await once(child, "exit")) as [number];
    expect(code, output()).toBe(0);
    expect(output()).toMatch(/^drift 15\d ppm|^drift 14\d ppm/);
    expect(output()).toContain("adjust: play 1.0001");
  },
  TIMEOUT_MS,
);

it(
  "jitter-buffer lets packets out in order and tells what was missing",
  async () => {
    const { child, output } = run("jitter-buffer.mjs");
    const [code] = (await once(child, "exit")) as [number];
    expect(code, output()).toBe(0);
    expect(output()).toContain("103 ms: 6 is duplicate");
    expect(output()).toContain("150 ms: 6 after 49 ms, 1 lost before");
    expect(output()).toContain("{ lostFrames: 1, duplicateCount: 1 }");
  },
  TIMEOUT_MS,
);

it(
  "sync-manager finds the same moment in two streams",
  async () => {
    const { child, output } = run("sync-manager.mjs");
    const [code] = (await once(child, "exit")) as [number];
    expect(code, output()).toBe(0);
    expect(output()).toMatch(/alice: captured at 149\d\.\d ms/);
    expect(output()).toMatch(/bob: captured at 149\d\.\d ms/);
    expect(output()).toContain("bob's clock is -4700 ms from alice's");
  },
  TIMEOUT_MS,
);
