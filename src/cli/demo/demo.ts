// The door of the demo: from the command line to an exit code. Everything it starts, it ends.
import { networkInterfaces } from "node:os";
import { describeError } from "../../errors/errors.ts";
import { SignalingServer } from "../../signaling-server/server.ts";
import { originNow } from "./clocks.ts";
import type { HostReport } from "./ipc-messages.ts";
import { lineUp, settleMsOf } from "./lineup.ts";
import type { RunPlan } from "./lineup.ts";
import { SIGNALING_PATH } from "./measure-protocol.ts";
import type { PageRun } from "./measure-protocol.ts";
import { MeshRun, rowsOf, videoRowsOf } from "./mesh-run.ts";
import { DEMO_HELP, frameMsOf, parseOptions, UsageError } from "./options.ts";
import type { DemoOptions } from "./options.ts";
import { closePage, listenPage } from "./page-server.ts";
import { buildReport } from "./report.ts";
import type { DemoReport } from "./report.ts";
import { Screen } from "./screen.ts";
import { LiveLoad } from "./usage.ts";

const EXIT_DONE = 0;
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** What a shell expects of a process that was interrupted twice. */
const EXIT_INTERRUPTED = 130;

/** Peers that cannot connect in this time will not; the talk goes on without them. */
const CONNECT_TIMEOUT_MS = 20_000;
const TABLE_INTERVAL_MS = 1_000;
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
  const screen = new Screen(options.json ? process.stderr : process.stdout, !options.json);
  const host = options.lan ? "0.0.0.0" : "127.0.0.1";
  const page = await listenPage(options.port, host, pageRunOf(options)).catch((error: unknown) => {
    throw new Error(`--port ${options.port}: ${describeError(error)}`);
  });
  const signaling = new SignalingServer({ server: page.server, path: SIGNALING_PATH });
  const interrupt = catchInterrupt();
  let mesh: MeshRun | undefined;
  try {
    const plan = planOf(options, `ws://127.0.0.1:${page.port}${SIGNALING_PATH}`);
    mesh = await MeshRun.open({ plan, server: page.server, say: (text) => screen.say(text) });
    await signaling.start();
    greet(screen, options, page.port);
    const report = await talk(mesh, screen, options, interrupt.signal);
    if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  } finally {
    const recorded = await mesh?.stop();
    if (recorded !== undefined) screen.say(`${recorded} in ${options.recordDir}`);
    await signaling.close();
    await closePage(page.server);
    interrupt.release();
  }
}

function planOf(options: DemoOptions, signalingUrl: string): RunPlan {
  const { wavs, clicks, lan, recordDir, seconds, impair, video } = options;
  const frameMs = frameMsOf(options);
  const settleMs = settleMsOf(seconds);
  return {
    origin: originNow(),
    peers: lineUp(options),
    ...{ wavs, clicks, frameMs, signalingUrl, lan, recordDir, settleMs, impair, video },
  };
}

/** What pages are told of it. */
function pageRunOf({ video }: DemoOptions): PageRun {
  if (video === undefined) return { video: null };
  const { files, ...format } = video;
  return { video: { ...format, patterns: files.length === 0 } };
}

/** From the first start() until the end of the run. */
async function talk(
  mesh: MeshRun,
  screen: Screen,
  options: DemoOptions,
  signal: AbortSignal,
): Promise<DemoReport> {
  await mesh.start(signal);
  const waiting = new AbortController();
  await Promise.race([
    mesh.connected(),
    pause(CONNECT_TIMEOUT_MS, AbortSignal.any([signal, waiting.signal])),
  ]);
  // Its timer would keep the process alive.
  waiting.abort();
  const pairs = (mesh.peerIds.length * (mesh.peerIds.length - 1)) / 2;
  screen.say(`${mesh.setupMs.length} of ${pairs} pairs connected; ${ending(options)}`);
  const load = new LiveLoad();
  const show = async (last: boolean): Promise<HostReport[]> => {
    const reports = await mesh.reports(!last);
    const rows = rowsOf(reports);
    const video = videoRowsOf(reports);
    const alignments = reports.flatMap((report) => report.alignments);
    const footer = { elapsedMs: mesh.nowMs(), ...load.since(reports.map(({ usage }) => usage)) };
    screen.table({ rows, video, alignments }, footer, last);
    mesh.publish(rows, video, alignments, footer);
    return reports;
  };
  const timer = setInterval(() => void show(false), TABLE_INTERVAL_MS);
  await pause(options.seconds === undefined ? Infinity : options.seconds * 1000, signal);
  clearInterval(timer);
  const reports = await show(true);
  return buildReport({
    rows: rowsOf(reports),
    requiredPeers: mesh.peerIds,
    setupMs: mesh.setupMs,
    alignments: reports.flatMap(({ alignments }) => alignments),
    video: options.video && videoRowsOf(reports),
    processes: reports,
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
