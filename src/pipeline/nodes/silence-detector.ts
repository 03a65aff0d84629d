// The node that notices when a stream falls silent, or has holes. Pure.
import type { Emit, NodeFactory } from "../node.ts";
import { AudioStreams, reportAt } from "./audio-streams.ts";
import type { AudioBlock, AudioFormat, AudioStream } from "./audio-streams.ts";
import { LevelWindows } from "./level-windows.ts";

/** Parameters of `SilenceDetector`. */
export type SilenceDetectorParams = {
  silenceThresholdDb: number;
  sustainedMs: number;
  maxDropouts: number;
  windowMs: number;
};

const WINDOW_MS = 5;
/** Between the pulses of a voice it is silent too; the lowest have 10 ms from one to the next. */
const MIN_DROPOUT_US = 10_000;

class SilenceStream implements AudioStream {
  readonly #params: SilenceDetectorParams;
  readonly #windows: LevelWindows;
  readonly #threshold: number;
  readonly #windowUs: number;
  /** Whether there has been sound: silence before it is no dropout. */
  #heard = false;
  /** Where the present silence began; undefined in sound. */
  #sinceUs: number | undefined;
  #silent = false;
  /** Ends of the dropouts within the window. */
  readonly #dropouts: number[] = [];
  #faulty = false;
  /** Of the call. */
  #block: AudioBlock | undefined;
  #emit: Emit | undefined;

  constructor(format: AudioFormat, params: SilenceDetectorParams) {
    this.#params = params;
    this.#threshold = 10 ** (params.silenceThresholdDb / 10);
    this.#windows = new LevelWindows(format, WINDOW_MS, ({ place, power }) => {
      this.#hear(power < this.#threshold, place.startUs, place.startUs + this.#windowUs);
    });
    this.#windowUs = (this.#windows.frames * 1e6) / format.sampleRate;
  }

  process(block: AudioBlock, emit: Emit): void {
    const { gapUs, startUs } = block;
    this.#block = block;
    this.#emit = emit;
    if (gapUs !== 0) this.#windows.clear();
    // Another clock says the same of what has been: nothing is missing, and all times are others.
    if (gapUs < 0) this.#move(gapUs);
    if (gapUs > 0) this.#hear(true, startUs - gapUs, startUs);
    this.#windows.push(block);
  }

  #hear(silent: boolean, startUs: number, endUs: number): void {
    if (silent) this.#hearSilence(startUs, endUs);
    else this.#hearSound(startUs);
    this.#count(endUs);
  }

  #hearSilence(startUs: number, endUs: number): void {
    this.#sinceUs ??= startUs;
    const lengthUs = endUs - this.#sinceUs;
    if (this.#silent || lengthUs < this.#params.sustainedMs * 1000) return;
    this.#silent = true;
    this.#report(this.#sinceUs, lengthUs);
  }

  #hearSound(startUs: number): void {
    const sinceUs = this.#sinceUs ?? startUs;
    const wasSilent = this.#silent;
    if (!wasSilent && this.#heard && startUs - sinceUs >= MIN_DROPOUT_US) this.#dropouts.push(startUs);
    this.#heard = true;
    this.#silent = false;
    this.#sinceUs = undefined;
    if (wasSilent) this.#report(startUs, startUs - sinceUs);
  }

  #count(nowUs: number): void {
    const windowUs = this.#params.windowMs * 1000;
    while ((this.#dropouts[0] ?? Infinity) <= nowUs - windowUs) this.#dropouts.shift();
    const faulty = this.#dropouts.length > this.#params.maxDropouts;
    if (faulty === this.#faulty) return;
    this.#faulty = faulty;
    this.#report(nowUs, nowUs - (this.#sinceUs ?? nowUs));
  }

  #move(byUs: number): void {
    if (this.#sinceUs !== undefined) this.#sinceUs += byUs;
    for (const [index, atUs] of this.#dropouts.entries()) this.#dropouts[index] = atUs + byUs;
  }

  #report(startUs: number, lengthUs: number): void {
    const block = this.#block;
    if (block === undefined || this.#emit === undefined) return;
    const report = reportAt(
      { ...block, startUs },
      {
        is_silent: this.#silent,
        duration_ms: Math.round(lengthUs / 1000),
        has_dropouts: this.#faulty,
        dropouts: this.#dropouts.length,
      },
    );
    void this.#emit(report);
  }
}

/**
 * Sound in, `{is_silent, duration_ms, has_dropouts, dropouts}` out whenever one of the two flags changes; a stream begins
 * with both false.
 *
 * - `is_silent`: silence has lasted for `sustainedMs`; told with the capture time of its beginning. When sound comes back
 *   it is told with the time of that.
 * - `has_dropouts`: more than `maxDropouts` dropouts ended within the last `windowMs`, their number being `dropouts`. A
 *   dropout is a silence of 10 ms to `sustainedMs` between sound and sound: short pauses of speech count too.
 * - `duration_ms`: of the silence that lasts or, as sound comes back, has lasted; 0 in sound.
 *
 * What is missing in the capture times is silence. Nothing is told while no input comes.
 */
export const silenceDetectorNode: NodeFactory<SilenceDetectorParams> = {
  type: "SilenceDetector",
  description:
    "Tells when a stream falls silent and when sound comes back (is_silent), and when it has too many holes (has_dropouts); what is missing in the capture times is silence.",
  schema: {
    type: "object",
    properties: {
      silenceThresholdDb: {
        description: "Rms over 5 ms below which sound is silence, dBFS.",
        type: "number",
        minimum: -120,
        maximum: 0,
        default: -50,
      },
      sustainedMs: {
        description: "Silence that lasts this long is told of, ms; shorter ones are dropouts.",
        type: "number",
        minimum: 10,
        maximum: 60_000,
        default: 500,
      },
      maxDropouts: {
        description: "Dropouts within the window that are fine.",
        type: "integer",
        minimum: 0,
        maximum: 1_000,
        default: 3,
      },
      windowMs: {
        description: "Time over which dropouts are counted, ms.",
        type: "number",
        minimum: 100,
        maximum: 60_000,
        default: 5_000,
      },
    },
  },
  accepts: ["audio"],
  emits: ["json"],
  create: ({ params }) => new AudioStreams({ open: (format) => new SilenceStream(format, params) }),
};
