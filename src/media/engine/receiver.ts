// The receiving side of one peer's media: packets or encoded frames and what is told of the sender's clocks go in as they
// come; decoded sound and coded pictures leave in order at their time, labelled with their capture. Only the jitter buffer
// holds media. Every packet ends in exactly one counter.
import type { EncodedAudioFrame } from "../../platform/platform.ts";
import { captureTimeOf } from "../../rtp/capture-time.ts";
import { parseRtp } from "../../rtp/packet.ts";
import type { RtpPacket } from "../../rtp/packet.ts";
import { Reception } from "../../rtp/rtcp/reception.ts";
import type { Machine } from "../../runtime/machine.ts";
import { recycleSamples } from "../../runtime/sample-buffers.ts";
import { SyncManager } from "../../sync/sync-manager.ts";
import type { SyncState, SyncedAudioFrame } from "../../sync/sync-types.ts";
import { tickDistance } from "../../wasm/rtp-clock.ts";
import { AudioTimeline } from "./audio-timeline.ts";
import type { DecodedAudioFrame } from "./audio-timeline.ts";
import { IncomingPictures } from "./incoming-pictures.ts";
import { LivePlayout } from "./live-playout.ts";
import type { ReceiverInput, ReceiverOptions, ReceiverOutput } from "./receiver-io.ts";
import { NOTHING_COUNTED, NOTHING_DECODED } from "./receiver-stats.ts";
import type { ReceiverClock, ReceiverCounters } from "./receiver-stats.ts";

/** Ticks a second of Opus' RTP clock, whatever the audio's rate (RFC 7587 section 4.1). */
const CLOCK_RATE = 48_000;

/** How long packets of the stream before a change of SSRC are still expected and ignored, ms. */
const FORMER_STREAM_MS = 2_000;

/** Decode failures in a row, about a second of them, that are reported as a fault of the peer. */
const FAILURES_BEFORE_FAULT = 50;

/** Longer payloads are no Opus of this clock: 120 ms at 510 kbit/s are 7650 bytes (RFC 6716 section 2). */
const MAX_PAYLOAD_BYTES = 8_000;

type Packet = Pick<RtpPacket, "payload" | "payloadType">;

/** The machine of one peer's incoming media. Close it to give its memory back. */
export class Receiver implements Machine<ReceiverInput, ReceiverOutput> {
  readonly #options: ReceiverOptions;
  readonly #sync: SyncManager<Packet>;
  readonly #pictures: IncomingPictures;
  readonly #outputs: ReceiverOutput[] = [];
  /** The output polled last. */
  #read: ReceiverOutput | undefined;
  readonly #counters = { ...NOTHING_COUNTED };
  #timeline: AudioTimeline | undefined;
  #playout: LivePlayout | undefined;
  #channels = 1;
  #reception: Reception | undefined;
  #former: { ssrc: number; untilMs: number } | undefined;
  #payloadType = 0;
  #holdMs: number;
  /** The packet played last: whose labels the frames made of it, and the noise after it, share. */
  #played: SyncedAudioFrame<Packet> | undefined;
  /** Lost before packets that held no audio: they belong to the next one that does. */
  #lostBefore = 0;
  /** When comfort noise is made unless a packet comes first. */
  #comfortAtMs = Infinity;
  #failuresInRow = 0;
  #restarts = 0;
  #syncState: SyncState = "unsynced";

  /** @throws TransportError as `SyncManager` does */
  constructor(options: ReceiverOptions) {
    const { peerId, sync, wallOffsetMs } = options;
    this.#options = options;
    this.#sync = new SyncManager<Packet>(peerId, sync, { wallOffsetMs });
    this.#pictures = new IncomingPictures(this.#sync);
    this.#holdMs = this.#sync.config.jitterBufferSizeMs;
  }

