// npm test [-- vitest arguments]: set-up, then all tests inside a network namespace with nothing but loopback where the
// system allows. The last line is "N passed, N failed". A run that hangs is described and ended.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isolation } from "./isolation.mjs";
import { whenOrphaned } from "./orphan.mjs";
import { describeProcesses, endProcesses, markedProcesses } from "./processes.mjs";
import { setUp } from "./setup.mjs";
import { ROOT } from "./sources.mjs";

/** A healthy run prints a line for each file; the slowest takes over a minute on a busy two-core machine. */
const SILENCE_LIMIT_MS = Number(process.env.TEST_SILENCE_LIMIT_MS ?? 300_000);
/** CI has 20 minutes for everything; a healthy run takes a fraction of this. */
const RUN_LIMIT_MS = Number(process.env.TEST_RUN_LIMIT_MS ?? 1_020_000);
/** Time for browsers and other children to end after vitest has. */
const FAREWELL_MS = 3_000;
const REPORT_FOLDER = join(ROOT, "build/test");
const SUMMARY_PATH = join(REPORT_FOLDER, "summary.json");
const RUNNING_PATH = `${SUMMARY_PATH}.running`;
/** In the environment of every process of this run, and of nothing else. */
const MARK = ["TEST_RUN", `${process.pid}-${Date.now()}`];

const userArguments = process.argv.slice(2);
/** Printed before the last line; a fault counts as a failure, a notice does not. */
const notices = [];
const faults = [];

try {
  rmSync(REPORT_FOLDER, { recursive: true, force: true });
  mkdirSync(REPORT_FOLDER, { recursive: true });
  const { chromium } = setUp({ tests: true });
  conclude(await runTests(vitestArguments(chromium), chromium));
} catch (error) {
  faults.push(error.message);
  finish(0, 0);
}

function vitestArguments(chromium) {
  const args = [join(ROOT, "node_modules/vitest/vitest.mjs"), "run"];
  args.push("--reporter=default", `--reporter=${join(ROOT, "scripts/test-summary.mjs")}`);
  // Coverage of a part says nothing and would miss the threshold.
  if (userArguments.length === 0) args.push("--coverage");
  if (chromium === undefined) {
    args.push("--project=node", "--project=native", "--project=alone");
    notices.push(
      "SKIPPED: the whole project chromium, there is no Chromium here; install it or set CHROMIUM_PATH",
    );
  }
  return [...args, ...userArguments];
}

/** @returns {Promise<number>} vitest's exit code, 1 when a signal ended it */
async function runTests(args, chromium) {
  const [command, ...rest] = [...isolationCommand(), process.execPath, ...args];
  const child = spawn(command, rest, {
    cwd: ROOT,
    env: environment(chromium),
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  whenOrphaned(() => child.kill("SIGTERM"));
  const stopWatching = watch(child);
  const exitCode = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? 1));
  });
  stopWatching();
  await endLeftovers();
  // A process that outlives its parent could hold these pipes open for ever.
  child.stdout.destroy();
  child.stderr.destroy();
  return exitCode;
}

function environment(chromium) {
  const env = { ...process.env, [MARK[0]]: MARK[1], TEST_SUMMARY_PATH: SUMMARY_PATH };
  // A hanging process is asked by signal to write down what keeps it alive.
  const reports = ["--report-on-signal", "--report-compact", "--report-exclude-network"];
  const folder = `--report-directory=${JSON.stringify(REPORT_FOLDER)}`;
  env.NODE_OPTIONS = [process.env.NODE_OPTIONS ?? "", ...reports, folder].join(" ");
  if (chromium !== undefined) env.CHROMIUM_PATH = chromium;
  if (process.stdout.isTTY) env.FORCE_COLOR ??= "1";
  return env;
}

/** @returns {string[]} what the command of the tests begins with; empty where there are no namespaces */
function isolationCommand() {
  const isolated = isolation();
  if (isolated !== undefined) {
    console.log(`test: in a network namespace with loopback only (${isolated.how})`);
    return isolated.command;
  }
  notices.push(
    "NOTICE: ran without a network namespace, because unshare or ip is missing or not allowed here",
  );
  return [];
}

/** Pass output on, and end a run that is silent or lasts too long after printing what its processes wait for. */
function watch(child) {
  const startedAt = Date.now();
  let lastOutputAt = startedAt;
  const passTo = (stream) => (chunk) => {
    lastOutputAt = Date.now();
    stream.write(chunk);
  };
  child.stdout.on("data", passTo(process.stdout));
  child.stderr.on("data", passTo(process.stderr));
  const timer = setInterval(async () => {
    const silentMs = Date.now() - lastOutputAt;
    const runMs = Date.now() - startedAt;
    if (silentMs < SILENCE_LIMIT_MS && runMs < RUN_LIMIT_MS) return;
    clearInterval(timer);
    const why = silentMs >= SILENCE_LIMIT_MS ? `was silent for ${silentMs} ms` : `lasted ${runMs} ms`;
    faults.push(`the run ${why} and was ended`);
    const processes = markedProcesses(MARK.join("="));
    const description = await describeProcesses(processes, REPORT_FOLDER);
    const files = existsSync(RUNNING_PATH) ? readFileSync(RUNNING_PATH, "utf8") : "none";
    console.error(`test: the run ${why}\ntest files that run:\n${files}\nprocesses:\n${description}`);
    await endProcesses(processes);
    child.kill("SIGKILL");
  }, 1_000);
  return () => clearInterval(timer);
}

/** What is still alive after vitest is a fault of a test: name it and end it. */
async function endLeftovers() {
  const deadline = Date.now() + FAREWELL_MS;
  let leftovers;
  do {
    // One turn at least, so that the last output is passed on.
    await sleep(100);
    leftovers = markedProcesses(MARK.join("="));
  } while (leftovers.length > 0 && Date.now() < deadline);
  if (leftovers.length === 0) return;
  for (const { pid, command } of leftovers)
    faults.push(`process ${pid} was left behind: ${command.slice(0, 160)}`);
  await endProcesses(leftovers);
}

function conclude(exitCode) {
  if (!existsSync(SUMMARY_PATH)) {
    faults.push(`vitest ended with code ${exitCode} and without a result`);
    return finish(0, 0);
  }
  const { passed, failed, skipped } = JSON.parse(readFileSync(SUMMARY_PATH, "utf8"));
  if (exitCode !== 0 && failed + faults.length === 0)
    faults.push(`vitest ended with code ${exitCode}, see above`);
  for (const { project, file, test, reason } of skipped) {
    notices.push(`SKIPPED: ${project} ${file} > ${test}: ${reason}`);
  }
  finish(passed, failed);
}

function finish(passed, failed) {
  for (const notice of notices) console.log(notice);
  for (const fault of faults) console.log(`FAILED: ${fault}`);
  const allFailed = failed + faults.length;
  console.log(`${passed} passed, ${allFailed} failed`);
  process.exitCode = allFailed === 0 ? 0 : 1;
}
