// What the methods of the server work on and what they come to. Types, and the few ways to make an outcome.
import type { JsonObject } from "../runtime/data.ts";
import type { MemberFault } from "../signaling/messages.ts";
import type { RpcFailure } from "../signaling/rpc.ts";
import type { AuthQuestion } from "./auth.ts";
import type { SignalingLimits } from "./limits.ts";
import type { Registering, Registration, Rooms } from "./rooms.ts";

/** Who calls: one socket. */
export interface Caller {
  readonly connection: number;
  readonly origin: string | undefined;
  registration: Registration | undefined;
}

/** What the methods work on. */
export interface MethodContext {
  readonly rooms: Rooms;
  readonly limits: SignalingLimits;
  readonly name: string;
  readonly version: string;
  /** Whether announcements are put to the authenticate hook. */
  readonly authenticates: boolean;
  /** Monotonic ms. */
  readonly nowMs: number;
  /** Unix ms of the same instant. */
  readonly wallMs: number;
}

/** What a method comes to. */
export type Outcome =
  | { readonly type: "result"; readonly result: JsonObject }
  | { readonly type: "failure"; readonly failure: RpcFailure }
  /** Registered: another socket may have to go, and what was kept follows the reply. */
  | { readonly type: "registered"; readonly result: JsonObject; readonly replaced: number | undefined }
  /** The hook decides; `finishAnnounce` goes on when it has. */
  | { readonly type: "ask"; readonly question: AuthQuestion; readonly request: Registering };

/** It worked. */
export function done(result: JsonObject): Outcome {
  return { type: "result", result };
}

/** It was refused. */
export function failed(failure: RpcFailure): Outcome {
  return { type: "failure", failure };
}

/** It was refused because of its params: all their faults. */
export function invalidParams(faults: readonly MemberFault[]): Outcome {
  const errors = faults.map(({ path, reason }) => ({ path, reason }));
  return failed({ kind: "INVALID_PARAMS", message: "params are missing or wrong", data: { errors } });
}
