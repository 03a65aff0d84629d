// npm run build: kernels, inlined scripts, then ES modules, declarations, the demo's page and CommonJS into an empty
// dist.
import { spawnSync } from "node:child_process";
import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { markBuilt, ROOT, sourceDigest } from "./sources.mjs";

const DIST = join(ROOT, "dist");
// What can be required. The command is started by its path and may stay an ES module.
const REQUIRED = [
  "node.js",
  "pipeline.js",
  "core.js",
  "testing.js",
  "signaling-server.js",
  "testing-node.js",
];

const digest = sourceDigest();
run("scripts/build-wasm.mjs");
run("scripts/build-inline.mjs");
rmSync(DIST, { recursive: true, force: true });
run("node_modules/tsup/dist/cli-default.js", "--silent");
await writeCommonJs();
run("scripts/build-inline.mjs", "--dist");
chmodSync(join(DIST, "cli.js"), 0o755);
markBuilt(digest);

/** Run one Node script of the project; its failure ends the build. */
function run(script, ...args) {
  const { status } = spawnSync(process.execPath, [join(ROOT, script), ...args], {
    cwd: ROOT,
    stdio: "inherit",
  });
  if (status === 0) return;
  console.error(`build: ${script} failed`);
  process.exit(status ?? 1);
}

/**
 * Translate the ES modules for Node file by file, chunks included. So entries share classes in CommonJS too, and a
 * dynamic import() stays one: what it loads may exist as an ES module only.
 */
async function writeCommonJs() {
  const found = new Set(REQUIRED);
  const siblingsStayFiles = {
    name: "siblings-stay-files",
    setup(context) {
      context.onResolve({ filter: /^\.\/.*\.js$/ }, ({ path }) => {
        found.add(path.slice("./".length));
        return { path: path.replace(/\.js$/, ".cjs"), external: true };
      });
    },
  };
  // A set visits what is added while it is walked.
  for (const name of found) {
    await build({
      entryPoints: [join(DIST, name)],
      outfile: join(DIST, name.replace(/\.js$/, ".cjs")),
      bundle: true,
      format: "cjs",
      platform: "node",
      target: "node20.19",
      packages: "external",
      sourcemap: true,
      logLevel: "warning",
      plugins: [siblingsStayFiles],
    });
  }
}
