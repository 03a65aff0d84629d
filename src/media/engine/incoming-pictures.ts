// The coded pictures of one peer: they wait in the buffer of its synchronization for their turn, in step with its audio.
// Every picture ends in exactly one counter.
import type { SyncedVideoFrame } from "../../sync/sync-types.ts";
import type { SyncManager } from "../../sync/sync-manager.ts";
import type { CodedVideoFrame } from "./engine.ts";
import type { PictureCounters } from "./receiver-stats.ts";

/** See the header. */
export class IncomingPictures {
  readonly #sync: SyncManager<unknown>;
  #received = 0;
  #shown = 0;
  #audioSyncOffsetMs = 0;

  /** @param sync owned by the caller */
  constructor(sync: SyncManager<unknown>) {
    this.#sync = sync;
  }

  /** Local ms at which {@link poll} will have a picture; Infinity when none waits. */
  get deadlineMs(): number {
    return this.#sync.nextVideoDueMs;
  }

  get counters(): PictureCounters {
    const buffer = this.#sync.getStatistics("video");
    return {
      received: this.#received,
      shown: this.#shown,
      duplicates: buffer.duplicateCount,
      late: buffer.latePacketCount,
      overruns: buffer.bufferOverrunCount,
      buffered: buffer.currentFrames + buffer.suspectFrames,
      bufferDelayMs: buffer.currentDelayMs,
      targetDelayMs: buffer.targetDelayMs,
      audioSyncOffsetMs: this.#audioSyncOffsetMs,
    };
  }

  /** Take a picture in. */
  receive(picture: CodedVideoFrame): void {
    const { data, arrivalMs, ssrc, rtpTimestamp, rtpSequence, isKeyframe, width, height, captureUs } =
      picture;
    this.#received++;
    this.#sync.processVideoFrame({
      ssrc,
      rtpTimestamp,
      rtpSequence,
      width,
      height,
      format: "encoded",
      planes: [data],
      receivedAt: arrivalMs,
      markerBit: true,
      isKeyframe,
      captureUs,
    });
  }

  /** The picture whose turn it is at `nowMs`; null when none is due. */
  poll(nowMs: number): SyncedVideoFrame | null {
    const frame = this.#sync.popNextVideoFrame(nowMs);
    if (frame === null) return null;
    this.#shown++;
    this.#audioSyncOffsetMs = frame.audioSyncOffsetMs;
    return frame;
  }
}
