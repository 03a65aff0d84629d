// What each further peer of a room costs the one who hears, mixes and answers them all: memory and CPU of its process, in
// rooms of real peers in processes of their own. Runs the soak for a short while; needs a build.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Bench, Figure } from "../bench.ts";

const FEW = 2;
const MANY = 10;
const MINUTES = 0.75;
const TIMEOUT_MS = 180_000;
/** Audio only. */
const MAX_MB_PER_PEER = 25;
const NAME = "of a peer that mixes, for each further one in its room";

/** Of one process, as the soak tells it. */
interface ProcessRow {
  rssMb: number;
  heldMb: number;
  cpuPercent: number;
  lost: number;
  missing: number;
}

/** The soak's first process holds the one peer that mixes. */
async function mixingPeer(peers: number): Promise<ProcessRow> {
  const script = join(process.cwd(), "bench/soak/soak.mjs");
  const processes = Math.min(3, peers);
  const args = { minutes: MINUTES, peers, processes, "frame-ms": 60 };
  const flags = Object.entries(args).flatMap(([name, value]) => [`--${name}`, String(value)]);
  // A run this short cannot prove that nothing leaks, and says so by its exit code.
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...flags, "--json"], {
    timeout: TIMEOUT_MS,
  }).catch((error: { stdout?: string }) => {
    if (error.stdout) return { stdout: error.stdout };
    throw error;
  });
  const { rows } = JSON.parse(stdout) as { rows: ProcessRow[] };
  return rows[0] as ProcessRow;
}

async function figures(wants: (name: string) => boolean): Promise<Figure[]> {
  const [rss, held, cpu] = ["RSS", "heap and external memory", "CPU"].map((what) => `${what} ${NAME}`);
  if (![rss, held, cpu].some((name) => wants(name as string))) return [];
  const [few, many] = [await mixingPeer(FEW), await mixingPeer(MANY)];
  const further = (of: (row: ProcessRow) => number): number => (of(many) - of(few)) / (MANY - FEW);
  return [
    {
      name: rss as string,
      unit: "MB",
      ours: further(({ rssMb }) => rssMb),
      baselines: [{ name: `the whole process in a room of ${MANY}`, value: many.rssMb }],
      goal: { atMost: MAX_MB_PER_PEER },
    },
    {
      name: held as string,
      unit: "MB",
      ours: further(({ heldMb }) => heldMb),
      baselines: [{ name: `the whole process in a room of ${MANY}`, value: many.heldMb }],
    },
    {
      name: cpu as string,
      unit: "% of a core",
      ours: further(({ cpuPercent }) => cpuPercent),
      baselines: [{ name: `the whole process in a room of ${MANY}`, value: many.cpuPercent }],
    },
  ];
}

export default { runtimes: ["node"], cases: () => [], figures } satisfies Bench;
