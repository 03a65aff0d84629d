// npm run docs:nodes: writes what follows from the sources of pipelines, docs/nodes.md from the built-in nodes and
// schemas/manifest-v1.schema.json. With --check it writes nothing and fails when one of them is not up to date.
import { build } from "esbuild";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import prettier from "prettier";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const BUNDLE = join(ROOT, "build/node-docs.mjs");
const PIPELINE = join(ROOT, "src/pipeline");

const { BUILT_IN_NODES, MANIFEST_SCHEMA, schemaInWords, snakeCase } = await sources();
const files = {
  "docs/nodes.md": nodesPage(BUILT_IN_NODES),
  "schemas/manifest-v1.schema.json": JSON.stringify(MANIFEST_SCHEMA),
};
const isCheck = process.argv.includes("--check");
for (const [path, raw] of Object.entries(files)) {
  const full = join(ROOT, path);
  const text = await prettier.format(raw, { ...(await prettier.resolveConfig(full)), filepath: full });
  if (!isCheck) {
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, text);
    console.log(`node-docs: ${path}`);
  } else if (readText(full) !== text) {
    console.error(`node-docs: ${path} is not what the sources say; npm run docs:nodes writes it`);
    process.exitCode = 1;
  }
}

async function sources() {
  const names = ["nodes/built-in-nodes", "manifest-schema", "schema-words", "names"];
  await build({
    stdin: {
      contents: names.map((name) => `export * from "./${name}.ts";`).join("\n"),
      resolveDir: PIPELINE,
    },
    bundle: true,
    format: "esm",
    platform: "node",
    packages: "external",
    outfile: BUNDLE,
    logLevel: "warning",
  });
  return import(pathToFileURL(BUNDLE).href);
}

function nodesPage(factories) {
  return [
    "<!-- Written by scripts/node-docs.mjs from the sources; npm run docs:nodes brings it up to date. -->",
    "",
    "# Built-in nodes",
    "",
    'A manifest names a node by its type: `{ "id": "gate", "node_type": "NoiseGate" }`. `NoiseGateNode` means the same. ' +
      "Parameters stand in `params`, in snake_case as here or in camelCase; what is left out has its default, and what " +
      "is wrong or unknown is a fault.",
    "",
    "| Node | Takes | Gives |",
    "| --- | --- | --- |",
    ...factories.map(
      ({ type, accepts, emits }) =>
        `| [${type}](#${type.toLowerCase()}) | ${kinds(accepts)} | ${kinds(emits)} |`,
    ),
    "",
    ...factories.flatMap(nodeSection),
  ].join("\n");
}

function nodeSection({ type, aliases = [], description, schema, thread }) {
  const names = Object.keys(schema.properties);
  const remarks = [
    aliases.length > 0 ? `Other names: ${aliases.map((alias) => `\`${alias}\``).join(", ")}.` : "",
    thread === "worker" ? "Runs in a thread of its own where there are threads." : "",
    names.length === 0 ? "It has no parameters." : "",
  ].filter((remark) => remark !== "");
  return [
    `## ${type}`,
    "",
    description,
    "",
    ...(remarks.length > 0 ? [remarks.join(" "), ""] : []),
    ...(names.length > 0
      ? ["| Parameter | Values | Default | What it does |", "| --- | --- | --- | --- |"]
      : []),
    ...names.map((name) => parameterRow(name, schema)),
    "",
  ];
}

function parameterRow(name, { properties, required = [] }) {
  const { default: preset, description } = properties[name];
  const absent = required.includes(name) ? "required" : "-";
  const cells = [
    `\`${snakeCase(name)}\``,
    schemaInWords(properties[name]),
    preset === undefined ? absent : `\`${JSON.stringify(preset)}\``,
    description,
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function kinds(list) {
  if (list.length === 0) return "nothing";
  return list.length === 7 ? "anything" : list.join(", ");
}

/** Undefined when there is no such file. */
function readText(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
