// Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01): when each packet of a connection
// arrived, whatever its stream. Codec, and the choice of what goes into one packet. Pure.
import { TRANSPORT_FEEDBACK } from "./feedback.ts";
import { framePaddedPacket, HEADER_LENGTH } from "./header.ts";
import type { RtcpRefusal } from "./header.ts";
import { fewestChunks, STATUS_LARGE, STATUS_LOST, STATUS_SMALL, StatusChunks } from "./status-chunks.ts";

/** A packet that came. */
export interface PacketArrival {
  /** u16 of the transport-wide header extension. */
  sequenceNumber: number;
  /** Microseconds on the receiver's own clock, in steps of 250 on the wire, which carries them modulo 2^30 ms. */
  receivedUs: number;
}

/** One feedback packet: what came of `statusCount` packets from `baseSequence` on. */
export interface TransportFeedback {
  type: "transport-cc";
  senderSsrc: number;
  mediaSsrc: number;
  /** u8, one more in each packet: tells lost feedback from packets that nobody reported. */
  feedbackCount: number;
  /** u16 of the first packet reported on. */
  baseSequence: number;
  /** How many packets from there on; those that {@link received} leaves out had not come. 1 to 65535. */
  statusCount: number;
  /** In order of sequence numbers. A list of the lost could be longer than the packet that told of them. */
  received: PacketArrival[];
}

/** The feedback format number of transport-wide feedback. */
export const FORMAT_TRANSPORT_CC = 15;

const FIXED_LENGTH = 16;
const TICK_US = 250;

/** The reference time counts 64 ms; the arrivals of a packet are steps from it. */
const TICKS_PER_REFERENCE = 256;
const MAX_SMALL_TICKS = 0xff;
const MIN_LARGE_TICKS = -0x8000;
const MAX_LARGE_TICKS = 0x7fff;
const MAX_STATUS_COUNT = 0xffff;

/** At the worst an arrival costs a step of two bytes, its own chunk and one for the gap before it: 1100 bytes in all. */
const MAX_ARRIVALS = 180;

/**
 * Read a packet of type 205, format 15. The list is never longer than the packet has bytes.
 *
 * @param body what follows the header, without padding
 */
export function parseTransportFeedback(body: DataView): TransportFeedback | RtcpRefusal {
  if (body.byteLength < FIXED_LENGTH) return "truncatedBody";
  const baseSequence = body.getUint16(8);
  const statusCount = body.getUint16(10);
  if (statusCount === 0) return "emptyFeedback";
  const chunks = new StatusChunks(body, FIXED_LENGTH, statusCount);
  if (chunks.refusal !== undefined) return chunks.refusal;
  if (chunks.endOffset + chunks.stepBytes > body.byteLength) return "truncatedBody";
  const received: PacketArrival[] = [];
  let at = chunks.endOffset;
  let ticks = ((body.getUint32(12) >> 8) * TICKS_PER_REFERENCE) | 0;
  chunks.forEachReceived((offset, status) => {
    const step = status === STATUS_SMALL ? body.getUint8(at) : body.getInt16(at);
    // The first step is taken in the wire's 32 bits of ticks, so that a packet written again begins at the same time.
    ticks = at === chunks.endOffset ? (ticks + step) | 0 : ticks + step;
    at += status;
    received.push({ sequenceNumber: (baseSequence + offset) & 0xffff, receivedUs: ticks * TICK_US });
  });
  return {
    type: "transport-cc",
    senderSsrc: body.getUint32(0),
    mediaSsrc: body.getUint32(4),
    feedbackCount: body.getUint8(15),
    baseSequence,
    statusCount,
    received,
  };
}

/**
 * Write one packet, in as few chunks as there can be. Arrivals from the first on that is out of order, out of the
 * range of statuses, or 8.19 s away from its predecessor are left out: {@link transportFeedback} makes packets that
 * hold everything.
 */
