// The media engine in a worker, seen from the thread of its caller: packets go over in records, sound comes back in
// records, everything rare in messages. Owns the worker.
import { describeError, TransportError, toTransportError } from "../../errors/errors.ts";
import type { MediaWorker, MediaWorkerEvents } from "../../platform/platform.ts";
import type { ClockRelation } from "../../runtime/related-clock.ts";
import type { Clock } from "../../runtime/time.ts";
import type { AlignedBlock } from "../../sync/aligned-blocks.ts";
import { AlignedReading } from "./aligned-reading.ts";
import type {
  AlignedReader,
  AlignedReaderOptions,
  PeerStream,
  PeerStreamEvents,
  EngineChanges,
  EngineConfig,
  MediaEngine,
} from "./engine.ts";
import { unpackError } from "./engine-messages.ts";
import type { EngineCommand, EngineReport, StreamSnapshot } from "./engine-messages.ts";
import { BlockChannel, PACKET_BYTES, RingChannel, SOUND_BYTES, transfersOf } from "./record-channels.ts";
import type { RecordChannel } from "./record-channels.ts";
import { createRing } from "../../runtime/record-ring.ts";
import { readSound } from "./sound-records.ts";
import type { FrameContent, SoundTaker } from "./sound-records.ts";
import { WorkerStream } from "./worker-stream.ts";
import type { WorkerLine } from "./worker-stream.ts";

/** What a {@link WorkerEngine} stands on. */
export interface WorkerEngineOptions {
  config: EngineConfig;
  clock: Clock;
  startWorker: (events: MediaWorkerEvents) => Promise<MediaWorker>;
  /** False: hand blocks of records over although memory could be shared. */
  shareMemory?: boolean;
}

/** A worker that has not begun by then never will, ms: loading and warming up the codec takes a few hundred. */
const START_TIMEOUT_MS = 10_000;
/** A worker that is closing says its last counters within this time, ms. */
const CLOSE_TIMEOUT_MS = 1_000;
/** Packets of this time, ms, go to the worker in one block. They keep the stamps of their arrival. */
const BATCH_MS = 2;
/** The worker is told again that somebody reads counters, ms. */
const WATCH_MS = 1_000;

/**
 * Start an engine in a worker.
 * @throws TransportError (as rejection) when the worker cannot start, or cannot load the codec
 */
export function openWorkerEngine(options: WorkerEngineOptions): Promise<MediaEngine> {
  const { clock, startWorker } = options;
  return new Promise((resolve, reject) => {
    let engine: WorkerEngine | undefined;
    const failed = (error: unknown): void => {
      cancelTimeout();
      engine?.fail(error);
      reject(toTransportError(error, "INTERNAL_ERROR", "The media worker failed"));
    };
    const message = (data: unknown): void => {
      const report = data as EngineReport;
      if (report.type === "failed") return failed(unpackError(report.error));
      if (report.type !== "ready") return engine?.handle(report);
      cancelTimeout();
      if (engine !== undefined) resolve(engine);
    };
    const cancelTimeout = clock.setTimer(clock.now() + START_TIMEOUT_MS, () => {
      failed(
        new TransportError(
          "OPERATION_TIMEOUT",
          `No answer of the media worker within ${START_TIMEOUT_MS} ms`,
        ),
      );
    });
    startWorker({ message, failed }).then((worker) => {
      engine = new WorkerEngine(options, worker);
    }, failed);
  });
}

/** See the header. */
class WorkerEngine implements MediaEngine {
  readonly host = "worker";
  readonly #options: WorkerEngineOptions;
  readonly #clock: Clock;
  readonly #worker: MediaWorker;
  readonly #channel: RecordChannel;
  readonly #line: WorkerLine;
  readonly #streams = new Map<number, WorkerStream>();
  readonly #readers = new Map<number, (block: AlignedBlock) => void>();
  readonly #taker: SoundTaker;
  #lastId = 0;
  #watchedMs = -Infinity;
  #telling = false;
  #closed = false;
  #failure: TransportError | undefined;
  #cancelClosing: (() => void) | undefined;