  get deadlineMs(): number {
    const pictureDueMs = this.#pictures.deadlineMs;
    if (this.#timeline === undefined) return pictureDueMs;
    return Math.min(pictureDueMs, this.#sync.nextAudioDueMs, this.#comfortAtMs);
  }

  get counters(): ReceiverCounters {
    const buffer = this.#sync.getStatistics("audio");
    const reception = this.#reception;
    return {
      ...this.#counters,
      ...(this.#timeline?.counters ?? NOTHING_DECODED),
      duplicates: buffer.duplicateCount,
      late: buffer.latePacketCount,
      overruns: buffer.bufferOverrunCount,
      buffered: buffer.currentFrames + buffer.suspectFrames,
      lost: buffer.lostFrames,
      lossRate: buffer.estimatedLossRate,
      bufferDelayMs: buffer.currentDelayMs,
      targetDelayMs: buffer.targetDelayMs,
      ssrc: reception?.ssrc,
      packetsLost: reception?.lost ?? 0,
      jitterMs: reception?.jitterMs ?? 0,
      video: this.#pictures.counters,
      insertedSamples: this.#playout?.insertedSamples ?? 0,
      removedSamples: this.#playout?.removedSamples ?? 0,
    };
  }

  /** @param nowMs local monotonic ms */
  clock(nowMs: number): ReceiverClock {
    const { clockOffset } = this.#sync;
    const nowUs = (nowMs + this.#options.wallOffsetMs) * 1000;
    return {
      syncState: this.#syncState,
      clockOffsetUs: clockOffset.offsetUs(nowUs),
      clockErrorUs: clockOffset.errorBoundUs(nowUs),
      clockDriftPpm: this.#played?.clockDriftPpm ?? 0,
      captureErrorUs: this.#played?.wallClockErrorUs ?? null,
    };
  }

  handle(input: ReceiverInput | { readonly type: "timeout" }, nowMs: number): void {
    switch (input.type) {
      case "rtp":
        this.#receiveRtp(input);
        break;
      case "frame":
        this.#receiveFrame(input.frame);
        break;
      case "picture":
        this.#pictures.receive(input.picture);
        break;
      case "sender-report":
        this.#sync.updateRtcpSenderReport(input.report, input.receivedAtMs, input.media);
        break;
      case "beacon":
        this.#sync.addBeacon(input.beacon, input.receivedAtMs);
        break;
      case "exchange":
        this.#sync.addClockExchange(input.exchange);
        break;
      case "lookahead":
        this.#sync.setSenderLookahead(input.samples);
        break;
      case "decoder":
        this.#channels = input.decoder.channels;
        this.#timeline = new AudioTimeline(input.decoder);
        this.#playout = new LivePlayout(this.#channels);
        break;
      case "configure":
        this.#holdMs = input.jitterBufferSizeMs;
        this.#sync.setJitterBufferSize(input.jitterBufferSizeMs);
        break;
      case "timeout":
        break;
    }
    this.#play(nowMs);
    this.#show(nowMs);
    this.#tellSyncState(nowMs);
  }

  poll(): ReceiverOutput | undefined {
    const read = this.#read;
    if (read?.type === "live") {
      recycleSamples(read.decoded);
      if (read.frame.samples !== read.decoded) recycleSamples(read.frame.samples);
    }
    this.#read = this.#outputs.shift();
    return this.#read;
  }

  /** Give the memory back. The machine must not be used any more; its counters may still be read. */
  close(): void {
    this.#sync.close();
    this.#playout?.close();
  }

  #receiveRtp(input: ReceiverInput & { type: "rtp" }): void {
    const { packet, arrivalMs, captureTimeId } = input;
    const rtp = parseRtp(packet);
    if (typeof rtp === "string" || rtp.payload.length > MAX_PAYLOAD_BYTES) {
      this.#counters.malformed++;
      return;
    }
    this.#counters.headerBytesReceived += packet.length - rtp.payload.length;
    this.#payloadType = input.payloadType;
    const captureUs = captureTimeId === 0 ? undefined : captureTimeOf(rtp, captureTimeId)?.captureUs;
    this.#receive(rtp, arrivalMs, captureUs);
  }

  #receiveFrame(frame: EncodedAudioFrame): void {
    const { ssrc, sequenceNumber, rtpTimestamp: timestamp, payload, payloadType, captureMs } = frame;
    const captureUs = captureMs === undefined ? undefined : captureMs * 1000;
    const packet = { ssrc, sequenceNumber, timestamp, payload, payloadType };
    this.#receive(packet, frame.arrivalMs, captureUs);
  }

  #receive(
    packet: Packet & Pick<RtpPacket, "ssrc" | "sequenceNumber" | "timestamp">,
    arrivalMs: number,
    captureUs: number | undefined,
  ): void {
    const { ssrc, sequenceNumber, timestamp, payload, payloadType } = packet;
    this.#counters.packetsReceived++;
    this.#counters.bytesReceived += payload.length;
    if (ssrc !== this.#reception?.ssrc && !this.#change(ssrc, arrivalMs)) {
      this.#counters.formerStream++;
      return;
    }
    this.#reception?.receive(sequenceNumber, timestamp, arrivalMs);
    this.#sync.processAudioFrame({
      ssrc,
      rtpSequence: sequenceNumber,
      rtpTimestamp: timestamp,
      receivedAt: arrivalMs,
      payloadSize: payload.length,
      samples: { payload, payloadType },
      captureUs,
    });
  }

  #show(nowMs: number): void {
    const pictures = this.#pictures;
    for (let frame = pictures.poll(nowMs); frame !== null; frame = pictures.poll(nowMs)) {
      this.#outputs.push({ type: "picture", frame });
    }
  }

  /** Go over to another stream. @returns false for a straggler of the one before */
  #change(ssrc: number, nowMs: number): boolean {
    if (this.#former?.ssrc === ssrc && nowMs < this.#former.untilMs) return false;
    if (this.#reception !== undefined) {
      this.#former = { ssrc: this.#reception.ssrc, untilMs: nowMs + FORMER_STREAM_MS };
      this.#timeline?.restart();
      this.#comfortAtMs = Infinity;
      this.#lostBefore = 0;
    }
    this.#reception = new Reception(ssrc, CLOCK_RATE);
    return true;
  }

  #play(nowMs: number): void {
    const timeline = this.#timeline;
    if (timeline === undefined) return;
    for (
      let frame = this.#sync.popNextAudioFrame(nowMs);
      frame !== null;
      frame = this.#sync.popNextAudioFrame(nowMs)
    ) {
      this.#playFrame(frame, timeline, nowMs);
    }
    // A sender in silence sends next to nothing; its listeners go on at the pace of its last packets. The hold gives
    // a packet that ends the silence time to come.
    while (nowMs >= this.#comfortAtMs) {
      timeline.comfort(nowMs);
      this.#collect(timeline);
      this.#comfortAtMs = this.#nextComfortMs(timeline, this.#comfortAtMs);
    }
  }

  #playFrame(frame: SyncedAudioFrame<Packet>, timeline: AudioTimeline, nowMs: number): void {
    this.#lostBefore += frame.lostBefore;
    const { payload, payloadType } = frame.samples;
    if (payload.length === 0) {
      this.#counters.padding++;
      return;
    }
    if (this.#payloadType !== 0 && payloadType !== this.#payloadType) {
      this.#counters.otherPayload++;
      return;
    }
    const { rtpTimestamp, bufferDelayMs } = frame;
    const lostBefore = this.#lostBefore;
    this.#lostBefore = 0;
    this.#played = frame;
    const stretchMs = this.#sync.config.enableClockDriftCorrection ? frame.stretchMs : 0;
    this.#playout?.steer(stretchMs, frame.playbackRatio);
    const arrivalMs = nowMs - bufferDelayMs;
    this.#note(timeline.play({ payload, rtpTimestamp, lostBefore, arrivalMs, bufferDelayMs }));
    this.#collect(timeline);
    this.#comfortAtMs = this.#nextComfortMs(timeline, nowMs + this.#holdMs);
  }

  /** A stretch of payloads that are no Opus is worth one report, not one each. */
  #note(decodable: boolean): void {
    this.#failuresInRow = decodable ? 0 : this.#failuresInRow + 1;
    if (this.#failuresInRow !== FAILURES_BEFORE_FAULT) return;
    this.#outputs.push({ type: "undecodable", failures: this.#failuresInRow });
  }

  #tellSyncState(nowMs: number): void {
    const state = this.#sync.getSyncState(nowMs);
    if (state === this.#syncState) return;
    this.#syncState = state;
    this.#outputs.push({ type: "sync-state", state });
  }

  #nextComfortMs(timeline: AudioTimeline, fromMs: number): number {
    return timeline.comfortMs === 0 ? Infinity : fromMs + timeline.comfortMs;
  }

  #collect(timeline: AudioTimeline): void {
    const { restarts } = timeline;
    if (restarts !== this.#restarts) this.#playout?.reset();
    this.#restarts = restarts;
    for (let frame = timeline.poll(); frame !== undefined; frame = timeline.poll()) this.#deliver(frame);
  }

  #deliver(decoded: DecodedAudioFrame): void {
    const played = this.#played;
    const playout = this.#playout;
    if (played === undefined || playout === undefined) return;
    const { samples, rtpTimestamp, receivedAt, bufferDelayMs, quality } = decoded;
    this.#count(decoded);
    const ticks = tickDistance(rtpTimestamp, played.rtpTimestamp);
    const senderRate = CLOCK_RATE * (1 + played.clockDriftPpm * 1e-6);
    const wallClockTimestampUs = played.wallClockTimestampUs + (ticks * 1e6) / senderRate;
    const channels = this.#channels;
    const { wallClockErrorUs, timelineEpoch, syncConfidence, clockDriftPpm } = played;
    // Field by field: every frame of every peer comes through here, and a spread costs as much as a resampler.
    this.#outputs.push({
      type: "decoded",
      frame: {
        samples,
        sampleRate: CLOCK_RATE,
        channels,
        wallClockTimestampUs,
        wallClockErrorUs,
        timelineEpoch,
        rtpTimestamp,
        bufferDelayMs,
        syncConfidence,
        clockDriftPpm,
        playbackRatio: 1,
        stretchMs: 0,
        lostBefore: 0,
        quality,
      },
    });
    const live = playout.play(samples);
    if (live.samples.length === 0) return;
    this.#outputs.push({
      type: "live",
      frame: {
        kind: "audio",
        peerId: this.#options.peerId,
        streamId: "default",
        samples: live.samples,
        sampleRate: CLOCK_RATE,
        channels,
        rtpTimestamp,
        rtpTicks: samples.length / channels,
        wallClockTimestampUs: wallClockTimestampUs - live.delayUs,
        wallClockErrorUs,
        timelineEpoch,
        syncConfidence,
        clockDriftPpm,
        receivedAt,
        bufferDelayMs,
        quality,
      },
      decoded: samples,
    });
  }

  #count({ samples, quality, bufferDelayMs }: DecodedAudioFrame): void {
    const counters = this.#counters;
    const count = samples.length / this.#channels;
    counters.totalSamples += count;
    if (quality === "silence") counters.silentConcealedSamples += count;
    if (quality !== "received") return;
    counters.jitterBufferDelayMs += bufferDelayMs * count;
    counters.jitterBufferEmittedSamples += count;
  }
}
