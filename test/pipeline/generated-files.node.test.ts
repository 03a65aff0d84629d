// What is committed and follows from the sources: docs/nodes.md and the schema of manifests.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { MANIFEST_SCHEMA } from "../../src/pipeline/manifest-schema.ts";
import { BUILT_IN_NODES } from "../../src/pipeline/nodes/built-in-nodes.ts";

const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));

it("is up to date; npm run docs:nodes writes it", () => {
  const script = path("scripts/node-docs.mjs");
  const { status, stderr } = spawnSync(process.execPath, [script, "--check"], { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(status).toBe(0);
});

it("describes every built-in node with every parameter", () => {
  const page = readFileSync(path("docs/nodes.md"), "utf8");
  for (const { type, schema } of BUILT_IN_NODES) {
    const section = page.split(`\n## ${type}\n`)[1]?.split("\n## ")[0];
    const parameters = [...(section ?? "").matchAll(/^\| `(\w+)`/gm)].map(([, name = ""]) =>
      name.replaceAll("_", ""),
    );
    expect(parameters, type).toEqual(Object.keys(schema.properties).map((name) => name.toLowerCase()));
  }
});

it("holds the schema that the library has", () => {
  expect(JSON.parse(readFileSync(path("schemas/manifest-v1.schema.json"), "utf8"))).toEqual(MANIFEST_SCHEMA);
});
