// How much a signaling server takes, and the arithmetic of taking it: sizes, a token bucket. Pure.
import type { JsonObject } from "../runtime/data.ts";
import { MAX_AUTH_TOKEN_BYTES, MAX_SDP_BYTES, MAX_USER_DATA_BYTES } from "../signaling/messages.ts";

/** Limits of a server; every one can be set. Sizes are bytes of UTF-8. */
export interface SignalingLimits {
  /** One text frame; a larger one closes the socket with 1009. */
  frameBytes: number;
  sdpBytes: number;
  candidateBytes: number;
  /** As JSON. */
  userDataBytes: number;
  authTokenBytes: number;
  /** Members of one batch. */
  batch: number;
  /** Messages a socket may send at once. */
  burst: number;
  /** Messages a second a socket may send for long. */
  messagesPerSecond: number;
  /** A socket refused for its rate this long without a pause is closed with 4029. */
  overRateMs: number;
  peersPerRoom: number;
  rooms: number;
  socketsPerIp: number;
  /** A socket that has not announced after this time is closed with 4001. */
  announceTimeoutMs: number;
  /** How long the authenticate hook may take. */
  authenticateTimeoutMs: number;
  /** A socket without a message for this long is closed with 4008. */
  idleTimeoutMs: number;
  /** Between WebSocket pings; a socket silent from one to the next is terminated. */
  keepaliveMs: number;
  /** How long a registration outlives its socket. */
  resumeMs: number;
  /** Messages kept for a peer without a socket. */
  resumeMessages: number;
  /** Bytes kept for a peer without a socket. */
  resumeBytes: number;
  /** How long an offer waits for its answer. */
  offerMs: number;
  /** Offers of one peer that wait for an answer. */
  pendingOffers: number;
}

/** The limits of a server that sets none. */
export const DEFAULT_LIMITS: Readonly<SignalingLimits> = Object.freeze({
  frameBytes: 1_048_576,
  sdpBytes: MAX_SDP_BYTES,
  candidateBytes: 1024,
  userDataBytes: MAX_USER_DATA_BYTES,
  authTokenBytes: MAX_AUTH_TOKEN_BYTES,
  batch: 32,
  burst: 400,
  messagesPerSecond: 100,
  overRateMs: 10_000,
  peersPerRoom: 32,
  rooms: 1000,
  socketsPerIp: 100,
  announceTimeoutMs: 10_000,
  authenticateTimeoutMs: 10_000,
  idleTimeoutMs: 300_000,
  keepaliveMs: 30_000,
  resumeMs: 30_000,
  resumeMessages: 100,
  resumeBytes: 262_144,
  offerMs: 30_000,
  // Ten peers with a few links each, and room for those that never answer.
  pendingOffers: 256,
});

/** The limits a client may want to know, as they stand in results. */
export function limitsWire(limits: SignalingLimits): JsonObject {
  return {
    frame_bytes: limits.frameBytes,
    sdp_bytes: limits.sdpBytes,
    candidate_bytes: limits.candidateBytes,
    user_data_bytes: limits.userDataBytes,
    auth_token_bytes: limits.authTokenBytes,
    batch: limits.batch,
    burst: limits.burst,
    messages_per_second: limits.messagesPerSecond,
    peers_per_room: limits.peersPerRoom,
    idle_timeout_ms: limits.idleTimeoutMs,
    resume_ms: limits.resumeMs,
  };
}

/** What a {@link RateBucket} says to a message. */
export type RateVerdict =
  | { readonly allowed: true }
  | {
      readonly allowed: false;
      /** Ms after which as many messages would be allowed. */
      readonly retryAfterMs: number;
      /** Ms since the first refusal of this episode. */
      readonly overForMs: number;
    };

/** A token bucket: `burst` messages at once, then so many a second. */
export class RateBucket {
  readonly #burst: number;
  readonly #perMs: number;
  #tokens: number;
  #atMs: number;
  #overSinceMs: number | undefined;

  constructor(limits: Pick<SignalingLimits, "burst" | "messagesPerSecond">, nowMs: number) {
    this.#burst = limits.burst;
    this.#perMs = limits.messagesPerSecond / 1000;
    this.#tokens = limits.burst;
    this.#atMs = nowMs;
  }

  /** Take `count` messages, all or none. */
  take(count: number, nowMs: number): RateVerdict {
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#atMs) * this.#perMs);
    this.#atMs = nowMs;
    // A second's worth of saved-up messages is a pause; without one, a sender just above the rate stays an offender.
    if (this.#tokens >= Math.min(this.#burst, this.#perMs * 1000)) this.#overSinceMs = undefined;
    if (this.#tokens >= count) {
      this.#tokens -= count;
      return { allowed: true };
    }
    this.#overSinceMs ??= nowMs;
    const retryAfterMs = Math.ceil((Math.min(count, this.#burst) - this.#tokens) / this.#perMs);
    return { allowed: false, retryAfterMs, overForMs: nowMs - this.#overSinceMs };
  }
}
