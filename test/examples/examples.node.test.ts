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
  "simple-peer says hello, sends a voice back, and leaves on SIGINT",
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
    const { child, output } = run("simple-peer.mjs", url, "echo");
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
