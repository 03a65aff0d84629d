// The packet status chunks of transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01, section
// 3.1.2 on): runs of one status, or vectors of 14 one-bit or 7 two-bit statuses, 16 bits each. Pure.
import type { RtcpRefusal } from "./header.ts";

/** Had not come. The values of the statuses are the bytes of the time step that each has. */
export const STATUS_LOST = 0;

/** Came; one byte tells the step. */
export const STATUS_SMALL = 1;

/** Came; two bytes tell the step, which may be negative. */
export const STATUS_LARGE = 2;

const STATUS_RESERVED = 3;

const MAX_RUN = 0x1fff;
const ONE_BIT_STATUSES = 14;
const TWO_BIT_STATUSES = 7;
const VECTOR = 0x8000;
const TWO_BIT = 0x4000;

/** The chunks of a packet, checked when made and expanded only on demand: a run of two bytes may stand for 8191. */
export class StatusChunks {
  /** Why they cannot be read; undefined when sound. */
  readonly refusal: RtcpRefusal | undefined;
  /** Where they end in the body. */
  readonly endOffset: number;
  /** Bytes of time steps that they announce. */
  readonly stepBytes: number;
  readonly #body: DataView;
  readonly #start: number;
  readonly #statusCount: number;

  /** @param start offset of the first chunk in `body` */
  constructor(body: DataView, start: number, statusCount: number) {
    this.#body = body;
    this.#start = start;
    this.#statusCount = statusCount;
    let at = start;
    let stepBytes = 0;
    let refusal: RtcpRefusal | undefined;
    for (let left = statusCount; left > 0 && refusal === undefined; at += 2) {
      if (at + 2 > body.byteLength) {
        refusal = "truncatedBody";
        break;
      }
      const chunk = body.getUint16(at);
      const length = Math.min(left, lengthOf(chunk));
      if ((chunk & VECTOR) === 0) {
        if (statusAt(chunk, 0) === STATUS_RESERVED) refusal = "reservedStatus";
        stepBytes += statusAt(chunk, 0) * length;
      } else {
        for (let index = 0; index < length; index++) {
          if (statusAt(chunk, index) === STATUS_RESERVED) refusal = "reservedStatus";
          stepBytes += statusAt(chunk, index);
        }
      }
      left -= length;
    }
    this.refusal = refusal;
    this.endOffset = at;
    this.stepBytes = stepBytes;
  }

  /** Tell every packet that came: its distance from the first one reported on, and its status. */
  forEachReceived(tell: (offset: number, status: number) => void): void {
    let at = this.#start;
    for (let offset = 0; offset < this.#statusCount; at += 2) {
      const chunk = this.#body.getUint16(at);
      const length = Math.min(this.#statusCount - offset, lengthOf(chunk));
      const lost = (chunk & VECTOR) === 0 && statusAt(chunk, 0) === STATUS_LOST;
      for (let index = 0; index < length && !lost; index++) {
        const status = statusAt(chunk, index);
        if (status !== STATUS_LOST) tell(offset + index, status);
      }
      offset += length;
    }
  }
}

function lengthOf(chunk: number): number {
  if ((chunk & VECTOR) === 0) return chunk & MAX_RUN;
  return (chunk & TWO_BIT) === 0 ? ONE_BIT_STATUSES : TWO_BIT_STATUSES;
}

function statusAt(chunk: number, index: number): number {
  if ((chunk & VECTOR) === 0) return (chunk >> 13) & 3;
  if ((chunk & TWO_BIT) === 0) return (chunk >> (ONE_BIT_STATUSES - 1 - index)) & 1;
  return (chunk >> (2 * (TWO_BIT_STATUSES - 1 - index))) & 3;
}

/**
 * Chunks for a line of statuses, as few as possible, found from the end backwards: from each place the best of a run
 * and the two vectors. A run may be cut by up to 13, so that the vector behind it ends before a status it cannot hold;
 * to cut more would leave that vector nothing but the run.
 */
export function fewestChunks(statuses: Uint8Array): number[] {
  const count = statuses.length;
  const fewest = new Uint16Array(count + 1);
  /** Length of the best chunk at each place; negative for a vector. */
  const choice = new Int16Array(count);
  let run = 0;
  let plain = 0;
  for (let at = count - 1; at >= 0; at--) {
    run = at + 1 < count && statuses[at] === statuses[at + 1] ? run + 1 : 1;
    plain = statuses[at] === STATUS_LARGE ? 0 : plain + 1;
    let best = Infinity;
    const consider = (length: number, mark: number): void => {
      const chunks = 1 + (fewest[Math.min(count, at + length)] ?? 0);
      if (chunks >= best) return;
      best = chunks;
      choice[at] = mark;
    };
    const longest = Math.min(run, MAX_RUN);
    for (let cut = 0; cut < ONE_BIT_STATUSES && cut < longest; cut++) consider(longest - cut, longest - cut);
    if (plain >= Math.min(ONE_BIT_STATUSES, count - at)) consider(ONE_BIT_STATUSES, -ONE_BIT_STATUSES);
    consider(TWO_BIT_STATUSES, -TWO_BIT_STATUSES);
    fewest[at] = best;
  }
  const chunks: number[] = [];
  for (let at = 0; at < count; at += Math.abs(choice[at] ?? count)) {
    chunks.push(writeChunk(statuses, at, choice[at] ?? 0));
  }
  return chunks;
}

function writeChunk(statuses: Uint8Array, at: number, choice: number): number {
  if (choice > 0) return ((statuses[at] ?? 0) << 13) | choice;
  const bits = choice === -TWO_BIT_STATUSES ? 2 : 1;
  let chunk = VECTOR | (bits === 2 ? TWO_BIT : 0);
  for (let index = 0; index < -choice; index++) {
    chunk |= (statuses[at + index] ?? STATUS_LOST) << (bits * (-choice - 1 - index));
  }
  return chunk;
}
