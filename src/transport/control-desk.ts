// Control actions between this program and its peers: asks and waits for the reply, answers what is asked when that is
// allowed. What an action does is its handlers' business, which connection it takes the mesh's.
import { checkAction } from "../channels/control-actions.ts";
import type { ControlMessage } from "../channels/control-actions.ts";
import type { ControlRefusal } from "../channels/data-channel.ts";
import type { ErrorCode } from "../errors/codes.ts";
import { TransportError, toTransportError } from "../errors/errors.ts";
import type { AnswerControl } from "../peer/live-link.ts";
import { abortError, limited } from "../runtime/call.ts";
import type { CallOptions } from "../runtime/call.ts";
import type {
  AuthorizeControl,
  AuthorizedAction,
  ControlAction,
  ControlPong,
  ControlReplies,
  ControlResult,
  ControlStatus,
} from "../runtime/control-action.ts";
import { uuid4 } from "../runtime/ids.ts";
import type { Clock } from "../runtime/time.ts";
import type { TransportEvents } from "./events.ts";

/** A reply is waited for so long, unless the caller says otherwise. */
const REPLY_TIMEOUT_MS = 10_000;
/** `authorizeControl` may take so long. */
const AUTHORIZE_TIMEOUT_MS = 10_000;
/** Requests of one peer that are worked on at a time: a person at a console has one or two. */
const MAX_UNDER_WORK = 8;

/**
 * What carries out the actions that were allowed. An unknown session is `SESSION_NOT_FOUND`; the asker is told the code
 * and the message of every TransportError, and of other errors only that there was one.
 */
export interface ControlHandlers {
  /** @param manifest as it came: text or an object, not checked yet */
  reconfigure(sessionId: string, manifest: string | object): Promise<void> | void;
  pause(sessionId: string): Promise<void> | void;
  resume(sessionId: string): Promise<void> | void;
  /** @param sessionId undefined: the transport */
  status(sessionId: string | undefined): { state: string; activeNodes: readonly string[] };
}

/** What a {@link ControlDesk} stands on and reports to. */
export interface ControlDeskOptions {
  clock: Clock;
  randomBytes: (length: number) => Uint8Array;
  /** Undefined: peers may ask how things are and change nothing. */
  authorize: AuthorizeControl | undefined;
  handlers: ControlHandlers;
  /** @throws TransportError as `Mesh.connected` and `PeerChannels.sendControl` */
  transmit: (peerId: string, message: ControlMessage) => void;
  onAction: (event: TransportEvents["control"]) => void;
  onFault: (error: TransportError) => void;
}

type Reply = ControlResult | ControlStatus | ControlPong;

/** A call that waits for its reply. */
interface Call {
  readonly peerId: string;
  readonly expected: readonly Reply["type"][];
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: TransportError) => void;
}

const EXPECTED = {
  reconfigure: ["result"],
  pause: ["result"],
  resume: ["result"],
  getStatus: ["status", "result"],
  ping: ["pong"],
} as const satisfies Record<Exclude<ControlAction["type"], "custom">, readonly Reply["type"][]>;

/** Handlers of a transport without sessions. @param state of the transport */
export function withoutSessions(state: () => string): ControlHandlers {
  const refuse = (sessionId: string): never => {
    throw new TransportError("SESSION_NOT_FOUND", `there is no session "${sessionId}"`, { sessionId });
  };
  return {
    reconfigure: refuse,
    pause: refuse,
    resume: refuse,
    status: (sessionId) =>
      sessionId === undefined ? { state: state(), activeNodes: [] } : refuse(sessionId),
  };
}

/** See the header. */
export class ControlDesk {
  readonly #options: ControlDeskOptions;
  readonly #calls = new Map<string, Call>();
  /** Requests under work, by peer. */
  readonly #underWork = new Map<string, number>();
  readonly #end = new AbortController();

  constructor(options: ControlDeskOptions) {
    this.#options = options;
  }

