// One link's incoming video: packets become frames that can be decoded, and feedback tells the sender what is missing
// and when its packets came. Decodes nothing.
import type { VideoAgreement } from "../../platform/video-link.ts";
import { readExtensions } from "../../rtp/extensions.ts";
import type { RtpPacket } from "../../rtp/packet.ts";
import type { FeedbackPacket } from "../../rtp/rtcp/packets.ts";
import type { TransportFeedback } from "../../rtp/rtcp/transport-cc.ts";
import { DEPACKETIZERS } from "../../rtp/video-formats.ts";
import { Driver } from "../../runtime/driver.ts";
import type { Clock } from "../../runtime/time.ts";
import { FeedbackRecorder } from "../congestion/feedback-recorder.ts";
import type { NumberedArrival } from "../congestion/feedback-recorder.ts";
import type { CodedVideoFrame } from "../engine/engine.ts";
import { VideoReceiver } from "./video-receiver.ts";
import type { VideoReceiverInput, VideoReceiverOutput } from "./video-receiver.ts";
import type { VideoReceiverCounters } from "./video-receiver-counters.ts";

/** What UDP and IP add to a packet, bytes. */
const UDP_IP_BYTES = 28;

/** Options of a {@link VideoReceiving}. */
export interface VideoReceivingOptions {
  clock: Clock;
  agreement: VideoAgreement;
  /** Of our outgoing stream: who speaks in feedback. */
  ssrc: number;
  /** A frame that can be decoded, in order. */
  onFrame: (frame: CodedVideoFrame) => void;
  /** To be sent to the other side. */
  onFeedback: (packet: FeedbackPacket) => void;
}

/** See the header. Close it to stop its timers. */
export class VideoReceiving {
  readonly #options: VideoReceivingOptions;
  readonly #receiver: VideoReceiver;
  readonly #receiving: Driver<VideoReceiverInput, VideoReceiverOutput>;
  #recording: Driver<NumberedArrival, TransportFeedback> | undefined;

  constructor(options: VideoReceivingOptions) {
    this.#options = options;
    const { agreement, clock } = options;
    const { codec, payloadType, rtxPayloadType, captureTimeId } = agreement;
    this.#receiver = new VideoReceiver({
      payloadType,
      depacketize: DEPACKETIZERS[codec],
      captureTimeId,
      ...(rtxPayloadType !== 0 && { rtx: { payloadType: rtxPayloadType } }),
    });
    this.#receiving = new Driver(this.#receiver, clock, (output) => this.#effect(output));
  }

  get counters(): VideoReceiverCounters {
    return this.#receiver.counters;
  }

  /** Take a packet, and what was read of it. It is ours from now on. */
  receive(packet: Uint8Array, rtp: RtpPacket, arrivalMs: number): void {
    this.#record(rtp, packet.length);
    this.#receiving.handle({ type: "rtp", packet, arrivalMs });
  }

  setRtt(rttMs: number): void {
    this.#receiving.handle({ type: "rtt", rttMs });
  }

  /** The decoder failed at the frame with this RTP timestamp. */
  undecodable(rtpTimestamp: number): void {
    this.#receiving.handle({ type: "undecodable", position: rtpTimestamp });
  }

  /** Somebody wants to begin to look. */
  wantKeyframe(): void {
    this.#receiving.handle({ type: "keyframe-wanted" });
  }

  close(): void {
    this.#receiving.close();
    this.#recording?.close();
  }

  #record(rtp: RtpPacket, byteLength: number): void {
    const { transportCc, transportCcId } = this.#options.agreement;
    if (!transportCc || transportCcId === 0 || rtp.extension === undefined) return;
    for (const { id, data } of readExtensions(rtp.extension)) {
      if (id !== transportCcId || data.length < 2) continue;
      const sequenceNumber = ((data[0] as number) << 8) | (data[1] as number);
      this.#recorder(rtp.ssrc).handle({
        type: "packet",
        sequenceNumber,
        byteLength: byteLength + UDP_IP_BYTES,
      });
      return;
    }
  }

  #recorder(mediaSsrc: number): Driver<NumberedArrival, TransportFeedback> {
    const { clock, ssrc, onFeedback } = this.#options;
    this.#recording ??= new Driver(new FeedbackRecorder({ senderSsrc: ssrc, mediaSsrc }), clock, (feedback) =>
      onFeedback(feedback),
    );
    return this.#recording;
  }

  #effect(output: VideoReceiverOutput): void {
    const { ssrc: senderSsrc, onFrame, onFeedback, agreement } = this.#options;
    switch (output.type) {
      case "frame":
        return onFrame(output.frame);
      case "nack": {
        const { ssrc: mediaSsrc, sequenceNumbers } = output;
        if (agreement.nack) onFeedback({ type: "nack", senderSsrc, mediaSsrc, sequenceNumbers });
        return;
      }
      case "pli":
        if (agreement.pli) onFeedback({ type: "pli", senderSsrc, mediaSsrc: output.ssrc });
        return;
    }
  }
}
