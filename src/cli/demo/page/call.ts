// The page's part in the conversation: transport, microphone, playout and measuring under one life cycle. Shows
// nothing itself.
import { AudioPlayout, WebRtcTransport } from "../../../browser.ts";
import type { TransportError } from "../../../browser.ts";
import { describeError } from "../../../errors/errors.ts";
import type { SyncState } from "../../../sync/sync-types.ts";
import { DEMO_ROOM, RUN_PATH, SIGNALING_PATH } from "../measure-protocol.ts";
import type { DemoMessage, PageRun } from "../measure-protocol.ts";
import { videoConfigOf } from "../video/video-plan.ts";
import { MeasureClient } from "./measure-client.ts";
import { knownDrift } from "./panels.ts";
import { openMicrophone } from "./microphone.ts";
import type { Microphone } from "./microphone.ts";
import { PageVideo } from "./page-video.ts";
import type { Image } from "./page-video.ts";

const SAMPLE_RATE = 48_000;
const COUNT_INTERVAL_MS = 1_000;
const US_PER_MS = 1_000;
const MAX_REMOTE_PEERS = 10;
/** On a working path the others are there within a second; long before ICE gives up the visitor wants to know. */
const HINT_AFTER_MS = 8_000;

const NO_PATH_HINT =
  "No network path between this browser and the demo works. Open the page as http://localhost on the machine that " +
  "runs the demo and allow the microphone, or start the demo with --lan.";

const STILL_CONNECTING = `Still connecting. ${NO_PATH_HINT}`;

/** What the page's own transport knows of its reception of one peer. */
export interface Reception {
  /** Ms that what is played now has waited, and that it should wait. */
  bufferDelayMs: number;
  targetDelayMs: number;
  /** Of its capture times, ms; null before the clocks have been compared. */
  captureErrorMs: number | null;
}

/** What a call tells the page. Levels are the root mean square of 20 ms, 0 to 1. */
export interface CallEvents {
  connected(peerId: string): void;
  disconnected(peerId: string): void;
  /** `peerId` undefined: one's own microphone. */
  level(peerId: string | undefined, rms: number): void;
  /** How well the capture times of a peer are known. */
  synced(peerId: string, state: SyncState): void;
  /** Once a second. */
  reception(peerId: string, reception: Reception): void;
  /** A picture came, or was sent. `peerId` undefined: one's own; `framerateFps` 0: not known yet. */
  image(peerId: string | undefined, image: Image, framerateFps: number): void;
  /** Pictures of a peer do not come any more. */
  imagesEnded(peerId: string): void;
  /** Null: nobody speaks. */
  speaker(peerId: string | null): void;
  table(table: Extract<DemoMessage, { type: "table" }>): void;
  reachable(reachable: boolean): void;
  /** A fault that ends nothing, in words for the user. */
  notice(text: string): void;
  /** What a notice said is over. */
  retract(text: string): void;
}

/** One stay in the room, from `join` to `leave`. */
export class Call {
  readonly peerId: string;
  readonly #events: CallEvents;
  readonly #context = new AudioContext({ sampleRate: SAMPLE_RATE });
  readonly #playout = new AudioPlayout({ context: this.#context });
  readonly #transport: WebRtcTransport;
  readonly #video: PageVideo | undefined;
  #measure: MeasureClient | undefined;
  #microphone: Microphone | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #hintTimer: ReturnType<typeof setTimeout> | undefined;

