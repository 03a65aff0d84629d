// The receiving side of one link's audio: packets or encoded frames go in as they come, decoded frames leave in order
// at their time. Only the jitter buffer holds media. Every packet ends in exactly one counter.
import type { OpusDecoder } from "../codecs/opus.ts";
import type { EncodedAudioFrame } from "../platform/platform.ts";
import { buildRtp, parseRtp } from "../rtp/packet.ts";
import type { Machine } from "../runtime/machine.ts";
import { JitterBuffer } from "../wasm/jitter-buffer.ts";
import { AudioTimeline } from "./audio-timeline.ts";
import type { DecodedAudioFrame, TimelineCounters } from "./audio-timeline.ts";

/** Ticks a second of Opus' RTP clock, whatever the audio's rate (RFC 7587 section 4.1). */
const CLOCK_RATE = 48_000;

/** How long packets of the stream before a change of SSRC are still expected and ignored, ms. */
const FORMER_STREAM_MS = 2_000;

/** Decode failures in a row, about a second of them, that are reported as a fault of the peer. */
const FAILURES_BEFORE_FAULT = 50;

/** Options of a {@link Receiver}. */
export interface ReceiverOptions {
  jitterBufferSizeMs: number;
  maxJitterBufferMs: number;
  jitterRelease: "paced" | "inOrder";
}

/** What a {@link Receiver} is told. */
export type ReceiverInput =
  /** A whole RTP packet; `payloadType` is the one negotiated for Opus, 0 while that is unknown. */
  | { type: "rtp"; packet: Uint8Array; arrivalMs: number; payloadType: number }
  /** A frame that the platform has taken out of its packet. */
  | { type: "frame"; frame: EncodedAudioFrame }
  /** The decoder to use, once; until then packets wait. It stays the property of the caller. */
  | { type: "decoder"; decoder: OpusDecoder }
  | { type: "configure"; jitterBufferSizeMs: number };

/** What a {@link Receiver} yields. */
export type ReceiverOutput =
  /** Every packet of the stream in use, for reception statistics. */
  | { type: "arrival"; ssrc: number; sequenceNumber: number; rtpTimestamp: number; arrivalMs: number }
  | { type: "frame"; frame: DecodedAudioFrame }
  /** A second of packets in a row could not be decoded. */
  | { type: "undecodable"; failures: number };

/**
 * Counters of a {@link Receiver}. `packetsReceived = formerStream + otherPayload + padding + decoded +
 * decodeFailures + overtaken + duplicates + late + overruns + buffered`.
 */
export interface ReceiverCounters extends TimelineCounters {
  packetsReceived: number;
  bytesReceived: number;
  /** No RTP at all; not among the received. */
  malformed: number;
  /** Of the SSRC before the present one. */
  formerStream: number;
  /** Of another payload type than the negotiated one. */
  otherPayload: number;
  /** Without payload: they probe the path. */
  padding: number;
  duplicates: number;
  /** Came after their turn. */
  late: number;
  /** Dropped because the buffer was full, or with the stream that a new one replaced. */
  overruns: number;
  /** Wait at this moment. */
  buffered: number;
  /** Were absent when their turn came; never among the received, unless also late. */
  lost: number;
  /** Share lost of the last 512 expected packets. */
  lossRate: number;
  /** Ms the packet played last has waited. */
  bufferDelayMs: number;
  targetDelayMs: number;
}

