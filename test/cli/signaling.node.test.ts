// The signaling command: as a process of its own where signals and exit codes matter, in this one for the rest.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { runSignaling } from "../../src/cli/signaling.ts";
import { SignalingServer } from "../../src/signaling-server/server.ts";
import { announce } from "../signaling-server/raw-peer.ts";
import { SocketPeer } from "../signaling-server/socket-world.ts";
import { captured } from "./captured.ts";

const run = (...args: string[]) => captured(runSignaling, args);

describe("the signaling command", () => {
  it("shows its options", async () => {
    const { code, out } = await run("--help");
    expect(code).toBe(0);
    for (const word of ["--port", "--host", "8080"]) expect(out).toContain(word);
  });

  it.each([
    [["--prot", "1"], "--prot"],
    [["8080"], "8080"],
    [["--port", "eighty"], "--port"],
    [["--port", "65536"], "--port"],
    [["--host", ""], "--host"],
  ])("refuses %j with exit code 2", async (args, name) => {
    const { code, err } = await run(...args);
    expect(code).toBe(2);
    expect(err).toContain(name);
    expect(err).toContain("Usage:");
  });

  it("fails with exit code 1 on a busy port and names it", async () => {
    const other = new SignalingServer({ port: 0 });
    const { port } = await other.start();
    const { code, err } = await run("--port", String(port));
    await other.close();
    expect(code).toBe(1);
    expect(err).toContain(`port ${port}`);
    expect(err).toContain("another port");
  });
});

describe("as a process", () => {
  let folder = "";
  let script = "";
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "signaling-command-"));
    script = join(folder, "command.cjs");
    const entry = fileURLToPath(new URL("../../src/cli/signaling.ts", import.meta.url));
    await build({
      stdin: {
        contents: `import { runSignaling } from ${JSON.stringify(entry)};
          runSignaling(process.argv.slice(2)).then((code) => { process.exitCode = code; });`,
        resolveDir: folder,
      },
      outfile: script,
      bundle: true,
      platform: "node",
      format: "cjs",
      logLevel: "error",
    });
  });

  afterEach(() => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
  });

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it.each(["SIGINT", "SIGTERM"] as const)(
    "serves until %s, says goodbye and exits with 0",
    async (signal) => {
      const child = spawn(process.execPath, [script, "--port", "0"], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      children.push(child);
      const exited = new Promise((resolve) => child.once("exit", resolve));
      const url = await new Promise<string>((resolve, reject) => {
        let text = "";
        child.stdout.on("data", (data) => {
          text += String(data);
          const found = /ws:\/\/\S+/.exec(text);
          if (found !== null) resolve(found[0]);
        });
        void exited.then(() => reject(new Error(`it ended early: ${text}`)));
      });
      const alice = new SocketPeer(url);
      await alice.opened();
      await announce(alice, "alice");
      child.kill(signal);
      expect(await alice.closed()).toBe(1001);
      expect(await exited).toBe(0);
    },
  );
});
