// The door of the demo: from the command line to an exit code. Everything it starts, it ends.
import { readFile, stat } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { describeError } from "../../errors/errors.ts";
import { SignalingServer } from "../../signaling-server/server.ts";
import { Loop, resampleLoop } from "./loop.ts";
import type { SignalSource } from "./loop.ts";
import { SIGNALING_PATH } from "./measure-protocol.ts";
import { MeshRun } from "./mesh-run.ts";
import { DEMO_HELP, parseOptions } from "./options.ts";
import type { DemoOptions } from "./options.ts";
import { closePage, listenPage } from "./page-server.ts";
import { Recorder } from "./recorder.ts";
import { buildReport } from "./report.ts";
import type { DemoReport, PairRow } from "./report.ts";
import { Screen } from "./screen.ts";
import { Voice } from "./voice.ts";
import { parseWav } from "./wav.ts";

const EXIT_DONE = 0;
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** What a shell expects of a process that was interrupted twice. */
const EXIT_INTERRUPTED = 130;

/** Peers that cannot connect in this time will not; the talk goes on without them. */
const CONNECT_TIMEOUT_MS = 20_000;
const TABLE_INTERVAL_MS = 1_000;
/** Of a WAV file, so much is played; an hour of it would fill the memory. */
const MAX_WAV_SECONDS = 600;
const MAX_WAV_BYTES = 1_073_741_824;
const MIB = 1_048_576;

/** A complaint about the command line. */
class UsageError extends Error {}

/**
 * Run the demo.
 *
 * @param args what follows `demo` on the command line
 * @returns exit code: 0 ended by --seconds or Ctrl-C, 1 could not run, 2 wrong usage
 */
export async function runDemo(args: string[]): Promise<number> {
  const parsed = parseOptions(args);
  if (parsed.type === "help") {
    process.stdout.write(`${DEMO_HELP}\n`);
    return EXIT_DONE;
  }
  try {
    if (parsed.type === "fault") throw new UsageError(parsed.fault);
    await run(parsed.options);
    return EXIT_DONE;
  } catch (error) {
    const usage = error instanceof UsageError;
    const hint = usage ? "\nTry 'remotemedia-webrtc demo --help'." : "";
    process.stderr.write(`demo: ${describeError(error)}${hint}\n`);
    return usage ? EXIT_USAGE : EXIT_FAILED;
  }
}

async function run(options: DemoOptions): Promise<void> {
  const sources = await openSources(options);
  const recorder = await openRecorder(options);
  const screen = new Screen(options.json ? process.stderr : process.stdout, !options.json);
  const host = options.lan ? "0.0.0.0" : "127.0.0.1";
  const page = await listenPage(options.port, host).catch((error: unknown) => {
    throw new Error(`--port ${options.port}: ${describeError(error)}`);
  });
  const signaling = new SignalingServer({ server: page.server, path: SIGNALING_PATH });
  const signalingUrl = `ws://127.0.0.1:${page.port}${SIGNALING_PATH}`;
  const mesh = new MeshRun({
    sources,
    signalingUrl,
    lan: options.lan,
    server: page.server,
    recorder,
    say: (text) => screen.say(text),
  });
  const interrupt = catchInterrupt();
  try {
    await signaling.start();
    greet(screen, options, page.port);
    const report = await talk(mesh, screen, options, interrupt.signal);
    if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  } finally {
    const recorded = await mesh.stop();
    if (recorded !== undefined) screen.say(`${recorded} in ${options.recordDir}`);
    await signaling.close();
    await closePage(page.server);
    interrupt.release();
  }
}

