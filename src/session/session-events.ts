// What a session tells of itself while it runs. Types only.
import type { TransportError } from "../errors/errors.ts";

/** `created` until its pipeline is ready; `closing` while what is under way is finished. */
export type SessionState = "created" | "active" | "paused" | "closing" | "closed";

/** What has happened. */
export type SessionEventBody =
  | { readonly type: "stateChange"; readonly state: SessionState }
  | { readonly type: "peerAttached" | "peerDetached" | "peerReconnected"; readonly peerId: string }
  /** A node failed on an input; the session goes on. */
  | { readonly type: "nodeError"; readonly error: TransportError }
  | { readonly type: "reconfigured" }
  /** An output that no route names, and nobody reads; told once for each output. */
  | { readonly type: "unrouted"; readonly outputId: string }
  /**
   * The first output that did not reach a peer after one that did. `suspended`: too many in a row, nothing but media is
   * sent to it for 30 s or until it has reconnected.
   */
  | {
      readonly type: "deliveryFailed";
      readonly peerId: string;
      readonly error: TransportError;
      readonly suspended: boolean;
    }
  /** A recording has ended early: an input cannot be recorded, or who takes the bytes threw. */
  | { readonly type: "recordingFailed"; readonly error: TransportError };

/** Something that happened in a session. */
export type SessionEvent = { readonly sessionId: string } & SessionEventBody;
