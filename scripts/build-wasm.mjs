// npm run asbuild: assembly/ -> build/*.wasm (release, shared and unshared) -> src/wasm/generated/kernels.ts, with a
// gate on the text form between them. One line a step; plain Node plus asc.
import asc from "assemblyscript/asc";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const GENERATED = "src/wasm/generated/kernels.ts";
const STAMP = "build/kernels.sha256";
const BUILDS = [
  { target: "release", name: "kernels", shared: false },
  { target: "release-shared", name: "kernels-shared", shared: true },
];
const MAX_WASM_BYTES = 16 * 1024; // inlined twice into every bundle
// A second instance over the same memory would overwrite live state with any of these.
const FORBIDDEN = ["(data", "(start", "(mut", "(table", '"abort"'];

const digest = sourcesDigest();
if (isCurrent()) {
  say(`asc: skipped, build/ and ${GENERATED} belong to these sources`);
} else {
  for (const build of BUILDS) await compile(build);
  for (const build of BUILDS) gate(build);
  generate();
  write(STAMP, digest);
}

async function compile({ target, name }) {
  const started = performance.now();
  const { error, stderr } = await asc.main(["--config", "asconfig.json", "--target", target], {
    reportDiagnostic: undefined,
  });
  if (error) fail(`asc ${target}: ${error.message}\n${stderr}`);
  say(`asc ${target}: build/${name}.wasm in ${Math.round(performance.now() - started)} ms`);
}

function gate({ name, shared }) {
  const text = read(`build/${name}.wat`);
  for (const word of FORBIDDEN) {
    if (text.includes(word)) fail(`build/${name}.wat contains ${word}`);
  }
  const imports = text.match(/\(import [^\n]*/g) ?? [];
  if (imports.length !== 1 || !imports[0].startsWith('(import "env" "memory"')) {
    fail(`build/${name}.wat imports more than the memory: ${imports.join(" ")}`);
  }
  const atomics = text.match(/\.atomic\./g)?.length ?? 0;
  if (atomics > 0 !== shared) fail(`build/${name}.wat holds ${atomics} atomic operations`);
  const bytes = readFileSync(join(ROOT, `build/${name}.wasm`));
  if (bytes.length > MAX_WASM_BYTES)
    fail(`build/${name}.wasm has ${bytes.length} B, at most ${MAX_WASM_BYTES}`);
  say(
    `gate ${name}: ${bytes.length} B, ${gzipSync(bytes).length} B gzip, ${atomics} atomics, memory the only import`,
  );
}

function generate() {
  const exports = read("build/kernels.d.ts").match(/export function .*;/g) ?? [];
  const members = exports.map((line) => `  ${line.replace("export function ", "")}`);
  // In WebAssembly a bool is a number; a kernel that returns one would not be what its type says.
  const booleans = members.filter((member) => member.includes("boolean") || member.includes("bigint"));
  if (booleans.length > 0) fail(`these exports are not plain numbers: ${booleans.join("")}`);
  const constants = [...read("assembly/layout.ts").matchAll(/^export const (\w+): i32 = (\d+);/gm)];
  const [plain, shared] = BUILDS.map(({ name }) => readFileSync(join(ROOT, `build/${name}.wasm`), "base64"));
  const text = `// Written by scripts/build-wasm.mjs from assembly/; not to be edited.

/** What the kernels export. Addresses are bytes from the start of their memory, every value is a number. */
export interface KernelExports {
${members.join("\n")}
}

/** Offsets and codes of assembly/layout.ts. */
export const LAYOUT = {
${constants.map(([, name, value]) => `  ${name}: ${value},`).join("\n")}
} as const;

/** The build for unshared memory, base64. */
export const KERNELS_BASE64 =
  "${plain}";

/** The build for shared memory, base64. */
export const SHARED_KERNELS_BASE64 =
  "${shared}";
`;
  write(GENERATED, text);
  say(`generated ${GENERATED}: ${members.length} functions, ${constants.length} constants, ${text.length} B`);
}

function sourcesDigest() {
  const sources = readdirSync(join(ROOT, "assembly")).filter((name) => name.endsWith(".ts"));
  const hash = createHash("sha256").update(asc.version);
  for (const path of [
    ...sources.map((name) => `assembly/${name}`),
    "asconfig.json",
    "scripts/build-wasm.mjs",
  ].sort()) {
    hash.update(`${path}\0${read(path)}\0`);
  }
  return hash.digest("hex");
}

function isCurrent() {
  const outputs = [
    GENERATED,
    ...BUILDS.flatMap(({ name }) => [`build/${name}.wasm`, `build/${name}.wasm.map`]),
  ];
  if (![STAMP, ...outputs].every((path) => existsSync(join(ROOT, path)))) return false;
  return read(STAMP) === digest;
}

function read(path) {
  return readFileSync(join(ROOT, path), "utf8");
}

// In one step, so that whoever imports the file meanwhile sees the old or the new one.
function write(path, text) {
  const full = join(ROOT, path);
  mkdirSync(join(full, ".."), { recursive: true });
  writeFileSync(`${full}.tmp`, text);
  renameSync(`${full}.tmp`, full);
}

function say(text) {
  console.log(`wasm: ${text}`);
}

function fail(text) {
  console.error(`wasm: ${text}`);
  process.exit(1);
}
