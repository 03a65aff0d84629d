// What a process costs: CPU, memory, and how late its event loop runs.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { totalUsage } from "./usage-figures.ts";
import type { UsageFigures } from "./usage-figures.ts";

/** The sampling timer fires this often, ms; its period is part of what the histogram holds. */
const RESOLUTION_MS = 10;
const NS_PER_MS = 1e6;

/** Measures this process from its making on. */
export class Usage {
  readonly #begin = process.cpuUsage();
  readonly #beganMs = performance.now();
  readonly #delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    this.#delays.enable();
  }

  /** The figures now. */
  figures(): UsageFigures {
    const { user, system } = process.cpuUsage(this.#begin);
    const delayMs = this.#delays.count === 0 ? 0 : this.#delays.percentile(99) / NS_PER_MS - RESOLUTION_MS;
    return {
      cpuMs: (user + system) / 1000,
      elapsedMs: performance.now() - this.#beganMs,
      rssBytes: process.memoryUsage.rss(),
      loopLagMsP99: Math.max(0, delayMs),
    };
  }

  /** Stop sampling; it holds nothing open meanwhile. */
  stop(): void {
    this.#delays.disable();
  }
}

/** The load of all processes from one look to the next. */
export class LiveLoad {
  #last: { cpuMs: number; atMs: number } | undefined;

  /** @returns memory now, and CPU since the last look, or at first since each process began, of one core */
  since(usages: readonly UsageFigures[]): { rssMb: number; cpuPercent: number } {
    const { rssMb, cpuPercent } = totalUsage(usages);
    const now = { cpuMs: usages.reduce((sum, { cpuMs }) => sum + cpuMs, 0), atMs: performance.now() };
    const last = this.#last;
    this.#last = now;
    if (last === undefined) return { rssMb, cpuPercent };
    // A process that has ended takes its CPU time with it.
    const cpuMs = Math.max(0, now.cpuMs - last.cpuMs);
    return { rssMb, cpuPercent: (100 * cpuMs) / Math.max(1, now.atMs - last.atMs) };
  }
}
