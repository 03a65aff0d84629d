// npm run example -- NAME [--seconds N] [--json]: set-up on stderr, then one of the examples that start all they need on
// loopback and say at the end what they saw. With --json one object, `{ ok, ... }`, on stdout and nothing else.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { isolation } from "./isolation.mjs";
import { whenOrphaned } from "./orphan.mjs";
import { setUp } from "./setup.mjs";
import { ROOT } from "./sources.mjs";

const EXAMPLES = join(ROOT, "examples");
/** Longest run asked for, s. */
const MAX_SECONDS = 3_600;
/** In the environment of the process in the namespace. */
const ISOLATED = "EXAMPLE_ISOLATED";

const runnable = (name) => existsSync(join(EXAMPLES, name, "run.mjs"));
const names = readdirSync(EXAMPLES).filter(runnable);
const usage = `usage: npm run example -- NAME [--seconds N] [--json]
NAME is one of ${names.join(", ")}`;

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`example: ${error.stack ?? error}\n`);
  process.exitCode = 1;
}

/** @returns {Promise<number>} the exit code: 0 when all went well, 1 when not, 2 for wrong usage */
async function main() {
  const wanted = readArguments();
  if (typeof wanted === "string") {
    process.stderr.write(`example: ${wanted}\n${usage}\n`);
    return 2;
  }
  const { name, seconds, json } = wanted;
  if (process.env[ISOLATED] === undefined) {
    const needsBrowser = existsSync(join(EXAMPLES, name, "page.mjs"));
    const { chromium } = setUp({ tests: needsBrowser });
    if (needsBrowser && chromium === undefined) {
      process.stderr.write("example: this one needs Chromium; install it or set CHROMIUM_PATH\n");
      return 1;
    }
    const isolated = needsBrowser ? isolation() : undefined;
    if (isolated !== undefined) return again(isolated.command, chromium);
    if (needsBrowser) process.env.CHROMIUM_PATH = chromium;
  }
  whenOrphaned(() => process.exit(1));
  const { run } = await import(pathToFileURL(join(EXAMPLES, name, "run.mjs")).href);
  const tell = (text) => void (json || process.stdout.write(`${text}\n`));
  const result = await run({ ...(seconds !== undefined && { seconds }), tell });
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else tell(result.ok ? "ok" : "not ok");
  return result.ok ? 0 : 1;
}

/** The same in a namespace with nothing but loopback. */
function again(command, chromium) {
  const [file, ...args] = [...command, process.execPath, ...process.argv.slice(1)];
  const env = { ...process.env, [ISOLATED]: "yes", CHROMIUM_PATH: chromium };
  return spawnSync(file, args, { cwd: ROOT, env, stdio: "inherit" }).status ?? 1;
}

function readArguments() {
  try {
    const options = { seconds: { type: "string" }, json: { type: "boolean", default: false } };
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    const [name, ...more] = positionals;
    if (name === undefined) return "which one?";
    if (!names.includes(name)) return `there is no example "${name}"`;
    if (more.length > 0) return `one at a time, not ${positionals.join(" and ")}`;
    const seconds = values.seconds === undefined ? undefined : Number(values.seconds);
    if (seconds !== undefined && !(seconds >= 1 && seconds <= MAX_SECONDS)) {
      return `--seconds: expected a number from 1 to ${MAX_SECONDS}, not ${values.seconds}`;
    }
    return { name, seconds, json: values.json };
  } catch (error) {
    return error.message;
  }
}
