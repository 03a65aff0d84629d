// The node that hears where speech begins and ends, by its level alone. Pure.
import type { Emit, NodeFactory } from "../node.ts";
import { AudioStreams, reportAt } from "./audio-streams.ts";
import type { AudioBlock, AudioFormat, AudioStream } from "./audio-streams.ts";
import { LevelWindows, reportedDb } from "./level-windows.ts";

/** Parameters of `EnergyVad`. */
export type EnergyVadParams = {
  thresholdDb: number;
  minSpeechMs: number;
  minSilenceMs: number;
  padMs: number;
  tentativeMs: number;
};

/** How exactly times are known. */
const WINDOW_MS = 5;
/** A low voice is pulses with so much silence between them. */
const BRIDGE_US = 10_000;
/** Fewer loud windows are a click. */
const MIN_WINDOWS = 2;

/** Something that may be speech. */
interface Utterance {
  readonly beginUs: number;
  /** Behind the last loud window. */
  endUs: number;
  loudWindows: number;
  /** Those that are loud, or follow one closely. */
  busyWindows: number;
  /** Sum over the loud windows. */
  power: number;
  tentative: boolean;
  confirmed: boolean;
}

class EnergyVadStream implements AudioStream {
  readonly #params: EnergyVadParams;
  readonly #windows: LevelWindows;
  readonly #threshold: number;
  readonly #windowUs: number;
  #utterance: Utterance | undefined;
  /** Of the call. */
  #block: AudioBlock | undefined;
  #emit: Emit | undefined;

  constructor(format: AudioFormat, params: EnergyVadParams) {
    this.#params = params;
    this.#threshold = 10 ** (params.thresholdDb / 10);
    this.#windows = new LevelWindows(format, WINDOW_MS, ({ place, power }) => {
      this.#hear(power, place.startUs);
    });
    this.#windowUs = (this.#windows.frames * 1e6) / format.sampleRate;
  }

  process(block: AudioBlock, emit: Emit): void {
    if (block.gapUs < 0) this.flush(emit);
    this.#block = block;
    this.#emit = emit;
    if (block.gapUs > 0) {
      this.#windows.clear();
      this.#endAt(block.startUs);
    }
    this.#windows.push(block);
  }

  flush(emit: Emit): void {
    this.#emit = emit;
    this.#windows.clear();
    this.#end();
  }

  #hear(power: number, startUs: number): void {
    const nowUs = startUs + this.#windowUs;
    const loud = power >= this.#threshold;
    if (loud) {
      this.#utterance ??= newUtterance(startUs);
      this.#utterance.endUs = nowUs;
      this.#utterance.loudWindows++;
      this.#utterance.power += power;
    } else {
      this.#endAt(nowUs);
    }
    const utterance = this.#utterance;
    if (utterance === undefined || utterance.confirmed) return;
    if (nowUs - utterance.endUs <= BRIDGE_US) utterance.busyWindows++;
    // Speech has its pauses, but noise that is quiet most of the time is no speech.
    const lengthUs = nowUs - utterance.beginUs;
    const dense = utterance.busyWindows * this.#windowUs * 2 >= lengthUs;
    if (!dense && !utterance.tentative) this.#utterance = undefined;
    if (!dense) return;
    const confirmed = loud && lengthUs >= this.#params.minSpeechMs * 1000;
    if (!utterance.tentative && (confirmed || this.#isDue(utterance, lengthUs))) {
      utterance.tentative = true;
      this.#report("tentative", utterance);
    }
    if (!confirmed) return;
    utterance.confirmed = true;
    this.#report("start", utterance);
  }

  /** Whether the next block would be too late for a tentative start. */
  #isDue({ loudWindows }: Utterance, lengthUs: number): boolean {
    const { frames = 0, input } = this.#block ?? {};
    const blockUs = (frames * 1e6) / (input?.data.sampleRate ?? 1);
    return (
      loudWindows >= MIN_WINDOWS && lengthUs + blockUs + this.#windowUs >= this.#params.tentativeMs * 1000
    );
  }

  /** End what has been followed by silence for long enough. */
  #endAt(nowUs: number): void {
    const { endUs = nowUs } = this.#utterance ?? {};
    if (nowUs - endUs >= this.#params.minSilenceMs * 1000) this.#end();
  }

  #end(): void {
    const utterance = this.#utterance;
    this.#utterance = undefined;
    if (utterance?.tentative === true) this.#report("end", utterance);
  }

  #report(
    event: "tentative" | "start" | "end",
    { beginUs, endUs, confirmed, power, loudWindows }: Utterance,
  ) {
    const block = this.#block;
    if (block === undefined || this.#emit === undefined) return;
    const padUs = this.#params.padMs * 1000;
    const startUs = Math.round(event === "end" ? endUs + padUs : beginUs - padUs);
    const report = reportAt(
      { ...block, startUs },
      {
        event,
        is_speech: event === "start",
        confirmed,
        energy_db: reportedDb(power / loudWindows),
        duration_ms: Math.round((endUs - beginUs) / 1000),
        wall_clock_timestamp_us: block.timed ? startUs : null,
      },
    );
    void this.#emit(report);
  }
}

