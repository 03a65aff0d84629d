// A program that uses the package as published: the packed tarball unpacked into node_modules of an empty folder, its
// dependencies linked to ours, so that nothing is downloaded. `node scripts/consumer.mjs <folder>` makes one.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT } from "./sources.mjs";

const NAME = "remotemedia-webrtc";

/**
 * Empty a folder and make a consumer of it.
 * @param {string} folder
 * @returns {{ tarball: string, packageFolder: string }}
 */
export function makeConsumer(folder) {
  if (!existsSync(join(ROOT, "dist/node.js"))) throw new Error("dist is missing: npm run build");
  rmSync(folder, { recursive: true, force: true });
  const packageFolder = join(folder, "node_modules", NAME);
  mkdirSync(packageFolder, { recursive: true });
  const tarball = join(folder, pack(folder));
  execFileSync("tar", ["-xzf", tarball, "-C", packageFolder, "--strip-components=1"]);
  const { dependencies } = JSON.parse(readFileSync(join(packageFolder, "package.json"), "utf8"));
  for (const name of Object.keys(dependencies)) {
    const link = join(folder, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(ROOT, "node_modules", name), link, "junction");
  }
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ name: "consumer", private: true, type: "module" }),
  );
  return { tarball, packageFolder };
}

/** @returns {string} the name of the tarball */
function pack(folder) {
  const args = ["pack", "--ignore-scripts", "--json", "--pack-destination", folder];
  const output = execFileSync("npm", args, {
    cwd: ROOT,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return JSON.parse(output)[0].filename;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2];
  if (folder === undefined) throw new Error("Usage: node scripts/consumer.mjs <folder>");
  console.log(JSON.stringify(makeConsumer(resolve(folder))));
}
