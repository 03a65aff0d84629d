// One stream of an engine in a worker, on the side of the caller: writes packets, keeps the counters that the worker told
// and adds what the worker has not seen yet. Reads no clock.
import type { TransportError } from "../../errors/errors.ts";
import type { EncodedAudioFrame } from "../../platform/platform.ts";
import type { ClockExchange } from "../../sync/clock-offset.ts";
import type {
  Media,
  RtcpSenderReport,
  SyncBeacon,
  SyncedVideoFrame,
  SyncState,
} from "../../sync/sync-types.ts";
import type {
  AudioStreamStats,
  CodedVideoFrame,
  NegotiatedAudio,
  PeerStream,
  PeerStreamEvents,
} from "./engine.ts";
import { movableBuffers } from "./engine-messages.ts";
import type { EngineCommand, StreamSnapshot } from "./engine-messages.ts";
import { writeEncodedFrame, writeRtp } from "./packet-records.ts";
import { NOTHING_RECEIVED } from "./receiver-stats.ts";
import { recycleSamples } from "../../runtime/sample-buffers.ts";
import type { RecordSink } from "../../runtime/records.ts";
import type { FrameContent } from "./sound-records.ts";

/** What a stream asks of its engine. */
export interface WorkerLine {
  readonly sink: RecordSink;
  /** Something was written to the sink. */
  written(): void;
  /** @param transfer buffers in it that move */
  tell(command: EngineCommand, transfer?: ArrayBuffer[]): void;
  /** Somebody reads counters. */
  watch(): void;
}

/** See the header. */
export class WorkerStream implements PeerStream {
  readonly id: number;
  readonly peerId: string;
  readonly #line: WorkerLine;
  readonly #events: PeerStreamEvents;
  #snapshot: AudioStreamStats = NOTHING_RECEIVED;
  /** Packets handed over, and those of them that the snapshot counts. */
  #written = 0;
  #taken = 0;
  /** Packets for which there was no room. */
  #dropped = 0;
  #closed = false;

  constructor(id: number, peerId: string, line: WorkerLine, events: PeerStreamEvents) {
    this.id = id;
    this.peerId = peerId;
    this.#line = line;
    this.#events = events;
  }

  get closed(): boolean {
    return this.#closed;
  }

  receiveRtp(packet: Uint8Array, arrivalMs: number, negotiated: NegotiatedAudio): void {
    if (this.#closed) return;
    this.#count(writeRtp(this.#line.sink, this.id, packet, arrivalMs, negotiated));
  }

  receiveFrame(frame: EncodedAudioFrame): void {
    if (this.#closed) return;
    this.#count(writeEncodedFrame(this.#line.sink, this.id, frame));
  }

  receivePicture(picture: CodedVideoFrame): void {
    if (this.#closed) return;
    this.#line.tell({ type: "picture", stream: this.id, picture }, movableBuffers([picture.data]));
  }

  addSenderReport(media: Media, report: RtcpSenderReport, receivedAtMs: number): void {
    this.#tell({ type: "sender-report", stream: this.id, media, report, receivedAtMs });
  }

  addBeacon(beacon: SyncBeacon, receivedAtMs: number): void {
    this.#tell({ type: "beacon", stream: this.id, beacon, receivedAtMs });
  }

  addClockExchange(exchange: ClockExchange): void {
    this.#tell({ type: "exchange", stream: this.id, exchange });
  }

  setSenderLookahead(samples: number): void {
    this.#tell({ type: "lookahead", stream: this.id, samples });
  }

  /** What is under way to the worker is received and waits; what found no room overran the buffer. */
  stats(): AudioStreamStats {
    if (!this.#closed) this.#line.watch();
    const snapshot = this.#snapshot;
    const unread = this.#written - this.#taken;
    return {
      ...snapshot,
      packetsReceived: snapshot.packetsReceived + unread + this.#dropped,
      buffered: snapshot.buffered + unread,
      overruns: snapshot.overruns + this.#dropped,
    };
  }

  /** The worker answers with the last counters. */
  close(): void {
    if (this.#closed) return;
    this.#tell({ type: "close-stream", stream: this.id });
    this.#closed = true;
  }

  /** Counters as the worker had them. */
  update({ taken, stats }: StreamSnapshot): void {
    this.#taken = taken;
    this.#snapshot = stats;
  }

  /** A frame came out. @throws what the callee throws, which it must not */
  deliver(frame: FrameContent): void {
    if (this.#closed) return;
    this.#events.frame({ kind: "audio", peerId: this.peerId, streamId: "default", ...frame });
    recycleSamples(frame.samples);
  }

  /** A picture's turn has come. @throws what the callee throws, which it must not */
  show(picture: SyncedVideoFrame): void {
    if (!this.#closed) this.#events.picture(picture);
  }

  changeSyncState(state: SyncState): void {
    if (!this.#closed) this.#events.syncState(state);
  }

  fail(error: TransportError): void {
    if (!this.#closed) this.#events.fault(error);
  }

  #tell(command: EngineCommand): void {
    if (!this.#closed) this.#line.tell(command);
  }

  #count(taken: boolean): void {
    if (!taken) {
      this.#dropped++;
      return;
    }
    this.#written++;
    this.#line.written();
  }
}
