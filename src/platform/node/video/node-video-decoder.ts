// A decoder in Node: the half on the main thread. It moves coded pictures to the worker and hands on what comes back.
import { TransportError } from "../../../errors/errors.ts";
import type {
  EncodedPicture,
  VideoCodecName,
  VideoDecoder,
  VideoDecoderCounters,
  VideoDecoderEvents,
} from "../../video-codecs.ts";
import { i420Planes } from "./i420.ts";
import type { ResultFacts, VideoResult } from "./video-messages.ts";
import type { VideoThread } from "./video-thread.ts";

/**
 * Ours is one copy per picture, in the worker out of libav's frame into memory that moves here and is the callee's from
 * then on. Through shared memory it would be two, as what leaves must be the callee's. Coded bytes are moved where they
 * have their memory for themselves, else copied.
 */
export class NodeVideoDecoder implements VideoDecoder {
  readonly counters: VideoDecoderCounters;
  readonly #counts = { decoded: 0, decodeMs: 0 };
  readonly #thread: VideoThread;
  #id = 0;
  readonly #events: VideoDecoderEvents;
  readonly #onEnd: () => void;
  #pending = 0;
  #ended = false;

  private constructor(thread: VideoThread, events: VideoDecoderEvents, onEnd: () => void) {
    this.counters = this.#counts;
    this.#thread = thread;
    this.#events = events;
    this.#onEnd = onEnd;
  }

  /**
   * @param thread shared with other decoders; whoever made it ends it
   * @param onEnd called once, when the decoder has been closed or has failed
   * @throws Error (as rejection) when libav refuses or the worker ends
   */
  static async open(
    thread: VideoThread,
    codec: VideoCodecName,
    events: VideoDecoderEvents,
    onEnd: () => void,
  ): Promise<NodeVideoDecoder> {
    const decoder = new NodeVideoDecoder(thread, events, onEnd);
    decoder.#id = await thread.open(
      { type: "open-decoder", codec },
      {
        result: (report) => decoder.#hear(report),
        failed: (reason) => decoder.#fail(reason),
      },
    );
    return decoder;
  }

  get pending(): number {
    return this.#pending;
  }

  decode({ data, isKeyframe, position }: EncodedPicture): void {
    if (this.#ended) return;
    this.#pending++;
    const own = ownBytes(data);
    this.#thread.request({ type: "decode", id: this.#id, data: own, isKeyframe, position }, [own.buffer]);
  }

  close(): void {
    if (this.#ended) return;
    this.#thread.close(this.#id);
    this.#end();
  }

  #hear(report: VideoResult & ResultFacts): void {
    this.#pending--;
    if (report.type === "picture") {
      const { memory, width, height, position, workMs } = report;
      this.#counts.decoded++;
      this.#counts.decodeMs += workMs;
      this.#events.picture({ width, height, planes: i420Planes(memory, width, height), position });
    } else if (report.type === "undecodable") {
      const message = `A picture could not be decoded: ${report.reason}`;
      this.#events.undecodable(report.position, new TransportError("DECODING_ERROR", message));
    }
  }

  #fail(reason: string): void {
    if (this.#ended) return;
    this.#end();
    this.#events.failed(new TransportError("DECODING_ERROR", `The video decoder failed: ${reason}`));
  }

  #end(): void {
    this.#ended = true;
    this.#pending = 0;
    this.#onEnd();
  }
}

/** The bytes in memory of their own: moving a view would take all that lies around it along, and copy it. */
function ownBytes(data: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = data;
  const alone = buffer instanceof ArrayBuffer && buffer.byteLength === data.byteLength;
  return alone ? (data as Uint8Array<ArrayBuffer>) : new Uint8Array(data);
}
