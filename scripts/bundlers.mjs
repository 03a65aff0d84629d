// npm run bundlers [-- vite webpack esbuild]: bundles a page that uses the published package with each bundler and no
// configuration, and looks at what comes out in build/bundlers: nothing of Node, codecs apart from the first load. Ends with
// "N passed, N failed".
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { makeConsumer } from "./consumer.mjs";
import { ROOT } from "./sources.mjs";

/** What a page may have to load before the first codec, gzipped. */
const FIRST_LOAD_LIMIT_BYTES = 60_000;
const FOLDER = mkdtempSync(join(tmpdir(), "remotemedia-webrtc-"));
const OUTPUT = join(ROOT, "build/bundlers");
const PAGE = '<!doctype html><title>consumer</title><script type="module" src="./main.js"></script>\n';
const MAIN = `import { AudioPlayout, TransportError, WebRtcTransport, loadOpus } from "remotemedia-webrtc";
Object.assign(globalThis, { AudioPlayout, TransportError, WebRtcTransport, loadOpus });
`;

const BUNDLERS = { vite: withVite, webpack: withWebpack, esbuild: withEsbuild };

makeConsumer(FOLDER);
writeFileSync(join(FOLDER, "index.html"), PAGE);
writeFileSync(join(FOLDER, "main.js"), MAIN);
const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(BUNDLERS);
let passed = 0;
let failed = 0;
for (const name of names) {
  try {
    const out = join(OUTPUT, name);
    rmSync(out, { recursive: true, force: true });
    mkdirSync(out, { recursive: true });
    await BUNDLERS[name](out);
    console.log(`ok      ${name}: ${judge(out)}`);
    passed++;
  } catch (error) {
    console.log(`FAILED  ${name}: ${error.message}`);
    failed++;
  }
}
rmSync(FOLDER, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

async function withVite(outDir) {
  const { build } = await import("vite");
  const warnings = [];
  const customLogger = quietLogger(warnings);
  await build({
    root: FOLDER,
    configFile: false,
    logLevel: "warn",
    customLogger,
    build: { outDir, emptyOutDir: true },
  });
  refuse(warnings);
}

async function withWebpack(path) {
  const { default: webpack } = await import("webpack");
  const options = { mode: "production", context: FOLDER, entry: "./main.js", output: { path, module: true } };
  const compiler = webpack({
    ...options,
    experiments: { outputModule: true },
    performance: { hints: false },
  });
  const stats = await new Promise((resolve, reject) => {
    compiler.run((error, result) => (error ? reject(error) : compiler.close(() => resolve(result))));
  });
  const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
  refuse([...errors, ...warnings].map(({ message }) => message));
}

async function withEsbuild(outdir) {
  const { build } = await import("esbuild");
  const { errors, warnings } = await build({
    absWorkingDir: FOLDER,
    entryPoints: ["main.js"],
    bundle: true,
    minify: true,
    splitting: true,
    format: "esm",
    outdir,
    logLevel: "silent",
  });
  refuse([...errors, ...warnings].map(({ text }) => text));
}

function quietLogger(warnings) {
  const note = (message) => warnings.push(message);
  const ignore = () => undefined;
  return {
    hasWarned: false,
    info: ignore,
    warn: note,
    warnOnce: note,
    error: note,
    clearScreen: ignore,
    hasErrorLogged: () => false,
  };
}

function refuse(messages) {
  if (messages.length > 0) throw new Error(messages.join("\n"));
}

/** @returns {string} sizes in words @throws {Error} when the bundle asks for Node or loads too much at first */
function judge(out) {
  const files = readdirSync(out, { recursive: true, encoding: "utf8" }).filter((name) =>
    /\.m?js$/.test(name),
  );
  const texts = new Map(files.map((name) => [name, readFileSync(join(out, name), "utf8")]));
  for (const [name, text] of texts) {
    const found = /(?:from|import|import\(|[^.\w$]require\()\s*["'](node:[^"']+)["']/.exec(text);
    if (found) throw new Error(`${name} asks for ${found[1]}`);
  }
  const first = firstLoaded(texts);
  const later = files.filter((name) => !first.has(name));
  const firstBytes = gzipped([...first].map((name) => texts.get(name)));
  const laterBytes = gzipped(later.map((name) => texts.get(name)));
  if (firstBytes > FIRST_LOAD_LIMIT_BYTES) {
    throw new Error(`the first load has ${firstBytes} B gzipped, more than ${FIRST_LOAD_LIMIT_BYTES}`);
  }
  if (later.length === 0) throw new Error("the codec is not loaded lazily");
  return `first load ${firstBytes} B gzipped, codec on demand ${laterBytes} B`;
}

/** The entry and what it imports statically. */
function firstLoaded(texts) {
  const names = [...texts.keys()];
  const entry = names.find((name) => /^(main|index)\b/.test(basename(name)));
  if (entry === undefined) throw new Error(`no entry among ${names.join(", ")}`);
  const first = new Set([entry]);
  for (const name of first) {
    for (const [, target] of texts.get(name).matchAll(/(?:from|import)\s*["'](\.{1,2}\/[^"']+)["']/g)) {
      const path = relative(".", join(dirname(name), target));
      if (texts.has(path)) first.add(path);
    }
  }
  return first;
}

function gzipped(texts) {
  return texts.reduce((sum, text) => sum + gzipSync(text).length, 0);
}
