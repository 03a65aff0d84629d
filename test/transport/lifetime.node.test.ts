// Whole transports of the built package, in processes of their own: what they leave behind, and what the death of one
// does to the others.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, it } from "vitest";
import { WebRtcTransport } from "../../src/node.ts";
import { SignalingServer } from "../../src/signaling-server/server.ts";

const ROOT = join(import.meta.dirname, "../..");
const CYCLES = 50;
const GROWTH_LIMIT = 1.1;

function run(...args: string[]): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout?.on("data", (chunk: Buffer) => (text += chunk.toString()));
  return { child, output: () => text };
}

it(`keeps nothing of ${3 * CYCLES} pairs, and lets the process exit`, async () => {
  const { child, output } = run("--expose-gc", join(import.meta.dirname, "cycles.mjs"), String(CYCLES));
  const [code] = (await once(child, "exit")) as [number];
  expect(code).toBe(0);
  const { middleMb, endMb, heard, told } = JSON.parse(output()) as Record<string, number>;
  console.log(
    `memory after ${2 * CYCLES} pairs ${middleMb!.toFixed(1)} MB, after ${3 * CYCLES} ${endMb!.toFixed(1)} MB`,
  );
  expect(told).toBe(3 * CYCLES);
  expect(heard).toBeGreaterThan(0);
  expect(endMb! / middleMb!).toBeLessThan(GROWTH_LIMIT);
}, 180_000);

it("is not hurt by a peer that is killed", async () => {
  const server = new SignalingServer({ port: 0, host: "127.0.0.1" });
  const { url: signalingUrl } = await server.start();
  const peer = (peerId: string): WebRtcTransport =>
    new WebRtcTransport({ signalingUrl, peerId, room: "demo", networkMode: "lan", bindAddress: "127.0.0.1" });
  const [survivor, other] = [peer("survivor"), peer("other")];
  await survivor.start();
  const { child } = run(join(ROOT, "examples/echo.mjs"), signalingUrl, "victim");
  await new Promise((resolve) => survivor.once("dataChannelMessage", resolve));
  child.kill("SIGKILL");
  await once(child, "exit");
  const block = { type: "audio", samples: new Float32Array(960), sampleRate: 48_000, channels: 1 } as const;
  for (let i = 0; i < 20; i++) await survivor.sendToPeer("victim", block);
  await other.start();
  await new Promise((resolve) => survivor.once("peerConnected", resolve));
  expect(survivor.listPeers().map(({ peerId }) => peerId)).toContain("other");
  await Promise.all([survivor.shutdown(), other.shutdown()]);
  await server.close();
}, 60_000);
