// The sending side of one link's audio: sequence numbers, RTP timestamps and counters. Encodes nothing: a payload
// is encoded once and given to the senders of all links it goes to.
import { buildRtp } from "../rtp/packet.ts";

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

/** Counters of an {@link AudioSender}. */
export interface AudioSenderCounters {
  packetsSent: number;
  /** Payload bytes. */
  bytesSent: number;
  /** Frames left out because the stream had already got beyond their time. */
  outdated: number;
  /** Packets the link did not take. */
  refused: number;
}

/** Gives the frames of one link their packets. */
export class AudioSender {
  readonly ssrc: number;
  readonly #timestampBase: number;
  readonly #counters: AudioSenderCounters = { packetsSent: 0, bytesSent: 0, outdated: 0, refused: 0 };
  #sequenceNumber: number;
  /** Where the last frame that was sent ends. */
  #endPosition = -Infinity;
  #pending: { endPosition: number; payloadLength: number } | undefined;

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
   * @returns undefined, counted, when the frame does not lie behind the last one sent: two sources on one link
   *   cannot be interleaved
   */
  packetize(frame: OutgoingFrame, payload: Uint8Array, payloadType: number): Uint8Array | undefined {
    if (!this.#follows(frame)) return undefined;
    const endPosition = frame.position + frame.durationTicks;
    this.#pending = { endPosition, payloadLength: payload.length };
    return buildRtp({
      ssrc: this.ssrc,
      payloadType,
      sequenceNumber: this.#sequenceNumber,
      timestamp: this.timestampOf(frame.position),
      // The first packet after a silence (RFC 3551 section 4.1).
      marker: frame.position !== this.#endPosition,
      payload,
    });
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
  }

  #follows(frame: OutgoingFrame): boolean {
    if (frame.position >= this.#endPosition) return true;
    this.#counters.outdated++;
    return false;
  }
}
