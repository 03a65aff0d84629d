// The port's video codecs for Node: VP9 and VP8 by libvpx in WebAssembly (libav.js), in threads of their own. Decides
// which thread a codec lives in, and ends threads that nobody needs.
import { describeError, TransportError } from "../../../errors/errors.ts";
import type { VideoCodecName, VideoCodecs, VideoDecoder, VideoEncoder } from "../../video-codecs.ts";
import type { VideoDecoderEvents, VideoEncoderEvents, VideoEncoderSettings } from "../../video-codecs.ts";
import { NodeVideoDecoder } from "./node-video-decoder.ts";
import { NodeVideoEncoder } from "./node-video-encoder.ts";
import { spawnVideoWorker, VideoThread } from "./video-thread.ts";
import type { SpawnVideoWorker } from "./video-thread.ts";

/**
 * Decoders that share a worker. Four pictures of 640x360, 30 times a second, take about two thirds of a core, so none
 * waits long for the others; a worker each would cost some 40 MB of memory for every peer. If one breaks the library,
 * at most three others have to start anew.
 */
const DECODERS_PER_WORKER = 4;

const CODECS: ReadonlySet<VideoCodecName> = new Set<VideoCodecName>(["VP9", "VP8"]);

/** A worker and how many live in it. */
interface Room {
  readonly thread: Promise<VideoThread>;
  /** Codecs in it, those included that are still being made. At none it is over. */
  users: number;
}

/** Makes a codec in a worker; `leave` is called once when it has ended. */
type Open<Codec> = (thread: VideoThread, leave: () => void) => Promise<Codec>;

/**
 * Codecs in workers, which start with the first codec that needs one. Every encoder has a worker for itself, since one
 * picture of 640x360 keeps it busy for half of the time until the next.
 *
 * @param spawn makes the workers; by default those of the package
 */
export function createNodeVideoCodecs(spawn: SpawnVideoWorker = spawnVideoWorker): VideoCodecs {
  return new NodeVideoCodecs(spawn);
}

class NodeVideoCodecs implements VideoCodecs {
  readonly encodes = CODECS;
  readonly decodes = CODECS;
  readonly #spawn: SpawnVideoWorker;
  readonly #decoderRooms = new Set<Room>();
  readonly #codecs = new Set<VideoEncoder | VideoDecoder>();
  #closed = false;

  constructor(spawn: SpawnVideoWorker) {
    this.#spawn = spawn;
  }

  /** @throws TransportError `NOT_SUPPORTED`, or `ENCODING_ERROR` when libvpx refuses the settings (as rejections) */
  async createEncoder(settings: VideoEncoderSettings, events: VideoEncoderEvents): Promise<VideoEncoder> {
    this.#check(settings.codec);
    const open: Open<VideoEncoder> = (thread, leave) =>
      NodeVideoEncoder.open(thread, settings, events, leave);
    return this.#moveIn(this.#newRoom(), open, "ENCODING_ERROR");
  }

  async createDecoder(codec: VideoCodecName, events: VideoDecoderEvents): Promise<VideoDecoder> {
    this.#check(codec);
    const open: Open<VideoDecoder> = (thread, leave) => NodeVideoDecoder.open(thread, codec, events, leave);
    return this.#moveIn(this.#decoderRoom(), open, "DECODING_ERROR");
  }

  close(): void {
    this.#closed = true;
    for (const codec of this.#codecs) codec.close();
  }

  #check(codec: VideoCodecName): void {
    if (this.#closed) throw closedError();
    if (!CODECS.has(codec)) throw new TransportError("NOT_SUPPORTED", `There is no ${codec} in Node`);
  }

  async #moveIn<Codec extends VideoEncoder | VideoDecoder>(
    room: Room,
    open: Open<Codec>,
    refusal: "ENCODING_ERROR" | "DECODING_ERROR",
  ): Promise<Codec> {
    room.users++;
    let thread: VideoThread | undefined;
    let codec: Codec;
    try {
      thread = await room.thread;
      codec = await open(thread, () => {
        this.#codecs.delete(codec);
        this.#leave(room);
      });
    } catch (error) {
      this.#leave(room);
      // A worker that ends at once could not load the library.
      const code = thread === undefined || thread.ended ? "NOT_SUPPORTED" : refusal;
      throw new TransportError(code, `No video codec: ${describeError(error)}`, { cause: error });
    }
    this.#codecs.add(codec);
    if (!this.#closed) return codec;
    codec.close();
    throw closedError();
  }

  #newRoom(): Room {
    return { thread: this.#spawn().then((worker) => new VideoThread(worker)), users: 0 };
  }

  #decoderRoom(): Room {
    for (const room of this.#decoderRooms) if (room.users < DECODERS_PER_WORKER) return room;
    const room = this.#newRoom();
    this.#decoderRooms.add(room);
    return room;
  }

  #leave(room: Room): void {
    if (--room.users > 0) return;
    this.#decoderRooms.delete(room);
    room.thread.then(
      (thread) => thread.terminate(),
      () => undefined, // there never was one, and whoever wanted it has been told
    );
  }
}

function closedError(): TransportError {
  return new TransportError("NOT_SUPPORTED", "The video codecs have been closed");
}
