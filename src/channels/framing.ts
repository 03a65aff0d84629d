// Fragments on the `control` and `data` channels: a 20-byte big-endian header and the bytes after it.
// Pure; a message is one fragment here, and what does not fit that is refused with a reason, never thrown.
import { crc32 } from "./crc32.ts";

/** Bytes before the payload of every fragment. */
export const HEADER_BYTES = 20;

/** Largest serialized message whatever its number of fragments, in bytes. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** Largest fragment with its header; what every WebRTC stack takes (RFC 8841 section 6.1). */
export const MAX_FRAGMENT_BYTES = 65_536;

/** Messages above this many bytes are bulk. */
const NORMAL_CLASS_BYTES = 65_536;

const MAGIC = 0x52;
const VERSION = 1;
const FLAG_LAST = 0b0001;
const FLAG_ABORT = 0b0010;
const CLASS_SHIFT = 2;
const CLASS_MASK = 0b11;

/** What the bytes of a message are. */
export const FRAME_KINDS = { json: 1, binary: 2, text: 3, runtimeData: 4, ack: 5 } as const;

/** See {@link FRAME_KINDS}. */
export type FrameKind = (typeof FRAME_KINDS)[keyof typeof FRAME_KINDS];

/** Order holds within a class: 0 high, 1 normal, 2 bulk. */
export type PriorityClass = 0 | 1 | 2;

/** One fragment as it travels. */
export interface Fragment {
  kind: FrameKind;
  priority: PriorityClass;
  /** The last fragment of its message. */
  last: boolean;
  /** The sender gives the message up; nothing more of it comes. */
  abort: boolean;
  /** Per label and class; from 1, and 1 again after 2^32 - 1. */
  messageId: number;
  /** Bytes of the whole message. */
  total: number;
  /** Where `data` belongs in the message. */
  offset: number;
  /** CRC-32 of the whole message. */
  crc: number;
  data: Uint8Array;
}

/** Why an inbound fragment was dropped. */
export type FramingFault =
  | "too-short"
  | "bad-magic"
  | "bad-version"
  | "bad-kind"
  | "bad-class"
  | "bad-id"
  | "bad-size"
  | "gap"
  | "fragmented"
  | "aborted"
  | "bad-crc";

/** A message of which every byte has arrived. `payload` is a view into what was received. */
export interface WholeMessage {
  kind: FrameKind;
  priority: PriorityClass;
  messageId: number;
  payload: Uint8Array;
}

/** The class a message has by its channel and size: control is high, up to 64 KiB normal, more is bulk. */
export function classOf(label: string, bytes: number): PriorityClass {
  if (label === "control") return 0;
  return bytes <= NORMAL_CLASS_BYTES ? 1 : 2;
}

/** The bytes a message may have when one fragment must hold it. @param remoteMax 0: the other side has no limit */
export function payloadLimit(remoteMax: number): number {
  const fragment = remoteMax > 0 ? Math.min(MAX_FRAGMENT_BYTES, remoteMax) : MAX_FRAGMENT_BYTES;
  return Math.max(0, fragment - HEADER_BYTES);
}

/** Message ids of one label: each class counts on its own, from 1, and wraps to 1. */
export class MessageIds {
  readonly #last: [number, number, number];

  /** @param last id used last in every class; 0 for none */
  constructor(last = 0) {
    this.#last = [last, last, last];
  }

  next(priority: PriorityClass): number {
    const id = this.#last[priority] >= 0xffffffff ? 1 : this.#last[priority] + 1;
    this.#last[priority] = id;
    return id;
  }
}

/** The bytes of one fragment; the caller vouches for its fields. */
export function encodeFragment(fragment: Fragment): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + fragment.data.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, MAGIC);
  view.setUint8(1, VERSION);
  view.setUint8(2, fragment.kind);
  const ends = (fragment.last ? FLAG_LAST : 0) | (fragment.abort ? FLAG_ABORT : 0);
  view.setUint8(3, ends | (fragment.priority << CLASS_SHIFT));
  view.setUint32(4, fragment.messageId);
  view.setUint32(8, fragment.total);
  view.setUint32(12, fragment.offset);
  view.setUint32(16, fragment.crc);
  bytes.set(fragment.data, HEADER_BYTES);
  return bytes;
}

/** A whole message as a single fragment. */
export function encodeMessageFragment(
  kind: FrameKind,
  priority: PriorityClass,
  messageId: number,
  payload: Uint8Array,
): Uint8Array {
  const crc = crc32(payload);
  const total = payload.length;
  return encodeFragment({
    kind,
    priority,
    last: true,
    abort: false,
    messageId,
    total,
    offset: 0,
    crc,
    data: payload,
  });
}

/** Read one fragment; what its fields claim is consistent in itself. `data` is a view into `bytes`. */
export function decodeFragment(bytes: Uint8Array): Fragment | FramingFault {
  if (bytes.length < HEADER_BYTES) return "too-short";
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint8(0) !== MAGIC) return "bad-magic";
  if (view.getUint8(1) !== VERSION) return "bad-version";
  const kind = view.getUint8(2);
  if (!isFrameKind(kind)) return "bad-kind";
  const flags = view.getUint8(3);
  const priority = (flags >> CLASS_SHIFT) & CLASS_MASK;
  if (priority > 2) return "bad-class";
  const messageId = view.getUint32(4);
  if (messageId === 0) return "bad-id";
  const total = view.getUint32(8);
  const offset = view.getUint32(12);
  const data = bytes.subarray(HEADER_BYTES);
  if (total > MAX_MESSAGE_BYTES || offset + data.length > total) return "bad-size";
  const last = (flags & FLAG_LAST) !== 0;
  if (last && offset + data.length < total && (flags & FLAG_ABORT) === 0) return "gap";
  return {
    kind,
    priority: priority as PriorityClass,
    last,
    abort: (flags & FLAG_ABORT) !== 0,
    messageId,
    total,
    offset,
    crc: view.getUint32(16),
    data,
  };
}

/** Read a message that came as one fragment. */
export function decodeMessageFragment(bytes: Uint8Array): WholeMessage | FramingFault {
  const fragment = decodeFragment(bytes);
  if (typeof fragment === "string") return fragment;
  const { kind, priority, messageId, data } = fragment;
  if (fragment.abort) return "aborted";
  if (!fragment.last || fragment.offset > 0) return "fragmented";
  if (crc32(data) !== fragment.crc) return "bad-crc";
  return { kind, priority, messageId, payload: data };
}

function isFrameKind(kind: number): kind is FrameKind {
  return kind >= FRAME_KINDS.json && kind <= FRAME_KINDS.ack;
}
