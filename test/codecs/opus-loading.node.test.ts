// How the codec is loaded, seen where nobody has loaded it before.
import { expect, it } from "vitest";
import { loadOpus } from "../../src/codecs/opus.ts";

it("is loaded once, warmed up in slices", { timeout: 30_000 }, async () => {
  let turns = 0;
  const codec = await loadOpus(() => {
    turns++;
    return Promise.resolve();
  });
  expect(await loadOpus()).toBe(codec);
  expect(codec.version).toMatch(/libopus 1\./);
  expect(turns).toBeGreaterThanOrEqual(20);
});
