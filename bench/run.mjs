// npm run bench [-- --json] [--only TEXT]: bundles every *.bench.ts, runs it in Node and, where it says it can, in
// headless Chromium, and prints its tables. `--only` keeps benches whose name contains the text.
import { build } from "esbuild";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { builtinModules } from "node:module";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const OUT = join(ROOT, "build/bench");
const CHROMIUM = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium";
const CHROMIUM_ARGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];
// Without them there is no SharedArrayBuffer and the clock is coarse.
const ISOLATION_HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

// The kernels' source run as JavaScript, a baseline for the kernels themselves.
const kernelTwin = {
  name: "kernel-twin",
  setup(context) {
    const assembly = join(ROOT, "assembly");
    context.onResolve({ filter: /^virtual:kernel-twin$/ }, () => ({
      path: "twin",
      namespace: "kernel-twin",
    }));
    context.onLoad({ filter: /.*/, namespace: "kernel-twin" }, () => ({
      contents: 'export * as twin from "./index.ts"; export { bind } from "./memory.portable.ts";',
      resolveDir: assembly,
      loader: "ts",
    }));
    context.onResolve({ filter: /^\.\/memory$/ }, ({ resolveDir }) =>
      resolveDir === assembly ? { path: join(assembly, "memory.portable.ts") } : undefined,
    );
  },
};

// A baseline for Node may import Node's modules at its top. In a page they are things of which every member exists and
// nothing works: enough for code that never calls them.
const nodeModules = {
  name: "node-modules",
  setup(context) {
    const names = new Set([...builtinModules, ...builtinModules.map((name) => `node:${name}`)]);
    const filter = /^[a-z_:/0-9]+$/;
    context.onResolve({ filter }, ({ path }) =>
      names.has(path) ? { path, namespace: "node-module" } : undefined,
    );
    context.onLoad({ filter: /.*/, namespace: "node-module" }, () => ({
      contents: `
        const anything = new Proxy(function () {}, {
          get: (target, key) =>
            key === "prototype" ? target.prototype : key === Symbol.toPrimitive ? () => "" : anything,
          // Named imports are looked up on the prototype of the module.
          getPrototypeOf: () => anything,
          apply: () => anything,
          construct: () => anything,
        });
        module.exports = anything;`,
      loader: "js",
    }));
  },
};

const { json, only } = parseArguments(process.argv.slice(2));
const files = chosen(benchFiles(join(ROOT, "bench")));
const parts = [...(await runInNode()), ...(await runInChromium())];
const results = parts.flatMap((part) => part.results);
const distributions = parts.flatMap((part) => part.distributions);
const figures = parts.flatMap((part) => part.figures);
if (json) console.log(JSON.stringify({ node: process.version, results, distributions, figures }, null, 2));
else printTables();

function parseArguments(args) {
  const options = { json: false, only: "" };
  for (let i = 0; i < args.length; i++) {
    if (args[i] === "--json") options.json = true;
    else if (args[i] === "--only" && args[i + 1] !== undefined) options.only = args[++i];
    else fail(`unknown argument ${args[i]}; usage: run.mjs [--json] [--only TEXT]`);
  }
  return options;
}

function benchFiles(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return benchFiles(path);
    return entry.name.endsWith(".bench.ts") ? [path] : [];
  });
}

// `--only` names a file, or cases in any of them; then all must be looked through.
function chosen(all) {
  const named = all.filter((file) => nameOf(file).includes(only) || only.startsWith(`${nameOf(file)}:`));
  return named.length > 0 ? named : all;
}

function nameOf(file) {
  return relative(join(ROOT, "bench"), file)
    .replace(/\.bench\.ts$/, "")
    .replaceAll("\\", "/");
}

// Each file in a process of its own: what one does to the heap and the compiler, the next does not inherit.
async function runInNode() {
  const found = [];
  for (const file of files) {
    const script = await bundle(file, "node");
    const code = `import(${JSON.stringify(pathToFileURL(script).href)}).then((bench) => bench.run("node")).then((results) => {
      process.stdout.write(JSON.stringify(results));
      process.exit(0);
    });`;
    say(`${nameOf(file)} in Node`);
    const stdio = ["ignore", "pipe", "inherit"];
    found.push(
      JSON.parse(execFileSync(process.execPath, ["-e", code], { cwd: ROOT, stdio, encoding: "utf8" })),
    );
  }
  return found;
}

