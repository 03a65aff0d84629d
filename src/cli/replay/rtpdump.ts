// Files of rtpdump and rtpplay, "#!rtpplay1.0": a line of text, a binary header, records of RTP or RTCP packets. Format as
// in rtptools (github.com/irtlab/rtptools, rtpdump(1) and rtp.h). All numbers are in network byte order.
import { TraceError } from "./trace-error.ts";

const MAGIC = "#!rtpplay1.0 ";
const NEWLINE = 10;
/** Start of the recording (8), source address (4), port (2), padding (2). */
const HEADER_BYTES = 16;
/** Record length, packet length, ms since the start. */
const RECORD_HEADER_BYTES = 8;
/** "#!rtpplay1.0 address/port": names may stand for the address, but a line longer than this is none. */
const MAX_LINE_BYTES = 512;

/** A packet as it stands in a dump. */
export interface DumpedPacket {
  /** A view. */
  readonly bytes: Uint8Array;
  readonly arrivalMs: number;
  /** What the record says it is; without any bytes it only says that nothing was sent (libwebrtc marks silence so). */
  readonly kind: "rtp" | "rtcp" | "empty";
  /** The dump holds only its beginning. */
  readonly snapped: boolean;
}

/** Whether a file begins as a dump does. */
export function isRtpdump(bytes: Uint8Array): boolean {
  return bytes.length >= MAGIC.length && [...MAGIC].every((char, i) => bytes[i] === char.charCodeAt(0));
}

/**
 * The packets of a dump, in the order of the file.
 * @throws TraceError when the header or a record is cut off or contradicts itself
 */
export function* readRtpdump(bytes: Uint8Array): Generator<DumpedPacket> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const lineEnd = bytes.subarray(0, MAX_LINE_BYTES).indexOf(NEWLINE);
  if (lineEnd < 0) throw new TraceError(0, "the first line of the rtpdump file does not end");
  let offset = lineEnd + 1 + HEADER_BYTES;
  if (offset > bytes.length) throw new TraceError(lineEnd + 1, "the header of the rtpdump file is cut off");
  while (offset < bytes.length) {
    const left = bytes.length - offset;
    if (left < RECORD_HEADER_BYTES)
      throw new TraceError(offset, "the header of an rtpdump record is cut off");
    const length = view.getUint16(offset);
    const packetLength = view.getUint16(offset + 2);
    if (length < RECORD_HEADER_BYTES) {
      throw new TraceError(offset, `an rtpdump record of ${length} bytes is shorter than its own header`);
    }
    if (length > left) {
      throw new TraceError(offset, `an rtpdump record is cut off: ${left} of ${length} bytes are there`);
    }
    const room = length - RECORD_HEADER_BYTES;
    // A packet length of 0 marks RTCP; one beyond the record, an RTP packet of which only the beginning was kept.
    const control = packetLength === 0;
    const start = offset + RECORD_HEADER_BYTES;
    yield {
      bytes: bytes.subarray(start, start + (control ? room : Math.min(packetLength, room))),
      arrivalMs: view.getUint32(offset + 4),
      kind: room === 0 ? "empty" : control ? "rtcp" : "rtp",
      snapped: packetLength > room,
    };
    offset += length;
  }
}
