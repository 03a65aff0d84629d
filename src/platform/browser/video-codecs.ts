// The port's video codecs for browsers: WebCodecs. Asks at load what there is; encoders and decoders are made of it.
import { TransportError } from "../../errors/errors.ts";
import type {
  VideoCodecName,
  VideoCodecs,
  VideoDecoder,
  VideoDecoderEvents,
  VideoEncoder,
  VideoEncoderEvents,
  VideoEncoderSettings,
} from "../video-codecs.ts";
import { BrowserVideoDecoder, decoderConfig } from "./video-decoder.ts";
import { BrowserVideoEncoder, encoderConfig } from "./video-encoder.ts";
import type { PixelConversion } from "./video-picture.ts";

const NAMES: readonly VideoCodecName[] = ["VP9", "H264", "VP8"];
/** What support is asked for: small enough for everyone, large enough for hardware. */
const USUAL = { width: 640, height: 360, bitrateKbps: 600, framerateFps: 30 } as const;

/** Settings of {@link openBrowserVideoCodecs}. */
export interface BrowserVideoCodecsOptions {
  /** Called at the first picture whose pixels are not I420; never in Chromium without hardware. */
  readonly loadConversion: () => Promise<PixelConversion>;
}

/** Ask the browser which codecs it has. Works in windows and workers; without WebCodecs there are none. */
export async function openBrowserVideoCodecs({
  loadConversion,
}: BrowserVideoCodecsOptions): Promise<VideoCodecs> {
  const [encodes, decodes] = await Promise.all([
    having((codec) => isEncoderSupported({ codec, ...USUAL })),
    having(isDecoderSupported),
  ]);
  return new BrowserVideoCodecs(encodes, decodes, loadConversion);
}

class BrowserVideoCodecs implements VideoCodecs {
  readonly encodes: ReadonlySet<VideoCodecName>;
  readonly decodes: ReadonlySet<VideoCodecName>;
  readonly #loadConversion: () => Promise<PixelConversion>;
  readonly #open = new Set<VideoEncoder | VideoDecoder>();
  #closed = false;

  constructor(
    encodes: ReadonlySet<VideoCodecName>,
    decodes: ReadonlySet<VideoCodecName>,
    loadConversion: () => Promise<PixelConversion>,
  ) {
    this.encodes = encodes;
    this.decodes = decodes;
    this.#loadConversion = loadConversion;
  }

  async createEncoder(settings: VideoEncoderSettings, events: VideoEncoderEvents): Promise<VideoEncoder> {
    const { codec, width, height } = settings;
    this.#check(this.encodes, codec);
    if (!(await isEncoderSupported(settings))) {
      throw new TransportError(
        "NOT_SUPPORTED",
        `This browser does not encode ${codec} at ${width}x${height}`,
      );
    }
    this.#check(this.encodes, codec);
    const encoder = new BrowserVideoEncoder(settings, events, () => this.#open.delete(encoder));
    this.#open.add(encoder);
    return encoder;
  }

  async createDecoder(codec: VideoCodecName, events: VideoDecoderEvents): Promise<VideoDecoder> {
    this.#check(this.decodes, codec);
    const decoder = new BrowserVideoDecoder(codec, events, this.#loadConversion, () =>
      this.#open.delete(decoder),
    );
    this.#open.add(decoder);
    return decoder;
  }

  close(): void {
    this.#closed = true;
    for (const codec of this.#open) codec.close();
  }

  #check(supported: ReadonlySet<VideoCodecName>, codec: VideoCodecName): void {
    if (this.#closed) throw new TransportError("NOT_SUPPORTED", "The video codecs have been closed");
    if (supported.has(codec)) return;
    throw new TransportError("NOT_SUPPORTED", `There is no ${codec} in this browser`);
  }
}

async function having(ask: (codec: VideoCodecName) => Promise<boolean>): Promise<Set<VideoCodecName>> {
  const answers = await Promise.all(NAMES.map(ask));
  return new Set(NAMES.filter((_, index) => answers[index]));
}

async function isEncoderSupported(settings: VideoEncoderSettings): Promise<boolean> {
  try {
    const { supported } = await globalThis.VideoEncoder.isConfigSupported(encoderConfig(settings));
    return supported === true;
  } catch {
    return false; // no WebCodecs, or a config that no browser can make sense of
  }
}

async function isDecoderSupported(codec: VideoCodecName): Promise<boolean> {
  try {
    const config = decoderConfig(codec, USUAL.width, USUAL.height);
    const { supported } = await globalThis.VideoDecoder.isConfigSupported(config);
    return supported === true;
  } catch {
    return false; // as above
  }
}
