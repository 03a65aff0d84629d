// Packets and encoded frames on their way to an engine in a worker, as records. Little-endian; reads no clock.
import type { EncodedAudioFrame } from "../../platform/platform.ts";
import type { NegotiatedAudio } from "./engine.ts";
import type { RecordSink, RecordSource } from "../../runtime/records.ts";

const KIND_RTP = 1;
const KIND_FRAME = 2;

// Offsets in the body. Both kinds begin alike.
const STREAM = 0;
const LENGTH = 4;
const ARRIVAL = 8;
const PAYLOAD_TYPE = 16;
/** Of a packet. */
const CAPTURE_TIME_ID = 20;
/** Of a frame. */
const SEQUENCE_NUMBER = 20;
const SSRC = 24;
const RTP_TIMESTAMP = 28;
/** NaN: unknown. */
const CAPTURE = 32;
const BYTES = 40;

/** Who takes what was read; the bytes are copies of their own. */
export interface PacketTaker {
  /** False: records may have overtaken the message that this stream is open; its packets wait for that. */
  expects(stream: number): boolean;
  rtp(stream: number, packet: Uint8Array, arrivalMs: number, negotiated: NegotiatedAudio): void;
  frame(stream: number, frame: EncodedAudioFrame): void;
}

/** Write a whole RTP packet. @returns false when there was no room */
export function writeRtp(
  sink: RecordSink,
  stream: number,
  packet: Uint8Array,
  arrivalMs: number,
  negotiated: NegotiatedAudio,
): boolean {
  const at = reserve(sink, KIND_RTP, stream, packet, arrivalMs, negotiated.payloadType);
  if (at < 0) return false;
  sink.memory.view.setInt32(at + CAPTURE_TIME_ID, negotiated.captureTimeId, true);
  sink.commit();
  return true;
}

/** Write a frame that the platform has taken out of its packet. @returns false when there was no room */
export function writeEncodedFrame(sink: RecordSink, stream: number, frame: EncodedAudioFrame): boolean {
  const at = reserve(sink, KIND_FRAME, stream, frame.payload, frame.arrivalMs, frame.payloadType);
  if (at < 0) return false;
  const { view } = sink.memory;
  view.setInt32(at + SEQUENCE_NUMBER, frame.sequenceNumber, true);
  view.setUint32(at + SSRC, frame.ssrc, true);
  view.setUint32(at + RTP_TIMESTAMP, frame.rtpTimestamp, true);
  view.setFloat64(at + CAPTURE, frame.captureMs ?? Number.NaN, true);
  sink.commit();
  return true;
}

/** Hand on the next record. @returns false when there is none, or none yet */
export function readPacket(source: RecordSource, taker: PacketTaker): boolean {
  const at = source.next();
  if (at < 0) return false;
  const { view, bytes } = source.memory;
  const stream = view.getInt32(at + STREAM, true);
  if (!taker.expects(stream)) return false;
  const arrivalMs = view.getFloat64(at + ARRIVAL, true);
  const payloadType = view.getInt32(at + PAYLOAD_TYPE, true);
  // A copy: the jitter buffer holds it longer than the record lives. Always unshared, as decoders want it.
  const payload = new Uint8Array(view.getInt32(at + LENGTH, true));
  payload.set(bytes.subarray(at + BYTES, at + BYTES + payload.length));
  if (source.kind === KIND_RTP) {
    const captureTimeId = view.getInt32(at + CAPTURE_TIME_ID, true);
    source.release();
    taker.rtp(stream, payload, arrivalMs, { payloadType, captureTimeId });
    return true;
  }
  const captureMs = view.getFloat64(at + CAPTURE, true);
  const frame: EncodedAudioFrame = {
    ssrc: view.getUint32(at + SSRC, true),
    payloadType,
    sequenceNumber: view.getInt32(at + SEQUENCE_NUMBER, true),
    rtpTimestamp: view.getUint32(at + RTP_TIMESTAMP, true),
    payload,
    arrivalMs,
    ...(!Number.isNaN(captureMs) && { captureMs }),
  };
  source.release();
  taker.frame(stream, frame);
  return true;
}

function reserve(
  sink: RecordSink,
  kind: number,
  stream: number,
  payload: Uint8Array,
  arrivalMs: number,
  payloadType: number,
): number {
  const at = sink.reserve(kind, BYTES + payload.length);
  if (at < 0) return at;
  const { view, bytes } = sink.memory;
  view.setInt32(at + STREAM, stream, true);
  view.setInt32(at + LENGTH, payload.length, true);
  view.setFloat64(at + ARRIVAL, arrivalMs, true);
  view.setInt32(at + PAYLOAD_TYPE, payloadType, true);
  bytes.set(payload, at + BYTES);
  return at;
}
