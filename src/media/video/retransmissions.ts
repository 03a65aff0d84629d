// What one link was sent of late, and the answers to its requests to send some of it again (RFC 4585 section 6.2.1), in
// the retransmission format (RFC 4588) where that is negotiated. Sends nothing itself.
import { sequenceDistance } from "../../wasm/rtp-clock.ts";
import { buildVideoPacket } from "./outgoing-packet.ts";
import type { NegotiatedVideo, SentVideoPacket } from "./outgoing-packet.ts";
import { buildRtx } from "./rtx.ts";

/** Nobody waits for a packet longer than this, ms. */
const HISTORY_MS = 1000;

/** Payload bytes remembered unless the caller says otherwise: a second of 16 Mbit/s. */
const DEFAULT_MAX_BYTES = 2 * 1024 * 1024;

/** Between two answers for one packet lies a round trip; this long while nobody has measured one, and at least, ms. */
const ASSUMED_RTT_MS = 100;
const LEAST_RTT_MS = 10;

const NO_PAYLOAD = new Uint8Array(0);

/** Options of {@link Retransmissions}. */
export interface RetransmissionsOptions {
  /** Of the stream. */
  ssrc: number;
  /** The stream that answers travel in, where it is negotiated, and its first sequence number, 16 random bits. */
  rtx?: { ssrc: number; payloadType: number; sequenceNumber: number };
  /** Payload bytes remembered at most. Default 2 MiB. */
  maxBytes?: number;
}

/** Counters of {@link Retransmissions}. `requested = unknown + repeated + unaffordable + expired + packetsSent +
 * pending`. */
export interface RetransmissionCounters {
  /** Numbers asked for. */
  requested: number;
  /** Never sent, or too long ago. */
  unknown: number;
  /** Answered within the last round trip, or about to be. */
  repeated: number;
  /** More than the path has room for. */
  unaffordable: number;
  /** Forgotten before they could be sent again. */
  expired: number;
  packetsSent: number;
  /** Payload bytes, the original sequence numbers included. */
  bytesSent: number;
  headerBytesSent: number;
  /** Packets the link did not take; they wait on. */
  refused: number;
  /** Packets made that hold nothing but padding. */
  probes: number;
}

interface Remembered {
  readonly sent: SentVideoPacket;
  readonly sentMs: number;
  answeredMs: number;
  waits: boolean;
}

