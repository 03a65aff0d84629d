// npm run check: everything that can be said without running the library. Prints the output of what failed and ends
// with "N passed, N failed".
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { installDependencies } from "./setup.mjs";
import { ROOT } from "./sources.mjs";

const bin = (path) => join(ROOT, "node_modules", path);

/** Name and Node command line of each check; longest first. */
const CHECKS = [
  ["eslint", bin("eslint/bin/eslint.js"), "."],
  ["types of everything", bin("typescript/bin/tsc"), "-p", "tsconfig.json"],
  ["types of the core, without DOM and Node", bin("typescript/bin/tsc"), "-p", "src/tsconfig.json"],
  ["prettier", bin("prettier/bin/prettier.cjs"), "--check", "--log-level=warn", "."],
  ["every export has a docstring", join(ROOT, "scripts/docstrings.mjs")],
];
/** As many at a time as the smallest machine we care for has cores. */
const PARALLEL = 2;

installDependencies();
// Types depend on generated files, which a fresh clone does not have.
for (const script of ["scripts/build-wasm.mjs", "scripts/build-inline.mjs"]) {
  const { status } = spawnSync(process.execPath, [join(ROOT, script)], {
    cwd: ROOT,
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) console.error(`check: ${script} failed, types will be missing`);
}

const waiting = [...CHECKS];
let passed = 0;
let failed = 0;
await Promise.all(Array.from({ length: PARALLEL }, worker));
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

async function worker() {
  for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
    const [name, ...args] = check;
    const { status, output } = await run(args);
    if (status === 0) passed++;
    else failed++;
    console.log(status === 0 ? `ok      ${name}` : `FAILED  ${name}\n${output}`);
  }
}

function run(args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
    child.on("error", (error) => resolve({ status: 1, output: error.message }));
    child.on("close", (status) => resolve({ status, output }));
  });
}