  private constructor(peerId: string, run: PageRun, events: CallEvents) {
    this.peerId = peerId;
    this.#events = events;
    this.#transport = new WebRtcTransport({
      signalingUrl: new URL(SIGNALING_PATH, location.href.replace(/^http/, "ws")).href,
      peerId,
      room: DEMO_ROOM,
      networkMode: "lan",
      maxPeers: MAX_REMOTE_PEERS,
      logLevel: "warn",
      ...(run.video && { video: videoConfigOf(run.video) }),
    });
    if (run.video !== null) this.#video = this.#makeVideo(run.video);
    this.#transport.on("peerConnected", ({ peerId: id }) => {
      events.retract(STILL_CONNECTING);
      events.connected(id);
    });
    this.#transport.on("peerDisconnected", ({ peerId: id }) => {
      this.#playout.remove(id);
      events.disconnected(id);
    });
    this.#transport.on("syncStateChange", ({ peerId: id, state }) => events.synced(id, state));
    this.#transport.on("activeSpeaker", ({ peerId: id }) => events.speaker(id));
    this.#transport.on("peerFailed", ({ peerId: id, error }) => events.notice(describeFailure(id, error)));
    this.#transport.on("error", (error) => events.notice(error.message));
  }

  /**
   * Join the room; call it from a user's gesture. Without a microphone one listens, and is told so by a notice.
   *
   * @throws TransportError when signaling refuses, or the browser cannot do it; Error when the demo is not there
   */
  static async join(peerId: string, events: CallEvents): Promise<Call> {
    const call = new Call(peerId, await readRun(), events);
    try {
      await call.#join();
    } catch (error) {
      await call.leave();
      throw error;
    }
    return call;
  }

  /** Whether there is a microphone to mute. */
  get speaks(): boolean {
    return this.#microphone !== undefined;
  }

  /** Whether there is video, so that the camera can be shown. */
  get shows(): boolean {
    return this.#video !== undefined;
  }

  /** Whether the camera is shown. */
  get films(): boolean {
    return this.#video?.filming === true;
  }

  /** Show the camera instead of a test pattern, or the pattern again. A camera that cannot be had is a notice. */
  async film(wanted: boolean): Promise<void> {
    try {
      await this.#video?.film(wanted);
    } catch (error) {
      this.#events.notice(`You show a test pattern: ${describeError(error)}.`);
    }
  }

  /** Send silence instead of the microphone, or the microphone again. */
  mute(muted: boolean): void {
    if (this.#microphone !== undefined) this.#microphone.track.enabled = !muted;
  }

  /** Do not play a peer, or play it again; it goes on being measured. */
  mutePeer(peerId: string, muted: boolean): void {
    this.#playout.setGain(peerId, muted ? 0 : 1);
  }

  /** Leave and let go of everything. Never rejects. */
  async leave(): Promise<void> {
    clearInterval(this.#timer);
    clearTimeout(this.#hintTimer);
    this.#microphone?.close();
    this.#video?.stop();
    this.#measure?.close();
    await this.#transport.shutdown();
    await this.#playout.close();
    await this.#context.close().catch(() => undefined); // closed before, when leave() is called twice
  }

  async #join(): Promise<void> {
    // Still within the gesture. A context that stays suspended plays nothing, and the others hear us all the same.
    this.#context.resume().catch(() => undefined);
    await this.#playout.start();
    await this.#openMicrophone();
    await this.#transport.start();
    this.#measure = new MeasureClient(this.peerId, {
      table: (table) => this.#events.table(table),
      reachable: (reachable) => this.#events.reachable(reachable),
    });
    if (this.#microphone !== undefined) await this.#transport.useTrack(this.#microphone.track);
    this.#timer = setInterval(() => this.#count(), COUNT_INTERVAL_MS);
    this.#hintTimer = setTimeout(() => this.#hint(), HINT_AFTER_MS);
    void this.#listen();
    void this.#video?.start();
  }

  #makeVideo(run: NonNullable<PageRun["video"]>): PageVideo {
    const events = this.#events;
    return new PageVideo({
      transport: this.#transport,
      run,
      events: {
        image: (peerId, image, framerateFps) => events.image(peerId, image, framerateFps),
        ended: (peerId) => events.imagesEnded(peerId),
        shown: (number, sentMs, captureMs) => this.#measure?.shown(number, sentMs, captureMs),
        seen: (from, picture) => this.#measure?.seen(from, picture),
        notice: (text) => events.notice(text),
      },
    });
  }

  #hint(): void {
    const alone = this.#transport.listRoom().length === 0;
    if (!alone && this.#transport.listPeers().length === 0) this.#events.notice(STILL_CONNECTING);
  }

  async #openMicrophone(): Promise<void> {
    try {
      this.#microphone = await openMicrophone(this.#context, (samples) => {
        this.#events.level(undefined, rootMeanSquare(samples));
        this.#measure?.sent(samples);
      });
    } catch (error) {
      this.#events.notice(`You are listening only: ${describeError(error)}.`);
    }
  }

  async #listen(): Promise<void> {
    try {
      for await (const { peerId, samples, channels, sampleRate, missingBefore } of this.#transport.frames()) {
        this.#measure?.received(
          peerId,
          channels === 1 ? samples : firstChannel(samples, channels),
          missingBefore,
        );
        this.#playout.push(peerId, samples, channels, sampleRate);
        this.#events.level(peerId, rootMeanSquare(samples));
      }
    } catch (error) {
      this.#events.notice(`Cannot play what is received: ${describeError(error)}.`);
    }
  }

  #count(): void {
    const rows = this.#transport.stats().peers.flatMap(({ peerId: from, audio }) => {
      const inbound = audio?.inbound;
      if (inbound === null || inbound === undefined) return [];
      const { packetsReceived, packetsLost, concealedSamples, bufferDelayMs, targetDelayMs } = inbound;
      const { syncState, clockDriftPpm, captureErrorUs } = inbound;
      this.#events.synced(from, syncState);
      const captureErrorMs = captureErrorUs === null ? null : captureErrorUs / US_PER_MS;
      this.#events.reception(from, { bufferDelayMs, targetDelayMs, captureErrorMs });
      // Duplicates can make the RFC 3550 count negative.
      const lost = Math.max(0, packetsLost);
      const driftPpm = knownDrift(clockDriftPpm) ?? null;
      return [{ from, packets: packetsReceived, lost, concealed: concealedSamples, bufferDelayMs, driftPpm }];
    });
    this.#measure?.counted(rows);
  }
}

/** What the demo says of the run. */
async function readRun(): Promise<PageRun> {
  const response = await fetch(RUN_PATH).catch(() => undefined);
  if (response?.ok !== true) throw new Error("the demo cannot be reached");
  return (await response.json()) as PageRun;
}

function describeFailure(peerId: string, error: TransportError): string {
  const text = `Cannot connect to ${peerId}: ${error.message}`;
  const noPath = error.code === "NAT_TRAVERSAL_FAILED" || error.code === "CONNECTION_FAILED";
  return noPath ? `${text}\n${NO_PATH_HINT}` : text;
}

function rootMeanSquare(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return Math.sqrt(sum / Math.max(1, samples.length));
}

function firstChannel(samples: Float32Array, channels: number): Float32Array {
  return Float32Array.from(
    { length: Math.floor(samples.length / channels) },
    (_, i) => samples[i * channels] as number,
  );
}
