// One direction of a simulated mesh: what a sender sends meets the link, waits in order of arrival, and passes through
// the receiver's SyncManager. Exact in time: frames are popped at the very moment they are due.
import type { RtcpSenderReport, SyncedAudioFrame, SyncedVideoFrame } from "../sync/sync-types.ts";
import type { SyncManager } from "../sync/sync-manager.ts";
import type { LinkModel } from "./link-model.ts";
import type { Departure, MachineClock } from "./mesh-sender.ts";

/** Bytes of a clock exchange message with IP, UDP, DTLS and SCTP. */
const EXCHANGE_BYTES = 110;

const MS_PER_S = 1_000;
const US_PER_MS = 1_000;

/** Requests at the start come close together, later ones once a second. */
const BURST_REQUESTS = 8;
const BURST_INTERVAL_MS = 50;

const NO_PLANES: readonly Uint8Array[] = [];

/** Something on its way to the receiver. Times are true ms. */
type Arrival =
  | { kind: "audio"; atMs: number; captureMs: number; timestamp: number; sequence: number; bytes: number }
  | { kind: "video"; atMs: number; captureMs: number; timestamp: number; keyFrame: boolean }
  | { kind: "report"; atMs: number; media: "audio" | "video"; report: RtcpSenderReport }
  | { kind: "reply"; atMs: number; t1: number; t2: number; t3: number };

/** A request that the sender of this stream has to answer: when it came, true ms, and what it said. */
interface Request {
  readonly atMs: number;
  readonly t1: number;
}

/** Told of every frame in its turn. Times are true ms. */
export interface StreamListener {
  audio(frame: SyncedAudioFrame<number>, captureMs: number, nowMs: number): void;
  video(frame: SyncedVideoFrame, captureMs: number, nowMs: number): void;
}

/** What a {@link MeshStream} connects. */
export interface StreamParts {
  readonly sync: SyncManager<number>;
  readonly sender: {
    readonly clock: MachineClock;
    readonly ssrcs: { readonly audio: number; readonly video: number };
  };
  readonly receiver: MachineClock;
  /** Sender to receiver, and back. */
  readonly there: LinkModel;
  readonly back: LinkModel;
  readonly listener: StreamListener;
}

/** See the header. */
export class MeshStream {
  readonly #parts: StreamParts;
  /** By time of arrival. */
  readonly #arrivals: Arrival[] = [];
  /** Requests that have reached the sender; answered in the next step. */
  #requests: Request[] = [];
  /** True capture times of video frames in the buffer, by RTP timestamp. */
  readonly #videoCaptures = new Map<number, number>();
  #requestsSent = 0;
  #nextRequestMs = 0;
  #audioReceived = 0;
  /** Local ms; asked anew after whatever can change it. */
  #nextDueMs = Infinity;

  constructor(parts: StreamParts) {
    this.#parts = parts;
  }

  get sync(): SyncManager<number> {
    return this.#parts.sync;
  }

  /** Audio frames that have come, in time or not. */
  get audioReceived(): number {
    return this.#audioReceived;
  }

  /** A clock request leaves the receiver if it is time, and the sender answers those that have come. */
  exchange(nowMs: number): void {
    this.#answer(nowMs);
    if (nowMs < this.#nextRequestMs) return;
    const { receiver, back } = this.#parts;
    const t1 = receiver.wallMs(nowMs) * US_PER_MS;
    back.send(EXCHANGE_BYTES, nowMs, (atMs) => this.#requests.push({ atMs, t1 }));
    this.#requestsSent++;
    this.#nextRequestMs = nowMs + (this.#requestsSent < BURST_REQUESTS ? BURST_INTERVAL_MS : MS_PER_S);
  }

  /** Put on the link what leaves the sender. Links take packets in order of time: {@link exchange} goes first. */
  send(departures: readonly Departure[]): void {
    for (const departure of departures) this.#launch(departure);
  }

  /** Let everything happen that happens until `untilMs`. */
  advance(untilMs: number): void {
    const arrivals = this.#arrivals;
    for (let next = arrivals[0]; next !== undefined && next.atMs <= untilMs; next = arrivals[0]) {
      arrivals.shift();
      this.#play(next.atMs);
      this.#receive(next);
      this.#nextDueMs = -Infinity;
    }
    this.#play(untilMs);
  }

  #answer(nowMs: number): void {
    const { sender, there } = this.#parts;
    const due = this.#requests.filter(({ atMs }) => atMs <= nowMs);
    if (due.length === 0) return;
    this.#requests = this.#requests.filter(({ atMs }) => atMs > nowMs);
    const t3 = sender.clock.wallMs(nowMs) * US_PER_MS;
    for (const { atMs: requestMs, t1 } of due) {
      const t2 = sender.clock.wallMs(requestMs) * US_PER_MS;
      there.send(EXCHANGE_BYTES, nowMs, (atMs) => this.#enqueue({ kind: "reply", atMs, t1, t2, t3 }));
    }
  }

  #launch(departure: Departure): void {
    const { there } = this.#parts;
    if (departure.kind === "video") return this.#launchVideo(departure);
    there.send(departure.bytes, departure.atMs, (atMs) => {
      if (departure.kind === "audio") {
        const { captureMs, timestamp, sequence, bytes } = departure;
        this.#enqueue({ kind: "audio", atMs, captureMs, timestamp, sequence, bytes });
      } else this.#enqueue({ kind: "report", atMs, media: departure.media, report: departure.report });
    });
  }

  // A frame is there when its last packet is; without one of them it never is.
  #launchVideo({ atMs, packets, captureMs, timestamp, keyFrame }: Departure & { kind: "video" }): void {
    let whole = true;
    let completeMs = 0;
    for (const bytes of packets) {
      let earliestMs = Infinity;
      this.#parts.there.send(bytes, atMs, (arrivalMs) => (earliestMs = Math.min(earliestMs, arrivalMs)));
      whole &&= earliestMs < Infinity;
      completeMs = Math.max(completeMs, earliestMs);
    }
    if (whole) this.#enqueue({ kind: "video", atMs: completeMs, captureMs, timestamp, keyFrame });
  }

