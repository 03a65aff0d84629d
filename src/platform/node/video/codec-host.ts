// The codecs of one worker: takes commands, works on them one after the other, reports what came of them. Runs in the
// worker alone. What it throws is a fault of the library itself, after which the worker must not go on.
import type { VideoCodecName } from "../../video-codecs.ts";
import { describeError } from "../../../errors/errors.ts";
import type { Library } from "./libav.ts";
import { LibavDecoder } from "./libav-decoder.ts";
import { LibavEncoder } from "./libav-encoder.ts";
import type { Decode, Encode, VideoCommand, VideoReport, VideoResult } from "./video-messages.ts";
import { WarmUp } from "./warm-up.ts";

/** What a {@link VideoCodecHost} asks of its thread. */
export interface VideoCodecHostOptions {
  readonly library: Library;
  /** Milliseconds of any clock. */
  now(): number;
  post(report: VideoReport, transfer: ArrayBuffer[]): void;
  /** Do something once nothing else is to do. */
  later(work: () => void): void;
}

/** See the head of this file. */
export class VideoCodecHost {
  readonly #options: VideoCodecHostOptions;
  readonly #encoders = new Map<number, LibavEncoder>();
  readonly #decoders = new Map<number, LibavDecoder>();
  #warmUp: WarmUp | undefined;
  /** What has been warmed up, or had real work since: `encode VP9`. */
  readonly #warm = new Set<string>();

  constructor(options: VideoCodecHostOptions) {
    this.#options = options;
  }

  /** @throws WebAssembly.RuntimeError when the library has broken down */
  handle(command: VideoCommand): void {
    switch (command.type) {
      case "open-encoder":
        this.#open(command.id, "encode", command.codec, (library) => {
          this.#encoders.set(command.id, new LibavEncoder(library, command.codec, command));
        });
        break;
      case "open-decoder":
        this.#open(command.id, "decode", command.codec, (library) => {
          this.#decoders.set(command.id, new LibavDecoder(library, command.codec));
        });
        break;
      case "encode":
        this.#work(command, () => this.#encoders.get(command.id)?.encode(command));
        break;
      case "decode":
        this.#work(command, () => this.#decoders.get(command.id)?.decode(command.data, command.isKeyframe));
        break;
      case "close":
        this.#close(command.id);
        break;
    }
  }

  #open(
    id: number,
    work: "encode" | "decode",
    codec: VideoCodecName,
    make: (library: Library) => void,
  ): void {
    try {
      make(this.#options.library);
    } catch (error) {
      this.#fail(id, error);
      return;
    }
    this.#options.post({ type: "opened", id }, []);
    this.#startWarmUp(work, codec);
  }

  #work({ id, position }: Encode | Decode, work: () => VideoResult | undefined): void {
    this.#stopWarmUp();
    const beganMs = this.#options.now();
    try {
      const result = work();
      if (result === undefined) return; // closed, or failed, while this was on its way
      const workMs = this.#options.now() - beganMs;
      this.#options.post({ ...result, id, position, workMs }, memoryOf(result));
    } catch (error) {
      this.#fail(id, error);
    }
  }

  #fail(id: number, error: unknown): void {
    // Memory that other codecs of this worker use may be spoilt.
    if (error instanceof WebAssembly.RuntimeError) throw error;
    this.#close(id);
    this.#options.post({ type: "failed", id, reason: describeError(error) }, []);
  }

  #close(id: number): void {
    this.#encoders.get(id)?.close();
    this.#encoders.delete(id);
    this.#decoders.get(id)?.close();
    this.#decoders.delete(id);
  }

  #startWarmUp(work: "encode" | "decode", codec: VideoCodecName): void {
    const name = `${work} ${codec}`;
    if (this.#warm.has(name) || this.#warmUp !== undefined) return;
    this.#warm.add(name);
    const warmUp = new WarmUp(this.#options.library, codec, work);
    this.#warmUp = warmUp;
    const step = (): void => {
      if (this.#warmUp !== warmUp) return;
      if (warmUp.step()) this.#options.later(step);
      else this.#stopWarmUp();
    };
    this.#options.later(step);
  }

  /** A real picture warms as well as any other. */
  #stopWarmUp(): void {
    this.#warmUp?.close();
    this.#warmUp = undefined;
  }
}

function memoryOf(result: VideoResult): ArrayBuffer[] {
  if (result.type === "encoded") return [result.data.buffer];
  return result.type === "picture" ? [result.memory] : [];
}
