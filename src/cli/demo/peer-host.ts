// The peers of one process, and all that this process measures: what its peers received, and in the first process what
// pages did. What it must know of the other processes it is told in words.
import { describeError } from "../../errors/errors.ts";
import { parseImpairment } from "../../testing/impairment.ts";
import { ImpairmentRelay } from "../../testing/node/relay.ts";
import { AlignmentJudge } from "./alignment-judge.ts";
import type { AlignedShare } from "./alignment-judge.ts";
import { RunClock } from "./clocks.ts";
import { DemoPeer } from "./demo-peer.ts";
import type { HostReport, HostWord, Recorded, Word } from "./ipc-messages.ts";
import type { SentBlock } from "./known-signal.ts";
import { alignedChannels } from "./lineup.ts";
import type { PeerPlan, RunPlan } from "./lineup.ts";
import type { PageCounters, SeenPictures } from "./measure-protocol.ts";
import { Measurement } from "./measurement.ts";
import type { ReceivedBlock } from "./measurement.ts";
import { UsageError } from "./options.ts";
import { Recorder } from "./recorder.ts";
import { Placement } from "./sample-ring.ts";
import { Signals } from "./signals.ts";
import { indexAt } from "./similarity.ts";
import { BLOCK_SAMPLES } from "./speaker.ts";
import { Talk } from "./talk.ts";
import { Usage } from "./usage.ts";
import { HostVideo } from "./video/host-video.ts";
import { fromPcm16 } from "./wav.ts";

/** Windows are judged in small portions, so that media never waits long behind them. */
const TICK_MS = 50;
/** Others are told what was sent every so many ticks. */
const TICKS_PER_WORD = 2;
/** Alignment is judged this often, per reader, ms. */
const ALIGNMENT_INTERVAL_MS = 1_000;
/** That of a bridge, of which more hangs. */
const BRIDGE_INTERVAL_MS = 500;

/** What a host tells. */
export interface HostEvents {
  connected(from: string, to: string): void;
  /** Something for the user to read. */
  trouble(text: string): void;
  /** For the hosts of other processes. */
  word(word: HostWord): void;
}

/** What a host is made of. */
export interface PeerHostOptions {
  plan: RunPlan;
  /** Names of the peers that live here; none: only pages are measured. */
  own: readonly string[];
  /** How many processes measure. */
  processes: number;
  events: HostEvents;
}

/** See the header. */
export class PeerHost {
  readonly peerIds: readonly string[];
  readonly #plan: RunPlan;
  readonly #events: HostEvents;
  readonly #clock: RunClock;
  readonly #signals: Signals;
  readonly #measurement: Measurement;
  readonly #recorder: Recorder | undefined;
  /** Undefined where there is sound only. */
  readonly #video: HostVideo | undefined;
  readonly #usage = new Usage();
  readonly #relay: ImpairmentRelay | undefined;
  readonly #peers = new Map<string, DemoPeer>();
  readonly #judges = new Map<string, AlignmentJudge>();
  readonly #placements = new Map<string, { place: Placement; next: number }>();
  readonly #pages = new Set<string>();
  /** When the latest connection of each own peer was made, ms of the run. */
  readonly #connectedMs = new Map<string, number>();
  #outgoing = new Map<string, number[]>();
  #ticks = 0;
  #ticker: ReturnType<typeof setInterval> | undefined;

