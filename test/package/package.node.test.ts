// The package as npm would publish it, used by programs that know nothing of this repository.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
// Outside the repository, where a dependency that is not declared cannot be found by going up.
const CONSUMER = mkdtempSync(join(tmpdir(), "remotemedia-webrtc-"));
/** Packing, compiling and bundling take seconds, on a busy machine a minute. */
const PROCESS_MS = 120_000;
const SLOW_MS = 2 * PROCESS_MS;
const ENTRIES = [".", "./core", "./testing", "./signaling-server", "./testing/node", "./pipeline"];

let tarball = "";
let packageFolder = "";

beforeAll(() => {
  const output = execFileSync(process.execPath, [join(ROOT, "scripts/consumer.mjs"), CONSUMER], {
    encoding: "utf8",
  });
  ({ tarball, packageFolder } = JSON.parse(output) as { tarball: string; packageFolder: string });
}, SLOW_MS);

afterAll(() => {
  rmSync(CONSUMER, { recursive: true, force: true });
});

describe("the packed package", { timeout: SLOW_MS }, () => {
  it("holds the build, the license and the notices, and neither sources nor tests", () => {
    const files = readdirSync(packageFolder).sort();
    expect(files).toEqual(
      expect.arrayContaining(["CHANGELOG.md", "LICENSE", "THIRD-PARTY-NOTICES.md", "dist"]),
    );
    expect(files.filter((name) => ["src", "test", "assembly", "scripts", "build"].includes(name))).toEqual(
      [],
    );
  });

  it("has no address of this machine in it", () => {
    const files = readdirSync(packageFolder, { recursive: true, encoding: "utf8" });
    const telling = files.filter((name) => {
      return (
        /\.(c?js|d\.c?ts|map|json)$/.test(name) &&
        readFileSync(join(packageFolder, name), "utf8").includes(ROOT)
      );
    });
    expect(telling).toEqual([]);
  });

  it("is what publint wants", async () => {
    const { messages, pkg } = await publint({ pkgDir: packageFolder, pack: false, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  it("has types that agree with its modules, as are-the-types-wrong sees it", () => {
    const { status, output } = node(
      join(ROOT, "node_modules/@arethetypeswrong/cli/dist/index.js"),
      tarball,
      // Node 10 resolution knows no exports; these two entries are scripts for workers.
      ...["--profile", "node16", "--exclude-entrypoints", "worker.js", "worklet.js"],
      ...["--format", "ascii", "--no-color", "--no-emoji"],
    );
    expect(status, output).toBe(0);
  });
});

describe("a program that uses it", { timeout: SLOW_MS }, () => {
  it("imports every entry as an ES module in Node, with classes shared among entries", () => {
    const program = `
      const [root, core, testing, server, relay, pipeline] = await Promise.all(${specifiers()}.map((name) => import(name)));
      ${SHARED_CHECKS}`;
    expect(run("esm.mjs", program)).toEqual({ status: 0, output: "fine\n" });
  });

  it("requires every entry in CommonJS, with classes shared among entries and the codec still imported", () => {
    const program = `
      const [root, core, testing, server, relay, pipeline] = ${specifiers()}.map((name) => require(name));
      (async () => { ${SHARED_CHECKS} })();`;
    expect(run("cjs.cjs", program)).toEqual({ status: 0, output: "fine\n" });
  });

  it("compiles as ES module, as CommonJS and for a bundler, with the types of the libraries checked", () => {
    const use = `
      import { TransportError, WebRtcTransport } from "remotemedia-webrtc";
      import type { AudioFrame } from "remotemedia-webrtc";
      import * as core from "remotemedia-webrtc/core";
      import * as pipeline from "remotemedia-webrtc/pipeline";
      import * as testing from "remotemedia-webrtc/testing";
      export const make = (): WebRtcTransport => new WebRtcTransport();
      export const samples = (frame: AudioFrame): Float32Array => frame.samples;
      export const same: typeof core.TransportError = TransportError;
      export type Entries = [typeof core, typeof testing, typeof pipeline];\n`;
    const nodeOnly = `
      import * as server from "remotemedia-webrtc/signaling-server";
      import * as relay from "remotemedia-webrtc/testing/node";
      export type NodeEntries = [typeof server, typeof relay];\n`;
    for (const name of ["use.mts", "use.cts"]) writeFileSync(join(CONSUMER, name), nodeOnly + use);
    writeFileSync(join(CONSUMER, "bundled.ts"), use);
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
    const common = ["--noEmit", "--strict", "--target", "es2022", "--lib", "es2022,esnext.disposable,dom"];
    const types = ["--types", "node", "--typeRoots", join(ROOT, "node_modules/@types")];
    expect(node(tsc, ...common, ...types, "--module", "nodenext", "use.mts", "use.cts")).toEqual(SILENT);
    const bundler = ["--module", "esnext", "--moduleResolution", "bundler"];
    expect(node(tsc, ...common, ...bundler, "bundled.ts")).toEqual(SILENT);
  });

  it("bundles without any configuration, free of Node, codecs on demand, first load below 60 kB", () => {
    const { status, output } = node(join(ROOT, "scripts/bundlers.mjs"));
    expect(status, output).toBe(0);
    expect(output).toMatch(/^3 passed, 0 failed$/m);
  });

  it("starts the command", () => {
    const { status, output } = node(join(packageFolder, "dist/cli.js"), "--help");
    expect(status, output).toBe(0);
    expect(output).toContain("remotemedia-webrtc");
  });
});

const SILENT = { status: 0, output: "" };

/** Runs in both module systems: every entry is there, TransportError is one class, Opus can be loaded, a pipeline runs. */
const SHARED_CHECKS = `
  const assert = (await import("node:assert/strict")).default;
  assert.equal(root.TransportError, core.TransportError);
  assert.ok(Object.keys(testing).length > 0 && Object.keys(server).length > 0);
  assert.throws(() => relay.parseImpairment("loss=2"), core.TransportError);
  const transport = new root.WebRtcTransport();
  assert.throws(() => new root.WebRtcTransport({ maxPeers: 0 }), core.TransportError);
  assert.ok(await root.loadOpus());
  const runner = new pipeline.PipelineRunner();
  const nodes = [{ id: "same", node_type: "PassThrough" }];
  const text = { type: "text", text: "through" };
  assert.equal((await runner.execute({ version: "v1", metadata: { name: "one" }, nodes, connections: [] }, text)).data.text, "through");
  console.log("fine");`;

function specifiers(): string {
  return JSON.stringify(ENTRIES.map((entry) => entry.replace(".", "remotemedia-webrtc")));
}

/** Run a program in the consumer's folder. A process that does not exit by itself is a failure. */
function run(name: string, program: string): { status: number | null; output: string } {
  writeFileSync(join(CONSUMER, name), program);
  return node(name);
}

function node(...args: string[]): { status: number | null; output: string } {
  const options = { cwd: CONSUMER, encoding: "utf8", timeout: PROCESS_MS } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, args, options);
  return { status, output: stdout + stderr };
}
