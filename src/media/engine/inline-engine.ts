// The media engine in the thread of its caller. Owns machines, decoders and timers; what each stream and each reading
// does is in receiver.ts and aligned-reading.ts.
import type { OpusCodec, OpusDecoder } from "../../codecs/opus.ts";
import { toTransportError, TransportError } from "../../errors/errors.ts";
import type { EncodedAudioFrame } from "../../platform/platform.ts";
import { Driver } from "../../runtime/driver.ts";
import type { Clock } from "../../runtime/time.ts";
import type { AlignedBlock } from "../../sync/aligned-blocks.ts";
import type { ClockExchange } from "../../sync/clock-offset.ts";
import type { Media, RtcpSenderReport, SyncBeacon } from "../../sync/sync-types.ts";
import { AlignedReading } from "./aligned-reading.ts";
import type { AlignedInput, AlignedOutput } from "./aligned-reading.ts";
import type {
  AlignedReader,
  AlignedReaderOptions,
  CodedVideoFrame,
  PeerStream,
  PeerStreamEvents,
  AudioStreamStats,
  EngineChanges,
  EngineConfig,
  MediaEngine,
  NegotiatedAudio,
} from "./engine.ts";
import { Receiver } from "./receiver.ts";
import type { ReceiverInput, ReceiverOutput } from "./receiver-io.ts";

/** Rate of decoded frames, Hz. */
const SAMPLE_RATE = 48_000;

/** What an {@link InlineEngine} stands on. */
export interface InlineEngineOptions {
  config: EngineConfig;
  clock: Clock;
  codec: OpusCodec;
}

/** See the header. */
export class InlineEngine implements MediaEngine {
  readonly host = "inline";
  readonly #options: InlineEngineOptions;
  readonly #streams = new Set<InlineStream>();
  readonly #readings = new Set<InlineReading>();
  #lastId = 0;

  constructor(options: InlineEngineOptions) {
    this.#options = options;
  }