export function buildTransportFeedback(packet: TransportFeedback): Uint8Array {
  const statusCount = Math.max(1, Math.min(MAX_STATUS_COUNT, packet.statusCount));
  const statuses = new Uint8Array(statusCount).fill(STATUS_LOST);
  const first = packet.received[0];
  const referenceTime = first === undefined ? 0 : Math.floor(ticksOf(first) / TICKS_PER_REFERENCE);
  let previous = { offset: -1, ticks: referenceTime * TICKS_PER_REFERENCE };
  const steps: number[] = [];
  for (const arrival of packet.received) {
    const offset = (arrival.sequenceNumber - packet.baseSequence) & 0xffff;
    const step = ticksOf(arrival) - previous.ticks;
    if (offset <= previous.offset || offset >= statusCount || !fits(step)) break;
    statuses[offset] = statusOf(step);
    steps.push(step);
    previous = { offset, ticks: previous.ticks + step };
  }
  const chunks = fewestChunks(statuses);
  const stepBytes = steps.reduce((sum, step) => sum + statusOf(step), 0);
  const out = framePaddedPacket(
    TRANSPORT_FEEDBACK,
    FORMAT_TRANSPORT_CC,
    FIXED_LENGTH + chunks.length * 2 + stepBytes,
  );
  out.setUint32(HEADER_LENGTH, packet.senderSsrc);
  out.setUint32(HEADER_LENGTH + 4, packet.mediaSsrc);
  out.setUint16(HEADER_LENGTH + 8, packet.baseSequence);
  out.setUint16(HEADER_LENGTH + 10, statusCount);
  out.setUint32(HEADER_LENGTH + 12, (referenceTime << 8) | (packet.feedbackCount & 0xff));
  let at = HEADER_LENGTH + FIXED_LENGTH;
  for (const chunk of chunks) {
    out.setUint16(at, chunk);
    at += 2;
  }
  for (const step of steps) {
    const status = statusOf(step);
    if (status === STATUS_SMALL) out.setUint8(at, step);
    else out.setInt16(at, step);
    at += status;
  }
  return new Uint8Array(out.buffer);
}

/** What {@link transportFeedback} needs beside the arrivals. */
export interface TransportFeedbackOptions {
  senderSsrc: number;
  mediaSsrc: number;
  /** u8 of the first packet made; the following ones count on. */
  feedbackCount: number;
  /** u16: the first packet not reported on yet. What is missing from there on is reported lost. */
  baseSequence: number;
}

/**
 * Packets that report on all these arrivals, each at most 1,100 bytes long: a new one begins where a time step does
 * not fit. Without arrivals there is nothing to say, as nobody knows what was sent.
 *
 * @param arrivals in any order; of one sequence number the first counts, and those before `baseSequence` not at all
 */
export function transportFeedback(
  arrivals: readonly PacketArrival[],
  options: TransportFeedbackOptions,
): TransportFeedback[] {
  const packets: TransportFeedback[] = [];
  let packet: TransportFeedback | undefined;
  let previous = { offset: -1, ticks: 0 };
  for (const { arrival, offset } of inSequence(arrivals, options.baseSequence)) {
    if (offset === previous.offset) continue;
    const ticks = ticksOf(arrival);
    if (packet === undefined || packet.received.length >= MAX_ARRIVALS || !fits(ticks - previous.ticks)) {
      packet = {
        type: "transport-cc",
        senderSsrc: options.senderSsrc,
        mediaSsrc: options.mediaSsrc,
        feedbackCount: (options.feedbackCount + packets.length) & 0xff,
        baseSequence: (options.baseSequence + previous.offset + 1) & 0xffff,
        statusCount: 0,
        received: [],
      };
      packets.push(packet);
    }
    packet.received.push(arrival);
    packet.statusCount = ((arrival.sequenceNumber - packet.baseSequence) & 0xffff) + 1;
    previous = { offset, ticks };
  }
  return packets;
}

/** Those not before `baseSequence`, by sequence number; equal ones stay in order of arrival. */
function inSequence(
  arrivals: readonly PacketArrival[],
  baseSequence: number,
): { arrival: PacketArrival; offset: number }[] {
  return arrivals
    .map((arrival) => ({ arrival, offset: (arrival.sequenceNumber - baseSequence) & 0xffff }))
    .filter(({ offset }) => offset < 0x8000)
    .sort((a, b) => a.offset - b.offset);
}

function ticksOf({ receivedUs }: PacketArrival): number {
  return Math.round(receivedUs / TICK_US);
}

function fits(step: number): boolean {
  return step >= MIN_LARGE_TICKS && step <= MAX_LARGE_TICKS;
}

/** The status is also the number of bytes of the step. */
function statusOf(step: number): number {
  return step >= 0 && step <= MAX_SMALL_TICKS ? STATUS_SMALL : STATUS_LARGE;
}
