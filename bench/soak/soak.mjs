// npm run soak [-- --minutes 30 --peers 10 --processes 3 --chunk-ms 20 --frame-ms 20 --json]: peers talk for a long time; the
// first, in a process of its own, hears all others aligned and sends each the mix of the others. Judges memory, loss and
// faults. Needs a build.
import { fork } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { SignalingServer } from "remotemedia-webrtc/signaling-server";
import { linearFit } from "./linear-fit.mjs";

/** Buffers fill, code is compiled and encoders warm up: a third of a short run, at most two minutes of a long one. */
const WARM_UP_MS = 120_000;
/** As the demo: the memory of frames counts as old from their first collection on, and heaps would be searched all the time. */
const OLD_SPACE = "--initial-old-space-size=256";
/** Samples of memory: enough for a fit of a short run, few enough to collect garbage for each. */
const REPORTS = 60;
const LONGEST_REPORT_MS = 15_000;
/** Collecting garbage takes some 40 ms; oftener, it would be what is measured. */
const SHORTEST_REPORT_MS = 2_000;
const START_TIMEOUT_MS = 60_000;
const LEAVE_TIMEOUT_MS = 20_000;
/** Goals; the slope is that of heap and external memory after garbage collection. */
const GOALS = { slopeMbPerHour: 5, rssGrowthMb: 5 };

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    peers: { type: "string", default: "10" },
    processes: { type: "string", default: "3" },
    "chunk-ms": { type: "string", default: "20" },
    "frame-ms": { type: "string", default: "20" },
    json: { type: "boolean", default: false },
  },
});
const minutes = numberOf("minutes", 0.2, 1440);
const peers = numberOf("peers", 2, 11);
const processes = numberOf("processes", 2, peers);
const chunkMs = numberOf("chunk-ms", 1, 100);
const frameMs = numberOf("frame-ms", 10, 60);
const durationMs = minutes * 60_000;
const warmUpMs = Math.min(WARM_UP_MS, durationMs / 3);
const reportMs = Math.max(SHORTEST_REPORT_MS, Math.min(LONGEST_REPORT_MS, durationMs / REPORTS));

const say = (text) => process.stderr.write(`${text}\n`);
const server = new SignalingServer({ port: 0, host: "127.0.0.1" });
const { url: signalingUrl } = await server.start();
const reports = new Map();
const children = [];
const crashed = [];
let ending = false;

const ids = Array.from({ length: peers }, (_, i) => `peer-${String(i + 1).padStart(2, "0")}`);
const others = (part) => 1 + Math.round((part * (peers - 1)) / (processes - 1));
children.push(await start(ids.slice(0, 1), true));
for (let i = 0; i < processes - 1; i++) {
  children.push(await start(ids.slice(others(i), others(i + 1)), false));
}
say(`soak: ${peers} peers in ${processes} processes, ${minutes} min, chunks of ${chunkMs} ms`);
const beganMs = performance.now();
const progress = setInterval(() => say(line()), Math.min(60_000, durationMs / 4));
await Promise.race([pause(durationMs), new Promise((resolve) => process.once("SIGINT", resolve))]);
clearInterval(progress);
ending = true;
await Promise.all(children.map(leave));
await server.close();
const result = judge();
if (values.json) console.log(JSON.stringify(result));
else print(result);
process.exitCode = result.ok ? 0 : 1;

