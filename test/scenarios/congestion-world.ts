// One sender of video, a path with a bottleneck, one receiver: encoder, pacer, link, feedback and estimate together, in
// virtual time. What the sender may send follows the estimate; everything is measured against the true limit.
import { BandwidthEstimator } from "../../src/media/congestion/bandwidth-estimator.ts";
import type { BandwidthInput, FeedbackKind } from "../../src/media/congestion/bandwidth-estimator.ts";
import { FeedbackRecorder } from "../../src/media/congestion/feedback-recorder.ts";
import { Pacer } from "../../src/media/congestion/pacer.ts";
import type { PacerInput } from "../../src/media/congestion/pacer.ts";
import { buildTransportFeedback, parseTransportFeedback } from "../../src/rtp/rtcp/transport-cc.ts";
import type { TransportFeedback } from "../../src/rtp/rtcp/transport-cc.ts";
import { LinkModel } from "../../src/testing/link-model.ts";
import type { LinkModelOptions } from "../../src/testing/link-model.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

const FRAME_MS = 1000 / 30;
const PACKET_BYTES = 1_200;
/** A key frame among others, and the frames that make up for it. */
const KEYFRAME_FACTOR = 5;
const REPAYING_FRAMES = 10;
const AUDIO_BYTES = 100;
const AUDIO_FRAME_MS = 20;
const REPORT_MS = 1_000;
const RTCP_HEADER_BYTES = 4;

/** The path and who uses it. Times are true time; the link's rate is the limit that reports compare with. */
export interface CongestionOptions {
  readonly seed: number | string;
  readonly durationMs: number;
  readonly link: LinkModelOptions;
  /** Other habits of the link, by rising time. */
  readonly changes?: readonly { readonly atMs: number; readonly link: LinkModelOptions }[];
  /** The way of the feedback. Default: the propagation delay of `link`, nothing else. */
  readonly back?: LinkModelOptions;
  readonly feedback?: FeedbackKind;
  readonly startKbps?: number;
  readonly maxKbps?: number;
  /** Whether the sender can pad; without, orders of probes come to nothing. Default true. */
  readonly padding?: boolean;
  /** Audio of 40 kbit/s through the same bottleneck. Default false. */
  readonly audio?: boolean;
  /** How fast the receiver's clock runs, ppm. Default 0. */
  readonly skewPpm?: number;
  /** What the source wants at most, kbit/s, asked for each frame; default: all it may. */
  readonly sourceKbps?: (nowMs: number, targetKbps: number) => number;
}

/** What is seen every 50 ms. */
export interface CongestionSample {
  readonly atMs: number;
  readonly targetKbps: number;
}

/** What became of one packet. */
export interface PacketRecord {
  readonly sentMs: number;
  readonly byteLength: number;
  /** On top of propagation; undefined when lost. */
  readonly queueMs: number | undefined;
}

/** What happened. */
export interface CongestionReport {
  readonly samples: readonly CongestionSample[];
  readonly video: readonly PacketRecord[];
  readonly audio: readonly PacketRecord[];
  readonly feedbackBytes: number;
  readonly paddingBytes: number;
  readonly keyframes: number;
  /** From the encoder to the link, ms, the longest. */
  readonly maxPacerMs: number;
}

/** A packet on its way through the pacer. */
interface Queued {
  readonly encodedMs: number;
  readonly byteLength: number;
}

/** Play it. */
export function playCongestion(options: CongestionOptions): CongestionReport {
  return new CongestionWorld(options).play();
}

class CongestionWorld {
  readonly #options: CongestionOptions;
  readonly #clock = new VirtualClock();
  readonly #random: SeededRandom;
  readonly #link: LinkModel;
  readonly #back: LinkModel;
  readonly #estimator: BandwidthEstimator;
  readonly #pacer: Pacer<Queued>;
  readonly #recorder = new FeedbackRecorder({ senderSsrc: 1, mediaSsrc: 2 });
  readonly #wakes = new Map<object, { atMs: number; cancel: () => void }>();
  readonly #samples: CongestionSample[] = [];
  readonly #video: PacketRecord[] = [];
  readonly #audio: PacketRecord[] = [];
  readonly #usesFeedback: boolean;
  readonly #rate: number;
  #targetKbps: number;
  #sequence = 65_000;
  #frame = 0;
  #keyframe = true;
  #repaying = 0;
  #overshoot = 0;
  #feedbackBytes = 0;
  #paddingBytes = 0;
  #keyframes = 0;
  #maxPacerMs = 0;
  /** And how long the last packet that arrived had waited. */
  #sinceReport = { sent: 0, arrived: 0, queueMs: 0 };

