// All that is measured of video in a process of a run: who of its peers, or of the pages, saw whose pictures, and how
// well. Goes by the codes in the pictures. Pure; time is ms of the run.
import type { PictureCode } from "./picture-code.ts";
import { SentPictures, VideoJudge } from "./video-judge.ts";
import type { VideoRow } from "./video-judge.ts";
import { senderOf } from "./video-plan.ts";

/** Directed pairs measured at most, as for sound. */
const MAX_PAIRS = 240;
/** One picture in this time, ms, is compared with what was sent, for each pair. */
const COMPARE_INTERVAL_MS = 1_000;
/** Pictures that a process compares in a second, over all its pairs: each must be made anew. */
const COMPARED_PER_S = 20;

/** What `to` saw of `from`. */
export interface VideoPairRow extends VideoRow {
  to: string;
  /** Pictures without a readable code of their sender, and those with one that was not sent. */
  misread: number;
}

/** What a peer has shown since it last told: three numbers for each picture, see {@link VideoMeasurement.shown}. */
export interface ShownPictures {
  peerId: string;
  pictures: readonly number[];
}

/** What is known of a picture that `to` was handed of `from`. */
export interface SeenCode {
  from: string;
  to: string;
  /** What was read in it; undefined when nothing can be read. */
  code: PictureCode | undefined;
  receivedMs: number;
  isKeyframe: boolean;
  psnrDb: number | undefined;
  avOffsetMs: number | undefined;
}

interface Pair {
  readonly from: string;
  readonly to: string;
  readonly judge: VideoJudge;
  comparedMs: number;
}

/** See the header. */
export class VideoMeasurement {
  readonly #sent = new Map<string, SentPictures>();
  readonly #pairs = new Map<string, Pair>();
  readonly #beginMs: number;

  /** @param beginMs as of {@link VideoJudge} */
  constructor(beginMs = 0) {
    this.#beginMs = beginMs;
  }

  /** Note pictures of a sender, in their order: number, when it was handed over and when captured, one after the other. */
  shown({ peerId, pictures }: ShownPictures): void {
    const sent = this.#sentOf(peerId);
    for (let i = 0; i + 2 < pictures.length; i += 3) {
      sent.sent(pictures[i] as number, pictures[i + 1] as number, pictures[i + 2] as number);
    }
  }

  /** `to` may see pictures of `from`: from now on they are expected. Repeating it changes nothing. */
  connected(from: string, to: string): void {
    this.#pairOf(from, to);
  }

  /** Whether it is time to compare a picture of this pair with what was sent; the caller does then. */
  wantsComparison(from: string, to: string, nowMs: number): boolean {
    const pair = this.#pairOf(from, to);
    const intervalMs = Math.max(COMPARE_INTERVAL_MS, (1000 * this.#pairs.size) / COMPARED_PER_S);
    if (pair === undefined || nowMs - pair.comparedMs < intervalMs) return false;
    pair.comparedMs = nowMs;
    return true;
  }

  /** Note a picture. */
  seen({ from, to, code, ...picture }: SeenCode): void {
    const frameNumber = code?.sender === senderOf(from) ? code.frameNumber : undefined;
    this.#pairOf(from, to)?.judge.received({ ...picture, frameNumber });
  }

  /** `peerId` has left: its pairs are no longer expected, and its numbers may begin anew. */
  left(peerId: string): void {
    this.#sent.delete(peerId);
    for (const [key, { from, to }] of this.#pairs) {
      if (from === peerId || to === peerId) this.#pairs.delete(key);
    }
  }

  /** One row per directed pair. */
  rows(nowMs: number): VideoPairRow[] {
    return [...this.#pairs.values()].map(({ to, judge }) => {
      const row = judge.row(nowMs);
      return { ...row, to, misread: judge.unreadable + judge.unknown };
    });
  }

  #sentOf(peerId: string): SentPictures {
    const known = this.#sent.get(peerId);
    if (known !== undefined) return known;
    const made = new SentPictures();
    this.#sent.set(peerId, made);
    return made;
  }

  #pairOf(from: string, to: string): Pair | undefined {
    const key = `${from}>${to}`;
    const known = this.#pairs.get(key);
    if (known !== undefined || this.#pairs.size >= MAX_PAIRS || from === to) return known;
    const made = {
      from,
      to,
      judge: new VideoJudge(from, this.#sentOf(from), this.#beginMs),
      comparedMs: -Infinity,
    };
    this.#pairs.set(key, made);
    return made;
  }
}
