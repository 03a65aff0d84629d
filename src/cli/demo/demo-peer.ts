// One peer of the demo in this process: a transport of the library, a voice, and ears. Decides nothing about
// measuring; it tells what it sent, when, and what it was handed, when.
import { WebRtcTransport } from "../../node.ts";
import type { TransportStats } from "../../node.ts";
import { describeError } from "../../errors/errors.ts";
import type { SignalSource } from "./loop.ts";
import { DEMO_ROOM } from "./measure-protocol.ts";
import { indexAt } from "./similarity.ts";
import { Speaker } from "./speaker.ts";
import { SAMPLE_RATE } from "./voice.ts";

/** What a peer tells. Times are ms of the run; samples are mono at 48 kHz and belong to the callee. */
export interface DemoPeerEvents {
  /** It handed a block to its transport at `calledMs`, having left out `missing` samples before it. */
  sent(peerId: string, samples: Float32Array, calledMs: number, missing: number): void;
  /** It was handed a block of `from`. */
  received(from: string, to: string, samples: Float32Array, deliveredMs: number, missing: number): void;
  connected(from: string, to: string): void;
  disconnected(from: string, to: string): void;
  /** Something for the user to read. */
  trouble(text: string): void;
}

/** Who a peer is and where it lives. */
export interface DemoPeerOptions {
  peerId: string;
  signalingUrl: string;
  /** All interfaces instead of loopback. */
  lan: boolean;
  source: SignalSource;
  /** The clock of the run, ms. */
  nowMs: () => number;
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
  /** Unix microseconds at which the run's clock was zero; whole, so that blocks stay exactly 20,000 us apart. */
  readonly #originUs: number;
  #listening: Promise<void> | undefined;
  #sendFault: string | undefined;
  #unsettled = 0;
  /** Since when there have been unsettled sends without a break, ms of the run. */
  #unsettledSinceMs = 0;
  /** Samples left out of late; undefined while none are. */
  #left: number | undefined;
  /** Where the next block would follow the last one without a gap, ms of the run. */
  #nextCaptureMs: number | undefined;

  constructor(options: DemoPeerOptions, events: DemoPeerEvents) {
    const { peerId, signalingUrl, lan, source, nowMs } = options;
    this.peerId = peerId;
    this.#options = options;
    this.#events = events;
    this.#originUs = Math.round((performance.timeOrigin + performance.now() - nowMs()) * 1000);
    this.#transport = new WebRtcTransport({
      signalingUrl,
      peerId,
      room: DEMO_ROOM,
      networkMode: "lan",
      ...(lan ? {} : { bindAddress: "127.0.0.1" }),
      maxPeers: MAX_REMOTE_PEERS,
      // What is received is compared with what was sent, wave by wave. Opus' voice mode turns the phase of low voices,
      // which nobody hears and any such comparison sees; its error correction exists in voice mode only.
      audio: { application: "audio", fec: false },
      logLevel: "silent",
    });
    this.#transport.on("peerConnected", ({ peerId: from }) => events.connected(from, peerId));
    this.#transport.on("peerDisconnected", ({ peerId: from }) => events.disconnected(from, peerId));
    this.#transport.on("peerFailed", ({ peerId: other, error }) =>
      events.trouble(`${peerId}: no connection to ${other}: ${error.message}`),
    );
    this.#transport.on("error", (error) => events.trouble(`${peerId}: ${error.message}`));
    this.#speaker = new Speaker(source, nowMs, (samples, captureMs) => this.#say(samples, captureMs));
  }

  /** Join the room and listen. @throws TransportError when signaling refuses */
  async start(): Promise<void> {
    await this.#transport.start();
    this.#listening = this.#listen();
    this.#speaker.start();
  }

  /** What the transport counts. */
  stats(): TransportStats {
    return this.#transport.stats();
  }

  /** Fall silent and leave. Never rejects. */
  async stop(): Promise<void> {
    this.#speaker.stop();
    await this.#transport.shutdown();
    await this.#listening;
  }

  #say(samples: Float32Array, captureMs: number): void {
    if (this.#transport.listPeers().length === 0) return;
    const calledMs = this.#options.nowMs();
    if (this.#leavesOut(samples.length, calledMs)) return;
    const gapMs = captureMs - (this.#nextCaptureMs ?? captureMs);
    this.#events.sent(this.peerId, samples, calledMs, indexAt(gapMs));
    this.#left = undefined;
    this.#nextCaptureMs = captureMs + (samples.length / SAMPLE_RATE) * 1000;
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

  async #listen(): Promise<void> {
    for await (const { peerId, samples, channels, missingBefore } of this.#transport.frames()) {
      const deliveredMs = this.#options.nowMs();
      const mono = channels === 1 ? samples : toMono(samples, channels);
      this.#events.received(peerId, this.peerId, mono, deliveredMs, missingBefore);
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
