// From Opus packets in order to an unbroken line of decoded audio: what is lost is recovered or concealed, what was
// never sent becomes comfort noise. Buffers nothing; a bad payload costs its own frame and never throws.
import type { OpusDecoder } from "../../codecs/opus.ts";
import { MAX_DTX_PAYLOAD_BYTES, readOpusPacket } from "../../codecs/opus-packet.ts";
import type { AudioFrame, AudioQuality } from "../../runtime/data.ts";

/** A frame as it leaves the decoder; who sent it is known further up. */
export type DecodedAudioFrame = Pick<
  AudioFrame,
  "samples" | "sampleRate" | "channels" | "rtpTimestamp" | "receivedAt" | "bufferDelayMs" | "quality"
>;

/** A packet whose turn has come. */
export interface TimelinePacket {
  /** Read, not kept; not empty. */
  payload: Uint8Array;
  rtpTimestamp: number;
  /** Packets lost directly before it. */
  lostBefore: number;
  arrivalMs: number;
  bufferDelayMs: number;
}

/** Counters of an {@link AudioTimeline}; samples are per channel at 48 kHz. */
export interface TimelineCounters {
  /** Packets decoded in whole or in part. */
  decoded: number;
  decodeFailures: number;
  /** Packets whose whole time had already been filled when they came. */
  overtaken: number;
  /** Lost packets recovered from their successor. */
  fecFrames: number;
  /** Samples made up for lost or broken packets, silence included. */
  concealedSamples: number;
  /** Samples of comfort noise. */
  comfortSamples: number;
  /** Times the line was taken up anew because the RTP timestamps jumped. */
  restarts: number;
}

/** Rate of the decoder's output and of the RTP clock (RFC 7587 section 4.1). */
const CLOCK_RATE = 48_000;

/** Opus audio comes in multiples of 2.5 ms. */
const OPUS_UNIT_TICKS = 120;

/** Concealment beyond this, 100 ms, sounds worse than silence. */
const MAX_CONCEALED_TICKS = 4800;

/** Gaps beyond this, a second, are left open: readers see them in `missingBefore`. */
const MAX_FILLED_TICKS = CLOCK_RATE;

/**
 * How far packets may lie before the line's end, ticks: a second of comfort noise made ahead of them, and the longest
 * Opus packet (RFC 6716 section 3.2.5). Beyond, the sender has begun another timeline.
 */
const MAX_OVERLAP_TICKS = MAX_FILLED_TICKS + 5760;

/** Concealment fades out over its last 20 ms when silence follows. */
const FADE_TICKS = 960;

/** Length of the first packet's neighbors, until one has been decoded. */
const DEFAULT_PACKET_TICKS = 960;

