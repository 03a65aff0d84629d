// The sending side of one link's audio: sequence numbers, RTP timestamps and counters. Encodes nothing: a payload
// is encoded once and given to the senders of all links it goes to.
import { buildCaptureTime } from "../rtp/capture-time.ts";
import { buildExtensions } from "../rtp/extensions.ts";
import type { RtpHeaderExtension } from "../rtp/extensions.ts";
import { buildRtp } from "../rtp/packet.ts";
import { CaptureMarks } from "./capture-marks.ts";

/** Options of an {@link AudioSender}; the random ones keep streams from being guessed (RFC 3550 section 5.1). */
export interface AudioSenderOptions {
  ssrc: number;
  /** First sequence number, 16 random bits. */
  sequenceNumber: number;
  /** RTP timestamp of position 0, 32 random bits. */
  timestampBase: number;
}

/** One encoded frame of an outgoing stream. */
export interface OutgoingFrame {
  /** Ticks of the 48 kHz clock, counted on without wrap. */
  position: number;
  /** Ticks the frame covers. */
  durationTicks: number;
}

/** When a frame was captured, and how to say so. */
export interface OutgoingCapture {
  /** Capture of its first sample, Unix microseconds. */
  captureUs: number;
  /** Negotiated id of abs-capture-time, 0 when it is not: then nothing is said. */
  extensionId: number;
}

/** Counters of an {@link AudioSender}. */
export interface AudioSenderCounters {
  packetsSent: number;
  /** Payload bytes. */
  bytesSent: number;
  /** Of the packets around them. */
  headerBytesSent: number;
  /** Frames left out because the stream had already got beyond their time. */
  outdated: number;
  /** Packets the link did not take. */
  refused: number;
}

/** A capture time on its way. */
interface OutgoingMark {
  position: number;
  captureUs: number;
  extension: RtpHeaderExtension;
}

/** A packet that the link has not answered for yet. */
interface PendingPacket {
  endPosition: number;
  payloadLength: number;
  headerLength: number;
  mark: OutgoingMark | undefined;
}

/** Gives the frames of one link their packets. */
export class AudioSender {
  readonly ssrc: number;
  readonly #timestampBase: number;
  readonly #counters: AudioSenderCounters = {
    packetsSent: 0,
    bytesSent: 0,
    headerBytesSent: 0,
    outdated: 0,
    refused: 0,
  };
  #sequenceNumber: number;
  /** Where the last frame that was sent ends. */
  #endPosition = -Infinity;
  #pending: PendingPacket | undefined;
  readonly #marks = new CaptureMarks();
  #extensionId = 0;

  constructor(options: AudioSenderOptions) {
    this.ssrc = options.ssrc;
    this.#sequenceNumber = options.sequenceNumber & 0xffff;
    this.#timestampBase = options.timestampBase;
  }

  get counters(): AudioSenderCounters {
    return { ...this.#counters };
  }

  /** The RTP timestamp of a position. */
  timestampOf(position: number): number {
    return (this.#timestampBase + position) >>> 0;
  }

  /**
   * Make the packet of a frame. Tell by {@link settle} what became of it before asking for the next one.
   *
   * @param capture written into packets as often as receivers need it, see {@link CaptureMarks}
   * @returns undefined, counted, when the frame does not lie behind the last one sent: two sources on one link
   *   cannot be interleaved
   */
  packetize(
    frame: OutgoingFrame,
    payload: Uint8Array,
    payloadType: number,
    capture?: OutgoingCapture,
  ): Uint8Array | undefined {
    if (!this.#follows(frame)) return undefined;
    const endPosition = frame.position + frame.durationTicks;
    const mark = capture && this.#mark(frame.position, capture);
    const packet = buildRtp({
      ssrc: this.ssrc,
      payloadType,
      sequenceNumber: this.#sequenceNumber,
      timestamp: this.timestampOf(frame.position),
      // The first packet after a silence (RFC 3551 section 4.1).
      marker: frame.position !== this.#endPosition,
      extension: mark?.extension,
      payload,
    });
    const payloadLength = payload.length;
    this.#pending = { endPosition, payloadLength, headerLength: packet.length - payloadLength, mark };
    return packet;
  }

  /**
   * Claim a frame's time on a link that makes its own packets.
   *
   * @returns false, counted, when the frame does not lie behind the last one
   */
  claim(frame: OutgoingFrame): boolean {
    if (!this.#follows(frame)) return false;
    this.#endPosition = frame.position + frame.durationTicks;
    return true;
  }

  /** What became of the packet: one that the link did not take uses no sequence number, else it looks lost. */
  settle(taken: boolean): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    if (!taken) {
      this.#counters.refused++;
      return;
    }
    this.#sequenceNumber = (this.#sequenceNumber + 1) & 0xffff;
    this.#endPosition = pending.endPosition;
    this.#counters.packetsSent++;
    this.#counters.bytesSent += pending.payloadLength;
    this.#counters.headerBytesSent += pending.headerLength;
    if (pending.mark !== undefined) this.#marks.mark(pending.mark.position, pending.mark.captureUs);
  }

  /** The capture time as header extension, when this frame should carry it and it can be written. */
  #mark(position: number, { captureUs, extensionId }: OutgoingCapture): OutgoingMark | undefined {
    if (extensionId !== this.#extensionId) {
      this.#extensionId = extensionId;
      this.#marks.reset();
    }
    if (extensionId === 0 || !this.#marks.isDue(position, captureUs)) return undefined;
    const data = buildCaptureTime({ captureUs });
    return data && { position, captureUs, extension: buildExtensions([{ id: extensionId, data }]) };
  }

  #follows(frame: OutgoingFrame): boolean {
    if (frame.position >= this.#endPosition) return true;
    this.#counters.outdated++;
    return false;
  }
}
