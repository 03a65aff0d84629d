// The `sync` channel of one peer: compares the clocks of both ends, and says of our streams what time it was when they
// were captured. Works over ports that a link or a foreign peer supplies.
import { toTransportError } from "../errors/errors.ts";
import type { TransportError } from "../errors/errors.ts";
import type { ChannelOptions, ChannelPort } from "../platform/platform.ts";
import { Driver } from "../runtime/driver.ts";
import type { Clock, LocalMs } from "../runtime/time.ts";
import { BeaconSchedule } from "./beacon-schedule.ts";
import { ClockExchanges } from "./clock-exchanges.ts";
import type { ClockExchangesInput, ClockExchangesOutput, Exchange } from "./clock-exchanges.ts";
import { RateLimit } from "./rate-limit.ts";
import { encodeBeacon, parseSyncMessage } from "./sync-messages.ts";
import type { Beacon } from "./sync-messages.ts";

/** The channel, opened by both sides under the same id: late times are worth less than new ones. */
export const SYNC_CHANNEL: ChannelOptions = { label: "sync", id: 101, ordered: false, maxRetransmits: 0 };

/** Ports: ours, and those a foreign peer opens in-band; one would do, a few forgive reopening. */
const MAX_PORTS = 4;
/** What waits longer than this many bytes are says nothing any more when it leaves. */
const MAX_WAITING_BYTES = 1_024;
/** Beacons in a reporting interval (RTCP), so that a receiver knows the clock before the second report. */
const BEACONS_PER_INTERVAL = 10;
/** A healthy peer sends ten for each medium at most. */
const MAX_BEACONS_PER_SECOND = 50;
/** Ticks of Opus' RTP clock (RFC 7587 section 4.1). */
/** RFC 7587 section 4.1, and RFC 3551 section 5. */
const CLOCK_RATES = { audio: 48_000, video: 90_000 } as const;

/** One packet or frame of ours as it left. */
export interface SentMark {
  readonly media: Beacon["media"];
  readonly ssrc: number;
  /** u32. */
  readonly rtpTimestamp: number;
  /** Capture of the picture, or of the first sample, Unix us on our wall clock. */
  readonly captureUs: number;
}

/** Where a {@link SyncChannel} reports to. Exceptions of these functions are contained and become faults. */
export interface SyncChannelOptions {
  /** The remote peer, named in errors. */
  peerId: string;
  clock: Clock;
  /** Mean distance of RTCP reports, ms; beacons are ten times as frequent. */
  rtcpIntervalMs: number;
  /** A uniform random number in [0, 1). */
  random: () => number;
  onExchange(exchange: Exchange): void;
  onBeacon(beacon: Beacon, receivedAtMs: LocalMs): void;
  /** One of the two above has thrown. */
  onFault(error: TransportError): void;
}

/** Counters since the beginning. */
export interface SyncChannelStatistics {
  /** Requests of ours that were answered. */
  readonly exchanges: number;
  readonly beaconsSent: number;
  readonly beaconsReceived: number;
  /** What was dropped, in or out, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** See the header. */
export class SyncChannel {
  readonly #options: SyncChannelOptions;
  readonly #driver: Driver<ClockExchangesInput, ClockExchangesOutput>;
  readonly #schedules: Readonly<Record<Beacon["media"], BeaconSchedule>>;
  readonly #beacons = new RateLimit(MAX_BEACONS_PER_SECOND);
  readonly #dropped = new Map<string, number>();
  readonly #counts = { exchanges: 0, beaconsSent: 0, beaconsReceived: 0 };
  /** In the order they were attached. */
  #ports: ChannelPort[] = [];
  /** The last open one, which sends. */
  #port: ChannelPort | undefined;
  #closed = false;

