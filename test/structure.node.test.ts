// The rules of the house: who may import whom, which files may wait or read a clock, what has a twin. A rule that stands
// in the way of something better is changed here, in the open.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { exportedNames } from "./exported-names.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** The only files that know a platform folder. */
const ROOTS = [
  "node.ts",
  "browser.ts",
  "node-worker.ts",
  "browser-worker.ts",
  "node-pipeline.ts",
  "browser-pipeline.ts",
  "node-pipeline-worker.ts",
  "browser-pipeline-worker.ts",
];
/**
 * Folders and files of src from the bottom up. A file imports lower layers and its own folder, nothing else. The
 * ports, types only, lie in the lowest layer, and so does what all platforms say in a session description.
 */
const LAYERS: readonly (readonly string[])[] = [
  [
    "config",
    "errors",
    "runtime",
    "platform/platform.ts",
    "platform/signaling-channel.ts",
    "platform/capture-time-extension.ts",
    "platform/video-description.ts",
    "platform/remote-reports.ts",
    "platform/video-link.ts",
    "platform/video-codecs.ts",
  ],
  ["wasm", "rtp"],
  ["sync", "codecs", "channels", "signaling"],
  ["media", "signaling-server"],
  ["pipeline"],
  ["session", "peer"],
  ["transport"],
  ["testing", "index.ts", "pipelines.ts"],
  ROOTS,
  ["cli"],
];
/** The lowest layer holds words everybody shares, also with each other. */
const SHARED_LAYER = 0;
const PLATFORM_FOLDERS = ["platform/node", "platform/browser"];
/** What never runs in a browser: it alone may ask for modules of Node, and only it imports what lies here. */
const NODE_PLACES = [
  "platform/node/",
  "signaling-server/",
  "testing/node/",
  "cli/",
  "node.ts",
  "node-worker.ts",
  "node-pipeline.ts",
  "node-pipeline-worker.ts",
];

/** The files of a domain folder that may be asynchronous and hold resources; their siblings are pure. */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  rtp: [],
  sync: [],
  wasm: [],
  codecs: ["opus.ts"],
  channels: ["data-channel.ts", "sync-channel.ts"],
  pipeline: [
    "runner.ts",
    "execution.ts",
    "node.ts",
    "node-attempt.ts",
    "node-run.ts",
    "open-node.ts",
    "pipeline-stream.ts",
    "program-callbacks.ts",
    "waiting-queue.ts",
    "worker-host.ts",
    "worker-line.ts",
    "worker-nodes.ts",
    "nodes/background-blur.ts",
  ],
  signaling: ["signaling.ts"],
  media: [
    "media.ts",
    "audio-source.ts",
    "video/picture-decoding.ts",
    "video/picture-encoding.ts",
    "video/video-source.ts",
    "engine/engine-worker.ts",
    "engine/inline-engine.ts",
    "engine/load-engine.ts",
    "engine/open-engine.ts",
    "engine/worker-engine.ts",
  ],
  session: [
    "session-manager.ts",
    "stream-session.ts",
    "session-flow.ts",
    "output-readers.ts",
    "recording.ts",
  ],
  peer: ["peer-connection.ts", "connector.ts", "live-link.ts", "video-link.ts", "quality-watch.ts"],
  transport: [
    "webrtc-transport.ts",
    "transport-life.ts",
    "run.ts",
    "load-media.ts",
    "load-pipelines.ts",
    "pipeline-transport.ts",
    "session-room.ts",
    "session-feed.ts",
    "aligned-readers.ts",
    "mesh.ts",
    "control-desk.ts",
    "outbox.ts",
    "outgoing-audio.ts",
    "load-video.ts",
    "video-room.ts",
    "outgoing-video.ts",
    "picture-readers.ts",
    "frame-readers.ts",
  ],
};
const IMPURE_NAMES = new Set(["Promise", "Date", "performance", "setTimeout", "setInterval", "setImmediate"]);

/** Files of assembly without an adapter: the entries, memory access, layout, and what the kernels are made of. */
const KERNEL_PARTS = [
  "index.ts",
  "layout.ts",
  "memory.ts",
  "pcm-layout.ts",
  "time-scale-layout.ts",
  "memory.portable.ts",
  "buffer-counters.ts",
  "clock-drift-layout.ts",
  "drift-fit.ts",
  "weighted-median.ts",
  "frame-alignment-layout.ts",
  "mix-minus-layout.ts",
  "pixels-index.ts",
  "pixels-layout.ts",
  "delay-target.ts",
  "overdue.ts",
  "playout-clock.ts",
  "probation.ts",
  "rtp-header.ts",
  "slot-index.ts",
];
/** Files of src/wasm that adapt no kernel. */
const WASM_SUPPORT = [
  "instantiate.ts",
  "pixel-memory.ts",
  "arena.ts",
  "regions.ts",
  "buffer-options.ts",
  "buffer-statistics.ts",
  "media-timeline.ts",
  "sinc-table.ts",
  "windowed-sinc.ts",
  "sample-format.ts",
  "audio-mixer.ts",
  "cross-fade.ts",
  "background-level.ts",
];

