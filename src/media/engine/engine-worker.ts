// The worker's side of a media engine: an inline engine that hears packets from the other thread and tells it what comes
// out. Runs in a thread of its own; whoever starts that gives it a clock and a line.
import { loadOpus } from "../../codecs/opus.ts";
import { toTransportError } from "../../errors/errors.ts";
import type { TransportError } from "../../errors/errors.ts";
import type { EncodedAudioFrame } from "../../platform/platform.ts";
import { RelatedClock } from "../../runtime/related-clock.ts";
import type { Clock } from "../../runtime/time.ts";
import type { SyncedVideoFrame } from "../../sync/sync-types.ts";
import type { AlignedReader, NegotiatedAudio, PeerStream } from "./engine.ts";
import { errorMessage, movableBuffers } from "./engine-messages.ts";
import type { EngineCommand, EngineReport, StreamSnapshot } from "./engine-messages.ts";
import { InlineEngine } from "./inline-engine.ts";
import { readPacket } from "./packet-records.ts";
import type { PacketTaker } from "./packet-records.ts";
import { BlockChannel, RingChannel, transfersOf } from "./record-channels.ts";
import type { Notice, RecordChannel } from "./record-channels.ts";
import { writeBlock, writeFrame } from "./sound-records.ts";

/** How often a ring is looked into while packets come, ms. Playout delays are ten times that, and timers look too. */
const POLL_MS = 5;
/** After so many looks in vain, 100 ms, the ring's writer is asked to call. */
const LOOKS_IN_VAIN = 20;

const SNAPSHOT_MS = 250;
/** Snapshots go on for this long after somebody asked, ms. */
const WATCH_MS = 5_000;

/** What an {@link EngineHost} stands on. */
export interface EngineHostOptions {
  /** Of this thread; its `wallNow()` is the clock that all threads share. */
  clock: Clock;
  /** To the other thread; the buffers are transferred. */
  post(report: EngineReport, transfer: ArrayBuffer[]): void;
}

interface HostedStream {
  readonly stream: PeerStream;
  taken: number;
}

/** See the header. What it throws ends the thread: the other side hears of it and reports. */
export class EngineHost {
  readonly #options: EngineHostOptions;
  #running: RunningEngine | undefined;
  #started = false;

  constructor(options: EngineHostOptions) {
    this.#options = options;
  }

  /** Obey the other thread. Nothing but `start` is heard before `ready` was told. */
  handle(command: EngineCommand): void {
    if (command.type !== "start") return this.#running?.handle(command);
    if (this.#started) return;
    this.#started = true;
    this.#start(command).catch((error: unknown) => {
      const failure = toTransportError(error, "NOT_SUPPORTED", "The media worker cannot start");
      this.#options.post({ type: "failed", error: errorMessage(failure) }, []);
    });
  }

  async #start(command: EngineCommand & { type: "start" }): Promise<void> {
    const codec = await loadOpus();
    this.#running = new RunningEngine(this.#options, command, (clock) => {
      return new InlineEngine({ config: command.config, clock, codec });
    });
    this.#options.post({ type: "ready" }, []);
  }
}

/** A host once its codec is there. */
class RunningEngine implements PacketTaker {
  readonly #options: EngineHostOptions;
  readonly #clock: Clock;
  readonly #engine: InlineEngine;
  readonly #channel: RecordChannel;
  readonly #streams = new Map<number, HostedStream>();
  readonly #readers = new Map<number, AlignedReader>();
  /** Of the streams opened so far; their numbers grow. */
  #lastStream = 0;
  #looksInVain = 0;
  #cancelPoll: (() => void) | undefined;
  #announcing = false;
  #watchedUntilMs = -Infinity;
  #cancelSnapshot: (() => void) | undefined;

