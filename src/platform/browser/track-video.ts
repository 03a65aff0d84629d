// The sending side of a link's video: pictures go into a track that is made of them, or a track of the browser's takes its
// place. The browser encodes, packetizes and paces.
import { TransportError } from "../../errors/errors.ts";
import type { I420Picture } from "../video-codecs.ts";
import type { SentVideoMark, TrackVideoPort, VideoAgreement, VideoLinkOptions } from "../video-link.ts";
import { packPicture } from "./pack-picture.ts";
import type { Rotation } from "./pack-picture.ts";
import { openPictureSink } from "./picture-sink.ts";
import type { PictureSink } from "./picture-sink.ts";
import { SenderChanges } from "./sender-changes.ts";
import { SentPictures } from "./sent-pictures.ts";
import type { Departure } from "./sent-pictures.ts";
import type { VideoTrackGeneratorClass } from "./web-types.ts";

/** A {@link TrackVideoPort} over an RTCRtpSender. */
export class TrackVideo implements TrackVideoPort {
  readonly level = "track";
  agreement: VideoAgreement | undefined;
  readonly #framerateFps: number;
  readonly #askForKeyframe: () => void;
  readonly #fault: (error: unknown) => void;
  readonly #generatorClass: VideoTrackGeneratorClass | undefined;
  readonly #changes = new SenderChanges("video");
  readonly #sent = new SentPictures();
  readonly #reported = new Set<string>();
  #sink: PictureSink | undefined;
  #memory = new Uint8Array(0);
  #external: MediaStreamTrack | null = null;
  #bitrateKbps: number;
  #closed = false;

  /**
   * @param generatorClass undefined where the browser cannot make tracks from pictures but by a canvas
   * @param fault told once of each reason for which written pictures are not sent
   */
  constructor(
    generatorClass: VideoTrackGeneratorClass | undefined,
    { bitrateKbps, framerateFps }: Pick<VideoLinkOptions, "bitrateKbps" | "framerateFps">,
    askForKeyframe: () => void,
    fault: (error: unknown) => void,
  ) {
    this.#bitrateKbps = bitrateKbps;
    this.#framerateFps = framerateFps;
    this.#askForKeyframe = askForKeyframe;
    this.#fault = fault;
    this.#generatorClass = generatorClass;
  }

  /** Send through `sender` from now on; resolves when its track is in place. */
  attach(sender: RTCRtpSender): Promise<void> {
    this.#changes.sender = sender;
    return this.#connectTrack();
  }

  /** A coded picture has left: what it was made of, and when that was captured. */
  mark(departure: Departure): SentVideoMark {
    const { ssrc, rtpTimestamp } = departure;
    return { ssrc, rtpTimestamp, captureMs: this.#sent.captureOf(departure, performance.timeOrigin) };
  }

  /** Give the sender its limits; to be called again once its encodings are negotiated. */
  applyLimits(): Promise<void> {
    return this.#changes.limit((encoding, parameters) => {
      encoding.maxBitrate = this.#bitrateKbps * 1000;
      encoding.maxFramerate = this.#framerateFps;
      // Else the browser shrinks pictures where it should make them coarser, and the other side sees sizes change.
      (parameters as { degradationPreference?: string }).degradationPreference = "maintain-resolution";
    });
  }

  write(picture: I420Picture, timestampUs: number, rotation: Rotation = 0): void {
    const { data, width, height } = packPicture(picture, rotation, this.#memory);
    if (data.buffer !== this.#memory.buffer) this.#memory = data;
    if (this.#closed || this.#external !== null) return;
    const sink = this.#openSink();
    if (sink === undefined) {
      return this.#reportOnce(
        "NOT_SUPPORTED",
        "pictures cannot be sent: this browser makes no tracks of them",
        "Pass a camera track with useTrack(), or use a browser with WebCodecs.",
      );
    }
    const captureMs = timestampUs / 1000;
    const frame = new VideoFrame(data, {
      format: "I420",
      codedWidth: width,
      codedHeight: height,
      // Capture times of tracks count from the page's time origin.
      timestamp: Math.round((captureMs - performance.timeOrigin) * 1000),
    });
    const atMs = performance.now();
    if (sink.write(frame)) this.#sent.written(atMs, captureMs);
  }

  useTrack(track: unknown): Promise<void> {
    if (track !== null && !(track instanceof MediaStreamTrack && track.kind === "video")) {
      const message = "track: expected a video MediaStreamTrack or null";
      return Promise.reject(new TransportError("INVALID_DATA", message));
    }
    this.#external = track;
    this.#sent.forget();
    return this.#connectTrack();
  }

  setBitrate(bitrateKbps: number): Promise<void> {
    this.#bitrateKbps = bitrateKbps;
    return this.applyLimits();
  }

  requestKeyframe(): void {
    if (!this.#closed) this.#askForKeyframe();
  }

  /** Idempotent: frees the track made of pictures. A track of the caller's is let go, not stopped. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#sink?.close();
    this.#external = null;
    this.#changes.close();
  }

  #connectTrack(): Promise<void> {
    return this.#changes.make(async (sender) => {
      await sender.replaceTrack(this.#external ?? this.#openSink()?.track ?? null);
    });
  }

  #openSink(): PictureSink | undefined {
    if (this.#sink !== undefined) return this.#sink;
    this.#sink = openPictureSink(this.#generatorClass, (error) =>
      this.#reportOnce("MEDIA_TRACK_ERROR", `pictures were not taken: ${String(error)}`),
    );
    // Rather fewer details than fewer pictures.
    if (this.#sink !== undefined) this.#sink.track.contentHint = "motion";
    return this.#sink;
  }

  #reportOnce(code: "NOT_SUPPORTED" | "MEDIA_TRACK_ERROR", message: string, suggestion?: string): void {
    if (this.#reported.has(message)) return;
    this.#reported.add(message);
    this.#fault(new TransportError(code, message, { suggestion }));
  }
}