  constructor(options: CongestionOptions) {
    const { seed, link, feedback = "transport-cc", startKbps = 300, maxKbps = 2_500 } = options;
    this.#options = options;
    this.#random = new SeededRandom(`encoder ${seed}`);
    this.#link = new LinkModel(link, `there ${seed}`);
    this.#back = new LinkModel(options.back ?? { delayMs: link.delayMs }, `back ${seed}`);
    this.#usesFeedback = feedback === "transport-cc";
    this.#rate = 1 + (options.skewPpm ?? 0) * 1e-6;
    this.#targetKbps = startKbps;
    this.#estimator = new BandwidthEstimator({ feedback, minKbps: 60, startKbps, maxKbps });
    this.#pacer = new Pacer(startKbps);
  }

  play(): CongestionReport {
    const { durationMs, changes = [], audio = false, link } = this.#options;
    for (const change of changes) this.#clock.setTimer(change.atMs, () => this.#link.change(change.link));
    this.#every(FRAME_MS, () => this.#encode());
    this.#every(50, () => this.#samples.push({ atMs: this.#clock.now(), targetKbps: this.#targetKbps }));
    if (audio) this.#every(AUDIO_FRAME_MS, () => this.#transmit(AUDIO_BYTES, this.#audio));
    if (!this.#usesFeedback) this.#every(REPORT_MS, () => this.#report(link.delayMs));
    this.#clock.advance(durationMs);
    return {
      samples: this.#samples,
      video: this.#video,
      audio: this.#audio,
      feedbackBytes: this.#feedbackBytes,
      paddingBytes: this.#paddingBytes,
      keyframes: this.#keyframes,
      maxPacerMs: this.#maxPacerMs,
    };
  }

  #every(ms: number, action: () => void): void {
    const again = (): void => {
      action();
      this.#clock.setTimer(this.#clock.now() + ms, again);
    };
    this.#clock.setTimer(this.#clock.now(), again);
  }