  constructor(options: SyncChannelOptions) {
    this.#options = options;
    const { clock, random, rtcpIntervalMs } = options;
    const intervalMs = rtcpIntervalMs / BEACONS_PER_INTERVAL;
    this.#schedules = { audio: new BeaconSchedule(intervalMs), video: new BeaconSchedule(intervalMs) };
    const exchanges = new ClockExchanges({ wallOffsetMs: clock.wallNow() - clock.now(), random });
    this.#driver = new Driver(exchanges, clock, (output) => this.#handle(output));
  }

  /** Use `port` from now on; ports attached before are still listened to. */
  attach(port: ChannelPort): void {
    if (this.#closed || this.#ports.length >= MAX_PORTS) {
      this.#drop("surplus-channel");
      return port.close();
    }
    this.#ports.push(port);
    const alreadyOpen = port.open; // it may still deliver the event it kept
    port.listen({
      open: () => this.#choosePort(),
      close: () => {
        this.#ports = this.#ports.filter((other) => other !== port);
        this.#choosePort();
      },
      message: (message) => this.#receive(message),
    });
    if (alreadyOpen) this.#choosePort();
  }

  /** Media has left: from time to time the other side is told. Call it with every packet, or a few times a second. */
  sent({ media, ssrc, rtpTimestamp, captureUs }: SentMark): void {
    if (this.#port === undefined || !this.#schedules[media].take(ssrc, this.#options.clock.now())) return;
    const stream = { media, ssrc, rtpTimestamp, clockRate: CLOCK_RATES[media] };
    try {
      if (this.#send(encodeBeacon(stream, captureUs))) this.#counts.beaconsSent++;
    } catch {
      this.#drop("sync-time"); // a program may stamp its media with any time
    }
  }

  /** Change the distance of beacons with that of reports. */
  configure({ rtcpIntervalMs }: { rtcpIntervalMs?: number | undefined }): void {
    if (rtcpIntervalMs === undefined) return;
    for (const schedule of Object.values(this.#schedules)) {
      schedule.intervalMs = rtcpIntervalMs / BEACONS_PER_INTERVAL;
    }
  }

  /** Counters as of now. */
  stats(): SyncChannelStatistics {
    return { ...this.#counts, dropped: Object.fromEntries(this.#dropped) };
  }

  /** Close every port; idempotent. No timer is left and nothing is reported from now on. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#port = undefined;
    this.#driver.close();
    for (const port of this.#ports.splice(0)) port.close();
  }

  #choosePort(): void {
    const port = this.#ports.filter(({ open }) => open).at(-1);
    if (this.#closed || port === this.#port) return;
    this.#port = port;
    this.#driver.handle({ type: port === undefined ? "closed" : "open" });
  }

  #receive(message: Uint8Array | string): void {
    const arrivalMs = this.#options.clock.now();
    if (this.#closed) return;
    if (typeof message === "string") return this.#drop("text-frame");
    const parsed = parseSyncMessage(message);
    if (parsed.type === "fault") return this.#drop(parsed.reason);
    if (parsed.type !== "beacon") return this.#driver.handle({ ...parsed, arrivalMs });
    if (!this.#beacons.allows(arrivalMs)) return this.#drop("surplus-beacon");
    this.#counts.beaconsReceived++;
    this.#contain(() => this.#options.onBeacon(parsed.beacon, arrivalMs));
  }

  #handle(output: ClockExchangesOutput): void {
    if (output.type === "send") return void this.#send(output.bytes);
    if (output.type === "dropped") return this.#drop(output.reason);
    this.#counts.exchanges++;
    this.#contain(() => this.#options.onExchange(output.exchange));
  }

  #send(bytes: Uint8Array): boolean {
    const port = this.#port;
    if (port === undefined) return false;
    try {
      if (port.bufferedAmount <= MAX_WAITING_BYTES) {
        port.send(bytes);
        return true;
      }
    } catch {
      // Closing, most likely; whatever it is, the next message says the same.
    }
    this.#drop("not-sent");
    return false;
  }

  #drop(reason: string): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1);
  }

  #contain(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      const { peerId } = this.#options;
      this.#options.onFault(toTransportError(error, "INTERNAL_ERROR", "a listener failed", { peerId }));
    }
  }
}
