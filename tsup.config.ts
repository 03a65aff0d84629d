// Two sets of ES modules, one per platform, one set of declarations for both, and the demo's page. CommonJS is made
// from the result by scripts/build.mjs. Entries of a set share chunks: a class is the same class through every entry.
import type { Plugin } from "esbuild";
import { defineConfig } from "tsup";
import type { Options } from "tsup";

const common: Options = {
  format: ["esm"],
  target: "es2022",
  splitting: true,
  sourcemap: true,
  treeshake: false,
  dts: false,
  // Both sets lie in one folder, emptied before.
  clean: false,
  // The default strips "node:" from imports, and Node has modules that exist under the prefixed name only.
  removeNodeProtocol: false,
};

const forBrowsers: Options = {
  ...common,
  platform: "browser",
  define: { "globalThis.process": "undefined" },
  esbuildOptions(options) {
    // The codec's bytes are one string; escaped to ASCII it would be 40 % longer.
    options.charset = "utf8";
  },
};

const portable = { core: "src/index.ts", testing: "src/testing/testing.ts" };
const nodeOnly = {
  "signaling-server": "src/signaling-server/server.ts",
  "testing-node": "src/testing/node/node.ts",
};

/**
 * libopus-wasm imports node:module behind a run-time check for Node. Bundlers for browsers stumble over the import, so it gets an empty module; `define` above decides the check, so that nothing ever calls it.
 */
const withoutNodeModules: Plugin = {
  name: "without-node-modules",
  setup(build) {
    build.onResolve({ filter: /^node:module$/ }, ({ path }) => ({ path, namespace: "empty" }));
    build.onLoad({ filter: /.*/, namespace: "empty" }, () => ({
      contents: "export const createRequire = undefined;",
    }));
  },
};

/**
 * What sends and receives media is loaded on demand and has classes that the package also exports. Bundlers would put
 * those into what a page loads at first, so it is built as files of its own, with their own copy of them.
 */
const engineApart: Plugin = {
  name: "engine-apart",
  setup(build) {
    build.onResolve(
      {
        filter: /\/(?:engine-parts|worker-engine|audio-parts|video-parts|pipeline-parts|browser-video)\.ts$/,
      },
      ({ kind, path }) =>
        kind === "dynamic-import" ? { path: path.replace(/\.ts$/, ".js"), external: true } : undefined,
    );
  },
};

/** But an error is an instance of the one class that the package exports, whoever throws it. */
const errorsShared: Plugin = {
  name: "errors-shared",
  setup(build) {
    build.onResolve({ filter: /\/errors\.ts$/ }, () => ({ path: "./errors.js", external: true }));
  },
};

export default defineConfig([
  {
    ...common,
    platform: "node",
    entry: {
      node: "src/node.ts",
      pipeline: "src/node-pipeline.ts",
      cli: "src/cli/cli.ts",
      "demo-peers": "src/cli/demo/peer-process.ts",
      ...portable,
      ...nodeOnly,
    },
  },
  {
    ...forBrowsers,
    outDir: "dist/browser",
    entry: {
      browser: "src/browser.ts",
      pipeline: "src/browser-pipeline.ts",
      ...portable,
      errors: "src/errors/errors.ts",
    },
    noExternal: ["libopus-wasm"],
    esbuildPlugins: [withoutNodeModules, engineApart],
  },
  {
    ...forBrowsers,
    outDir: "dist/browser",
    entry: {
      "engine-parts": "src/media/engine/engine-parts.ts",
      "worker-engine": "src/media/engine/worker-engine.ts",
      "audio-parts": "src/transport/audio-parts.ts",
      "video-parts": "src/transport/video-parts.ts",
      "pipeline-parts": "src/transport/pipeline-parts.ts",
      "browser-video": "src/platform/browser/browser-video.ts",
    },
    esbuildPlugins: [errorsShared],
  },
  {
    ...forBrowsers,
    outDir: "dist/demo",
    entry: { page: "src/cli/demo/page/page.ts", capture: "src/cli/demo/page/capture-worklet.ts" },
    publicDir: "src/cli/demo/page/static",
    // The page loads single files without a bundler behind it.
    splitting: false,
    noExternal: [/.*/],
    minify: true,
    sourcemap: false,
    esbuildPlugins: [withoutNodeModules],
  },
  {
    ...common,
    format: ["esm", "cjs"],
    dts: { only: true },
    entry: {
      node: "src/node.ts",
      browser: "src/browser.ts",
      pipeline: "src/node-pipeline.ts",
      ...portable,
      ...nodeOnly,
    },
  },
]);
