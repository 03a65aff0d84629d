// Small keyframes for the browser's own decoder. It must get something, or it asks the sender for keyframes all the time;
// and what it gets it decodes, which for the pictures themselves would be work done twice.
import type { VideoCodecName } from "../video-codecs.ts";

/** Pixels of the picture's sides: hardly any work, and no less than decoders take. */
const SIDE = 64;

/** How WebCodecs calls the codecs; the forms that are negotiated, H.264 as RTP carries it. */
const ENCODINGS: Readonly<Record<VideoCodecName, Pick<VideoEncoderConfig, "codec" | "avc">>> = {
  VP9: { codec: "vp09.00.10.08" },
  H264: { codec: "avc1.42001f", avc: { format: "annexb" } },
  VP8: { codec: "vp8" },
};

/** Makes one keyframe of each codec that is asked for. */
export class SubstitutePictures {
  /** Null while one is being made, and for good where it cannot be. */
  readonly #made = new Map<VideoCodecName, ArrayBuffer | null>();

  /** A copy to give away; undefined while there is none: then the picture itself must do. */
  of(codec: VideoCodecName): ArrayBuffer | undefined {
    const made = this.#made.get(codec);
    if (made === undefined) void this.#make(codec);
    return made?.slice(0);
  }

  async #make(codec: VideoCodecName): Promise<void> {
    this.#made.set(codec, null);
    try {
      this.#made.set(codec, await greyKeyframe(codec));
    } catch {
      // No such encoder here: the browser goes on decoding what comes.
    }
  }
}

async function greyKeyframe(codec: VideoCodecName): Promise<ArrayBuffer> {
  return new Promise((resolve, reject) => {
    const encoder = new VideoEncoder({
      output: (chunk) => {
        const data = new ArrayBuffer(chunk.byteLength);
        chunk.copyTo(data);
        resolve(data);
      },
      error: reject,
    });
    encoder.configure({ ...ENCODINGS[codec], width: SIDE, height: SIDE, latencyMode: "realtime" });
    const grey = new Uint8Array((SIDE * SIDE * 3) / 2).fill(128);
    const picture = new VideoFrame(grey, {
      format: "I420",
      codedWidth: SIDE,
      codedHeight: SIDE,
      timestamp: 0,
    });
    encoder.encode(picture, { keyFrame: true });
    picture.close();
    encoder.flush().then(() => encoder.close(), reject);
  });
}