  openStream(peerId: string, events: PeerStreamEvents): PeerStream {
    const stream: InlineStream = new InlineStream(++this.#lastId, peerId, this.#options, events, {
      heard: (input) => {
        for (const reading of this.#readings) reading.handle(input);
      },
      closed: () => {
        this.#streams.delete(stream);
        // Another link to the same peer may have taken over.
        if (!this.#hears(peerId))
          for (const reading of this.#readings) reading.handle({ type: "remove", peerId });
      },
    });
    this.#streams.add(stream);
    return stream;
  }

  openReader(options: AlignedReaderOptions, onBlock: (block: AlignedBlock) => void): AlignedReader {
    const { clock, config } = this.#options;
    const reading: InlineReading = new InlineReading(options, config.wallOffsetMs, clock, onBlock, () =>
      this.#readings.delete(reading),
    );
    this.#readings.add(reading);
    return reading;
  }

  configure({ jitterBufferSizeMs }: EngineChanges): void {
    for (const stream of this.#streams) stream.handle({ type: "configure", jitterBufferSizeMs });
    this.#options.config.sync = { ...this.#options.config.sync, jitterBufferSizeMs };
  }

  close(): void {
    for (const reading of [...this.#readings]) reading.close();
    for (const stream of [...this.#streams]) stream.close();
  }

  #hears(peerId: string): boolean {
    return [...this.#streams].some((stream) => stream.peerId === peerId);
  }
}

/** What a stream tells its engine. */
interface StreamListener {
  heard(input: AlignedInput): void;
  closed(): void;
}

/** A receiver with its driver and its decoder. */
class InlineStream implements PeerStream {
  readonly id: number;
  readonly peerId: string;
  readonly #clock: Clock;
  readonly #events: PeerStreamEvents;
  readonly #listener: StreamListener;
  readonly #receiver: Receiver;
  readonly #driver: Driver<ReceiverInput, ReceiverOutput>;
  #decoder: OpusDecoder | undefined;
  #finalStats: AudioStreamStats | undefined;

  constructor(
    id: number,
    peerId: string,
    { config, clock, codec }: InlineEngineOptions,
    events: PeerStreamEvents,
    listener: StreamListener,
  ) {
    this.id = id;
    this.peerId = peerId;
    this.#clock = clock;
    this.#events = events;
    this.#listener = listener;
    const { sync, wallOffsetMs, channels } = config;
    this.#receiver = new Receiver({ peerId, sync, wallOffsetMs });
    this.#driver = new Driver(this.#receiver, clock, (output) => {
      this.#guarded(() => this.#effect(output));
    });
    codec
      .createDecoder({ sampleRate: SAMPLE_RATE, channels })
      .then((decoder) => this.#useDecoder(decoder))
      .catch((error: unknown) =>
        this.#fault(toTransportError(error, "DECODING_ERROR", "decoder", { peerId })),
      );
  }

  handle(input: ReceiverInput): void {
    this.#guarded(() => this.#driver.handle(input));
  }

  receiveRtp(packet: Uint8Array, arrivalMs: number, { payloadType, captureTimeId }: NegotiatedAudio): void {
    this.handle({ type: "rtp", packet, arrivalMs, payloadType, captureTimeId });
  }

  receiveFrame(frame: EncodedAudioFrame): void {
    this.handle({ type: "frame", frame });
  }

  receivePicture(picture: CodedVideoFrame): void {
    this.handle({ type: "picture", picture });
  }

  addSenderReport(media: Media, report: RtcpSenderReport, receivedAtMs: number): void {
    this.handle({ type: "sender-report", media, report, receivedAtMs });
  }

  addBeacon(beacon: SyncBeacon, receivedAtMs: number): void {
    this.handle({ type: "beacon", beacon, receivedAtMs });
  }

  addClockExchange(exchange: ClockExchange): void {
    this.handle({ type: "exchange", exchange });
  }

  setSenderLookahead(samples: number): void {
    this.handle({ type: "lookahead", samples });
  }

  stats(): AudioStreamStats {
    return this.#finalStats ?? { ...this.#receiver.counters, ...this.#receiver.clock(this.#clock.now()) };
  }

  close(): void {
    if (this.#finalStats !== undefined) return;
    this.#finalStats = this.stats();
    this.#driver.close();
    this.#receiver.close();
    this.#decoder?.free();
    this.#decoder = undefined;
    this.#listener.closed();
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      const { peerId } = this;
      this.#fault(toTransportError(error, "INTERNAL_ERROR", `Media of ${peerId} failed`, { peerId }));
    }
  }

  #useDecoder(decoder: OpusDecoder): void {
    if (this.#finalStats !== undefined) {
      decoder.free();
      return;
    }
    this.#decoder = decoder;
    this.handle({ type: "decoder", decoder });
  }

  #effect(output: ReceiverOutput): void {
    const { peerId } = this;
    switch (output.type) {
      case "decoded":
        return this.#listener.heard({ type: "frame", peerId, frame: output.frame });
      case "live":
        return this.#events.frame(output.frame);
      case "picture":
        return this.#events.picture(output.frame);
      case "sync-state":
        return this.#events.syncState(output.state);
      case "undecodable": {
        const message = `The last ${output.failures} packets of audio from ${peerId} are no Opus`;
        return this.#fault(new TransportError("DECODING_ERROR", message, { peerId }));
      }
    }
  }

  #fault(error: TransportError): void {
    if (this.#finalStats === undefined) this.#events.fault(error);
  }
}

/** A reading with its driver. */
class InlineReading implements AlignedReader {
  readonly #reading: AlignedReading;
  readonly #driver: Driver<AlignedInput, AlignedOutput>;
  readonly #onClosed: () => void;
  #closed = false;

  constructor(
    options: AlignedReaderOptions,
    wallOffsetMs: number,
    clock: Clock,
    onBlock: (block: AlignedBlock) => void,
    onClosed: () => void,
  ) {
    this.#reading = new AlignedReading(options, wallOffsetMs);
    this.#driver = new Driver(this.#reading, clock, ({ block }) => onBlock(block));
    this.#onClosed = onClosed;
  }

  handle(input: AlignedInput): void {
    this.#driver.handle(input);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#driver.close();
    this.#reading.close();
    this.#onClosed();
  }
}
