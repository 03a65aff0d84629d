// A sender, a path and the jitter buffer at its end, one call a packet.
import type { JitterBufferOptions } from "../../src/wasm/buffer-options.ts";
import { JitterBuffer } from "../../src/wasm/jitter-buffer.ts";
import type { InsertStatus } from "../../src/wasm/jitter-buffer.ts";
import { rtpPacket } from "./rtp-traffic.ts";
import type { PacketFields } from "./rtp-traffic.ts";

/** What a packet holds, ms. */
export const FRAME_MS = 20;
/** The same at 48 kHz. */
export const TICKS = 960;

/** A sender of 20 ms Opus frames, frame 0 being sent at 0 ms, and the buffer that hears it. */
export class Line {
  readonly buffer: JitterBuffer;
  firstSequence = 100;
  firstTimestamp = 5000;

  constructor(options: Partial<JitterBufferOptions> = {}) {
    this.buffer = new JitterBuffer({ clockRate: 48_000, targetDelayMs: 50, ...options });
  }

  /** Frame `n` arrives, `transitMs` after it was sent. */
  arrive(n: number, transitMs = 0, fields: Partial<PacketFields> = {}): InsertStatus {
    const packet = rtpPacket({
      sequenceNumber: this.firstSequence + n,
      rtpTimestamp: this.firstTimestamp + n * TICKS,
      payload: Uint8Array.of(n & 0xff),
      ...fields,
    });
    return this.buffer.insert(packet, n * FRAME_MS + transitMs);
  }

  /** Frames `from` to `to` arrive in time and each is popped when it is due. */
  play(from: number, to: number): void {
    for (let n = from; n <= to; n++) {
      this.arrive(n);
      this.popAll(n * FRAME_MS + 0.001);
    }
  }

  /** Payload bytes of everything that leaves at `nowMs`: the low bytes of the frames' numbers. */
  popAll(nowMs: number): number[] {
    const frames: number[] = [];
    for (let packet = this.buffer.popNext(nowMs); packet; packet = this.buffer.popNext(nowMs)) {
      frames.push(packet.payload[0] as number);
    }
    return frames;
  }
}
