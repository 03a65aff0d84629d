// The client's side of the conversation as a machine: requests with their answers, keepalive, and announcing again
// on a socket that came back. Opens no socket and reads no clock.
import type { Machine } from "../runtime/machine.ts";
import { Calls } from "./calls.ts";
import type { PendingCall } from "./calls.ts";
import type {
  CallResult,
  ConnectionInput,
  ConnectionOptions,
  ConnectionOutput,
  DropReason,
} from "./connection-io.ts";
import { Presence } from "./presence.ts";
import type { ClientEvent } from "./presence.ts";
import { announceWire, noticeWire, readAnnounceResult, readFailure, readListResult } from "./protocol.ts";
import { readNotice, requestWire, shorten } from "./protocol.ts";
import type { CallFailure, ClientNotice, ClientRequest, Identity, Notice, WireCall } from "./protocol.ts";
import { encodeNotification, encodeRequest, isObject, parseFrame } from "./rpc.ts";
import type { RpcErrorBody, RpcMember } from "./rpc.ts";
import type { AnnounceResult, SignalingState } from "../platform/signaling-channel.ts";
import { SocketLife, tooManyCalls } from "./socket-life.ts";

/** Silence in either direction after which the server is asked for a sign of life, in ms. */
export const KEEPALIVE_MS = 30_000;

/** Notices kept while reconnecting, as many as the server keeps for us. */
const MAX_KEPT_NOTICES = 100;

/** Longest frame read, in UTF-16 units: what servers of this protocol accept themselves. */
const MAX_FRAME_LENGTH = 1_048_576;

/** Longest batch read. Servers answer batches only, and this client sends none. */
const MAX_BATCH = 32;

/** We give this socket up and mean to come back; 1000 would end the registration at once. */
const CLOSE_GIVEN_UP = 4000;

type Owner =
  | { readonly type: "caller"; readonly call: number; readonly request: ClientRequest }
  | { readonly type: "announce"; readonly call: number | undefined; readonly identity: Identity }
  | { readonly type: "ping" };

