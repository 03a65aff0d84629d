// Loads what sends and receives audio, once, when a transport first needs it: a page that only exchanges messages, or has
// not joined yet, pays nothing.
import { loadOpus } from "../codecs/opus.ts";
import type { OpusCodec } from "../codecs/opus.ts";
import { loadEngine } from "../media/engine/load-engine.ts";

type Engine = Awaited<ReturnType<typeof loadEngine>>;
type Parts = typeof import("./audio-parts.ts");

/** Codec, engine, and the classes that use them. */
export type MediaParts = Engine & Parts & { readonly codec: OpusCodec };

let parts: Promise<Parts> | undefined;

/**
 * Load everything; later calls share what earlier ones have loaded.
 *
 * @throws TransportError `NOT_SUPPORTED` (as rejection) when the runtime cannot load it; the next call tries again
 */
export async function loadMedia(): Promise<MediaParts> {
  parts ??= import("./audio-parts.ts").catch((error: unknown) => {
    parts = undefined;
    throw error;
  });
  const [codec, engine, audio] = await Promise.all([loadOpus(), loadEngine(), parts]);
  return { codec, ...engine, ...audio };
}
