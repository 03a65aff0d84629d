// One direction of a video call in virtual time: frames of a codec without pictures, cut, sent over a seeded path with
// its answers on the way back, received, and judged.
import { expect } from "vitest";
import { KeyframeDemand } from "../../../src/media/video/keyframe-demand.ts";
import { Retransmissions } from "../../../src/media/video/retransmissions.ts";
import { VideoReceiver } from "../../../src/media/video/video-receiver.ts";
import type { ReceivedCodedFrame, VideoReceiverOutput } from "../../../src/media/video/video-receiver.ts";
import { VideoSender } from "../../../src/media/video/video-sender.ts";
import type { VideoCodecName } from "../../../src/platform/video-codecs.ts";
import type { Depacketize, VideoPacketizer } from "../../../src/rtp/video-payload.ts";
import { Driver } from "../../../src/runtime/driver.ts";
import { LinkModel } from "../../../src/testing/link-model.ts";
import type { LinkModelOptions } from "../../../src/testing/link-model.ts";
import { VirtualClock } from "../../../src/testing/virtual-clock.ts";
import { ChainDecoder, ChainEncoder, fromTheOneBefore } from "./chained-frames.ts";
import type { Prediction } from "./chained-frames.ts";

/** How a call's frames are made and cut. */
export interface CallFormat {
  packetizer: VideoPacketizer;
  depacketize: Depacketize;
  codec?: VideoCodecName;
  prediction?: Prediction;
}

export interface CallOptions {
  format: CallFormat;
  link: LinkModelOptions;
  seed: number;
  /** Whether retransmissions have a stream of their own. */
  rtx?: boolean;
  /** Whether there are any. */
  answersNacks?: boolean;
  /** A keyframe every so many frames, beside those asked for. */
  keyframeEvery?: number;
  /** Whether the first copies of a frame's packets are lost in any case. */
  losesFrame?: (frame: SentFrame) => boolean;
  maxWaitMs?: number;
}

export interface SentFrame {
  readonly number: number;
  readonly isKeyframe: boolean;
  readonly sentMs: number;
}

const FRAME_MS = 1000 / 30;
const FRAME_TICKS = 3000;
const PACKET_BYTES = 1100;
/** Frames of 1.5 Mbit/s. */
const FRAME_BYTES = 6000;
const KEYFRAME_BYTES = 36_000;
/** Between the packets of a frame. */
const PACING_MS = 0.7;
const NEGOTIATED = { payloadType: 98, captureTimeId: 3, transportSequenceId: 5, dependencyId: 0 };
const RTX = { ssrc: 0x2222, payloadType: 99, sequenceNumber: 65_530 };
const SSRC = 0x1111;

/** Runs from frame to frame; everything of interest is public. */
export class VideoCall {
  readonly clock = new VirtualClock({ startMs: 1000 });
  readonly decoder = new ChainDecoder();
  readonly sent: SentFrame[] = [];
  readonly handedOut: { frame: ReceivedCodedFrame; atMs: number }[] = [];
  readonly receiver: VideoReceiver;
  readonly sender = new VideoSender({ ssrc: SSRC, sequenceNumber: 65_500, timestampBase: 2 ** 32 - 90_000 });
  readonly retransmissions: Retransmissions;
  readonly #options: CallOptions;
  readonly #encoder: ChainEncoder;
  readonly #out: LinkModel;
  readonly #back: LinkModel;
  readonly #receiving: Driver<Parameters<VideoReceiver["handle"]>[0], VideoReceiverOutput>;
  readonly #demand: Driver<Parameters<KeyframeDemand["handle"]>[0], { type: "keyframe" }>;
  #transportSequence = 0;
  #keyframe = true;
  #place = 0;

  constructor(options: CallOptions) {
    const { format, link, seed, rtx = false, maxWaitMs } = options;
    this.#options = options;
    this.#encoder = new ChainEncoder(format.codec, seed);
    this.#out = new LinkModel(link, `${seed} out`);
    this.#back = new LinkModel(link, `${seed} back`);
    this.receiver = new VideoReceiver({
      payloadType: NEGOTIATED.payloadType,
      depacketize: format.depacketize,
      captureTimeId: NEGOTIATED.captureTimeId,
      ...(rtx && { rtx: RTX }),
      ...(maxWaitMs !== undefined && { maxWaitMs }),
    });
    this.retransmissions = new Retransmissions({ ssrc: SSRC, ...(rtx && { rtx: RTX }) });
    this.#receiving = new Driver(this.receiver, this.clock, (output) => this.#take(output));
    this.#demand = new Driver(new KeyframeDemand(), this.clock, () => (this.#keyframe = true));
    this.#receiving.handle({ type: "rtt", rttMs: link.delayMs * 2 });
    this.retransmissions.setRtt(link.delayMs * 2);
  }

  /** Send this many frames, and wait for the last ones. */
  run(frames: number): void {
    const startMs = this.clock.now();
    for (let index = 0; index < frames; index++) {
      this.clock.advanceTo(startMs + index * FRAME_MS);
      this.#sendFrame();
    }
    this.clock.advance(1000);
  }

