// Encodes the frames of one outgoing stream once for all its links, and knows which payloads need not be sent.
// Keeps no frames and no time.
import type { OpusEncoder } from "../codecs/opus.ts";
import { MAX_DTX_PAYLOAD_BYTES } from "../codecs/opus-packet.ts";

/** Least expected loss while FEC is on: with less the encoder spends no bits on it. */
const MIN_EXPECTED_LOSS = 0.1;

/** An encoder with its FEC and DTX policy. */
export class FrameEncoder {
  readonly #encoder: OpusEncoder;
  readonly #fec: boolean;
  #expectedLossPercent = 0;
  /** Whether the frame before was silence. */
  #quiet = false;

  /**
   * @param encoder freed by its owner
   * @param fec whether the expected loss follows what the listeners report
   */
  constructor(encoder: OpusEncoder, fec: boolean) {
    this.#encoder = encoder;
    this.#fec = fec;
  }

  /**
   * Encode the next frame.
   *
   * @param samples one frame, interleaved
   * @param lossRate the largest loss, 0 to 1, that a listener of this frame reports
   * @returns undefined when it continues a silence that has already been told (DTX)
   * @throws TransportError `ENCODING_ERROR`
   */
  encode(samples: Float32Array, lossRate: number): Uint8Array | undefined {
    this.#expectLoss(lossRate);
    const payload = this.#encoder.encode(samples);
    const wasQuiet = this.#quiet;
    this.#quiet = payload.length <= MAX_DTX_PAYLOAD_BYTES;
    return wasQuiet && this.#quiet ? undefined : payload;
  }

  #expectLoss(lossRate: number): void {
    const percent = this.#fec ? Math.round(Math.max(MIN_EXPECTED_LOSS, lossRate) * 100) : 0;
    if (percent === this.#expectedLossPercent) return;
    this.#expectedLossPercent = percent;
    this.#encoder.setPacketLoss(percent / 100);
  }
}
