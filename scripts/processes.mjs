// What a hanging test run is made of: its processes, what each waits for, and how to end them. Descriptions come from
// Node's diagnostic reports, asked for by SIGUSR2; processes other than Node are named only.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Time for the processes to write their reports, on a machine that may be busy. */
const REPORT_MS = 3_000;
const BUSY = "      no report: it runs JavaScript or native code without a pause";
/** Time to end in good order before the signal that nothing survives. */
const GRACE_MS = 2_000;

/**
 * All processes that carry a mark in their environment, also those whose parent has gone. Where there is no /proc none
 * are found.
 * @param {string} mark `NAME=value`
 * @returns {{ pid: number, command: string }[]}
 */
export function markedProcesses(mark) {
  if (!existsSync("/proc/self/environ")) return [];
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return pids.flatMap((name) => {
    try {
      if (!readFileSync(`/proc/${name}/environ`, "utf8").split("\0").includes(mark)) return [];
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      return [{ pid: Number(name), command }];
    } catch {
      // It belongs to somebody else, or ended between the listing and the reading.
      return [];
    }
  });
}

/**
 * Command and open handles of each Node process.
 * @param {{ pid: number, command: string }[]} processes
 * @param {string} reportFolder where their diagnostic reports go
 * @returns {Promise<string>}
 */
export async function describeProcesses(processes, reportFolder) {
  const nodes = processes.filter(({ command }) => /^\S*node\b/.test(command));
  for (const { pid } of nodes) signal(pid, "SIGUSR2");
  await sleep(REPORT_MS);
  const reports = readdirSync(reportFolder).filter((name) => /^report\..*\.json$/.test(name));
  const parts = processes.map(({ pid, command }) => {
    const report = reports.find((name) => name.split(".")[3] === String(pid));
    const isNode = nodes.some((node) => node.pid === pid);
    const details = report ? describeReport(join(reportFolder, report)) : isNode ? [BUSY] : [];
    return [`  ${pid} ${command.slice(0, 160)}`, ...details].join("\n");
  });
  return parts.join("\n");
}

/** The active handles that keep a process alive; addresses and buffer sizes say nothing to a reader. */
function describeReport(path) {
  try {
    const { libuv } = JSON.parse(readFileSync(path, "utf8"));
    const handles = libuv.filter(({ is_active, is_referenced }) => is_active && is_referenced);
    return handles.map(({ type, fd, pid, localEndpoint, remoteEndpoint, firesInMsFromNow, repeat }) => {
      const facts = { fd, pid, localEndpoint, remoteEndpoint, firesInMsFromNow, repeat };
      return `      handle ${type} ${JSON.stringify(facts)}`;
    });
  } catch (error) {
    return [`      no report: ${error.message}`];
  }
}

/** End all of them: children first and in good order, then whatever is left. */
export async function endProcesses(processes) {
  for (const { pid } of [...processes].reverse()) signal(pid, "SIGTERM");
  await sleep(GRACE_MS);
  for (const { pid } of processes) signal(pid, "SIGKILL");
}

function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended already, which is what we want.
  }
}
