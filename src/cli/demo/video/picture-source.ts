// What the peers of a run show: a test pattern each, or Y4M files in turn, each elsewhere in its file. Every picture has
// its code, and any process of a run can make the pictures of any peer, to compare with what came of them.
import type { I420Picture } from "../../../platform/video-codecs.ts";
import { UsageError } from "../options.ts";
import { drawPictureCode } from "./picture-code.ts";
import { TestPattern } from "./test-pattern.ts";
import { senderOf } from "./video-plan.ts";
import type { PictureFormat, VideoPlan } from "./video-plan.ts";
import { Y4mReader } from "./y4m-file.ts";

/** Of a file's pictures: the smallest that holds a code, and the largest that is sent as it is. */
const LEAST_SIDE = 32;
const LONG_SIDE = 1920;
const SHORT_SIDE = 1080;
const LEAST_FPS = 1;
const MOST_FPS = 60;

/** The pictures of one peer. */
export interface PictureSource extends PictureFormat {
  /** Make a picture, with its code in it; it belongs to the caller. @param number from 0 on */
  picture(number: number): I420Picture | Promise<I420Picture>;
}

/** The pictures of all peers. */
export class PictureSources {
  readonly #plan: VideoPlan;
  readonly #peerIds: readonly string[];
  readonly #files: readonly Y4mReader[];
  readonly #made = new Map<string, PictureSource>();

  private constructor(plan: VideoPlan, peerIds: readonly string[], files: readonly Y4mReader[]) {
    this.#plan = plan;
    this.#peerIds = peerIds;
    this.#files = files;
  }

  /** @param peerIds the line-up @throws UsageError that names the file that cannot be shown */
  static async open(plan: VideoPlan, peerIds: readonly string[]): Promise<PictureSources> {
    const files: Y4mReader[] = [];
    try {
      for (const path of plan.files) files.push(await openFile(path));
    } catch (error) {
      await Promise.all(files.map((file) => file.close()));
      throw error;
    }
    return new PictureSources(plan, peerIds, files);
  }

  /** What a peer of the line-up shows; undefined for others. */
  of(peerId: string): PictureSource | undefined {
    const index = this.#peerIds.indexOf(peerId);
    if (index < 0) return undefined;
    const known = this.#made.get(peerId);
    if (known !== undefined) return known;
    const file = this.#files[index % Math.max(1, this.#files.length)];
    const source = file === undefined ? this.#pattern(peerId) : this.#film(peerId, file, index);
    this.#made.set(peerId, source);
    return source;
  }

  /** Close the files; no picture may be asked for any more. */
  async close(): Promise<void> {
    await Promise.all(this.#files.map((file) => file.close()));
  }

  #pattern(peerId: string): PictureSource {
    const { width, height, framerateFps } = this.#plan;
    const pattern = new TestPattern({ sender: senderOf(peerId), name: peerId, width, height, framerateFps });
    return { width, height, framerateFps, picture: (number) => pattern.draw(number) };
  }

  #film(peerId: string, file: Y4mReader, index: number): PictureSource {
    const { width, height, framerateFps } = file;
    const first = Math.floor((index * file.pictures) / this.#peerIds.length);
    const picture = async (number: number): Promise<I420Picture> => {
      const read = await file.picture(first + number);
      drawPictureCode(read, { frameNumber: number, sender: senderOf(peerId) });
      return read;
    };
    return { width, height, framerateFps, picture };
  }
}

async function openFile(path: string): Promise<Y4mReader> {
  const file = await Y4mReader.open(path).catch((error: unknown) => {
    throw new UsageError(`--y4m ${error instanceof Error ? error.message : String(error)}`);
  });
  const fault = faultOf(file);
  if (fault === undefined) return file;
  await file.close();
  throw new UsageError(`--y4m ${path}: ${fault}`);
}

function faultOf({ width, height, framerateFps }: PictureFormat): string | undefined {
  const [long, short] = [Math.max(width, height), Math.min(width, height)];
  if (short < LEAST_SIDE || long > LONG_SIDE || short > SHORT_SIDE) {
    const range = `${LEAST_SIDE}x${LEAST_SIDE} to ${LONG_SIDE}x${SHORT_SIDE}`;
    return `pictures are ${width}x${height}; expected ${range}`;
  }
  if (framerateFps < LEAST_FPS || framerateFps > MOST_FPS) {
    return `there are ${framerateFps} pictures a second; expected ${LEAST_FPS} to ${MOST_FPS}`;
  }
  return undefined;
}
