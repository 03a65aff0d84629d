// One peer of the demo: a transport of the library on an artificial clock, a voice, and ears. Decides nothing about
// measuring; it tells what it sent, when, and what it was handed, when.
import { SignalingClient, WebRtcTransport } from "../../node.ts";
import type { AlignedBlock, TransportStats } from "../../node.ts";
import { describeError } from "../../errors/errors.ts";
import { SkewedClock } from "../../testing/skewed-clock.ts";
import { impairSignaling } from "../../testing/node/impaired-signaling.ts";
import type { ImpairmentRelay } from "../../testing/node/relay.ts";
import { addClicks } from "./click.ts";
import type { RunClock } from "./clocks.ts";
import { confer } from "./conference.ts";
import type { SentBlock } from "./known-signal.ts";
import type { PeerPlan, RunPlan } from "./lineup.ts";
import type { SignalSource } from "./loop.ts";
import { DEMO_ROOM } from "./measure-protocol.ts";
import type { ReceivedBlock } from "./measurement.ts";
import { Speaker } from "./speaker.ts";
import { PeerVideo } from "./video/peer-video.ts";
import type { PeerVideoEvents } from "./video/peer-video.ts";
import type { PictureSource } from "./video/picture-source.ts";
import { videoConfigOf } from "./video/video-plan.ts";
import { SAMPLE_RATE } from "./voice.ts";

/** What a peer tells. Times are ms of the run. */
export interface DemoPeerEvents extends PeerVideoEvents {
  /** It handed a block, mono at 48 kHz, to its transport. */
  sent(peerId: string, block: SentBlock, samples: Float32Array): void;
  /** It was handed a block of another. */
  received(block: ReceivedBlock): void;
  /** It read a set of all others; `labelMs` is the true time that its label means. */
  aligned(peerId: string, block: AlignedBlock, labelMs: number): void;
  /** It mixed a set for its own ear. */
  mixed(peerId: string, samples: Float32Array, labelMs: number): void;
  connected(from: string, to: string): void;
  disconnected(from: string, to: string): void;
  /** Something for the user to read. */
  trouble(text: string): void;
}

/** Who a peer is and where it lives. */
export interface DemoPeerOptions {
  plan: PeerPlan;
  run: Pick<RunPlan, "signalingUrl" | "lan" | "clicks" | "frameMs" | "peers">;
  /** Network trouble on the way of all it sends; undefined: none. */
  relay: ImpairmentRelay | undefined;
  source: SignalSource;
  /** What it shows; undefined: it is heard only. */
  pictures: PictureSource | undefined;
  clock: RunClock;
}

/** Remote peers at most, pages included. */
const MAX_REMOTE_PEERS = 10;
/** A transport whose sends wait this long, in ms, is more than its 200 ms of queue behind. */
const MAX_WAIT_MS = 100;
/** Live speech that would wait is left out, this much of it, so that what is queued can leave: 200 ms. */
const PAUSE_SAMPLES = 9_600;

/** See the header. */
export class DemoPeer {
  readonly peerId: string;
  readonly #options: DemoPeerOptions;
  readonly #events: DemoPeerEvents;
  readonly #transport: WebRtcTransport;
  readonly #speaker: Speaker;
  readonly #video: PeerVideo | undefined;
  /** What its transport and its microphone take for the time. */
  readonly #clock: SkewedClock;
  /** Its Unix microseconds when its own clock was zero; whole, so that blocks stay exactly 20,000 us apart. */
  readonly #originUs: number;
  #working: Promise<unknown> | undefined;
  #sendFault: string | undefined;
  #unsettled = 0;
  /** Since when there have been unsettled sends without a break, ms of the run. */
  #unsettledSinceMs = 0;
  /** Samples left out of late; undefined while none are. */
  #left: number | undefined;

