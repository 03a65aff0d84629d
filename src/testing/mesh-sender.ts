// One simulated machine as a sender of audio and video: what leaves it when, as lengths without payload.
import { unixUsToNtp, ntpToBigInt } from "../rtp/ntp.ts";
import type { RtcpSenderReport } from "../sync/sync-types.ts";
import type { SeededRandom } from "./random.ts";

/** Ticks a second of the two RTP clocks. */
const AUDIO_CLOCK_RATE = 48_000;
const VIDEO_CLOCK_RATE = 90_000;

/** Ms between the capture of a video frame and its first packet: encoding. */
const VIDEO_ENCODE_MS = 10;

/** Payload of a video packet, and header with IP, UDP, RTP and the SRTP tag; bytes. */
const PACKET_PAYLOAD_BYTES = 1_150;
const PACKET_OVERHEAD_BYTES = 60;

/** How much larger a key frame is than the others, and how often one comes. */
const KEY_FRAME_SIZE = 6;
const KEY_FRAME_INTERVAL = 60;

const REPORT_BYTES = 90;
const US_PER_MS = 1_000;

/** A machine's clocks: how local and wall time follow from true time, all in ms. */
export class MachineClock {
  readonly skewPpm: number;
  /** Wall clock minus local clock, constant. */
  readonly wallOffsetMs: number;
  readonly #startMs: number;
  readonly #rate: number;

  /** @param wallStartMs what its wall clock shows at true time 0, Unix ms */
  constructor(startMs: number, wallStartMs: number, skewPpm: number) {
    this.#startMs = startMs;
    this.skewPpm = skewPpm;
    this.wallOffsetMs = wallStartMs - startMs;
    this.#rate = 1 + skewPpm * 1e-6;
  }

  localMs(trueMs: number): number {
    return this.#startMs + trueMs * this.#rate;
  }

  wallMs(trueMs: number): number {
    return this.localMs(trueMs) + this.wallOffsetMs;
  }

  /** Inverse of {@link localMs}. */
  trueMs(localMs: number): number {
    return (localMs - this.#startMs) / this.#rate;
  }

  /** True ms that its clock takes for `ms`. */
  trueSpanMs(ms: number): number {
    return ms / this.#rate;
  }
}

/** Something that leaves a sender. */
export type Departure =
  | { kind: "audio"; atMs: number; bytes: number; captureMs: number; timestamp: number; sequence: number }
  | {
      kind: "video";
      atMs: number;
      packets: number[];
      captureMs: number;
      timestamp: number;
      keyFrame: boolean;
    }
  | { kind: "report"; atMs: number; bytes: number; media: "audio" | "video"; report: RtcpSenderReport };

/** What a sender sends. */
export interface SenderOptions {
  readonly clock: MachineClock;
  readonly random: SeededRandom;
  readonly audio: { readonly frameMs: number; readonly packetBytes: number };
  readonly video: { readonly framerateFps: number; readonly bitrateKbps: number } | null;
  readonly rtcpIntervalMs: number;
}

/** The schedule of one sender; its media clocks are its machine's. */
export class MeshSender {
  readonly clock: MachineClock;
  readonly ssrcs: { readonly audio: number; readonly video: number };
  readonly #options: SenderOptions;
  readonly #random: SeededRandom;
  readonly #audioBase: number;
  readonly #videoBase: number;
  readonly #sequenceBase: number;
  #audioFrames = 0;
  #videoFrames = 0;
  readonly #nextReportMs = { audio: 0, video: 0 };

  constructor(options: SenderOptions) {
    const { clock, random } = options;
    this.clock = clock;
    this.#options = options;
    this.#random = random;
    this.ssrcs = { audio: random.integer(1, 2 ** 31), video: random.integer(1, 2 ** 31) };
    this.#audioBase = random.integer(0, 2 ** 32 - 1);
    this.#videoBase = random.integer(0, 2 ** 32 - 1);
    this.#sequenceBase = random.integer(0, 65_535);
  }

