// The receiving side of one peer's video: packets go in as they come, whole frames that can be decoded come out in
// order, and with them what to ask the sender for. Decodes nothing and does not pace. Every packet ends in one counter.
import { captureTimeOf } from "../../rtp/capture-time.ts";
import { parseRtp } from "../../rtp/packet.ts";
import type { RtpPacket } from "../../rtp/packet.ts";
import type { Depacketize, VideoPayload } from "../../rtp/video-payload.ts";
import type { Machine } from "../../runtime/machine.ts";
import { tickDistance, ticksToMs } from "../../wasm/rtp-clock.ts";
import { FrameOrder } from "./frame-order.ts";
import type { OrderedFrame } from "./frame-order.ts";
import { KeyframeRequests } from "./keyframe-requests.ts";
import { NO_FRAME } from "./packet-buffer.ts";
import type { VideoPacket } from "./packet-buffer.ts";
import { readRtx } from "./rtx.ts";
import { NOTHING_COUNTED } from "./video-receiver-counters.ts";
import type { VideoReceiverCounters } from "./video-receiver-counters.ts";

/** Ticks a second of the RTP clock of all video formats (RFC 3551 section 5). */
const CLOCK_RATE = 90_000;

/** How long packets of the stream before a change of SSRC are still expected and ignored, ms. */
const FORMER_STREAM_MS = 2000;

/**
 * A keyframe is asked for when a gap has held back what came after it for this, ms, or for the time in which a second
 * request is answered, in round trips.
 */
const LEAST_PATIENCE_MS = 180;
const PATIENCE_RTTS = 2.5;

/** Time for packets to overtake each other, ms. */
const REORDER_WAIT_MS = 40;

/** Longest wait unless the caller says otherwise, and whatever it says, ms. */
const DEFAULT_MAX_WAIT_MS = 500;
const LONGEST_WAIT_MS = 2000;

/** The jitter estimate moves by 1/16 of each difference (RFC 3550 section 6.4.1). */
const JITTER_GAIN = 1 / 16;

/** A difference beyond this, ms, is a jump of the media clock and no jitter. */
const MAX_TRANSIT_STEP_MS = 1000;

/** Options of a {@link VideoReceiver}: what was negotiated for one stream. */
export interface VideoReceiverOptions {
  payloadType: number;
  depacketize: Depacketize;
  /** Id of abs-capture-time, 0 where it is not negotiated. */
  captureTimeId: number;
  /** Retransmission format (RFC 4588); without it the same packets come again. `ssrc` where it is known. */
  rtx?: { payloadType: number; ssrc?: number };
  /** Longest time that a gap holds back what came after it, 0 to 2000 ms. Default 500. */
  maxWaitMs?: number;
}

/** What a {@link VideoReceiver} is told. Times are local monotonic ms. */
export type VideoReceiverInput =
  /**
   * A whole RTP packet, owned from now on. Those of the media SSRC, whatever became of them, count in its reception
   * report; those of the retransmission SSRC do not (RFC 4588 section 6.3).
   */
  | { type: "rtp"; packet: Uint8Array; arrivalMs: number }
  | { type: "rtt"; rttMs: number }
  /** The decoder failed at a frame. The low 32 bits of `position` are the frame's RTP timestamp. */
  | { type: "undecodable"; position: number }
  /** A reader wants to begin anew. */
  | { type: "keyframe-wanted" };

/** A coded frame whose references have all been handed out before it. */
export interface ReceivedCodedFrame {
  /** The property of whoever gets it. */
  readonly data: Uint8Array;
  readonly isKeyframe: boolean;
  /** As the stream said last; 0 while it has not. */
  readonly width: number;
  readonly height: number;
  /** u32. */
  readonly rtpTimestamp: number;
  /** u16, of its first packet. */
  readonly rtpSequence: number;
  /** Local ms at which the packet that completed it came. */
  readonly arrivalMs: number;
  /** Local ms at which the first of its packets came: free of retransmission unless that one was lost. */
  readonly firstArrivalMs: number;
  /** Capture time, Unix us on the sender's clock, where a packet of it carries one. */
  readonly captureUs: number | undefined;
  readonly ssrc: number;
}

/** What a {@link VideoReceiver} yields. */
export type VideoReceiverOutput =
  | { type: "frame"; frame: ReceivedCodedFrame }
  /** Ask for these packets again: u16, ascending on the circle, at most 200. */
  | { type: "nack"; ssrc: number; sequenceNumbers: number[] }
  /** Ask for a keyframe. */
  | { type: "pli"; ssrc: number };

