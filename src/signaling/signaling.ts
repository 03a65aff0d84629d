// The client's door: opens the socket, keeps the callers waiting for their answers, and emits what the room does.
// Everything with time or protocol in it is the connection machine's.
import { TransportError, toTransportError } from "../errors/errors.ts";
import type { JsonObject } from "../runtime/data.ts";
import { abortError, limited } from "../runtime/call.ts";
import type { CallOptions } from "../runtime/call.ts";
import { Driver } from "../runtime/driver.ts";
import { Emitter } from "../runtime/emitter.ts";
import type { ScopedLogger } from "../runtime/logger.ts";
import type { Platform, Socket } from "../platform/platform.ts";
import { checkCandidate, checkDescription, checkId, checkIdentity, checkToken } from "./arguments.ts";
import { SignalingConnection } from "./connection.ts";
import type { CallResult, ConnectionInput, ConnectionOutput } from "./connection-io.ts";
import type { CallFailure, CandidatePlace, ClientRequest } from "./protocol.ts";
import type {
  AnnounceResult,
  Announcement,
  DisconnectReason,
  Exchange,
  PeerEntry,
  SignalingChannel,
  SignalingEvents,
  SignalingState,
} from "../platform/signaling-channel.ts";

/** How long `close` waits for the server's half of the closing handshake, in ms. */
const CLOSE_TIMEOUT_MS = 1_000;

const DEFAULT_TIMEOUT_MS = 10_000;

/** Options of a {@link SignalingClient}. */
export interface SignalingClientOptions {
  /** Absolute `ws:` or `wss:` URL, without fragment and credentials. */
  url: string;
  platform: Pick<Platform, "openSocket" | "clock" | "randomBytes">;
  logger?: ScopedLogger | undefined;
  /** Wait for the answer to a request, in ms; 10 000 by default. */
  requestTimeoutMs?: number | undefined;
  /** Wait for a socket to open, in ms; 10 000 by default. */
  connectTimeoutMs?: number | undefined;
}

/** What a {@link SignalingClient} counts. */
export interface SignalingClientStats {
  readonly state: SignalingState;
  /** Sockets opened after a loss. */
  readonly reconnects: number;
  /** Frames or parts of frames that were ignored, and notices that found no connection, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}

interface Waiting {
  resolve(result: CallResult): void;
  reject(failure: CallFailure): void;
}

/**
 * Finds peers in a room and exchanges descriptions with them, in JSON-RPC 2.0 over a WebSocket. A lost socket comes
 * back by itself, without limit, and the registration with it; requests in flight at the loss reject.
 */
export class SignalingClient implements SignalingChannel {
  readonly #options: SignalingClientOptions;
  readonly #machine: SignalingConnection;
  readonly #emitter: Emitter<SignalingEvents>;
  readonly #waiting = new Map<number, Waiting>();
  readonly #requestTimeoutMs: number;
  readonly #connectTimeoutMs: number;
  readonly #driver: Driver<ConnectionInput, ConnectionOutput>;
  #socket: Socket | undefined;
  #socketClosed: Promise<void> = Promise.resolve();
  #authToken: Announcement["authToken"];
  #calls = 0;

