// The audio worklet of AudioPlayout: feeds the mixer from its port or from shared memory, and the output from the mixer.
// Runs on the audio thread, so it never waits. Bundled into generated/.
import { PLAYOUT_PROCESSOR } from "./playout-messages.ts";
import type { PlayoutCommand, PlayoutProcessorOptions } from "./playout-messages.ts";
import { PlayoutMixer } from "./playout-mixer.ts";
import { PlayoutRingReader } from "./playout-records.ts";

/** Time between two reports to the page, s. */
const REPORT_S = 0.1;

/** The worklet's globals, which TypeScript's libraries do not declare. */
interface WorkletScope {
  sampleRate: number;
  currentTime: number;
  AudioWorkletProcessor: new () => { readonly port: MessagePort };
  registerProcessor(
    name: string,
    processor: new (options: { processorOptions: PlayoutProcessorOptions }) => unknown,
  ): void;
}

const scope = globalThis as unknown as WorkletScope;

class PlayoutProcessor extends scope.AudioWorkletProcessor {
  readonly #mixer: PlayoutMixer;
  readonly #ring: PlayoutRingReader | undefined;
  #closed = false;
  #reportAt = 0;

  constructor({ processorOptions }: { processorOptions: PlayoutProcessorOptions }) {
    super();
    this.#mixer = new PlayoutMixer(scope.sampleRate, processorOptions.targetMs);
    const { ring } = processorOptions;
    this.#ring = ring === undefined ? undefined : new PlayoutRingReader(ring);
    this.port.onmessage = ({ data }: MessageEvent<PlayoutCommand>): void => this.#obey(data);
  }

  /** Called for every block of 128 frames; false lets the node go. */
  process(_inputs: unknown, outputs: Float32Array[][]): boolean {
    this.#ring?.read((peerId, samples, channels, sampleRate) =>
      this.#mixer.push(peerId, samples, channels, sampleRate),
    );
    this.#mixer.render(outputs[0] ?? []);
    if (scope.currentTime >= this.#reportAt) {
      this.#reportAt = scope.currentTime + REPORT_S;
      this.port.postMessage(this.#mixer.stats());
    }
    return !this.#closed;
  }

  #obey(command: PlayoutCommand): void {
    const { type } = command;
    if (type === "push") {
      this.#mixer.push(command.peerId, command.samples, command.channels, command.sampleRate);
    } else if (type === "number") {
      this.#ring?.assign(command.number, command.peerId);
    } else if (type === "gain") {
      this.#mixer.setGain(command.peerId, command.gain);
    } else if (type === "remove") {
      this.#ring?.remove(command.peerId);
      this.#mixer.remove(command.peerId);
    } else {
      this.#closed = true;
    }
  }
}

scope.registerProcessor(PLAYOUT_PROCESSOR, PlayoutProcessor);
