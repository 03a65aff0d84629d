// Where shared memory is missing, the rest works on and the error says how to get it.
import { afterEach, expect, it, vi } from "vitest";
import { JitterBuffer } from "../../src/wasm/jitter-buffer.ts";

afterEach(() => vi.unstubAllGlobals());

it("says which headers a page needs before its buffers can be shared", () => {
  vi.stubGlobal("SharedArrayBuffer", undefined);
  const create = (): JitterBuffer => new JitterBuffer({ clockRate: 48_000, shared: true });
  expect(create).toThrow(expect.objectContaining({ code: "NOT_SUPPORTED" }));
  const suggestion = expect.stringContaining("Cross-Origin-Opener-Policy") as string;
  expect(create).toThrow(expect.objectContaining({ suggestion }));
  expect(new JitterBuffer({ clockRate: 48_000 }).getStatistics().currentFrames).toBe(0);
});
