// What the caller hands in must be of the right form; what the network put into it is judged elsewhere. Pure.
import { TransportError } from "../errors/errors.ts";
import type { ReceivedAudioFrame, ReceivedVideoFrame } from "./sync-types.ts";

/** @throws TransportError `INVALID_DATA` naming the first field that is wrong */
export function checkAudioFrame(frame: ReceivedAudioFrame<unknown>): void {
  checkStamps(frame);
  if (frame.captureUs !== undefined && !Number.isFinite(frame.captureUs)) {
    refuse("captureUs", "a finite number of microseconds", frame.captureUs);
  }
  if (!isU16(frame.rtpSequence)) refuse("rtpSequence", "a 16-bit number", frame.rtpSequence);
  const { samples, channels = 1, payloadSize } = frame;
  if (!(payloadSize >= 0)) refuse("payloadSize", "a number of bytes", payloadSize);
  if (channels !== 1 && channels !== 2) refuse("channels", "1 or 2", channels);
  if (samples instanceof Float32Array && samples.length % channels !== 0) {
    refuse("samples", `a multiple of ${channels} values`, samples.length);
  }
}

/** @throws TransportError `INVALID_DATA` naming the first field that is wrong */
export function checkVideoFrame(frame: ReceivedVideoFrame): void {
  checkStamps(frame);
  const { rtpSequence, planes } = frame;
  if (rtpSequence !== null && !isU16(rtpSequence)) {
    refuse("rtpSequence", "a 16-bit number or null", rtpSequence);
  }
  if (!Array.isArray(planes)) refuse("planes", "an array", planes);
}

/** @throws TransportError `INVALID_DATA` unless `value` is finite */
export function checkMs(name: string, value: number): void {
  if (!Number.isFinite(value)) refuse(name, "a finite number of milliseconds", value);
}

/** @throws TransportError `INVALID_DATA` unless `value` is a number of samples, 0 or more */
export function checkSamples(name: string, value: number): void {
  if (!(Number.isFinite(value) && value >= 0)) refuse(name, "a number of samples, 0 or more", value);
}

function checkStamps(frame: ReceivedAudioFrame<unknown> | ReceivedVideoFrame): void {
  if (typeof frame !== "object" || frame === null) refuse("frame", "an object", frame);
  const { rtpTimestamp, receivedAt, ssrc, captureNtp } = frame;
  if (rtpTimestamp >>> 0 !== rtpTimestamp) refuse("rtpTimestamp", "a 32-bit number", rtpTimestamp);
  checkMs("receivedAt", receivedAt);
  if (ssrc !== undefined && ssrc >>> 0 !== ssrc) refuse("ssrc", "a 32-bit number", ssrc);
  if (captureNtp !== undefined && typeof captureNtp !== "bigint") {
    refuse("captureNtp", "a bigint", captureNtp);
  }
}

function isU16(value: number): boolean {
  return (value & 0xffff) === value;
}

function refuse(name: string, expected: string, value: unknown): never {
  throw new TransportError("INVALID_DATA", `${name} must be ${expected}, got ${String(value)}`);
}
