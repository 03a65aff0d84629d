// Which build belongs to which sources: a digest of everything the build reads. Times of files say nothing after a
// checkout or a deletion, contents do.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, writeFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the project, with a trailing separator. */
export const ROOT = fileURLToPath(new URL("../", import.meta.url));

const STAMP = join(ROOT, "build/built.sha256");
const BUILT = ["dist/node.js", "dist/node.cjs", "dist/node.d.ts", "dist/browser/browser.js", "dist/cli.js"];
const FOLDERS = ["src", "assembly"];
const FILES = [
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "tsup.config.ts",
  "asconfig.json",
  "scripts/build.mjs",
  "scripts/build-wasm.mjs",
  "scripts/build-inline.mjs",
];

/** @returns {string} a digest of the names and contents of all sources */
export function sourceDigest() {
  const hash = createHash("sha256");
  const paths = [...FOLDERS.flatMap((folder) => filesBelow(folder)), ...FILES].sort();
  for (const path of paths) {
    const full = join(ROOT, path);
    if (!existsSync(full)) continue;
    const content = readFileSync(full);
    hash.update(`${path}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}

/** @returns {boolean} whether `dist` was built from the sources as they are now */
export function isBuilt() {
  if (!existsSync(STAMP) || BUILT.some((path) => !existsSync(join(ROOT, path)))) return false;
  return readFileSync(STAMP, "utf8") === sourceDigest();
}

/** Remember what `dist` was built from. @param {string} digest taken before the build began */
export function markBuilt(digest) {
  mkdirSync(join(ROOT, "build"), { recursive: true });
  writeFileSync(STAMP, digest);
}

/** @param {string} folder relative to the project @returns {string[]} paths relative to the project */
function filesBelow(folder) {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (!entry.isDirectory()) return [path];
    return entry.name === "generated" ? [] : filesBelow(path);
  });
}
