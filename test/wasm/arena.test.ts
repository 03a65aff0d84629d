import { describe, expect, it } from "vitest";
import { Arena } from "../../src/wasm/arena.ts";
import { createMemory, instantiateKernels } from "../../src/wasm/instantiate.ts";
import { JitterBuffer } from "../../src/wasm/jitter-buffer.ts";
import { rtpPacket, seededRandom } from "./rtp-traffic.ts";

describe("Arena", () => {
  it("carves regions that do not overlap, on cache lines, and never at address 0", () => {
    const arena = new Arena({ bytes: 65_536 });
    const addresses = [arena.allocate(100), arena.allocate(64), arena.allocate(1)];
    expect(addresses).toEqual([1024, 1152, 1216]);
    expect(arena.bytesInUse).toBe(128 + 64 + 64);
  });

  it("gives the region of an ended stream to the next one of equal size", () => {
    const arena = new Arena({ bytes: 65_536 });
    const first = arena.allocate(20_000);
    arena.allocate(20_000);
    arena.free(first);
    expect(arena.allocate(20_000)).toBe(first);
  });

  it("joins neighbours, so that small ends make room for a large one", () => {
    const arena = new Arena({ bytes: 65_536 });
    const regions = [1, 2, 3, 4].map(() => arena.allocate(16_000));
    for (const index of [0, 2, 1, 3]) arena.free(regions[index] as number);
    expect(arena.allocate(64_000)).toBe(1024);
  });

  it("says so when it is full, and works on after something was freed", () => {
    const arena = new Arena({ bytes: 65_536 });
    const region = arena.allocate(60_000);
    expect(() => arena.allocate(10_000)).toThrow(expect.objectContaining({ code: "LIMIT_EXCEEDED" }));
    arena.free(region);
    expect(arena.allocate(10_000)).toBe(1024);
  });

  it("refuses to free what is no region", () => {
    const arena = new Arena({ bytes: 65_536 });
    const region = arena.allocate(64);
    arena.free(region);
    expect(() => arena.free(region)).toThrow(expect.objectContaining({ code: "INVALID_DATA" }));
  });

  it("is empty and whole again after any order of coming and going", () => {
    const arena = new Arena({ bytes: 1 << 20 });
    const random = seededRandom(3);
    const regions: number[] = [];
    for (let i = 0; i < 2000; i++) {
      if (regions.length > 0 && (random() < 0.5 || regions.length > 20)) {
        arena.free(regions.splice(Math.floor(random() * regions.length), 1)[0] as number);
      } else {
        regions.push(arena.allocate(1 + Math.floor(random() * 20_000)));
      }
    }
    for (const region of regions) arena.free(region);
    expect(arena.bytesInUse).toBe(0);
    expect(arena.allocate((1 << 20) - 1024)).toBe(1024);
  });

  it.each([0, -1, Number.NaN, 65 * 1024 * 1024])("refuses a size of %d bytes", (bytes) => {
    expect(() => new Arena({ bytes })).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
  });

  it("keeps streams apart that share it, while others come and go for hours", () => {
    const arena = new Arena({ bytes: 512 * 1024 });
    const stay = new JitterBuffer({ clockRate: 48_000, arena });
    const occupied = arena.bytesInUse;
    for (let n = 0; n < 500; n++) {
      const guest = new JitterBuffer({ clockRate: 48_000, arena });
      guest.insert(
        rtpPacket({ sequenceNumber: 9, rtpTimestamp: 9, payload: new Uint8Array(1000).fill(255) }),
        n * 20,
      );
      stay.insert(
        rtpPacket({ sequenceNumber: n, rtpTimestamp: n * 960, payload: Uint8Array.of(n & 127) }),
        n * 20,
      );
      expect(guest.getStatistics()).toMatchObject({ receivedFrames: 1, currentFrames: 1 });
      guest.close();
      expect(stay.popNext(n * 20 + 50)?.payload).toEqual(Uint8Array.of(n & 127));
    }
    expect(arena.bytesInUse).toBe(occupied);
  });

  it("refuses a buffer that is not as shared as the arena", () => {
    const arena = new Arena({ bytes: 512 * 1024 });
    expect(() => new JitterBuffer({ clockRate: 48_000, arena, shared: true })).toThrow(/shared/);
  });
});

describe("instantiateKernels", () => {
  it("says what is missing when a memory does not fit the kernels", () => {
    const memory = createMemory(65_536, false);
    expect(() => instantiateKernels(memory, true)).toThrow(
      expect.objectContaining({ code: "NOT_SUPPORTED" }),
    );
  });
});
