// Cuts the sound of several inputs into blocks that begin and end at the same instants of capture. Driven by what comes
// in alone; reads no clock.
import { TransportError } from "../../errors/errors.ts";
import { AlignedDelay } from "../../sync/aligned-delay.ts";
import { MixerLane } from "./mixer-lane.ts";

/** Blocks wait for an input that is so much behind the others, no longer: a conversation bears no more. */
const MAX_LAG_MS = 300;
/** Of nothing at all: the grid goes on behind it, without blocks of silence. */
const JUMP_MS = 500;
/** An input of which everything came too late for so long is taken at other times than it says. */
const PATIENCE_MS = 500;
/** Sound without capture times may come so much faster than that of others. */
const AHEAD_MS = 1000;
/** An input that has been absent for longer is forgotten. */
const FORGET_MS = 2000;

/** Settings of a {@link MixerGrid}. */
export interface MixerGridOptions {
  readonly sampleRate: number;
  /** Samples of a block. */
  readonly blockSamples: number;
  /** How long after its usual time an input is waited for, ms. */
  readonly waitMs: number;
  readonly maxInputs: number;
}

/** A frame of mono sound at the sample rate of the grid. */
export interface MixerSound {
  /** The input it belongs to. */
  readonly inputId: string;
  /** The row that it is added to: inputs of one peer share one. */
  readonly rowId: string;
  /** Read, not kept. */
  readonly samples: Float32Array;
  /** Capture time of the first sample, us; without it, it goes on where the last frame ended, or begins now. */
  readonly timestampUs?: number | undefined;
}

/** What was captured over the same time, row by row. */
export interface MixerBlock {
  /** Capture time of the first sample, us. */
  readonly timestampUs: number;
  /** Fresh; every row of which an input was there within the last two seconds, silent where nothing came. */
  readonly rows: ReadonlyMap<string, Float32Array>;
}

interface Input {
  readonly rowId: string;
  readonly lane: MixerLane;
  /** How far behind the newest sound its own comes. */
  readonly lag: AlignedDelay;
  timed: boolean;
  /** Added to the places that its capture times say. */
  shift: number;
  /** Place of the newest sound when this input came last. */
  seenAt: number;
}

/**
 * A block leaves when every input has covered it. For one that has not, it waits as long as this input is usually behind
 * the newest sound, and `waitMs` more.
 */
export class MixerGrid {
  readonly #options: MixerGridOptions;
  readonly #blockSamples: number;
  readonly #inputs = new Map<string, Input>();
  /** Number of the block that leaves next; NaN before the first sound. */
  #next = Number.NaN;
  /** Place behind the newest sound. */
  #newest = -Infinity;
  /** Whether the first block since the grid began has left. */
  #running = false;
  #lateBefore = 0;

  constructor(options: MixerGridOptions) {
    this.#options = options;
    this.#blockSamples = options.blockSamples;
  }

