// A peer in Node that sends a test pattern and keeps what it is shown, with what its own encoder made of its pictures:
// enough to say of every picture whether it is right, whatever the path did.
import { psnr } from "../../src/cli/demo/video/psnr.ts";
import { readPictureCode } from "../../src/cli/demo/video/picture-code.ts";
import { TestPattern } from "../../src/cli/demo/video/test-pattern.ts";
import { SignalingClient } from "../../src/node.ts";
import { createNodePlatform } from "../../src/platform/node/node-platform.ts";
import { createNodeVideoCodecs } from "../../src/platform/node/video/node-video-codecs.ts";
import type { Platform } from "../../src/platform/platform.ts";
import type {
  DecodedPicture,
  EncodedPicture,
  I420Picture,
  VideoCodecName,
  VideoCodecs,
} from "../../src/platform/video-codecs.ts";
import type { PictureFrame, VideoData } from "../../src/runtime/data.ts";
import { impairSignaling, impairVideo } from "../../src/testing/node/node.ts";
import type { ImpairmentRelay } from "../../src/testing/node/node.ts";
import { WebRtcTransport } from "../../src/transport/webrtc-transport.ts";

/** What a peer shows. */
export const PATTERN = { width: 320, height: 180, framerateFps: 15 } as const;

/** How a {@link VideoPeer} is made. */
export interface VideoPeerOptions {
  signalingUrl: string;
  room: string;
  peerId: string;
  /** In the code of its pictures, 0 to 255. */
  sender: number;
  codecs?: VideoCodecName[];
  /** Everything between it and the others goes through this, both ways; for one of two. */
  relay?: ImpairmentRelay;
  pattern?: { width: number; height: number; framerateFps: number };
  /** Most that its pictures take. */
  bitrateKbps?: number;
  /** Gets what comes in place of {@link VideoPeer.seen}. */
  onPicture?: (picture: PictureFrame) => void;
}

/** What a receiver has made of the pictures of one sender. */
export interface PictureVerdict {
  /** Pictures the sender has encoded from the first one on that was shown. */
  encoded: number;
  /** Those of them that were shown. */
  shown: number;
  /** Shown with no code, or with one that is not the sender's. */
  unreadable: number;
  /** The worst picture against what was drawn, dB. */
  leastPsnrDb: number;
  /** Frame numbers of pictures that differ from what the sender's own coded pictures decode to. */
  different: number[];
}

/** See the header. */
export class VideoPeer {
  readonly transport: WebRtcTransport;
  readonly seen: PictureFrame[] = [];
  readonly errors: string[] = [];
  /** Peers that video goes to. */
  readonly links = new Set<string>();
  written = 0;
  /** When each picture was handed over, local ms, by its number. */
  readonly sentMs: number[] = [];
  readonly #onPicture: (picture: PictureFrame) => void;
  readonly #tap = new EncoderTap();
  readonly #pattern: TestPattern;
  readonly #framerateFps: number;

  constructor(options: VideoPeerOptions) {
    const { signalingUrl, room, peerId, sender, relay, pattern = PATTERN, codecs = ["VP9", "VP8"] } = options;
    this.#pattern = new TestPattern({ ...pattern, sender, name: peerId });
    this.#framerateFps = pattern.framerateFps;
    this.#onPicture = options.onPicture ?? ((picture) => this.seen.push(picture));
    const node = this.#tapped(createNodePlatform());
    const signaling =
      relay === undefined
        ? {}
        : { signaling: impairSignaling(new SignalingClient({ url: signalingUrl }), relay) };
    this.transport = new WebRtcTransport(
      {
        ...{ signalingUrl, ...signaling, room, peerId },
        ...{ networkMode: "lan", bindAddress: "127.0.0.1", logLevel: "silent", rtcpIntervalMs: 1_000 },
        video: {
          ...{ enabled: true, resolution: "720p", codecs, framerateFps: pattern.framerateFps },
          ...(options.bitrateKbps !== undefined && { bitrateKbps: options.bitrateKbps }),
        },
      },
      relay === undefined ? node : impairVideo(node, relay),
    );
    this.transport.on("error", (error) => this.errors.push(`${error.code} ${error.message}`));
    this.transport.on("videoConnected", (event) => this.links.add(event.peerId));
    this.transport.on("videoDisconnected", (event) => this.links.delete(event.peerId));
  }

  /** What its encoder made, in order; copies. */
  get coded(): readonly EncodedPicture[] {
    return this.#tap.coded;
  }

  /** Join, and keep all pictures that come until the transport ends. */
  async join(): Promise<void> {
    await this.transport.start();
    void (async () => {
      for await (const picture of this.transport.frames({ kind: "video" })) this.#onPicture(picture);
    })();
  }

