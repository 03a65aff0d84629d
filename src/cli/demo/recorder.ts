// Writes what was sent and received to WAV files on the clock of the run: every file begins with the run and ends
// with it. Samples go to disk about once a second; never more than some seconds wait in memory.
import { mkdir, open, writeFile } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { SAMPLE_RATE } from "./voice.ts";
import { toPcm16, WAV_HEADER_BYTES, wavHeader } from "./wav.ts";

/** Blocks of 20 ms collected per file before they are written. */
const BLOCKS_PER_WRITE = 50;
/** Blocks a file may have waiting for a slow disk (10 s); further ones are dropped and counted. */
const MAX_WAITING_BLOCKS = 500;
/** A WAV file ends at 4 GiB; twelve hours of one channel stay below that, and so much less of several. */
const MAX_SAMPLES = 12 * 3600 * SAMPLE_RATE;

interface Block {
  /** Of its first sample, on the clock of the run. */
  start: number;
  /** Interleaved where there are several channels. */
  samples: Float32Array;
}

/** Where the names of the channels of aligned recordings are. */
const CHANNELS_FILE = "channels.json";
/** Beyond this, in samples, aligned blocks do not follow each other: the reader was too slow, or its clock stepped. */
const ALIGNED_JUMP = 0.1 * SAMPLE_RATE;

/** By peer that reads aligned: the others in the order of the channels of its recording. */
export type AlignedChannels = Readonly<Record<string, readonly string[]>>;

/** Records into one folder. */
export class Recorder {
  readonly #folder: string;
  readonly #files = new Map<string, WavFile>();
  readonly #mixes = new Map<string, AlignedTrack>();
  readonly #aligned: ReadonlyMap<string, AlignedTrack>;