  /** No network is touched before `connect()`. @throws TransportError `INVALID_CONFIG` naming the option */
  constructor(options: SignalingClientOptions) {
    checkUrl(options.url);
    this.#options = options;
    this.#requestTimeoutMs = checkTimeout("requestTimeoutMs", options.requestTimeoutMs);
    this.#connectTimeoutMs = checkTimeout("connectTimeoutMs", options.connectTimeoutMs);
    const { randomBytes } = options.platform;
    this.#machine = new SignalingConnection({
      requestTimeoutMs: this.#requestTimeoutMs,
      connectTimeoutMs: this.#connectTimeoutMs,
      idPrefix: Array.from(randomBytes(4), (byte) => byte.toString(16).padStart(2, "0")).join(""),
      random: () => new DataView(randomBytes(4).slice().buffer).getUint32(0) / 0x1_0000_0000,
    });
    this.#emitter = new Emitter((error, event) => {
      options.logger?.error("a listener threw", { event, error: String(error) });
    });
    this.#driver = new Driver(this.#machine, options.platform.clock, (output) => this.#effect(output));
  }

  get state(): SignalingState {
    return this.#machine.state;
  }

  on<Name extends keyof SignalingEvents>(
    event: Name,
    listener: (value: SignalingEvents[Name]) => void,
  ): () => void {
    return this.#emitter.on(event, listener);
  }

  once<Name extends keyof SignalingEvents>(
    event: Name,
    listener: (value: SignalingEvents[Name]) => void,
  ): () => void {
    return this.#emitter.once(event, listener);
  }

  /**
   * Open the socket; at once when it is open, together with whoever waits for it already. While the client is
   * reconnecting this cuts the wait short.
   *
   * @throws TransportError `SIGNALING_ERROR` when the server cannot be reached in time, `UNAUTHORIZED`, `ABORTED`
   */
  async connect(options: CallOptions = {}): Promise<void> {
    const timeoutMs = options.timeoutMs ?? this.#connectTimeoutMs;
    const late = new TransportError("SIGNALING_ERROR", `no connection within ${timeoutMs} ms`);
    const limits = { signal: options.signal, timeoutMs };
    const input = (call: number): ConnectionInput => ({ type: "connect", call, timeoutMs });
    await this.#call("connect()", limits, input, () => late).catch((error: unknown) => {
      throw this.#unreachable(error);
    });
  }

  /**
   * Enter a room, or update capabilities and user data under the same id.
   *
   * @throws TransportError `PEER_ID_TAKEN`, `UNAUTHORIZED`, `LIMIT_EXCEEDED`, `VERSION_UNSUPPORTED`, `INVALID_DATA`,
   *   `SIGNALING_ERROR`, `OPERATION_TIMEOUT`, `ABORTED`
   */
  async announce(announcement: Announcement, options: CallOptions = {}): Promise<AnnounceResult> {
    const { authToken: source, ...identity } = announcement;
    checkIdentity(identity);
    if (typeof source === "string") checkToken(source);
    const timeoutMs = options.timeoutMs ?? this.#requestTimeoutMs;
    const { clock } = this.#options.platform;
    const deadlineMs = clock.now() + timeoutMs;
    const { signal } = options;
    const authToken = await limited(askToken(source), clock, "announce()", { signal, timeoutMs });
    const result = await this.#call("announce()", options, (call) => {
      return { type: "announce", call, identity, authToken, timeoutMs: deadlineMs - clock.now() };
    });
    this.#authToken = source;
    return result as AnnounceResult;
  }

  /** The others in the room. @throws TransportError `SIGNALING_ERROR`, `OPERATION_TIMEOUT`, `ABORTED` */
  async listPeers(options: CallOptions = {}): Promise<PeerEntry[]> {
    return (await this.#request("listPeers()", { type: "list" }, options)) as PeerEntry[];
  }

  /** @throws TransportError `PEER_NOT_FOUND`, `SDP_ERROR`, `NEGOTIATION_IN_PROGRESS` and those of `listPeers` */
  async sendOffer(to: string, sdp: string, exchange: Exchange, options: CallOptions = {}): Promise<void> {
    checkDescription(to, sdp, exchange);
    await this.#request(`sendOffer("${to}")`, { type: "offer", to, sdp, exchange }, options);
  }

  /** @throws TransportError `PEER_NOT_FOUND`, `SDP_ERROR` and those of `listPeers` */
  async sendAnswer(to: string, sdp: string, exchange: Exchange, options: CallOptions = {}): Promise<void> {
    checkDescription(to, sdp, exchange);
    await this.#request(`sendAnswer("${to}")`, { type: "answer", to, sdp, exchange }, options);
  }

  /**
   * Fire and forget. A few wait while a lost socket comes back. An empty candidate ends them.
   *
   * @throws TransportError `INVALID_DATA`
   */
  sendIceCandidate(to: string, candidate: CandidatePlace, exchange: Exchange): void {
    checkCandidate(to, candidate, exchange);
    this.#driver.handle({ type: "notify", notice: { type: "candidate", to, candidate, exchange } });
  }

  /** Fire and forget; arrives as `peerDisconnected`. @throws TransportError `INVALID_DATA` */
  sendDisconnect(to: string, reason: DisconnectReason, connectionId?: string): void {
    checkId("to", to);
    if (connectionId !== undefined) checkId("connectionId", connectionId);
    this.#driver.handle({ type: "notify", notice: { type: "disconnect", to, reason, connectionId } });
  }

  /** Leave the room and keep the socket; resolves at once when there is nothing to leave. */
  async leave(options: CallOptions = {}): Promise<void> {
    this.#authToken = undefined;
    await this.#request("leave()", { type: "leave" }, options);
  }

  /** Close the socket; the room sees us leave. Idempotent, never rejects, leaves no timer; `connect` may follow. */
  async close(): Promise<void> {
    this.#driver.handle({ type: "close" });
    this.#authToken = undefined;
    const { clock } = this.#options.platform;
    // A server that does not answer the closing handshake is none of the caller's business.
    await limited(this.#socketClosed, clock, "close()", { timeoutMs: CLOSE_TIMEOUT_MS }).catch(
      () => undefined,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** A snapshot of the counters. */
  stats(): SignalingClientStats {
    const { state, reconnects, dropped } = this.#machine;
    return Object.freeze({ state, reconnects, dropped: Object.freeze(Object.fromEntries(dropped)) });
  }

  #request(what: string, request: ClientRequest, options: CallOptions): Promise<CallResult> {
    const timeoutMs = options.timeoutMs ?? this.#requestTimeoutMs;
    return this.#call(what, options, (call) => ({ type: "request", call, request, timeoutMs }));
  }

  /** The machine keeps the time of requests; the caller's signal, and its patience with connect(), are watched here. */
  #call(
    what: string,
    { signal, timeoutMs }: CallOptions,
    input: (call: number) => ConnectionInput,
    timeoutError?: () => TransportError,
  ): Promise<CallResult> {
    if (signal?.aborted === true) return Promise.reject(abortError(signal, what));
    this.#calls += 1;
    const call = this.#calls;
    const work = new Promise<CallResult>((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject: (failure) => reject(toError(what, failure)) });
    });
    this.#driver.handle(input(call));
    const limits = { signal, timeoutMs: timeoutError === undefined ? Infinity : (timeoutMs ?? Infinity) };
    const cancel = (): void => {
      this.#waiting.delete(call);
      this.#driver.handle({ type: "cancel", call });
    };
    return limited(work, this.#options.platform.clock, what, limits, cancel, timeoutError);
  }

  #effect(output: ConnectionOutput): void {
    switch (output.type) {
      case "open-socket":
        return this.#open();
      case "close-socket":
        this.#socket?.close(output.code, output.reason);
        this.#socket = undefined;
        return;
      case "send":
        return this.#socket?.send(output.text);
      case "need-token":
        return this.#fetchToken(output.attempt);
      case "settled":
        this.#waiting.get(output.call)?.resolve(output.result);
        this.#waiting.delete(output.call);
        return;
      case "failed":
        this.#waiting.get(output.call)?.reject(output.failure);
        this.#waiting.delete(output.call);
        return;
      case "event":
        return this.#emitter.emit(output.event.name, output.event.value);
      case "log":
        return this.#options.logger?.[output.level](output.message, {
          url: printableUrl(this.#options.url),
          ...output.fields,
        });
    }
  }

  #open(): void {
    let ended = (): void => undefined;
    this.#socketClosed = new Promise((resolve) => {
      ended = resolve;
    });
    // A socket that was given up still reports; only the current one is listened to.
    const socket: Socket = this.#options.platform.openSocket(this.#options.url, {
      open: () => this.#heard(socket, { type: "socket-open" }),
      message: (text) => this.#heard(socket, { type: "socket-message", text }),
      close: (code, reason) => {
        ended();
        this.#heard(socket, { type: "socket-closed", code, reason });
      },
    });
    this.#socket = socket;
  }

  #heard(socket: Socket, input: ConnectionInput): void {
    if (socket !== this.#socket) return;
    if (input.type === "socket-closed") this.#socket = undefined;
    this.#driver.handle(input);
  }

  #fetchToken(attempt: number): void {
    askToken(this.#authToken).then(
      (authToken) => this.#driver.handle({ type: "token", attempt, authToken, failed: false }),
      (error: unknown) => {
        this.#options.logger?.warn("no token for the announcement", {
          code: toTransportError(error, "UNAUTHORIZED", "authToken").code,
        });
        this.#driver.handle({ type: "token", attempt, authToken: undefined, failed: true });
      },
    );
  }

  #unreachable(error: unknown): unknown {
    if (!(error instanceof TransportError) || error.code !== "SIGNALING_ERROR") return error;
    const url = printableUrl(this.#options.url);
    const message = `cannot connect to the signaling server at ${url}: ${error.message}`;
    return new TransportError("SIGNALING_ERROR", message, {
      suggestion: `Check that a signaling server runs at ${url} and can be reached from here, or start one with \`npx remotemedia-webrtc signaling\`.`,
      details: { ...error.details, url },
      cause: error,
    });
  }
}

