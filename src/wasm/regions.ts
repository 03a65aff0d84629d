// Where kernels live whose owner named no arena: one pool of arenas for each realm, because every WebAssembly memory
// reserves gigabytes of address space and a process may have only so many.
import { Arena } from "./arena.ts";

/** Room for some twenty audio streams or four of video, with their clocks. */
const POOL_ARENA_BYTES = 4 * 1024 * 1024;
/** What the neediest kernel asks for, kept free from the start: an arena full of streams has no room left for it. */
const SCRATCH_BYTES = 136 * 1024;

const pool: Arena[] = [];

/** Memory that belongs to one kernel object until it is given back. */
export interface Region {
  readonly arena: Arena;
  /** A multiple of 64. */
  readonly address: number;
}

/**
 * Take a region: from `arena`, or from the realm's pool, or, to be shared with another thread, from a memory of its
 * own, so that the thread sees nothing else.
 * @throws TransportError `LIMIT_EXCEEDED` when the arena is full, `NOT_SUPPORTED` where memory cannot be shared or
 *   WebAssembly is missing
 */
export function claimRegion(byteLength: number, arena?: Arena, shared = arena?.shared ?? false): Region {
  if (arena !== undefined) return { arena, address: arena.allocate(byteLength) };
  if (shared || Arena.bytesFor(byteLength) > POOL_ARENA_BYTES) {
    const own = new Arena({ bytes: Arena.bytesFor(byteLength), shared });
    return { arena: own, address: own.allocate(byteLength) };
  }
  const roomy = pool.find((candidate) => candidate.hasRoomFor(byteLength)) ?? addArena();
  return { arena: roomy, address: roomy.allocate(byteLength) };
}

/** Give a region back. An arena of the pool that stands empty is let go of, except the last one. */
export function releaseRegion({ arena, address }: Region): void {
  arena.free(address);
  const index = pool.indexOf(arena);
  if (index >= 0 && pool.length > 1 && !arena.inUse) pool.splice(index, 1);
}

function addArena(): Arena {
  const arena = new Arena({ bytes: POOL_ARENA_BYTES });
  arena.scratch(SCRATCH_BYTES);
  pool.push(arena);
  return arena;
}
