// The sending side of one link's video: sequence numbers, RTP timestamps, extensions and counters. Encodes and cuts
// nothing: a frame is encoded and cut once, and its payloads are given to the senders of all links they go to.
import { buildCaptureTime } from "../../rtp/capture-time.ts";
import { buildDependency } from "../../rtp/dependency-descriptor.ts";
import { CaptureMarks } from "../capture-marks.ts";
import { buildVideoPacket } from "./outgoing-packet.ts";
import type { NegotiatedVideo, SentVideoPacket } from "./outgoing-packet.ts";

/** Ticks of the clock that {@link CaptureMarks} counts in per tick of video's. */
const MARK_TICKS = 48 / 90;

/** Options of a {@link VideoSender}; the random ones keep streams from being guessed (RFC 3550 section 5.1). */
export interface VideoSenderOptions {
  ssrc: number;
  /** First sequence number, 16 random bits. */
  sequenceNumber: number;
  /** RTP timestamp of position 0, 32 random bits. */
  timestampBase: number;
}

/** One payload of a frame. */
export interface OutgoingVideoPacket {
  /** Of the frame: ticks of the 90 kHz clock, counted on without wrap. */
  position: number;
  /** Which of the frame's payloads this is, from 0, and how many there are. */
  index: number;
  count: number;
  payload: Uint8Array;
  isKeyframe: boolean;
  /** Capture of the frame, Unix us, where it is known. */
  captureUs?: number | undefined;
}

/** Counters of a {@link VideoSender}. */
export interface VideoSenderCounters {
  packetsSent: number;
  /** Payload bytes. */
  bytesSent: number;
  /** Of the packets around them. */
  headerBytesSent: number;
  /** Frames whose last packet was sent. */
  framesSent: number;
  /** Packets that do not follow what was sent: their frame is over, or lacks a packet before them. */
  outdated: number;
  /** Packets the link did not take. */
  refused: number;
  /** Sequence numbers left out to show that a frame, or the end of one, is missing. */
  gaps: number;
}

/** A packet that the link has not answered for yet. */
interface PendingPacket {
  readonly offered: OutgoingVideoPacket;
  readonly sent: SentVideoPacket;
  readonly frameNumber: number;
  readonly headerLength: number;
  readonly closesGap: boolean;
}

/** Gives the payloads of one link their packets. */
export class VideoSender {
  readonly ssrc: number;
  readonly #timestampBase: number;
  readonly #counters: VideoSenderCounters = {
    packetsSent: 0,
    bytesSent: 0,
    headerBytesSent: 0,
    framesSent: 0,
    outdated: 0,
    refused: 0,
    gaps: 0,
  };
  #sequenceNumber: number;
  /** The frame begun last, and the payload of it that comes next. */
  #position = -Infinity;
  #nextIndex = 0;
  #count = 0;
  /** Counts frames, and gaps between them. */
  #frameNumber = 0;
  /** A frame whose first packet the link did not take. */
  #refusedPosition = -Infinity;
  #pending: PendingPacket | undefined;
  readonly #marks = new CaptureMarks();
  #captureTimeId = 0;

  constructor(options: VideoSenderOptions) {
    this.ssrc = options.ssrc;
    this.#sequenceNumber = options.sequenceNumber & 0xffff;
    this.#timestampBase = options.timestampBase;
  }

  get counters(): VideoSenderCounters {
    return { ...this.#counters };
  }

  /** The RTP timestamp of a position. */
  timestampOf(position: number): number {
    return (this.#timestampBase + position) >>> 0;
  }

  /**
   * Make the packet of a payload. Tell by {@link settle} what became of it before asking for the next one; one that was
   * refused may be offered again.
   *
   * @param transportSequence see `buildVideoPacket`
   * @returns undefined, counted, when the payload does not follow what was sent
   */
  packetize(
    offered: OutgoingVideoPacket,
    negotiated: NegotiatedVideo,
    transportSequence: number,
  ): Uint8Array | undefined {
    const { position, index, count, payload, isKeyframe } = offered;
    const begins = index === 0 && position > this.#position;
    if (!begins && (position !== this.#position || index !== this.#nextIndex)) {
      this.#counters.outdated++;
      return undefined;
    }
    const closesGap = begins && this.#isGap(position);
    const frameNumber = this.#frameNumber + (begins ? 1 : 0) + (closesGap ? 1 : 0);
    const marker = index === count - 1;
    const dependency = { frameNumber, isKeyframe, isStart: index === 0, isEnd: marker };
    const sent: SentVideoPacket = {
      sequenceNumber: (this.#sequenceNumber + (closesGap ? 1 : 0)) & 0xffff,
      timestamp: this.timestampOf(position),
      marker,
      payload,
      captureTime: begins ? this.#captureTime(offered, negotiated.captureTimeId) : undefined,
      dependency: negotiated.dependencyId === 0 ? undefined : buildDependency(dependency),
    };
    const packet = buildVideoPacket(this.ssrc, sent, negotiated, transportSequence);
    this.#pending = { offered, sent, frameNumber, headerLength: packet.length - payload.length, closesGap };
    return packet;
  }

  /**
   * What became of the packet. One that the link did not take uses no sequence number.
   * @returns what was sent, for `Retransmissions`; undefined when it was not
   */
  settle(taken: boolean): SentVideoPacket | undefined {
    const pending = this.#pending;
    if (pending === undefined) return undefined;
    this.#pending = undefined;
    const { offered, sent, frameNumber, headerLength, closesGap } = pending;
    if (!taken) {
      this.#counters.refused++;
      if (offered.index === 0) this.#refusedPosition = offered.position;
      return undefined;
    }
    this.#sequenceNumber = (sent.sequenceNumber + 1) & 0xffff;
    this.#position = offered.position;
    this.#frameNumber = frameNumber;
    this.#nextIndex = offered.index + 1;
    this.#count = offered.count;
    if (closesGap) this.#counters.gaps++;
    if (sent.marker) this.#counters.framesSent++;
    this.#counters.packetsSent++;
    this.#counters.bytesSent += sent.payload.length;
    this.#counters.headerBytesSent += headerLength;
    if (sent.captureTime !== undefined && offered.captureUs !== undefined) {
      this.#marks.mark(offered.position * MARK_TICKS, offered.captureUs);
    }
    return sent;
  }

  /**
   * Whether frames are missing before this one. Packets that were not sent have no number, so one is left out in their
   * place: formats without picture ids know of no other way to tell.
   */
  #isGap(position: number): boolean {
    if (this.#position === -Infinity) return false;
    const isTorn = this.#nextIndex < this.#count;
    const isRefused = this.#refusedPosition > this.#position && this.#refusedPosition < position;
    return isTorn || isRefused;
  }

  /** The capture time as header extension, when this frame should carry it and it can be written. */
  #captureTime({ position, captureUs }: OutgoingVideoPacket, captureTimeId: number): Uint8Array | undefined {
    if (captureTimeId !== this.#captureTimeId) {
      this.#captureTimeId = captureTimeId;
      this.#marks.reset();
    }
    if (captureTimeId === 0 || captureUs === undefined) return undefined;
    return this.#marks.isDue(position * MARK_TICKS, captureUs) ? buildCaptureTime({ captureUs }) : undefined;
  }
}
