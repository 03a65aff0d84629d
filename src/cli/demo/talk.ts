// What the peers say: WAV files in turn, each peer elsewhere in its file, or a voice of its own. Any process of a run
// can make the words of any peer.
import { readFile, stat } from "node:fs/promises";
import { describeError } from "../../errors/errors.ts";
import { Loop, resampleLoop } from "./loop.ts";
import { UsageError } from "./options.ts";
import { SAMPLE_RATE, Voice } from "./voice.ts";
import { parseWav, toPcm16 } from "./wav.ts";

/** Of a WAV file, so much is played; an hour of it would fill the memory. */
const MAX_WAV_SECONDS = 600;
const MAX_WAV_BYTES = 1_073_741_824;
/** A voice repeats itself after this: no delay is that long, and making it in every process costs little. */
const VOICE_SECONDS = 8;
/** The end of a voice fades out, for it begins anew from silence. */
const FADE_SAMPLES = 0.03 * SAMPLE_RATE;

/** See the header. */
export class Talk {
  readonly #wavs: readonly Int16Array[];
  readonly #peers: number;
  readonly #voices = new Map<number, Int16Array>();

  private constructor(wavs: readonly Int16Array[], peers: number) {
    this.#wavs = wavs;
    this.#peers = peers;
  }

  /**
   * @param wavs paths of WAV files; none: voices
   * @param peers how many peers share the files
   * @throws UsageError that names the file it cannot play
   */
  static async open(wavs: readonly string[], peers: number): Promise<Talk> {
    return new Talk(await Promise.all(wavs.map(openWav)), peers);
  }

  /** What the peer at place `index` of the line-up says, from its beginning. A voice takes some 50 ms to make. */
  of(index: number): Loop {
    const wav = this.#wavs[index % Math.max(1, this.#wavs.length)];
    return wav === undefined ? new Loop(this.#voice(index), 0) : new Loop(wav, index / this.#peers);
  }

  #voice(index: number): Int16Array {
    const known = this.#voices.get(index);
    if (known !== undefined) return known;
    const samples = new Voice(index + 1).next(VOICE_SECONDS * SAMPLE_RATE);
    for (let i = 0; i < FADE_SAMPLES; i++) {
      (samples[samples.length - 1 - i] as number) *= i / FADE_SAMPLES;
    }
    const made = toPcm16(samples);
    this.#voices.set(index, made);
    return made;
  }
}

async function openWav(path: string): Promise<Int16Array> {
  try {
    const { size } = await stat(path);
    if (size > MAX_WAV_BYTES) throw new Error("the file is larger than 1 GiB");
    return toPcm16(resampleLoop(parseWav(await readFile(path), MAX_WAV_SECONDS)));
  } catch (error) {
    throw new UsageError(`--wav ${path}: ${describeError(error)}`);
  }
}