/** Decodes one stream. Frames leave through {@link AudioTimeline.poll}. */
export class AudioTimeline {
  readonly #decoder: OpusDecoder;
  readonly #frames: DecodedAudioFrame[] = [];
  readonly #counters: TimelineCounters = {
    decoded: 0,
    decodeFailures: 0,
    overtaken: 0,
    fecFrames: 0,
    concealedSamples: 0,
    comfortSamples: 0,
    restarts: 0,
  };
  /** RTP timestamp behind the last sample that left; undefined before the first. */
  #end: number | undefined;
  #lines = 0;
  #packetTicks = DEFAULT_PACKET_TICKS;
  /** Whether the sender's encoder heard silence last. */
  #quiet = false;
  /** Comfort noise since the last packet, ticks. */
  #comfortTicks = 0;
  /** How much may still be filled into gaps; grows with time up to a second. */
  #creditTicks = MAX_FILLED_TICKS;
  #creditAtMs = -Infinity;

  /** @param decoder at 48 kHz; freed by its owner */
  constructor(decoder: OpusDecoder) {
    this.#decoder = decoder;
  }

  get counters(): TimelineCounters {
    return { ...this.#counters };
  }

  /** Next frame in order. */
  poll(): DecodedAudioFrame | undefined {
    return this.#frames.shift();
  }

  /** How often another line has begun, on a jump of the timestamps or by {@link restart}. */
  get restarts(): number {
    return this.#lines;
  }

  /** Ms of comfort noise to make next if no packet comes; 0 when none is due. */
  get comfortMs(): number {
    if (!this.#quiet || this.#comfortTicks + this.#packetTicks > MAX_FILLED_TICKS) return 0;
    return (this.#packetTicks * 1000) / CLOCK_RATE;
  }

  /** Forget the position: the next packet begins a new line. */
  restart(): void {
    this.#end = undefined;
    this.#quiet = false;
    this.#lines++;
  }

  /** Make one packet's length of comfort noise where a silent sender sends nothing. */
  comfort(nowMs: number): void {
    if (this.comfortMs === 0) return;
    this.#comfortTicks += this.#packetTicks;
    this.#conceal(this.#packetTicks, "cng", { receivedAt: nowMs, bufferDelayMs: 0 });
  }

  /** Decode a packet, after filling what is missing before it. @returns false when its payload is no Opus */
  play(packet: TimelinePacket): boolean {
    const { payload, rtpTimestamp } = packet;
    const origin = { receivedAt: packet.arrivalMs, bufferDelayMs: packet.bufferDelayMs };
    const gapTicks = this.#seek(rtpTimestamp);
    if (gapTicks > 0 && this.#spend(gapTicks, packet.arrivalMs)) this.#fill(gapTicks, packet, origin);
    this.#comfortTicks = 0;
    // Where a gap was left open, the line goes on at the packet; where noise ran ahead, the packet is cut.
    const behind = this.#aheadOf(rtpTimestamp);
    if (behind < 0) this.#end = rtpTimestamp;
    const overlapTicks = Math.max(0, behind);
    let samples: Float32Array;
    try {
      samples = this.#decoder.decode(payload);
    } catch {
      // What a peer sends is its own affair: the loss is counted and concealed like one of the network.
      this.#counters.decodeFailures++;
      this.#quiet = false;
      this.#conceal(this.#packetTicks - overlapTicks, "plc", origin);
      return false;
    }
    this.#quiet = payload.length <= MAX_DTX_PAYLOAD_BYTES;
    const { channels } = this.#decoder;
    this.#packetTicks = samples.length / channels;
    if (overlapTicks >= this.#packetTicks) {
      this.#counters.overtaken++;
      return true;
    }
    this.#counters.decoded++;
    this.#emit(samples.subarray(overlapTicks * channels), this.#quiet ? "cng" : "received", origin);
    return true;
  }

  /** Ticks by which the line has got beyond a timestamp; negative: they are missing. */
  #aheadOf(rtpTimestamp: number): number {
    return ((this.#end ?? rtpTimestamp) - rtpTimestamp) | 0;
  }

  /** Begin at the packet when there is no line yet or it is another one. @returns ticks missing before the packet */
  #seek(rtpTimestamp: number): number {
    const gapTicks = -this.#aheadOf(rtpTimestamp);
    if (this.#end !== undefined && gapTicks >= -MAX_OVERLAP_TICKS && gapTicks <= MAX_FILLED_TICKS)
      return gapTicks;
    if (this.#end !== undefined) {
      this.#counters.restarts++;
      this.#lines++;
    }
    this.#end = rtpTimestamp;
    return 0;
  }

  /** Whether the gap may be filled: timestamps that run far ahead of time would buy endless work with few packets. */
  #spend(ticks: number, arrivalMs: number): boolean {
    const earned = Math.max(0, arrivalMs - this.#creditAtMs) * (CLOCK_RATE / 1000);
    this.#creditTicks = Math.min(MAX_FILLED_TICKS, this.#creditTicks + earned);
    this.#creditAtMs = Math.max(this.#creditAtMs, arrivalMs);
    if (ticks > this.#creditTicks) return false;
    this.#creditTicks -= ticks;
    return true;
  }

  /** Fill a gap: comfort noise for what was not sent; concealment, silence and FEC, in time order, for what was lost. */
  #fill(gapTicks: number, packet: TimelinePacket, origin: FrameOrigin): void {
    // Of a gap in which a silent sender paused, only as much as the lost packets can have held was lost.
    const mostTicks = this.#quiet ? packet.lostBefore * this.#packetTicks : gapTicks;
    const lostTicks = packet.lostBefore === 0 ? 0 : Math.min(gapTicks, mostTicks);
    this.#conceal(gapTicks - lostTicks, "cng", origin);
    const facts = lostTicks > 0 ? readOpusPacket(packet.payload) : undefined;
    const recovered = facts?.hasFec === true && facts.durationTicks <= lostTicks ? facts.durationTicks : 0;
    const unrecovered = lostTicks - recovered;
    const concealed = Math.min(unrecovered, MAX_CONCEALED_TICKS);
    const silent = unrecovered - concealed;
    this.#conceal(concealed, "plc", origin, silent > 0);
    this.#silence(silent, origin);
    if (recovered > 0) this.#recover(packet.payload, recovered, origin);
  }

  #recover(payload: Uint8Array, ticks: number, origin: FrameOrigin): void {
    try {
      const samples = this.#decoder.decodeFec(payload, ticks);
      this.#counters.fecFrames++;
      this.#emit(samples, "fec", origin);
    } catch {
      // A broken copy: the packet counts as a decode failure in its own turn if it is broken as a whole.
      this.#conceal(ticks, "plc", origin);
    }
  }

  /** Let the decoder make up audio, in frames of the stream's usual length. */
  #conceal(ticks: number, quality: "plc" | "cng", origin: FrameOrigin, fade = false): void {
    const { channels } = this.#decoder;
    for (let left = ticks; left > 0;) {
      const count = Math.min(left, this.#packetTicks);
      const samples = this.#makeUp(count);
      left -= count;
      if (fade) fadeOut(samples, channels, left);
      this.#emit(samples, quality, origin);
    }
    const made = Math.max(0, ticks);
    if (quality === "cng") this.#counters.comfortSamples += made;
    else this.#counters.concealedSamples += made;
  }

  #makeUp(ticks: number): Float32Array {
    const { channels } = this.#decoder;
    try {
      return this.#decoder.conceal(wholeUnits(ticks)).subarray(0, ticks * channels);
    } catch {
      // A decoder that cannot even conceal has no state yet: silence is what it would have given.
      return new Float32Array(ticks * channels);
    }
  }

  #silence(ticks: number, origin: FrameOrigin): void {
    this.#counters.concealedSamples += ticks;
    for (let left = ticks; left > 0;) {
      const count = Math.min(left, this.#packetTicks);
      left -= count;
      this.#emit(new Float32Array(count * this.#decoder.channels), "silence", origin);
    }
  }

  #emit(samples: Float32Array, quality: AudioQuality, origin: FrameOrigin): void {
    const { channels } = this.#decoder;
    const rtpTimestamp = this.#end ?? 0;
    this.#end = (rtpTimestamp + samples.length / channels) >>> 0;
    this.#frames.push({
      samples: clamp(samples),
      sampleRate: CLOCK_RATE,
      channels,
      rtpTimestamp,
      receivedAt: origin.receivedAt,
      bufferDelayMs: origin.bufferDelayMs,
      quality,
    });
  }
}

/** Times of the packet that revealed a frame. */
type FrameOrigin = Pick<DecodedAudioFrame, "receivedAt" | "bufferDelayMs">;

/** The next length that Opus can make. */
function wholeUnits(ticks: number): number {
  return Math.ceil(ticks / OPUS_UNIT_TICKS) * OPUS_UNIT_TICKS;
}

/** Lower the samples that lie less than the fade's length before the end, `following` ticks behind these. */
function fadeOut(samples: Float32Array, channels: number, following: number): void {
  const ticks = samples.length / channels;
  for (let i = 0; i < samples.length; i++) {
    const before = following + ticks - Math.floor(i / channels);
    if (before < FADE_TICKS) samples[i] = ((samples[i] ?? 0) * before) / FADE_TICKS;
  }
}

/** Decoders overshoot a little, and with hostile payloads without any bound. */
function clamp(samples: Float32Array): Float32Array {
  for (let i = 0; i < samples.length; i++) {
    const value = samples[i] as number;
    if (!(value >= -1 && value <= 1)) samples[i] = value > 1 ? 1 : value < -1 ? -1 : 0;
  }
  return samples;
}
