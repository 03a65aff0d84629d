// Listens to a codec and lets a test wait for what it says.
import type { TransportError } from "../../../../src/errors/errors.ts";
import type {
  DecodedPicture,
  EncodedPicture,
  I420Picture,
  VideoCodecs,
  VideoDecoder,
  VideoDecoderEvents,
  VideoEncoder,
  VideoEncoderEvents,
  VideoEncoderSettings,
} from "../../../../src/platform/video-codecs.ts";

/** What a codec has said, in order. */
export class Recorder implements VideoEncoderEvents, VideoDecoderEvents {
  readonly coded: EncodedPicture[] = [];
  readonly pictures: DecodedPicture[] = [];
  readonly refused: number[] = [];
  readonly failures: TransportError[] = [];
  #waiting: (() => void)[] = [];

  encoded(picture: EncodedPicture): void {
    this.coded.push(picture);
    this.#wake();
  }

  picture(picture: DecodedPicture): void {
    this.pictures.push(picture);
    this.#wake();
  }

  undecodable(position: number): void {
    this.refused.push(position);
    this.#wake();
  }

  failed(error: TransportError): void {
    this.failures.push(error);
    this.#wake();
  }

  /** Resolves once `holds` does; it is asked after every event. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** An encoder and what it has said. */
export interface RecordedEncoder {
  readonly encoder: VideoEncoder;
  readonly heard: Recorder;
  /** Encode a picture and wait for what comes of it. */
  encode(picture: I420Picture, position: number, keyframe?: boolean): Promise<EncodedPicture>;
}

/** Make an encoder; 30 pictures a second unless told otherwise. */
export async function recordedEncoder(
  codecs: VideoCodecs,
  settings: Omit<VideoEncoderSettings, "framerateFps">,
): Promise<RecordedEncoder> {
  const heard = new Recorder();
  const encoder = await codecs.createEncoder({ framerateFps: 30, ...settings }, heard);
  const encode: RecordedEncoder["encode"] = async (picture, position, keyframe = false) => {
    const count = heard.coded.length;
    encoder.encode(picture, position, keyframe);
    await heard.until(() => heard.coded.length > count || heard.failures.length > 0);
    return heard.coded[count] as EncodedPicture;
  };
  return { encoder, heard, encode };
}

/** A decoder and what it has said. */
export interface RecordedDecoder {
  readonly decoder: VideoDecoder;
  readonly heard: Recorder;
  /** Decode a copy of a picture and wait until nothing is pending. */
  decode(picture: EncodedPicture): Promise<void>;
}

/** Make a decoder. */
export async function recordedDecoder(
  codecs: VideoCodecs,
  codec: VideoEncoderSettings["codec"],
): Promise<RecordedDecoder> {
  const heard = new Recorder();
  const decoder = await codecs.createDecoder(codec, heard);
  const decode: RecordedDecoder["decode"] = async (picture) => {
    decoder.decode({ ...picture, data: picture.data.slice() });
    await heard.until(() => decoder.pending === 0);
  };
  return { decoder, heard, decode };
}