  constructor(options: WorkerEngineOptions, worker: MediaWorker) {
    const { config, clock, shareMemory = true } = options;
    this.#options = options;
    this.#clock = clock;
    this.#worker = worker;
    const rings =
      worker.sharesMemory && shareMemory
        ? { packets: createRing(PACKET_BYTES), sound: createRing(SOUND_BYTES) }
        : undefined;
    this.#channel =
      rings === undefined ? new BlockChannel("packets") : new RingChannel(rings.packets, rings.sound);
    this.#line = {
      sink: this.#channel.sink,
      written: () => this.#written(),
      tell: (command, transfer) => this.#tell(command, transfer),
      watch: () => this.#watch(),
    };
    this.#taker = {
      frame: (stream, frame) => this.#deliver(stream, frame),
      block: (reader, block) => this.#readers.get(reader)?.(block),
    };
    worker.post({ type: "start", config, clock: relationOf(clock, worker), rings } satisfies EngineCommand);
  }

  openStream(peerId: string, events: PeerStreamEvents): PeerStream {
    const id = ++this.#lastId;
    const stream = new WorkerStream(id, peerId, this.#line, events);
    if (this.#failure !== undefined) {
      const failure = ofPeer(this.#failure, peerId);
      queueMicrotask(() => stream.fail(failure));
      return stream;
    }
    this.#streams.set(id, stream);
    this.#tell({ type: "open-stream", stream: id, peerId });
    return stream;
  }

  openReader(options: AlignedReaderOptions, onBlock: (block: AlignedBlock) => void): AlignedReader {
    // Options out of range are told to the caller at once, in the same words as without a worker.
    new AlignedReading(options, this.#options.config.wallOffsetMs).close();
    const reader = ++this.#lastId;
    this.#readers.set(reader, onBlock);
    this.#tell({ type: "open-reader", reader, options });
    return {
      close: () => {
        if (this.#readers.delete(reader)) this.#tell({ type: "close-reader", reader });
      },
    };
  }

  configure(changes: EngineChanges): void {
    this.#tell({ type: "configure", changes });
  }

  close(): void {
    if (this.#closed) return;
    for (const stream of this.#streams.values()) stream.close();
    this.#readers.clear();
    this.#tell({ type: "close" });
    this.#closed = true;
    if (this.#failure !== undefined) return;
    this.#cancelClosing = this.#clock.setTimer(this.#clock.now() + CLOSE_TIMEOUT_MS, () =>
      this.#worker.terminate(),
    );
  }

  /** Obey the worker. @throws what a callback threw first, which it must not, once everything has been handled */
  handle(report: Exclude<EngineReport, { type: "ready" | "failed" }>): void {
    if (report.type === "wake" || report.type === "blocks") {
      this.#channel.accept(report);
      return this.#read();
    }
    // What came out before the report counts before it.
    this.#read();
    switch (report.type) {
      case "picture":
        return this.#streams.get(report.stream)?.show(report.picture);
      case "sync-state":
        return this.#streams.get(report.stream)?.changeSyncState(report.state);
      case "fault":
        return this.#streams.get(report.stream)?.fail(unpackError(report.error));
      case "stats":
        for (const snapshot of report.streams) this.#update(snapshot);
        return;
      case "closed":
        this.#cancelClosing?.();
        return this.#worker.terminate();
    }
  }

  /** The worker has died: every stream is told, and nothing comes any more. */
  fail(error: unknown): void {
    this.#worker.terminate();
    this.#cancelClosing?.();
    if (this.#failure !== undefined || this.#closed) return;
    this.#failure = new TransportError(
      "INTERNAL_ERROR",
      `The media worker has died: ${describeError(error)}`,
      {
        suggestion: 'Stop and start the transport; with mediaEngine: "inline" it works without a worker.',
        cause: error,
      },
    );
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    this.#readers.clear();
    for (const stream of streams) stream.fail(ofPeer(this.#failure, stream.peerId));
  }

  #read(): void {
    const failures: unknown[] = [];
    do {
      while (this.#readOne(failures));
    } while (!this.#channel.sleep());
    if (!this.#channel.polled) this.#tellSoon();
    if (failures.length > 0) throw failures[0];
  }

  /** One callback that throws must not keep the others from their sound. */
  #readOne(failures: unknown[]): boolean {
    try {
      return readSound(this.#channel.source, this.#taker);
    } catch (error) {
      failures.push(error);
      return true;
    }
  }

  #deliver(id: number, frame: FrameContent): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return; // under way when its stream was closed
    try {
      stream.deliver(frame);
    } catch (error) {
      const { peerId } = stream;
      stream.fail(toTransportError(error, "INTERNAL_ERROR", `Media of ${peerId} failed`, { peerId }));
    }
  }

  #update(snapshot: StreamSnapshot): void {
    const stream = this.#streams.get(snapshot.stream);
    stream?.update(snapshot);
    if (stream?.closed === true) this.#streams.delete(snapshot.stream);
  }

  #written(): void {
    if (this.#channel.polled) this.#notice();
    else this.#tellSoon();
  }

  #tellSoon(): void {
    if (this.#telling) return;
    this.#telling = true;
    this.#clock.setTimer(this.#clock.now() + BATCH_MS, () => {
      this.#telling = false;
      this.#notice();
    });
  }

  #notice(): void {
    if (this.#failure !== undefined || this.#closed) return;
    const notice = this.#channel.notice();
    if (notice !== undefined) this.#worker.post(notice satisfies EngineCommand, transfersOf(notice));
  }

  #tell(command: EngineCommand, transfer: ArrayBuffer[] = []): void {
    if (this.#failure !== undefined || this.#closed) return;
    this.#notice();
    this.#worker.post(command, transfer);
  }

  #watch(): void {
    const nowMs = this.#clock.now();
    if (nowMs - this.#watchedMs < WATCH_MS) return;
    this.#watchedMs = nowMs;
    this.#tell({ type: "watch" });
  }
}

/** How the caller's clock stands to the one that both threads share, as exactly as three tries tell. */
function relationOf(clock: Clock, worker: MediaWorker): ClockRelation {
  const tries = [0, 1, 2].map(() => {
    const beforeMs = worker.sharedNow();
    const localMs = clock.now();
    const afterMs = worker.sharedNow();
    const wallMs = clock.wallNow() - (clock.now() - localMs);
    return { tookMs: afterMs - beforeMs, sharedMs: (beforeMs + afterMs) / 2, localMs, wallMs };
  });
  const best = tries.reduce((least, next) => (next.tookMs < least.tookMs ? next : least));
  const { sharedMs, localMs, wallMs } = best;
  return { sharedMs, localMs, wallMs, rate: clock.rate ?? 1 };
}

function ofPeer({ code, message, suggestion, cause }: TransportError, peerId: string): TransportError {
  return new TransportError(code, `${message} (audio from ${peerId})`, { suggestion, peerId, cause });
}