/** The machine of one incoming audio stream. Close it to give its memory back. */
export class Receiver implements Machine<ReceiverInput, ReceiverOutput> {
  readonly #buffer: JitterBuffer;
  readonly #outputs: ReceiverOutput[] = [];
  readonly #counters = {
    packetsReceived: 0,
    bytesReceived: 0,
    malformed: 0,
    formerStream: 0,
    otherPayload: 0,
    padding: 0,
  };
  #timeline: AudioTimeline | undefined;
  #ssrc: number | undefined;
  #former: { ssrc: number; untilMs: number } | undefined;
  #payloadType = 0;
  #holdMs: number;
  /** Lost before packets that held no audio: they belong to the next one that does. */
  #lostBefore = 0;
  /** When comfort noise is made unless a packet comes first. */
  #comfortAtMs = Infinity;
  #failuresInRow = 0;

  /** @throws TransportError as the {@link JitterBuffer} does */
  constructor(options: ReceiverOptions) {
    this.#holdMs = options.jitterBufferSizeMs;
    this.#buffer = new JitterBuffer({
      clockRate: CLOCK_RATE,
      targetDelayMs: options.jitterBufferSizeMs,
      maxDelayMs: options.maxJitterBufferMs,
      release: options.jitterRelease,
    });
  }

  get deadlineMs(): number {
    if (this.#timeline === undefined) return Infinity;
    return Math.min(this.#buffer.nextDueMs, this.#comfortAtMs);
  }

  /** SSRC of the stream in use; undefined before the first packet. */
  get ssrc(): number | undefined {
    return this.#ssrc;
  }

  get counters(): ReceiverCounters {
    const buffer = this.#buffer.getStatistics();
    return {
      ...this.#counters,
      ...(this.#timeline?.counters ?? NOTHING_DECODED),
      duplicates: buffer.duplicateCount,
      late: buffer.latePacketCount,
      overruns: buffer.bufferOverrunCount,
      buffered: buffer.currentFrames + buffer.suspectFrames,
      lost: buffer.lostFrames,
      lossRate: buffer.estimatedLossRate,
      bufferDelayMs: buffer.currentDelayMs,
      targetDelayMs: buffer.targetDelayMs,
    };
  }

  handle(input: ReceiverInput | { readonly type: "timeout" }, nowMs: number): void {
    switch (input.type) {
      case "rtp":
        this.#receive(input.packet, input.arrivalMs, input.payloadType);
        break;
      case "frame":
        // The same path as a packet: the buffer reads headers, so the frame gets one.
        this.#receive(packetOf(input.frame), input.frame.arrivalMs, 0);
        break;
      case "decoder":
        this.#timeline = new AudioTimeline(input.decoder);
        break;
      case "configure":
        this.#holdMs = input.jitterBufferSizeMs;
        this.#buffer.setTargetDelay(input.jitterBufferSizeMs);
        break;
      case "timeout":
        break;
    }
    this.#play(nowMs);
  }

  poll(): ReceiverOutput | undefined {
    return this.#outputs.shift();
  }

  /** Give the buffer's memory back. The machine must not be used any more. */
  close(): void {
    this.#buffer.close();
  }

  #receive(bytes: Uint8Array, arrivalMs: number, payloadType: number): void {
    const packet = parseRtp(bytes);
    if (typeof packet === "string") {
      this.#counters.malformed++;
      return;
    }
    const { ssrc, sequenceNumber, timestamp: rtpTimestamp } = packet;
    this.#payloadType = payloadType;
    if (ssrc === this.#ssrc || this.#change(ssrc, arrivalMs)) {
      if (this.#buffer.insert(bytes, arrivalMs) === "malformed") {
        // Longer than any packet of a network.
        this.#counters.malformed++;
        return;
      }
      this.#outputs.push({ type: "arrival", ssrc, sequenceNumber, rtpTimestamp, arrivalMs });
    } else {
      this.#counters.formerStream++;
    }
    this.#counters.packetsReceived++;
    this.#counters.bytesReceived += packet.payload.length;
  }

  /** Go over to another stream. @returns false for a straggler of the one before */
  #change(ssrc: number, nowMs: number): boolean {
    if (this.#former?.ssrc === ssrc && nowMs < this.#former.untilMs) return false;
    if (this.#ssrc !== undefined) {
      this.#former = { ssrc: this.#ssrc, untilMs: nowMs + FORMER_STREAM_MS };
      this.#buffer.reset();
      this.#timeline?.restart();
      this.#comfortAtMs = Infinity;
      this.#lostBefore = 0;
    }
    this.#ssrc = ssrc;
    return true;
  }

  /** Play what is due; then make comfort noise if that is due, too. */
  #play(nowMs: number): void {
    const timeline = this.#timeline;
    if (timeline === undefined) return;
    for (
      let packet = this.#buffer.popNext(nowMs);
      packet !== undefined;
      packet = this.#buffer.popNext(nowMs)
    ) {
      this.#lostBefore += packet.lostBefore;
      if (packet.payload.length === 0) {
        this.#counters.padding++;
        continue;
      }
      if (this.#payloadType !== 0 && packet.payloadType !== this.#payloadType) {
        this.#counters.otherPayload++;
        continue;
      }
      const { payload, rtpTimestamp, arrivalMs, bufferDelayMs } = packet;
      const lostBefore = this.#lostBefore;
      this.#lostBefore = 0;
      this.#note(timeline.play({ payload, rtpTimestamp, lostBefore, arrivalMs, bufferDelayMs }));
      this.#comfortAtMs = this.#nextComfortMs(timeline, nowMs + this.#holdMs);
    }
    // A sender in silence sends next to nothing; its listeners go on at the pace of its last packets. The hold gives
    // a packet that ends the silence time to come.
    while (nowMs >= this.#comfortAtMs) {
      timeline.comfort(nowMs);
      this.#comfortAtMs = this.#nextComfortMs(timeline, this.#comfortAtMs);
    }
    this.#collect(timeline);
  }

  /** A stretch of payloads that are no Opus is worth one report, not one each. */
  #note(decodable: boolean): void {
    this.#failuresInRow = decodable ? 0 : this.#failuresInRow + 1;
    if (this.#failuresInRow !== FAILURES_BEFORE_FAULT) return;
    this.#outputs.push({ type: "undecodable", failures: this.#failuresInRow });
  }

  #nextComfortMs(timeline: AudioTimeline, fromMs: number): number {
    return timeline.comfortMs === 0 ? Infinity : fromMs + timeline.comfortMs;
  }

  #collect(timeline: AudioTimeline): void {
    for (let frame = timeline.poll(); frame !== undefined; frame = timeline.poll()) {
      this.#outputs.push({ type: "frame", frame });
    }
  }
}

const NOTHING_DECODED: TimelineCounters = {
  decoded: 0,
  decodeFailures: 0,
  overtaken: 0,
  fecFrames: 0,
  concealedSamples: 0,
  comfortSamples: 0,
  restarts: 0,
};

function packetOf(frame: EncodedAudioFrame): Uint8Array {
  const { ssrc, payloadType, sequenceNumber, rtpTimestamp, payload } = frame;
  return buildRtp({ ssrc, payloadType, sequenceNumber, timestamp: rtpTimestamp, payload });
}