/** The machine of one incoming video stream. */
export class VideoReceiver implements Machine<VideoReceiverInput, VideoReceiverOutput> {
  readonly #options: VideoReceiverOptions;
  readonly #maxWaitMs: number;
  readonly #order = new FrameOrder();
  readonly #requests = new KeyframeRequests();
  readonly #outputs: VideoReceiverOutput[] = [];
  readonly #counters = { ...NOTHING_COUNTED };
  /** Probes of the retransmission stream. */
  #probes = 0;
  #ssrc: number | undefined;
  #former: { ssrc: number; untilMs: number } | undefined;
  #jitterMs = 0;
  /** The frame handed out last, for jitter. */
  #last: { rtpTimestamp: number; arrivalMs: number } | undefined;
  /** RTP timestamp of the keyframe handed out last. */
  #keyframeTimestamp: number | undefined;
  #width = 0;
  #height = 0;

  constructor(options: VideoReceiverOptions) {
    this.#options = options;
    this.#maxWaitMs = Math.min(options.maxWaitMs ?? DEFAULT_MAX_WAIT_MS, LONGEST_WAIT_MS);
  }

  get deadlineMs(): number {
    const { nacks, buffer, deadlineMs } = this.#order;
    // Before a stream there is nobody to ask.
    if (this.#ssrc === undefined) return Infinity;
    return Math.min(deadlineMs, nacks.deadlineMs(buffer.highest), this.#requests.deadlineMs);
  }

  get counters(): VideoReceiverCounters {
    const { buffer, assembler, counters } = this.#order;
    const { lost, recovered, delivered, undecodable, incomplete, framesDelivered } = counters;
    return {
      ...this.#counters,
      ...buffer.counters,
      padding: counters.fillers + this.#probes,
      incomplete,
      undecodable,
      delivered,
      buffered: buffer.held,
      recovered,
      lost,
      framesAssembled: assembler.completed,
      framesDelivered,
      framesDropped: assembler.completed - framesDelivered - assembler.waiting,
      framesWaiting: assembler.waiting,
      jitterMs: this.#jitterMs,
      ssrc: this.#ssrc,
    };
  }

  handle(input: VideoReceiverInput | { readonly type: "timeout" }, nowMs: number): void {
    switch (input.type) {
      case "rtp":
        this.#receive(input.packet, input.arrivalMs, nowMs);
        break;
      case "rtt":
        this.#order.nacks.setRtt(input.rttMs);
        this.#requests.setRtt(input.rttMs);
        break;
      case "undecodable":
        this.#fail(input.position);
        break;
      case "keyframe-wanted":
        this.#requests.ask(nowMs);
        break;
      case "timeout":
        break;
    }
    this.#handOut(nowMs);
    this.#ask(nowMs);
  }

  poll(): VideoReceiverOutput | undefined {
    return this.#outputs.shift();
  }

  #receive(bytes: Uint8Array, arrivalMs: number, nowMs: number): void {
    const rtp = parseRtp(bytes);
    if (typeof rtp === "string") {
      this.#counters.malformed++;
      return;
    }
    this.#counters.packetsReceived++;
    this.#counters.bytesReceived += rtp.payload.length;
    this.#counters.headerBytesReceived += bytes.length - rtp.payload.length;
    const { rtx } = this.#options;
    const isRtx = rtx !== undefined && (rtp.payloadType === rtx.payloadType || rtp.ssrc === rtx.ssrc);
    if (isRtx) this.#receiveAgain(rtp, arrivalMs, nowMs);
    else if (!this.#belongs(rtp, nowMs)) this.#counters.otherStream++;
    else this.#insert(rtp, rtp.sequenceNumber, rtp.payload, false, arrivalMs, nowMs);
  }

  /** A packet of the retransmission stream. */
  #receiveAgain(rtp: RtpPacket, arrivalMs: number, nowMs: number): void {
    const { rtx } = this.#options;
    const isKnown = rtp.payloadType === rtx?.payloadType && rtp.ssrc === (rtx.ssrc ?? rtp.ssrc);
    if (!isKnown || this.#ssrc === undefined) {
      this.#counters.otherStream++;
      return;
    }
    const original = readRtx(rtp.payload);
    if (original === undefined) this.#probes++;
    else this.#insert(rtp, original.sequenceNumber, original.payload, true, arrivalMs, nowMs);
  }

  #insert(
    rtp: RtpPacket,
    sequenceNumber: number,
    bytes: Uint8Array,
    resent: boolean,
    arrivalMs: number,
    nowMs: number,
  ): void {
    const { payloadType, depacketize, captureTimeId } = this.#options;
    let payload: VideoPayload | undefined;
    if (bytes.length > 0 && (resent || rtp.payloadType === payloadType)) {
      const read = depacketize(bytes, rtp.marker);
      if (typeof read === "string") {
        this.#counters.unreadable++;
        return;
      }
      payload = read;
    }
    const packet: VideoPacket = {
      number: 0,
      timestamp: rtp.timestamp,
      marker: rtp.marker,
      payload,
      byteLength: bytes.length,
      arrivalMs,
      captureUs: captureTimeId === 0 ? undefined : captureTimeOf(rtp, captureTimeId)?.captureUs,
      frame: NO_FRAME,
      isEnd: false,
      isKeyframe: false,
      torn: false,
    };
    const fate = this.#order.insert(packet, sequenceNumber, resent, nowMs);
    if (fate === "buffered" && payload?.isKeyframe === true) this.#requests.begun(nowMs);
  }