/** What the browser root exports beyond the common names. */
const BROWSER_ONLY = ["AudioPlayout"];

interface Import {
  readonly target: string;
  readonly typeOnly: boolean;
}

const sources = new Map(filesBelow("src").map((path) => [path, parse(join("src", path))]));
const imports = new Map([...sources].map(([path, file]) => [path, findImports(path, file)]));

describe("the structure of src", () => {
  it("has a layer for every file", () => {
    const homeless = [...sources.keys()].filter((path) => !isPlatform(path) && layerOf(path) < 0);
    expect(homeless).toEqual([]);
  });

  it("imports lower layers and siblings only", () => {
    const faults = eachImport((path, { target }) => {
      if (isPlatform(path) || isPlatform(target) || folderOf(path) === folderOf(target)) return false;
      const layer = layerOf(path);
      return layerOf(target) >= layer && layer !== SHARED_LAYER;
    });
    expect(faults).toEqual([]);
  });

  it("lets the lowest layer import nothing but itself", () => {
    const faults = eachImport(
      (path, { target }) => layerOf(path) === SHARED_LAYER && layerOf(target) !== SHARED_LAYER,
    );
    expect(faults).toEqual([]);
  });

  it("lets platform folders import the lowest layer only, and nobody but the roots import them", () => {
    const faults = eachImport((path, { target }) => {
      if (isPlatform(path)) return folderOf(path) !== folderOf(target) && layerOf(target) !== SHARED_LAYER;
      return isPlatform(target) && !ROOTS.includes(path);
    });
    expect(faults).toEqual([]);
  });

  it("keeps modules of Node, and what uses them, out of what browsers get", () => {
    const portable = [...sources].filter(([path]) => !isNodePlace(path));
    const asking = portable.filter(([, file]) => /\bfrom "node:|\bimport\("node:/.test(file.text));
    const faults = eachImport((path, { target }) => !isNodePlace(path) && isNodePlace(target));
    expect([...asking.map(([path]) => path), ...faults]).toEqual([]);
  });

  it("has no circles of imports", () => {
    expect(circles()).toEqual([]);
  });

  it("has no barrels", () => {
    const indexes = [...sources.keys()].filter((path) => /\/index\.ts$/.test(path));
    const stars = [...sources].filter(
      ([path, file]) => folderOf(path) !== path && file.statements.some(isStarExport),
    );
    expect([...indexes, ...stars.map(([path]) => path)]).toEqual([]);
  });

  it("keeps time, chance and waiting behind the doors", () => {
    const faults = [...sources].flatMap(([path, file]) => {
      const doors = DOORS[folderOf(path)];
      const pure = doors !== undefined && !doors.includes(path.slice(folderOf(path).length + 1));
      return pure ? impurities(file).map((name) => `${path}: ${name}`) : [];
    });
    expect(faults).toEqual([]);
  });

  it("names doors that exist", () => {
    const named = Object.entries(DOORS).flatMap(([folder, doors]) =>
      doors.map((door) => `${folder}/${door}`),
    );
    const folders = new Set([...sources.keys()].map(folderOf));
    expect(named.filter((path) => folders.has(folderOf(path)) && !sources.has(path))).toEqual([]);
  });
});

describe("the kernels", () => {
  const kernels = filesBelow("assembly").filter(
    (path) => path.endsWith(".ts") && !KERNEL_PARTS.includes(path),
  );
  const adapters = filesBelow("src/wasm").filter((path) => !WASM_SUPPORT.includes(path));

  it("have one adapter each, of the same name", () => {
    expect(adapters.sort()).toEqual(kernels.sort());
  });

  it("have one test each, of the same name", () => {
    const untested = adapters.filter(
      (path) => !existsSync(join(ROOT, "test/wasm", path.replace(/ts$/, "test.ts"))),
    );
    expect(untested).toEqual([]);
  });
});

