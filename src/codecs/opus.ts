// Opus by libopus in WebAssembly: typed, in our words and errors, loaded when first asked for so that a program
// without media pays nothing. Holds codec states; knows no packets of RTP and no time.
import type { OpusDecoderHandle, OpusEncoderHandle } from "libopus-wasm";
import { describeError, toTransportError, TransportError } from "../errors/errors.ts";

/** Rates Opus takes and gives, in Hz. */
export type OpusSampleRate = 8000 | 12000 | 16000 | 24000 | 48000;

/** What the encoder optimizes for: speech, fidelity, or least delay (no FEC). */
export type OpusApplication = "voip" | "audio" | "lowdelay";

/** Options of an {@link OpusEncoder}. */
export interface OpusEncoderOptions {
  /** Rate of the samples handed in. */
  sampleRate: OpusSampleRate;
  /** Audio above half of this rate is not encoded; `sampleRate` by default. */
  bandwidthRate?: OpusSampleRate;
  channels: 1 | 2;
  /** 6 to 510; what one channel cannot use is not spent. */
  bitrateKbps: number;
  /** 0 (cheap) to 10 (good). */
  complexity: number;
  frameMs: 10 | 20 | 40 | 60;
  application: OpusApplication;
  /** In-band FEC; written only once an expected loss is set by {@link OpusEncoder.setPacketLoss}. */
  fec: boolean;
  /** Discontinuous transmission: payloads of at most 2 bytes in silence. */
  dtx: boolean;
}

/** Options of an {@link OpusDecoder}. */
export interface OpusDecoderOptions {
  sampleRate: OpusSampleRate;
  /** Channels of the output; packets of the other kind are mixed to it. */
  channels: 1 | 2;
}

/** Makes encoders and decoders; see {@link loadOpus}. */
export interface OpusCodec {
  /** libopus' own words, e.g. `libopus 1.6.1`. */
  readonly version: string;
  /** @throws TransportError `ENCODING_ERROR` (as rejection) when libopus refuses the options */
  createEncoder(options: OpusEncoderOptions): Promise<OpusEncoder>;
  /** @throws TransportError `DECODING_ERROR` (as rejection) when libopus refuses the options */
  createDecoder(options: OpusDecoderOptions): Promise<OpusDecoder>;
}

/** Largest payload written, in bytes: with its RTP header it stays within a 1200-byte packet. */
export const MAX_OPUS_PAYLOAD_BYTES = 1188;

/** Frames run through a fresh codec: the first hundred take up to ten times as long as later ones. */
const WARM_UP_FRAMES = 100;

/** Warm-up frames between two chances for others to run; at worst some 20 ms. */
const WARM_UP_BATCH = 4;

type Library = typeof import("libopus-wasm");

let loading: Promise<OpusCodec> | undefined;

/**
 * Load libopus and warm it up, once per process; later calls share the first one's result.
 *
 * @param yieldTurn called now and then during the warm-up (some 100 ms of work) and awaited, to let others run
 * @throws TransportError `NOT_SUPPORTED` (as rejection) when the runtime cannot load it; the next call tries again
 */
export function loadOpus(yieldTurn?: () => Promise<void>): Promise<OpusCodec> {
  loading ??= load(yieldTurn).catch((error: unknown) => {
    loading = undefined;
    throw toTransportError(error, "NOT_SUPPORTED", "The Opus codec cannot be loaded");
  });
  return loading;
}

async function load(yieldTurn: (() => Promise<void>) | undefined): Promise<OpusCodec> {
  const library = await import("libopus-wasm");
  const { version } = await library.loadLibopus();
  const codec: OpusCodec = {
    version,
    createEncoder: (options) => createEncoder(library, options),
    createDecoder: (options) => createDecoder(library, options),
  };
  await warmUp(codec, yieldTurn);
  return codec;
}

async function createEncoder(library: Library, options: OpusEncoderOptions): Promise<OpusEncoder> {
  const { Application, Bandwidth } = library;
  const applications = {
    voip: Application.Voip,
    audio: Application.Audio,
    lowdelay: Application.RestrictedLowDelay,
  };
  const bandwidths = {
    8000: Bandwidth.Narrowband,
    12000: Bandwidth.Mediumband,
    16000: Bandwidth.Wideband,
    24000: Bandwidth.Superwideband,
    48000: Bandwidth.Fullband,
  };
  try {
    const handle = await library.createEncoder({
      sampleRate: options.sampleRate,
      channels: options.channels,
      application: applications[options.application],
      bitrate: options.bitrateKbps * 1000,
      complexity: options.complexity,
      frameSize: (options.sampleRate * options.frameMs) / 1000,
      maxBandwidth: bandwidths[options.bandwidthRate ?? options.sampleRate],
      fec: options.fec,
      dtx: options.dtx,
      packetLossPercent: 0,
    });
    return new OpusEncoder(handle);
  } catch (error) {
    throw toTransportError(error, "ENCODING_ERROR", "The Opus encoder cannot be made");
  }
}

async function createDecoder(library: Library, options: OpusDecoderOptions): Promise<OpusDecoder> {
  try {
    return new OpusDecoder(await library.createDecoder(options));
  } catch (error) {
    throw toTransportError(error, "DECODING_ERROR", "The Opus decoder cannot be made");
  }
}

/** One encoder state: frames of one stream, in order. */
export class OpusEncoder {
  readonly #handle: OpusEncoderHandle;

