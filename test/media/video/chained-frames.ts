// A codec without pictures: each frame holds a hash over itself and the hashes of its references, so a decoder notices
// every byte and every reference that is missing.
import type { VideoCodecName } from "../../../src/platform/video-codecs.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
import { codedFrame, joined } from "../../rtp/coded-frames.ts";

/** How far back the references of a frame lie, by its place behind the last keyframe (1 is the next). */
export type Prediction = (place: number) => readonly number[];

export const fromTheOneBefore: Prediction = () => [1];

/** Three temporal layers: 0 2 1 2, and again. */
export const inThreeLayers: Prediction = (place) => [[4], [1], [2], [1]][place % 4] as number[];

export const layerOf = (place: number): number => [0, 2, 1, 2][place % 4] as number;

/** Without zeros, which mean something in H.264. Frames are cut out of it, each at another place. */
const filling = new SeededRandom("filler");
const FILLER = Uint8Array.from({ length: 200_000 }, () => filling.integer(1, 255));

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Makes frames; the number of a frame is how many came before it. */
export class ChainEncoder {
  readonly #random: SeededRandom;
  readonly #codec: VideoCodecName | undefined;
  readonly #hashes = new Map<number, number>();
  #number = 0;

  /** @param codec whose bytes the frames begin with, so that payload formats can read them */
  constructor(codec: VideoCodecName | undefined, seed: number) {
    this.#codec = codec;
    this.#random = new SeededRandom(`${seed} frames`);
  }

  encode(isKeyframe: boolean, back: readonly number[], length: number): Uint8Array {
    const number = this.#number++;
    const references = isKeyframe ? [] : back.map((distance) => number - distance);
    const begin = this.#codec ? codedFrame(this.#codec, isKeyframe, 8, this.#random).data : new Uint8Array();
    const from = this.#random.integer(0, FILLER.length - length);
    const filler = FILLER.subarray(from, from + length);
    const content = joined([begin, filler]);
    const hash = hashOf(content, references, this.#hashes);
    this.#hashes.set(number, hash);
    this.#hashes.delete(number - 200);
    return joined([content, encoder.encode(`|${number}|${references.join()}|${hash}`)]);
  }
}

/** Knows garbage when it sees it. */
export class ChainDecoder {
  readonly #hashes = new Map<number, number>();
  decoded = 0;
  garbage = 0;
  /** Of the frame decoded last. */
  number = -1;

  /** @returns whether the frame was what its encoder had made, and decodable */
  decode(data: Uint8Array): boolean {
    const [, number, references, hash] =
      /\|(\d+)\|([\d,]*)\|(\d+)$/.exec(decoder.decode(data.subarray(-64))) ?? [];
    const tail = `|${number}|${references}|${hash}`.length;
    const content = data.subarray(0, data.length - tail);
    const needed = references ? references.split(",").map(Number) : [];
    const isWhole = needed.every((reference) => this.#hashes.has(reference));
    if (!isWhole || hashOf(content, needed, this.#hashes) !== Number(hash)) {
      this.garbage++;
      return false;
    }
    this.number = Number(number);
    this.#hashes.set(this.number, Number(hash));
    this.#hashes.delete(this.number - 200);
    this.decoded++;
    return true;
  }
}

/** FNV-1a. */
function hashOf(bytes: Uint8Array, references: readonly number[], hashes: Map<number, number>): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  for (const reference of references) hash = Math.imul(hash ^ (hashes.get(reference) ?? 0), 0x01000193);
  return hash >>> 0;
}
