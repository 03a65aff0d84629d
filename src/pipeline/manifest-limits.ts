// Bounds and defaults of manifests, which those who read them and their schema share. Pure data.

/** Most nodes. */
export const MAX_NODES = 256;
/** Most connections. */
export const MAX_CONNECTIONS = 1024;
/** Most bytes, as text; of an object about as many characters of JSON. */
export const MAX_MANIFEST_BYTES = 1 << 20;
/** Time for one input of a node that says nothing of it, ms. */
export const DEFAULT_TIMEOUT_MS = 30_000;
/** The longest that timers of all platforms can wait, ms. */
export const MAX_TIMEOUT_MS = 0x7fff_ffff;
/** Further tries that a node may ask for. */
export const MAX_RETRIES = 10;
