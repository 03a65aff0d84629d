// Mixes the streams of several peers into the output of a worklet. Pure; knows no port and no audio context.
import { PlayoutStream } from "./playout-stream.ts";
import type { PlayoutStreamStats } from "./playout-stream.ts";

/** Streams by peer, and their sum. */
export class PlayoutMixer {
  readonly #rate: number;
  readonly #targetMs: number;
  readonly #streams = new Map<string, PlayoutStream>();
  #spare = new Float32Array(0);

  /** @param rate of the output, Hz @param targetMs least fill of every stream */
  constructor(rate: number, targetMs: number) {
    this.#rate = rate;
    this.#targetMs = targetMs;
  }

  /** Append interleaved samples of a peer; the first ones open its stream. */
  push(peerId: string, samples: Float32Array, channels: number, sampleRate: number): void {
    this.#stream(peerId).push(samples, channels, sampleRate);
  }

  /** Linear gain of a peer, also of one that has not sent anything yet. */
  setGain(peerId: string, gain: number): void {
    this.#stream(peerId).setGain(gain);
  }

  /** Forget a peer and its gain. */
  remove(peerId: string): void {
    this.#streams.delete(peerId);
  }

  /** Overwrite `outputs` with the next frames: left and right, or one channel with the mean of both. */
  render(outputs: readonly Float32Array[]): void {
    const [left, right] = outputs;
    if (left === undefined) return;
    for (const output of outputs) output.fill(0);
    const second = right ?? this.#spareOf(left.length);
    for (const stream of this.#streams.values()) stream.render(left, second);
    if (right !== undefined) return;
    for (let frame = 0; frame < left.length; frame++) {
      left[frame] = ((left[frame] ?? 0) + (second[frame] ?? 0)) / 2;
    }
  }

  /** Counters by peer. */
  stats(): Record<string, PlayoutStreamStats> {
    return Object.fromEntries([...this.#streams].map(([peerId, stream]) => [peerId, stream.stats()]));
  }

  #stream(peerId: string): PlayoutStream {
    const stream = this.#streams.get(peerId) ?? new PlayoutStream(this.#rate, this.#targetMs);
    this.#streams.set(peerId, stream);
    return stream;
  }

  /** A zeroed second channel where the output has one only. */
  #spareOf(length: number): Float32Array {
    if (this.#spare.length !== length) this.#spare = new Float32Array(length);
    return this.#spare.fill(0);
  }
}
