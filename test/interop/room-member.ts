// A member of a room in which everybody's sound is a known function of true time: what the others make of it, and when
// they say it was captured, is judged by that alone. Runs in Node and in pages.
import { DECIMATION, decimate, matchAnywhere, matchNear } from "../../src/cli/demo/correlate.ts";
import type { AudioFrame } from "../../src/runtime/data.ts";
import type { AlignedBlock } from "../../src/sync/aligned-blocks.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import type { WebRtcTransport } from "../../src/transport/webrtc-transport.ts";

const SAMPLE_RATE = 48_000;
const BLOCK_MS = 20;
const BLOCK_SAMPLES = (SAMPLE_RATE * BLOCK_MS) / 1000;
/** What is judged at once, in frames: 300 ms of those of 20 ms. */
const WINDOW_BLOCKS = 15;
/** As speech recognition has it. */
const NARROW_RATE = 16_000;
/** A label this much off is still found. */
const REACH_MS = 60;
/** Windows of which less was captured are not judged. */
const LEAST_SHARE = 0.8;
/** No harmonics: a voice that repeated itself within milliseconds could be taken for itself a period later. */
const PARTIALS = [1, 1.37, 1.83, 2.61, 3.43, 4.67];
/** Noise in what is sent, -51 dBFS: pure tones are hard for voice modes of encoders. */
const BREATH = 0.01;
/** Mean square of silence. */
const FLOOR = 1e-7;
/** Below, a stretch is somebody else's, or noise. */
const RECOGNIZED = 0.6;
/** How long the system's clock is watched, ms: it shows whole milliseconds. */
const WATCH_MS = 8;

/** Who speaks, each with a voice of its own. */
export const NAMES = ["node-a", "node-b", "page-a", "page-b"] as const;

/**
 * The voice of a member at true time `us`, Unix us: gliding partials in syllables. Well above 200 Hz, since voice modes
 * of encoders turn the phases below.
 */
export function voiceOf(name: string, us: number): number {
  const index = Math.max(0, NAMES.indexOf(name as (typeof NAMES)[number]));
  const t = (us % 3_600e6) / 1e6;
  const pitch = 380 * 1.15 ** index;
  const glide = 1.1 + 0.23 * index;
  const phase =
    2 * Math.PI * pitch * (t - (0.15 / (2 * Math.PI * glide)) * Math.cos(2 * Math.PI * glide * t));
  const envelope = 0.55 + 0.45 * Math.sin(2 * Math.PI * (3.1 + 0.4 * index) * t);
  let value = 0;
  for (const partial of PARTIALS) value += Math.sin(phase * partial) / partial;
  return 0.2 * envelope * value;
}

/** What the system's clock shows minus what `wallNow` does, ms. Neither is stepped while a test runs. */
export function systemOffsetMs(wallNow: () => number): number {
  let most = -Infinity;
  for (const endMs = wallNow() + WATCH_MS; wallNow() < endMs;) {
    const systemMs = Date.now();
    most = Math.max(most, systemMs - wallNow());
  }
  return most;
}

/** How well a stretch is found in a voice, and how far from where its label says. */
export interface Judgement {
  /** Place of the stretch, so that those of several speakers can be compared. */
  at: number;
  similarity: number;
  /** > 0: it was captured later; null when it is not recognized. */
  errorUs: number | null;
  boundUs: number | null;
}

/** What a member has to say of one other. */
export interface PeerReport {
  /** Windows of `frames()`, every other one. */
  live: Judgement[];
  /** Windows of `alignedFrames()`. */
  aligned: Judgement[];
}

/** What a member has to say. */
export interface Report {
  /** System's clock minus the library's, ms; that of a clock that is wrong on purpose without its error. */
  systemOffsetMs: number;
  peers: Record<string, PeerReport>;
  /** Rows of `collectAlignedFrames()`: whose frames each has, and how far apart their labels are, us. */
  rows: { peers: string[]; spreadUs: number }[];
  /** Windows of frames of 10 ms at 16 kHz of the member that {@link Member.readNarrow} names. */
  narrow: Judgement[];
}

