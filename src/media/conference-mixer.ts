// The mix of a conference: what each listener is to hear of a block, everybody but himself. Who is silent shares one mix
// with all others who are. Pure: blocks in, blocks out; reads no clock.
import { TransportError } from "../errors/errors.ts";
import type { AlignedBlock } from "../sync/aligned-blocks.ts";
import type { Arena } from "../wasm/arena.ts";
import { MAX_VOICES, MixMinus } from "../wasm/mix-minus.ts";
import type { MixedVoice } from "../wasm/mix-minus.ts";
import { ActiveSpeakerDetector } from "./active-speaker.ts";
import { powerDb, SILENCE_DB } from "./audio-level.ts";
import type { AudioLevel } from "./audio-level.ts";

/** 18 dB: enough for the faintest microphone. */
const MAX_GAIN = 8;
/** A silent peer has to be so much louder, dB, than one who stays in the mix, lest one at the limit comes and goes. */
const RETURN_DB = 6;

/** Settings of a {@link ConferenceMixer}. */
export interface ConferenceMixerOptions {
  /** Of the blocks, 8000 to 48000 Hz. Default 48000. */
  sampleRate?: number;
  /** Length of a block, 10 to 100 ms, a whole number of samples. Default 20. */
  frameMs?: number;
  /** Of the blocks, interleaved, 1 or 2. Default 1. */
  channels?: number;
  /** Whose RMS, with its gain, stays below this is silent, -100 to -30 dBFS; heard again from 6 dB above. Default -60. */
  silenceDb?: number;
  /** For so long, before he is left out of the mixes, 100 to 60000 ms. Default 1000. */
  silenceMs?: number;
  /** Where its memory lies (125 KiB for 20 ms of one channel); a pool of the realm by default. */
  arena?: Arena;
}

/** Settings of one {@link ConferenceMixer.mix}. */
export interface MixOptions {
  /** Peers who listen and have no sound in the block; one who has is a listener anyway. */
  listeners?: readonly string[];
}

/** A block as some listeners are to hear it. */
export interface ConferenceMix {
  /** Fresh, interleaved, in [-1, 1]. */
  readonly samples: Float32Array;
  /** At least one. Whoever is heard by others has a mix to himself. */
  readonly listeners: string[];
}

/** What a {@link ConferenceMixer} makes of a block. */
export interface MixedBlock {
  /** Capture time of the first sample, as in the block. */
  readonly captureUs: number;
  /** Every listener is in exactly one; each mix needs one encode. */
  readonly mixes: readonly ConferenceMix[];
  /** Of every peer in the block, before its gain. */
  readonly levels: ReadonlyMap<string, AudioLevel>;
  /** Who speaks, of those whose gain is not 0; null when nobody does. */
  readonly activeSpeaker: string | null;
}

/** A peer from block to block. */
interface Voice {
  /** With which the last block ended. */
  gain: number;
  audible: boolean;
  quietMs: number;
  /** The last sample of every channel. */
  readonly last: Float32Array;
}

/**
 * Mixes blocks of up to 16 peers. Below -3 dBFS a mix is the plain sum of the others; louder ones are bent softly and
 * stay within full scale. Gains move in a straight line over a block: also when a peer begins to be heard, falls silent,
 * or is gone from one block to the next. Samples that are no numbers, or 24 dB above full scale, are silence.
 */
export class ConferenceMixer {
  readonly #samples: number;
  readonly #frameMs: number;
  readonly #channels: 1 | 2;
  readonly #silenceDb: number;
  readonly #silenceMs: number;
  readonly #kernel: MixMinus;
  readonly #detector = new ActiveSpeakerDetector();
  readonly #voices = new Map<string, Voice>();
  readonly #gains = new Map<string, number>();
  readonly #muted = new Set<string>();

  /** @throws TransportError `INVALID_CONFIG`; `LIMIT_EXCEEDED` when the arena is full */
  constructor(options: ConferenceMixerOptions = {}) {
    const { sampleRate = 48_000, frameMs = 20, channels = 1, silenceDb = -60, silenceMs = 1000 } = options;
    const frames = (frameMs * sampleRate) / 1000;
    check("sampleRate", sampleRate, within(sampleRate, 8000, 48_000), "8000 to 48000");
    const whole = within(frameMs, 10, 100) && Number.isInteger(frames);
    check("frameMs", frameMs, whole, "10 to 100 and a whole number of samples");
    check("channels", channels, channels === 1 || channels === 2, "1 or 2");
    check("silenceDb", silenceDb, within(silenceDb, -100, -30), "-100 to -30");
    check("silenceMs", silenceMs, within(silenceMs, 100, 60_000), "100 to 60000");
    this.#channels = channels === 1 ? 1 : 2;
    this.#samples = frames * channels;
    this.#frameMs = frameMs;
    this.#silenceDb = silenceDb;
    this.#silenceMs = silenceMs;
    const arena = options.arena === undefined ? {} : { arena: options.arena };
    this.#kernel = new MixMinus({ samples: this.#samples, channels: this.#channels, ...arena });
  }

  /**
   * How loud a peer is for all others, from the next block on, whether it is there yet or not.
   * @param gain linear, 0 to 8; 1 at first
   * @throws TransportError `INVALID_DATA`
   */
  setGain(peerId: string, gain: number): void {
    if (!within(gain, 0, MAX_GAIN)) {
      throw new TransportError("INVALID_DATA", `gain must be 0 to ${MAX_GAIN}, got ${String(gain)}`);
    }
    this.#gains.set(peerId, gain);
  }