/** The packets of one link's video that may be sent again. */
export class Retransmissions {
  readonly #options: RetransmissionsOptions;
  readonly #maxBytes: number;
  /** By sequence number. */
  readonly #history = new Map<number, Remembered>();
  /** Sequence numbers to send again, in the order in which they were asked for. */
  readonly #queue: number[] = [];
  readonly #counters: RetransmissionCounters = {
    requested: 0,
    unknown: 0,
    repeated: 0,
    unaffordable: 0,
    expired: 0,
    packetsSent: 0,
    bytesSent: 0,
    headerBytesSent: 0,
    refused: 0,
    probes: 0,
  };
  #oldest = 0;
  #newest = -1;
  #bytes = 0;
  #rttMs = ASSUMED_RTT_MS;
  #rtxSequence: number;
  #pending: { packet: Uint8Array; payloadLength: number } | undefined;

  constructor(options: RetransmissionsOptions) {
    this.#options = options;
    this.#maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    this.#rtxSequence = options.rtx?.sequenceNumber ?? 0;
  }

  get counters(): RetransmissionCounters {
    return { ...this.#counters };
  }

  /** Packets that are to be sent again. */
  get pending(): number {
    return this.#queue.length;
  }

  /** Payload bytes remembered. */
  get bytes(): number {
    return this.#bytes;
  }

  setRtt(rttMs: number): void {
    this.#rttMs = Math.max(rttMs, LEAST_RTT_MS);
  }

  /** A packet was sent; its payload is kept, not copied. Packets come by rising sequence number. */
  remember(sent: SentVideoPacket, nowMs: number): void {
    const { sequenceNumber } = sent;
    if (this.#history.size === 0) this.#oldest = this.#newest = sequenceNumber;
    else this.#newest += sequenceDistance(sequenceNumber, this.#newest & 0xffff);
    this.#forget(sequenceNumber);
    this.#history.set(sequenceNumber, { sent, sentMs: nowMs, answeredMs: -Infinity, waits: false });
    this.#bytes += sent.payload.length;
    this.#tidy(nowMs);
  }

  /**
   * The receiver lacks packets.
   * @param sequenceNumbers u16, in any order
   * @param affordable whether one with so many payload bytes may be sent again; asked once for each that could be
   * @returns payload bytes of each packet that {@link next} will give in addition, in that order
   */
  request(
    sequenceNumbers: readonly number[],
    nowMs: number,
    affordable: (payloadBytes: number) => boolean = () => true,
  ): number[] {
    this.#tidy(nowMs);
    const queued: number[] = [];
    for (const sequenceNumber of sequenceNumbers) {
      this.#counters.requested++;
      const remembered = this.#history.get(sequenceNumber);
      if (remembered === undefined) this.#counters.unknown++;
      else if (remembered.waits || nowMs - remembered.answeredMs < this.#rttMs) this.#counters.repeated++;
      else if (!affordable(remembered.sent.payload.length)) this.#counters.unaffordable++;
      else {
        remembered.waits = true;
        this.#queue.push(sequenceNumber);
        queued.push(remembered.sent.payload.length);
      }
    }
    return queued;
  }

  /**
   * Make the packet of the next answer. Tell by {@link settle} what became of it before asking for the next one.
   * @param transportSequence see `buildVideoPacket`
   * @returns undefined when there is nothing to send again
   */
  next(negotiated: NegotiatedVideo, transportSequence: number, nowMs: number): Uint8Array | undefined {
    this.#tidy(nowMs);
    const [sequenceNumber] = this.#queue;
    const remembered = sequenceNumber === undefined ? undefined : this.#history.get(sequenceNumber);
    if (remembered === undefined) return undefined;
    const { rtx, ssrc } = this.#options;
    const { sent } = remembered;
    if (rtx === undefined) {
      const packet = buildVideoPacket(ssrc, sent, negotiated, transportSequence);
      this.#pending = { packet, payloadLength: sent.payload.length };
      return packet;
    }
    const payload = buildRtx(sent);
    const again: SentVideoPacket = {
      sequenceNumber: this.#rtxSequence,
      timestamp: sent.timestamp,
      marker: sent.marker,
      payload,
      captureTime: sent.captureTime,
      dependency: sent.dependency,
    };
    const format = formatOf(negotiated, rtx.payloadType);
    const packet = buildVideoPacket(rtx.ssrc, again, format, transportSequence);
    this.#pending = { packet, payloadLength: payload.length };
    return packet;
  }

  /** What became of the packet. */
  settle(taken: boolean, nowMs: number): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    if (!taken) {
      this.#counters.refused++;
      return;
    }
    const sequenceNumber = this.#queue.shift();
    const remembered = sequenceNumber === undefined ? undefined : this.#history.get(sequenceNumber);
    if (remembered !== undefined) {
      remembered.waits = false;
      remembered.answeredMs = nowMs;
    }
    if (this.#options.rtx !== undefined) this.#rtxSequence = (this.#rtxSequence + 1) & 0xffff;
    this.#counters.packetsSent++;
    this.#counters.bytesSent += pending.payloadLength;
    this.#counters.headerBytesSent += pending.packet.length - pending.payloadLength;
  }

  /**
   * Make a packet that only probes the path. There is nothing to settle: its number is used in any case.
   *
   * @param byteLength of its padding, 1 to 255
   * @returns undefined where there is no stream of retransmissions, whose numbers it may use, or nothing was sent yet
   */
  padding(
    byteLength: number,
    negotiated: NegotiatedVideo,
    transportSequence: number,
  ): Uint8Array | undefined {
    const { rtx } = this.#options;
    const newest = this.#history.get(this.#newest & 0xffff);
    if (rtx === undefined || newest === undefined) return undefined;
    const probe: SentVideoPacket = {
      sequenceNumber: this.#rtxSequence,
      timestamp: newest.sent.timestamp,
      marker: false,
      payload: NO_PAYLOAD,
      captureTime: undefined,
      dependency: undefined,
    };
    this.#rtxSequence = (this.#rtxSequence + 1) & 0xffff;
    this.#counters.probes++;
    const format = formatOf(negotiated, rtx.payloadType);
    return buildVideoPacket(rtx.ssrc, probe, format, transportSequence, byteLength);
  }

  /** Forget what is too old or too much; the newest packet stays. */
  #tidy(nowMs: number): void {
    while (this.#oldest < this.#newest) {
      const remembered = this.#history.get(this.#oldest & 0xffff);
      const isOld = remembered === undefined || nowMs - remembered.sentMs > HISTORY_MS;
      if (!isOld && this.#bytes <= this.#maxBytes) break;
      this.#forget(this.#oldest & 0xffff);
      this.#oldest++;
    }
  }

  #forget(sequenceNumber: number): void {
    const remembered = this.#history.get(sequenceNumber);
    if (remembered === undefined) return;
    this.#history.delete(sequenceNumber);
    this.#bytes -= remembered.sent.payload.length;
    if (!remembered.waits) return;
    this.#counters.expired++;
    this.#queue.splice(this.#queue.indexOf(sequenceNumber), 1);
  }
}

function formatOf(negotiated: NegotiatedVideo, payloadType: number): NegotiatedVideo {
  const { captureTimeId, transportSequenceId, dependencyId } = negotiated;
  return { payloadType, captureTimeId, transportSequenceId, dependencyId };
}
