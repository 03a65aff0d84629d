// The sending side of a link's audio: samples go into a generated track, or a track of the browser's takes its
// place. The browser encodes, packetizes and paces; nothing is queued here.
import { TransportError } from "../../errors/errors.ts";
import type { SentAudioMark, TrackAudioPort } from "../platform.ts";
import { SenderChanges } from "./sender-changes.ts";
import { exactSentMs } from "./sent-times.ts";
import type { AudioTrackGenerator, AudioTrackGeneratorClass } from "./web-types.ts";

/** Rate of written samples, Hz: Opus' own, so the browser does not resample. */
const SAMPLE_RATE = 48_000;
/** Blocks that may wait in the generator: what a page that hung for a second (at 20 ms) hands over in one go. */
const MAX_WAITING_BLOCKS = 50;

/** A {@link TrackAudioPort} over an RTCRtpSender. */
export class TrackAudio implements TrackAudioPort {
  readonly level = "track";
  readonly #generatorClass: AudioTrackGeneratorClass | undefined;
  readonly #fault: (error: unknown) => void;
  readonly #reported = new Set<string>();
  #generator: AudioTrackGenerator | undefined;
  #writer: WritableStreamDefaultWriter<AudioData> | undefined;
  #external: MediaStreamTrack | null = null;
  /** Capture of the block written last, Unix ms. */
  #writtenMs: number | undefined;
  readonly #changes = new SenderChanges("audio");
  #bitrateKbps: number;
  #closed = false;

  /**
   * @param generatorClass undefined where the browser cannot make tracks from samples
   * @param fault told once of each reason for which written samples are not sent
   */
  constructor(
    generatorClass: AudioTrackGeneratorClass | undefined,
    bitrateKbps: number,
    fault: (error: unknown) => void,
  ) {
    this.#generatorClass = generatorClass;
    this.#bitrateKbps = bitrateKbps;
    this.#fault = fault;
  }

  /** Send through `sender` from now on; resolves when its track is in place. */
  attach(sender: RTCRtpSender): Promise<void> {
    this.#changes.sender = sender;
    return this.#connectTrack();
  }

  /** What the browser says of a frame that leaves, with the capture time to the microsecond if it was written. */
  exact(mark: SentAudioMark): SentAudioMark {
    const writtenMs = this.#external === null ? this.#writtenMs : undefined;
    return { ...mark, captureMs: exactSentMs(mark.captureMs, writtenMs) };
  }

  /** Give the sender its bitrate; to be called again once its encodings are negotiated. */
  applyBitrate(): Promise<void> {
    return this.#changes.limit((encoding) => {
      encoding.maxBitrate = this.#bitrateKbps * 1000;
    });
  }

  write(samples: Float32Array, channels: number, timestampUs: number): void {
    const frames = samples.length / channels;
    if (!Number.isInteger(frames) || frames === 0) {
      throw new TransportError("INVALID_DATA", "samples: expected a non-empty multiple of `channels`");
    }
    if (this.#closed || this.#external !== null) return;
    const writer = this.#openWriter();
    if (writer === undefined) return;
    if ((writer.desiredSize ?? 0) <= -MAX_WAITING_BLOCKS) {
      this.#reportOnce(
        "MEDIA_TRACK_ERROR",
        "the browser does not take samples fast enough; blocks are dropped",
      );
      return;
    }
    const block = new AudioData({
      format: "f32",
      sampleRate: SAMPLE_RATE,
      numberOfFrames: frames,
      numberOfChannels: channels,
      // Capture times of tracks count from the page's time origin; what is sent with the packets is Unix time again.
      timestamp: Math.round(timestampUs - performance.timeOrigin * 1000),
      data: samples as Float32Array<ArrayBuffer>,
    });
    this.#writtenMs = timestampUs / 1000;
    writer.write(block).catch((error: unknown) => {
      block.close();
      if (!this.#closed) this.#reportOnce("MEDIA_TRACK_ERROR", `samples were not taken: ${String(error)}`);
    });
  }

  useTrack(track: unknown): Promise<void> {
    if (track !== null && !(track instanceof MediaStreamTrack && track.kind === "audio")) {
      const message = "track: expected an audio MediaStreamTrack or null";
      return Promise.reject(new TransportError("INVALID_DATA", message));
    }
    this.#external = track;
    return this.#connectTrack();
  }

  setBitrate(bitrateKbps: number): Promise<void> {
    this.#bitrateKbps = bitrateKbps;
    return this.applyBitrate();
  }

  /** Idempotent: frees the generated track. A track of the caller's is let go, not stopped. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#writer?.abort().catch(() => undefined); // nobody reads any more, so there is nobody to tell
    this.#generator?.stop();
    this.#external = null;
    this.#changes.close();
  }

  #connectTrack(): Promise<void> {
    return this.#changes.make((sender) =>
      sender.replaceTrack(this.#external ?? this.#openGenerator() ?? null),
    );
  }

  #openGenerator(): AudioTrackGenerator | undefined {
    if (this.#generatorClass === undefined) return undefined;
    this.#generator ??= new this.#generatorClass({ kind: "audio" });
    return this.#generator;
  }

  #openWriter(): WritableStreamDefaultWriter<AudioData> | undefined {
    const generator = this.#openGenerator();
    if (generator === undefined) {
      this.#reportOnce(
        "NOT_SUPPORTED",
        "samples cannot be sent: this browser has no MediaStreamTrackGenerator",
        "Pass a microphone track with useTrack(), or use a browser based on Chromium.",
      );
      return undefined;
    }
    this.#writer ??= generator.writable.getWriter();
    return this.#writer;
  }

  #reportOnce(code: "NOT_SUPPORTED" | "MEDIA_TRACK_ERROR", message: string, suggestion?: string): void {
    if (this.#reported.has(message)) return;
    this.#reported.add(message);
    this.#fault(new TransportError(code, message, { suggestion }));
  }
}
