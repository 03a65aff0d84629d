// One peer as a SyncManager sees it, in virtual time: frames and reports of a sender with clocks of its own arrive over
// a path; frames are popped the moment they are due. Local time of the receiver is true time.
import { ntpToBigInt, unixUsToNtp } from "../../src/rtp/ntp.ts";
import type { SyncManager } from "../../src/sync/sync-manager.ts";
import type {
  FrameReceipt,
  Media,
  ReceivedAudioFrame,
  ReceivedVideoFrame,
  RtcpSenderReport,
  SyncedAudioFrame,
  SyncedVideoFrame,
} from "../../src/sync/sync-types.ts";

/** Unix ms of the receiver's wall clock at local time 0. */
export const WALL_MS = 1_767_225_600_000;
const RATE = { audio: 48_000, video: 90_000 } as const;
const NOTHING = new Uint8Array(0);

export interface SenderOptions {
  ssrc?: number;
  /** RTP timestamp at true time 0. */
  base?: number;
  /** Sequence number of frame 0. */
  sequence?: number;
  /** Media clock against true time. */
  ppm?: number;
  /** Sender's wall clock minus the receiver's, ms. */
  wallAheadMs?: number;
  frameMs?: number;
}

/** One stream of a sender. */
export class Sender {
  readonly media: Media;
  readonly ssrc: number;
  readonly frameMs: number;
  wallAheadMs: number;
  readonly #base: number;
  readonly #sequence: number;
  readonly #rate: number;

  constructor(media: Media, options: SenderOptions = {}) {
    this.media = media;
    this.ssrc = options.ssrc ?? (media === "audio" ? 11 : 22);
    this.frameMs = options.frameMs ?? (media === "audio" ? 20 : 100 / 3);
    this.wallAheadMs = options.wallAheadMs ?? 0;
    this.#base = options.base ?? 0;
    this.#sequence = options.sequence ?? 0;
    this.#rate = RATE[media] * (1 + (options.ppm ?? 0) * 1e-6);
  }

  /** True ms at which frame `index` is captured. */
  captureMs(index: number): number {
    return (index * this.frameMs * RATE[this.media]) / this.#rate;
  }

  /** RTP timestamp at a true time. */
  timestampAt(trueMs: number): number {
    return (this.#base + Math.round((trueMs * this.#rate) / 1000)) >>> 0;
  }

  ntpAt(trueMs: number): bigint {
    return ntpToBigInt(unixUsToNtp((WALL_MS + trueMs + this.wallAheadMs) * 1000));
  }

  audio(index: number, receivedAt: number): ReceivedAudioFrame<Uint8Array> {
    return {
      rtpTimestamp: this.timestampAt(this.captureMs(index)),
      rtpSequence: (this.#sequence + index) & 0xffff,
      samples: NOTHING,
      receivedAt,
      payloadSize: 0,
      ssrc: this.ssrc,
    };
  }

  video(index: number, receivedAt: number): ReceivedVideoFrame {
    return {
      rtpTimestamp: this.timestampAt(this.captureMs(index)),
      rtpSequence: null,
      width: 640,
      height: 360,
      format: "encoded",
      planes: [NOTHING],
      receivedAt,
      markerBit: true,
      isKeyframe: index === 0,
      ssrc: this.ssrc,
    };
  }

  report(trueMs: number, change: Partial<RtcpSenderReport> = {}): RtcpSenderReport {
    return {
      ssrc: this.ssrc,
      ntpTimestamp: this.ntpAt(trueMs),
      rtpTimestamp: this.timestampAt(trueMs),
      packetCount: 0,
      octetCount: 0,
      ...change,
    };
  }
}

export interface Played<Frame> {
  readonly frame: Frame;
  readonly atMs: number;
}

/** What happens, in order of time, and what came out. */
export class Stage {
  readonly audio: Played<SyncedAudioFrame<Uint8Array>>[] = [];
  readonly video: Played<SyncedVideoFrame>[] = [];
  readonly receipts: FrameReceipt["status"][] = [];
  readonly #sync: SyncManager<Uint8Array>;
  readonly #events: { atMs: number; order: number; act: () => void }[] = [];

  constructor(sync: SyncManager<Uint8Array>) {
    this.#sync = sync;
  }

  at(atMs: number, act: () => void): void {
    this.#events.push({ atMs, order: this.#events.length, act });
  }

  /** Frames `from` to `to` (not included) of a stream. @param delayMs of each; undefined for a lost one */
  frames(sender: Sender, from: number, to: number, delayMs: (index: number) => number | undefined): void {
    for (let index = from; index < to; index++) {
      const delay = delayMs(index);
      if (delay === undefined) continue;
      const atMs = sender.captureMs(index) + delay;
      this.at(atMs, () => {
        const receipt =
          sender.media === "audio"
            ? this.#sync.processAudioFrame(sender.audio(index, atMs))
            : this.#sync.processVideoFrame(sender.video(index, atMs));
        this.receipts.push(receipt.status);
      });
    }
  }

  /** A sender report every `everyMs`, which takes `delayMs`. */
  reports(sender: Sender, fromMs: number, toMs: number, everyMs: number, delayMs = 20): void {
    for (let sentMs = fromMs; sentMs < toMs; sentMs += everyMs) {
      this.at(sentMs + delayMs, () => {
        this.#sync.updateRtcpSenderReport(sender.report(sentMs), sentMs + delayMs, sender.media);
      });
    }
  }

  /** Let everything happen; frames leave the moment they are due. */
  run(): void {
    this.#events.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
    for (const { atMs, act } of this.#events) {
      this.#playUntil(atMs);
      act();
    }
    this.#events.length = 0;
    this.#playUntil(Infinity);
  }

  #playUntil(limitMs: number): void {
    for (;;) {
      const audioMs = this.#sync.nextAudioDueMs;
      const videoMs = this.#sync.nextVideoDueMs;
      const atMs = Math.min(audioMs, videoMs);
      if (atMs === Infinity || atMs > limitMs) return;
      if (audioMs <= videoMs) {
        const frame = this.#sync.popNextAudioFrame(atMs);
        if (frame !== null) this.audio.push({ frame, atMs });
      } else {
        const frame = this.#sync.popNextVideoFrame(atMs);
        if (frame !== null) this.video.push({ frame, atMs });
      }
    }
  }
}

/** How much later than captured each frame played, ms, by true time. */
export function playoutDelays(
  sender: Sender,
  played: readonly Played<{ readonly rtpTimestamp: number }>[],
): number[] {
  const perTick = 1000 / RATE[sender.media];
  return played.map(({ frame, atMs }) => {
    const aheadTicks = (sender.timestampAt(atMs) - frame.rtpTimestamp) | 0;
    return aheadTicks * perTick;
  });
}

/** The largest change from one value to the next. */
export function largestStep(values: readonly number[]): number {
  let largest = 0;
  for (let i = 1; i < values.length; i++) {
    largest = Math.max(largest, Math.abs((values[i] as number) - (values[i - 1] as number)));
  }
  return largest;
}
