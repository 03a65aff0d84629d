// A room to measure alignment in: senders with clocks of their own behind paths of their own, and one receiver that
// hears their media, sender reports and clock replies over the same two links. Knows the truth of every frame.
import { LinkModel } from "../../src/testing/link-model.ts";
import type { LinkModelOptions } from "../../src/testing/link-model.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { ntpToBigInt, unixUsToNtp } from "../../src/rtp/ntp.ts";
import { SyncManager } from "../../src/sync/sync-manager.ts";
import type { SyncedAudioFrame } from "../../src/sync/sync-types.ts";

const RTP_RATE = 48_000;
/** How often the listener looks, ms. */
const TICK_MS = 10;
const SENDER_REPORT_MS = 5000;
const EXCHANGE_MS = 1000;
const BURST = 8;
const BURST_GAP_MS = 50;
const REPORT_BYTES = 80;
const EXCHANGE_BYTES = 110;
const PACKET_BYTES = 160;
/** Before the first sender appears, so that no capture time is negative. */
const START_MS = 1000;

/** One sender and its paths. */
export interface SenderFacts {
  /** To the receiver. */
  readonly down: LinkModelOptions;
  /** From the receiver. */
  readonly up: LinkModelOptions;
  /** Its wall clock minus the receiver's at the start, ms. */
  readonly wallOffsetMs: number;
  /** Its wall clock against true time. */
  readonly wallPpm: number;
  /** Its sound card against true time. */
  readonly mediaPpm: number;
}

/** What travels with a frame so that results can be judged. */
export interface Truth {
  /** Local ms of the receiver at which its first sample was captured. */
  readonly captureMs: number;
  readonly index: number;
}

/** A frame that leaves the jitter buffer, and when. */
export type Heard = (peer: number, frame: SyncedAudioFrame<Truth>, nowMs: number) => void;

/** What else is known of a sender, for baselines. */
export interface SenderRecord {
  /** From the capture of its first frame to come until its arrival, ms. */
  firstTransitMs: number;
}

/** Settings of {@link playRoom}. */
export interface RoomOptions {
  readonly senders: readonly SenderFacts[];
  readonly seed: number;
  readonly seconds: number;
  /** Default 20. */
  readonly frameMs?: number;
  /** Default 10. */
  readonly tickMs?: number;
  readonly wallOffsetMs: number;
  /** Called at every tick of the receiver, after its frames. */
  readonly tick?: (nowMs: number) => void;
}

/** Let a room run. @returns a record of each sender */
export function playRoom(options: RoomOptions, heard: Heard): SenderRecord[] {
  const { senders, seed, seconds, tick, tickMs = TICK_MS } = options;
  const clock = new VirtualClock({ startMs: START_MS });
  const endMs = START_MS + seconds * 1000;
  const stations = senders.map((facts, index) => new Station(facts, index, seed, options, clock, endMs));
  const listen = (): void => {
    const nowMs = clock.now();
    stations.forEach(({ sync }, peer) => {
      for (let frame = sync.popNextAudioFrame(nowMs); frame !== null; frame = sync.popNextAudioFrame(nowMs)) {
        heard(peer, frame, nowMs);
      }
    });
    tick?.(nowMs);
    if (nowMs < endMs) clock.setTimer(nowMs + tickMs, listen);
  };
  listen();
  clock.advanceTo(endMs);
  for (const { sync } of stations) sync.close();
  return stations.map(({ record }) => record);
}

/** A sender, its two links, and the receiver's end of them. */
class Station {
  readonly sync: SyncManager<Truth>;
  readonly record: SenderRecord = { firstTransitMs: Number.NaN };
  readonly #facts: SenderFacts;
  readonly #clock: VirtualClock;
  readonly #random: SeededRandom;
  readonly #down: LinkModel;
  readonly #up: LinkModel;
  readonly #wallOffsetMs: number;
  readonly #frameMs: number;
  readonly #endMs: number;
  readonly #ssrc: number;
  readonly #firstTimestamp: number;
  readonly #startMs: number;
  #reports = 0;