describe("the two roots", () => {
  it.each(["", "-pipeline"])(
    "%s export the same names, but for a stated list",
    { timeout: 60_000 },
    (part) => {
      const [node, browser] = exportedNames(ROOT, [`src/node${part}.ts`, `src/browser${part}.ts`]);
      expect(node).not.toEqual([]);
      expect(browser?.filter((name) => !BROWSER_ONLY.includes(name))).toEqual(node);
    },
  );
});

/** Files below a folder of the project, as paths inside it; what is generated is not ours to judge. */
function filesBelow(folder: string): string[] {
  const full = join(ROOT, folder);
  if (!existsSync(full)) return [];
  const entries = readdirSync(full, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && /\.ts$/.test(entry.name) && !/\.d\.ts$/.test(entry.name))
    .map((entry) => relative(full, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .filter((path) => !/(^|\/)generated\//.test(path));
}

function parse(path: string): ts.SourceFile {
  return ts.createSourceFile(path, readFileSync(join(ROOT, path), "utf8"), ts.ScriptTarget.ES2022, true);
}

/** The domain a file belongs to: its first folder, the platform folder, or the file itself at the top. */
function folderOf(path: string): string {
  const parts = path.split("/");
  if (parts[0] === "platform") return parts.slice(0, 2).join("/");
  return parts[0] ?? path;
}

function layerOf(path: string): number {
  const own = LAYERS.findIndex((layer) => layer.includes(path));
  return own >= 0 ? own : LAYERS.findIndex((layer) => layer.includes(folderOf(path)));
}

function isNodePlace(path: string): boolean {
  return NODE_PLACES.some((place) => path.startsWith(place));
}

function isPlatform(path: string): boolean {
  return PLATFORM_FOLDERS.includes(folderOf(path));
}

function eachImport(isFault: (path: string, imported: Import) => boolean): string[] {
  return [...sources.keys()].flatMap((path) =>
    importsOf(path)
      .filter((imported) => isFault(path, imported))
      .map(({ target }) => `${path} -> ${target}`),
  );
}

/** What a file imports or re-exports from src, static and dynamic. */
function importsOf(path: string): readonly Import[] {
  return imports.get(path) ?? [];
}

function findImports(path: string, file: ts.SourceFile): Import[] {
  const found: Import[] = [];
  const note = (specifier: ts.Expression | undefined, typeOnly: boolean): void => {
    if (specifier === undefined || !ts.isStringLiteral(specifier) || !specifier.text.startsWith(".")) return;
    found.push({ target: join(dirname(path), specifier.text).replaceAll("\\", "/"), typeOnly });
  };
  visit(file, (node) => {
    if (ts.isImportDeclaration(node)) note(node.moduleSpecifier, node.importClause?.isTypeOnly === true);
    else if (ts.isExportDeclaration(node)) note(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      note(node.arguments[0], false);
    }
  });
  return found.filter(({ target }) => !target.includes("generated/"));
}

/** Circles of value imports, each as `a -> b -> a`. Types vanish, so circles of types harm nobody. */
function circles(): string[] {
  const done = new Set<string>();
  const found: string[] = [];
  const walk = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      found.push([...trail.slice(start), path].join(" -> "));
      return;
    }
    if (done.has(path)) return;
    for (const { target, typeOnly } of importsOf(path)) if (!typeOnly) walk(target, [...trail, path]);
    done.add(path);
  };
  for (const path of sources.keys()) walk(path, []);
  return found;
}

function isStarExport(statement: ts.Statement): boolean {
  return ts.isExportDeclaration(statement) && statement.exportClause === undefined;
}

/** What a pure file must not contain, in types as little as in values. */
function impurities(file: ts.SourceFile): string[] {
  const found = new Set<string>();
  visit(file, (node) => {
    if (node.kind === ts.SyntaxKind.AsyncKeyword) found.add("async");
    else if (node.kind === ts.SyntaxKind.AwaitKeyword || ts.isAwaitExpression(node)) found.add("await");
    else if (ts.isPropertyAccessExpression(node) && node.getText() === "Math.random")
      found.add("Math.random");
    else if (ts.isIdentifier(node) && IMPURE_NAMES.has(node.text) && !isMemberName(node))
      found.add(node.text);
  });
  return [...found];
}

/** Whether an identifier only names a member, as in `report.performance` or `{ Date: 1 }`. */
function isMemberName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  return ts.isPropertyAssignment(parent) && parent.name === node;
}

function visit(node: ts.Node, use: (node: ts.Node) => void): void {
  use(node);
  ts.forEachChild(node, (child) => {
    visit(child, use);
  });
}
