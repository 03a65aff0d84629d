// Asks for a garbage collection: the only way to end native objects that were closed without a word.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { contained } from "./guard.ts";

/** Delay of the collection, so that one serves all links that close together. */
const DELAY_MS = 50;

let timer: ReturnType<typeof setTimeout> | undefined;

/** Collect soon, once however often it is asked. Takes a few ms, and is for the rare link that has lost something. */
export function collectGarbage(): void {
  timer ??= setTimeout(() => {
    timer = undefined;
    contained(() => {
      setFlagsFromString("--expose-gc");
      (runInNewContext("gc") as () => void)();
    });
  }, DELAY_MS);
  timer.unref();
}