async function askToken(source: Announcement["authToken"]): Promise<string | undefined> {
  if (typeof source !== "function") return source;
  let token: unknown;
  try {
    token = await source();
  } catch (error) {
    throw new TransportError("UNAUTHORIZED", "authToken: the function that supplies it failed", {
      cause: error,
    });
  }
  checkToken(token);
  return token;
}

function toError(what: string, { code, message, details, peerId }: CallFailure): TransportError {
  const facts: JsonObject | undefined = details;
  return new TransportError(code, `${what}: ${message}`, { details: facts, peerId });
}

function checkUrl(url: string): void {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch (cause) {
    throw new TransportError("INVALID_CONFIG", "url: expected an absolute ws: or wss: URL", { cause });
  }
  const { protocol, hash, username, password } = parsed;
  if (protocol !== "ws:" && protocol !== "wss:") {
    throw new TransportError("INVALID_CONFIG", `url: expected ws: or wss:, not ${protocol}`);
  }
  if (hash !== "" || username !== "" || password !== "") {
    throw new TransportError("INVALID_CONFIG", "url: expected neither a fragment nor credentials");
  }
}

function checkTimeout(name: string, value: number | undefined): number {
  const timeoutMs = value ?? DEFAULT_TIMEOUT_MS;
  if (timeoutMs > 0) return timeoutMs;
  throw new TransportError("INVALID_CONFIG", `${name}: expected more than 0 ms, not ${timeoutMs}`);
}

/** Without the query, which may hold a secret. */
function printableUrl(url: string): string {
  return url.replace(/\?.*$/s, "");
}
