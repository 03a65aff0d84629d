import { expect, it } from "vitest";
import { createBrowserPlatform } from "../../../src/platform/browser/browser-platform.ts";
import { inlineScriptUrl } from "../../../src/platform/browser/inline-script.ts";

it("gives any number of random bytes", () => {
  const platform = createBrowserPlatform();
  expect(platform.randomBytes(0)).toHaveLength(0);
  // More than the browser gives at once: the last bytes are random too.
  const bytes = platform.randomBytes(100_000);
  expect(bytes).toHaveLength(100_000);
  expect(new Set(bytes.subarray(-1000)).size).toBeGreaterThan(200);
});

it("says what it is", () => {
  expect(createBrowserPlatform()).toMatchObject({ name: "browser", canBind: false });
});

it("keeps one address for each inlined script", () => {
  expect(inlineScriptUrl("1;")).toBe(inlineScriptUrl("1;"));
  expect(inlineScriptUrl("2;")).not.toBe(inlineScriptUrl("1;"));
});
