// npm run asbuild: assembly/ -> build/kernels.wasm -> src/wasm/generated/kernels.ts, with a gate on the text form
// between them. One line a step; plain Node plus asc.
import asc from "assemblyscript/asc";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const GENERATED = "src/wasm/generated/kernels.ts";
const GENERATED_LAYOUT = "src/wasm/generated/layout.ts";
const STAMP = "build/kernels.sha256";
const WASM = "build/kernels.wasm";
const MAX_WASM_BYTES = 16 * 1024; // inlined into every bundle
// The import of the memory up to its flags (WebAssembly core specification, binary format, import section).
const MEMORY_IMPORT = Buffer.from("\x03env\x06memory\x02", "latin1");
const SHARED_WITH_MAXIMUM = 3;
// A second instance over the same memory would overwrite live state with any of these.
const FORBIDDEN = ["(data", "(start", "(mut", "(table", '"abort"'];

const digest = sourcesDigest();
if (isCurrent()) {
  say(`asc: skipped, build/ and ${GENERATED} belong to these sources`);
} else {
  await compile();
  gate();
  generate();
  write(STAMP, digest);
}

async function compile() {
  const started = performance.now();
  const { error, stderr } = await asc.main(["--config", "asconfig.json", "--target", "release"], {
    reportDiagnostic: undefined,
  });
  if (error) fail(`asc: ${error.message}\n${stderr}`);
  say(`asc: ${WASM} in ${Math.round(performance.now() - started)} ms`);
}

function gate() {
  const text = read("build/kernels.wat");
  for (const word of FORBIDDEN) {
    if (text.includes(word)) fail(`build/kernels.wat contains ${word}`);
  }
  const imports = text.match(/\(import [^\n]*/g) ?? [];
  if (imports.length !== 1 || !imports[0].startsWith('(import "env" "memory"')) {
    fail(`build/kernels.wat imports more than the memory: ${imports.join(" ")}`);
  }
  const atomics = text.match(/\.atomic\./g)?.length ?? 0;
  if (atomics === 0) fail("build/kernels.wat holds no atomic operation: threads could not share a ring");
  const bytes = readFileSync(join(ROOT, WASM));
  if (bytes.length > MAX_WASM_BYTES) fail(`${WASM} has ${bytes.length} B, at most ${MAX_WASM_BYTES}`);
  const gzipped = gzipSync(bytes).length;
  say(`gate: ${bytes.length} B, ${gzipped} B gzip, ${atomics} atomics, memory the only import`);
}

// asc builds for shared memory; for the other kind the loader clears one bit of this byte.
function memoryFlagsOffset(bytes) {
  const offset = bytes.indexOf(MEMORY_IMPORT) + MEMORY_IMPORT.length;
  if (offset < MEMORY_IMPORT.length || bytes[offset] !== SHARED_WITH_MAXIMUM) {
    fail(`${WASM} does not import a shared memory with a maximum where it is expected`);
  }
  return offset;
}

function generate() {
  const exports = read("build/kernels.d.ts").match(/export function .*;/g) ?? [];
  const members = exports.map((line) => `  ${line.replace("export function ", "")}`);
  // In WebAssembly a bool is a number; a kernel that returns one would not be what its type says.
  const booleans = members.filter((member) => member.includes("boolean") || member.includes("bigint"));
  if (booleans.length > 0) fail(`these exports are not plain numbers: ${booleans.join("")}`);
  const constants = sources()
    .filter((name) => name.endsWith("layout.ts"))
    .flatMap((name) => [...read(`assembly/${name}`).matchAll(/^export const (\w+): i32 = (\d+);/gm)]);
  const names = constants.map(([, name]) => name);
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  if (twice.length > 0) fail(`these names stand in two layouts: ${twice.join(", ")}`);
  const bytes = readFileSync(join(ROOT, WASM));
  const text = `// Written by scripts/build-wasm.mjs from assembly/; not to be edited.

/** What the kernels export. Addresses are bytes from the start of their memory, every value is a number. */
export interface KernelExports {
${members.join("\n")}
}

/** Offsets and codes, for whoever wants them all; a bundle holds only those that are imported by name. */
export * as LAYOUT from "./layout.ts";

/** Offset of the flags of the memory's import; without SHARED_MEMORY_FLAG the module takes unshared memory. */
export const MEMORY_FLAGS_OFFSET = ${memoryFlagsOffset(bytes)};
export const SHARED_MEMORY_FLAG = 2;

/** The module, two hexadecimal digits a byte: compressed, a sixth shorter than base64, which hides repetitions. */
export const KERNELS_HEX =
  "${bytes.toString("hex")}";
`;
  write(GENERATED, text);
  const layout = constants.map(([, name, value]) => `export const ${name} = ${value};\n`);
  write(
    GENERATED_LAYOUT,
    `// Written by scripts/build-wasm.mjs: offsets and codes of the layouts in assembly/.\n${layout.join("")}`,
  );
  say(`generated ${GENERATED}: ${members.length} functions, ${constants.length} constants, ${text.length} B`);
}

function sourcesDigest() {
  const hash = createHash("sha256").update(asc.version);
  for (const path of [
    ...sources().map((name) => `assembly/${name}`),
    "asconfig.json",
    "scripts/build-wasm.mjs",
  ].sort()) {
    hash.update(`${path}\0${read(path)}\0`);
  }
  return hash.digest("hex");
}

function sources() {
  return readdirSync(join(ROOT, "assembly")).filter((name) => name.endsWith(".ts"));
}

function isCurrent() {
  if (
    ![STAMP, GENERATED, GENERATED_LAYOUT, WASM, `${WASM}.map`].every((path) => existsSync(join(ROOT, path)))
  )
    return false;
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
