// Loads what receives media: engine, synchronization and kernels, when first asked for, so that a page without media pays
// nothing.
import { toTransportError } from "../../errors/errors.ts";

type Parts = typeof import("./engine-parts.ts");

let loading: Promise<Parts> | undefined;

/**
 * Load the classes of the engine, once per process; later calls share the first one's result.
 *
 * @throws TransportError `NOT_SUPPORTED` (as rejection) when the runtime cannot load them; the next call tries again
 */
export function loadEngine(): Promise<Parts> {
  loading ??= import("./engine-parts.ts").catch((error: unknown) => {
    loading = undefined;
    throw toTransportError(error, "NOT_SUPPORTED", "The media engine cannot be loaded");
  });
  return loading;
}
