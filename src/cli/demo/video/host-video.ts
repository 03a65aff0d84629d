// The video of one process of a run: what its peers show, what they and the pages see, how well, and what is recorded.
// Words of what was shown go to the other processes and come from there.
import { describeError } from "../../../errors/errors.ts";
import type { I420Picture } from "../../../platform/video-codecs.ts";
import type { SeenPictures } from "../measure-protocol.ts";
import type { PeerVideoEvents, SeenPicture, ShownPicture } from "./peer-video.ts";
import { PictureSources } from "./picture-source.ts";
import type { PictureSource } from "./picture-source.ts";
import { readPictureCode } from "./picture-code.ts";
import { psnr } from "./psnr.ts";
import { VideoMeasurement } from "./video-measurement.ts";
import type { SeenCode, ShownPictures, VideoPairRow } from "./video-measurement.ts";
import { senderOf } from "./video-plan.ts";
import type { VideoPlan } from "./video-plan.ts";
import { VideoRecorder } from "./video-recorder.ts";

/** Codecs are compiled while they work, and peers connect: what is lost meanwhile says little of the call, ms. */
const BEGIN_MS = 4_000;

/** Larger pictures are compared by every second sample of every second row. */
const MAX_COMPARED_PIXELS = 320 * 240;

/** What a {@link HostVideo} is made of. */
export interface HostVideoOptions {
  plan: VideoPlan;
  /** The line-up. */
  peerIds: readonly string[];
  /** Where recordings go, a folder that is there; undefined: nowhere. */
  recordDir: string | undefined;
  nowMs: () => number;
  /** Something for the user to read. */
  trouble: (text: string) => void;
}

/** See the header. */
export class HostVideo {
  readonly #options: HostVideoOptions;
  readonly #sources: PictureSources;
  readonly #measurement = new VideoMeasurement(BEGIN_MS);
  readonly #recorder: VideoRecorder | undefined;
  #outgoing = new Map<string, number[]>();
  #fault: string | undefined;

  private constructor(options: HostVideoOptions, sources: PictureSources) {
    this.#options = options;
    this.#sources = sources;
    if (options.recordDir !== undefined) this.#recorder = new VideoRecorder(options.recordDir);
  }

  /** @throws UsageError that names the file that cannot be shown */
  static async open(options: HostVideoOptions): Promise<HostVideo> {
    return new HostVideo(options, await PictureSources.open(options.plan, options.peerIds));
  }

  /** What a peer of the line-up shows. */
  sourceOf(peerId: string): PictureSource | undefined {
    return this.#sources.of(peerId);
  }

  /** What the peers of this process tell. */
  readonly events: PeerVideoEvents = {
    shown: (shown) => this.#shown(shown),
    seen: (seen) => this.#seen(seen),
    videoConnected: (from, to) => this.#measurement.connected(from, to),
  };

  /** Take in what a page, or a peer of another process, has shown. */
  hear(shown: ShownPictures): void {
    this.#measurement.shown(shown);
  }

  /** What the peers of this process have shown since the last time. */
  news(): ShownPictures[] {
    const news = [...this.#outgoing].map(([peerId, pictures]) => ({ peerId, pictures }));
    this.#outgoing = new Map();
    return news;
  }

  /** Note pictures that a page has seen; it has compared them itself. */
  pageSaw(to: string, { from, pictures }: SeenPictures): void {
    for (const { code, receivedMs, isKeyframe, psnrDb, avOffsetMs } of pictures) {
      this.#measurement.seen({
        ...{ from, to, receivedMs, isKeyframe },
        code: code ?? undefined,
        psnrDb: psnrDb ?? undefined,
        avOffsetMs: avOffsetMs ?? undefined,
      });
    }
  }

  /** A page has left. */
  left(peerId: string): void {
    this.#measurement.left(peerId);
  }

  rows(): VideoPairRow[] {
    return this.#measurement.rows(this.#options.nowMs());
  }

  /** Finish the recordings and close what was read. Never rejects. @returns undefined when nothing was to be recorded */
  async stop(): Promise<{ files: number; lostPictures: number; reason: string | undefined } | undefined> {
    const recorded = await this.#recorder?.close();
    await this.#sources.close().catch(() => undefined); // they were read only
    return recorded;
  }

  #shown({ peerId, number, sentMs, captureMs, picture }: ShownPicture): void {
    this.#measurement.shown({ peerId, pictures: [number, sentMs, captureMs] });
    const news = this.#outgoing.get(peerId) ?? [];
    news.push(number, sentMs, captureMs);
    this.#outgoing.set(peerId, news);
    const { framerateFps } = this.#sources.of(peerId) ?? this.#options.plan;
    this.#recorder?.sent(peerId, { number, atMs: captureMs, picture, framerateFps });
  }

  #seen({ to, frame, receivedMs }: SeenPicture): void {
    const { peerId: from, width, height, planes, isKeyframe } = frame;
    const code = readPictureCode(planes[0], width, height);
    const seen = { from, to, code, receivedMs, isKeyframe, avOffsetMs: frame.audioSyncOffsetMs };
    const source = this.#sources.of(from);
    const number = code?.sender === senderOf(from) ? code.frameNumber : undefined;
    if (number !== undefined) {
      const { framerateFps } = source ?? this.#options.plan;
      this.#recorder?.received(from, to, { number, atMs: receivedMs, picture: frame, framerateFps });
    }
    const isCompared = number !== undefined && this.#measurement.wantsComparison(from, to, receivedMs);
    // What a page shows is known to the page only: it may be its camera.
    if (isCompared && source !== undefined) void this.#compare(seen, frame, source.picture(number));
    else this.#measurement.seen({ ...seen, psnrDb: undefined });
  }

  async #compare(
    seen: Omit<SeenCode, "psnrDb">,
    picture: I420Picture,
    reference: I420Picture | Promise<I420Picture>,
  ): Promise<void> {
    let psnrDb: number | undefined;
    try {
      const step = picture.width * picture.height > MAX_COMPARED_PIXELS ? 2 : 1;
      psnrDb = psnr(picture, reference instanceof Promise ? await reference : reference, step)?.yuv;
    } catch (error) {
      this.#tellOnce(describeError(error));
    }
    this.#measurement.seen({ ...seen, psnrDb });
  }

  #tellOnce(fault: string): void {
    if (fault === this.#fault) return;
    this.#fault = fault;
    this.#options.trouble(fault);
  }
}
