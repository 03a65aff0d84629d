// Work for a fresh worker that has nothing to do yet: WebAssembly runs several times slower until V8 has compiled what is
// used most, and that takes the first second of a stream. Runs in the worker alone.
import type { VideoCodecName } from "../../video-codecs.ts";
import { i420Bytes } from "./i420.ts";
import { LibavDecoder } from "./libav-decoder.ts";
import { LibavEncoder } from "./libav-encoder.ts";
import type { Library } from "./libav.ts";
import type { Encoded } from "./video-messages.ts";

/** Pictures worked on; after these, real ones take as long as ever after. */
const PICTURES = 30;

const SIZE = { width: 320, height: 180, bitrateKbps: 300, framerateFps: 30 };
const PICTURE_TICKS = 3_000;

/** Encodes, or decodes, pictures that nobody sees. One call one picture, so that real ones need not wait for long. */
export class WarmUp {
  readonly #encoder: LibavEncoder;
  /** Absent where only encoding is to be warm. */
  readonly #decoder: LibavDecoder | undefined;
  /** A keyframe and one that follows it: what is decoded again and again. */
  readonly #encoded: Encoded[] = [];
  #done = 0;

  constructor(library: Library, codec: VideoCodecName, work: "encode" | "decode") {
    this.#encoder = new LibavEncoder(library, codec, SIZE);
    this.#decoder = work === "decode" ? new LibavDecoder(library, codec) : undefined;
  }

  /** One picture. @returns whether there is more to do */
  step(): boolean {
    const again = this.#encoded[this.#done % 2];
    if (this.#decoder === undefined || again === undefined) this.#encode();
    else this.#decoder.decode(again.data, again.isKeyframe);
    this.#done++;
    return this.#done < PICTURES;
  }

  /** Free its memory. */
  close(): void {
    this.#encoder.close();
    this.#decoder?.close();
  }

  #encode(): void {
    const position = this.#done * PICTURE_TICKS;
    const result = this.#encoder.encode({ ...SIZE, memory: texture(this.#done), position, keyframe: false });
    if (result.type === "encoded" && this.#encoded.length < 2) this.#encoded.push(result);
  }
}

/** A picture with edges that move, so that motion is searched for and residues are coded. */
function texture(shift: number): ArrayBuffer {
  const { width, height } = SIZE;
  const memory = new ArrayBuffer(i420Bytes(width, height));
  const bytes = new Uint8Array(memory);
  for (let i = 0; i < bytes.length; i++) {
    const x = (i % width) + 2 * shift;
    const y = (i / width) | 0;
    bytes[i] = 96 + ((x ^ y) & 63) + ((i * 31 + shift * 17) % 5);
  }
  return memory;
}
