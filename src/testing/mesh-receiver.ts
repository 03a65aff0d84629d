// One simulated machine as a receiver: all its incoming streams, aligned, and the comparison with the truth.
import { AlignedRows } from "../sync/aligned-rows.ts";
import type { AlignedRow } from "../sync/aligned-rows.ts";
import type { SyncManager } from "../sync/sync-manager.ts";
import type { LinkModel } from "./link-model.ts";
import type { MeshRecord } from "./mesh-report.ts";
import type { Departure, MachineClock, MeshSender } from "./mesh-sender.ts";
import { MeshStream } from "./mesh-stream.ts";
import type { StreamListener } from "./mesh-stream.ts";

const US_PER_MS = 1_000;

/** How long rows wait for the slowest peer, ms: satellites are 300 ms away. */
const MAX_ALIGN_DELAY_MS = 700;

/** What a {@link MeshReceiver} is made of. */
export interface ReceiverParts {
  readonly clock: MachineClock;
  readonly frameMs: number;
  /** Nothing counts before. */
  readonly warmUpMs: number;
  readonly record: MeshRecord;
  readonly streams: readonly {
    /** Index of the sender among the machines. */
    readonly from: number;
    readonly sync: SyncManager<number>;
    readonly sender: MeshSender;
    readonly there: LinkModel;
    readonly back: LinkModel;
  }[];
}

/** See the header. Payloads are the true capture times of frames. */
export class MeshReceiver {
  readonly #parts: ReceiverParts;
  readonly #streams: { readonly from: number; readonly stream: MeshStream }[];
  readonly #rows: AlignedRows<number>;

  constructor(parts: ReceiverParts) {
    this.#parts = parts;
    const { clock } = parts;
    this.#rows = new AlignedRows({ wallOffsetMs: clock.wallOffsetMs, maxAlignDelayMs: MAX_ALIGN_DELAY_MS });
    this.#streams = parts.streams.map(({ from, ...stream }) => {
      this.#rows.addPeer(stream.sync.peerId);
      const listener = this.#listen(stream.sync.peerId);
      return { from, stream: new MeshStream({ ...stream, receiver: clock, listener }) };
    });
  }

  /** Audio frames of all streams that came, and those of them that came too late. */
  get audioReceived(): { came: number; late: number } {
    const total = { came: 0, late: 0 };
    for (const { stream } of this.#streams) {
      total.came += stream.audioReceived;
      total.late += stream.sync.getStatistics("audio").latePacketCount;
    }
    return total;
  }

  /** Clock requests leave this machine, and answers to earlier ones the others. Before any {@link send} of a step. */
  exchange(nowMs: number): void {
    for (const { stream } of this.#streams) stream.exchange(nowMs);
  }

  /** @param departures of every machine, in order of time */
  send(departures: readonly (readonly Departure[])[]): void {
    for (const { from, stream } of this.#streams) stream.send(departures[from] ?? []);
  }

  advance(untilMs: number): void {
    for (const { stream } of this.#streams) stream.advance(untilMs);
    const nowMs = this.#parts.clock.localMs(untilMs);
    for (let row = this.#rows.pull(nowMs); row !== undefined; row = this.#rows.pull(nowMs)) {
      if (untilMs >= this.#parts.warmUpMs) this.#judgeRow(row);
    }
  }

  close(): void {
    for (const { stream } of this.#streams) stream.sync.close();
    this.#rows.close();
  }

  #listen(peerId: string): StreamListener {
    const { clock, frameMs, warmUpMs, record } = this.#parts;
    /** From capture to playout of the audio now playing. */
    let audioDelayMs = Number.NaN;
    return {
      audio: (frame, captureMs, nowMs) => {
        audioDelayMs = nowMs - captureMs;
        this.#rows.push(peerId, frame, clock.localMs(nowMs), frameMs);
        record.note(frame.wallClockTimestampUs);
        if (nowMs < warmUpMs) return;
        record.audioDelay.add(audioDelayMs);
        const errorUs = Math.abs(this.#errorMs(frame.wallClockTimestampUs, captureMs)) * US_PER_MS;
        record.captureError.add(errorUs / US_PER_MS);
        if (frame.wallClockErrorUs === null) return;
        record.bounded++;
        if (errorUs > frame.wallClockErrorUs) record.outsideBound++;
      },
      video: (frame, captureMs, nowMs) => {
        record.note(frame.wallClockTimestampUs);
        if (nowMs < warmUpMs) return;
        record.videoDelay.add(nowMs - captureMs);
        if (!Number.isNaN(audioDelayMs)) record.lipSync.add(Math.abs(nowMs - captureMs - audioDelayMs));
      },
    };
  }

  #judgeRow({ captureUs, frames }: AlignedRow<number>): void {
    const { record, streams } = this.#parts;
    record.note(captureUs);
    record.note(frames.length);
    record.rows++;
    if (frames.length === streams.length) record.completeRows++;
    const errors = frames.map(([, frame]) => this.#errorMs(frame.wallClockTimestampUs, frame.samples));
    if (errors.length > 1) record.alignmentError.add(Math.max(...errors) - Math.min(...errors));
  }

  /** How far a stated capture time is from the true one, on this machine's clock. */
  #errorMs(wallClockTimestampUs: number, captureMs: number): number {
    return wallClockTimestampUs / US_PER_MS - this.#parts.clock.wallMs(captureMs);
  }
}
