// The relay's door: owns impairment, chance, queue and sockets of all connections that pass through it.
import { performance } from "node:perf_hooks";
import { TransportError } from "../../errors/errors.ts";
import { checkImpairment, impairedLink } from "../impairment.ts";
import type { Impairment } from "../impairment.ts";
import { LinkModel } from "../link-model.ts";
import { RelayedConnection } from "./relayed-connection.ts";
import type { Carry } from "./relayed-connection.ts";
import { Schedule } from "./schedule.ts";

/** Datagrams under way: ten seconds of ten peers that send 100 a second to each other. */
const MAX_QUEUED = 100_000;

/** IPv4 and UDP. */
const HEADER_BYTES = 28;

/** What a relay did to datagrams, over all connections and directions it impairs. */
export interface RelayCounters {
  /** Handed on, copies included. */
  readonly passed: number;
  /** By chance or in an outage. */
  readonly lost: number;
  /** Lost at a full bottleneck or for want of room in the relay. */
  readonly overflowed: number;
  /** Passed with a delay that let others overtake. */
  readonly reordered: number;
  /** Copies made. */
  readonly duplicated: number;
  /** Under way at this moment. */
  readonly queued: number;
}

/**
 * Impairs UDP on 127.0.0.1 between peers of WebRTC. Opens sockets only for connections; `impairSignaling` leads
 * transports through it. Every direction of every connection has its own chance, from the seed and the names of the two.
 */
export class ImpairmentRelay {
  readonly #originMs = performance.now();
  readonly #schedule = new Schedule(MAX_QUEUED);
  readonly #connections = new Set<RelayedConnection>();
  readonly #paths = new Set<LinkModel>();
  /** Connections so far, by the names of both ends. */
  readonly #opened = new Map<string, number>();
  readonly #counters = { passed: 0, lost: 0, overflowed: 0, reordered: 0, duplicated: 0 };
  #impairment: Impairment;
  #outage = { fromMs: 0, toMs: 0 };
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAtMs = Infinity;
  #closed = false;

  /** @throws TransportError `INVALID_CONFIG` with every fault */
  constructor(impairment: Impairment = {}) {
    checkImpairment(impairment);
    this.#impairment = { ...impairment };
  }

  get impairment(): Readonly<Impairment> {
    return this.#impairment;
  }

  get counters(): RelayCounters {
    const total = { ...this.#counters, queued: this.#schedule.length };
    for (const path of this.#paths) addCounters(total, path);
    return Object.freeze(total);
  }

  /**
   * Change these fields from the next datagram on; `undefined` takes one away, those not named stay.
   *
   * @throws TransportError `INVALID_CONFIG` with every fault; nothing is changed then
   */
  set(changes: Omit<Impairment, "seed">): void {
    if (Object.hasOwn(changes, "seed")) {
      throw new TransportError(
        "INVALID_CONFIG",
        "impairment: seed: expected when the relay is made, not later",
      );
    }
    const impairment = { ...this.#impairment, ...changes };
    checkImpairment(impairment);
    this.#impairment = impairment;
    this.#changePaths();
  }

  /**
   * Lose everything for `durationMs` from now on, in all directions. A second one overlaps: the later end counts.
   *
   * @throws TransportError `INVALID_DATA` unless `durationMs` is a number from 0
   */
  outage(durationMs: number): void {
    if (!(durationMs >= 0)) {
      throw new TransportError("INVALID_DATA", `durationMs: expected a number from 0, not ${durationMs}`);
    }
    const nowMs = this.#nowMs();
    this.#outage = { fromMs: nowMs, toMs: Math.max(nowMs + durationMs, this.#outage.toMs) };
    this.#changePaths();
  }

  /**
   * Lead one connection through the relay. After {@link close} it relays nothing.
   *
   * @param local name of the peer in this program, of which the chance depends; so `remote`
   */
  open(local: string, remote: string): RelayedConnection {
    const names = `${local}>${remote}`;
    const count = (this.#opened.get(names) ?? 0) + 1;
    this.#opened.set(names, count);
    const paths = {
      outgoing: this.#openPath(`${names}/${count}`),
      incoming: this.#openPath(`${remote}>${local}/${count}`),
    };
    const connection = new RelayedConnection(this.#carry, paths, () => {
      this.#connections.delete(connection);
      for (const path of [paths.outgoing, paths.incoming]) {
        addCounters(this.#counters, path);
        this.#paths.delete(path);
      }
    });
    this.#connections.add(connection);
    if (this.#closed) void connection.close();
    return connection;
  }

  /** Close all connections and drop what is under way; idempotent, never rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#schedule.clear();
    await Promise.all([...this.#connections].map((connection) => connection.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Ms since the relay was made: what recurring outages count from. */
  #nowMs(): number {
    return performance.now() - this.#originMs;
  }

  readonly #carry: Carry = (path, byteLength, deliver) => {
    const nowMs = this.#nowMs();
    const pass = (): void => {
      this.#counters.passed++;
      deliver();
    };
    path.send(byteLength + HEADER_BYTES, nowMs, (arrivalMs) => {
      if (!this.#schedule.add(arrivalMs, pass)) this.#counters.overflowed++;
    });
    this.#turn(nowMs);
  };

  #openPath(name: string): LinkModel {
    const path = new LinkModel(this.#link(), `${this.#impairment.seed ?? 1}/${name}`);
    this.#paths.add(path);
    return path;
  }

  #link() {
    return impairedLink(this.#impairment, [this.#outage]);
  }

  #changePaths(): void {
    for (const path of this.#paths) path.change(this.#link());
  }

  /** Deliver what has arrived and wake up for the next. */
  #turn(nowMs: number): void {
    this.#schedule.run(nowMs);
    const { nextMs } = this.#schedule;
    if (nextMs >= this.#timerAtMs) return;
    clearTimeout(this.#timer);
    this.#timerAtMs = nextMs;
    this.#timer = setTimeout(
      () => {
        this.#timerAtMs = Infinity;
        this.#turn(this.#nowMs());
      },
      Math.ceil(nextMs - nowMs),
    );
  }
}

type Total = { -readonly [Name in keyof Omit<RelayCounters, "passed" | "queued">]: number };

function addCounters(total: Total, { counters }: LinkModel): void {
  total.lost += counters.lost;
  total.overflowed += counters.overflowed;
  total.reordered += counters.reordered;
  total.duplicated += counters.duplicated;
}