  // Almost everything comes behind all the others: looking from the end is the shortest way.
  #enqueue(arrival: Arrival): void {
    const arrivals = this.#arrivals;
    let index = arrivals.length;
    while (index > 0 && (arrivals[index - 1] as Arrival).atMs > arrival.atMs) index--;
    if (index === arrivals.length) arrivals.push(arrival);
    else arrivals.splice(index, 0, arrival);
  }

  #receive(arrival: Arrival): void {
    const { sync, receiver, sender } = this.#parts;
    const receivedAt = receiver.localMs(arrival.atMs);
    switch (arrival.kind) {
      case "audio": {
        const { timestamp, sequence, captureMs, bytes } = arrival;
        this.#audioReceived++;
        sync.processAudioFrame({
          rtpTimestamp: timestamp,
          rtpSequence: sequence,
          samples: captureMs,
          receivedAt,
          payloadSize: bytes,
          ssrc: sender.ssrcs.audio,
        });
        break;
      }
      case "video":
        this.#receiveVideo(arrival, receivedAt);
        break;
      case "report":
        sync.updateRtcpSenderReport(arrival.report, receivedAt, arrival.media);
        break;
      case "reply": {
        const { t1, t2, t3 } = arrival;
        sync.addClockExchange({ t1, t2, t3, t4: receiver.wallMs(arrival.atMs) * US_PER_MS });
        break;
      }
    }
  }

  #receiveVideo({ timestamp, captureMs, keyFrame }: Arrival & { kind: "video" }, receivedAt: number): void {
    this.#videoCaptures.set(timestamp, captureMs);
    this.#parts.sync.processVideoFrame({
      rtpTimestamp: timestamp,
      rtpSequence: null,
      width: 640,
      height: 360,
      format: "encoded",
      planes: NO_PLANES,
      receivedAt,
      markerBit: true,
      isKeyframe: keyFrame,
      ssrc: this.#parts.sender.ssrcs.video,
    });
  }

  /** Pop everything due until `untilMs`, each at its moment. */
  #play(untilMs: number): void {
    const { sync, receiver, listener } = this.#parts;
    const untilLocalMs = receiver.localMs(untilMs);
    if (this.#nextDueMs > untilLocalMs) return;
    for (let dueMs = sync.nextAudioDueMs; dueMs <= untilLocalMs; dueMs = sync.nextAudioDueMs) {
      const frame = sync.popNextAudioFrame(dueMs);
      if (frame === null) break;
      listener.audio(frame, frame.samples, receiver.trueMs(dueMs));
    }
    for (let dueMs = sync.nextVideoDueMs; dueMs <= untilLocalMs; dueMs = sync.nextVideoDueMs) {
      const frame = sync.popNextVideoFrame(dueMs);
      if (frame === null) break;
      const captureMs = this.#videoCaptures.get(frame.rtpTimestamp) ?? Number.NaN;
      this.#forgetVideo(frame.rtpTimestamp);
      listener.video(frame, captureMs, receiver.trueMs(dueMs));
    }
    this.#nextDueMs = Math.min(sync.nextAudioDueMs, sync.nextVideoDueMs);
  }

  // With a frame go those before it that were dropped. Insertion is nearly in order, and few wait.
  #forgetVideo(timestamp: number): void {
    for (const waiting of this.#videoCaptures.keys()) {
      if (((waiting - timestamp) | 0) <= 0) this.#videoCaptures.delete(waiting);
    }
  }
}
