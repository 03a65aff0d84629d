// The descriptor in front of each VP9 payload (RFC 9628 section 4.2), in flexible and non-flexible mode. All of it is gone
// through; kept is what frames are put together by. Structures of layers (TL0PICIDX, groups of pictures) are not: a frame
// without references of its own counts as predicted from the one before, which is never too few. Never throws.
import type { VideoPayloadRefusal } from "../video-payload.ts";

/** What is kept of a descriptor. */
export interface Vp9Descriptor {
  /** Where the frame's bytes begin in the payload. */
  length: number;
  /** Begins a frame of a layer (B). */
  beginsFrame: boolean;
  /** Ends a frame of a layer (E). */
  endsFrame: boolean;
  /** Predicted from earlier pictures (P). */
  predicted: boolean;
  /** Has indices of layers (L). */
  layered: boolean;
  pictureId: number | undefined;
  pictureIdBits: 7 | 15 | undefined;
  /** In flexible mode (F) and predicted: one to three. */
  references: number[] | undefined;
  temporalLayer: number;
  spatialLayer: number;
  /** Pixels of the largest layer; 0 where the structure, if there is one, does not tell (V, Y). */
  width: number;
  height: number;
}

const PICTURE_ID = 0x80; // I
const PREDICTED = 0x40; // P
const LAYERED = 0x20; // L
const FLEXIBLE = 0x10; // F
const FRAME_BEGIN = 0x08; // B
const FRAME_END = 0x04; // E
const STRUCTURE = 0x02; // V
const LONG_PICTURE_ID = 0x80; // M
const MORE_REFERENCES = 0x01; // N
const MAX_REFERENCES = 3;
const SIZES = 0x10; // Y
const GROUP = 0x08; // G
const SIZE_BYTES = 4;

/** Read the descriptor of a payload that is not empty. */
export function readVp9Descriptor(payload: Uint8Array): Vp9Descriptor | VideoPayloadRefusal {
  const flags = payload[0] ?? 0;
  const isFlexible = (flags & FLEXIBLE) !== 0;
  const descriptor: Vp9Descriptor = {
    length: 1,
    beginsFrame: (flags & FRAME_BEGIN) !== 0,
    endsFrame: (flags & FRAME_END) !== 0,
    predicted: (flags & PREDICTED) !== 0,
    layered: (flags & LAYERED) !== 0,
    pictureId: undefined,
    pictureIdBits: undefined,
    references: undefined,
    temporalLayer: 0,
    spatialLayer: 0,
    width: 0,
    height: 0,
  };
  // References are told relative to it.
  if (isFlexible && (flags & PICTURE_ID) === 0) return "reserved";
  if ((flags & PICTURE_ID) !== 0) readPictureId(payload, descriptor);
  if (descriptor.layered) readLayers(payload, descriptor, isFlexible);
  if (isFlexible && descriptor.predicted && !readReferences(payload, descriptor)) return "reserved";
  if ((flags & STRUCTURE) !== 0) readStructure(payload, descriptor);
  // Missing bytes read as zeros, which ends every list; so it is enough to see here how far that went.
  return descriptor.length > payload.length ? "truncated" : descriptor;
}

/** The next byte, 0 beyond the end. */
function next(payload: Uint8Array, descriptor: Vp9Descriptor): number {
  return payload[descriptor.length++] ?? 0;
}

function readPictureId(payload: Uint8Array, descriptor: Vp9Descriptor): void {
  const first = next(payload, descriptor);
  const isLong = (first & LONG_PICTURE_ID) !== 0;
  const id = first & ~LONG_PICTURE_ID;
  descriptor.pictureId = isLong ? (id << 8) | next(payload, descriptor) : id;
  descriptor.pictureIdBits = isLong ? 15 : 7;
}

/** T, U, S, D, and TL0PICIDX in non-flexible mode. */
function readLayers(payload: Uint8Array, descriptor: Vp9Descriptor, isFlexible: boolean): void {
  const layers = next(payload, descriptor);
  descriptor.temporalLayer = layers >> 5;
  descriptor.spatialLayer = (layers >> 1) & 0x07;
  if (!isFlexible) descriptor.length++;
}

/** Returns false if there is one too many, or one that is the picture itself. */
function readReferences(payload: Uint8Array, descriptor: Vp9Descriptor): boolean {
  const references: number[] = [];
  descriptor.references = references;
  for (let count = 0; count < MAX_REFERENCES; count++) {
    const reference = next(payload, descriptor);
    if (descriptor.length > payload.length) return true;
    if (reference >> 1 === 0) return false;
    references.push(reference >> 1);
    if ((reference & MORE_REFERENCES) === 0) return true;
  }
  return false;
}

/** The scalability structure (section 4.2.1): N_S, sizes of layers, and groups of pictures, which are skipped. */
function readStructure(payload: Uint8Array, descriptor: Vp9Descriptor): void {
  const head = next(payload, descriptor);
  const layers = (head >> 5) + 1;
  if ((head & SIZES) !== 0) {
    descriptor.length += (layers - 1) * SIZE_BYTES;
    descriptor.width = (next(payload, descriptor) << 8) | next(payload, descriptor);
    descriptor.height = (next(payload, descriptor) << 8) | next(payload, descriptor);
  }
  if ((head & GROUP) === 0) return;
  let pictures = next(payload, descriptor);
  for (; pictures > 0 && descriptor.length < payload.length; pictures--) {
    const picture = next(payload, descriptor);
    descriptor.length += (picture >> 2) & 0x03; // R: so many P_DIFF follow.
  }
  // Fewer than announced: whatever they are, there is at least a byte of each.
  descriptor.length += pictures;
}
