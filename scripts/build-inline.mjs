// npm run generate: the scripts that run in workers and in a worklet, bundled into TypeScript strings, so that no
// bundler, test runner or server has to know of them. With --dist those of browsers also as files, dist/worker.js and
// dist/worklet.js, for pages whose Content-Security-Policy forbids blob: addresses.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const BROWSER = "src/platform/browser/generated";
const SCRIPTS = [
  {
    entry: "src/platform/browser/receive-worker.ts",
    constant: "receiveWorkerSource",
    module: `${BROWSER}/receive-worker.ts`,
    file: "worker.js",
  },
  {
    entry: "src/platform/browser/playout-worklet.ts",
    constant: "playoutWorkletSource",
    module: `${BROWSER}/playout-worklet.ts`,
    file: "worklet.js",
  },
  {
    entry: "src/browser-worker.ts",
    constant: "mediaWorkerSource",
    module: `${BROWSER}/media-worker.ts`,
    compressed: true,
  },
  {
    entry: "src/node-worker.ts",
    constant: "mediaWorkerSource",
    module: "src/platform/node/generated/media-worker.ts",
    platform: "node",
    compressed: true,
  },
  {
    entry: "src/browser-pipeline-worker.ts",
    constant: "pipelineWorkerSource",
    module: `${BROWSER}/pipeline-worker.ts`,
    compressed: true,
  },
  {
    entry: "src/node-pipeline-worker.ts",
    constant: "pipelineWorkerSource",
    module: "src/platform/node/generated/pipeline-worker.ts",
    platform: "node",
    compressed: true,
  },
  {
    entry: "src/platform/node/video/video-worker.ts",
    constant: "videoWorkerSource",
    module: "src/platform/node/generated/video-worker.ts",
    platform: "node",
    compressed: true,
  },
];

/** libopus-wasm imports node:module where it finds itself in Node; in a browser it never does. */
const withoutNodeModules = {
  name: "without-node-modules",
  setup(context) {
    context.onResolve({ filter: /^node:module$/ }, ({ path }) => ({ path, namespace: "empty" }));
    context.onLoad({ filter: /.*/, namespace: "empty" }, () => ({
      contents: "export const createRequire = undefined;",
    }));
  },
};

await buildInline(process.argv.includes("--dist"));

/** Bundle every script. @param {boolean} dist whether to write the files too */
async function buildInline(dist) {
  for (const { entry, constant, module, file, platform = "browser", compressed = false } of SCRIPTS) {
    const source = await bundle(join(ROOT, entry), platform);
    const path = join(ROOT, module);
    const text = [
      `// Made by scripts/build-inline.mjs from ${relative(dirname(path), join(ROOT, entry))}.`,
      "",
      `/** Classic script for ${platform === "node" ? "new Worker(source, { eval: true })" : "a Blob URL"}${compressed ? ", gzip in base64" : ""}. */`,
      `export const ${constant} = ${JSON.stringify(compressed ? gzipSync(source, { level: 9 }).toString("base64") : source)};`,
      "",
    ].join("\n");
    writeIfChanged(path, text);
    if (dist && file !== undefined) writeIfChanged(join(ROOT, "dist", basename(file)), source);
  }
}

async function bundle(entry, platform) {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    format: platform === "node" ? "cjs" : "iife",
    platform,
    target: "es2022",
    // A script without a file; libopus-wasm wants the name of one in Node, to make a require() from that it does not use.
    define: {
      "import.meta.url": '"file:///C:/script.js"',
      ...(platform === "browser" && { "globalThis.process": "undefined" }),
    },
    plugins: platform === "browser" ? [withoutNodeModules] : [],
    // The codec's bytes are one string; escaped to ASCII it would be 40 % longer.
    charset: "utf8",
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
