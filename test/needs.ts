// Tests that need something a machine may lack: they run, or one skipped test says on screen what is missing.
import { existsSync } from "node:fs";
import { describe, it } from "vitest";
import { CHROMIUM_PATH } from "./chromium.ts";

/** Why there is no browser, undefined when there is one. */
export const NO_CHROMIUM = existsSync(CHROMIUM_PATH)
  ? undefined
  : `there is no Chromium at ${CHROMIUM_PATH}: install it (Debian: chromium) or name another by CHROMIUM_PATH`;

/** `describe`, unless `missing` says what is not there. */
export function describeUnless(
  missing: string | undefined,
  name: string,
  options: { timeout: number; retry?: number },
  body: () => void,
): void {
  if (missing === undefined) describe(name, options, body);
  else it(name, (context) => context.skip(missing));
}
