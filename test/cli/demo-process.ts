// Starts the built command for tests, collects what it says, and makes sure that it ends.
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The command as `npm run build` makes it. */
const CLI = join(fileURLToPath(new URL("../../", import.meta.url)), "dist/cli.js");

/** A running command. */
export interface CommandProcess {
  /** What it has said so far. */
  output(): { stdout: string; stderr: string };
  /** Resolves when stdout and stderr together match; rejects when the process ends first. */
  said(pattern: RegExp): Promise<RegExpMatchArray>;
  /** Ends it by signal, SIGINT unless another is given. */
  interrupt(signal?: NodeJS.Signals): void;
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

/** Start the command with these arguments. @param env added to the environment, also of what it starts */
export function startCommand(args: readonly string[], env: NodeJS.ProcessEnv = {}): CommandProcess {
  const child = spawn(process.execPath, [CLI, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  const text = { stdout: "", stderr: "" };
  const listeners = new Set<() => void>();
  for (const name of ["stdout", "stderr"] as const) {
    child[name].on("data", (chunk: Buffer) => {
      text[name] += chunk.toString();
      for (const listener of listeners) listener();
    });
  }
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...text }));
  });
  return {
    output: () => ({ ...text }),
    said: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = (text.stdout + text.stderr).match(pattern);
          if (match === null) return;
          listeners.delete(look);
          resolve(match);
        };
        listeners.add(look);
        look();
        const missed = (): void => reject(new Error(`never said ${pattern}:\n${text.stdout}${text.stderr}`));
        ended.then(missed, missed);
      }),
    interrupt: (signal = "SIGINT") => child.kill(signal),
    ended,
  };
}

/** All processes that have this in their environment, as Linux shows them; a test's own marks are found in what it started. */
export function processesWith(mark: Readonly<Record<string, string>>): { pid: number; command: string }[] {
  const wanted = Object.entries(mark).map(([name, value]) => `${name}=${value}`);
  const names = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return names.flatMap((name) => {
    try {
      const environment = readFileSync(`/proc/${name}/environ`, "utf8").split("\0");
      if (!wanted.every((entry) => environment.includes(entry))) return [];
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ");
      return [{ pid: Number(name), command }];
    } catch {
      // It ended between the listing and the reading, or belongs to somebody else.
      return [];
    }
  });
}