  /** The size of a frame wanders around what the target gives it, a fifth up and down. */
  #encode(): void {
    const { sourceKbps = () => Infinity } = this.#options;
    const wantedKbps = Math.min(this.#targetKbps, sourceKbps(this.#clock.now(), this.#targetKbps));
    this.#overshoot = 0.8 * this.#overshoot + 0.6 * 0.15 * this.#random.normal();
    let factor = Math.max(0.2, 1 + this.#overshoot);
    if (this.#keyframe) {
      this.#repaying = REPAYING_FRAMES;
      this.#keyframes++;
      factor *= KEYFRAME_FACTOR;
    } else if (this.#repaying-- > 0) factor *= 1 - (KEYFRAME_FACTOR - 1) / REPAYING_FRAMES;
    const isKeyframe = this.#keyframe;
    this.#keyframe = false;
    this.#frame++;
    const encodedMs = this.#clock.now();
    for (let left = Math.ceil((wantedKbps * FRAME_MS * factor) / 8); left > 0; left -= PACKET_BYTES) {
      const byteLength = Math.max(100, Math.min(left, PACKET_BYTES));
      const packet = { item: { encodedMs, byteLength }, byteLength };
      this.#pace({ type: "media", packet, frame: this.#frame, isKeyframe });
    }
  }

  #pace(input: PacerInput<Queued> | { type: "timeout" }): void {
    const nowMs = this.#clock.now();
    this.#pacer.handle(input, nowMs);
    for (let output = this.#pacer.poll(); output !== undefined; output = this.#pacer.poll()) {
      if (output.type === "keyframe-needed") this.#keyframe = true;
      else if (output.type === "send") {
        this.#maxPacerMs = Math.max(this.#maxPacerMs, nowMs - output.item.encodedMs);
        this.#send(output.item.byteLength, output.clusterId);
      } else if (this.#options.padding !== false) {
        this.#paddingBytes += output.byteLength;
        this.#send(output.byteLength, output.clusterId);
      }
    }
    this.#wake(this.#pacer, this.#pacer.deadlineMs, () => this.#pace({ type: "timeout" }));
  }

  #send(byteLength: number, clusterId: number | undefined): void {
    const sequenceNumber = this.#sequence;
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#estimate({ type: "packet-sent", sequenceNumber, byteLength, clusterId });
    this.#sinceReport.sent++;
    this.#transmit(byteLength, this.#video, (queueMs) => {
      this.#sinceReport.arrived++;
      this.#sinceReport.queueMs = queueMs;
      if (this.#usesFeedback) this.#record({ type: "packet", sequenceNumber, byteLength });
    });
  }

  #transmit(byteLength: number, records: PacketRecord[], arrive?: (queueMs: number) => void): void {
    const sentMs = this.#clock.now();
    let queueMs: number | undefined;
    this.#link.send(byteLength, sentMs, (arrivalMs) => {
      const waitedMs = arrivalMs - sentMs - this.#link.options.delayMs;
      queueMs ??= waitedMs;
      if (arrive !== undefined) this.#clock.setTimer(arrivalMs, () => arrive(waitedMs));
    });
    records.push({ sentMs, byteLength, queueMs });
  }

  #record(input: { type: "packet"; sequenceNumber: number; byteLength: number } | { type: "timeout" }): void {
    this.#recorder.handle(input, this.#clock.now() * this.#rate);
    for (let packet = this.#recorder.poll(); packet !== undefined; packet = this.#recorder.poll()) {
      const bytes = buildTransportFeedback(packet);
      this.#feedbackBytes += bytes.byteLength;
      this.#back.send(bytes.byteLength, this.#clock.now(), (arrivalMs) => {
        this.#clock.setTimer(arrivalMs, () => this.#estimate({ type: "feedback", feedback: parsed(bytes) }));
      });
    }
    const deadlineMs = this.#recorder.deadlineMs / this.#rate;
    this.#wake(this.#recorder, deadlineMs, () => this.#record({ type: "timeout" }));
  }

  #estimate(input: BandwidthInput | { type: "timeout" }): void {
    this.#estimator.handle(input, this.#clock.now());
    for (let output = this.#estimator.poll(); output !== undefined; output = this.#estimator.poll()) {
      if (output.type === "target") this.#targetKbps = output.kbps;
      // Not within the call that sends a packet: the pacer is in the midst of it.
      this.#clock.setTimer(this.#clock.now(), () => this.#pace(output));
    }
    this.#wake(this.#estimator, this.#estimator.deadlineMs, () => this.#estimate({ type: "timeout" }));
  }

  /** A report block, and what the sender makes of its times. */
  #report(propagationMs: number): void {
    const { sent, arrived, queueMs } = this.#sinceReport;
    this.#sinceReport = { sent: 0, arrived: 0, queueMs };
    if (sent === 0) return;
    this.#estimate({ type: "round-trip", roundTripMs: 2 * propagationMs + queueMs });
    const lossRate = Math.max(0, 1 - arrived / sent);
    this.#estimate({ type: "receiver-report", lossRate, packets: sent });
  }

  #wake(machine: object, deadlineMs: number, action: () => void): void {
    const set = this.#wakes.get(machine);
    if (set?.atMs === deadlineMs) return;
    set?.cancel();
    this.#wakes.delete(machine);
    if (deadlineMs === Infinity) return;
    const run = (): void => {
      this.#wakes.delete(machine);
      action();
    };
    // A hair late, as divided and multiplied again a moment may come out early.
    this.#wakes.set(machine, { atMs: deadlineMs, cancel: this.#clock.setTimer(deadlineMs + 1e-6, run) });
  }
}

function parsed(bytes: Uint8Array): TransportFeedback {
  const body = new DataView(
    bytes.buffer,
    bytes.byteOffset + RTCP_HEADER_BYTES,
    bytes.byteLength - RTCP_HEADER_BYTES,
  );
  const feedback = parseTransportFeedback(body);
  if (typeof feedback === "string") throw new Error(`feedback of our own was refused: ${feedback}`);
  return feedback;
}
