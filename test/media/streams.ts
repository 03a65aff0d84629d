// A receiver under a clock that jumps from event to event, and streams to feed it with.
import type { OpusCodec } from "../../src/codecs/opus.ts";
import { Receiver } from "../../src/media/engine/receiver.ts";
import type { ReceiverInput, ReceiverOutput } from "../../src/media/engine/receiver-io.ts";
import { buildRtp } from "../../src/rtp/packet.ts";
import type { SyncOptions } from "../../src/sync/sync-config.ts";
import type { SyncedAudioFrame } from "../../src/sync/sync-types.ts";
import { VOICE } from "../codecs/voice-encoder.ts";
import { concat } from "./signals.ts";

export const PAYLOAD_TYPE = 111;

/** A packet and when it was sent. */
export interface SentPacket {
  bytes: Uint8Array;
  payload: Uint8Array;
  sequenceNumber: number;
  timestamp: number;
  sentMs: number;
}

export interface StreamOptions {
  channels?: 1 | 2;
  frameMs?: 10 | 20 | 40 | 60;
  bitrateKbps?: number;
  fec?: boolean;
  /** Send nothing for payloads that continue a silence. */
  dtx?: boolean;
  ssrc?: number;
  sequenceNumber?: number;
  timestamp?: number;
  startMs?: number;
}

/** Encode a 48 kHz signal into packets, one per frame, sent in real time. */
export async function stream(
  codec: OpusCodec,
  signal: Float32Array,
  options: StreamOptions = {},
): Promise<SentPacket[]> {
  const { channels = 1, frameMs = 20, bitrateKbps = 32, fec = false, dtx = false } = options;
  const { ssrc = 0xb0b, startMs = 0 } = options;
  let { sequenceNumber = 1000, timestamp = 5000 } = options;
  const encoder = await codec.createEncoder({ ...VOICE, channels, bitrateKbps, frameMs, fec, dtx });
  encoder.setPacketLoss(fec ? 0.1 : 0);
  const size = encoder.frameSamples * channels;
  const packets: SentPacket[] = [];
  let quiet = false;
  for (let at = 0; at + size <= signal.length; at += size) {
    const payload = encoder.encode(signal.subarray(at, at + size));
    const wasQuiet = quiet;
    quiet = payload.length <= 2;
    if (!(dtx && quiet && wasQuiet)) {
      const fields = { ssrc, payloadType: PAYLOAD_TYPE, sequenceNumber, timestamp, payload };
      const sentMs = startMs + (at / size) * frameMs;
      packets.push({ ...fields, bytes: buildRtp(fields), sentMs });
      sequenceNumber = (sequenceNumber + 1) & 0xffff;
    }
    timestamp = (timestamp + frameMs * 48) >>> 0;
  }
  encoder.free();
  return packets;
}

/** The same packet with other contents. */
export function altered(
  packet: SentPacket,
  change: { payload?: Uint8Array; payloadType?: number },
): SentPacket {
  const { sequenceNumber, timestamp } = packet;
  const payload = change.payload ?? packet.payload;
  const payloadType = change.payloadType ?? PAYLOAD_TYPE;
  return {
    ...packet,
    payload,
    bytes: buildRtp({ ssrc: 0xb0b, payloadType, sequenceNumber, timestamp, payload }),
  };
}

type LiveFrame = Extract<ReceiverOutput, { type: "live" }>["frame"];

export type Heard = LiveFrame & { atMs: number };

/** A fixed delay and no correction: what comes out is what was decoded. */
const PLAIN: SyncOptions = {
  jitterBufferSizeMs: 60,
  maxJitterBufferMs: 200,
  mode: "fixed",
  enableClockDriftCorrection: false,
};

/** Feeds a receiver and keeps what it yields. */
export class ReceiverBench {
  readonly receiver: Receiver;
  readonly heard: Heard[] = [];
  /** The same before playout had its say. */
  readonly decoded: SyncedAudioFrame[] = [];
  readonly others: ReceiverOutput[] = [];
  nowMs = 0;

  constructor(sync: SyncOptions = {}) {
    this.receiver = new Receiver({ peerId: "bob", wallOffsetMs: 0, sync: { ...PLAIN, ...sync } });
  }

  /** A receiver that can decode at once. */
  static async ready(
    codec: OpusCodec,
    options: SyncOptions = {},
    channels: 1 | 2 = 1,
  ): Promise<ReceiverBench> {
    const bench = new ReceiverBench(options);
    bench.handle({ type: "decoder", decoder: await codec.createDecoder({ sampleRate: 48_000, channels }) });
    return bench;
  }

  handle(input: ReceiverInput | { type: "timeout" }): void {
    this.receiver.handle(input, this.nowMs);
    for (let output = this.receiver.poll(); output !== undefined; output = this.receiver.poll()) {
      if (output.type === "live") this.heard.push({ ...output.frame, atMs: this.nowMs });
      else if (output.type === "decoded") this.decoded.push(output.frame);
      else this.others.push(output);
    }
  }

  runTo(endMs: number): void {
    while (this.receiver.deadlineMs <= endMs) {
      this.nowMs = Math.max(this.nowMs, this.receiver.deadlineMs);
      this.handle({ type: "timeout" });
    }
    this.nowMs = Math.max(this.nowMs, endMs);
  }

  arrive(bytes: Uint8Array, payloadType = PAYLOAD_TYPE): void {
    this.handle({ type: "rtp", packet: bytes, arrivalMs: this.nowMs, payloadType, captureTimeId: 0 });
  }

  /** Deliver packets after the delay given for each, in order of arrival; undefined loses one. */
  deliver(packets: readonly SentPacket[], delayMs: (index: number) => number | undefined = () => 20): void {
    const arrivals = packets.flatMap(({ bytes, sentMs }, index) => {
      const delay = delayMs(index);
      return delay === undefined ? [] : [{ bytes, atMs: sentMs + delay }];
    });
    arrivals.sort((a, b) => a.atMs - b.atMs);
    for (const { bytes, atMs } of arrivals) {
      this.runTo(atMs);
      this.arrive(bytes);
    }
  }

  get samples(): Float32Array {
    return concat(this.heard.map(({ samples }) => samples));
  }

  /** How many samples each quality has given. */
  get qualities(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { quality, samples, channels } of this.heard) {
      counts[quality] = (counts[quality] ?? 0) + samples.length / channels;
    }
    return counts;
  }

  /** Indices of frames that do not follow the one before without a gap. */
  get breaks(): number[] {
    return this.heard.flatMap((frame, i) => {
      const before = this.heard[i - 1];
      if (before === undefined) return [];
      const end = (before.rtpTimestamp + before.samples.length / before.channels) >>> 0;
      return frame.rtpTimestamp === end ? [] : [i];
    });
  }

  /** What came in, minus every counter that must explain it. */
  get unexplained(): number {
    const c = this.receiver.counters;
    const played = c.decoded + c.decodeFailures + c.overtaken + c.otherPayload + c.padding;
    return c.packetsReceived - (played + c.formerStream + c.duplicates + c.late + c.overruns + c.buffered);
  }
}