  /** What leaves until `untilMs` (true time), in order of time. To be called with rising times. */
  departures(untilMs: number): Departure[] {
    const found: Departure[] = [];
    this.#audio(untilMs, found);
    if (this.#options.video !== null) this.#video(this.#options.video, untilMs, found);
    this.#reports(untilMs, found);
    return found.sort((a, b) => a.atMs - b.atMs);
  }

  #audio(untilMs: number, found: Departure[]): void {
    const { frameMs, packetBytes } = this.#options.audio;
    for (;;) {
      const captureMs = this.clock.trueSpanMs(this.#audioFrames * frameMs);
      const atMs = captureMs + this.clock.trueSpanMs(frameMs); // a frame is sent when its last sample is there
      if (atMs >= untilMs) return;
      const timestamp = (this.#audioBase + (this.#audioFrames * frameMs * AUDIO_CLOCK_RATE) / 1_000) >>> 0;
      const sequence = (this.#sequenceBase + this.#audioFrames) & 0xffff;
      found.push({ kind: "audio", atMs, bytes: packetBytes, captureMs, timestamp, sequence });
      this.#audioFrames++;
    }
  }

  #video(video: NonNullable<SenderOptions["video"]>, untilMs: number, found: Departure[]): void {
    const frameMs = 1_000 / video.framerateFps;
    for (;;) {
      const captureMs = this.clock.trueSpanMs(this.#videoFrames * frameMs);
      const atMs = captureMs + VIDEO_ENCODE_MS;
      if (atMs >= untilMs) return;
      const ticks = Math.round((this.#videoFrames * frameMs * VIDEO_CLOCK_RATE) / 1_000);
      const keyFrame = this.#videoFrames % KEY_FRAME_INTERVAL === 0;
      const packets = this.#packets(video, keyFrame);
      found.push({
        kind: "video",
        atMs,
        packets,
        captureMs,
        timestamp: (this.#videoBase + ticks) >>> 0,
        keyFrame,
      });
      this.#videoFrames++;
    }
  }

  /** Bytes of each packet of one frame. */
  #packets(video: NonNullable<SenderOptions["video"]>, keyFrame: boolean): number[] {
    const meanBytes = (video.bitrateKbps * 1_000) / 8 / video.framerateFps;
    const size = (keyFrame ? KEY_FRAME_SIZE : 1) * meanBytes * (0.6 + 0.8 * this.#random.next());
    const packets: number[] = [];
    for (let left = size; left > 0; left -= PACKET_PAYLOAD_BYTES) {
      packets.push(Math.ceil(Math.min(left, PACKET_PAYLOAD_BYTES)) + PACKET_OVERHEAD_BYTES);
    }
    return packets;
  }

  // RFC 3550 section 6.2: intervals vary by half, so that participants do not fall into step.
  #reports(untilMs: number, found: Departure[]): void {
    for (const media of ["audio", "video"] as const) {
      if (media === "video" && this.#options.video === null) continue;
      while (this.#nextReportMs[media] < untilMs) {
        const atMs = this.#nextReportMs[media];
        found.push({ kind: "report", atMs, bytes: REPORT_BYTES, media, report: this.#report(media, atMs) });
        this.#nextReportMs[media] = atMs + this.#options.rtcpIntervalMs * (0.5 + this.#random.next());
      }
    }
  }

  #report(media: "audio" | "video", atMs: number): RtcpSenderReport {
    const mediaMs = this.clock.localMs(atMs) - this.clock.localMs(0);
    const [base, rate] =
      media === "audio" ? [this.#audioBase, AUDIO_CLOCK_RATE] : [this.#videoBase, VIDEO_CLOCK_RATE];
    return {
      ssrc: this.ssrcs[media],
      ntpTimestamp: ntpToBigInt(unixUsToNtp(this.clock.wallMs(atMs) * US_PER_MS)),
      rtpTimestamp: (base + Math.round((mediaMs * rate) / 1_000)) >>> 0,
      packetCount: media === "audio" ? this.#audioFrames : this.#videoFrames,
      octetCount: 0,
    };
  }
}