  constructor(options: DemoPeerOptions, events: DemoPeerEvents) {
    const { plan, run, relay, source, pictures, clock } = options;
    const { peerId, offsetMs, skewPpm } = plan;
    this.peerId = peerId;
    this.#options = options;
    this.#events = events;
    this.#clock = new SkewedClock(clock, { offsetMs, skewPpm });
    this.#originUs = Math.round(this.#clock.wallAt(0) * 1000);
    const { signalingUrl, lan, frameMs } = run;
    this.#transport = new WebRtcTransport(
      {
        signalingUrl,
        ...(relay && { signaling: impairSignaling(new SignalingClient({ url: signalingUrl }), relay) }),
        peerId,
        room: DEMO_ROOM,
        networkMode: "lan",
        ...(lan ? {} : { bindAddress: "127.0.0.1" }),
        maxPeers: MAX_REMOTE_PEERS,
        // What is received is compared with what was sent, wave by wave. Opus' voice mode turns the phase of low voices,
        // which nobody hears and any such comparison sees; its error correction exists in voice mode only.
        audio: { application: "audio", fec: false, frameMs },
        ...(pictures && { video: videoConfigOf(pictures) }),
        logLevel: "silent",
      },
      { clock: this.#clock },
    );
    this.#transport.on("peerConnected", ({ peerId: from }) => events.connected(from, peerId));
    this.#transport.on("peerDisconnected", ({ peerId: from }) => events.disconnected(from, peerId));
    this.#transport.on("peerFailed", ({ peerId: other, error }) =>
      events.trouble(`${peerId}: no connection to ${other}: ${error.message}`),
    );
    this.#transport.on("error", (error) => events.trouble(`${peerId}: ${error.message}`));
    const now = (): number => this.#clock.now();
    this.#speaker = new Speaker(source, now, (samples, captureMs, number) =>
      this.#say(samples, captureMs, number),
    );
    if (pictures === undefined) return;
    this.#video = new PeerVideo({
      transport: this.#transport,
      source: pictures,
      clock: this.#clock,
      originUs: this.#originUs,
      nowMs: () => clock.now(),
      events,
      fail: (fault) => this.#noteSendFault(fault),
    });
  }

  /** Join the room and listen. @throws TransportError when signaling refuses */
  async start(): Promise<void> {
    await this.#transport.start();
    const fail = (error: unknown): void => this.#events.trouble(`${this.peerId}: ${describeError(error)}`);
    const confers = this.#options.plan.mixes ? this.#confer() : undefined;
    const shows = this.#video?.start();
    this.#working = Promise.all([this.#listen().catch(fail), confers?.catch(fail), shows?.catch(fail)]);
    if (!this.#options.plan.bridges) this.#speaker.start();
  }

  /** What the transport counts. */
  stats(): TransportStats {
    return this.#transport.stats();
  }

  /** Fall silent and leave. Never rejects. */
  async stop(): Promise<void> {
    this.#speaker.stop();
    this.#video?.stop();
    await this.#transport.shutdown();
    await this.#working;
  }

  /** @param captureMs on its own clock */
  #say(samples: Float32Array, captureMs: number, number: number): void {
    if (this.#transport.listPeers().length === 0) return;
    const calledMs = this.#options.clock.now();
    if (this.#leavesOut(samples.length, calledMs)) return;
    this.#left = undefined;
    const trueMs = this.#clock.trueAt(captureMs);
    if (this.#options.run.clicks) {
      const step = 1 / (1 + this.#options.plan.skewPpm * 1e-6);
      addClicks(samples, (trueMs * SAMPLE_RATE) / 1000, step);
    }
    this.#events.sent(this.peerId, { number, captureMs: trueMs, calledMs }, samples);
    const timestampUs = this.#originUs + Math.round(captureMs * 1000);
    const block = { type: "audio", samples, sampleRate: SAMPLE_RATE, channels: 1, timestampUs } as const;
    if (this.#unsettled === 0) this.#unsettledSinceMs = calledMs;
    this.#unsettled++;
    this.#transport
      .broadcast(block)
      .then(({ failedPeers }) => {
        for (const { peerId, error } of failedPeers) this.#noteSendFault(`${peerId}: ${error.message}`);
      })
      .catch((error: unknown) => this.#noteSendFault(describeError(error)))
      .finally(() => this.#unsettled--);
  }

  /** Whether a block is left out because the transport is behind. */
  #leavesOut(samples: number, nowMs: number): boolean {
    const behind = this.#unsettled > 0 && nowMs - this.#unsettledSinceMs > MAX_WAIT_MS;
    if (this.#left === undefined && behind) this.#left = 0;
    if (this.#left === undefined || (this.#left >= PAUSE_SAMPLES && this.#unsettled === 0)) return false;
    this.#left += samples;
    return true;
  }

  /** Tells a fault of sending once, not fifty times a second. */
  #noteSendFault(fault: string): void {
    if (fault === this.#sendFault || this.#transport.state !== "started") return;
    this.#sendFault = fault;
    this.#events.trouble(`${this.peerId}: cannot send: ${fault}`);
  }

  #confer(): Promise<void> {
    const labelMs = (captureUs: number): number => this.#clock.trueAtWall(captureUs / 1000);
    return confer({
      transport: this.#transport,
      self: this.#options.plan,
      bridges: this.#options.run.peers.filter(({ bridges }) => bridges).map(({ peerId }) => peerId),
      onSet: (block) => this.#events.aligned(this.peerId, block, labelMs(block.captureUs)),
      onOwnMix: (samples, captureUs) => this.#events.mixed(this.peerId, samples, labelMs(captureUs)),
      onFault: (error) => this.#noteSendFault(describeError(error)),
    });
  }

  async #listen(): Promise<void> {
    for await (const frame of this.#transport.frames({ frameMs: "packet" })) {
      const { peerId, samples, channels, missingBefore } = frame;
      // Without an error bound the clocks have not been compared, and the label is a guess.
      const isLabelled = frame.wallClockErrorUs !== null;
      this.#events.received({
        from: peerId,
        to: this.peerId,
        samples: channels === 1 ? samples : toMono(samples, channels),
        deliveredMs: this.#options.clock.now(),
        missing: missingBefore,
        labelMs: isLabelled ? this.#clock.trueAtWall(frame.wallClockTimestampUs / 1000) : undefined,
        driftPpm: isLabelled ? frame.clockDriftPpm : undefined,
        bufferMs: frame.bufferDelayMs,
      });
    }
  }
}

function toMono(samples: Float32Array, channels: number): Float32Array {
  const mono = new Float32Array(Math.floor(samples.length / channels));
  for (let i = 0; i < mono.length; i++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) sum += samples[i * channels + channel] as number;
    mono[i] = sum / channels;
  }
  return mono;
}
