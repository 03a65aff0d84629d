// Samples on their way to the playout's worklet through shared memory. Pure: who looks when is the worklet's affair.
import { RingSink, RingSource } from "../../runtime/record-ring.ts";

const KIND_SAMPLES = 1;

// Offsets in the body, i32 but for the rate, f64; the samples follow.
const NUMBER = 0;
/** Of all channels. */
const COUNT = 4;
const CHANNELS = 8;
const SAMPLE_RATE = 16;
const SAMPLES = 24;

/** Of the ring: 0.2 s of ten peers at 48 kHz in stereo, with room to spare. */
export const PLAYOUT_RING_BYTES = 1 << 20;

/** The page's end. */
export class PlayoutRingWriter {
  readonly #sink: RingSink;

  constructor(ring: SharedArrayBuffer) {
    this.#sink = new RingSink(ring);
  }

  /** Write samples of the peer with a number. @returns false when the worklet lags and there is no room */
  write(number: number, samples: Float32Array, channels: number, sampleRate: number): boolean {
    const at = this.#sink.reserve(KIND_SAMPLES, SAMPLES + 4 * samples.length);
    if (at < 0) return false;
    const { view, floats } = this.#sink.memory;
    view.setInt32(at + NUMBER, number, true);
    view.setInt32(at + COUNT, samples.length, true);
    view.setInt32(at + CHANNELS, channels, true);
    view.setFloat64(at + SAMPLE_RATE, sampleRate, true);
    floats.set(samples, (at + SAMPLES) >> 2);
    this.#sink.commit();
    return true;
  }
}

/** The worklet's end: knows which peer has which number. */
export class PlayoutRingReader {
  readonly #source: RingSource;
  readonly #peers = new Map<number, string>();
  #lastNumber = 0;

  constructor(ring: SharedArrayBuffer) {
    this.#source = new RingSource(ring);
  }

  /** Records with this number are a peer's from now on. */
  assign(number: number, peerId: string): void {
    this.#peers.set(number, peerId);
    this.#lastNumber = number;
  }

  /** Drop what comes of a peer until it has another number. */
  remove(peerId: string): void {
    for (const [number, named] of this.#peers) if (named === peerId) this.#peers.delete(number);
  }

  /** Hand on all that has come; `samples` are read at once, not kept. */
  read(push: (peerId: string, samples: Float32Array, channels: number, sampleRate: number) => void): void {
    for (let at = this.#source.next(); at >= 0; at = this.#source.next()) {
      const { view, floats } = this.#source.memory;
      const number = view.getInt32(at + NUMBER, true);
      // Memory is faster than messages: whose these are will be told.
      if (number > this.#lastNumber) return;
      const peerId = this.#peers.get(number);
      if (peerId !== undefined) {
        const first = (at + SAMPLES) >> 2;
        const samples = floats.subarray(first, first + view.getInt32(at + COUNT, true));
        push(peerId, samples, view.getInt32(at + CHANNELS, true), view.getFloat64(at + SAMPLE_RATE, true));
      }
      this.#source.release();
    }
  }
}