/** What a member is made of. */
export interface MemberOptions {
  name: string;
  transport: WebRtcTransport;
  /** The wall clock of the transport, Unix ms. */
  wallNow: () => number;
  /** The same without the error it has on purpose, when it shows `wallMs`. */
  rightMs?: (wallMs: number) => number;
}

/** See the header. */
export class Member {
  readonly transport: WebRtcTransport;
  /** All that came aligned. */
  readonly blocks: AlignedBlock[] = [];
  readonly #options: MemberOptions;
  readonly #frames: AudioFrame[] = [];
  readonly #narrow: AudioFrame[] = [];
  readonly #rows: (Report["rows"][number] & { us: number })[] = [];
  readonly #systemOffsetMs: number;
  readonly #rightMs: (wallMs: number) => number;
  #speaking = false;

  constructor(options: MemberOptions) {
    this.transport = options.transport;
    this.#options = options;
    this.#rightMs = options.rightMs ?? ((wallMs) => wallMs);
    this.#systemOffsetMs = systemOffsetMs(() => this.#rightMs(options.wallNow()));
  }

  /** Join, and keep all that comes until the transport ends. */
  async join(): Promise<void> {
    await this.transport.start();
    void this.#keepBlocks();
    void this.#keepFrames();
  }

  /** Speak, as a microphone would, until {@link leave}. */
  async speak(): Promise<void> {
    const { name, wallNow } = this.#options;
    const random = new SeededRandom(name);
    this.#speaking = true;
    for (let startMs = wallNow(); this.#speaking;) {
      const waitMs = startMs + BLOCK_MS - wallNow();
      if (waitMs > 0) {
        await new Promise((resolve) => setTimeout(resolve, waitMs));
        if (this.#speaking) this.#collect();
        continue;
      }
      const timestampUs = startMs * 1000;
      const samples = Float32Array.from(
        { length: BLOCK_SAMPLES },
        (_, i) =>
          voiceOf(name, this.#trueUs(timestampUs + (i / SAMPLE_RATE) * 1e6)) + BREATH * (random.next() - 0.5),
      );
      const block = { type: "audio", samples, sampleRate: SAMPLE_RATE, channels: 1, timestampUs } as const;
      await this.transport.broadcast(block).catch(() => undefined); // nobody is there yet, or any more
      startMs += BLOCK_MS;
    }
  }

  /** Keep the frames of one member at 16 kHz too, as speech recognition wants them. */
  async readNarrow(peerId: string): Promise<void> {
    const options = { peerId, sampleRate: NARROW_RATE, frameMs: 10 } as const;
    for await (const frame of this.transport.frames(options)) this.#narrow.push(frame);
  }

  /** Leave the room. */
  async leave(): Promise<void> {
    this.#speaking = false;
    await this.transport.shutdown();
  }

  /** When the first of a member's sound was captured that came live, and that came aligned, on this one's clock, ms. */
  firstHeardMs(peerId: string): { live: number; aligned: number } {
    const frame = this.#frames.find((each) => each.peerId === peerId);
    const first = this.blocks.find(({ peers }) =>
      peers.some((share) => share.peerId === peerId && share.mask.includes(1)),
    );
    const [liveUs, alignedUs] = [frame?.wallClockTimestampUs, first?.captureUs];
    return { live: (liveUs ?? Number.NaN) / 1000, aligned: (alignedUs ?? Number.NaN) / 1000 };
  }

  /** How well the capture times of the others are known now. */
  states(): Record<string, string | null> {
    return Object.fromEntries(this.transport.listPeers().map(({ peerId, syncState }) => [peerId, syncState]));
  }

  /** Judge what was captured between two times of the system's clock, ms. */
  report(fromMs: number, toMs: number): Report {
    const isMeant = (us: number): boolean => {
      const trueUs = this.#trueUs(us);
      return trueUs >= fromMs * 1000 && trueUs < toMs * 1000;
    };
    const peers: Record<string, PeerReport> = {};
    for (const { peerId } of this.transport.listPeers()) {
      const frames = this.#frames.filter((frame) => frame.peerId === peerId);
      const live = this.#judgeFrames(frames, isMeant);
      peers[peerId] = { live, aligned: this.#judgeBlocks(peerId, isMeant) };
    }
    const rows = this.#rows.filter(({ us }) => isMeant(us));
    return {
      systemOffsetMs: this.#systemOffsetMs,
      peers,
      rows,
      narrow: this.#judgeFrames(this.#narrow, isMeant),
    };
  }

  async #keepBlocks(): Promise<void> {
    for await (const block of this.transport.alignedFrames()) this.blocks.push(block);
  }

  async #keepFrames(): Promise<void> {
    for await (const frame of this.transport.frames()) this.#frames.push(frame);
  }

  #collect(): void {
    for (;;) {
      const row = this.transport.collectAlignedFrames();
      if (row.length === 0) return;
      const labels = row.map(([, { wallClockTimestampUs }]) => wallClockTimestampUs);
      const us = Math.min(...labels);
      this.#rows.push({ us, peers: row.map(([peerId]) => peerId), spreadUs: Math.max(...labels) - us });
    }
  }