  /** Ms from each frame being sent to its being handed out. */
  get latenciesMs(): number[] {
    return this.handedOut.map(({ frame, atMs }) => atMs - (this.sent[this.numberOf(frame)]?.sentMs ?? NaN));
  }

  /** Ms from a frame being sent to the first one that is handed out in its place, or is itself. */
  freezeMs({ number, sentMs }: SentFrame): number {
    const next = this.handedOut.find(({ frame }) => this.numberOf(frame) >= number);
    return (next?.atMs ?? Infinity) - sentMs;
  }

  /** Figures for a failure's message. */
  get summary(): string {
    const { sent, handedOut, latenciesMs, receiver, retransmissions } = this;
    const times = [0.5, 0.95, 0.99].map((share) => percentile(latenciesMs, share).toFixed(0));
    const share = ((handedOut.length / sent.length) * 100).toFixed(2);
    const counters = JSON.stringify([receiver.counters, retransmissions.counters]);
    return `seed ${this.#options.seed}: ${share} % of ${sent.length}, ${times.join("/")} ms, ${counters}`;
  }

  /** Which of the sent frames this is. */
  numberOf({ rtpTimestamp }: ReceivedCodedFrame): number {
    return ((rtpTimestamp - this.sender.timestampOf(0)) >>> 0) / FRAME_TICKS;
  }

  #sendFrame(): void {
    const { format, keyframeEvery = Infinity, losesFrame } = this.#options;
    const { prediction = fromTheOneBefore, packetizer } = format;
    const number = this.sent.length;
    const isKeyframe = this.#keyframe || number % keyframeEvery === 0;
    this.#keyframe = false;
    this.#place = isKeyframe ? 0 : this.#place + 1;
    if (isKeyframe) this.#demand.handle({ type: "encoded" });
    const length = isKeyframe ? KEYFRAME_BYTES : FRAME_BYTES;
    const data = this.#encoder.encode(isKeyframe, prediction(this.#place), length);
    const sentMs = this.clock.now();
    const sent = { number, isKeyframe, sentMs };
    this.sent.push(sent);
    const isLost = losesFrame?.(sent) === true;
    const payloads = packetizer.packetize({ data, isKeyframe, width: 640, height: 360 }, PACKET_BYTES);
    const captureUs = 1_790_000_000_000_000 + number * FRAME_MS * 1000;
    payloads.forEach((payload, index) => {
      const offered = {
        position: number * FRAME_TICKS,
        index,
        count: payloads.length,
        payload,
        isKeyframe,
        captureUs,
      };
      this.clock.setTimer(sentMs + index * PACING_MS, () => {
        const packet = this.sender.packetize(offered, NEGOTIATED, this.#transportSequence++);
        const remembered = this.sender.settle(true);
        if (packet === undefined || remembered === undefined)
          throw new Error("the sender refused its own packet");
        this.retransmissions.remember(remembered, this.clock.now());
        if (!isLost) this.#deliver(packet);
      });
    });
  }

  #deliver(packet: Uint8Array): void {
    this.#out.send(packet.length, this.clock.now(), (arrivalMs) => {
      this.clock.setTimer(arrivalMs, () =>
        this.#receiving.handle({ type: "rtp", packet: packet.slice(), arrivalMs }),
      );
    });
  }

  #take(output: VideoReceiverOutput): void {
    if (output.type === "frame") {
      this.decoder.decode(output.frame.data);
      this.handedOut.push({ frame: output.frame, atMs: this.clock.now() });
      return;
    }
    this.#back.send(60, this.clock.now(), (arrivalMs) => {
      this.clock.setTimer(arrivalMs, () => {
        if (output.type === "pli") this.#demand.handle({ type: "pli" });
        else if (this.#options.answersNacks !== false) this.#sendAgain(output.sequenceNumbers);
      });
    });
  }

  #sendAgain(sequenceNumbers: readonly number[]): void {
    const nowMs = this.clock.now();
    this.retransmissions.request(sequenceNumbers, nowMs);
    for (;;) {
      const packet = this.retransmissions.next(NEGOTIATED, this.#transportSequence++, nowMs);
      if (packet === undefined) return;
      this.retransmissions.settle(true, nowMs);
      this.#deliver(packet);
    }
  }
}

/** Every packet and every frame has been counted once, as the counters promise. */
export function expectBalance({ receiver }: Pick<VideoCall, "receiver">): void {
  const counted = receiver.counters;
  const { otherStream, padding, unreadable, duplicates, late, strays, overruns } = counted;
  const { incomplete, undecodable, delivered, buffered } = counted;
  const never = otherStream + padding + unreadable + duplicates + late + strays + overruns;
  const text = JSON.stringify(counted);
  expect(never + incomplete + undecodable + delivered + buffered, text).toBe(counted.packetsReceived);
  const { framesDelivered, framesDropped, framesWaiting, framesAssembled } = counted;
  expect(framesDelivered + framesDropped + framesWaiting, text).toBe(framesAssembled);
  expect(Math.min(framesDropped, framesWaiting, buffered), text).toBeGreaterThanOrEqual(0);
}

/** The value below which `share` of the values lie. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}