  constructor(
    facts: SenderFacts,
    index: number,
    seed: number,
    { wallOffsetMs, frameMs = 20 }: RoomOptions,
    clock: VirtualClock,
    endMs: number,
  ) {
    const name = `${seed}/${index}`;
    this.#facts = facts;
    this.#clock = clock;
    this.#random = new SeededRandom(name);
    this.#down = new LinkModel(facts.down, `${name}/down`);
    this.#up = new LinkModel(facts.up, `${name}/up`);
    this.#wallOffsetMs = wallOffsetMs;
    this.#frameMs = frameMs;
    this.#endMs = endMs;
    this.#ssrc = index + 1;
    this.#firstTimestamp = this.#random.integer(0, 2 ** 32 - 1);
    this.#startMs = clock.now() + this.#random.next() * 200;
    // What it plays is true samples, stamped with the time of the first: no encoder's delay is in them.
    const config = { rtcpIntervalMs: SENDER_REPORT_MS };
    this.sync = new SyncManager<Truth>(`p${index}`, config, { wallOffsetMs, senderLookaheadSamples: 0 });
    this.#sendFrame(0);
    clock.setTimer(this.#startMs + frameMs, () => {
      this.#sendReport();
    });
    for (let i = 0; i < BURST; i++) this.#exchangeAt(this.#startMs + i * BURST_GAP_MS, i === BURST - 1);
  }

  #captureMs(index: number): number {
    const samples = index * this.#frameMs * (RTP_RATE / 1000);
    return this.#startMs + (samples * 1000) / (RTP_RATE * (1 + this.#facts.mediaPpm * 1e-6));
  }

  /** The sender's wall clock at a true instant, Unix us. */
  #wallUs(trueMs: number): number {
    const { wallOffsetMs, wallPpm } = this.#facts;
    const sinceMs = trueMs - START_MS;
    return (trueMs + this.#wallOffsetMs + wallOffsetMs + sinceMs * wallPpm * 1e-6) * 1000;
  }

  /** Frame after frame, each once its last sample is captured. */
  #sendFrame(index: number): void {
    const sentMs = this.#captureMs(index + 1);
    if (sentMs > this.#endMs) return;
    this.#clock.setTimer(sentMs, () => {
      this.#down.send(PACKET_BYTES, sentMs, (arrivalMs) => {
        this.#clock.setTimer(arrivalMs, () => {
          this.#receive(index, arrivalMs);
        });
      });
      this.#sendFrame(index + 1);
    });
  }

  #receive(index: number, arrivalMs: number): void {
    const captureMs = this.#captureMs(index);
    if (Number.isNaN(this.record.firstTransitMs)) this.record.firstTransitMs = arrivalMs - captureMs;
    this.sync.processAudioFrame({
      rtpTimestamp: (this.#firstTimestamp + index * this.#frameMs * (RTP_RATE / 1000)) >>> 0,
      rtpSequence: index & 0xffff,
      samples: { captureMs, index },
      receivedAt: arrivalMs,
      payloadSize: PACKET_BYTES - 40,
      ssrc: this.#ssrc,
    });
  }

  // With the first media, two more within 2 s, then at random intervals (RFC 3550 section 6.2).
  #sendReport(): void {
    const sentMs = this.#clock.now();
    const samples = ((sentMs - this.#startMs) * RTP_RATE * (1 + this.#facts.mediaPpm * 1e-6)) / 1000;
    const report = {
      ssrc: this.#ssrc,
      ntpTimestamp: ntpToBigInt(unixUsToNtp(Math.round(this.#wallUs(sentMs)))),
      rtpTimestamp: (this.#firstTimestamp + Math.round(samples)) >>> 0,
      packetCount: 0,
      octetCount: 0,
    };
    this.#down.send(REPORT_BYTES, sentMs, (arrivalMs) => {
      this.#clock.setTimer(arrivalMs, () => {
        this.sync.updateRtcpSenderReport(report, arrivalMs, "audio");
      });
    });
    const nextMs = this.#reports++ < 2 ? 900 : SENDER_REPORT_MS * (0.5 + this.#random.next());
    if (sentMs + nextMs < this.#endMs) {
      this.#clock.setTimer(sentMs + nextMs, () => {
        this.#sendReport();
      });
    }
  }

  #exchangeAt(atMs: number, goesOn: boolean): void {
    if (atMs > this.#endMs) return;
    const localUs = (ms: number): number => Math.round((ms + this.#wallOffsetMs) * 1000);
    this.#clock.setTimer(atMs, () => {
      this.#up.send(EXCHANGE_BYTES, atMs, (thereMs) => {
        this.#clock.setTimer(thereMs, () => {
          const t2 = Math.round(this.#wallUs(thereMs));
          this.#down.send(EXCHANGE_BYTES, thereMs, (backMs) => {
            this.#clock.setTimer(backMs, () => {
              this.sync.addClockExchange({ t1: localUs(atMs), t2, t3: t2, t4: localUs(backMs) });
            });
          });
        });
      });
      if (goesOn) this.#exchangeAt(atMs + EXCHANGE_MS, true);
    });
  }
}
