// Y4M files on disk: pictures read by number, as an endless loop, and pictures written one after the other. A reader
// holds no more than a picture, a writer no more than some that wait for the disk.
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import type { I420Picture } from "../../../platform/video-codecs.ts";
import { chromaSize } from "./picture.ts";
import {
  MAX_Y4M_LINE,
  parseY4mHeader,
  pictureBytesOf,
  pictureLineBytes,
  y4mHeader,
  y4mPictureLine,
} from "./y4m.ts";
import type { Y4mFormat, Y4mHeader } from "./y4m.ts";

/** Bytes that may wait for a slow disk: six seconds of 320x180, and still a dozen pictures of 720p. */
const MAX_WAITING_BYTES = 16 * 1_048_576;

/** A file that is read, as a loop: it has a picture for every number. */
export class Y4mReader implements Y4mFormat {
  readonly width: number;
  readonly height: number;
  readonly framerateFps: number;
  /** Pictures in the file; one that is cut short is not counted. */
  readonly pictures: number;
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #header: Y4mHeader;
  readonly #lineBytes: number;

  private constructor(path: string, handle: FileHandle, header: Y4mHeader, lineBytes: number, size: number) {
    this.#path = path;
    this.#handle = handle;
    this.#header = header;
    this.#lineBytes = lineBytes;
    this.width = header.width;
    this.height = header.height;
    this.framerateFps = header.framerateFps;
    this.pictures = Math.floor((size - header.headerBytes) / (lineBytes + header.pictureBytes));
  }

  /**
   * Open a file.
   *
   * @throws Error with the path, and what was expected of the file, or what the file system says
   */
  static async open(path: string): Promise<Y4mReader> {
    const handle = await open(path, "r").catch((error: unknown) => fail(path, error));
    try {
      const start = await bytesAt(handle, 0, MAX_Y4M_LINE);
      const header = parseY4mHeader(start);
      const lineBytes = pictureLineBytes(await bytesAt(handle, header.headerBytes, MAX_Y4M_LINE));
      const { size } = await handle.stat();
      const reader = new Y4mReader(path, handle, header, lineBytes ?? 0, size);
      if (lineBytes === undefined || reader.pictures < 1)
        throw new Error("the Y4M file holds no whole picture");
      return reader;
    } catch (error) {
      await handle.close();
      return fail(path, error);
    }
  }

  /**
   * Read a picture.
   *
   * @param number from 0 on; after the last picture comes the first again
   * @returns a picture of its own memory
   * @throws Error with the path when the file has become shorter, or is none of equal pictures one after the other
   */
  async picture(number: number): Promise<I420Picture> {
    const { width, height } = this;
    const stride = this.#lineBytes + this.#header.pictureBytes;
    const at = this.#header.headerBytes + (number % this.pictures) * stride;
    const bytes = await bytesAt(this.#handle, at, stride).catch((error: unknown) => fail(this.#path, error));
    if (bytes.length < stride || pictureLineBytes(bytes) !== this.#lineBytes) {
      const what = `picture ${number % this.pictures} is not where it should be, ${at} bytes from the beginning`;
      return fail(this.#path, new Error(`not a valid Y4M file (${what})`));
    }
    const luma = this.#lineBytes + width * height;
    const chroma = luma + chromaSize(width) * chromaSize(height);
    const planes = [
      bytes.subarray(this.#lineBytes, luma),
      bytes.subarray(luma, chroma),
      bytes.subarray(chroma),
    ];
    return { width, height, planes: planes as [Uint8Array, Uint8Array, Uint8Array] };
  }

  /** Close the file; no read may follow. */
  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** A file that is written; writes follow each other, whoever adds never waits. */
export class Y4mWriter {
  readonly path: string;
  /** Pictures handed in that are not in the file. */
  lostPictures = 0;
  /** Why the first of them is not. */
  reason: string | undefined;
  readonly #format: Y4mFormat;
  readonly #handle: FileHandle;
  #waitingBytes = 0;
  #failed = false;
  #work: Promise<void> = Promise.resolve();

  private constructor(path: string, handle: FileHandle, format: Y4mFormat) {
    this.path = path;
    this.#handle = handle;
    this.#format = format;
  }

  /**
   * Make a file, or begin it anew.
   *
   * @throws Error with the path and what the file system says
   */
  static async open(path: string, format: Y4mFormat): Promise<Y4mWriter> {
    const handle = await open(path, "w").catch((error: unknown) => fail(path, error));
    try {
      await handle.writeFile(y4mHeader(format));
      return new Y4mWriter(path, handle, format);
    } catch (error) {
      await handle.close();
      return fail(path, error);
    }
  }

  /**
   * Write a picture after those before it. One of another size is lost, and so is one that finds the disk too slow.
   *
   * @param picture kept until it has been written: it must not change
   * @param copies how many times it is written; it waits in memory once
   */
  add(picture: I420Picture, copies = 1): void {
    const { width, height } = this.#format;
    const bytes = pictureBytesOf(width, height);
    if (picture.width !== width || picture.height !== height) {
      const size = `${picture.width}x${picture.height}`;
      this.#lose(`${this.path}: a picture is ${size}; expected ${width}x${height}`, copies);
    } else if (this.#failed || this.#waitingBytes + bytes > Math.max(MAX_WAITING_BYTES, bytes)) {
      this.#lose(`${this.path}: the disk is too slow`, copies);
    } else {
      this.#waitingBytes += bytes;
      this.#work = this.#work.then(() => this.#write(picture, bytes, copies));
    }
  }

  /** Write what waits, and close the file. */
  async close(): Promise<void> {
    await this.#work;
    await this.#handle.close();
  }

  async #write({ planes }: I420Picture, bytes: number, copies: number): Promise<void> {
    let left = copies;
    try {
      // After half a picture nothing that follows would be found.
      if (this.#failed) throw new Error("a write before it failed");
      const written = joined([y4mPictureLine(), ...planes]);
      for (; left > 0; left--) await this.#handle.writeFile(written);
    } catch (error) {
      this.#failed = true;
      this.#lose(`${this.path}: ${messageOf(error)}`, left);
    } finally {
      this.#waitingBytes -= bytes;
    }
  }

  #lose(reason: string, pictures: number): void {
    this.lostPictures += pictures;
    this.reason ??= reason;
  }
}

/** As many bytes of a file as there are, up to `count`, in memory of their own. */
async function bytesAt(handle: FileHandle, position: number, count: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(count);
  let filled = 0;
  while (filled < count) {
    const { bytesRead } = await handle.read(bytes, filled, count - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function fail(path: string, error: unknown): never {
  throw new Error(`${path}: ${messageOf(error)}`, { cause: error });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
