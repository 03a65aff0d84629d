// The command that runs a signaling server until it is interrupted.
import { parseArgs } from "node:util";
import { TransportError, describeError } from "../errors/errors.ts";
import { SignalingServer } from "../signaling-server/server.ts";

const HELP = `Usage: remotemedia-webrtc signaling [options]

Runs a signaling server until SIGINT or SIGTERM.

Options:
  --port <port>  port to listen on; 0 takes a free one (default 8080)
  --host <host>  address to listen on; 0.0.0.0 for all (default 127.0.0.1)
  --help         show this text`;

const EXIT_DONE = 0;
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/**
 * `npx remotemedia-webrtc signaling`: prints the URL, runs until SIGINT or SIGTERM.
 *
 * @returns exit code: 0 after an interrupt and for --help, 1 when it cannot listen, 2 for options it does not know
 */
export async function runSignaling(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (typeof options === "string") {
    process.stderr.write(`remotemedia-webrtc signaling: ${options}\n\n${HELP}\n`);
    return EXIT_USAGE;
  }
  if (options.help) {
    process.stdout.write(`${HELP}\n`);
    return EXIT_DONE;
  }
  const interrupted = interruption();
  const server = new SignalingServer({ port: options.port, host: options.host });
  try {
    const { url } = await server.start();
    process.stdout.write(`Signaling server: ${url}\nPress Ctrl+C to stop.\n`);
    await interrupted.promise;
    return EXIT_DONE;
  } catch (error) {
    const suggestion = error instanceof TransportError ? ` ${error.suggestion}` : "";
    process.stderr.write(`remotemedia-webrtc signaling: ${describeError(error)}.${suggestion}\n`);
    return EXIT_FAILED;
  } finally {
    interrupted.cancel();
    await server.close();
  }
}

/** The options, or what is wrong with them. */
function parseOptions(args: readonly string[]): { port: number; host: string; help: boolean } | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        port: { type: "string", default: "8080" },
        host: { type: "string", default: "127.0.0.1" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    const { port, host, help } = values;
    if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) return `--port: expected 0 to 65535, not "${port}"`;
    if (host === "") return "--host: expected a host name or address";
    return { port: Number(port), host, help };
  } catch (error) {
    // parseArgs names the option it does not know, or the value that is missing.
    return describeError(error);
  }
}

function interruption(): { promise: Promise<void>; cancel: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  const listener = (): void => resolve();
  for (const signal of SIGNALS) process.once(signal, listener);
  return {
    promise,
    cancel: () => {
      for (const signal of SIGNALS) process.off(signal, listener);
    },
  };
}
