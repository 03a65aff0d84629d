// Loads what sends and receives audio, once, when a transport first needs it: a page that only exchanges messages, or has
// not joined yet, pays nothing.
import { loadOpus } from "../codecs/opus.ts";
import type { OpusCodec } from "../codecs/opus.ts";
import { loadEngine } from "../media/engine/load-engine.ts";

type Engine = Awaited<ReturnType<typeof loadEngine>>;
type Outgoing = typeof import("./outgoing-audio.ts");

/** Codec, engine and outgoing audio. */
export type MediaParts = Engine & Outgoing & { readonly codec: OpusCodec };

let outgoing: Promise<Outgoing> | undefined;

/**
 * Load everything; later calls share what earlier ones have loaded.
 *
 * @throws TransportError `NOT_SUPPORTED` (as rejection) when the runtime cannot load it; the next call tries again
 */
export async function loadMedia(): Promise<MediaParts> {
  outgoing ??= import("./outgoing-audio.ts").catch((error: unknown) => {
    outgoing = undefined;
    throw error;
  });
  const [codec, engine, sending] = await Promise.all([loadOpus(), loadEngine(), outgoing]);
  return { codec, ...engine, ...sending };
}
