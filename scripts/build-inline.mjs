// npm run generate: the scripts that browsers run in a worker and in a worklet, bundled into TypeScript strings, so
// that no bundler, test runner or server has to know of them. With --dist also as files, dist/worker.js and
// dist/worklet.js, for pages whose Content-Security-Policy forbids blob: addresses.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const FOLDER = "src/platform/browser";
const SCRIPTS = [
  { entry: "receive-worker.ts", constant: "receiveWorkerSource", file: "worker.js" },
  { entry: "playout-worklet.ts", constant: "playoutWorkletSource", file: "worklet.js" },
];

await buildInline(process.argv.includes("--dist"));

/** Bundle every script. @param {boolean} dist whether to write the files too */
async function buildInline(dist) {
  for (const { entry, constant, file } of SCRIPTS) {
    const source = await bundle(join(ROOT, FOLDER, entry));
    const module = [
      `// Made by scripts/build-inline.mjs from ../${entry}.`,
      "",
      `/** Classic script, ready for a Blob URL. */`,
      `export const ${constant} = ${JSON.stringify(source)};`,
      "",
    ].join("\n");
    writeIfChanged(join(ROOT, FOLDER, "generated", entry), module);
    if (dist) writeIfChanged(join(ROOT, "dist", file), source);
  }
}

async function bundle(entry) {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    platform: "browser",
    target: "es2022",
    logLevel: "warning",
  });
  return outputFiles[0].text;
}

/** Leaves an equal file alone, so that watchers stay quiet. */
function writeIfChanged(path, text) {
  if (existsSync(path) && readFileSync(path, "utf8") === text) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
