// Runs a program of the examples as its users would: in a process of its own, ended by a signal.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/**
 * @param {URL} program to be run by this Node
 * @param {string[]} args
 * @returns {{ end(): Promise<string> }} `end` asks it to stop; what it has written to its stdout
 */
export function startProcess(program, ...args) {
  const child = spawn(process.execPath, [fileURLToPath(program), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const leave = () => child.kill("SIGKILL");
  process.once("exit", leave);
  let text = "";
  child.stdout.on("data", (chunk) => (text += chunk));
  const exited = once(child, "exit");
  return {
    async end() {
      child.kill("SIGTERM");
      await exited;
      process.off("exit", leave);
      return text;
    },
  };
}