  /**
   * Send `count` pictures of the pattern in real time.
   * @param patient wait for an encoder that is behind, or it would leave pictures out
   */
  async show(to: string, count: number, patient = true): Promise<void> {
    const stepMs = 1000 / this.#framerateFps;
    let dueMs = performance.now();
    for (let i = 0; i < count; i++) {
      await sleep(dueMs - performance.now());
      for (let waits = 0; patient && this.#tap.behind && waits < 100; waits++) await sleep(5);
      // A little late is made good, so that the rate is right.
      dueMs = Math.max(dueMs + stepMs, performance.now() - stepMs);
      const { width, height, planes } = this.#pattern.draw(this.written++);
      const timestampUs = Math.round((performance.timeOrigin + performance.now()) * 1000);
      const data = packed(planes);
      const video: VideoData = { type: "video", data, width, height, format: "I420", timestampUs };
      this.sentMs.push(performance.now());
      await this.transport.sendToPeer(to, video);
    }
  }

  /** What of our pictures `receiver` was shown, and whether it was right. */
  async judge(receiver: VideoPeer, codec: VideoCodecName = "VP9"): Promise<PictureVerdict> {
    const decoded = await decodeAll(this.coded, codec);
    const byNumber = new Map<number, DecodedPicture>();
    for (const picture of decoded) {
      const code = readPictureCode(picture.planes[0], picture.width, picture.height);
      if (code !== undefined) byNumber.set(code.frameNumber, picture);
    }
    const verdict: PictureVerdict = { encoded: 0, shown: 0, unreadable: 0, leastPsnrDb: 100, different: [] };
    const shown = new Set<number>();
    /** RTP timestamps minus positions: the same for all pictures of one link. */
    let base: number | undefined;
    for (const picture of receiver.seen) {
      if (picture.peerId !== this.transport.peerId) continue;
      const code = readPictureCode(picture.planes[0], picture.width, picture.height);
      const own = code === undefined ? undefined : byNumber.get(code.frameNumber);
      if (code === undefined || own === undefined) {
        verdict.unreadable++;
        continue;
      }
      shown.add(own.position);
      const drawn = this.#pattern.draw(code.frameNumber);
      verdict.leastPsnrDb = Math.min(verdict.leastPsnrDb, psnr(picture, drawn)?.y ?? 0);
      const from = (picture.rtpTimestamp - own.position) >>> 0;
      base ??= from;
      if (from !== base || !samePixels(picture, own)) verdict.different.push(code.frameNumber);
    }
    const first = Math.min(...shown);
    verdict.encoded = this.coded.filter(({ position }) => position >= first).length;
    verdict.shown = shown.size;
    return verdict;
  }

  /** What was shown of a sender that is not at hand: a page with the same pattern. */
  judgeSeen(peerId: string, sender: number, name: string): Omit<PictureVerdict, "encoded" | "different"> {
    const { width, height } = this.#pattern;
    const pattern = new TestPattern({ width, height, framerateFps: this.#framerateFps, sender, name });
    const shown = new Set<number>();
    let unreadable = 0;
    let leastPsnrDb = 100;
    for (const picture of this.seen) {
      if (picture.peerId !== peerId) continue;
      const code = readPictureCode(picture.planes[0], picture.width, picture.height);
      if (code?.sender !== sender) unreadable++;
      else {
        shown.add(code.frameNumber);
        leastPsnrDb = Math.min(leastPsnrDb, psnr(picture, pattern.draw(code.frameNumber))?.y ?? 0);
      }
    }
    return { shown: shown.size, unreadable, leastPsnrDb };
  }

  #tapped(platform: Platform): Platform {
    const { loadVideoCodecs } = platform;
    if (loadVideoCodecs === undefined) throw new Error("Node has codecs");
    return { ...platform, loadVideoCodecs: async () => this.#tap.on(await loadVideoCodecs()) };
  }
}

/** Keeps a copy of all that is encoded. */
class EncoderTap {
  readonly coded: EncodedPicture[] = [];
  #given = -Infinity;
  #done = -Infinity;

  /** Whether nothing has come yet of the picture that was handed over last. */
  get behind(): boolean {
    return this.#done < this.#given;
  }

  on(codecs: VideoCodecs): VideoCodecs {
    return {
      encodes: codecs.encodes,
      decodes: codecs.decodes,
      createEncoder: async (settings, events) => {
        const encoder = await codecs.createEncoder(settings, {
          ...events,
          encoded: (picture) => {
            this.#done = picture.position;
            this.coded.push({ ...picture, data: picture.data.slice() });
            events.encoded(picture);
          },
        });
        return {
          get counters() {
            return encoder.counters;
          },
          encode: (picture, position, keyframe) => {
            this.#given = position;
            encoder.encode(picture, position, keyframe);
          },
          configure: (changes) => encoder.configure(changes),
          close: () => encoder.close(),
        };
      },
      createDecoder: (codec, events) => codecs.createDecoder(codec, events),
      close: () => codecs.close(),
    };
  }
}

/** Decode coded pictures once more, all in order. */
async function decodeAll(coded: readonly EncodedPicture[], codec: VideoCodecName): Promise<DecodedPicture[]> {
  const codecs = createNodeVideoCodecs();
  const pictures: DecodedPicture[] = [];
  let failure: unknown;
  const decoder = await codecs.createDecoder(codec, {
    picture: (picture) => pictures.push(picture),
    undecodable: (_position, error) => (failure = error),
    failed: (error) => (failure = error),
  });
  for (const picture of coded) {
    decoder.decode({ ...picture, data: picture.data.slice() });
    while (decoder.pending > 4 && failure === undefined) await sleep(1);
  }
  while (decoder.pending > 0 && failure === undefined) await sleep(1);
  codecs.close();
  if (failure !== undefined)
    throw new Error("the sender's own pictures cannot be decoded", { cause: failure });
  return pictures;
}

function samePixels(a: I420Picture, b: I420Picture): boolean {
  return (
    a.width === b.width &&
    a.planes.every((plane, i) => Buffer.compare(plane, b.planes[i] as Uint8Array) === 0)
  );
}

function packed(planes: I420Picture["planes"]): Uint8Array {
  return Uint8Array.from(Buffer.concat(planes));
}

/** At least a turn of the event loop. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}

/** Wait for something that is judged by whether it happens, not when. */
export async function eventually(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 30_000;
  while (!(await check())) {
    if (performance.now() > endMs) throw new Error(`never happened: ${what}`);
    await sleep(50);
  }
}