  #judgeFrames(frames: readonly AudioFrame[], isMeant: (us: number) => boolean): Judgement[] {
    const meant = frames.filter(({ wallClockTimestampUs }) => isMeant(wallClockTimestampUs));
    const windows = windowsOf(meant, WINDOW_BLOCKS).filter((_, i) => i % 2 === 0);
    return windows.map((window) => {
      const [first] = window;
      if (first === undefined) throw new Error("a window is not empty");
      const samples = concatenated(window.map((frame) => frame.samples));
      const bounds = window.map(({ wallClockErrorUs }) => wallClockErrorUs);
      return this.#judge(first.peerId, first.wallClockTimestampUs, samples, first.sampleRate, bounds);
    });
  }

  #judgeBlocks(peerId: string, isMeant: (us: number) => boolean): Judgement[] {
    const meant = this.blocks.filter(({ captureUs }) => isMeant(captureUs));
    return windowsOf(meant, WINDOW_BLOCKS).flatMap((window) => {
      const shares = window.flatMap(({ peers }) => peers.find((peer) => peer.peerId === peerId) ?? []);
      const captured = shares.reduce((sum, { mask }) => sum + mask.reduce((all, one) => all + one, 0), 0);
      // Where much is missing there is nothing to be placed.
      if (captured < LEAST_SHARE * WINDOW_BLOCKS * BLOCK_SAMPLES) return [];
      const samples = concatenated(shares.map((share) => share.samples));
      const bounds = shares.map(({ errorUs }) => errorUs);
      return [this.#judge(peerId, window[0]?.captureUs ?? 0, samples, SAMPLE_RATE, bounds)];
    });
  }

  #judge(
    name: string,
    us: number,
    received: Float32Array,
    sampleRate: number,
    bounds: readonly (number | null)[],
  ): Judgement {
    const startUs = this.#trueUs(us);
    const reach = (REACH_MS * sampleRate) / 1000;
    const voice = Float32Array.from({ length: received.length + 2 * reach }, (_, i) =>
      voiceOf(name, startUs + ((i - reach) / sampleRate) * 1e6),
    );
    const isWide = sampleRate === SAMPLE_RATE;
    // At 48 kHz the place is looked for at 8 kHz first: a sixth of the samples, and enough of the voice.
    const coarse = isWide
      ? matchAnywhere(decimate(received), decimate(voice), FLOOR).offset * DECIMATION
      : reach;
    const around = isWide ? DECIMATION : reach;
    const { offset, correlation } = matchNear(received, voice, coarse - around, coarse + around, FLOOR);
    const known = bounds.filter((bound) => bound !== null);
    return {
      at: us,
      similarity: correlation,
      errorUs: correlation < RECOGNIZED ? null : ((offset - reach) * 1e6) / sampleRate,
      boundUs: known.length < bounds.length ? null : Math.max(...known),
    };
  }

  #trueUs(wallUs: number): number {
    return (this.#rightMs(wallUs / 1000) + this.#systemOffsetMs) * 1000;
  }
}

function windowsOf<T>(values: readonly T[], length: number): T[][] {
  const count = Math.floor(values.length / length);
  return Array.from({ length: count }, (_, i) => values.slice(i * length, (i + 1) * length));
}

function concatenated(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
