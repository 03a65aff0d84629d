// npm run asbuild: assembly/ -> build/*.wasm -> src/wasm/generated/*.ts, with a gate on the text form between them. Two
// modules: the kernels, and those of pixels, which are loaded only where there is video. One line a step; plain Node
// plus asc.
import asc from "assemblyscript/asc";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
/** The modules. A target of asconfig.json says the rest. */
const MODULES = [
  {
    name: "kernels",
    target: "release",
    entry: "assembly/index.ts",
    exports: "KernelExports",
    isShared: true,
    maxBytes: 16 * 1024, // inlined into every bundle
  },
  {
    name: "pixels",
    target: "pixels",
    entry: "assembly/pixels-index.ts",
    exports: "PixelExports",
    isShared: false,
    maxBytes: 8 * 1024,
  },
];
const GENERATED = "src/wasm/generated";
const GENERATED_LAYOUT = `${GENERATED}/layout.ts`;
const STAMP = "build/kernels.sha256";
// The import of the memory up to its flags (WebAssembly core specification, binary format, import section).
const MEMORY_IMPORT = Buffer.from("\x03env\x06memory\x02", "latin1");
const SHARED_WITH_MAXIMUM = 3;
// A second instance over the same memory would overwrite live state with any of these.
const FORBIDDEN = ["(data", "(start", "(mut", "(table", '"abort"'];

const digest = sourcesDigest();
if (isCurrent()) {
  say(`asc: skipped, build/ and ${GENERATED} belong to these sources`);
} else {
  for (const module of MODULES) {
    await compile(module);
    gate(module);
    generate(module);
  }
  generateLayout();
  write(STAMP, digest);
}

async function compile({ name, target, entry }) {
  const started = performance.now();
  const { error, stderr } = await asc.main([entry, "--config", "asconfig.json", "--target", target], {
    reportDiagnostic: undefined,
  });
  if (error) fail(`asc: ${error.message}\n${stderr}`);
  say(`asc: ${wasm(name)} in ${Math.round(performance.now() - started)} ms`);
}

function gate({ name, isShared, maxBytes }) {
  const text = read(`build/${name}.wat`);
  for (const word of FORBIDDEN) {
    if (text.includes(word)) fail(`build/${name}.wat contains ${word}`);
  }
  const imports = text.match(/\(import [^\n]*/g) ?? [];
  if (imports.length !== 1 || !imports[0].startsWith('(import "env" "memory"')) {
    fail(`build/${name}.wat imports more than the memory: ${imports.join(" ")}`);
  }
  const atomics = text.match(/\.atomic\./g)?.length ?? 0;
  if (isShared && atomics === 0) {
    fail(`build/${name}.wat holds no atomic operation: threads could not share a ring`);
  }
  const bytes = readFileSync(join(ROOT, wasm(name)));
  if (bytes.length > maxBytes) fail(`${wasm(name)} has ${bytes.length} B, at most ${maxBytes}`);
  const gzipped = gzipSync(bytes).length;
  say(`gate: ${bytes.length} B, ${gzipped} B gzip, ${atomics} atomics, memory the only import`);
}

// asc builds for shared memory; for the other kind the loader clears one bit of this byte.
function memoryFlagsOffset(name, bytes) {
  const offset = bytes.indexOf(MEMORY_IMPORT) + MEMORY_IMPORT.length;
  if (offset < MEMORY_IMPORT.length || bytes[offset] !== SHARED_WITH_MAXIMUM) {
    fail(`${wasm(name)} does not import a shared memory with a maximum where it is expected`);
  }
  return offset;
}

function generate({ name, exports: type, isShared }) {
  const functions = read(`build/${name}.d.ts`).match(/export function .*;/g) ?? [];
  const members = functions.map((line) => `  ${line.replace("export function ", "")}`);
  // In WebAssembly a bool is a number; a kernel that returns one would not be what its type says.
  const booleans = members.filter((member) => member.includes("boolean") || member.includes("bigint"));
  if (booleans.length > 0) fail(`these exports are not plain numbers: ${booleans.join("")}`);
  const bytes = readFileSync(join(ROOT, wasm(name)));
  const text = `// Written by scripts/build-wasm.mjs from assembly/; not to be edited.

/** What the module exports. Addresses are bytes from the start of their memory, every value is a number. */
export interface ${type} {
${members.join("\n")}
}
${isShared ? layoutAndFlags(name, bytes) : ""}
/** The module, two hexadecimal digits a byte: compressed, a sixth shorter than base64, which hides repetitions. */
export const ${name.toUpperCase()}_HEX =
  "${bytes.toString("hex")}";
`;
  write(generated(name), text);
  say(`generated ${generated(name)}: ${members.length} functions, ${text.length} B`);
}

function layoutAndFlags(name, bytes) {
  return `
/** Offsets and codes, for whoever wants them all; a bundle holds only those that are imported by name. */
export * as LAYOUT from "./layout.ts";

/** Offset of the flags of the memory's import; without SHARED_MEMORY_FLAG the module takes unshared memory. */
export const MEMORY_FLAGS_OFFSET = ${memoryFlagsOffset(name, bytes)};
export const SHARED_MEMORY_FLAG = 2;
`;
}

function generateLayout() {
  const constants = sources()
    .filter((name) => name.endsWith("layout.ts"))
    .flatMap((name) => [...read(`assembly/${name}`).matchAll(/^export const (\w+): i32 = (\d+);/gm)]);
  const names = constants.map(([, name]) => name);
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  if (twice.length > 0) fail(`these names stand in two layouts: ${twice.join(", ")}`);
  const layout = constants.map(([, name, value]) => `export const ${name} = ${value};\n`);
  write(
    GENERATED_LAYOUT,
    `// Written by scripts/build-wasm.mjs: offsets and codes of the layouts in assembly/.\n${layout.join("")}`,
  );
  say(`generated ${GENERATED_LAYOUT}: ${constants.length} constants`);
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
  const made = MODULES.flatMap(({ name }) => [generated(name), wasm(name), `${wasm(name)}.map`]);
  if (![STAMP, GENERATED_LAYOUT, ...made].every((path) => existsSync(join(ROOT, path)))) return false;
  return read(STAMP) === digest;
}

function wasm(name) {
  return `build/${name}.wasm`;
}

function generated(name) {
  return `${GENERATED}/${name}.ts`;
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
