// Writes what was sent and received to WAV files on the clock of the run: every file begins with the run and ends
// with it. Samples go to disk about once a second; never more than some seconds wait in memory.
import { mkdir, open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { SAMPLE_RATE } from "./voice.ts";
import { toPcm16, WAV_HEADER_BYTES, wavHeader } from "./wav.ts";

/** Blocks of 20 ms collected per file before they are written. */
const BLOCKS_PER_WRITE = 50;
/** Blocks a file may have waiting for a slow disk (10 s); further ones are dropped and counted. */
const MAX_WAITING_BLOCKS = 500;
/** A WAV file ends at 4 GiB; twelve hours of a run stay below that. */
const MAX_SAMPLES = 12 * 3600 * SAMPLE_RATE;

interface Block {
  start: number;
  samples: Float32Array;
}

/** Records into one folder. */
export class Recorder {
  readonly #folder: string;
  readonly #files = new Map<string, WavFile>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Make the folder. @throws whatever the file system says */
  static async open(folder: string): Promise<Recorder> {
    await mkdir(folder, { recursive: true });
    return new Recorder(folder);
  }

  /** Note samples that `peerId` sent, from index `start` of the run on. They are kept until written. */
  sent(peerId: string, start: number, samples: Float32Array): void {
    this.#file(`sent-${peerId}.wav`).add({ start, samples });
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

  #file(name: string): WavFile {
    const known = this.#files.get(name);
    if (known !== undefined) return known;
    const file = new WavFile(join(this.#folder, name));
    this.#files.set(name, file);
    return file;
  }
}

/** One file; writes follow each other, whoever adds never waits. */
class WavFile {
  readonly path: string;
  lostBlocks = 0;
  reason: string | undefined;
  /** Index after the last sample written. */
  end = 0;
  #waiting: Block[] = [];
  #writing: Block[] = [];
  #handle: FileHandle | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.path = path;
  }

  add(block: Block): void {
    if (this.#waiting.length + this.#writing.length >= MAX_WAITING_BLOCKS || block.start > MAX_SAMPLES) {
      this.lostBlocks++;
      this.reason ??= block.start > MAX_SAMPLES ? "a WAV file holds twelve hours" : "the disk is too slow";
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
      await handle.truncate(WAV_HEADER_BYTES + 2 * length);
      await handle.write(wavHeader(2 * length, SAMPLE_RATE), 0, WAV_HEADER_BYTES, 0);
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
    for (const { start, samples } of runs(blocks)) {
      // Where nothing is written the file has a hole, which reads as silence.
      const pcm = toPcm16(samples);
      await handle.write(new Uint8Array(pcm.buffer), 0, pcm.byteLength, WAV_HEADER_BYTES + 2 * start);
      this.end = Math.max(this.end, start + samples.length);
    }
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
function runs(blocks: readonly Block[]): Block[] {
  const joined: { start: number; end: number; parts: Float32Array[] }[] = [];
  for (const { start, samples } of blocks) {
    const last = joined.at(-1);
    if (last?.end === start) {
      last.parts.push(samples);
      last.end += samples.length;
    } else {
      joined.push({ start, end: start + samples.length, parts: [samples] });
    }
  }
  return joined.map(({ start, end, parts }) => {
    const samples = new Float32Array(end - start);
    let at = 0;
    for (const part of parts) {
      samples.set(part, at);
      at += part.length;
    }
    return { start, samples };
  });
}