function numberOf(name, least, most) {
  const value = Number(values[name]);
  if (value >= least && value <= most) return value;
  process.stderr.write(`soak: --${name} must be a number from ${least} to ${most}, not ${values[name]}\n`);
  process.exit(2);
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Start a process of peers; resolves when they have joined the room. */
async function start(peerIds, mixes) {
  const options = { peerIds, signalingUrl, chunkMs, frameMs, mixes, reportMs, peers };
  const name = peerIds.length === 1 ? peerIds[0] : `${peerIds[0]} to ${peerIds.at(-1)}`;
  const child = fork(join(import.meta.dirname, "soak-peer.mjs"), [JSON.stringify(options)], {
    execArgv: ["--expose-gc", OLD_SPACE],
  });
  reports.set(name, { peers: peerIds.length, list: [] });
  child.on("exit", (code, signal) => {
    if (!ending || code !== 0) crashed.push(`${name}: exit ${signal ?? code}`);
  });
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${name} did not start`)), START_TIMEOUT_MS);
    child.on("message", (message) => {
      if (message.type === "report") reports.get(name).list.push(message);
      if (message.type !== "started") return;
      clearTimeout(timer);
      resolve();
    });
  });
  return child;
}

/** Ask a peer to leave, and end it when it does not. */
async function leave(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  const timer = setTimeout(() => child.kill("SIGKILL"), LEAVE_TIMEOUT_MS);
  child.send({ type: "leave" });
  await gone;
  clearTimeout(timer);
}

function line() {
  const last = [...reports.values()].map(({ list }) => list.at(-1)).filter((report) => report !== undefined);
  const mean = (name) => last.reduce((sum, report) => sum + report[name], 0) / peers;
  const elapsed = ((performance.now() - beganMs) / 60_000).toFixed(1);
  const lost = last.reduce((sum, report) => sum + report.lost, 0);
  return `  ${elapsed} min: a peer has ${mean("heldMb").toFixed(2)} MB of heap and external, ${mean("rssMb").toFixed(1)} MB of RSS, ${mean("cpuPercent").toFixed(1)} % CPU; lost ${lost}`;
}

function judge() {
  const rows = [...reports].map(([name, { peers: count, list }]) => judgeProcess(name, count, list));
  const most = (name) => Math.max(...rows.map((row) => row[name]));
  const total = (name) => rows.reduce((sum, row) => sum + row[name], 0);
  const worst = {
    slopeHighMbPerHour: most("slopeHighMbPerHour"),
    // In a run of minutes the interval is wide: what is proven to leak.
    slopeLowMbPerHour: most("slopeLowMbPerHour"),
    rssGrowthMb: most("rssGrowthMb"),
    lagP99Ms: most("lagP99Ms"),
  };
  const errors = {
    unhandled: total("unhandled"),
    faults: total("faults"),
    sends: total("sendErrors"),
    crashed,
    last: rows.map((row) => row.lastError).find((text) => text !== "") ?? "",
  };
  const lost = total("lost");
  const missing = total("missing");
  const heard = rows.every((row) => row.heardShare > 0.95);
  const isClean = errors.unhandled + errors.faults + errors.sends + crashed.length === 0;
  const isProven = worst.slopeHighMbPerHour < GOALS.slopeMbPerHour;
  const ok =
    isClean && heard && lost === 0 && missing === 0 && worst.slopeLowMbPerHour < GOALS.slopeMbPerHour;
  const cpuPercent = total("cpuPercent");
  return {
    ok,
    minutes,
    peers,
    processes,
    chunkMs,
    frameMs,
    goals: GOALS,
    isProven,
    worst,
    errors,
    lost,
    missing,
    cpuPercent,
    rows,
  };
}

function judgeProcess(name, count, list) {
  const settled = list.filter(({ atMs }) => atMs - (list[0]?.atMs ?? 0) >= warmUpMs - reportMs);
  const last = list.at(-1);
  const fit = linearFit(settled.map(({ atMs, heldMb }) => ({ x: atMs / 3_600_000, y: heldMb })));
  const rss = settled.map(({ rssMb }) => rssMb);
  const quarter = Math.max(1, Math.floor(rss.length / 4));
  const seconds = (last.atMs - list[0].atMs) / 1000;
  // The mixing peer does not talk of its own; what it sends is the mix, which everybody hears.
  const heardSeconds = (last.samples - list[0].samples) / 48_000 / (peers - 1) / count;
  return {
    name,
    peers: count,
    slopeMbPerHour: fit.slope,
    slopeLowMbPerHour: fit.low,
    slopeHighMbPerHour: fit.high,
    heldMb: last.heldMb,
    rssMb: last.rssMb,
    rssGrowthMb: median(rss.slice(-quarter)) - median(rss.slice(0, quarter)),
    cpuPercent: last.cpuPercent,
    lagP99Ms: median(settled.map(({ lagMs }) => lagMs)),
    heardShare: heardSeconds / seconds,
    lost: last.lost,
    late: last.late,
    concealed: last.concealed,
    missing: last.missing,
    blocks: last.blocks,
    incomplete: last.incomplete,
    unhandled: last.errors.unhandled,
    faults: last.errors.faults,
    sendErrors: last.errors.sends,
    lastError: last.errors.last,
  };
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

function print({ ok, isProven, worst, errors, lost, cpuPercent, rows }) {
  const columns = [
    "slopeMbPerHour",
    "slopeHighMbPerHour",
    "heldMb",
    "rssMb",
    "rssGrowthMb",
    "cpuPercent",
    "lagP99Ms",
    "lost",
    "late",
  ];
  console.log(["peers", ...columns].join("\t"));
  for (const row of rows) {
    console.log([row.name, ...columns.map((name) => round(row[name]))].join("\t"));
  }
  const proven = isProven ? "" : " (the run is too short to prove it)";
  console.log(
    `${ok ? "ok" : "NOT OK"}: memory grows by at most ${round(worst.slopeHighMbPerHour)} MB/h, goal ${GOALS.slopeMbPerHour}${proven}; ` +
      `RSS by ${round(worst.rssGrowthMb)} MB, goal ${GOALS.rssGrowthMb}; lost ${lost}; CPU of all ${round(cpuPercent)} %; errors ${JSON.stringify(errors)}`,
  );
}

function round(value) {
  return Number.isInteger(value) ? value : value.toFixed(2);
}
