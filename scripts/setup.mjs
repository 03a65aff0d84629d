// npm run setup [-- --test]: brings what the demo, the tests and CI need, and says on stderr what it brings and why.
// Plain Node without dependencies, because they may not be there yet.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isBuilt, ROOT } from "./sources.mjs";

const CHROMIUM_PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/**
 * Bring dependencies and build up to date; for tests also Chromium, and `ip` for the network namespace.
 * @param {{ tests?: boolean }} options
 * @returns {{ chromium: string | undefined }} the browser for tests, if there is one
 * @throws {Error} when dependencies or the build cannot be brought
 */
export function setUp({ tests = false } = {}) {
  installDependencies();
  buildPackage();
  if (!tests) return { chromium: undefined };
  installSystemPackages();
  return { chromium: findChromium() };
}

/** Bring node_modules up to the lock file. @throws {Error} when npm cannot */
export function installDependencies() {
  const reason = staleDependency();
  if (reason === undefined) return;
  say(`installing dependencies with npm ci, because ${reason}`);
  run("npm", ["ci", "--include=dev", "--no-audit", "--no-fund"], "npm ci");
}

/** @returns {string | undefined} why node_modules does not fit the lock file */
function staleDependency() {
  const installedPath = join(ROOT, "node_modules/.package-lock.json");
  if (!existsSync(installedPath)) return "node_modules is missing";
  const wanted = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")).packages;
  const installed = JSON.parse(readFileSync(installedPath, "utf8")).packages;
  for (const [path, { version, optional, devOptional, peer, link }] of Object.entries(wanted)) {
    if (path === "" || link) continue;
    const present = installed[path];
    // Packages for other platforms are optional and rightly absent.
    if (present === undefined && (optional || devOptional || peer)) continue;
    if (present?.version !== version) return `${path} is ${present?.version ?? "missing"}, not ${version}`;
  }
  return undefined;
}

function buildPackage() {
  if (isBuilt()) return;
  say("building, because dist is missing or the sources have changed");
  run(process.execPath, [join(ROOT, "scripts/build.mjs")], "The build");
}

function installSystemPackages() {
  const missing = [];
  const browserWanted = process.env.CHROMIUM_PATH === undefined && findChromium() === undefined;
  if (browserWanted) missing.push({ name: "chromium", why: "the browser tests run in it" });
  const namespaces = process.platform === "linux" && isCommand("unshare");
  if (namespaces && !isCommand("ip")) {
    missing.push({ name: "iproute2", why: "its ip opens the loopback of the tests' network namespace" });
  }
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name);
  const reasons = missing.map(({ name, why }) => `${name} (${why})`).join(" and ");
  if (process.getuid?.() !== 0 || !isCommand("apt-get")) {
    say(`missing: ${reasons}; install it by hand, for example: sudo apt-get install ${names.join(" ")}`);
    return;
  }
  say(`installing ${reasons} with apt-get`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [["update"], ["install", "-y", "--no-install-recommends", ...names]]) {
    const { status } = spawnSync("apt-get", ["-q", ...args], { stdio: ["ignore", 2, 2], env });
    if (status !== 0) return say(`apt-get ${args[0]} failed; the tests go on without ${names.join(" and ")}`);
  }
}

/** @returns {string | undefined} CHROMIUM_PATH if it is set and exists, else a browser in a usual place */
function findChromium() {
  const named = process.env.CHROMIUM_PATH;
  if (named === undefined) return CHROMIUM_PATHS.find((path) => existsSync(path));
  if (existsSync(named)) return named;
  say(`CHROMIUM_PATH names ${named}, which does not exist`);
  return undefined;
}

function isCommand(name) {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return folders.some((folder) => existsSync(join(folder, name)));
}

/** Run a command in the project, its output on our stderr. @throws {Error} when it fails */
function run(command, args, what) {
  const shell = process.platform === "win32" && command === "npm";
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio: ["ignore", 2, 2], shell });
  if (status !== 0) throw new Error(`${what} failed${error ? `: ${error.message}` : ""}`);
}

function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const tests = process.argv.includes("--test");
    const { chromium } = setUp({ tests });
    if (tests && chromium === undefined) say("no Chromium: browser tests will be skipped");
    say("everything is in place");
  } catch (error) {
    say(error.message);
    process.exitCode = 1;
  }
}
