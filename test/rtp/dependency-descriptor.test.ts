// Dependency descriptors, read bit by bit as the AV1 RTP specification, appendix A.8, says.
import { describe, expect, it } from "vitest";
import { buildDependency, MAX_DEPENDENCY_BYTES } from "../../src/rtp/dependency-descriptor.ts";
import type { FrameDependency } from "../../src/rtp/dependency-descriptor.ts";

const DELTA: FrameDependency = { frameNumber: 5, isKeyframe: false, isStart: true, isEnd: false };

/** The fields of a structure with one decode target, by name. */
function structureOf(bytes: Uint8Array): unknown {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  let at = 24;
  const read = (length: number): number => parseInt(bits.slice(at, (at += length)), 2);
  const flags = [read(1), read(1), read(1), read(1), read(1)];
  const offset = read(6);
  const targets = read(5) + 1;
  const layers: number[] = [];
  do layers.push(read(2));
  while (layers.at(-1) !== 3 && layers.length < 64);
  const indications = layers.map(() => read(2));
  const references = layers.map(() => {
    const back: number[] = [];
    while (read(1) === 1) back.push(read(4) + 1);
    return back;
  });
  const chains = read(1); // ns(2)
  const chainSteps = layers.map(() => read(4));
  const resolutions = read(1);
  return { flags, offset, targets, layers, indications, references, chains, chainSteps, resolutions, at };
}

describe("a dependency descriptor", () => {
  it.each<[string, Partial<FrameDependency>, number[]]>([
    ["begins a frame", {}, [0x81, 0, 5]],
    ["continues one", { isStart: false }, [0x01, 0, 5]],
    ["ends one", { isStart: false, isEnd: true }, [0x41, 0, 5]],
    ["is a whole frame", { isEnd: true }, [0xc1, 0, 5]],
    ["continues a keyframe", { isKeyframe: true, isStart: false }, [0x00, 0, 5]],
    ["counts in 16 bits", { frameNumber: 0x2_8001 }, [0x81, 0x80, 0x01]],
  ])("%s", (_, changes, bytes) => {
    expect([...buildDependency({ ...DELTA, ...changes })]).toEqual(bytes);
  });

  it("explains at the start of a keyframe that each frame needs the one before", () => {
    const bytes = buildDependency({ ...DELTA, isKeyframe: true });
    expect([...bytes.subarray(0, 3)]).toEqual([0x80, 0, 5]);
    expect(bytes).toHaveLength(MAX_DEPENDENCY_BYTES);
    expect(structureOf(bytes)).toEqual({
      ...{ flags: [1, 0, 0, 0, 0], offset: 0, targets: 1, layers: [0, 3], indications: [2, 2] },
      ...{ references: [[], [1]], chains: 1, chainSteps: [0, 1], resolutions: 0 },
      at: 8 * 3 + 41,
    });
    // The one-byte form of extensions (RFC 8285 section 4.2) holds no more.
    expect(bytes.length).toBeLessThanOrEqual(16);
  });
});
