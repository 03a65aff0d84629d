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
const server = { "signaling-server": "src/signaling-server/server.ts" };

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

export default defineConfig([
  {
    ...common,
    platform: "node",
    entry: { node: "src/node.ts", cli: "src/cli/cli.ts", ...portable, ...server },
  },
  {
    ...forBrowsers,
    outDir: "dist/browser",
    entry: { browser: "src/browser.ts", ...portable },
    noExternal: ["libopus-wasm"],
    esbuildPlugins: [withoutNodeModules],
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
    entry: { node: "src/node.ts", browser: "src/browser.ts", ...portable, ...server },
  },
]);
