// A run: its peers in this process or spread over several, what is measured of them and of the pages, and what is
// recorded. Holds the clock of the run; what is shown, and when it ends, is the door's business.
import type { Server } from "node:http";
import { availableParallelism } from "node:os";
import type { AlignmentFigures } from "./alignment-judge.ts";
import { ChildHost } from "./child-host.ts";
import { RunClock } from "./clocks.ts";
import type { HostReport, Recorded, Word } from "./ipc-messages.ts";
import { spread } from "./lineup.ts";
import type { RunPlan } from "./lineup.ts";
import { MeasureServer } from "./measure-server.ts";
import { sortRows } from "./measurement.ts";
import { PeerHost } from "./peer-host.ts";
import type { HostEvents } from "./peer-host.ts";
import { liveAlignments } from "./report.ts";
import type { PairRow } from "./report.ts";
import { indexAt } from "./similarity.ts";
import type { TableFooter } from "./table.ts";
import type { VideoPairRow } from "./video/video-measurement.ts";
import { toPcm16 } from "./wav.ts";

/** Recordings go on this much longer than the run, for what is on its way when it ends. */
const TAIL_SAMPLES = 4_800;

/** What a run is made of. */
export interface MeshRunOptions {
  plan: RunPlan;
  /** Serves the measuring socket. */
  server: Server;
  /** Something for the user to read. */
  say: (text: string) => void;
}

/** See the header. */
export class MeshRun {
  readonly peerIds: readonly string[];
  readonly #clock: RunClock;
  readonly #local: PeerHost;
  readonly #children: readonly ChildHost[];
  readonly #measureServer: MeasureServer;
  readonly #startedMs = new Map<string, number>();
  /** Unordered pairs by name: ms until both sides were connected, and how many sides are. */
  readonly #setups = new Map<string, { ms: number; sides: number }>();
  #onConnected: () => void = () => undefined;

  private constructor(local: PeerHost, children: readonly ChildHost[], { plan, server }: MeshRunOptions) {
    this.peerIds = plan.peers.map(({ peerId }) => peerId);
    this.#clock = new RunClock(plan.origin);
    this.#local = local;
    this.#children = children;
    this.#measureServer = this.#measurePages(server);
  }

  /** Make the processes and all that takes time before the peers can start. @throws Error when one fails */
  static async open(options: MeshRunOptions): Promise<MeshRun> {
    const { plan, say } = options;
    const groups = spread(plan.peers, availableParallelism(), plan.video !== undefined).map((peers) =>
      peers.map(({ peerId }) => peerId),
    );
    const own = groups.length > 0 ? [] : plan.peers.map(({ peerId }) => peerId);
    const processes = Math.max(1, groups.length);
    // Nothing is said or connected before the first start(), which is after the run has been made.
    const made: { run?: MeshRun } = {};
    const eventsOf = (index: number): HostEvents => ({
      connected: (from, to) => {
        if (made.run !== undefined) made.run.#connected(from, to);
      },
      trouble: say,
      word: (word) => {
        if (made.run !== undefined) made.run.#pass(word, index);
      },
    });
    const local = await PeerHost.open({ plan, own, processes, events: eventsOf(-1) });
    await local.describeRecordings();
    const children = groups.map((peerIds, index) => new ChildHost(peerIds, eventsOf(index)));
    try {
      await Promise.all(children.map((child) => child.open(plan, processes)));
    } catch (error) {
      await Promise.all([local, ...children].map((host) => host.stop(0)));
      throw error;
    }
    const run = new MeshRun(local, children, options);
    made.run = run;
    return run;
  }

  /** Ms since the run began. */
  nowMs(): number {
    return this.#clock.now();
  }

