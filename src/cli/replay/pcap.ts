// Classic capture files of libpcap (draft-ietf-opsawg-pcap): a header, then one record per frame. Both byte orders, micro-
// and nanoseconds.
import { TraceError } from "./trace-error.ts";

/** A frame of the link layer as it was captured. */
export interface CapturedFrame {
  /** Where its record begins in the file. */
  readonly byteOffset: number;
  /** LINKTYPE_* of the interface. */
  readonly linkType: number;
  /** What was kept of it; a view. */
  readonly bytes: Uint8Array;
  /** When it was captured: whole seconds, and the rest in [0, 1), apart because a double has no room for both. */
  readonly seconds: number;
  readonly fraction: number;
}

const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const MAGIC_NANOSECONDS = 0xa1b23c4d;
const HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
/** The upper bits tell of a frame check sequence, which the lengths inside the frame cut off anyway. */
const LINK_TYPE_MASK = 0xffff;
const LINK_TYPE_OFFSET = 20;

/** Whether a file begins as a capture does, and how its numbers are stored. */
function formatOf(view: DataView): { littleEndian: boolean; unitsPerSecond: number } | undefined {
  if (view.byteLength < 4) return undefined;
  for (const littleEndian of [true, false]) {
    const magic = view.getUint32(0, littleEndian);
    if (magic === MAGIC_MICROSECONDS) return { littleEndian, unitsPerSecond: 1e6 };
    if (magic === MAGIC_NANOSECONDS) return { littleEndian, unitsPerSecond: 1e9 };
  }
  return undefined;
}

/** Whether a file begins as a capture of libpcap does. */
export function isPcap(bytes: Uint8Array): boolean {
  return formatOf(viewOf(bytes)) !== undefined;
}

/**
 * The frames of a capture, in the order of the file.
 * @param knows whether frames of a link type can be read at all
 * @throws TraceError when the header or a record is cut off, or nobody knows the link type
 */
export function* readPcap(bytes: Uint8Array, knows: (linkType: number) => boolean): Generator<CapturedFrame> {
  const view = viewOf(bytes);
  const format = formatOf(view);
  if (format === undefined) throw new TraceError(0, "not a pcap file");
  if (bytes.length < HEADER_BYTES) throw new TraceError(0, "the header of the pcap file is cut off");
  const { littleEndian, unitsPerSecond } = format;
  const linkType = view.getUint32(LINK_TYPE_OFFSET, littleEndian) & LINK_TYPE_MASK;
  if (!knows(linkType)) throw new TraceError(LINK_TYPE_OFFSET, `link type ${linkType} is not supported`);
  let offset = HEADER_BYTES;
  while (offset < bytes.length) {
    const left = bytes.length - offset - RECORD_HEADER_BYTES;
    if (left < 0) throw new TraceError(offset, "the header of a pcap record is cut off");
    const length = view.getUint32(offset + 8, littleEndian);
    if (length > left) {
      throw new TraceError(
        offset,
        `a pcap record is cut off: ${left} of ${length} bytes of its frame are there`,
      );
    }
    const start = offset + RECORD_HEADER_BYTES;
    yield {
      byteOffset: offset,
      linkType,
      bytes: bytes.subarray(start, start + length),
      seconds: view.getUint32(offset, littleEndian),
      fraction: view.getUint32(offset + 4, littleEndian) / unitsPerSecond,
    };
    offset = start + length;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