/** Keeps one conversation with a signaling server going. */
export class SignalingConnection implements Machine<ConnectionInput, ConnectionOutput> {
  readonly #options: ConnectionOptions;
  readonly #calls: Calls<Owner>;
  readonly #life: SocketLife;
  readonly #outputs: ConnectionOutput[] = [];
  readonly #presence = new Presence();
  readonly #dropped = new Map<DropReason, number>();
  #lastSentMs = 0;
  #lastReceivedMs = 0;
  #pinging = false;
  #registration: { identity: Identity; sessionKey: string } | undefined;
  #secret: string | undefined;
  #kept: string[] = [];
  #nowMs = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#calls = new Calls(options.idPrefix);
    this.#life = new SocketLife(this.#outputs, options.connectTimeoutMs, options.random);
  }

  get state(): SignalingState {
    return this.#life.state;
  }

  /** Times the socket came back after a loss. */
  get reconnects(): number {
    return this.#life.reconnects;
  }

  /** Frames and parts of frames that were ignored, by reason; notices that could not be sent. */
  get dropped(): ReadonlyMap<DropReason, number> {
    return this.#dropped;
  }

  get deadlineMs(): number {
    const keepaliveMs = this.#life.state === "connected" && !this.#pinging ? this.#keepaliveAtMs() : Infinity;
    return Math.min(this.#calls.deadlineMs, this.#life.deadlineMs, keepaliveMs);
  }

  poll(): ConnectionOutput | undefined {
    return this.#outputs.shift();
  }

  handle(input: ConnectionInput | { readonly type: "timeout" }, nowMs: number): void {
    this.#nowMs = nowMs;
    switch (input.type) {
      case "connect":
        return this.#life.connect(input.call, input.timeoutMs, nowMs);
      case "socket-open":
        return this.#opened();
      case "socket-message":
        return this.#received(input.text);
      case "socket-closed":
        return this.#lost(input.code, this.#withhold(input.reason));
      case "request":
        return this.#request(input.call, input.request, input.timeoutMs);
      case "announce":
        return this.#announce(input.call, input.identity, input.authToken, input.timeoutMs);
      case "notify":
        return this.#notify(input.notice);
      case "token":
        return this.#tokenReady(input.attempt, input.authToken, input.failed);
      case "cancel":
        return this.#cancel(input.call);
      case "close":
        return this.#close();
      case "timeout":
        return this.#timeout();
    }
  }

  #opened(): void {
    const which = this.#life.opened();
    if (which === "unexpected") return;
    this.#lastSentMs = this.#lastReceivedMs = this.#nowMs;
    this.#pinging = false;
    if (which === "first" || this.#registration === undefined) return this.#life.ready(this.#nowMs);
    this.#life.announcing(this.#nowMs + this.#options.requestTimeoutMs);
    this.#outputs.push({ type: "need-token", attempt: this.#life.reconnects });
  }

  #tokenReady(attempt: number, authToken: string | undefined, failed: boolean): void {
    if (this.#life.phase !== "announcing" || attempt !== this.#life.reconnects) return;
    if (failed) return this.#giveUp("no token for the announcement");
    if (this.#registration === undefined) return this.#life.ready(this.#nowMs);
    const { identity, sessionKey } = this.#registration;
    this.#secret = authToken;
    const owner = { type: "announce", call: undefined, identity } as const;
    // The phase has the same deadline, and what it does then includes giving up this request.
    this.#ask(owner, announceWire(identity, authToken, sessionKey), Infinity);
  }

  #lost(code: number, reason: string): void {
    const failure: CallFailure = {
      code: code === 4003 ? "UNAUTHORIZED" : "SIGNALING_ERROR",
      message: `the signaling connection was lost (code ${code}${reason === "" ? "" : `: ${reason}`})`,
      details: { closeCode: code },
    };
    for (const { owner } of this.#calls.takeAll()) this.#failOwner(owner, failure);
    if (this.#life.lost(code, reason, failure, this.#nowMs)) this.#end(code, reason, false);
  }

  #end(code: number, reason: string, byCaller: boolean): void {
    this.#forgetRegistration();
    this.#life.end(code, reason, byCaller);
  }

  /** This socket leads nowhere; another one may. */
  #giveUp(reason: string): void {
    this.#outputs.push({ type: "close-socket", code: CLOSE_GIVEN_UP, reason });
    this.#lost(1006, reason);
  }

  #request(call: number, request: ClientRequest, timeoutMs: number): void {
    if (request.type === "leave" && this.#leaveLocally(call)) return;
    if (this.#life.state !== "connected") return this.#fail(call, notConnected());
    this.#presence.sent(request);
    const owner = { type: "caller", call, request } as const;
    if (!this.#ask(owner, requestWire(request), timeoutMs)) this.#refuseCall(call);
  }

  /** Leaving means not to be announced again; without a registration or a socket that is all there is to do. */
  #leaveLocally(call: number): boolean {
    const registered = this.#registration !== undefined;
    this.#forgetRegistration();
    if (registered && this.#life.state === "connected") return false;
    if (this.#life.phase === "announcing") {
      this.#calls.drop((owner) => owner.type === "announce");
      this.#undoAnnounce();
      this.#life.ready(this.#nowMs);
    }
    this.#settle(call, undefined);
    return true;
  }

  #announce(call: number, identity: Identity, authToken: string | undefined, timeoutMs: number): void {
    if (this.#life.state !== "connected") return this.#fail(call, notConnected());
    this.#secret = authToken;
    const owner = { type: "announce", call, identity } as const;
    if (!this.#ask(owner, announceWire(identity, authToken, undefined), timeoutMs)) this.#refuseCall(call);
  }

  #notify(notice: ClientNotice): void {
    this.#presence.sent(notice);
    const { method, params } = noticeWire(notice);
    const text = encodeNotification(method, params);
    if (this.#life.state === "connected") return this.#send(text);
    // Candidates gathered during a short loss still find their exchange when the registration is resumed.
    const keep = this.#registration !== undefined && this.#kept.length < MAX_KEPT_NOTICES;
    if (keep) this.#kept.push(text);
    else this.#drop("not_connected");
  }

  #cancel(call: number): void {
    this.#life.cancel(call);
    this.#calls.drop((owner) => {
      const mine = owner.type !== "ping" && owner.call === call;
      if (mine && owner.type === "announce") this.#undoAnnounce();
      return mine;
    });
  }

  #close(): void {
    this.#outputs.push({ type: "close-socket", code: 1000, reason: "closed by the client" });
    const failure: CallFailure = { code: "SIGNALING_ERROR", message: "the signaling client was closed" };
    for (const { owner } of this.#calls.takeAll()) this.#failOwner(owner, failure);
    this.#life.failWaiting(failure);
    this.#end(1000, "", true);
  }

  #timeout(): void {
    for (const call of this.#calls.takeOverdue(this.#nowMs)) this.#overdue(call);
    if (this.#life.deadlineMs <= this.#nowMs) {
      const reason = this.#life.overdue(this.#nowMs);
      if (reason !== undefined) this.#giveUp(reason);
    }
    if (this.#life.state !== "connected" || this.#pinging || this.#keepaliveAtMs() > this.#nowMs) return;
    this.#pinging = this.#ask(
      { type: "ping" },
      { method: "server.ping", params: {} },
      this.#options.requestTimeoutMs,
    );
    // With no room for another request the answers in flight are the sign of life to wait for.
    if (!this.#pinging) this.#lastSentMs = this.#lastReceivedMs = this.#nowMs;
  }

  #overdue({ owner, method }: PendingCall<Owner>): void {
    if (owner.type === "ping") return this.#giveUp("no answer to server.ping");
    if (owner.type === "announce") this.#undoAnnounce();
    this.#failOwner(owner, { code: "OPERATION_TIMEOUT", message: `${method} was not answered in time` });
  }

  /** Nobody waits for this announcement any more: the server must not keep what it may have registered. */
  #undoAnnounce(): void {
    if (this.#registration === undefined) this.#send(encodeNotification("peer.leave", {}));
  }

  #received(text: string): void {
    this.#lastReceivedMs = this.#nowMs;
    if (text.length > MAX_FRAME_LENGTH) return this.#drop("too_large");
    const frame = parseFrame(text, MAX_BATCH);
    if (frame.type === "unreadable") return this.#drop("malformed");
    for (const member of frame.members) this.#member(member);
  }

  #member(member: RpcMember): void {
    if (member.type === "notification") return this.#notice(readNotice(member.method, member.params));
    if (member.type === "request") return this.#drop("unknown_method");
    if (member.type === "invalid") return this.#drop("malformed");
    const call = this.#calls.take(member.id);
    if (call === undefined) return this.#drop("unmatched_response");
    if (call.owner.type === "ping") this.#pinging = false;
    else if (call.owner.type === "announce") this.#announced(call.owner, call.method, member);
    else this.#answered(call.owner, call.method, member);
  }

  #answered(owner: Owner & { type: "caller" }, method: string, answer: RpcMember): void {
    if (answer.type === "error") return this.#failOwner(owner, readFailure(method, answer.error));
    if (answer.type !== "result" || owner.request.type !== "list") return this.#settle(owner.call, undefined);
    const peers = readListResult(answer.result);
    if (peers === undefined) return this.#failOwner(owner, malformedAnswer(method));
    this.#settle(owner.call, peers);
  }

  #announced(owner: Owner & { type: "announce" }, method: string, answer: RpcMember): void {
    const registered = answer.type === "result" ? readAnnounceResult(answer.result) : undefined;
    if (registered === undefined) {
      const failure =
        answer.type === "error"
          ? readFailure(method, this.#withholdError(answer.error))
          : malformedAnswer(method);
      if (owner.call !== undefined) return this.#fail(owner.call, failure);
      return this.#refusedReturn(failure);
    }
    const { sessionKey, result } = registered;
    this.#registration = { identity: owner.identity, sessionKey };
    if (owner.call === undefined) return this.#returned(result);
    this.#presence.entered(result.peers);
    this.#settle(owner.call, result);
  }

  #refusedReturn(failure: CallFailure): void {
    if (failure.code !== "UNAUTHORIZED" && failure.code !== "VERSION_UNSUPPORTED") {
      return this.#giveUp(failure.message);
    }
    this.#outputs.push({ type: "close-socket", code: 1000, reason: "" });
    this.#life.failWaiting(failure);
    this.#end(4003, failure.message, false);
  }

  #returned(result: AnnounceResult): void {
    this.#life.ready(this.#nowMs);
    this.#emit({ name: "reconnected", value: result });
    for (const event of this.#presence.returned(result)) this.#emit(event);
    const kept = this.#kept;
    this.#kept = [];
    if (!result.resumed) return this.#drop("not_connected", kept.length);
    for (const text of kept) this.#send(text);
  }

  #notice(notice: Notice): void {
    if (notice.type === "unknown") return this.#drop("unknown_method");
    if (notice.type === "malformed") return this.#drop("malformed");
    this.#emit(this.#presence.received(notice));
  }

  #ask(owner: Owner, { method, params }: WireCall, timeoutMs: number): boolean {
    const id = this.#calls.begin(method, owner, this.#nowMs + timeoutMs);
    if (id === undefined) return false;
    this.#send(encodeRequest(id, method, params));
    return true;
  }

  #send(text: string): void {
    this.#lastSentMs = this.#nowMs;
    this.#outputs.push({ type: "send", text });
  }

  #keepaliveAtMs(): number {
    return Math.min(this.#lastSentMs, this.#lastReceivedMs) + KEEPALIVE_MS;
  }

  #forgetRegistration(): void {
    this.#registration = undefined;
    this.#presence.left();
    this.#drop("not_connected", this.#kept.length);
    this.#kept = [];
  }

  #settle(call: number, result: CallResult): void {
    this.#outputs.push({ type: "settled", call, result });
  }

  #fail(call: number, failure: CallFailure): void {
    this.#outputs.push({ type: "failed", call, failure });
  }

  #failOwner(owner: Owner, failure: CallFailure): void {
    if (owner.type !== "ping" && owner.call !== undefined) this.#fail(owner.call, failure);
  }

  #refuseCall(call: number): void {
    this.#fail(call, tooManyCalls());
  }

  #emit(event: ClientEvent): void {
    this.#outputs.push({ type: "event", event });
  }

  #drop(reason: DropReason, count = 1): void {
    if (count > 0) this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + count);
  }

  /** The server's words, unless they repeat the token: errors end up in logs. */
  #withhold(words: string): string {
    return this.#secret !== undefined && words.includes(this.#secret) ? "(withheld)" : shorten(words);
  }

  #withholdError(error: RpcErrorBody): RpcErrorBody {
    const { code, message, data } = error;
    const { reason, peer_id } = isObject(data) ? data : {};
    const words = [message, reason, peer_id].filter((word) => typeof word === "string");
    const repeats = this.#secret !== undefined && words.join("\n").includes(this.#secret);
    return repeats ? { code, message: "(withheld)", data: undefined } : error;
  }
}

function notConnected(): CallFailure {
  return { code: "SIGNALING_ERROR", message: "there is no connection to the signaling server" };
}

function malformedAnswer(method: string): CallFailure {
  return { code: "SIGNALING_ERROR", message: `the server's answer to ${method} makes no sense` };
}