/**
 * Sound in, `{event, is_speech, confirmed, energy_db, duration_ms, wall_clock_timestamp_us}` out, one for each event:
 *
 * - `tentative`: this may be speech. Told within `tentativeMs` of its beginning, as late as the length of the blocks
 *   allows and never before 10 ms of it.
 * - `start`: it lasts for `minSpeechMs`, half of it loud but for gaps of 10 ms. A `tentative` always came before.
 * - `end`: `minSilenceMs` of silence, or of no sound at all, followed. Not `confirmed` when no `start` came: the
 *   tentative one was no speech.
 *
 * The time is when speech truly began, less `padMs`, or ended, plus `padMs`, to 5 ms: Unix us, null when the sound does
 * not say when it was captured. `is_speech` says whether speech goes on from here, confirmed; `energy_db` is its rms in
 * dBFS, `duration_ms` its length so far without pads. The report has the metadata of the input that made it sure.
 */
export const energyVadNode: NodeFactory<EnergyVadParams> = {
  type: "EnergyVad",
  description:
    "Tells where speech begins and ends, by level: tentative early, start when it lasts, end after silence (confirmed false: it was none), each with the true time.",
  schema: {
    type: "object",
    properties: {
      thresholdDb: {
        description: "Rms over 5 ms from which sound may be speech, dBFS.",
        type: "number",
        minimum: -120,
        maximum: 0,
        default: -50,
      },
      minSpeechMs: {
        description: "Sound that lasts this long is speech, ms.",
        type: "number",
        minimum: 0,
        maximum: 10_000,
        default: 250,
      },
      minSilenceMs: {
        description: "Silence that lasts this long ends speech, ms.",
        type: "number",
        minimum: 5,
        maximum: 10_000,
        default: 100,
      },
      padMs: {
        description: "By how much earlier beginnings and later ends are told than they were, ms.",
        type: "number",
        minimum: 0,
        maximum: 1_000,
        default: 30,
      },
      tentativeMs: {
        description:
          "Within this time of its beginning sound that may be speech is told of, ms; one block later when blocks are longer.",
        type: "number",
        minimum: 10,
        maximum: 1_000,
        default: 60,
      },
    },
  },
  accepts: ["audio"],
  emits: ["json"],
  create: ({ params }) => new AudioStreams({ open: (format) => new EnergyVadStream(format, params) }),
};

function newUtterance(beginUs: number): Utterance {
  return {
    beginUs,
    endUs: beginUs,
    loudWindows: 0,
    busyWindows: 0,
    power: 0,
    tentative: false,
    confirmed: false,
  };
}
