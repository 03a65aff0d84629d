// Samples through a ring, both ends in one thread.
import { describe, expect, it } from "vitest";
import { PlayoutRingReader, PlayoutRingWriter } from "../../../src/platform/browser/playout-records.ts";
import { createRing } from "../../../src/runtime/record-ring.ts";

function pair(bytes = 1 << 14): [PlayoutRingWriter, PlayoutRingReader, () => unknown[]] {
  const ring = createRing(bytes);
  const reader = new PlayoutRingReader(ring);
  const read = (): unknown[] => {
    const all: unknown[] = [];
    reader.read((peerId, samples, ...format) => all.push([peerId, [...samples], ...format]));
    return all;
  };
  return [new PlayoutRingWriter(ring), reader, read];
}

describe("samples for the worklet", () => {
  it("come as they were, by the name of their peer", () => {
    const [writer, reader, read] = pair();
    reader.assign(1, "alice");
    reader.assign(2, "bob");
    expect(writer.write(2, Float32Array.of(0.5, -0.5), 2, 44_100.5)).toBe(true);
    expect(writer.write(1, Float32Array.of(0.25), 1, 48_000)).toBe(true);
    expect(read()).toEqual([
      ["bob", [0.5, -0.5], 2, 44_100.5],
      ["alice", [0.25], 1, 48_000],
    ]);
    expect(read()).toEqual([]);
  });

  it("wait for the name of their peer, and are dropped once it was removed", () => {
    const [writer, reader, read] = pair();
    writer.write(1, Float32Array.of(0.5), 1, 48_000);
    expect(read()).toEqual([]);
    reader.assign(1, "alice");
    expect(read()).toHaveLength(1);
    writer.write(1, Float32Array.of(0.5), 1, 48_000);
    writer.write(2, Float32Array.of(0.25), 1, 48_000);
    reader.remove("alice");
    reader.assign(2, "alice");
    expect(read()).toEqual([["alice", [0.25], 1, 48_000]]);
  });

  it("are refused when nobody reads", () => {
    const [writer, reader, read] = pair(1 << 12);
    reader.assign(1, "alice");
    let taken = 0;
    while (writer.write(1, new Float32Array(100), 1, 48_000)) taken++;
    expect(taken).toBe(9); // 432 bytes each
    expect(read()).toHaveLength(9);
    expect(writer.write(1, new Float32Array(100), 1, 48_000)).toBe(true);
  });
});