async function runInChromium() {
  if (!existsSync(CHROMIUM)) {
    say(`no Chromium at ${CHROMIUM}: its half of the table is missing (CHROMIUM_PATH names another)`);
    return [];
  }
  const { chromium } = await import("playwright");
  const server = await serve();
  const browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: CHROMIUM_ARGS });
  try {
    const found = [];
    for (const file of files) {
      if (!(await runsInChromium(file))) continue;
      const script = await bundle(file, "chromium");
      say(`${nameOf(file)} in Chromium`);
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${server.address().port}/`);
      const url = `/${relative(OUT, script)}`;
      found.push(await page.evaluate(async (from) => (await import(from)).run("chromium"), url));
      await page.close();
    }
    return found;
  } finally {
    await browser.close();
    server.close();
  }
}

async function runsInChromium(file) {
  const { runtimes } = await import(pathToFileURL(await bundle(file, "node")).href);
  return runtimes.includes("chromium");
}

async function bundle(file, runtime) {
  const outfile = join(OUT, `${nameOf(file).replaceAll("/", "-")}.${runtime}.mjs`);
  const prefix = nameOf(file);
  const inNode = runtime === "node";
  await build({
    stdin: {
      contents: `
        import bench from ${JSON.stringify(file)};
        import { compute, measure, sample } from ${JSON.stringify(join(ROOT, "bench/bench.ts"))};
        const [prefix, only] = ${JSON.stringify([prefix, only])};
        export const runtimes = bench.runtimes;
        export const run = async (runtime) => ({
          results: await measure(bench, runtime, prefix, only),
          distributions: await sample(bench, runtime, prefix, only),
          figures: await compute(bench, runtime, prefix, only),
        });
      `,
      resolveDir: ROOT,
      loader: "ts",
    },
    bundle: true,
    format: "esm",
    target: "es2022",
    platform: inNode ? "node" : "browser",
    ...(inNode ? { packages: "external" } : { inject: [join(ROOT, "bench/node-shim.ts")] }),
    outfile,
    logLevel: "warning",
    plugins: inNode ? [kernelTwin] : [kernelTwin, nodeModules],
  });
  return outfile;
}

function serve() {
  mkdirSync(OUT, { recursive: true });
  writeFileSync(join(OUT, "index.html"), "<!doctype html><title>bench</title>");
  const server = createServer((request, response) => {
    const name = request.url === "/" ? "index.html" : request.url.slice(1);
    if (!/^[\w.-]+$/.test(name) || !existsSync(join(OUT, name))) {
      response.writeHead(404, ISOLATION_HEADERS).end();
      return;
    }
    const type = name.endsWith(".html") ? "text/html" : "text/javascript";
    response
      .writeHead(200, { ...ISOLATION_HEADERS, "Content-Type": type })
      .end(readFileSync(join(OUT, name)));
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

function printTables() {
  if (results.length > 0) printMedians();
  if (distributions.length > 0) printDistributions();
  if (figures.length > 0) printFigures();
}

function printFigures() {
  printTable([
    ["bench", "unit", "ours", "goal", "baselines"],
    ...figures.map(({ bench, unit, ours, goal, missed, baselines }) => [
      ...[bench, unit, shortNumber(ours), `${figureGoal(goal)}${missed ? " MISSED" : ""}`],
      baselines.map(({ name, value }) => `${name} ${shortNumber(value)}`).join(", "),
    ]),
  ]);
  console.log(
    "\nFigures come from seeded or recorded input: they are the same in every run, seconds of real time excepted.\n",
  );
}

function figureGoal({ atMost, atLeast, noWorseThan } = {}) {
  return [
    ...(atMost === undefined ? [] : [`<= ${atMost}`]),
    ...(atLeast === undefined ? [] : [`>= ${atLeast}`]),
    ...(noWorseThan === undefined ? [] : [`<= ${noWorseThan}`]),
  ].join(", ");
}

function shortNumber(value) {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  return Math.abs(value) >= 100 ? value.toFixed(0) : Number(value.toPrecision(3)).toString();
}

function printMedians() {
  printTable([
    ["bench", "runtime", "ours us/op", "baseline us/op", "baseline", "ratio", "goal"],
    ...results.map((result) => [
      result.bench,
      result.runtime,
      microseconds(result.oursUs),
      microseconds(result.baselineUs),
      result.baseline,
      `${ratioOf(result.ratio)}x`,
      goalOf(result),
    ]),
  ]);
  console.log("\nMedians over interleaved repetitions; ratio = baseline / ours, above 1 we are faster.\n");
}

function printDistributions() {
  const row = (bench, runtime, { name, count, p50, p95, max, slow }, slowMs, goal) => [
    ...[bench, runtime, name, String(count), p50.toFixed(1), p95.toFixed(1), max.toFixed(1)],
    ...[`${slow} over ${slowMs} ms`, goal],
  ];
  printTable([
    ["bench", "runtime", "what", "n", "p50 ms", "p95 ms", "max ms", "slow", "goal"],
    ...distributions.flatMap(({ bench, runtime, slowMs, goalP95Ms, ours, baseline }) => [
      row(bench, runtime, ours, slowMs, p95Goal(goalP95Ms, ours.p95)),
      row(bench, runtime, baseline, slowMs, "(baseline)"),
    ]),
  ]);
}

function p95Goal(goalP95Ms, p95) {
  if (goalP95Ms === null) return "";
  return `p95 <= ${goalP95Ms} ms${p95 > goalP95Ms ? " MISSED" : ""}`;
}

function printTable(table) {
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  for (const row of table) {
    const cells = row.map((cell, column) => cell.padEnd(widths[column]));
    console.log(cells.join("  ").trimEnd());
  }
}

function ratioOf(value) {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function goalOf({ goal, ratio }) {
  if (goal === null) return "";
  const missed = ratio < goal;
  return `>= ${Number(goal.toPrecision(2))}x${missed ? " MISSED" : ""}`;
}

function microseconds(value) {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function say(text) {
  process.stderr.write(`bench: ${text}\n`);
}

function fail(text) {
  console.error(`bench: ${text}`);
  process.exit(2);
}