  private constructor(
    { plan, own, processes, events }: PeerHostOptions,
    { talk, recorder, video }: HostParts,
  ) {
    this.peerIds = own;
    this.#plan = plan;
    this.#events = events;
    this.#recorder = recorder;
    this.#video = video;
    this.#clock = new RunClock(plan.origin);
    if (plan.impair !== undefined) this.#relay = new ImpairmentRelay(parseImpairment(plan.impair));
    this.#signals = new Signals(plan.peers, talk, plan.clicks);
    this.#measurement = new Measurement({
      reference: (from, to) => this.#signals.reference(from, to),
      processes,
      settleMs: plan.settleMs,
    });
    for (const peer of plan.peers) if (own.includes(peer.peerId)) this.#add(peer, talk, video);
  }

  /** @throws UsageError that names the file or folder that cannot be used */
  static async open(options: PeerHostOptions): Promise<PeerHost> {
    const { wavs, peers } = options.plan;
    const talk = await Talk.open(wavs, peers.length);
    // Making what all say takes time that would be missed later. Where nobody lives only pages listen, if any.
    if (options.own.length > 0) for (const { index } of peers) talk.of(index);
    const recorder = await openRecorder(options.plan);
    return new PeerHost(options, { talk, recorder, video: await openVideo(options) });
  }

  /** Write down what is in the recordings; one process of a run does. */
  async describeRecordings(): Promise<void> {
    await this.#recorder?.describe();
  }

  /** A peer joins; measuring begins with the first. @throws TransportError when it cannot */
  async start(peerId: string): Promise<void> {
    this.#begin();
    await this.#peers.get(peerId)?.start();
  }

  /** Take in what another process, or a page, said. */
  hear(word: Word): void {
    switch (word.type) {
      case "sent":
        for (const sent of word.sent) this.#signals.sent(sent);
        return;
      case "shown":
        for (const shown of word.shown) this.#video?.hear(shown);
        return;
      case "lags":
        this.#signals.lagged(word.lags);
        return;
      case "page-joined":
        this.#begin();
        this.#pages.add(word.peerId);
        return;
      case "page-left":
        this.#pages.delete(word.peerId);
        this.#measurement.left(word.peerId);
        this.#video?.left(word.peerId);
        this.#signals.forget(word.peerId);
        return;
      case "page-sent": {
        const { peerId, pcm, calledMs, missing } = word.block;
        this.#signals.page(peerId).push(fromPcm16(pcm), calledMs, missing);
        return;
      }
    }
  }

  /** Note a block that a page was handed. */
  received(block: ReceivedBlock): void {
    const start = this.#measurement.received(block);
    if (start !== undefined) this.#recorder?.received(block.from, block.to, start, block.samples);
  }

  /** Note pictures that a page was handed. */
  saw(to: string, seen: SeenPictures): void {
    if (this.#isMeasured(seen.from)) this.#video?.pageSaw(to, seen);
  }

  /** Note what a page's transport counts. */
  counted(from: string, to: string, counters: PageCounters): void {
    if (!this.#isMeasured(from)) return;
    this.#measurement.connected(from, to, this.#clock.now());
    this.#measurement.counted(from, to, counters);
  }

  /** Record what a page said, on the clock of the run. */
  recordPage(peerId: string, samples: Float32Array, calledMs: number, missing: number): void {
    this.#record(peerId, samples, calledMs, missing);
  }

  /** What has been measured. `live`: of the last seconds only. */
  report(live: boolean): HostReport {
    for (const peer of this.#peers.values()) this.#count(peer);
    return {
      peerIds: this.peerIds,
      rows: this.#measurement.rows(live),
      alignments: [...this.#judges.values()].map(({ figures }) => figures),
      video: this.#video?.rows() ?? [],
      usage: this.#usage.figures(),
    };
  }

  /**
   * Everybody leaves; recordings are finished. Never rejects.
   *
   * @param samples length of the recordings at least
   * @returns undefined when nothing was to be recorded
   */
  async stop(samples: number): Promise<Recorded | undefined> {
    clearInterval(this.#ticker);
    this.#usage.stop();
    await Promise.all([...this.#peers.values()].map((peer) => peer.stop()));
    await this.#relay?.close();
    const films = await this.#video?.stop();
    if (this.#recorder === undefined) return undefined;
    const { paths, lostBlocks, reason } = await this.#recorder.close(samples);
    const { files = 0, lostPictures = 0 } = films ?? {};
    return { files: paths.length + files, lostBlocks, lostPictures, reason: reason ?? films?.reason };
  }

  #begin(): void {
    this.#ticker ??= setInterval(() => this.#tick(), TICK_MS);
  }

  #tick(): void {
    const nowMs = this.#clock.now();
    this.#measurement.tick(nowMs);
    for (const [peerId, judge] of this.#judges) {
      if (judge.tick(nowMs) && this.#bridges(peerId)) this.#spread({ type: "lags", lags: judge.lags() });
    }
    if (++this.#ticks % TICKS_PER_WORD !== 0) return;
    const shown = this.#video?.news() ?? [];
    if (shown.length > 0) this.#events.word({ type: "shown", shown });
    if (this.#outgoing.size === 0) return;
    const sent = [...this.#outgoing].map(([peerId, blocks]) => ({ peerId, blocks }));
    this.#outgoing = new Map();
    this.#events.word({ type: "sent", sent });
  }

  #spread(word: Extract<Word, { type: "lags" }>): void {
    this.hear(word);
    this.#events.word(word);
  }

  #add(plan: PeerPlan, talk: Talk, video: HostVideo | undefined): void {
    const source = talk.of(plan.index);
    const pictures = video?.sourceOf(plan.peerId);
    const peer = new DemoPeer(
      { plan, run: this.#plan, relay: this.#relay, source, pictures, clock: this.#clock },
      {
        sent: (peerId, block, samples) => this.#sent(peerId, block, samples),
        received: (block) => this.received(block),
        connected: (from, to) => {
          this.#connectedMs.set(to, this.#clock.now());
          if (this.#isMeasured(from)) this.#measurement.connected(from, to, this.#clock.now());
          this.#events.connected(from, to);
        },
        disconnected: (from) => {
          if (!this.#pages.has(from)) this.#measurement.left(from);
        },
        trouble: (text) => this.#events.trouble(text),
        aligned: (peerId, { peers }, labelMs) => this.#aligned(peerId, peers, labelMs),
        mixed: (peerId, samples, labelMs) => this.#mixed(peerId, samples, labelMs),
        shown: (shown) => video?.events.shown(shown),
        seen: (seen) => video?.events.seen(seen),
        videoConnected: (from, to) => {
          if (this.#isMeasured(from)) video?.events.videoConnected(from, to);
        },
      },
    );
    this.#peers.set(plan.peerId, peer);
    if (!plan.mixes) return;
    const judge = new AlignmentJudge({
      peerId: plan.peerId,
      reference: (peerId) =>
        this.#isJudged(peerId) ? this.#signals.reference(peerId, plan.peerId) : undefined,
      fromMs: () => (this.#connectedMs.get(plan.peerId) ?? Infinity) + this.#plan.settleMs,
      intervalMs: plan.bridges ? BRIDGE_INTERVAL_MS : ALIGNMENT_INTERVAL_MS,
    });
    this.#judges.set(plan.peerId, judge);
  }

  #sent(peerId: string, block: SentBlock, samples: Float32Array): void {
    const { number, captureMs, calledMs } = block;
    this.#signals.sent({ peerId, blocks: [number, captureMs, calledMs] });
    const blocks = this.#outgoing.get(peerId) ?? [];
    blocks.push(number, captureMs, calledMs);
    this.#outgoing.set(peerId, blocks);
    const next = this.#placements.get(peerId)?.next ?? number;
    this.#record(peerId, samples, captureMs, (number - next) * BLOCK_SAMPLES, number + 1);
  }

  #record(peerId: string, samples: Float32Array, atMs: number, missing: number, next = 0): void {
    if (this.#recorder === undefined) return;
    const placement = this.#placements.get(peerId) ?? { place: new Placement(), next };
    placement.next = next;
    this.#placements.set(peerId, placement);
    this.#recorder.sent(peerId, placement.place.place(indexAt(atMs), samples.length, missing), samples);
  }

  #aligned(peerId: string, shares: readonly AlignedShare[], labelMs: number): void {
    this.#judges.get(peerId)?.push(shares, labelMs, this.#clock.now());
    this.#recorder?.aligned(peerId, indexAt(labelMs), shares);
  }

  #mixed(peerId: string, samples: Float32Array, labelMs: number): void {
    this.#recorder?.mixed(peerId, indexAt(labelMs), samples);
  }

  #count(peer: DemoPeer): void {
    for (const { peerId: from, audio } of peer.stats().peers) {
      const inbound = audio?.inbound;
      if (!this.#isMeasured(from) || inbound === undefined || inbound === null) continue;
      this.#measurement.connected(from, peer.peerId, this.#clock.now());
      this.#measurement.counted(from, peer.peerId, {
        packets: inbound.packetsReceived,
        // Duplicates can make the RFC 3550 count negative.
        lost: Math.max(0, inbound.packetsLost),
        concealed: inbound.concealedSamples,
        bufferDelayMs: inbound.bufferDelayMs,
      });
    }
  }

  /** Whether it is known what this peer sends: it is one of the line-up, or a page that measures. */
  #isMeasured(peerId: string): boolean {
    return this.#plan.peers.some((plan) => plan.peerId === peerId) || this.#pages.has(peerId);
  }

  /** A page's microphone has a clock that nobody knows, and a bridge says what others said. */
  #isJudged(peerId: string): boolean {
    return this.#plan.peers.some((plan) => plan.peerId === peerId && !plan.bridges);
  }

  #bridges(peerId: string): boolean {
    return this.#plan.peers.some((plan) => plan.peerId === peerId && plan.bridges);
  }
}

/** What takes time to open. */
interface HostParts {
  talk: Talk;
  recorder: Recorder | undefined;
  video: HostVideo | undefined;
}

async function openVideo({ plan, events }: PeerHostOptions): Promise<HostVideo | undefined> {
  if (plan.video === undefined) return undefined;
  const clock = new RunClock(plan.origin);
  return HostVideo.open({
    plan: plan.video,
    peerIds: plan.peers.map(({ peerId }) => peerId),
    recordDir: plan.recordDir,
    nowMs: () => clock.now(),
    trouble: (text) => events.trouble(text),
  });
}

async function openRecorder({ recordDir, peers }: RunPlan): Promise<Recorder | undefined> {
  if (recordDir === undefined) return undefined;
  try {
    return await Recorder.open(recordDir, alignedChannels(peers));
  } catch (error) {
    throw new UsageError(`--record ${recordDir}: ${describeError(error)}`);
  }
}
