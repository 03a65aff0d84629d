// One reading of all streams side by side: decoded frames of every peer go in, blocks cut at the same instants come out
// when they are complete or when waiting longer is of no use. Reads no clock.
import type { Machine } from "../../runtime/machine.ts";
import { AlignedBlocks } from "../../sync/aligned-blocks.ts";
import type { AlignedBlock } from "../../sync/aligned-blocks.ts";
import type { SyncedAudioFrame } from "../../sync/sync-types.ts";
import { Resampler } from "../resampler.ts";
import type { AlignedReaderOptions } from "./engine.ts";

/** Rate of decoded frames, Hz. */
const DECODED_RATE = 48_000;

/** What an {@link AlignedReading} is told. */
export type AlignedInput =
  /** Decoded, as captured; read, not kept. The first one adds its peer. */
  { type: "frame"; peerId: string; frame: SyncedAudioFrame } | { type: "remove"; peerId: string };

/** What it yields. */
export interface AlignedOutput {
  readonly type: "block";
  readonly block: AlignedBlock;
}

/** The machine of one reading. Close it to give its memory back. */
export class AlignedReading implements Machine<AlignedInput, AlignedOutput> {
  readonly #blocks: AlignedBlocks;
  readonly #sampleRate: number;
  readonly #rates = new Map<string, RateChange>();
  readonly #outputs: AlignedOutput[] = [];

  /** @throws TransportError `INVALID_CONFIG` for an option out of range */
  constructor(options: AlignedReaderOptions, wallOffsetMs: number) {
    this.#blocks = new AlignedBlocks({ ...options, wallOffsetMs });
    this.#sampleRate = options.sampleRate ?? DECODED_RATE;
  }

  get deadlineMs(): number {
    return this.#blocks.nextDueMs;
  }

  handle(input: AlignedInput | { readonly type: "timeout" }, nowMs: number): void {
    switch (input.type) {
      case "remove":
        this.#blocks.removePeer(input.peerId);
        this.#rates.delete(input.peerId);
        break;
      case "frame":
        this.#push(input.peerId, input.frame, nowMs);
        break;
      case "timeout":
        break;
    }
    for (let block = this.#blocks.pull(nowMs); block !== undefined; block = this.#blocks.pull(nowMs)) {
      this.#outputs.push({ type: "block", block });
    }
  }

  poll(): AlignedOutput | undefined {
    return this.#outputs.shift();
  }

  /** Give the memory back. The machine must not be used any more. */
  close(): void {
    this.#blocks.close();
  }

  #push(peerId: string, decoded: SyncedAudioFrame, nowMs: number): void {
    let frame: SyncedAudioFrame | undefined = decoded;
    if (this.#sampleRate !== DECODED_RATE) {
      const rate = this.#rates.get(peerId) ?? new RateChange(this.#sampleRate);
      this.#rates.set(peerId, rate);
      frame = rate.convert(decoded);
    }
    if (frame === undefined) return;
    this.#blocks.addPeer(peerId);
    // In a pause of the sender's (DTX) next to nothing comes: blocks wait for it no longer than for its last sound.
    this.#blocks.setSilent(peerId, frame.quality === "cng");
    this.#blocks.push(peerId, frame, nowMs);
  }
}

/** One peer's frames at the rate of the reading, labels moved along with the samples. */
class RateChange {
  readonly #sampleRate: number;
  #resampler: Resampler | undefined;
  /** Samples per channel given and made since the resampler began. */
  #given = 0;
  #made = 0;
  /** RTP timestamp at which the next frame follows without a gap. */
  #next = 0;

  constructor(sampleRate: number) {
    this.#sampleRate = sampleRate;
  }

  /** @returns undefined while nothing can be made yet */
  convert(frame: SyncedAudioFrame): SyncedAudioFrame | undefined {
    const channels = frame.channels === 1 ? 1 : 2;
    const format = this.#resampler?.options;
    if (format?.inputChannels !== channels || frame.rtpTimestamp !== this.#next) {
      this.#resampler = new Resampler({
        inputRate: DECODED_RATE,
        inputChannels: channels,
        outputRate: this.#sampleRate,
        outputChannels: channels,
      });
      this.#given = this.#made = 0;
    }
    const count = frame.samples.length / channels;
    this.#next = (frame.rtpTimestamp + count) >>> 0;
    const samples = (this.#resampler as Resampler).process(frame.samples);
    const beforeS = this.#given / DECODED_RATE - this.#made / this.#sampleRate;
    this.#given += count;
    this.#made += samples.length / channels;
    if (samples.length === 0) return undefined;
    const wallClockTimestampUs = frame.wallClockTimestampUs - beforeS * 1e6;
    // The timestamp of its first sample to the tick: blocks tell from it whether frames follow each other.
    const rtpTimestamp = (frame.rtpTimestamp - Math.round(beforeS * DECODED_RATE)) >>> 0;
    return { ...frame, samples, sampleRate: this.#sampleRate, wallClockTimestampUs, rtpTimestamp };
  }
}