  /** Whether a packet is of the stream; one of a new SSRC begins another. */
  #belongs({ ssrc, payloadType }: RtpPacket, nowMs: number): boolean {
    if (ssrc === this.#ssrc) return true;
    if (payloadType !== this.#options.payloadType) return false;
    if (this.#former?.ssrc === ssrc && nowMs < this.#former.untilMs) return false;
    if (this.#ssrc !== undefined) {
      this.#former = { ssrc: this.#ssrc, untilMs: nowMs + FORMER_STREAM_MS };
      this.#order.clear();
      this.#last = undefined;
      this.#keyframeTimestamp = undefined;
    }
    this.#ssrc = ssrc;
    return true;
  }

  #fail(position: number): void {
    this.#counters.decodeFailures++;
    // A keyframe behind the frame that failed has set it right already.
    const keyframe = this.#keyframeTimestamp;
    if (keyframe === undefined || tickDistance(position >>> 0, keyframe) < 0) return;
    this.#order.fail();
  }

  #handOut(nowMs: number): void {
    // Where no answer can come in time, waiting only serves the order.
    const rttMs = this.#order.nacks.rttMs ?? 0;
    const isHopeless = rttMs >= this.#maxWaitMs;
    const waitMs = isHopeless ? Math.min(REORDER_WAIT_MS, this.#maxWaitMs) : this.#maxWaitMs;
    const answerMs = PATIENCE_RTTS * rttMs + this.#jitterMs + REORDER_WAIT_MS;
    const patienceMs = Math.min(Math.max(LEAST_PATIENCE_MS, answerMs), waitMs);
    for (;;) {
      const frame = this.#order.take(nowMs, patienceMs, waitMs);
      if (frame === undefined) return;
      this.#deliver(frame);
    }
  }

  #deliver(ordered: OrderedFrame): void {
    const { data, arrivalMs, firstArrivalMs, captureUs } = ordered;
    const { timestamp: rtpTimestamp, isKeyframe, number } = ordered.start;
    this.#width = ordered.width ?? this.#width;
    this.#height = ordered.height ?? this.#height;
    this.#requests.decodable(isKeyframe);
    this.#measureJitter(rtpTimestamp, firstArrivalMs);
    if (isKeyframe) {
      this.#counters.keyframes++;
      this.#keyframeTimestamp = rtpTimestamp;
    }
    this.#outputs.push({
      type: "frame",
      frame: {
        data,
        isKeyframe,
        width: this.#width,
        height: this.#height,
        rtpTimestamp,
        rtpSequence: number & 0xffff,
        arrivalMs,
        firstArrivalMs,
        captureUs,
        ssrc: this.#ssrc ?? 0,
      },
    });
  }

  #ask(nowMs: number): void {
    const ssrc = this.#ssrc;
    if (ssrc === undefined) return;
    const { nacks, buffer, troubled } = this.#order;
    const numbers = nacks.take(buffer.highest, nowMs);
    if (numbers.length > 0) {
      this.#counters.nacks++;
      this.#counters.packetsRequested += numbers.length;
      const sequenceNumbers = numbers.map((number) => number & 0xffff);
      this.#outputs.push({ type: "nack", ssrc, sequenceNumbers });
    }
    if (troubled) this.#requests.need(nowMs);
    if (!this.#requests.take(nowMs)) return;
    this.#counters.plis++;
    this.#outputs.push({ type: "pli", ssrc });
  }

  #measureJitter(rtpTimestamp: number, arrivalMs: number): void {
    const last = this.#last;
    this.#last = { rtpTimestamp, arrivalMs };
    if (last === undefined) return;
    const sentMs = ticksToMs(tickDistance(rtpTimestamp, last.rtpTimestamp), CLOCK_RATE);
    const differenceMs = Math.abs(arrivalMs - last.arrivalMs - sentMs);
    if (differenceMs <= MAX_TRANSIT_STEP_MS) this.#jitterMs += (differenceMs - this.#jitterMs) * JITTER_GAIN;
  }
}