  /** See `WebRtcTransport.sendControl`. */
  async send<Action extends ControlAction>(
    peerId: string,
    action: Action,
    options: CallOptions,
  ): Promise<ControlReplies[Action["type"]]> {
    return (await this.#ask(peerId, action, options)) as ControlReplies[Action["type"]];
  }

  /**
   * Take what came from a peer.
   * @param answer goes back over the connection it came by
   * @returns why it was dropped
   */
  receive(peerId: string, message: ControlMessage, answer: AnswerControl): ControlRefusal | undefined {
    switch (message.type) {
      case "request":
        return this.#take(peerId, message.action, (reply) => {
          answer({ type: "response", requestId: message.requestId, reply });
        });
      case "response":
        return this.#settle(peerId, message.requestId, message.reply);
      case "pong":
        return this.#settle(peerId, pingKey(peerId, message.reply.pingTimestampMs), message.reply);
      case "custom":
        this.#options.onAction({ peerId, action: message.action, allowed: true });
        return undefined;
      case "ping": {
        this.#options.onAction({ peerId, action: { type: "ping" }, allowed: true });
        const pongTimestampMs = this.#wallMs();
        answer({
          type: "pong",
          reply: { type: "pong", pingTimestampMs: message.timestampMs, pongTimestampMs },
        });
        return undefined;
      }
    }
  }

  /** The connection to a peer is no more: nothing it was asked will be answered. */
  release(peerId: string): void {
    const text = `peer "${peerId}" has disconnected and will not reply`;
    const error = new TransportError("PEER_NOT_CONNECTED", text, { peerId });
    this.#rejectCalls(error, (call) => call.peerId === peerId);
  }

  /** Reject what waits for a reply; idempotent. Nothing is answered from now on. */
  close(): void {
    this.#end.abort();
    this.#rejectCalls(new TransportError("ALREADY_SHUTDOWN", "the transport has been shut down"));
  }

  async #ask(peerId: string, action: ControlAction, options: CallOptions): Promise<Reply | null> {
    const { clock, transmit } = this.#options;
    const what = `sendControl("${peerId}")`;
    checkAction(action);
    if (options.signal?.aborted === true) throw abortError(options.signal, what);
    if (action.type === "custom") {
      transmit(peerId, { type: "custom", action });
      return null;
    }
    const [key, message] = this.#request(peerId, action);
    const reply = new Promise<Reply>((resolve, reject) => {
      this.#calls.set(key, { peerId, expected: EXPECTED[action.type], resolve, reject });
    });
    const forget = (): void => void this.#calls.delete(key);
    try {
      transmit(peerId, message);
    } catch (error) {
      forget();
      throw error;
    }
    const timeoutMs = options.timeoutMs ?? REPLY_TIMEOUT_MS;
    return limited(reply, clock, what, { signal: options.signal, timeoutMs }, forget);
  }

  #request(peerId: string, action: Exclude<ControlAction, { type: "custom" }>): [string, ControlMessage] {
    if (action.type !== "ping") {
      const requestId = uuid4(this.#options.randomBytes(16));
      return [requestId, { type: "request", requestId, action }];
    }
    // Its time is all that tells a ping from another one.
    let timestampMs = this.#wallMs();
    while (this.#calls.has(pingKey(peerId, timestampMs))) timestampMs++;
    return [pingKey(peerId, timestampMs), { type: "ping", timestampMs }];
  }

  #settle(peerId: string, key: string, reply: Reply): ControlRefusal | undefined {
    const call = this.#calls.get(key);
    if (call?.peerId !== peerId || !call.expected.includes(reply.type)) return "stray-reply";
    this.#calls.delete(key);
    call.resolve(reply);
    return undefined;
  }

  #take(
    peerId: string,
    action: AuthorizedAction,
    answer: (reply: ControlResult | ControlStatus) => void,
  ): ControlRefusal | undefined {
    const underWork = this.#underWork.get(peerId) ?? 0;
    if (underWork >= MAX_UNDER_WORK) {
      this.#contain(peerId, () => answer(refused("RATE_LIMITED", `${underWork} requests are under work`)));
      return "surplus-request";
    }
    this.#underWork.set(peerId, underWork + 1);
    void this.#serve(peerId, action).then((reply) => {
      const left = (this.#underWork.get(peerId) ?? 1) - 1;
      if (left === 0) this.#underWork.delete(peerId);
      else this.#underWork.set(peerId, left);
      if (!this.#end.signal.aborted) this.#contain(peerId, () => answer(reply));
    });
    return undefined;
  }

  async #serve(peerId: string, action: AuthorizedAction): Promise<ControlResult | ControlStatus> {
    const allowed = await this.#allows(peerId, action);
    // Whoever was still being asked about when the transport ended is not served by what is left of it.
    if (this.#end.signal.aborted) return refused("ALREADY_SHUTDOWN", "the transport has been shut down");
    this.#options.onAction({ peerId, action, allowed });
    if (!allowed) return refused("UNAUTHORIZED", `peer "${peerId}" may not ask for '${action.type}'`);
    try {
      return await this.#perform(action);
    } catch (error) {
      if (error instanceof TransportError) return refused(error.code, error.message);
      this.#options.onFault(toTransportError(error, "INTERNAL_ERROR", `'${action.type}'`, { peerId }));
      return refused("INTERNAL_ERROR", `'${action.type}' failed`);
    }
  }

  async #allows(peerId: string, action: AuthorizedAction): Promise<boolean> {
    const { authorize, clock, onFault } = this.#options;
    if (authorize === undefined) return action.type === "getStatus";
    const { signal } = this.#end;
    try {
      const answer: unknown = await limited(
        Promise.resolve().then(() => authorize(peerId, action)),
        clock,
        "authorizeControl",
        { signal, timeoutMs: AUTHORIZE_TIMEOUT_MS },
      );
      return answer === true;
    } catch (error) {
      if (!signal.aborted) onFault(toTransportError(error, "INTERNAL_ERROR", "authorizeControl", { peerId }));
      return false;
    }
  }

  async #perform(action: AuthorizedAction): Promise<ControlResult | ControlStatus> {
    const { handlers } = this.#options;
    switch (action.type) {
      case "getStatus": {
        const { state, activeNodes } = handlers.status(action.sessionId);
        return { type: "status", state, activeNodes, timestampMs: this.#wallMs() };
      }
      case "reconfigure":
        await handlers.reconfigure(action.sessionId, action.manifest);
        break;
      case "pause":
        await handlers.pause(action.sessionId);
        break;
      case "resume":
        await handlers.resume(action.sessionId);
        break;
    }
    return { type: "result", ok: true };
  }

  #rejectCalls(error: TransportError, concerns: (call: Call) => boolean = () => true): void {
    for (const [key, call] of this.#calls) {
      if (!concerns(call)) continue;
      this.#calls.delete(key);
      call.reject(error);
    }
  }

  // An answer that cannot leave, because the connection has gone or is full, is the asker's timeout.
  #contain(peerId: string, answer: () => void): void {
    try {
      answer();
    } catch (error) {
      this.#options.onFault(
        toTransportError(error, "DATA_CHANNEL_ERROR", "answering a control action", { peerId }),
      );
    }
  }

  // Whole ms: other implementations hold these times as integers.
  #wallMs(): number {
    return Math.floor(this.#options.clock.wallNow());
  }
}

function pingKey(peerId: string, timestampMs: number): string {
  return `${peerId} ${timestampMs}`; // no request id has a space
}

function refused(code: ErrorCode, message: string): ControlResult {
  return { type: "result", ok: false, error: { code, message } };
}
