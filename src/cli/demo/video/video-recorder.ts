// Writes the pictures that were sent and received to Y4M files on the clock of the run: every file begins with the run,
// and where pictures are missing it shows the last one again. Knows nothing of sound.
import { join } from "node:path";
import type { I420Picture } from "../../../platform/video-codecs.ts";
import { FRAME_NUMBERS } from "./picture-code.ts";
import { blankPicture } from "./picture.ts";
import type { PictureSize } from "./video-plan.ts";
import { Y4mWriter } from "./y4m-file.ts";

/** Luma of black, and chroma without color (ITU-R BT.601). */
const BLACK = 16;
const NO_COLOR = 128;

/** A picture to be recorded. It must not change any more. */
export interface RecordedPicture {
  /** As in its code. */
  number: number;
  /** When it was captured, or received: where the first of a file lies. Ms of the run. */
  atMs: number;
  picture: I420Picture;
  framerateFps: number;
}

/** Records into one folder, which is there. */
export class VideoRecorder {
  readonly #folder: string;
  readonly #films = new Map<string, Film>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Note a picture that `peerId` sent. */
  sent(peerId: string, picture: RecordedPicture): void {
    this.#add(`sent-${peerId}.y4m`, picture);
  }

  /** Note a picture that `to` received of `from`. */
  received(from: string, to: string, picture: RecordedPicture): void {
    this.#add(`received-${to}-from-${from}.y4m`, picture);
  }

  /** Finish every file. @returns how many there are, and how many pictures a slow or failing disk lost, with the reason */
  async close(): Promise<{ files: number; lostPictures: number; reason: string | undefined }> {
    const films = [...this.#films.values()];
    const lost = await Promise.all(films.map((film) => film.close()));
    return {
      files: films.length,
      lostPictures: lost.reduce((sum, { lostPictures }) => sum + lostPictures, 0),
      reason: lost.find(({ reason }) => reason !== undefined)?.reason,
    };
  }

  #add(name: string, picture: RecordedPicture): void {
    let film = this.#films.get(name);
    if (film === undefined) {
      film = new Film(join(this.#folder, name), picture);
      this.#films.set(name, film);
    }
    film.add(picture);
  }
}

/** One file. Pictures lie in it by their numbers, so that what jitters is not to be seen. */
class Film {
  readonly #size: PictureSize;
  readonly #writer: Promise<Y4mWriter>;
  /** Number of the next picture, and the last one. */
  #next: number;
  #last: I420Picture;
  #work: Promise<void> = Promise.resolve();

  constructor(path: string, { number, atMs, picture, framerateFps }: RecordedPicture) {
    const { width, height } = picture;
    this.#size = { width, height };
    this.#writer = Y4mWriter.open(path, { width, height, framerateFps });
    // Handled where it is waited for; until then nobody need be told.
    this.#writer.catch(() => undefined);
    this.#next = number - Math.max(0, Math.round((atMs * framerateFps) / 1000));
    this.#last = blackPicture(this.#size);
  }

  add({ number, picture }: RecordedPicture): void {
    // Of the numbers between -2^23 and 2^23 away, so that a wrap is none.
    const ahead = ((number - this.#next + 1.5 * FRAME_NUMBERS) % FRAME_NUMBERS) - FRAME_NUMBERS / 2;
    if (ahead < 0) return;
    if (ahead > 0) this.#write(this.#last, ahead);
    this.#write(picture, 1);
    this.#last = picture;
    this.#next = number + 1;
  }

  async close(): Promise<{ lostPictures: number; reason: string | undefined }> {
    try {
      await this.#work;
      const writer = await this.#writer;
      await writer.close();
      return writer;
    } catch (error) {
      return { lostPictures: 1, reason: error instanceof Error ? error.message : String(error) };
    }
  }

  #write(picture: I420Picture, copies: number): void {
    this.#work = this.#work.then(async () => (await this.#writer).add(picture, copies));
    this.#work.catch(() => undefined);
  }
}

function blackPicture({ width, height }: PictureSize): I420Picture {
  const picture = blankPicture(width, height);
  picture.planes[0].fill(BLACK);
  picture.planes[1].fill(NO_COLOR);
  picture.planes[2].fill(NO_COLOR);
  return picture;
}
