// What one peer may ask of another over the `control` channel, what comes back, and who decides. Types only.
import type { JsonValue } from "./data.ts";

/** Put another manifest in the place of a session's: JSON or YAML text, or an object that JSON can represent. */
export interface ReconfigureAction {
  readonly type: "reconfigure";
  readonly sessionId: string;
  readonly manifest: string | object;
}

/** Hold a session, or let it go on. */
export interface PauseAction {
  readonly type: "pause" | "resume";
  readonly sessionId: string;
}

/** How a session is, or the transport as a whole. */
export interface StatusAction {
  readonly type: "getStatus";
  readonly sessionId?: string | undefined;
}

/** Are you there, and what time is it? */
export interface PingAction {
  readonly type: "ping";
}

/** Something only the two programs know the meaning of. */
export interface CustomAction {
  readonly type: "custom";
  /** 1 to 64 characters. */
  readonly messageType: string;
  readonly data: JsonValue;
}

/** What somebody has to allow. */
export type AuthorizedAction = ReconfigureAction | PauseAction | StatusAction;

/** What one peer asks of another, or tells it. */
export type ControlAction = AuthorizedAction | PingAction | CustomAction;

/**
 * Says whether a peer may have an action carried out. Anything but true, an exception, or no answer within 10 s is a no.
 */
export type AuthorizeControl = (peerId: string, action: AuthorizedAction) => boolean | Promise<boolean>;

/** Done, or why not: `code` is one of `ERROR_CODES`, or of a later version. */
export type ControlResult =
  | { readonly type: "result"; readonly ok: true }
  | {
      readonly type: "result";
      readonly ok: false;
      readonly error: { readonly code: string; readonly message: string };
    };

/** How a session, or a transport, is. */
export interface ControlStatus {
  readonly type: "status";
  /** Of the session, e.g. `paused`; of the transport when no session was named. */
  readonly state: string;
  /** Ids of the nodes that work, at most 256. */
  readonly activeNodes: readonly string[];
  /** Unix ms of the peer that answers. */
  readonly timestampMs: number;
}

/** Both times of a ping, Unix ms, each by the clock of its own side. */
export interface ControlPong {
  readonly type: "pong";
  readonly pingTimestampMs: number;
  readonly pongTimestampMs: number;
}

/** What comes back, by the action's type; null: nothing does. */
export interface ControlReplies {
  reconfigure: ControlResult;
  pause: ControlResult;
  resume: ControlResult;
  /** A result only when it was refused. */
  getStatus: ControlStatus | ControlResult;
  ping: ControlPong;
  custom: null;
}