  /** @param handle owned from now on */
  constructor(handle: OpusEncoderHandle) {
    this.#handle = handle;
  }

  get channels(): number {
    return this.#handle.channels;
  }

  /** Samples per channel that {@link encode} takes. */
  get frameSamples(): number {
    return this.#handle.frameSize;
  }

  /** How far the decoded audio lags behind what went in, in samples at 48 kHz. */
  get lookaheadSamples(): number {
    return Math.round((this.#handle.getLookahead() * 48_000) / this.#handle.sampleRate);
  }

  /**
   * Encode one frame.
   *
   * @param samples interleaved, `frameSamples` per channel, in [-1, 1]; read, not kept
   * @returns a fresh payload of at most {@link MAX_OPUS_PAYLOAD_BYTES}; at most 2 bytes: nothing need be sent
   * @throws TransportError `ENCODING_ERROR` for a wrong length or when libopus fails
   */
  encode(samples: Float32Array): Uint8Array {
    return encoding(() => this.#handle.encodeFloat(samples, { maxPacketBytes: MAX_OPUS_PAYLOAD_BYTES }));
  }

  /** Change the target, 6 to 510 kbit/s, from the next frame on. */
  setBitrate(bitrateKbps: number): void {
    encoding(() => this.#handle.setBitrate(Math.round(bitrateKbps * 1000)));
  }

  /** Change the effort, 0 to 10. */
  setComplexity(complexity: number): void {
    encoding(() => this.#handle.setComplexity(complexity));
  }

  /** Tell how much the network is expected to lose, 0 to 1: the share of bits that FEC gets follows it. */
  setPacketLoss(lossRate: number): void {
    encoding(() => this.#handle.setPacketLossPercent(Math.round(Math.max(0, Math.min(1, lossRate)) * 100)));
  }

  setFec(fec: boolean): void {
    encoding(() => this.#handle.setFec(fec));
  }

  setDtx(dtx: boolean): void {
    encoding(() => this.#handle.setDtx(dtx));
  }

  /** Release the state; idempotent. Every other call throws afterwards. */
  free(): void {
    this.#handle.free();
  }
}

/** One decoder state: packets of one stream, in order, with the lost ones concealed in their place. */
export class OpusDecoder {
  readonly #handle: OpusDecoderHandle;

  /** @param handle owned from now on */
  constructor(handle: OpusDecoderHandle) {
    this.#handle = handle;
  }

  get channels(): number {
    return this.#handle.channels;
  }

  /**
   * Decode a payload.
   *
   * @returns fresh interleaved samples, 2.5 to 120 ms; hostile payloads may give values far outside [-1, 1]
   * @throws TransportError `DECODING_ERROR` when it is empty or no Opus; the state is still usable
   */
  decode(payload: Uint8Array): Float32Array {
    return decoding(() => this.#handle.decodeFloat(payload));
  }

  /**
   * Decode the copy of the packet before `payload` that `payload` carries, before `payload` itself is decoded.
   *
   * @param samples per channel wanted: the length of the lost packet, a multiple of 2.5 ms
   * @throws TransportError `DECODING_ERROR` as {@link decode}
   */
  decodeFec(payload: Uint8Array, samples: number): Float32Array {
    return decoding(() => this.#handle.decodeFloat(payload, { decodeFec: true, frameSize: samples }));
  }

  /**
   * Make up audio for a lost packet, or comfort noise where nothing was sent.
   *
   * @param samples per channel wanted, a multiple of 2.5 ms up to 120 ms
   */
  conceal(samples: number): Float32Array {
    return decoding(() => this.#handle.decodePacketLossFloat(samples));
  }

  /** Release the state; idempotent. Every other call throws afterwards. */
  free(): void {
    this.#handle.free();
  }
}

function encoding<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new TransportError("ENCODING_ERROR", `Opus: ${describeError(error)}`, { cause: error });
  }
}

function decoding<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new TransportError("DECODING_ERROR", `Opus: ${describeError(error)}`, { cause: error });
  }
}

/** Run the paths of a call until the engine has compiled them. */
async function warmUp(codec: OpusCodec, yieldTurn: (() => Promise<void>) | undefined): Promise<void> {
  const encoder = await codec.createEncoder({
    sampleRate: 48_000,
    channels: 1,
    bitrateKbps: 32,
    complexity: 10,
    frameMs: 20,
    application: "voip",
    fec: true,
    dtx: false,
  });
  const decoder = await codec.createDecoder({ sampleRate: 48_000, channels: 1 });
  encoder.setPacketLoss(0.1);
  const samples = new Float32Array(encoder.frameSamples);
  for (let frame = 0; frame < WARM_UP_FRAMES; frame++) {
    // A gliding buzz with harmonics: enough of a voice to take the speech paths.
    for (let i = 0; i < samples.length; i++) {
      const phase = ((frame * samples.length + i) * (110 + frame)) / 48_000;
      samples[i] = 0.3 * Math.sin(2 * Math.PI * phase) + 0.2 * (phase % 1) - 0.1;
    }
    const payload = encoder.encode(samples);
    if (frame % 10 === 9) decoder.decodeFec(payload, samples.length);
    if (frame % 10 === 8) decoder.conceal(samples.length);
    else decoder.decode(payload);
    if (frame % WARM_UP_BATCH === WARM_UP_BATCH - 1) await yieldTurn?.();
  }
  encoder.free();
  decoder.free();
}