  private constructor(folder: string, channels: AlignedChannels) {
    this.#folder = folder;
    this.#aligned = new Map(
      Object.entries(channels).map(([peerId, others]) => [peerId, new AlignedTrack(others)]),
    );
  }

  /**
   * Make the folder.
   *
   * @param channels of the aligned recordings
   * @throws whatever the file system says
   */
  static async open(folder: string, channels: AlignedChannels = {}): Promise<Recorder> {
    await mkdir(folder, { recursive: true });
    return new Recorder(folder, channels);
  }

  /** Note samples that `peerId` sent, from index `start` of the run on. They are kept until written. */
  sent(peerId: string, start: number, samples: Float32Array): void {
    this.#file(`sent-${peerId}.wav`).add({ start, samples });
  }

  /** Write down who is in which channel of the aligned recordings. @throws whatever the file system says */
  async describe(): Promise<void> {
    if (this.#aligned.size === 0) return;
    const files = [...this.#aligned].map(([peerId, { others }]) => [alignedName(peerId), others]);
    const text = JSON.stringify(Object.fromEntries(files), undefined, 2);
    await writeFile(join(this.#folder, CHANNELS_FILE), `${text}\n`);
  }

  /**
   * Note a set that `peerId` read: samples that were captured at the same instants, as it was told. Sets are laid end to
   * end, for so its own clock has them.
   *
   * @param start of the first set, and of one after a gap: index of the run
   * @param shares mono, one for each peer; peers without a channel are left out
   */
  aligned(peerId: string, start: number, shares: readonly { peerId: string; samples: Float32Array }[]): void {
    const track = this.#aligned.get(peerId);
    if (track === undefined) return;
    const { block, channels } = track.interleave(start, shares);
    this.#file(alignedName(peerId), channels).add(block);
  }

  /** Note what `peerId` mixed for its own ear; blocks are laid end to end like sets. */
  mixed(peerId: string, start: number, samples: Float32Array): void {
    const track = this.#mixes.get(peerId) ?? new AlignedTrack([peerId]);
    this.#mixes.set(peerId, track);
    this.#file(`mix-${peerId}.wav`).add(track.interleave(start, [{ peerId, samples }]).block);
  }

  /** Note samples that `to` received of `from`. */
  received(from: string, to: string, start: number, samples: Float32Array): void {
    this.#file(`received-${to}-from-${from}.wav`).add({ start, samples });
  }

  /**
   * Finish every file, all of the same length: that of the run, or of what goes on longest beyond it.
   *
   * @param samples length of the run
   * @returns paths written, and how many blocks were lost to a slow or failing disk, with the first reason
   */
  async close(samples: number): Promise<{ paths: string[]; lostBlocks: number; reason: string | undefined }> {
    const files = [...this.#files.values()];
    await Promise.all(files.map((file) => file.flush()));
    const length = Math.min(MAX_SAMPLES, Math.max(samples, ...files.map((file) => file.end)));
    await Promise.all(files.map((file) => file.finish(length)));
    return {
      paths: files.map((file) => file.path),
      lostBlocks: files.reduce((sum, file) => sum + file.lostBlocks, 0),
      reason: files.find((file) => file.reason !== undefined)?.reason,
    };
  }

  #file(name: string, channels = 1): WavFile {
    const known = this.#files.get(name);
    if (known !== undefined) return known;
    const file = new WavFile(join(this.#folder, name), channels);
    this.#files.set(name, file);
    return file;
  }
}

function alignedName(peerId: string): string {
  return `aligned-${peerId}.wav`;
}

/** Turns the sets that one peer reads into blocks of a file with a channel for each other peer. */
class AlignedTrack {
  readonly others: readonly string[];
  #end: number | undefined;

  constructor(others: readonly string[]) {
    this.others = others;
  }

  interleave(
    start: number,
    shares: readonly { peerId: string; samples: Float32Array }[],
  ): { block: Block; channels: number } {
    const channels = this.others.length;
    const count = Math.max(0, ...shares.map(({ samples }) => samples.length));
    const samples = new Float32Array(count * channels);
    for (const share of shares) {
      const channel = this.others.indexOf(share.peerId);
      if (channel < 0) continue;
      for (let i = 0; i < share.samples.length; i++)
        samples[i * channels + channel] = share.samples[i] as number;
    }
    const follows = this.#end !== undefined && Math.abs(this.#end - start) < ALIGNED_JUMP;
    const at = follows && this.#end !== undefined ? this.#end : start;
    this.#end = at + count;
    return { block: { start: at, samples }, channels };
  }
}

/** One file; writes follow each other, whoever adds never waits. */
class WavFile {
  readonly path: string;
  readonly #channels: number;
  lostBlocks = 0;
  reason: string | undefined;
  /** Index after the last sample written. */
  end = 0;
  #waiting: Block[] = [];
  #writing: Block[] = [];
  #handle: FileHandle | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(path: string, channels: number) {
    this.path = path;
    this.#channels = channels;
  }

  add(block: Block): void {
    if (this.#waiting.length + this.#writing.length >= MAX_WAITING_BLOCKS || block.start > this.#maxSamples) {
      this.lostBlocks++;
      this.reason ??= block.start > this.#maxSamples ? "a WAV file ends at 4 GiB" : "the disk is too slow";
      return;
    }
    this.#waiting.push(block);
    if (this.#waiting.length >= BLOCKS_PER_WRITE && this.#writing.length === 0) this.#writeWaiting();
  }

  /** Write what waits. */
  async flush(): Promise<void> {
    await this.#work;
    this.#writeWaiting();
    await this.#work;
  }

  /** Give the file its length, in samples, and its header, and close it. */
  async finish(length: number): Promise<void> {
    try {
      const handle = await this.#opened();
      const bytes = 2 * this.#channels * Math.min(length, this.#maxSamples);
      await handle.truncate(WAV_HEADER_BYTES + bytes);
      await handle.write(wavHeader(bytes, SAMPLE_RATE, this.#channels), 0, WAV_HEADER_BYTES, 0);
    } catch (error) {
      this.#fail(error, 0);
    }
    await this.#handle?.close();
  }

  #writeWaiting(): void {
    this.#writing = this.#waiting;
    this.#waiting = [];
    const blocks = this.#writing;
    this.#work = this.#write(blocks)
      .catch((error: unknown) => this.#fail(error, blocks.length))
      .finally(() => {
        this.#writing = [];
      });
  }

  async #write(blocks: readonly Block[]): Promise<void> {
    const handle = await this.#opened();
    for (const { start, samples } of runs(blocks, this.#channels)) {
      // Where nothing is written the file has a hole, which reads as silence.
      const pcm = toPcm16(samples);
      await handle.write(
        new Uint8Array(pcm.buffer),
        0,
        pcm.byteLength,
        WAV_HEADER_BYTES + 2 * this.#channels * start,
      );
      this.end = Math.max(this.end, start + samples.length / this.#channels);
    }
  }

  get #maxSamples(): number {
    return Math.floor(MAX_SAMPLES / this.#channels);
  }

  async #opened(): Promise<FileHandle> {
    return (this.#handle ??= await open(this.path, "w"));
  }

  #fail(error: unknown, blocks: number): void {
    this.lostBlocks += blocks;
    this.reason ??= error instanceof Error ? error.message : String(error);
  }
}

/** Blocks that follow each other without a gap, joined. */
function runs(blocks: readonly Block[], channels: number): Block[] {
  const joined: { start: number; end: number; parts: Float32Array[] }[] = [];
  for (const { start, samples } of blocks) {
    const last = joined.at(-1);
    if (last?.end === start) {
      last.parts.push(samples);
      last.end += samples.length / channels;
    } else {
      joined.push({ start, end: start + samples.length / channels, parts: [samples] });
    }
  }
  return joined.map(({ start, end, parts }) => {
    const samples = new Float32Array((end - start) * channels);
    let at = 0;
    for (const part of parts) {
      samples.set(part, at);
      at += part.length;
    }
    return { start, samples };
  });
}
