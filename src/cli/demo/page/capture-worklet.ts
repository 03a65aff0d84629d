// The audio worklet that copies the microphone's samples to the page, for measuring and for the level. What is
// sent to the peers does not pass through it. Runs on the audio thread and never waits.
import { CAPTURE_BLOCK_SAMPLES, CAPTURE_PROCESSOR } from "./capture-messages.ts";

/** The worklet's globals, which TypeScript's libraries do not declare. */
interface WorkletScope {
  AudioWorkletProcessor: new () => { readonly port: MessagePort };
  registerProcessor(name: string, processor: new () => unknown): void;
}

const scope = globalThis as unknown as WorkletScope;

class CaptureProcessor extends scope.AudioWorkletProcessor {
  #block = new Float32Array(CAPTURE_BLOCK_SAMPLES);
  #filled = 0;

  /** Called for every block of 128 frames; the first channel is taken, microphones have no other. */
  process(inputs: Float32Array[][]): boolean {
    const input = inputs[0]?.[0];
    if (input === undefined) return true;
    for (const sample of input) {
      this.#block[this.#filled++] = sample;
      if (this.#filled < CAPTURE_BLOCK_SAMPLES) continue;
      this.port.postMessage(this.#block, [this.#block.buffer]);
      this.#block = new Float32Array(CAPTURE_BLOCK_SAMPLES);
      this.#filled = 0;
    }
    return true;
  }
}

scope.registerProcessor(CAPTURE_PROCESSOR, CaptureProcessor);