  /** Whether others hear a peer, from the next block on; its gain is kept for later. */
  mute(peerId: string, muted = true): void {
    if (muted) this.#muted.add(peerId);
    else this.#muted.delete(peerId);
  }

  /** Forget the gain and the mute of a peer, who will not come back; without this they outlast its absence. */
  forget(peerId: string): void {
    this.#gains.delete(peerId);
    this.#muted.delete(peerId);
  }

  /**
   * Mix a block. Its samples are read, not kept.
   * @throws TransportError `INVALID_DATA` for more than 16 peers, one twice, or samples of another length;
   *   `ALREADY_SHUTDOWN` after `close()`
   */
  mix(block: AlignedBlock, options: MixOptions = {}): MixedBlock {
    this.#check(block);
    const peerIds = block.peers.map(({ peerId }) => peerId);
    const nowMs = block.captureUs / 1000;
    block.peers.forEach(({ samples }, row) => this.#kernel.row(row).set(samples));
    const levels = new Map<string, AudioLevel>();
    const mixed = new Map<string, MixedVoice>();
    this.#detector.advance(nowMs);
    this.#kernel.meter(peerIds.length).forEach(({ peak, power }, row) => {
      const peerId = peerIds[row] as string;
      const level = { rmsDb: powerDb(power), peakDb: powerDb(peak * peak) };
      const gain = this.#muted.has(peerId) ? 0 : (this.#gains.get(peerId) ?? 1);
      levels.set(peerId, level);
      this.#detector.hear(peerId, gain > 0 ? level.rmsDb : SILENCE_DB, nowMs);
      const voice = this.#enter(peerId, row, gain, level.rmsDb);
      if (voice !== undefined) mixed.set(peerId, voice);
    });
    this.#fadeAbsent(levels, mixed);
    const listeners = new Set([...peerIds, ...(options.listeners ?? [])]);
    return {
      captureUs: block.captureUs,
      mixes: share(listeners, [...mixed.keys()], this.#kernel.mix([...mixed.values()])),
      levels,
      activeSpeaker: this.#detector.speaker,
    };
  }

  /** Give the memory back. Idempotent; `mix` throws from then on. */
  close(): void {
    this.#kernel.close();
  }

  /** A peer's part in the mixes of this block; undefined when it has none. */
  #enter(peerId: string, row: number, gain: number, rmsDb: number): MixedVoice | undefined {
    let voice = this.#voices.get(peerId);
    if (voice === undefined) {
      voice = { gain: 0, audible: false, quietMs: 0, last: new Float32Array(this.#channels) };
      this.#voices.set(peerId, voice);
    }
    this.#judge(voice, gain > 0 ? rmsDb + 20 * Math.log10(gain) : SILENCE_DB);
    const fromGain = voice.gain;
    const toGain = voice.audible ? gain : 0;
    voice.gain = toGain;
    voice.last.set(this.#kernel.row(row).subarray(-this.#channels));
    return fromGain === 0 && toGain === 0 ? undefined : { row, fromGain, toGain };
  }

  #judge(voice: Voice, levelDb: number): void {
    if (levelDb >= this.#silenceDb + (voice.audible ? 0 : RETURN_DB)) {
      voice.audible = true;
      voice.quietMs = 0;
    } else {
      voice.quietMs += this.#frameMs;
      if (voice.quietMs > this.#silenceMs) voice.audible = false;
    }
  }

  /** Sound that ends in the middle would click: the last sample of whoever is gone fades over this block. */
  #fadeAbsent(present: ReadonlyMap<string, unknown>, mixed: Map<string, MixedVoice>): void {
    let row = present.size;
    for (const [peerId, { gain, last }] of this.#voices) {
      if (present.has(peerId)) continue;
      this.#voices.delete(peerId);
      this.#detector.remove(peerId);
      if (gain === 0 || row === MAX_VOICES) continue;
      const samples = this.#kernel.row(row);
      for (let i = 0; i < samples.length; i += this.#channels) samples.set(last, i);
      mixed.set(peerId, { row, fromGain: gain, toGain: 0 });
      row++;
    }
  }

  #check({ captureUs, peers }: AlignedBlock): void {
    const fault = (text: string) => new TransportError("INVALID_DATA", text);
    if (!Number.isFinite(captureUs)) throw fault(`captureUs must be a finite number, got ${captureUs}`);
    if (peers.length > MAX_VOICES)
      throw fault(`peers must be at most ${MAX_VOICES}, got ${peers.length} of them`);
    const known = new Set<string>();
    for (const { peerId, samples } of peers) {
      if (known.has(peerId)) throw fault(`peers must be different, got ${peerId} twice`);
      known.add(peerId);
      if (samples.length === this.#samples) continue;
      throw fault(`samples must be ${this.#samples}, got ${samples.length} of ${peerId}`);
    }
  }
}

/** A mix to himself for every listener who is heard, one for all others. The last output is the sum of all. */
function share(
  listeners: ReadonlySet<string>,
  heard: readonly string[],
  outputs: readonly Float32Array[],
): ConferenceMix[] {
  const mixes = heard.flatMap((peerId, index) =>
    listeners.has(peerId) ? [{ samples: outputs[index] as Float32Array, listeners: [peerId] }] : [],
  );
  const others = [...listeners].filter((peerId) => !heard.includes(peerId));
  if (others.length > 0) mixes.push({ samples: outputs[heard.length] as Float32Array, listeners: others });
  return mixes;
}

function within(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}

function check(name: string, value: unknown, valid: boolean, expected: string): void {
  if (valid) return;
  throw new TransportError("INVALID_CONFIG", `${name} must be ${expected}, got ${String(value)}`);
}
