// Video in the worker of the transforms: coded pictures that come are handed to the page, each once; the browser gets a
// small keyframe in place of each, or the picture itself where that is not known to work. Of those that leave it tells when
// they did.
import { pictureMessage } from "./receive-messages.ts";
import type {
  DepartureMessage,
  ReceiveMessage,
  TransformOptions,
  VideoTransformOptions,
} from "./receive-messages.ts";
import { SubstitutePictures } from "./substitute-pictures.ts";
import type { EncodedFrameLike, ScriptTransformer } from "./web-types.ts";

/** Pictures remembered to recognize those that come again: some seconds of them. */
const MAX_SEEN = 256;
/** Between two messages about what leaves, ms. */
const DEPARTURE_INTERVAL_MS = 200;
/** Ticks of video's RTP clock per ms. */
const TICKS_PER_MS = 90;

type Post = (message: ReceiveMessage, transfer: ArrayBuffer[]) => void;

/** Take the pictures that come, until the stream ends. */
export async function receivePictures(
  { readable, writable }: ScriptTransformer,
  options: TransformOptions,
  { substitute }: VideoTransformOptions,
  post: Post,
): Promise<void> {
  const reader = readable.getReader();
  const writer = writable.getWriter();
  const seen = new SeenPictures();
  const substitutes = substitute ? new SubstitutePictures() : undefined;
  let understood = true;
  for (;;) {
    const { value: frame, done } = await reader.read();
    const clock = { nowMs: performance.now(), timeOrigin: performance.timeOrigin };
    if (done) return;
    const message = pictureMessage(frame, options, clock);
    if (message !== undefined) {
      const isNew = seen.add(message.ssrc, message.rtpTimestamp);
      const small = substitutes?.of(message.codec);
      // The metadata, and with them the timing, stay those of the picture.
      if (small !== undefined) frame.data = small;
      else if (isNew) message.data = message.data.slice(0);
      if (isNew) post(message, [message.data]);
    } else if (understood) {
      understood = false;
      post(
        { type: "fault", link: options.link, message: "the browser does not say what coded pictures are" },
        [],
      );
    }
    // Not awaited: a decoder that is slow must not hold up what comes.
    writer.write(frame).catch(() => undefined);
  }
}

/** Let every picture that leaves pass as it is. Whatever ends the sender's streams needs no words. */
export async function watchPictures(
  { readable, writable }: ScriptTransformer,
  options: TransformOptions,
  post: Post,
): Promise<void> {
  const departures = new LeastDelayed();
  const toPageMs = performance.timeOrigin - options.pageTimeOrigin;
  const watching = new TransformStream<EncodedFrameLike, EncodedFrameLike>({
    transform(frame, controller) {
      const leftMs = performance.now() + toPageMs;
      const { synchronizationSource: ssrc, rtpTimestamp } = frame.getMetadata();
      controller.enqueue(frame);
      if (ssrc === undefined || rtpTimestamp === undefined) return;
      const told = departures.take({ type: "departure", link: options.link, ssrc, rtpTimestamp, leftMs });
      if (told !== undefined) post(told, []);
    },
  });
  await readable
    .pipeThrough(watching)
    .pipeTo(writable)
    .catch(() => undefined);
}

/** Recognizes pictures that came before: what was sent again lets browsers deliver them again. */
class SeenPictures {
  readonly #keys = new Set<number>();

  /** @returns whether it is new */
  add(ssrc: number, rtpTimestamp: number): boolean {
    // Both fit into the 53 bits of a number but for the top of the SSRC, of which a link has one.
    const key = (ssrc % 2 ** 21) * 2 ** 32 + rtpTimestamp;
    if (this.#keys.has(key)) return false;
    this.#keys.add(key);
    const oldest = this.#keys.values().next().value;
    if (this.#keys.size > MAX_SEEN && oldest !== undefined) this.#keys.delete(oldest);
    return true;
  }
}

/** Picks, of the pictures of an interval, the one that left soonest after its timestamp. */
class LeastDelayed {
  #best: DepartureMessage | undefined;
  #dueMs = -Infinity;

  /** @returns the one to tell of, when it is time */
  take(departure: DepartureMessage): DepartureMessage | undefined {
    const best = this.#best;
    if (best === undefined || best.ssrc !== departure.ssrc || behindMs(departure, best) <= 0) {
      this.#best = departure;
    }
    if (departure.leftMs < this.#dueMs) return undefined;
    this.#dueMs = departure.leftMs + DEPARTURE_INTERVAL_MS;
    const told = this.#best;
    this.#best = undefined;
    return told;
  }
}

/** How much more `a` was delayed than `b`, ms. */
function behindMs(a: DepartureMessage, b: DepartureMessage): number {
  return a.leftMs - b.leftMs - ((a.rtpTimestamp - b.rtpTimestamp) | 0) / TICKS_PER_MS;
}
