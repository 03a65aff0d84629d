// npm run demo [-- options]: set-up on stderr, then the demo of the built package in this same process, so that its
// stdout, its signals and its exit code are the demo's own.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { whenOrphaned } from "./orphan.mjs";
import { setUp } from "./setup.mjs";
import { ROOT } from "./sources.mjs";

try {
  setUp();
} catch (error) {
  process.stderr.write(`demo: ${error.message}\n`);
  process.exit(1);
}

whenOrphaned(() => process.kill(process.pid, "SIGTERM"));
const cli = join(ROOT, "dist/cli.js");
process.argv.splice(1, 1, cli, "demo");
await import(pathToFileURL(cli).href);