  constructor(
    options: EngineHostOptions,
    { clock, rings }: EngineCommand & { type: "start" },
    createEngine: (clock: Clock) => InlineEngine,
  ) {
    this.#options = options;
    this.#channel =
      rings === undefined ? new BlockChannel("sound") : new RingChannel(rings.sound, rings.packets);
    this.#clock = new RelatedClock(options.clock, clock);
    this.#engine = createEngine({
      now: () => this.#clock.now(),
      wallNow: () => this.#clock.wallNow(),
      setTimer: (atMs, callback) => this.#setTimer(atMs, callback),
    });
  }

  handle(command: Exclude<EngineCommand, { type: "start" }>): void {
    if (command.type === "wake" || command.type === "blocks") return this.#hear(command);
    // What was written before the command counts before it.
    this.#read();
    switch (command.type) {
      case "open-stream":
        return this.#openStream(command.stream, command.peerId);
      case "close-stream":
        return this.#closeStream(command.stream);
      case "open-reader": {
        const { reader, options } = command;
        const opened = this.#engine.openReader(options, (block) => {
          writeBlock(this.#channel.sink, reader, block);
          this.#announce();
        });
        this.#readers.set(reader, opened);
        return;
      }
      case "close-reader":
        this.#readers.get(command.reader)?.close();
        this.#readers.delete(command.reader);
        return;
      case "sender-report":
        return this.#streamOf(command)?.addSenderReport(command.media, command.report, command.receivedAtMs);
      case "picture":
        return this.#streamOf(command)?.receivePicture(command.picture);
      case "beacon":
        return this.#streamOf(command)?.addBeacon(command.beacon, command.receivedAtMs);
      case "exchange":
        return this.#streamOf(command)?.addClockExchange(command.exchange);
      case "lookahead":
        return this.#streamOf(command)?.setSenderLookahead(command.samples);
      case "configure":
        return this.#engine.configure(command.changes);
      case "watch":
        this.#watchedUntilMs = this.#clock.now() + WATCH_MS;
        if (this.#cancelSnapshot === undefined) this.#snapshot();
        return;
      case "close":
        return this.#close();
    }
  }

  expects(stream: number): boolean {
    return stream <= this.#lastStream;
  }

  rtp(stream: number, packet: Uint8Array, arrivalMs: number, negotiated: NegotiatedAudio): void {
    const hosted = this.#streams.get(stream);
    if (hosted === undefined) return; // under way when its stream was closed
    hosted.taken++;
    hosted.stream.receiveRtp(packet, arrivalMs, negotiated);
  }

  frame(stream: number, frame: EncodedAudioFrame): void {
    const hosted = this.#streams.get(stream);
    if (hosted === undefined) return;
    hosted.taken++;
    hosted.stream.receiveFrame(frame);
  }

  /** Before time passes judgment on what is missing, whatever has come is handed over; which may cancel the timer. */
  #setTimer(atMs: number, callback: () => void): () => void {
    let canceled = false;
    const cancel = this.#clock.setTimer(atMs, () => {
      this.#read();
      if (!canceled) callback();
    });
    return () => {
      canceled = true;
      cancel();
    };
  }

  #hear(notice: Notice): void {
    this.#channel.accept(notice);
    if (this.#channel.polled) this.#poll();
    else this.#read();
  }

  #streamOf({ stream }: { stream: number }): PeerStream | undefined {
    return this.#streams.get(stream)?.stream;
  }

  #openStream(id: number, peerId: string): void {
    this.#lastStream = id;
    try {
      const stream = this.#engine.openStream(peerId, {
        frame: (frame) => {
          writeFrame(this.#channel.sink, id, frame);
          this.#announce();
        },
        picture: (picture) => this.#postPicture(id, picture),
        syncState: (state) => this.#post({ type: "sync-state", stream: id, state }),
        fault: (error) => this.#fault(id, error),
      });
      this.#streams.set(id, { stream, taken: 0 });
    } catch (error) {
      this.#fault(id, toTransportError(error, "INTERNAL_ERROR", `Media of ${peerId} failed`, { peerId }));
    }
  }

  #closeStream(id: number): void {
    const hosted = this.#streams.get(id);
    if (hosted === undefined) return;
    hosted.stream.close();
    this.#streams.delete(id);
    this.#post({ type: "stats", streams: [snapshotOf(id, hosted)] });
  }

  #close(): void {
    this.#cancelPoll?.();
    this.#cancelSnapshot?.();
    this.#engine.close();
    this.#post({ type: "stats", streams: this.#snapshots() });
    this.#streams.clear();
    this.#post({ type: "closed" });
  }

  #read(): boolean {
    let any = false;
    while (readPacket(this.#channel.source, this)) any = true;
    // Blocks that were read go back with what is told next, or now when there are many.
    if (any && !this.#channel.polled) this.#announce();
    return any;
  }

  /** Look for packets every few ms until none come any more. */
  #poll(): void {
    if (this.#cancelPoll !== undefined) return;
    this.#looksInVain = 0;
    const look = (): void => {
      this.#cancelPoll = undefined;
      this.#looksInVain = this.#read() ? 0 : this.#looksInVain + 1;
      if (this.#looksInVain >= LOOKS_IN_VAIN) {
        if (this.#channel.sleep()) return;
        this.#looksInVain = 0;
      }
      this.#cancelPoll = this.#clock.setTimer(this.#clock.now() + POLL_MS, look);
    };
    look();
  }

  /** Tell the other thread of new sound: at once if it sleeps, or once for all the blocks that this turn fills. */
  #announce(): void {
    if (this.#channel.polled) return this.#notice();
    if (this.#announcing) return;
    this.#announcing = true;
    this.#clock.setTimer(this.#clock.now(), () => {
      this.#announcing = false;
      this.#notice();
    });
  }

  #notice(): void {
    const notice = this.#channel.notice();
    if (notice !== undefined) this.#options.post(notice, transfersOf(notice));
  }

  #snapshot(): void {
    this.#cancelSnapshot = undefined;
    this.#post({ type: "stats", streams: this.#snapshots() });
    const nextMs = this.#clock.now() + SNAPSHOT_MS;
    if (nextMs < this.#watchedUntilMs) {
      this.#cancelSnapshot = this.#clock.setTimer(nextMs, () => this.#snapshot());
    }
  }

  #snapshots(): StreamSnapshot[] {
    return [...this.#streams].map(([id, hosted]) => snapshotOf(id, hosted));
  }

  #postPicture(stream: number, picture: SyncedVideoFrame): void {
    this.#options.post({ type: "picture", stream, picture }, movableBuffers(picture.planes));
  }

  #fault(stream: number, error: TransportError): void {
    this.#post({ type: "fault", stream, error: errorMessage(error) });
  }

  #post(report: EngineReport): void {
    this.#options.post(report, []);
  }
}

function snapshotOf(stream: number, hosted: HostedStream): StreamSnapshot {
  return { stream, taken: hosted.taken, stats: hosted.stream.stats() };
}
