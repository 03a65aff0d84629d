// npm run plots: draws the plots of docs/ from the simulator. One line a file.
import { build } from "esbuild";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const BUNDLE = join(ROOT, "build/plots.mjs");
const FOLDER = "docs/plots";

await build({
  entryPoints: [join(ROOT, "bench/plots/plots.ts")],
  bundle: true,
  format: "esm",
  platform: "node",
  packages: "external",
  outfile: BUNDLE,
  logLevel: "warning",
});
const { drawPlots } = await import(pathToFileURL(BUNDLE).href);
mkdirSync(join(ROOT, FOLDER), { recursive: true });
for (const { name, svg } of drawPlots()) {
  writeFileSync(join(ROOT, FOLDER, name), svg);
  console.log(`plots: ${FOLDER}/${name}, ${Math.ceil(svg.length / 1024)} kB`);
}
