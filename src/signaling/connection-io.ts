// What goes into the client's connection machine and what comes out of it. Types only.
import type { JsonObject } from "../runtime/data.ts";
import type { ClientEvent } from "./presence.ts";
import type { CallFailure, ClientNotice, ClientRequest, Identity } from "./protocol.ts";
import type { AnnounceResult, PeerEntry } from "../platform/signaling-channel.ts";

/** What a request answers; undefined for those that are only acknowledged. */
export type CallResult = AnnounceResult | PeerEntry[] | undefined;

/** What the door tells the machine. `call` numbers are the door's own and never used twice. */
export type ConnectionInput =
  | { readonly type: "connect"; readonly call: number; readonly timeoutMs: number }
  | { readonly type: "socket-open" }
  | { readonly type: "socket-message"; readonly text: string }
  | { readonly type: "socket-closed"; readonly code: number; readonly reason: string }
  | {
      readonly type: "request";
      readonly call: number;
      readonly request: ClientRequest;
      readonly timeoutMs: number;
    }
  | {
      readonly type: "announce";
      readonly call: number;
      readonly identity: Identity;
      readonly authToken: string | undefined;
      readonly timeoutMs: number;
    }
  | { readonly type: "notify"; readonly notice: ClientNotice }
  /** The answer to `need-token`; `failed` gives this attempt up. */
  | {
      readonly type: "token";
      readonly attempt: number;
      readonly authToken: string | undefined;
      readonly failed: boolean;
    }
  | { readonly type: "cancel"; readonly call: number }
  | { readonly type: "close" };

/** What the door has to do. Every `call` ends with exactly one `settled` or `failed`, unless it was canceled. */
export type ConnectionOutput =
  | { readonly type: "open-socket" }
  /** Nothing that this socket still reports matters. */
  | { readonly type: "close-socket"; readonly code: number; readonly reason: string }
  | { readonly type: "send"; readonly text: string }
  | { readonly type: "need-token"; readonly attempt: number }
  | { readonly type: "settled"; readonly call: number; readonly result: CallResult }
  | { readonly type: "failed"; readonly call: number; readonly failure: CallFailure }
  | { readonly type: "event"; readonly event: ClientEvent }
  | {
      readonly type: "log";
      readonly level: "debug" | "info" | "warn";
      readonly message: string;
      readonly fields: JsonObject;
    };

/** What the machine needs to know beforehand. */
export interface ConnectionOptions {
  /** Wait for an answer to requests of the machine's own, in ms. */
  readonly requestTimeoutMs: number;
  /** Wait for a socket to open when coming back, in ms. */
  readonly connectTimeoutMs: number;
  /** Makes request ids unlike those of other clients. */
  readonly idPrefix: string;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Why a frame, or a part of it, was ignored. */
export type DropReason =
  "malformed" | "too_large" | "unmatched_response" | "unknown_method" | "not_connected";
