// The examples that start all they need and measure themselves, run by the command of the README.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
/** Codecs and five peers want the machine for themselves; one that is busy otherwise spoils a run, not two. */
const PATIENCE = { timeout: 150_000, retry: 1 };

async function example(...args: string[]): Promise<{ code: number; result: Record<string, unknown> }> {
  const child = spawn(process.execPath, [join(ROOT, "scripts/example.mjs"), ...args, "--json"], {
    cwd: ROOT,
  });
  let stdout = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, "close")) as [number];
  expect(stdout.trim().split("\n"), stderr).toHaveLength(1);
  return { code, result: JSON.parse(stdout) as Record<string, unknown> };
}

it(
  "simple-peer gets its pictures back, blurred, from a program of less than 50 lines",
  PATIENCE,
  async () => {
    const { code, result } = await example("simple-peer", "--seconds", "4");
    expect(result, JSON.stringify(result)).toMatchObject({ ok: true, sent: 60 });
    expect(result.userLines).toBeLessThan(50);
    expect(code).toBe(0);
  },
);

it("conference lets each of five hear the others and not itself", PATIENCE, async () => {
  const { code, result } = await example("conference", "--seconds", "5");
  expect(result, JSON.stringify(result)).toMatchObject({ ok: true });
  expect(result.peers).toHaveLength(5);
  expect(code).toBe(0);
});

it.skipIf(process.env.CHROMIUM_PATH === undefined)(
  "pipeline-video moves the viewer whose path gets narrow, and nobody else",
  PATIENCE,
  async () => {
    const { code, result } = await example("pipeline-video", "--seconds", "2");
    expect(result, JSON.stringify(result)).toMatchObject({
      ok: true,
      changesOfTheOthers: { middle: 0, small: 0 },
    });
    expect(code).toBe(0);
  },
);

it("names the examples there are when it is given another name", async () => {
  const child = spawn(process.execPath, [join(ROOT, "scripts/example.mjs"), "nonsense"], { cwd: ROOT });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, "close")) as [number];
  expect(code).toBe(2);
  expect(stderr).toContain("conference, pipeline-video, simple-peer");
});
