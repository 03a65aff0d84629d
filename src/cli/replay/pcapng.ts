// Capture files of the next generation (draft-ietf-opsawg-pcapng): blocks in sections, each section with its own byte
// order and interfaces. Blocks other than packets and interfaces are passed over.
import type { CapturedFrame } from "./pcap.ts";
import { TraceError } from "./trace-error.ts";

const BLOCK_SECTION = 0x0a0d0d0a; // the same in both byte orders
const BLOCK_INTERFACE = 1;
const BLOCK_OBSOLETE_PACKET = 2;
const BLOCK_SIMPLE_PACKET = 3;
const BLOCK_ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

/** Type and length before the body, and the length once more behind it. */
const MIN_BLOCK_BYTES = 12;
const SECTION_MIN_BYTES = 28;
const INTERFACE_MIN_BYTES = 20;
/** Both packet blocks with a time have their fields at the same places. */
const PACKET_DATA_OFFSET = 28;

const OPTION_END = 0;
const OPTION_TIME_RESOLUTION = 9;
const OPTION_TIME_OFFSET = 14;
const DEFAULT_UNITS_PER_SECOND = 1_000_000n;

interface Interface {
  readonly linkType: number;
  readonly unitsPerSecond: bigint;
  /** Seconds to add to every time. */
  readonly offsetSeconds: number;
}

interface Block {
  readonly offset: number;
  readonly length: number;
  readonly view: DataView;
  readonly littleEndian: boolean;
}

/** Whether a file begins as a capture of this kind does. */
export function isPcapng(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) === BLOCK_SECTION;
}

/**
 * The frames of a capture, in the order of the file.
 * @param onUntimed called for each frame that carries no time and is left out: those of simple packet blocks
 * @throws TraceError when a block is cut off, contradicts itself or names an interface nobody described
 */
export function* readPcapng(bytes: Uint8Array, onUntimed: () => void): Generator<CapturedFrame> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let interfaces: Interface[] = [];
  let littleEndian = false;
  for (let offset = 0; offset < bytes.length;) {
    if (bytes.length - offset < MIN_BLOCK_BYTES) throw new TraceError(offset, "a pcapng block is cut off");
    const isSection = view.getUint32(offset) === BLOCK_SECTION;
    if (isSection) littleEndian = byteOrder(view, offset);
    const type = view.getUint32(offset, littleEndian);
    const block = { offset, view, littleEndian, length: blockLength(view, offset, littleEndian) };
    if (isSection) {
      if (block.length < SECTION_MIN_BYTES)
        throw new TraceError(offset, "a pcapng section header is too short");
      interfaces = [];
    } else if (type === BLOCK_INTERFACE) interfaces.push(readInterface(block));
    else if (type === BLOCK_SIMPLE_PACKET) onUntimed();
    else if (type === BLOCK_ENHANCED_PACKET || type === BLOCK_OBSOLETE_PACKET) {
      // The obsolete block has a count of drops in the upper half of the interface's number.
      const index = type === BLOCK_ENHANCED_PACKET ? u32(block, 8) : view.getUint16(offset + 8, littleEndian);
      yield readPacket(bytes, block, interfaces[index], index);
    }
    offset += block.length;
  }
}

function byteOrder(view: DataView, offset: number): boolean {
  if (view.getUint32(offset + 8, true) === BYTE_ORDER_MAGIC) return true;
  if (view.getUint32(offset + 8, false) === BYTE_ORDER_MAGIC) return false;
  throw new TraceError(offset, "a pcapng section header has no byte-order magic");
}

/** The length of a block, once it is sure that the block lies within the file and says the same length at its end. */
function blockLength(view: DataView, offset: number, littleEndian: boolean): number {
  const length = view.getUint32(offset + 4, littleEndian);
  const left = view.byteLength - offset;
  if (length < MIN_BLOCK_BYTES || length % 4 !== 0) {
    throw new TraceError(offset, `a pcapng block cannot be ${length} bytes long`);
  }
  if (length > left) {
    throw new TraceError(offset, `a pcapng block is cut off: ${left} of ${length} bytes are there`);
  }
  const again = view.getUint32(offset + length - 4, littleEndian);
  if (again !== length) {
    throw new TraceError(offset, `a pcapng block gives its length as ${length} and, at its end, as ${again}`);
  }
  return length;
}

function u32({ view, offset, littleEndian }: Block, at: number): number {
  return view.getUint32(offset + at, littleEndian);
}

function readInterface(block: Block): Interface {
  const { view, offset, length, littleEndian } = block;
  if (length < INTERFACE_MIN_BYTES)
    throw new TraceError(offset, "a pcapng interface description is too short");
  const linkType = view.getUint16(offset + 8, littleEndian);
  let unitsPerSecond = DEFAULT_UNITS_PER_SECOND;
  let offsetSeconds = 0;
  const end = offset + length - 4;
  for (let at = offset + 16; at + 4 <= end;) {
    const code = view.getUint16(at, littleEndian);
    const size = view.getUint16(at + 2, littleEndian);
    const value = at + 4;
    if (code === OPTION_END) break;
    if (value + size > end) throw new TraceError(offset, "an option of a pcapng interface is cut off");
    if (code === OPTION_TIME_RESOLUTION && size >= 1) unitsPerSecond = resolution(view.getUint8(value));
    if (code === OPTION_TIME_OFFSET && size >= 8) {
      offsetSeconds = Number(view.getBigInt64(value, littleEndian));
    }
    at = value + size + ((4 - (size % 4)) % 4); // values are padded to 32 bits
  }
  return { linkType, unitsPerSecond, offsetSeconds };
}

/** Units a second of an `if_tsresol`: a negative power of 2 when the highest bit is set, else of 10. */
function resolution(value: number): bigint {
  return (value & 0x80) !== 0 ? 2n ** BigInt(value & 0x7f) : 10n ** BigInt(value);
}

function readPacket(
  bytes: Uint8Array,
  block: Block,
  from: Interface | undefined,
  index: number,
): CapturedFrame {
  const { offset, length } = block;
  const room = length - PACKET_DATA_OFFSET - 4;
  if (room < 0) throw new TraceError(offset, "a pcapng packet block is too short");
  if (from === undefined) {
    throw new TraceError(offset, `a pcapng packet names interface ${index}, which is not described`);
  }
  const captured = u32(block, 20);
  if (captured > room) {
    throw new TraceError(offset, `a pcapng packet of ${captured} bytes does not fit its block of ${length}`);
  }
  const units = (BigInt(u32(block, 12)) << 32n) | BigInt(u32(block, 16));
  const start = offset + PACKET_DATA_OFFSET;
  return {
    byteOffset: offset,
    linkType: from.linkType,
    bytes: bytes.subarray(start, start + captured),
    seconds: Number(units / from.unitsPerSecond) + from.offsetSeconds,
    fraction: Number(units % from.unitsPerSecond) / Number(from.unitsPerSecond),
  };
}
