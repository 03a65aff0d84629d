// A run: the peers of this process, what is measured of them and of the pages, and what is recorded. Holds the
// clock of the run; what is shown, and when it ends, is the door's business.
import type { Server } from "node:http";
import { DemoPeer } from "./demo-peer.ts";
import type { SignalSource } from "./loop.ts";
import { MeasureServer } from "./measure-server.ts";
import { Measurement } from "./measurement.ts";
import type { Recorder } from "./recorder.ts";
import type { PairRow } from "./report.ts";
import { indexAt } from "./similarity.ts";

/** Windows are judged in small portions, so that media never waits long behind them. */
const TICK_MS = 50;

/** Names of the peers, in order of appearance. */
const NAMES = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy"] as const;

/** What a run is made of. */
export interface MeshRunOptions {
  /** One peer for each. */
  sources: readonly SignalSource[];
  signalingUrl: string;
  lan: boolean;
  /** Serves the measuring socket. */
  server: Server;
  recorder: Recorder | undefined;
  /** Something for the user to read. */
  say: (text: string) => void;
}

/** See the header. */
export class MeshRun {
  readonly peerIds: readonly string[];
  readonly #peers: DemoPeer[];
  readonly #measurement = new Measurement();
  readonly #measureServer: MeasureServer;
  readonly #recorder: Recorder | undefined;
  readonly #originMs = performance.now();
  readonly #startedMs = new Map<string, number>();
  /** Unordered pairs by name: ms until both sides were connected, and how many sides are. */
  readonly #setups = new Map<string, { ms: number; sides: number }>();
  #ticker: ReturnType<typeof setInterval> | undefined;
  #onConnected: () => void = () => undefined;

  constructor({ sources, signalingUrl, lan, server, recorder, say }: MeshRunOptions) {
    this.#recorder = recorder;
    this.peerIds = NAMES.slice(0, sources.length);
    const nowMs = (): number => this.nowMs();
    const sent = (peerId: string, samples: Float32Array, calledMs: number, missing: number): void => {
      const start = this.#measurement.sent(peerId, samples, calledMs, missing);
      recorder?.sent(peerId, start, samples);
    };
    const received = (from: string, to: string, samples: Float32Array, ms: number, missing: number): void => {
      const start = this.#measurement.received(from, to, samples, ms, missing);
      if (start !== undefined) recorder?.received(from, to, start, samples);
    };
    this.#measureServer = new MeasureServer(server, nowMs, {
      joined: (peerId) => !this.peerIds.includes(peerId),
      left: (peerId) => this.#measurement.left(peerId),
      sent,
      received,
      counted: (from, to, counters) => {
        if (!this.#isMeasured(from)) return;
        this.#measurement.connected(from, to, this.nowMs());
        this.#measurement.counted(from, to, counters);
      },
    });
    this.#peers = this.peerIds.map((peerId, i) => {
      const source = sources[i] as SignalSource;
      return new DemoPeer(
        { peerId, signalingUrl, lan, source, nowMs },
        {
          sent,
          received,
          connected: (from, to) => this.#connected(from, to),
          disconnected: (from) => {
            if (!this.#measureServer.has(from)) this.#measurement.left(from);
          },
          trouble: say,
        },
      );
    });
  }

  /** Ms since the run began. */
  nowMs(): number {
    return performance.now() - this.#originMs;
  }

  /** How long each connected pair took, ms from start() of the later peer. */
  get setupMs(): number[] {
    return [...this.#setups.values()].filter(({ sides }) => sides === 2).map(({ ms }) => ms);
  }

  /** All peers join, one after the other. @throws TransportError of the first that cannot */
  async start(): Promise<void> {
    this.#ticker = setInterval(() => this.#measurement.tick(this.nowMs()), TICK_MS);
    for (const peer of this.#peers) {
      this.#startedMs.set(peer.peerId, this.nowMs());
      await peer.start();
    }
  }

  /** Resolves when every peer of this process is connected to every other. */
  connected(): Promise<void> {
    const pairs = (this.#peers.length * (this.#peers.length - 1)) / 2;
    return new Promise((resolve) => {
      this.#onConnected = () => {
        if (this.setupMs.length >= pairs) resolve();
      };
      this.#onConnected();
    });
  }

  /** Take over what the transports count; then all rows. `live`: of the last seconds only. */
  rows(live: boolean): PairRow[] {
    for (const peer of this.#peers) this.#count(peer);
    return this.#measurement.rows(live);
  }

  /** Send the table to every page. */
  publish(rows: PairRow[], footer: { elapsedMs: number; rssMb: number; cpuPercent: number }): void {
    this.#measureServer.publish({ type: "table", rows, ...footer });
  }

  /** Everybody leaves; recordings are finished. Never rejects. @returns what there is to say about recordings */
  async stop(): Promise<string | undefined> {
    clearInterval(this.#ticker);
    this.#measureServer.close();
    await Promise.all(this.#peers.map((peer) => peer.stop()));
    if (this.#recorder === undefined) return undefined;
    const { paths, lostBlocks, reason } = await this.#recorder.close(indexAt(this.nowMs()));
    const loss = reason === undefined ? "" : ` (${lostBlocks} blocks missing: ${reason})`;
    return `recorded ${paths.length} files${loss}`;
  }

  #connected(from: string, to: string): void {
    const starts = [this.#startedMs.get(from), this.#startedMs.get(to)];
    if (this.#isMeasured(from)) this.#measurement.connected(from, to, this.nowMs());
    if (starts[0] === undefined || starts[1] === undefined) return;
    const key = [from, to].sort().join(" ");
    const sides = (this.#setups.get(key)?.sides ?? 0) + 1;
    // A pair that connects anew was set up before.
    if (sides > 2) return;
    this.#setups.set(key, { sides, ms: this.nowMs() - Math.max(starts[0], starts[1]) });
    this.#onConnected();
  }

  /** Whether it is known what this peer sends: it is one of ours, or a page that measures. */
  #isMeasured(peerId: string): boolean {
    return this.peerIds.includes(peerId) || this.#measureServer.has(peerId);
  }

  #count(peer: DemoPeer): void {
    for (const { peerId: from, audio } of peer.stats().peers) {
      const inbound = audio?.inbound;
      if (!this.#isMeasured(from) || inbound === undefined || inbound === null) continue;
      this.#measurement.connected(from, peer.peerId, this.nowMs());
      this.#measurement.counted(from, peer.peerId, {
        packets: inbound.packetsReceived,
        // Duplicates can make the RFC 3550 count negative.
        lost: Math.max(0, inbound.packetsLost),
        concealed: inbound.concealedSamples,
        bufferDelayMs: inbound.bufferDelayMs,
      });
    }
  }
}
