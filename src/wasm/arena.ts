// One memory with its kernels and its only allocator. The kernels allocate nothing; JavaScript carves the memory into
// regions here and takes them back, so streams may come and go for hours. The memory never grows.
import { TransportError } from "../errors/errors.ts";
import type { KernelExports } from "./generated/kernels.ts";
import { createMemory, instantiateKernels } from "./instantiate.ts";

/** Address 0 means "none" to the kernels; everything below this stays unused (asconfig.json `memoryBase`). */
const FIRST_ADDRESS = 1024;
/** A cache line: regions written by different threads never share one. */
const ALIGNMENT = 64;
/** Ten peers with audio and video take 6 MB. */
const DEFAULT_BYTES = 8 * 1024 * 1024;

/** Settings of an {@link Arena}. */
export interface ArenaOptions {
  /** Size of the memory, fixed for its life; 1024 to 67,108,864, rounded up to 64 KiB. Default 8 MiB. */
  bytes?: number;
  /** Whether other threads may see the memory. Default false. */
  shared?: boolean;
}

interface Hole {
  address: number;
  byteLength: number;
}

/** A fixed memory carved into 64-byte-aligned regions. */
export class Arena {
  readonly memory: WebAssembly.Memory;
  readonly shared: boolean;
  readonly kernels: KernelExports;
  /** The whole memory and views over it, valid for its life. */
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  /** Free ranges by rising address; neighbours are merged. */
  readonly #holes: Hole[];
  readonly #regions = new Map<number, number>();
  #bytesInUse = 0;
  /** Lent to whichever kernel is at work; taken at first need. */
  #scratch: { address: number; byteLength: number } | undefined;

  /** @throws TransportError `INVALID_CONFIG` or `NOT_SUPPORTED`, see {@link createMemory} */
  constructor({ bytes = DEFAULT_BYTES, shared = false }: ArenaOptions = {}) {
    this.shared = shared;
    this.memory = createMemory(bytes, shared);
    this.kernels = instantiateKernels(this.memory, shared);
    this.buffer = this.memory.buffer;
    this.bytes = new Uint8Array(this.buffer);
    this.words = new Int32Array(this.buffer);
    this.doubles = new Float64Array(this.buffer);
    this.#holes = [{ address: FIRST_ADDRESS, byteLength: this.bytes.length - FIRST_ADDRESS }];
  }

  /** Bytes an arena needs to hold one region of `byteLength`. */
  static bytesFor(byteLength: number): number {
    return FIRST_ADDRESS + aligned(byteLength);
  }

  /** Bytes in regions, alignment included. */
  get bytesInUse(): number {
    return this.#bytesInUse;
  }

  /** Whether any region is in use; the scratch space does not count. */
  get inUse(): boolean {
    return this.#regions.size > (this.#scratch === undefined ? 0 : 1);
  }

  /** Whether {@link allocate} would succeed. */
  hasRoomFor(byteLength: number): boolean {
    const need = aligned(byteLength);
    return this.#holes.some((hole) => hole.byteLength >= need);
  }

  /**
   * Space that every kernel of this arena may use during one call. Its content means nothing before and after.
   * @returns its address, a multiple of 64; another one after a call that asked for more
   * @throws TransportError `LIMIT_EXCEEDED` when no free range is long enough
   */
  scratch(byteLength: number): number {
    const current = this.#scratch;
    if (current !== undefined && current.byteLength >= byteLength) return current.address;
    if (current !== undefined) this.free(current.address);
    this.#scratch = undefined;
    const address = this.allocate(byteLength);
    this.#scratch = { address, byteLength };
    return address;
  }

  /**
   * Take a region. Its content is whatever was there before.
   * @returns its address, a multiple of 64
   * @throws TransportError `LIMIT_EXCEEDED` when no free range is long enough
   */
  allocate(byteLength: number): number {
    const need = aligned(byteLength);
    const index = this.#holes.findIndex((hole) => hole.byteLength >= need);
    const hole = this.#holes[index];
    if (hole === undefined) {
      throw new TransportError("LIMIT_EXCEEDED", `the arena has no ${need} bytes left in one piece`, {
        suggestion: "Close streams that are over, or create the arena with more bytes.",
        details: { bytesInUse: this.#bytesInUse, bytes: this.bytes.length },
      });
    }
    const { address } = hole;
    hole.address += need;
    hole.byteLength -= need;
    if (hole.byteLength === 0) this.#holes.splice(index, 1);
    this.#regions.set(address, need);
    this.#bytesInUse += need;
    return address;
  }

  /**
   * Give a region back; nobody may use it any more.
   * @throws TransportError `INVALID_DATA` when `address` is not a region in use
   */
  free(address: number): void {
    const byteLength = this.#regions.get(address);
    if (byteLength === undefined) {
      throw new TransportError("INVALID_DATA", `address must be that of a region in use, got ${address}`);
    }
    this.#regions.delete(address);
    this.#bytesInUse -= byteLength;
    const after = this.#holes.findIndex((hole) => hole.address > address);
    const index = after === -1 ? this.#holes.length : after;
    this.#holes.splice(index, 0, { address, byteLength });
    this.#merge(index);
    this.#merge(index - 1);
  }

  // Join the hole at `index` with its right neighbour if they touch.
  #merge(index: number): void {
    const left = this.#holes[index];
    const right = this.#holes[index + 1];
    if (left === undefined || right === undefined || left.address + left.byteLength !== right.address) return;
    left.byteLength += right.byteLength;
    this.#holes.splice(index + 1, 1);
  }
}

function aligned(byteLength: number): number {
  return Math.ceil(byteLength / ALIGNMENT) * ALIGNMENT;
}