  /** How long each connected pair took, ms from start() of the later peer. */
  get setupMs(): number[] {
    return [...this.#setups.values()].filter(({ sides }) => sides === 2).map(({ ms }) => ms);
  }

  /** All peers join, one after the other, until `signal` fires. @throws Error of the first that cannot */
  async start(signal: AbortSignal): Promise<void> {
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    for (const peerId of this.peerIds) {
      if (signal.aborted) return;
      this.#startedMs.set(peerId, this.nowMs());
      const child = this.#children.find(({ peerIds }) => peerIds.includes(peerId));
      const started = (child ?? this.#local).start(peerId);
      // What a start that was given up comes to is of no interest.
      started.catch(() => undefined);
      await Promise.race([started, aborted]);
    }
  }

  /** Resolves when every peer of the line-up is connected to every other. */
  connected(): Promise<void> {
    const pairs = (this.peerIds.length * (this.peerIds.length - 1)) / 2;
    return new Promise((resolve) => {
      this.#onConnected = () => {
        if (this.setupMs.length >= pairs) resolve();
      };
      this.#onConnected();
    });
  }

  /** What every process has measured; one that has died, or hangs, is missing. `live`: of the last seconds only. */
  async reports(live: boolean): Promise<HostReport[]> {
    const reports = await Promise.all(this.#children.map((child) => child.report(live)));
    return [this.#local.report(live), ...reports.filter((report) => report !== undefined)];
  }

  /** Send the table to every page. */
  publish(
    rows: PairRow[],
    video: VideoPairRow[],
    alignments: readonly AlignmentFigures[],
    footer: TableFooter,
  ): void {
    const live = liveAlignments(alignments);
    this.#measureServer.publish({ type: "table", rows, video, alignments: live, ...footer });
  }

  /** Everybody leaves; recordings are finished. Never rejects. @returns what there is to say about recordings */
  async stop(): Promise<string | undefined> {
    this.#measureServer.close();
    const samples = indexAt(this.nowMs()) + TAIL_SAMPLES;
    const all = await Promise.all([this.#local, ...this.#children].map((host) => host.stop(samples)));
    const recorded = all.filter((one): one is Recorded => one !== undefined);
    if (recorded.length === 0) return undefined;
    const files = recorded.reduce((sum, one) => sum + one.files, 0);
    const blocks = recorded.reduce((sum, one) => sum + one.lostBlocks, 0);
    const pictures = recorded.reduce((sum, one) => sum + one.lostPictures, 0);
    const reason = recorded.find((one) => one.reason !== undefined)?.reason;
    const lost = pictures === 0 ? `${blocks} blocks` : `${blocks} blocks and ${pictures} pictures`;
    return `recorded ${files} files${reason === undefined ? "" : ` (${lost} missing: ${reason})`}`;
  }

  #measurePages(server: Server): MeasureServer {
    return new MeasureServer(server, () => this.nowMs(), {
      joined: (peerId) => {
        if (this.peerIds.includes(peerId)) return false;
        this.#tellAll({ type: "page-joined", peerId });
        return true;
      },
      left: (peerId) => this.#tellAll({ type: "page-left", peerId }),
      sent: (peerId, samples, calledMs, missing) => {
        this.#tellAll({ type: "page-sent", block: { peerId, pcm: toPcm16(samples), calledMs, missing } });
        this.#local.recordPage(peerId, samples, calledMs, missing);
      },
      received: (from, to, samples, deliveredMs, missing) =>
        this.#local.received({ from, to, samples, deliveredMs, missing }),
      shown: (peerId, pictures) => this.#tellAll({ type: "shown", shown: [{ peerId, pictures }] }),
      saw: (peerId, seen) => this.#local.saw(peerId, seen),
      counted: (from, to, counters) => this.#local.counted(from, to, counters),
    });
  }

  /** What one host said, to all others. @param index of the process; -1: this one */
  #pass(word: Word, index: number): void {
    // What this process says it knows; the others' words it needs for pages only, which may join at any time.
    if (index >= 0) this.#local.hear(word);
    this.#children.forEach((child, i) => {
      if (i !== index) child.hear(word);
    });
  }

  #tellAll(word: Word): void {
    this.#local.hear(word);
    for (const child of this.#children) child.hear(word);
  }

  #connected(from: string, to: string): void {
    const starts = [this.#startedMs.get(from), this.#startedMs.get(to)];
    if (starts[0] === undefined || starts[1] === undefined) return;
    const key = [from, to].sort().join(" ");
    const sides = (this.#setups.get(key)?.sides ?? 0) + 1;
    // A pair that connects anew was set up before.
    if (sides > 2) return;
    this.#setups.set(key, { sides, ms: this.nowMs() - Math.max(starts[0], starts[1]) });
    this.#onConnected();
  }
}

/** The rows of video of all processes, by receiver, then sender. */
export function videoRowsOf(reports: readonly HostReport[]): VideoPairRow[] {
  return sortRows(reports.flatMap(({ video }) => video));
}

/** The rows of all processes, by receiver, then sender. */
export function rowsOf(reports: readonly HostReport[]): PairRow[] {
  return sortRows(reports.flatMap(({ rows }) => rows));
}
