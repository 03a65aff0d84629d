#!/usr/bin/env node
// The command: picks one of its parts by the first argument and leaves the rest to it.
import { readFileSync } from "node:fs";

const HELP = `Usage: remotemedia-webrtc <command> [options]

Commands:
  demo         peers that talk to each other, a live table, and a page to join from a browser
  signaling    the signaling server alone
  replay       play recorded RTP (rtpdump, pcap, pcapng) through the jitter buffer and say what it did

Options:
  --help       show this text; after a command: its options
  --version    show the version`;

const EXIT_DONE = 0;
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** Do what the arguments say. @returns the exit code */
async function main([command, ...args]: readonly string[]): Promise<number> {
  switch (command) {
    case "demo":
      return (await import("./demo/demo.ts")).runDemo(args);
    case "signaling":
      return (await import("./signaling.ts")).runSignaling(args);
    case "replay":
      return (await import("./replay/replay.ts")).runReplay(args);
    case "--help":
    case "-h":
    case "help":
      process.stdout.write(`${HELP}\n`);
      return EXIT_DONE;
    case "--version":
    case "-v":
      process.stdout.write(`${version()}\n`);
      return EXIT_DONE;
    default: {
      const fault =
        command === undefined ? "a command is missing" : `unknown command ${JSON.stringify(command)}`;
      process.stderr.write(`remotemedia-webrtc: ${fault}\n\n${HELP}\n`);
      return EXIT_USAGE;
    }
  }
}

function version(): string {
  // The same step up from src/cli, were it run there, would miss it: the command is run as dist/cli.js.
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return String((JSON.parse(text) as { version?: unknown }).version);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(
    `remotemedia-webrtc: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exitCode = EXIT_FAILED;
}
