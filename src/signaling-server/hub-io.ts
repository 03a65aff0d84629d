// What goes into the hub and what comes out of it. Types only.
import type { JsonObject } from "../runtime/data.ts";
import type { AuthQuestion, AuthVerdict } from "./auth.ts";

/** What the network, the hook and the operator tell the hub. */
export type HubInput =
  /** A socket was accepted. `connection` is never used twice. */
  | {
      readonly type: "open";
      readonly connection: number;
      readonly ip: string;
      readonly origin: string | undefined;
    }
  | { readonly type: "message"; readonly connection: number; readonly text: string }
  | { readonly type: "binary"; readonly connection: number }
  | { readonly type: "pong"; readonly connection: number }
  /** The socket is gone; 1000 and 1001 mean that its user is, too (RFC 6455 section 7.4.1). */
  | { readonly type: "close"; readonly connection: number; readonly code: number }
  /** The answer to `authenticate`. */
  | { readonly type: "authenticated"; readonly ticket: number; readonly verdict: AuthVerdict }
  | { readonly type: "kick"; readonly room: string; readonly peerId: string };

/** What the network, the hook and the log are asked to do. */
export type HubOutput =
  | { readonly type: "send"; readonly connection: number; readonly text: string }
  | { readonly type: "ping"; readonly connection: number }
  /** The hub has forgotten the connection already; what it still says is ignored. */
  | { readonly type: "close"; readonly connection: number; readonly code: number; readonly reason: string }
  /** As `close`, for a socket that no longer answers. */
  | { readonly type: "terminate"; readonly connection: number }
  | { readonly type: "authenticate"; readonly ticket: number; readonly question: AuthQuestion }
  /** An exception inside; the client got INTERNAL_ERROR and nothing of this. */
  | { readonly type: "fault"; readonly error: unknown }
  | { readonly type: "log"; readonly message: string; readonly fields: JsonObject };

/** What a hub counts. */
export interface HubStats {
  /** Open sockets. */
  readonly connections: number;
  /** Peers in all rooms, those between two sockets included. */
  readonly peers: number;
  readonly rooms: number;
  /** Text frames since the start. */
  readonly received: number;
  readonly sent: number;
  /** Messages that asked for nothing: stray responses. */
  readonly ignored: number;
  /** Refusals by name, those of notifications included. */
  readonly refused: Readonly<Record<string, number>>;
  /** Sockets the hub closed, by code; 1006 are the terminated ones. */
  readonly closed: Readonly<Record<string, number>>;
}