  /** Samples that came after their block had left. */
  get lateSamples(): number {
    return [...this.#inputs.values()].reduce((sum, { lane }) => sum + lane.lateSamples, this.#lateBefore);
  }

  /** Whether there is room for an input; it is there already, or fewer than `maxInputs` are. */
  admits(inputId: string, timestampUs?: number): boolean {
    if (this.#inputs.has(inputId)) return true;
    const place = timestampUs === undefined ? -Infinity : this.#toPlace(timestampUs);
    if (this.#inputs.size >= this.#options.maxInputs) this.#forget(Math.max(place, this.#newest));
    return this.#inputs.size < this.#options.maxInputs;
  }

  /**
   * Put in a frame of an input that is admitted.
   * @returns blocks that leave by it, one after the other in time, or with a step forward where nothing came for long
   * @throws TransportError `LIMIT_EXCEEDED` for sound without capture times that comes much faster than that of others
   */
  push(sound: MixerSound): MixerBlock[] {
    const input = this.#enter(sound);
    const place = this.#placeOf(input, sound.timestampUs);
    const blocks: MixerBlock[] = [];
    if (input.timed || !this.#hasTimed()) {
      if (place > this.#newest + this.#toSamples(JUMP_MS)) this.#jump(place, blocks);
      this.#newest = Math.max(this.#newest, place + sound.samples.length);
    } else if (place > this.#newest + this.#toSamples(AHEAD_MS)) {
      throw new TransportError(
        "LIMIT_EXCEEDED",
        `audio is more than ${AHEAD_MS} ms ahead of that of others`,
        {
          suggestion: "Send it in real time, or give every frame a timestampUs.",
        },
      );
    }
    input.lane.write(place, sound.samples);
    input.seenAt = this.#newest;
    this.#observe(input, place, sound.samples.length);
    this.#forget(this.#newest);
    while (this.#isDue()) blocks.push(this.#take());
    return blocks;
  }

  /** All that is left, the last block filled with silence. */
  flush(): MixerBlock[] {
    const blocks: MixerBlock[] = [];
    while (this.#reach() > this.#next * this.#blockSamples) blocks.push(this.#take());
    return blocks;
  }

  #enter({ inputId, rowId, timestampUs }: MixerSound): Input {
    let input = this.#inputs.get(inputId);
    if (input === undefined) {
      const base = Number.isNaN(this.#next) ? -Infinity : this.#next * this.#blockSamples;
      const lane = new MixerLane(this.#options.sampleRate, base);
      input = { rowId, lane, lag: new AlignedDelay(), timed: false, shift: 0, seenAt: this.#newest };
      this.#inputs.set(inputId, input);
    }
    input.timed = timestampUs !== undefined;
    return input;
  }

  #placeOf(input: Input, timestampUs: number | undefined): number {
    const from = Number.isNaN(this.#next) ? 0 : this.#next * this.#blockSamples;
    if (timestampUs === undefined) return input.lane.position > from ? input.lane.position : from;
    const place = this.#toPlace(timestampUs);
    if (place >= from && place <= this.#newest + this.#toSamples(JUMP_MS)) input.shift = 0;
    return place + input.shift;
  }

  // All that is left leaves, and the grid begins anew.
  #jump(place: number, blocks: MixerBlock[]): void {
    blocks.push(...this.flush());
    this.#next = Math.floor(place / this.#blockSamples);
    this.#running = false;
    for (const { lane } of this.#inputs.values()) lane.skipTo(this.#next * this.#blockSamples);
  }

  #observe(input: Input, place: number, count: number): void {
    const end = (Math.floor(place / this.#blockSamples) + 1) * this.#blockSamples;
    input.lag.observe(this.#toMs(this.#newest - end), this.#toMs(this.#newest));
    if (input.lane.lostSamples < this.#toSamples(PATIENCE_MS)) return;
    // Sound at a wrong time is better than none: what follows goes with the newest of the others.
    input.shift += this.#newest - (place + count);
  }

  #isDue(): boolean {
    const end = (this.#next + 1) * this.#blockSamples;
    if (!(this.#newest >= end)) return false;
    // At the beginning nobody knows who else is about to speak.
    let waitMs = this.#running ? 0 : this.#options.waitMs;
    for (const { lane, lag } of this.#inputs.values()) {
      if (lane.end < end)
        waitMs = Math.max(waitMs, this.#options.waitMs + Math.min(lag.largestMs, MAX_LAG_MS));
    }
    return this.#newest - end >= this.#toSamples(waitMs);
  }

  #take(): MixerBlock {
    const rows = new Map<string, Float32Array>();
    for (const { rowId, lane } of this.#inputs.values()) {
      let row = rows.get(rowId);
      if (row === undefined) rows.set(rowId, (row = new Float32Array(this.#blockSamples)));
      lane.take(row);
    }
    const timestampUs = Math.round((this.#next * this.#blockSamples * 1e6) / this.#options.sampleRate);
    this.#next++;
    this.#running = true;
    return { timestampUs, rows };
  }

  #forget(newest: number): void {
    for (const [inputId, { lane, seenAt }] of this.#inputs) {
      if (newest - seenAt <= this.#toSamples(FORGET_MS)) continue;
      this.#lateBefore += lane.lateSamples;
      this.#inputs.delete(inputId);
    }
  }

  #reach(): number {
    return [...this.#inputs.values()].reduce((most, { lane }) => Math.max(most, lane.reach), -Infinity);
  }

  #hasTimed(): boolean {
    for (const { timed } of this.#inputs.values()) if (timed) return true;
    return false;
  }

  #toPlace(timestampUs: number): number {
    return Math.round((timestampUs * this.#options.sampleRate) / 1e6);
  }

  #toSamples(ms: number): number {
    return (ms * this.#options.sampleRate) / 1000;
  }

  #toMs(samples: number): number {
    return (samples * 1000) / this.#options.sampleRate;
  }
}
