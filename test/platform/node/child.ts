// Runs a TypeScript program of this folder in a process of its own: what ends a process must be watched from another.
import { buildSync } from "esbuild";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));

/** Inside node_modules, so that the program finds its packages. */
const OUTPUT = fileURLToPath(new URL("../../../node_modules/.cache/platform-node-test/", import.meta.url));

/** How a process has ended. */
export interface Ending {
  code: number | null;
  signal: string | null;
  /** Lines of its standard output, parsed as JSON. */
  lines: unknown[];
  stderr: string;
}

/** A running program. */
export interface Program {
  process: ChildProcess;
  /** Never rejects; a program that overstays is killed, which `signal` then says. */
  ended: Promise<Ending>;
}

/** Bundle `entry`, a file of this folder; returns the path of the program. */
export function bundle(entry: string): string {
  mkdirSync(OUTPUT, { recursive: true });
  const outfile = join(OUTPUT, `${entry.replace(/\.ts$/, "")}-${process.pid}.mjs`);
  buildSync({
    entryPoints: [join(HERE, entry)],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
  });
  return outfile;
}

/** Remove a bundled program. */
export function discard(program: string): void {
  rmSync(program, { force: true });
}

/** Start a bundled program, with IPC; kill it after `timeoutMs`. */
export function start(program: string, args: readonly string[], timeoutMs: number): Program {
  const child = spawn(process.execPath, ["--expose-gc", program, ...args], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  const ended = new Promise<Ending>((resolve) => {
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const lines = stdout.split("\n").filter((line) => line !== "");
      resolve({ code, signal, lines: lines.map((line) => JSON.parse(line) as unknown), stderr });
    });
  });
  return { process: child, ended };
}
