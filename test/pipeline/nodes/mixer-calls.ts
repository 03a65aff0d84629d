// Calls through an audio mixer: peers that speak tones, frames that arrive as a test says, and what each one hears.
import { audioMixerNode } from "../../../src/pipeline/nodes/audio-mixer.ts";
import type { AudioMixerParams } from "../../../src/pipeline/nodes/audio-mixer.ts";
import type { AudioData, TransportData } from "../../../src/runtime/data.ts";
import { OpenNode } from "./open-node.ts";

export const RATE = 48_000;
export const START_US = 1_700_000_000_000_000;
/** Samples of a mix. */
export const BLOCK = 960;

/** One frame on its way. */
export interface Sent {
  readonly peer?: string | undefined;
  readonly samples: Float32Array;
  /** Capture time, ms after the start. */
  readonly atMs?: number | undefined;
  readonly streamId?: string;
  readonly sampleRate?: number;
  readonly channels?: number;
}

/** A mixer at work. */
export class MixerCall {
  readonly #node: OpenNode<AudioMixerParams>;

  constructor(params: Partial<AudioMixerParams> = {}) {
    this.#node = new OpenNode(audioMixerNode, params);
  }

  get outputs(): readonly TransportData[] {
    return this.#node.outputs;
  }

  send({ peer, samples, atMs, streamId, sampleRate = RATE, channels = 1 }: Sent): TransportData[] {
    const place = {
      ...(atMs !== undefined && { timestampUs: START_US + atMs * 1000 }),
      ...(streamId && { streamId }),
    };
    const metadata = peer === undefined ? {} : { source_peer: peer };
    return this.#node.send({ type: "audio", samples, sampleRate, channels, ...place }, metadata);
  }

  flush(): void {
    this.#node.flush();
  }

  /** Close, and say what was counted. */
  close(): unknown {
    this.#node.close();
    return this.#node.logged.at(-1);
  }

  /** Mixes for one listener; for everybody without one. */
  mixes(listener?: string): AudioData[] {
    const own = this.outputs.filter(({ metadata }) => metadata.target_peer === listener);
    return own.map(({ data }) => data as AudioData);
  }

  /** What a listener hears from one instant to another, ms after the start; NaN where no mix was. */
  heard(listener: string | undefined, fromMs: number, toMs: number): Float32Array {
    const from = Math.round((fromMs * RATE) / 1000);
    const out = new Float32Array(Math.round((toMs * RATE) / 1000) - from).fill(Number.NaN);
    for (const { samples, timestampUs = 0 } of this.mixes(listener)) {
      const at = Math.round(((timestampUs - START_US) * RATE) / 1e6) - from;
      samples.forEach((sample, i) => {
        if (at + i >= 0 && at + i < out.length) out[at + i] = sample;
      });
    }
    return out;
  }
}

/** A tone that everybody captures at the same phase at the same instant, from `fromMs` after the start. */
export function tonePart(hz: number, amplitude: number, fromMs: number, ms: number): Float32Array {
  const first = Math.round((fromMs * RATE) / 1000);
  return Float32Array.from({ length: Math.round((ms * RATE) / 1000) }, (_, i) => {
    // Anywhere but at a crossing of zero at round instants, where nothing could click.
    return amplitude * Math.sin(1 + (2 * Math.PI * hz * (first + i)) / RATE);
  });
}

/** A peer that speaks. */
export interface Speaker {
  readonly peer: string | undefined;
  readonly hz: number;
  readonly amplitude?: number;
  readonly frameMs?: number;
  readonly fromMs?: number;
  readonly toMs: number;
  /** From the end of a frame until it arrives, ms. */
  readonly delayMs?: (atMs: number) => number;
  /** How far its label is off, ms. */
  readonly labelMs?: (atMs: number) => number;
  /** Whether a frame is missing. */
  readonly lost?: (atMs: number) => boolean;
}

/** The frames of all, in the order in which they arrive. */
export function arrivals(speakers: readonly Speaker[]): Sent[] {
  const frames: { readonly dueMs: number; readonly frame: Sent }[] = [];
  for (const { peer, hz, amplitude = 0.25, frameMs = 20, fromMs = 0, toMs, ...how } of speakers) {
    for (let atMs = fromMs; atMs + frameMs <= toMs; atMs += frameMs) {
      if (how.lost?.(atMs) === true) continue;
      const samples = tonePart(hz, amplitude, atMs, frameMs);
      const frame = { peer, samples, atMs: atMs + (how.labelMs?.(atMs) ?? 0) };
      frames.push({ dueMs: atMs + frameMs + (how.delayMs?.(atMs) ?? 0), frame });
    }
  }
  return frames.sort((a, b) => a.dueMs - b.dueMs).map(({ frame }) => frame);
}

/** Let them all speak. */
export function talk(call: MixerCall, speakers: readonly Speaker[]): void {
  for (const frame of arrivals(speakers)) call.send(frame);
}

/** Amplitude of a frequency, over whole periods. */
export function amplitudeOf(samples: Float32Array, hz: number): number {
  let re = 0;
  let im = 0;
  samples.forEach((sample, i) => {
    re += sample * Math.cos((2 * Math.PI * hz * i) / RATE);
    im += sample * Math.sin((2 * Math.PI * hz * i) / RATE);
  });
  return (2 * Math.hypot(re, im)) / samples.length;
}

/** Largest step from sample to sample: a click is one. */
export function largestStep(samples: Float32Array): number {
  let most = 0;
  for (let i = 1; i < samples.length; i++) {
    const step = Math.abs((samples[i] as number) - (samples[i - 1] as number));
    if (!(step <= most)) most = step;
  }
  return most;
}
