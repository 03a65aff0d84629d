// The life of the client's socket: opening, coming back after a loss with growing waits, ending for good, and the
// callers who wait for it. Says what to do through outputs; opens nothing itself.
import { CLOSE_OVER_RATE, isFinalClose, reconnectDelayMs } from "./backoff.ts";
import { MAX_PENDING_CALLS } from "./calls.ts";
import type { ConnectionOutput } from "./connection-io.ts";
import type { CallFailure } from "./protocol.ts";
import type { SignalingState } from "../platform/signaling-channel.ts";

/** A connection that lasted this long, in ms, makes the next loss a first one again for the backoff. */
const STABLE_MS = 10_000;

/** What happens on the way to `connected`; `none` there and at rest. */
type Phase = "none" | "waiting" | "opening" | "announcing";

/** State of the socket, phase of its return, and the calls to `connect` that wait for it. */
export class SocketLife {
  readonly #outputs: ConnectionOutput[];
  readonly #connectTimeoutMs: number;
  readonly #random: () => number;
  readonly #waiting = new Set<number>();
  #state: SignalingState = "idle";
  #phase: Phase = "none";
  #deadlineMs = Infinity;
  /** The server asked for a pause: a caller's connect() does not cut the wait short. */
  #held = false;
  #attempt = 0;
  #reconnects = 0;
  #connectedAtMs = 0;

  /**
   * @param outputs where effects and events are queued
   * @param connectTimeoutMs wait for a socket to open when coming back
   * @param random uniform in [0, 1)
   */
  constructor(outputs: ConnectionOutput[], connectTimeoutMs: number, random: () => number) {
    this.#outputs = outputs;
    this.#connectTimeoutMs = connectTimeoutMs;
    this.#random = random;
  }

  get state(): SignalingState {
    return this.#state;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** When the phase ends by itself. */
  get deadlineMs(): number {
    return this.#deadlineMs;
  }

  /** Sockets opened after a loss, which also tells one announcement on return from another. */
  get reconnects(): number {
    return this.#reconnects;
  }

  /** A caller wants the socket: open it, join those who wait, or settle at once. */
  connect(call: number, timeoutMs: number, nowMs: number): void {
    if (this.#state === "connected") {
      this.#outputs.push({ type: "settled", call, result: undefined });
    } else if (this.#waiting.size >= MAX_PENDING_CALLS) {
      this.#outputs.push({ type: "failed", call, failure: tooManyCalls() });
    } else {
      this.#waiting.add(call);
      if (this.#state === "idle" || this.#state === "closed") {
        this.#attempt = 0;
        this.#open(timeoutMs, nowMs);
        this.#enter("connecting");
      } else if (this.#phase === "waiting" && !this.#held) {
        this.#open(this.#connectTimeoutMs, nowMs);
      }
    }
  }

  /** A caller of `connect` has gone; the first connection is not opened for nobody. */
  cancel(call: number): void {
    if (!this.#waiting.delete(call) || this.#state !== "connecting" || this.#waiting.size > 0) return;
    this.#outputs.push({ type: "close-socket", code: 1000, reason: "canceled" });
    this.#setPhase("none", Infinity);
    this.#enter("idle");
  }

  /** The socket is open. @returns whether that was expected and the first one, or one after a loss */
  opened(): "unexpected" | "first" | "return" {
    if (this.#phase !== "opening") return "unexpected";
    if (this.#state === "connecting") return "first";
    this.#reconnects += 1;
    return "return";
  }

  /** The registration is announced again before the socket counts as connected. */
  announcing(deadlineMs: number): void {
    this.#setPhase("announcing", deadlineMs);
  }

  /** The socket can be used. */
  ready(nowMs: number): void {
    this.#setPhase("none", Infinity);
    this.#connectedAtMs = nowMs;
    this.#enter("connected");
    this.#outputs.push({ type: "log", level: "info", message: "signaling connected", fields: {} });
    for (const call of this.#waiting) this.#outputs.push({ type: "settled", call, result: undefined });
    this.#waiting.clear();
  }

  /** The socket is gone. @returns true when it is not opened again: the caller's turn to {@link end} it */
  lost(code: number, reason: string, failure: CallFailure, nowMs: number): boolean {
    this.failWaiting(failure);
    const state = this.#state;
    if (state === "idle" || state === "closed") return false;
    if (state === "connecting") {
      this.#setPhase("none", Infinity);
      this.#enter("idle");
      return false;
    }
    if (isFinalClose(code)) return true;
    if (state === "connected" && nowMs - this.#connectedAtMs >= STABLE_MS) this.#attempt = 0;
    const delayMs = reconnectDelayMs(this.#attempt, code, this.#random());
    this.#attempt += 1;
    this.#held = code === CLOSE_OVER_RATE;
    this.#setPhase("waiting", nowMs + delayMs);
    this.#enter("reconnecting");
    const level = state === "connected" ? "warn" : "debug";
    const fields = { code, delayMs: Math.round(delayMs) };
    this.#outputs.push({ type: "log", level, message: "signaling lost", fields });
    if (state === "connected") this.#tellLoss(code, reason, true);
    return false;
  }

  /** Over: nothing is opened again unless a caller asks. Tells of it unless the caller did it. */
  end(code: number, reason: string, byCaller: boolean): void {
    this.#setPhase("none", Infinity);
    this.#enter("closed");
    if (byCaller) return;
    this.#outputs.push({ type: "log", level: "warn", message: "signaling ended", fields: { code } });
    this.#tellLoss(code, reason, false);
  }

  /** The phase's time is over. @returns why this socket is given up, undefined when the wait for a new one ends */
  overdue(nowMs: number): string | undefined {
    if (this.#phase === "opening") return "the server did not answer in time";
    if (this.#phase === "announcing") return "announcing took too long";
    this.#open(this.#connectTimeoutMs, nowMs);
    return undefined;
  }

  /** Fail the callers of `connect`. */
  failWaiting(failure: CallFailure): void {
    for (const call of this.#waiting) this.#outputs.push({ type: "failed", call, failure });
    this.#waiting.clear();
  }

  #open(timeoutMs: number, nowMs: number): void {
    this.#setPhase("opening", nowMs + timeoutMs);
    this.#outputs.push({ type: "open-socket" });
  }

  #setPhase(phase: Phase, deadlineMs: number): void {
    this.#phase = phase;
    this.#deadlineMs = deadlineMs;
  }

  #enter(state: SignalingState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#outputs.push({ type: "event", event: { name: "stateChange", value: state } });
  }

  #tellLoss(code: number, reason: string, willReconnect: boolean): void {
    const value = { code, reason, willReconnect };
    this.#outputs.push({ type: "event", event: { name: "disconnected", value } });
  }
}

/** The failure of a call for which there is no room. */
export function tooManyCalls(): CallFailure {
  const message = `more than ${MAX_PENDING_CALLS} signaling requests wait for an answer`;
  return { code: "RATE_LIMITED", message };
}