/** From the first start() until the end of the run. */
async function talk(
  mesh: MeshRun,
  screen: Screen,
  options: DemoOptions,
  signal: AbortSignal,
): Promise<DemoReport> {
  const usage = new Usage();
  await mesh.start();
  const waiting = new AbortController();
  await Promise.race([
    mesh.connected(),
    pause(CONNECT_TIMEOUT_MS, AbortSignal.any([signal, waiting.signal])),
  ]);
  // Its timer would keep the process alive.
  waiting.abort();
  const pairs = (mesh.peerIds.length * (mesh.peerIds.length - 1)) / 2;
  screen.say(`${mesh.setupMs.length} of ${pairs} pairs connected; ${ending(options)}`);
  const show = (last: boolean): PairRow[] => {
    const rows = mesh.rows(!last);
    const footer = { elapsedMs: mesh.nowMs(), ...usage.sinceLast() };
    screen.table(rows, footer, last);
    mesh.publish(rows, footer);
    return rows;
  };
  const timer = setInterval(() => show(false), TABLE_INTERVAL_MS);
  await pause(options.seconds === undefined ? Infinity : options.seconds * 1000, signal);
  clearInterval(timer);
  const rows = show(true);
  return buildReport({
    rows,
    requiredPeers: mesh.peerIds,
    setupMs: mesh.setupMs,
    rssBytes: process.memoryUsage.rss(),
    cpuMs: usage.totalMs(),
    elapsedMs: mesh.nowMs(),
  });
}

function ending({ seconds }: DemoOptions): string {
  return seconds === undefined ? "Ctrl-C ends it" : `${seconds} s of talk`;
}

/** Resolves after `ms`, or as soon as the signal fires. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = ms === Infinity ? undefined : setTimeout(end, ms);
    function end(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    }
    if (signal.aborted) end();
    else signal.addEventListener("abort", end);
  });
}

/** The first Ctrl-C ends the run in order, the second at once. */
function catchInterrupt(): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(EXIT_INTERRUPTED);
    controller.abort();
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const name of signals) process.on(name, onSignal);
  return {
    signal: controller.signal,
    release: () => {
      for (const name of signals) process.off(name, onSignal);
    },
  };
}

function greet(screen: Screen, { lan, port: wanted }: DemoOptions, port: number): void {
  if (wanted !== 0 && port !== wanted) screen.say(`port ${wanted} is busy, using ${port}`);
  screen.say(`join with your microphone: http://localhost:${port}/`);
  if (!lan) return;
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  for (const { family, internal, address } of addresses) {
    if (family === "IPv4" && !internal) screen.say(`from other machines:       http://${address}:${port}/`);
  }
  screen.say(
    "browsers give microphone and sound to other machines only over https or an ssh tunnel to localhost",
  );
}

/** What each peer says: the WAV files in turn, each peer elsewhere in its file, or a voice of its own. */
async function openSources({ peers, wavs }: DemoOptions): Promise<SignalSource[]> {
  const loops = await Promise.all(wavs.map(openWav));
  return Array.from({ length: peers }, (_, i) => {
    const loop = loops[i % Math.max(1, loops.length)];
    return loop === undefined ? new Voice(i + 1) : new Loop(loop, i / peers);
  });
}

async function openWav(path: string): Promise<Float32Array> {
  try {
    const { size } = await stat(path);
    if (size > MAX_WAV_BYTES) throw new Error("the file is larger than 1 GiB");
    return resampleLoop(parseWav(await readFile(path), MAX_WAV_SECONDS));
  } catch (error) {
    throw new UsageError(`--wav ${path}: ${describeError(error)}`);
  }
}

async function openRecorder({ recordDir }: DemoOptions): Promise<Recorder | undefined> {
  if (recordDir === undefined) return undefined;
  try {
    return await Recorder.open(recordDir);
  } catch (error) {
    throw new UsageError(`--record ${recordDir}: ${describeError(error)}`);
  }
}

/** CPU and memory of this process. */
class Usage {
  readonly #begin = process.cpuUsage();
  #last = { cpu: this.#begin, atMs: performance.now() };

  totalMs(): number {
    return milliseconds(process.cpuUsage(this.#begin));
  }

  sinceLast(): { rssMb: number; cpuPercent: number } {
    const now = { cpu: process.cpuUsage(), atMs: performance.now() };
    const cpuMs = milliseconds(now.cpu) - milliseconds(this.#last.cpu);
    const cpuPercent = (100 * cpuMs) / Math.max(1, now.atMs - this.#last.atMs);
    this.#last = now;
    return { rssMb: process.memoryUsage.rss() / MIB, cpuPercent };
  }
}

function milliseconds({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1000;
}
